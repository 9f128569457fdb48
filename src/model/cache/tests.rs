use super::super::kernels::CachedRows;
use super::*;

fn shape() -> KvShape {
    KvShape { n_head_kv: 2, head_dim_k: 4, head_dim_v: 2 }
}

#[test]
fn rows_stay_where_they_were_written() {
    let mut cache = KvCache::new(&[shape(), shape()], 8, CacheType::F16, CacheType::F32).unwrap();
    cache.layer_mut(1).k.store(1, 3, &[1.0, -2.0, 0.1, 65504.0]);
    cache.layer_mut(1).v.store(0, 7, &[0.1, 3.0]);
    let CachedRows::F16(k) = cache.layer(1).k.head(1) else { panic!("keys are F16") };
    assert_eq!(k[12..16].iter().map(|h| h.to_f32()).collect::<Vec<_>>(), [1.0, -2.0, 0.099975586, 65504.0]);
    let CachedRows::F32(v) = cache.layer(1).v.head(0) else { panic!("values are F32") };
    assert_eq!(v[14..], [0.1, 3.0]);
    let CachedRows::F16(untouched) = cache.layer(0).k.head(1) else { panic!("keys are F16") };
    assert!(untouched.iter().all(|h| h.to_bits() == 0));
}

#[test]
fn truncate_never_grows() {
    let mut cache = KvCache::new(&[shape()], 8, CacheType::F16, CacheType::F16).unwrap();
    cache.advance(5);
    cache.truncate(7);
    assert_eq!(cache.len(), 5);
    cache.truncate(2);
    assert_eq!((cache.len(), cache.bytes_per_token()), (2, 2 * (4 + 2) * 2));
}

#[test]
fn a_cache_that_cannot_be_reserved_is_an_error() {
    let huge = KvShape { n_head_kv: 1 << 20, head_dim_k: 1 << 20, head_dim_v: 1 << 20 };
    assert!(KvCache::new(&[huge], 1 << 20, CacheType::F16, CacheType::F16).is_err());
}
