use super::*;
use half::f16;

struct Case {
    shape: Attention<'static>,
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    q: Vec<f32>,
}

impl Case {
    fn new(chance: &mut Chance, shape: Attention<'static>) -> Self {
        let n_keys = shape.first_pos + shape.n_rows;
        let rounded = |x: Vec<f32>| x.into_iter().map(|x| f16::from_f32(x).to_f32()).collect();
        let keys = (0..shape.n_head_kv).map(|_| rounded(chance.values(n_keys * shape.head_dim_k))).collect();
        let values = (0..shape.n_head_kv).map(|_| rounded(chance.values(n_keys * shape.head_dim_v))).collect();
        let q = chance.values(shape.n_rows * shape.n_head * shape.head_dim_k).iter().map(|x| x * 4.0).collect();
        Self { shape, keys, values, q }
    }

    fn run(&self, compute: &Compute, half: bool) -> Vec<f32> {
        let s = self.shape;
        let narrow = |rows: &[Vec<f32>]| -> Vec<Vec<f16>> { rows.iter().map(|r| r.iter().map(|x| f16::from_f32(*x)).collect()).collect() };
        let (keys, values) = (narrow(&self.keys), narrow(&self.values));
        let mut out = vec![f32::NAN; s.n_rows * s.n_head * s.head_dim_v];
        let head = |i: usize| match half {
            true => KvHead { keys: CachedRows::F16(&keys[i]), values: CachedRows::F16(&values[i]) },
            false => KvHead { keys: CachedRows::F32(&self.keys[i]), values: CachedRows::F32(&self.values[i]) },
        };
        compute.attend(&s, head, (&self.q, s.n_head * s.head_dim_k), (&mut out, s.n_head * s.head_dim_v));
        out
    }

    fn truth(&self) -> Vec<f64> {
        let s = self.shape;
        let mut out = Vec::new();
        for row in 0..s.n_rows {
            for h in 0..s.n_head {
                let kv = h / (s.n_head / s.n_head_kv);
                let q = &self.q[(row * s.n_head + h) * s.head_dim_k..][..s.head_dim_k];
                let pos = s.first_pos + row;
                let first = s.seen.by(pos).start;
                let scores: Vec<f64> = (first..=pos)
                    .map(|i| {
                        let k = &self.keys[kv][i * s.head_dim_k..][..s.head_dim_k];
                        let score = f64::from(s.scale) * truth(k, &q.iter().map(|q| f64::from(*q)).collect::<Vec<_>>()).0;
                        let score = s.softcap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh());
                        score - s.slopes.map_or(0.0, |slopes| f64::from(slopes[h]) * (pos - i) as f64)
                    })
                    .collect();
                let sink = s.sinks.map_or(f64::NEG_INFINITY, |sinks| f64::from(sinks[h]));
                let top = scores.iter().copied().fold(sink, f64::max);
                let sum: f64 = scores.iter().map(|x| (x - top).exp()).sum::<f64>() + (sink - top).exp();
                for d in 0..s.head_dim_v {
                    let v = |i: usize| f64::from(self.values[kv][(first + i) * s.head_dim_v + d]);
                    out.push(scores.iter().enumerate().map(|(i, x)| (x - top).exp() / sum * v(i)).sum());
                }
            }
        }
        out
    }
}

fn shape(n_head: usize, n_head_kv: usize, dim: usize, first_pos: usize, n_rows: usize) -> Attention<'static> {
    let scale = 1.0 / (dim as f32).sqrt();
    let (head_dim_k, head_dim_v) = (dim, dim);
    Attention {
        n_head,
        n_head_kv,
        head_dim_k,
        head_dim_v,
        value_stride: head_dim_v,
        scale,
        first_pos,
        n_rows,
        seen: Seen::All,
        softcap: None,
        slopes: None,
        sinks: None,
        chosen: None,
        pooled: None,
    }
}

#[test]
fn all_shapes_agree_with_f64() {
    let shapes = [
        shape(4, 2, 64, 0, 1),
        shape(4, 1, 64, 63, 1),
        shape(4, 4, 64, 64, 1),
        shape(6, 2, 80, 200, 3),
        shape(8, 2, 32, 0, 90),
        shape(3, 1, 24, 130, 70),
        shape(2, 1, 128, 5, 33),
        Attention { seen: Seen::Window(40), ..shape(4, 2, 64, 150, 20) },
        Attention { seen: Seen::Window(1), ..shape(2, 2, 16, 0, 5) },
        Attention { seen: Seen::Chunk(64), ..shape(2, 1, 16, 120, 20) },
        Attention { softcap: Some(5.0), ..shape(4, 2, 64, 100, 2) },
        Attention { slopes: Some(&[0.25, 0.0625]), ..shape(2, 1, 16, 70, 9) },
        Attention { slopes: Some(&[0.5, 0.1]), softcap: Some(5.0), ..shape(2, 1, 16, 70, 3) },
        Attention { sinks: Some(&[0.5, -3.0, 9.0, 1.0]), ..shape(4, 2, 16, 66, 9) },
        Attention { head_dim_v: 48, value_stride: 48, ..shape(4, 2, 72, 77, 9) },
        // Few rows over several parts of the context, whole registers and not.
        shape(7, 1, 64, 2500, 3),
        shape(2, 2, 20, 1100, 1),
        Attention { seen: Seen::Window(300), sinks: Some(&[0.5, -3.0, 9.0]), ..shape(3, 1, 40, 1200, 8) },
        Attention { head_dim_v: 100, value_stride: 100, slopes: Some(&[0.01, 0.002]), ..shape(2, 1, 12, 1023, 2) },
    ];
    for set in sets() {
        let compute = Compute::new(set, 2);
        let mut chance = Chance(43);
        for shape in shapes {
            let case = Case::new(&mut chance, shape);
            let want = case.truth();
            for half in [false, true] {
                for (i, (got, want)) in case.run(&compute, half).iter().zip(&want).enumerate() {
                    assert!((f64::from(*got) - want).abs() < 2e-5, "{} {shape:?} value {i}: {got} is not {want}", set.tier().name());
                }
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_its_batch() {
    for set in sets() {
        let compute = Compute::new(set, 2);
        let mut chance = Chance(47);
        for (seen, first_pos) in
            [(Seen::All, 120), (Seen::Window(50), 120), (Seen::Chunk(40), 120), (Seen::All, 2044), (Seen::Window(900), 1020)]
        {
            let case = Case::new(&mut chance, Attention { seen, ..shape(4, 2, 64, first_pos, 8) });
            let together = case.run(&compute, true);
            let width = 4 * 64;
            for row in 0..8 {
                let alone = Case {
                    shape: Attention { first_pos: first_pos + row, n_rows: 1, ..case.shape },
                    keys: case.keys.clone(),
                    values: case.values.clone(),
                    q: case.q[row * width..][..width].to_vec(),
                };
                assert_eq!(alone.run(&compute, true), together[row * width..][..width], "row {row}");
            }
        }
    }
}

/// Rows of positions laid into a ring of `n_rows`, the newest of them.
fn in_ring(rows: &[f32], dim: usize, n_rows: usize) -> Vec<f32> {
    let mut ring = vec![0.0; n_rows * dim];
    rows.chunks_exact(dim).enumerate().for_each(|(pos, row)| ring[pos % n_rows * dim..][..dim].copy_from_slice(row));
    ring
}

#[test]
fn rows_of_a_window_may_lie_in_a_ring() {
    for set in sets() {
        let compute = Compute::new(set, 2);
        let mut chance = Chance(59);
        let many = [(Seen::Window(40), 60), (Seen::Window(40), 100), (Seen::Chunk(64), 84), (Seen::Window(1), 21)].map(|case| (case, 20));
        let few = [(Seen::Window(40), 60), (Seen::Window(90), 100), (Seen::Chunk(64), 84)].map(|case| (case, 3));
        for ((seen, n_rows), n) in many.into_iter().chain(few) {
            let case = Case::new(&mut chance, Attention { seen, ..shape(4, 2, 64, 150, n) });
            let rings = |heads: &[Vec<f32>]| -> Vec<Vec<f32>> { heads.iter().map(|rows| in_ring(rows, 64, n_rows)).collect() };
            let ringed = Case { keys: rings(&case.keys), values: rings(&case.values), q: case.q.clone(), shape: case.shape };
            assert_eq!(ringed.run(&compute, false), case.run(&compute, false), "{seen:?} in {n_rows} rows");
        }
    }
}

fn attended<'a>(compute: &Compute, case: &Case, head: impl Fn(usize) -> KvHead<'a> + Sync) -> Vec<f32> {
    let s = case.shape;
    let mut out = vec![f32::NAN; s.n_rows * s.n_head * s.head_dim_v];
    compute.attend(&s, head, (&case.q, s.n_head * s.head_dim_k), (&mut out, s.n_head * s.head_dim_v));
    out
}

#[test]
fn blocks_in_the_cache_are_the_numbers_they_stand_for() {
    let shapes = [
        shape(4, 2, 64, 70, 3),
        Attention { head_dim_v: 32, value_stride: 32, ..shape(2, 1, 96, 130, 20) },
        // Values that are the first part of the keys, and no whole blocks of them.
        Attention { head_dim_v: 40, value_stride: 64, ..shape(2, 1, 64, 65, 9) },
    ];
    for set in sets() {
        let compute = Compute::new(set, 2);
        let mut chance = Chance(61);
        for shape in shapes {
            let case = Case { shape, ..Case::new(&mut chance, Attention { head_dim_v: shape.value_stride, ..shape }) };
            let blocks = |rows: &Vec<f32>| -> Vec<u8> {
                let mut bytes = Vec::new();
                rows.as_chunks().0.iter().for_each(|x| crate::quant::Block::write(&crate::quant::block_q8_0(x), &mut bytes));
                bytes
            };
            let numbers = |bytes: &Vec<u8>| floats(GgmlType::Q8_0, bytes, bytes.len() / 34 * 32);
            let keys: Vec<_> = case.keys.iter().map(blocks).collect();
            let values: Vec<_> =
                if shape.value_stride == shape.head_dim_v { case.values.iter().map(blocks).collect() } else { keys.clone() };
            let (wide_keys, wide_values): (Vec<_>, Vec<_>) = (keys.iter().map(numbers).collect(), values.iter().map(numbers).collect());
            let found = attended(&compute, &case, |i| KvHead { keys: CachedRows::Q8_0(&keys[i]), values: CachedRows::Q8_0(&values[i]) });
            let expected =
                attended(&compute, &case, |i| KvHead { keys: CachedRows::F32(&wide_keys[i]), values: CachedRows::F32(&wide_values[i]) });
            assert_eq!(found, expected, "{} {shape:?}", set.tier().name());
        }
    }
}
