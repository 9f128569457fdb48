use super::*;
use crate::quant::{block_q8_0, block_q8_1, block_q8_k};

/// Lengths around those of vectors.
const LENGTHS: [usize; 9] = [1, 7, 8, 15, 16, 33, 64, 100, 576];

#[test]
fn rows_of_activations_are_rounded_as_the_formats_say() {
    let mut chance = Chance(23);
    let mut x = chance.values(1024);
    x[300..556].fill(0.0);
    x[600] = 40.0;
    x[601] = -40.0;
    x[900] = -7.0;
    for set in sets() {
        let name = set.tier().name();
        let (mut quants, mut scales, mut sums) = (vec![1i8; 1024], vec![1.0; 32], vec![1i16; 32]);
        let (mut lanes, mut weighted) = (vec![1i32; 256], vec![1.0; 32]);
        set.quantize_by_32(&x, &mut quants, &mut scales, &mut sums, &mut lanes, &mut weighted);
        for (g, values) in x.as_chunks::<32>().0.iter().enumerate() {
            let (plain, summed) = (block_q8_0(values), block_q8_1(values));
            assert_eq!((&quants[g * 32..][..32], scales[g]), (&plain.qs[..], plain.d.to_f32()), "{name} group {g}");
            assert_eq!(weighted[g], summed.s.to_f32(), "{name} group {g}");
            assert_eq!(i32::from(sums[g]), plain.qs.iter().map(|q| i32::from(*q)).sum::<i32>());
            assert_eq!(-lanes[g * 8..][..8].iter().sum::<i32>(), i32::from(sums[g]));
        }
        let (mut scales, mut sums) = (vec![1.0; 4], vec![1i16; 64]);
        set.quantize_by_256(&x, &mut quants, &mut scales, &mut sums);
        for (g, values) in x.as_chunks::<256>().0.iter().enumerate() {
            let block = block_q8_k(values);
            assert_eq!((&quants[g * 256..][..256], scales[g]), (&block.qs[..], block.d), "{name} block {g}");
            assert_eq!(sums[g * 16..][..16], block.bsums, "{name} block {g}");
        }
    }
}

#[test]
fn sums_and_products_of_rows() {
    for set in sets() {
        let mut chance = Chance(29);
        for n in LENGTHS {
            let (a, b) = (chance.values(n), chance.values(n));
            let (sum, abs) = truth(&a, &b.iter().map(|b| f64::from(*b)).collect::<Vec<_>>());
            assert!((f64::from(set.dot(&a, &b)) - sum).abs() <= 1e-6 * abs);
            let mut y = b.clone();
            set.axpy(0.37, &a, &mut y);
            for i in 0..n {
                assert!((y[i] - (0.37 * a[i] + b[i])).abs() < 1e-6);
            }
            assert_eq!(set.max(&a), a.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
        assert_eq!(set.max(&[]), f32::NEG_INFINITY);
    }
}

#[test]
fn exp_is_close_over_its_whole_range() {
    for set in sets() {
        let xs: Vec<f32> = (-8700..=8870).map(|i| i as f32 / 100.0).collect();
        let mut ys = xs.clone();
        set.exp_sum(&mut ys, 0.0);
        for (x, y) in xs.iter().zip(&ys) {
            let want = f64::from(*x).exp();
            assert!((f64::from(*y) - want).abs() <= 3e-7 * want, "exp({x}) = {y}, not {want}");
        }
        let mut ends = [f32::NEG_INFINITY, -200.0, 0.0, 200.0, f32::INFINITY, f32::NAN];
        set.exp_sum(&mut ends, 0.0);
        assert_eq!(ends[..5], [0.0, 0.0, 1.0, f32::INFINITY, f32::INFINITY]);
        assert!(ends[5].is_nan());
    }
}

#[test]
fn softmax_silu_and_norm() {
    for set in sets() {
        let mut chance = Chance(31);
        for n in LENGTHS {
            let x: Vec<f32> = chance.values(n).iter().map(|x| x * 20.0).collect();
            let up = chance.values(n);
            let top = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = x.iter().map(|x| f64::from(x - top).exp()).sum();
            let mut soft = x.clone();
            set.softmax(&mut soft);
            let mut gated = x.clone();
            set.silu_mul(&mut gated, &up);
            let mut normed = vec![0.0; n];
            set.rms_norm(&x, Some(&up), 1e-5, &mut normed);
            let mean: f64 = x.iter().map(|x| f64::from(x * x)).sum::<f64>() / n as f64;
            for i in 0..n {
                let p = f64::from(x[i] - top).exp() / sum;
                assert!((f64::from(soft[i]) - p).abs() <= 1e-6 * p + 1e-38);
                let silu = f64::from(x[i]) / (1.0 + (-f64::from(x[i])).exp()) * f64::from(up[i]);
                assert!((f64::from(gated[i]) - silu).abs() <= 1e-6 * silu.abs() + 1e-30);
                let norm = f64::from(x[i]) / (mean + 1e-5).sqrt() * f64::from(up[i]);
                assert!((f64::from(normed[i]) - norm).abs() <= 1e-6 * norm.abs() + 1e-30);
            }
        }
    }
}

#[test]
fn rope_turns_the_pairs_it_says() {
    for set in sets() {
        let mut chance = Chance(37);
        for half in [1, 3, 8, 32, 33] {
            let angles: Vec<f32> = chance.values(half).iter().map(|x| x * 100.0).collect();
            let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|a| (a.cos(), a.sin())).unzip();
            let head = chance.values(2 * half + 5);
            for (pairs, at) in [(RopePairs::Norm, (2, 1)), (RopePairs::Neox, (1, half))] {
                let mut turned = head.clone();
                set.rope(pairs, &mut turned, &cos, &sin);
                for i in 0..half {
                    let (a, b) = (i * at.0, i * at.0 + at.1);
                    assert!((turned[a] - (head[a] * cos[i] - head[b] * sin[i])).abs() < 1e-6);
                    assert!((turned[b] - (head[a] * sin[i] + head[b] * cos[i])).abs() < 1e-6);
                }
                assert_eq!(turned[2 * half..], head[2 * half..]);
            }
        }
    }
}

#[test]
fn half_precision_there_and_back() {
    let mut chance = Chance(41);
    for set in sets() {
        for n in LENGTHS {
            let x = chance.values(n);
            let want: Vec<half::f16> = x.iter().map(|x| half::f16::from_f32(*x)).collect();
            let mut narrow = vec![half::f16::ZERO; n];
            set.to_f16(&x, &mut narrow);
            assert_eq!(narrow, want);
            let mut back = vec![0.0; n];
            set.from_f16(&narrow, &mut back);
            assert!(back.iter().zip(&want).all(|(a, b)| *a == b.to_f32()));
        }
    }
}

#[test]
fn scores_soften_to_weights_of_what_is_seen() {
    let none = f32::NEG_INFINITY;
    let cases = [(64, 0..64), (64, 0..1), (64, 63..64), (64, 17..49), (64, 5..5), (64, 70..90), (64, 3..900), (48, 7..39), (16, 0..99)];
    for set in sets() {
        let mut chance = Chance(37);
        for ((n, seen), before) in cases.iter().flat_map(|case| [(case, none), (case, -3.5), (case, 60.0)]) {
            let scores: Vec<f32> = chance.values(*n).iter().map(|x| x * 300.0).collect();
            let mut weights = scores.clone();
            let (top, sum) = set.soften(&mut weights, 0.125, seen.clone(), before);
            let scaled = |j: usize| if seen.contains(&j) { scores[j] * 0.125 } else { none };
            assert_eq!(top, (0..*n).map(scaled).fold(before, f32::max), "{seen:?} of {n} after {before}");
            // A difference of some 70 is rounded to 4e-6.
            let want = |j: usize| if scaled(j) == none { 0.0 } else { (f64::from(scaled(j)) - f64::from(top)).exp() };
            for (j, weight) in weights.iter().enumerate() {
                let want = want(j);
                assert!(
                    (f64::from(*weight) - want).abs() <= 1e-5 * want + 2e-38,
                    "{} {n} {seen:?} {j}: {weight}, not {want}",
                    set.tier().name()
                );
            }
            let want: f64 = (0..*n).map(want).sum();
            assert!((f64::from(sum) - want).abs() <= 1e-5 * want + 2e-38, "{sum}, not {want}");
        }
        let mut odd = [1.0; 64];
        (odd[3], odd[4]) = (f32::NAN, none);
        let (top, _) = set.soften(&mut odd, 1.0, 0..64, none);
        assert!(top == 1.0 && odd[3].is_nan() && odd[4] == 0.0 && odd[5] == 1.0, "{odd:?}");
    }
}
