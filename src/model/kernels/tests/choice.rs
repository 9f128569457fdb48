//! Attention to chosen and pooled keys, and the scores by which they are chosen.

use super::*;

/// softmax(scale * q·k) · k over some keys, each its own value.
fn truth_over(q: &[f32], keys: &[&[f32]], scale: f32, sink: f32) -> Vec<f64> {
    let scores: Vec<f64> =
        keys.iter().map(|k| f64::from(scale) * q.iter().zip(*k).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>()).collect();
    let top = scores.iter().copied().fold(f64::from(sink), f64::max);
    let sum = scores.iter().map(|s| (s - top).exp()).sum::<f64>() + (f64::from(sink) - top).exp();
    (0..q.len()).map(|d| scores.iter().zip(keys).map(|(s, k)| (s - top).exp() / sum * f64::from(k[d])).sum()).collect()
}

#[test]
fn rows_look_at_the_keys_that_were_chosen_and_at_pooled_ones() {
    let (dim, n_rows, first_pos, ratio, n_head) = (24, 9, 150, 4, 3);
    let n_keys = first_pos + n_rows;
    for set in sets() {
        let compute = Compute::new(set, 2);
        let mut chance = Chance(11);
        let (keys, pooled) = (chance.values(n_keys * dim), chance.values(n_keys / ratio * dim));
        let q = chance.values(n_rows * n_head * dim);
        let sinks = [0.5, -3.0, 2.0];
        let (mut chosen, mut chosen_pooled) = (Chosen::default(), Chosen::default());
        chosen.clear(n_rows, 1, n_keys);
        chosen_pooled.clear(n_rows, 1, n_keys / ratio);
        let mut looked = Vec::new();
        for row in 0..n_rows {
            let pos = first_pos + row;
            // None of a whole block of keys, one of another, and of the last ones some; some may not be seen at all.
            let mut own: Vec<usize> = (66..67).chain((130..n_keys).filter(|_| chance.value() > 0.0)).collect();
            own.iter().for_each(|key| choose(chosen.words_mut(row, 0), *key..key + 1));
            own.retain(|key| *key <= pos && pos < key + 100);
            let mut blocks: Vec<usize> = (0..n_keys / ratio).filter(|_| chance.value() > 0.3).collect();
            blocks.iter().for_each(|key| choose(chosen_pooled.words_mut(row, 0), *key..key + 1));
            blocks.retain(|block| (block + 1) * ratio <= pos + 1);
            looked.push((own, blocks));
        }
        let shape = Attention {
            n_head,
            n_head_kv: 1,
            head_dim_k: dim,
            head_dim_v: dim,
            value_stride: dim,
            scale: 0.7,
            first_pos,
            n_rows,
            seen: Seen::Window(100),
            softcap: None,
            slopes: None,
            sinks: Some(&sinks),
            chosen: Some(&chosen),
            pooled: Some(Pooled { rows: CachedRows::F32(&pooled), ratio, chosen: Some(&chosen_pooled) }),
        };
        let mut out = vec![f32::NAN; q.len()];
        let kv = KvHead { keys: CachedRows::F32(&keys), values: CachedRows::F32(&keys) };
        compute.attend(&shape, |_| kv, (&q, n_head * dim), (&mut out, n_head * dim));
        for (i, (q, got)) in q.chunks_exact(dim).zip(out.chunks_exact(dim)).enumerate() {
            let (own, blocks) = &looked[i / n_head];
            let rows = own.iter().map(|k| &keys[k * dim..][..dim]).chain(blocks.iter().map(|b| &pooled[b * dim..][..dim]));
            let want = truth_over(q, &rows.collect::<Vec<_>>(), shape.scale, sinks[i % n_head]);
            for (got, want) in got.iter().zip(want) {
                assert!((f64::from(*got) - want).abs() < 2e-5, "{} row {}: {got} is not {want}", set.tier().name(), i / n_head);
            }
        }
    }
}

#[test]
fn scores_of_all_keys_agree_with_f64() {
    let (n_head, head_dim, n_rows, n_keys) = (5, 40, 17, 150);
    for set in sets() {
        let compute = Compute::new(set, 2);
        let mut chance = Chance(13);
        let (keys, q) = (chance.values(n_keys * head_dim), chance.values(n_rows * n_head * head_dim));
        let weights = chance.values(n_rows * n_head);
        let product = |row: usize, head: usize, key: usize| -> f64 {
            let q = &q[(row * n_head + head) * head_dim..][..head_dim];
            q.iter().zip(&keys[key * head_dim..]).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum()
        };
        let shape = Index { n_head, head_dim, n_rows, n_keys, keys: CachedRows::F32(&keys), weights: Some(&weights) };
        let mut out = vec![f32::NAN; n_rows * n_keys];
        compute.index(&shape, &q, &mut out);
        let mut each = vec![f32::NAN; n_rows * n_head * n_keys];
        compute.index(&Index { weights: None, ..shape }, &q, &mut each);
        for row in 0..n_rows {
            for key in 0..n_keys {
                let of_head = |h: usize| f64::from(weights[row * n_head + h]) * product(row, h, key).max(0.0);
                let want: f64 = (0..n_head).map(of_head).sum();
                assert!((f64::from(out[row * n_keys + key]) - want).abs() < 2e-5, "{} row {row} key {key}", set.tier().name());
                for head in 0..n_head {
                    let got = f64::from(each[(row * n_head + head) * n_keys + key]);
                    assert!((got - product(row, head, key)).abs() < 2e-5, "{} row {row} head {head} key {key}", set.tier().name());
                }
            }
        }
    }
}
