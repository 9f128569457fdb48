use super::super::kernels::CachedRows;
use super::super::plan::Cached;
use super::*;
use crate::protocol::CacheType;
use crate::quant::block_q8_0;

fn shape() -> KvShape {
    KvShape::of(Cached::new(2, 4, 2), None)
}

fn cache(shapes: &[KvShape], n_ctx: usize, k: CacheType, v: CacheType) -> KvCache {
    KvCache::new(KvLayout { shapes: shapes.to_vec(), k, v, rows_max: 3 }, n_ctx).unwrap()
}

#[test]
fn rows_stay_where_they_were_written() {
    let mut cache = cache(&[shape(), shape()], 8, CacheType::F16, CacheType::F32);
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
fn blocks_are_those_of_activations_and_short_heads_stay_f16() {
    let shape = KvShape { head_dim_k: 64, head_dim_v: 80, ..shape() };
    let mut cache = cache(&[shape], 4, CacheType::Q8_0, CacheType::Q8_0);
    let values: [f32; 64] = std::array::from_fn(|i| (i as f32 - 20.0) * 0.37);
    cache.layer_mut(0).k.store(1, 2, &values);
    let CachedRows::Q8_0(k) = cache.layer(0).k.head(1) else { panic!("keys are Q8_0") };
    let mut expected = Vec::new();
    values.as_chunks().0.iter().for_each(|x| crate::quant::Block::write(&block_q8_0(x), &mut expected));
    assert_eq!(k[2 * 68..3 * 68], expected);
    assert!(matches!(cache.layer(0).v.head(0), CachedRows::F16(_)));
    assert_eq!(cache.layout().unfit(), [80]);
    assert_eq!(cache.layout().bytes(1), 2 * (2 * 34 + 80 * 2));
}

#[test]
fn truncate_never_grows() {
    let mut cache = cache(&[shape()], 8, CacheType::F16, CacheType::F16);
    cache.advance(5);
    assert_eq!(cache.truncate(7), 5);
    assert_eq!(cache.truncate(2), 2);
    assert_eq!((cache.len(), cache.bytes(), cache.layout().next_bytes(2)), (2, 5 * 24, 24));
}

#[test]
fn a_cache_that_cannot_be_reserved_is_an_error() {
    let huge = KvShape::of(Cached::new(1 << 20, 1 << 20, 1 << 20), None);
    let layout = KvLayout { shapes: vec![huge], k: CacheType::F16, v: CacheType::F16, rows_max: 3 };
    assert!(KvCache::new(layout, 1 << 20).is_err());
}

/// Writes rows of their position's number up to `end`, as passes of three do.
fn write_to(cache: &mut KvCache, end: usize) {
    while cache.len() < end {
        let rows = (end - cache.len()).min(3);
        cache.begin(rows);
        for pos in cache.len()..cache.len() + rows {
            for il in 0..2 {
                (0..2).for_each(|head| cache.layer_mut(il).k.store(head, pos, &[pos as f32; 4]));
            }
        }
        cache.advance(rows);
    }
}

/// The numbers that a token behind the last one would look back at.
fn seen(cache: &KvCache, span: usize) -> Vec<f32> {
    let CachedRows::F32(k) = cache.layer(1).k.head(1) else { panic!("keys are F32") };
    ((cache.len() + 1).saturating_sub(span)..cache.len()).map(|pos| k[pos % (k.len() / 4) * 4]).collect()
}

#[test]
fn a_window_holds_its_span_and_a_pass() {
    let window = KvShape { span: Some(5), ..shape() };
    let mut cache = cache(&[shape(), window], 100, CacheType::F32, CacheType::F32);
    let CachedRows::F32(k) = cache.layer(1).k.head(0) else { panic!("keys are F32") };
    assert_eq!(k.len(), 8 * 4);
    assert_eq!(cache.layout().bytes(100), (100 + 8) * 48);
    assert_eq!((cache.layout().next_bytes(7), cache.layout().next_bytes(8)), (96, 48));
    write_to(&mut cache, 40);
    assert_eq!((cache.bytes(), seen(&cache, 5)), ((40 + 8) * 48, vec![36.0, 37.0, 38.0, 39.0]));
    // A pass that is cancelled has written and leaves what the next one sees.
    cache.begin(3);
    (40..43).for_each(|pos| cache.layer_mut(1).k.store(1, pos, &[-1.0; 4]));
    assert_eq!(seen(&cache, 5), [36.0, 37.0, 38.0, 39.0]);
    assert_eq!(cache.truncate(38), 0, "row 34 was written over");
    write_to(&mut cache, 40);
    // Rows 32 to 39 are left, of which a token at 36 needs those from 32 on.
    assert_eq!(cache.truncate(36), 36);
    assert_eq!(seen(&cache, 5), [32.0, 33.0, 34.0, 35.0]);
    assert_eq!(cache.truncate(35), 0, "row 31 was written over");
    write_to(&mut cache, 6);
    assert_eq!(cache.truncate(2), 2, "nothing was written over yet");
}

#[test]
fn a_mark_is_copied_before_it_is_lost() {
    let window = KvShape { span: Some(5), ..shape() };
    let mut cache = cache(&[shape(), window], 100, CacheType::F32, CacheType::F32);
    write_to(&mut cache, 20);
    cache.mark();
    let without = cache.bytes();
    write_to(&mut cache, 24);
    assert_eq!(cache.bytes() - without, 4 * 48, "no copy while its rows are there");
    write_to(&mut cache, 60);
    assert_eq!(cache.bytes(), (60 + 8) * 48 + 4 * 48);
    assert_eq!(cache.truncate(33), 20);
    assert_eq!(seen(&cache, 5), [16.0, 17.0, 18.0, 19.0]);
    write_to(&mut cache, 50);
    assert_eq!(cache.truncate(20), 20, "more than once");
    assert_eq!(seen(&cache, 5), [16.0, 17.0, 18.0, 19.0]);
    assert_eq!(cache.truncate(19), 0, "the mark is ahead");
}
