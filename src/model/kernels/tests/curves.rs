use super::*;

/// Values of a curve beside what f64 says, relative to the largest of it and `floor`.
fn check(which: Curve, xs: &[f32], truth: impl Fn(f64) -> f64, floor: f64) {
    for set in sets() {
        let mut ys = xs.to_vec();
        set.curve(which, &mut ys);
        for (x, y) in xs.iter().zip(&ys) {
            let want = truth(f64::from(*x));
            let off = (f64::from(*y) - want).abs();
            assert!(off <= 5e-7 * want.abs() + floor, "{} {which:?}({x}) = {y}, not {want}", set.tier().name());
        }
    }
}

fn steps(from: i32, to: i32) -> Vec<f32> {
    (from..=to).map(|i| i as f32 / 64.0).collect()
}

#[test]
fn curves_are_close_over_their_whole_ranges() {
    let wide = steps(-5500, 5500);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    check(Curve::Exp, &wide, f64::exp, 1e-37);
    check(Curve::Sigmoid, &wide, sigmoid, 1e-37);
    check(Curve::Silu, &wide, |x| x * sigmoid(x), 1e-35);
    check(Curve::Softplus, &wide, |x| x.exp().ln_1p(), 1e-37);
    check(Curve::Tanh, &wide, f64::tanh, 0.0);
    let tiny: Vec<f32> = (0..40).flat_map(|i| [0.7f32.powi(3 * i), -(0.7f32.powi(3 * i))]).collect();
    check(Curve::Tanh, &tiny, f64::tanh, 0.0);
    check(Curve::Softplus, &tiny, |x| x.exp().ln_1p(), 0.0);
    // The factor that vanishes is a difference: what counts is how it stands to x.
    let gelu = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
    check(Curve::Gelu, &steps(-640, 640), gelu, 2e-6);
}

#[test]
fn curves_end_where_numbers_do() {
    let ends = [f32::NEG_INFINITY, -200.0, 200.0, f32::INFINITY];
    let cases = [
        (Curve::Exp, [0.0, 0.0, f32::INFINITY, f32::INFINITY]),
        (Curve::Sigmoid, [0.0, 0.0, 1.0, 1.0]),
        (Curve::Softplus, [0.0, 0.0, 200.0, f32::INFINITY]),
        (Curve::Tanh, [-1.0, -1.0, 1.0, 1.0]),
    ];
    for set in sets() {
        for (which, want) in cases {
            let mut x = ends;
            set.curve(which, &mut x);
            assert_eq!(x, want, "{which:?}");
            let mut none = [f32::NAN; 17];
            set.curve(which, &mut none);
            assert!(none.iter().all(|x| x.is_nan()), "{which:?}");
        }
    }
}

#[test]
fn gelu_is_rounded_as_the_reference_rounds_it() {
    let gelu = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
    for set in sets() {
        let xs: Vec<f32> = (-1100..=1100).map(|i| i as f32 / 97.0).collect();
        let mut ys = xs.clone();
        set.gelu(&mut ys);
        for (x, y) in xs.iter().zip(&ys) {
            let of_half = half::f16::from_f64(gelu(half::f16::from_f32(*x).to_f64()));
            let (want, step) = match *x {
                x if set.is_exact() => (gelu(f64::from(x)), 2e-6),
                x if x <= -10.0 => (0.0, 0.0),
                x if x >= 10.0 => (f64::from(x), 0.0),
                // Half precision's step, and where x is far below zero what single precision leaves of 1 + tanh.
                _ => (of_half.to_f64(), f64::from(half::f16::EPSILON) * of_half.to_f64().abs() + 5e-7),
            };
            assert!((f64::from(*y) - want).abs() <= step, "gelu({x}) = {y}, not {want}");
        }
    }
}

#[test]
fn rows_times_rows() {
    for set in sets() {
        let mut chance = Chance(43);
        for n in [1, 15, 16, 33, 100] {
            let (a, b, y) = (chance.values(n), chance.values(n), chance.values(n));
            let [mut times, mut sum, mut near] = [y.clone(), y.clone(), y.clone()];
            set.multiply(&mut times, &a);
            set.multiply_add(&mut sum, &a, &b);
            set.approach(&mut near, &a, &b);
            for i in 0..n {
                assert_eq!(times[i], y[i] * a[i]);
                assert!((sum[i] - (y[i] + a[i] * b[i])).abs() < 1e-6);
                assert!((near[i] - (y[i] + b[i] * (a[i] - y[i]))).abs() < 1e-6);
            }
        }
    }
}
