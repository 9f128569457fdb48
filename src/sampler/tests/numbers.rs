use crate::sampler::lanes;

#[test]
fn the_exponential_is_within_two_units_in_the_last_place() {
    let mut worst = 0.0_f64;
    for i in 0..870_000 {
        let x = -(i as f32) / 10_000.0;
        let exact = f64::from(x).exp();
        let unit = exact * f64::from(f32::EPSILON);
        worst = worst.max((f64::from(lanes::exp(x)) - exact).abs() / unit);
    }
    assert!(worst < 2.0, "{worst}");
    assert_eq!([lanes::exp(0.0), lanes::exp(-88.0), lanes::exp(f32::NEG_INFINITY)], [1.0, 0.0, 0.0]);
}

#[test]
fn sums_over_a_vocabulary_equal_plain_ones() {
    let mut logits: Vec<f32> = (0..1003).map(|i| ((i * 37) % 101) as f32 / 7.0 - 9.0).collect();
    logits[500] = f32::NEG_INFINITY;
    let possible: Vec<f64> = logits.iter().filter(|l| l.is_finite()).map(|l| f64::from(*l)).collect();
    let max = possible.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(f64::from(lanes::max(&logits)), max);
    assert_eq!((lanes::count_possible(&logits), lanes::count_wrong(&logits)), (1002, 0));
    let logs = |t: f64| possible.iter().map(move |l| (l - max) / t);
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5 * expected.abs(), "{found} {expected}");
    near(lanes::total(&logits, max as f32, 1.5), logs(1.5).map(f64::exp).sum());
    near(lanes::weighted_logs(&logits, max as f32, 1.5), logs(1.5).map(|x| x * x.exp()).sum());
    let mean = possible.iter().sum::<f64>() / 1002.0;
    let deviation = (possible.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 1002.0).sqrt();
    let (found_mean, found_deviation) = lanes::spread(&logits).unwrap();
    near(found_mean, mean);
    near(found_deviation, deviation);
    assert_eq!(lanes::spread(&[f32::NEG_INFINITY]), None);
}
