use super::*;
use proptest::prelude::*;

/// Everything off: the model's own distribution.
fn off() -> Sampling {
    Sampling {
        temp: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repeat_last_n: 64,
        repeat_penalty: 1.0,
        presence_penalty: 0.0,
        frequency_penalty: 0.0,
        seed: None,
    }
}

/// Logits of these probabilities.
fn logits(probabilities: &[f32]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln()).collect()
}

/// What the chain leaves: ids with their probabilities, likeliest first.
fn left(logits: &[f32], sampling: &Sampling) -> Vec<(u32, f64)> {
    let mut candidates = Candidates::new(logits);
    CHAIN.iter().for_each(|link| (link.apply)(&mut candidates, sampling));
    let mut all = Vec::new();
    candidates.weights(|id, weight| {
        all.push((id, weight));
        false
    });
    let total: f64 = all.iter().map(|(_, w)| w).sum();
    all.retain(|(_, w)| *w > 0.0);
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.iter().map(|(id, w)| (*id, w / total)).collect()
}

fn ids(left: &[(u32, f64)]) -> Vec<u32> {
    left.iter().map(|(id, _)| *id).collect()
}

/// The chain as its rules read, on a sorted list of everything.
fn plain(logits: &[f32], s: &Sampling) -> Vec<(u32, f64)> {
    let mut all: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).filter(|(_, l)| l.is_finite()).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    if s.top_k > 0 {
        all.truncate(s.top_k as usize);
    }
    let max = all.first().map_or(0.0, |a| a.1);
    if s.top_p < 1.0 {
        let weights: Vec<f64> = all.iter().map(|(_, l)| f64::from((l - max).exp())).collect();
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let n = weights.iter().take_while(|w| {
            let short = sum < f64::from(s.top_p) * total;
            sum += **w;
            short
        });
        let n = n.count();
        all.truncate(n.max(1));
    }
    if s.min_p > 0.0 {
        all.retain(|(_, l)| *l >= max + s.min_p.ln());
    }
    if s.temp <= 0.0 {
        all.truncate(1);
    }
    let temp = if s.temp > 0.0 { s.temp } else { 1.0 };
    let weights: Vec<f64> = all.iter().map(|(_, l)| f64::from(((l - max) / temp).exp())).collect();
    let total: f64 = weights.iter().sum();
    all.iter().zip(weights).filter(|(_, w)| *w > 0.0).map(|((id, _), w)| (*id, w / total)).collect()
}

#[test]
fn each_rule_by_hand() {
    let four = logits(&[0.1, 0.4, 0.3, 0.2]);
    assert_eq!(ids(&left(&four, &off())), [1, 2, 3, 0]);
    assert_eq!(ids(&left(&four, &Sampling { top_k: 2, ..off() })), [1, 2]);
    assert_eq!(ids(&left(&four, &Sampling { top_k: 9, ..off() })), [1, 2, 3, 0]);
    // The fewest whose sum is at least p; one even for 0. (llama.cpp tests/test-sampling.cpp has the like.)
    for (p, expected) in [(0.0, &[1][..]), (0.39, &[1]), (0.65, &[1, 2]), (0.75, &[1, 2, 3]), (0.95, &[1, 2, 3, 0]), (1.0, &[1, 2, 3, 0])] {
        assert_eq!(ids(&left(&four, &Sampling { top_p: p, ..off() })), expected, "top-p {p}");
    }
    // At least p times 0.4.
    for (p, expected) in [(0.0, &[1, 2, 3, 0][..]), (0.24, &[1, 2, 3, 0]), (0.26, &[1, 2, 3]), (0.51, &[1, 2]), (0.76, &[1]), (1.0, &[1])] {
        assert_eq!(ids(&left(&four, &Sampling { min_p: p, ..off() })), expected, "min-p {p}");
    }
    // The shares are taken after top-k: of 0.4 and 0.3, the first alone is 0.571.
    assert_eq!(ids(&left(&four, &Sampling { top_k: 2, top_p: 0.55, ..off() })), [1]);
    // At half the temperature weights are squared: 16 : 9 : 4 : 1.
    let squared = left(&four, &Sampling { temp: 0.5, ..off() });
    assert!((squared[0].1 - 16.0 / 30.0).abs() < 1e-6 && (squared[3].1 - 1.0 / 30.0).abs() < 1e-6);
    // Temperature comes last: it does not change who is there.
    assert_eq!(ids(&left(&four, &Sampling { temp: 50.0, top_p: 0.65, ..off() })), [1, 2]);
}

#[test]
fn at_temperature_zero_the_first_of_the_greatest_wins() {
    let mut sampler = Sampler::new(&Sampling { temp: 0.0, ..Sampling::default() }, 1);
    assert_eq!(sampler.sample(&[1.0, 3.0, -2.0, 3.0], None).unwrap().id, 1);
    assert_eq!(sampler.sample(&[f32::NEG_INFINITY, f32::NEG_INFINITY, -90.0], None).unwrap().id, 2);
}

#[test]
fn penalties_by_hand() {
    let sampling = Sampling { repeat_penalty: 2.0, presence_penalty: 0.25, frequency_penalty: 0.5, repeat_last_n: 3, ..off() };
    let mut penalties = Penalties::new(&sampling);
    // The first is forgotten again: three are looked back on.
    [0, 1, 2, 2].into_iter().for_each(|id| penalties.accept(id));
    let mut logits = [4.0, 4.0, -4.0, 4.0];
    penalties.apply(&mut logits);
    assert_eq!(logits, [4.0, 2.0 - 0.5 - 0.25, -8.0 - 1.0 - 0.25, 4.0]);
    let mut all = Penalties::new(&Sampling { repeat_last_n: -1, ..sampling });
    (0..1000).for_each(|_| all.accept(3));
    all.accept(70_000);
    let mut logits = [1.0; 4];
    all.apply(&mut logits);
    assert_eq!(logits, [1.0, 1.0, 1.0, 0.5 - 500.0 - 0.25]);
    assert!(Penalties::new(&Sampling { repeat_last_n: 0, ..sampling }).is_off() && Penalties::new(&off()).is_off());
}

#[test]
fn what_is_no_number_is_a_sentence() {
    let mut sampler = Sampler::new(&Sampling::default(), 1);
    for (logits, expected) in [
        (vec![0.0, f32::NAN], "the model computed NaN for token 1, which is no weight to choose by"),
        (vec![f32::INFINITY, 0.0], "the model computed inf for token 0, which is no weight to choose by"),
        (vec![f32::NEG_INFINITY; 3], "the model ruled out every token"),
        (vec![], "the model ruled out every token"),
    ] {
        assert_eq!(sampler.sample(&logits, Some(3)).unwrap_err().to_string(), expected);
        let mut plain = Sampler::new(&off(), 1);
        assert_eq!(plain.sample(&logits, None).unwrap_err().to_string(), expected);
    }
    let mut divided = Sampler::new(&Sampling { repeat_penalty: 0.0, ..off() }, 1);
    divided.accept(0);
    assert!(divided.sample(&[1.0, 2.0], None).is_err());
}

#[test]
fn logprobs_are_the_models_own() {
    let sampling = Sampling { temp: 0.0, repeat_penalty: 1.5, ..Sampling::default() };
    let mut sampler = Sampler::new(&sampling, 1);
    sampler.accept(0);
    let out = sampler.sample(&[1.0, 0.9, -1.0], Some(2)).unwrap();
    let sum = 1f64.exp() + 0.9f64.exp() + (-1f64).exp();
    assert_eq!(out.id, 1, "the first is penalized");
    assert!((f64::from(out.logprob.unwrap()) - (0.9 - sum.ln())).abs() < 1e-6);
    assert_eq!(out.top.iter().map(|t| t.id).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(sampler.sample(&[1.0, 0.9, -1.0], None).unwrap().logprob, None);
    assert_eq!(logprob(&[0.0], 5), f32::NEG_INFINITY);
}

#[test]
fn the_generator_is_the_published_one() {
    // xoshiro256plusplus.c, seeded by splitmix64.c from 0.
    let mut rng = super::Rng::new(0);
    assert_eq!([rng.next(), rng.next()], [0x53175D61490B23DF, 0x61DA6F3DC380D507]);
}

#[test]
fn draws_follow_the_weights() {
    let four = logits(&[0.1, 0.4, 0.3, 0.2]);
    for sampling in [off(), Sampling { top_k: 4, ..off() }, Sampling { min_p: 0.01, ..off() }] {
        let mut sampler = Sampler::new(&sampling, 7);
        let mut counts = [0u32; 4];
        (0..20_000).for_each(|_| counts[sampler.sample(&four, None).unwrap().id as usize] += 1);
        for (count, expected) in counts.into_iter().zip([2000, 8000, 6000, 4000]) {
            assert!(count.abs_diff(expected) < 300, "{counts:?}");
        }
    }
}

fn settings() -> impl Strategy<Value = Sampling> {
    (0.0f32..3.0, 0u32..80, 0.0f32..1.1, -0.1f32..1.0).prop_map(|(temp, top_k, top_p, min_p)| Sampling {
        temp,
        top_k,
        top_p,
        min_p,
        ..off()
    })
}

fn some_logits() -> impl Strategy<Value = Vec<f32>> {
    // Halves, so that there are ties; some ruled out; now and then more than a buffer full.
    let logit = prop_oneof![9 => (-40i32..40).prop_map(|l| l as f32 / 2.0), 1 => Just(f32::NEG_INFINITY)];
    prop_oneof![proptest::collection::vec(logit.clone(), 1..60), proptest::collection::vec(logit, 600..1500)]
        .prop_filter("one at least", |l| l.iter().any(|l| l.is_finite()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_chain_equals_its_rules_on_a_sorted_list(logits in some_logits(), sampling in settings()) {
        let (found, expected) = (left(&logits, &sampling), plain(&logits, &sampling));
        prop_assert_eq!(ids(&found), ids(&expected));
        prop_assert!(found.iter().zip(&expected).all(|(a, b)| (a.1 - b.1).abs() < 1e-6));
        prop_assert!((found.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn stricter_settings_keep_fewer(logits in some_logits(), sampling in settings(), by in 0.0f32..0.5) {
        let n = |s: Sampling| left(&logits, &s).len();
        let lower_p = n(Sampling { top_p: sampling.top_p - by, ..sampling });
        let higher_p = n(Sampling { min_p: sampling.min_p + by, ..sampling });
        let lower_k = n(Sampling { top_k: sampling.top_k.max(2) - 1, ..sampling });
        prop_assert!(lower_p <= n(sampling) && higher_p <= n(sampling));
        prop_assert!(lower_k <= n(sampling) || sampling.top_k < 2);
    }

    #[test]
    fn a_seed_repeats_itself(logits in some_logits(), sampling in settings(), seed in any::<u64>()) {
        let draw = |seed| {
            let mut sampler = Sampler::new(&sampling, seed);
            (0..8).map(|_| {
                let id = sampler.sample(&logits, None).unwrap().id;
                sampler.accept(id);
                id
            }).collect::<Vec<_>>()
        };
        prop_assert_eq!(draw(seed), draw(seed));
        let allowed = ids(&plain(&logits, &sampling));
        prop_assert!(draw(seed).iter().all(|id| allowed.contains(id)));
    }
}
