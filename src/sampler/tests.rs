mod chain;
mod dry;
mod numbers;

use super::*;

/// Everything off: the model's own distribution.
fn off() -> Sampling {
    Sampling { temp: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, ..Sampling::default() }
}

/// Logits of these probabilities.
fn logits(probabilities: &[f32]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln()).collect()
}

/// What the chain leaves: ids with their probabilities, likeliest first.
fn left(logits: &[f32], sampling: &Sampling) -> Vec<(u32, f64)> {
    left_after(&mut Sampler::new(sampling, 1, None), logits)
}

fn left_after(sampler: &mut Sampler, logits: &[f32]) -> Vec<(u32, f64)> {
    let mut work = logits.to_vec();
    let mut candidates = Candidates::new(&mut work);
    for step in sampler.sampling.samplers.clone() {
        sampler.apply(step, &mut candidates).unwrap();
    }
    shares(&candidates)
}

fn shares(candidates: &Candidates<'_>) -> Vec<(u32, f64)> {
    let max = candidates.max();
    let weight = |logit: f32| (f64::from(logit - max) / f64::from(candidates.temperature())).exp();
    let all = candidates.top(usize::MAX >> 1);
    let total: f64 = all.iter().map(|c| weight(c.logit)).sum();
    all.iter().map(|c| (c.id, weight(c.logit) / total)).filter(|(_, p)| *p > 1e-37).collect()
}

fn ids(left: &[(u32, f64)]) -> Vec<u32> {
    left.iter().map(|(id, _)| *id).collect()
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
    let mut sampler = Sampler::new(&Sampling { temp: 0.0, ..Sampling::default() }, 1, None);
    assert_eq!(sampler.sample(&[1.0, 3.0, -2.0, 3.0], None).unwrap().id, 1);
    assert_eq!(sampler.sample(&[f32::NEG_INFINITY, f32::NEG_INFINITY, -90.0], None).unwrap().id, 2);
}

fn close(found: &[(u32, f64)], expected: &[(u32, f64)]) {
    let equal = |(a, b): (&(u32, f64), &(u32, f64))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-5;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(equal), "{found:?} is not {expected:?}");
}

/// The numbers are worked out in double precision from the definitions, apart from this code.
#[test]
fn the_rarer_rules_by_hand() {
    let four = logits(&[0.1, 0.4, 0.3, 0.2]);
    // The logits' standard deviation is 0.5206; the others lie 0.55, 1.33 and 2.66 of it below the greatest.
    for (n, expected) in [(1.0, &[1, 2][..]), (1.4, &[1, 2, 3]), (3.0, &[1, 2, 3, 0]), (0.0, &[1, 2, 3, 0]), (-1.0, &[1, 2, 3, 0])] {
        assert_eq!(ids(&left(&four, &Sampling { top_n_sigma: n, ..off() })), expected, "{n} sigma");
    }
    // What is ruled out is not part of the deviation.
    let masked = [f32::NEG_INFINITY, four[0], four[1], four[2], four[3]];
    assert_eq!(ids(&left(&masked, &Sampling { top_n_sigma: 1.0, ..off() })), [2, 3]);
    // The entropy is 1.2799; the surprises 1.204 (of 0.3), 1.609 (0.2), 0.916 (0.4), 2.303 (0.1) are ever farther from it.
    for (p, expected) in [(0.2, &[2][..]), (0.31, &[2, 3]), (0.55, &[1, 2, 3]), (0.95, &[1, 2, 3, 0]), (1.0, &[1, 2, 3, 0])] {
        assert_eq!(ids(&left(&four, &Sampling { typical: p, ..off() })), expected, "typical {p}");
    }
    // Of those that reach the threshold the least likely stays.
    for (threshold, expected) in [(0.05, &[0][..]), (0.15, &[3, 0]), (0.25, &[2, 3, 0]), (0.35, &[1, 2, 3, 0]), (0.51, &[1, 2, 3, 0])] {
        let xtc = Sampling { xtc_probability: 1.0, xtc_threshold: threshold, ..off() };
        assert_eq!(ids(&left(&four, &xtc)), expected, "XTC {threshold}");
    }
    // 0.3 + (1.3 - 0.3) * (1.27985 / ln 4)^2 = 1.15233
    let dynamic = Sampling { temp: 0.8, dynatemp_range: 0.5, dynatemp_exp: 2.0, ..off() };
    close(&left(&four, &dynamic), &[(1, 0.38061376), (2, 0.29652561), (3, 0.20856892), (0, 0.11429170)]);
    // Nothing is left of the temperature where the range is larger and there is no doubt.
    let sure = left(&logits(&[1.0, 1e-30, 1e-30, 1e-30]), &Sampling { temp: 0.8, dynatemp_range: 2.0, ..off() });
    assert_eq!(ids(&sure), [0]);
}

#[test]
fn the_order_of_the_chain_counts() {
    let four = logits(&[0.1, 0.4, 0.3, 0.2]);
    let order = |names| SamplerStep::list(names).unwrap();
    // At half the temperature the shares are 16 : 9 : 4 : 1, and two of them make 0.83.
    let cold_first = Sampling { temp: 0.5, top_p: 0.8, samplers: order("temperature;top_p"), ..off() };
    assert_eq!(ids(&left(&four, &cold_first)), [1, 2]);
    assert_eq!(ids(&left(&four, &Sampling { samplers: order("top_p;temperature"), ..cold_first.clone() })), [1, 2, 3]);
    // A rule that is not in the chain does nothing; one that stands twice acts twice.
    assert_eq!(ids(&left(&four, &Sampling { samplers: order(""), ..cold_first.clone() })), [1, 2, 3, 0]);
    let twice = left(&four, &Sampling { temp: 0.5, samplers: order("temp;temp"), ..off() });
    assert!((twice[0].1 - 256.0 / (256.0 + 81.0 + 16.0 + 1.0)).abs() < 1e-5);
}

#[test]
fn penalties_after_the_temperature_change_what_it_made() {
    let sampling = Sampling { temp: 0.5, presence_penalty: 1.0, samplers: SamplerStep::list("temperature;penalties").unwrap(), ..off() };
    for top_k in [0, 2] {
        let chain = if top_k == 0 { "temperature;penalties" } else { "temperature;top_k;penalties" };
        let sampling = Sampling { top_k, samplers: SamplerStep::list(chain).unwrap(), ..sampling.clone() };
        let mut sampler = Sampler::new(&sampling, 1, None);
        sampler.look_back_on(&[0]);
        // 2 - 1 and 1.6 are left of 1 and 0.8.
        close(&left_after(&mut sampler, &[1.0, 0.8]), &[(1, 0.645656), (0, 0.354344)]);
    }
}

#[test]
fn biases_come_first_and_may_forbid() {
    let bias = |texts: &[&str]| texts.iter().map(|t| LogitBias::parse(t).unwrap()).collect::<Vec<_>>();
    let four = logits(&[0.1, 0.4, 0.3, 0.2]);
    let sampling = Sampling { temp: 0.0, logit_bias: bias(&["1-inf", "3+0.5"]), ..off() };
    assert_eq!(Sampler::new(&sampling, 1, None).sample(&four, None).unwrap().id, 3);
    let outside = Sampling { logit_bias: bias(&["4+1"]), ..off() };
    let error = Sampler::new(&outside, 1, None).sample(&four, None).unwrap_err();
    assert_eq!(error.to_string(), "logit_bias names token 4, and the vocabulary has 4");
    assert_eq!(["1+inf", "x+1", "1", "1+", "-1+2"].map(LogitBias::parse), [None; 5]);
}

/// mu starts at twice tau. The numbers are worked out apart from this code.
#[test]
fn mirostat_by_hand() {
    let four = logits(&[0.1, 0.4, 0.3, 0.2]);
    let sampling = Sampling { mirostat: 2, mirostat_tau: 1.0, top_k: 1, ..off() };
    // Surprises are 1.32 and 1.74 bits for the first two, 2.32 for the next. The chain does not count.
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..50 {
        seen.insert(Sampler::new(&sampling, seed, None).sample(&four, None).unwrap().id);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [1, 2]);
    let mut sampler = Sampler::new(&sampling, 3, None);
    let drawn = sampler.sample(&four, None).unwrap().id;
    let expected = if drawn == 1 { 2.0192645 } else { 1.9777608 };
    assert!((sampler.mirostat.unwrap().mu() - expected).abs() < 1e-6);
    // However small mu has become, the likeliest stays.
    let tight = Sampling { mirostat_tau: 0.0, ..sampling.clone() };
    assert!((0..20).all(|seed| Sampler::new(&tight, seed, None).sample(&four, None).unwrap().id == 1));
    // Version 1: the exponent is 0.774, and 3.19 tokens are kept at mu 2; at mu 0.5 it is 0.83 of one.
    for (tau, expected) in [(1.0, &[1, 2, 3][..]), (0.25, &[1])] {
        let first = Sampling { mirostat: 1, mirostat_tau: tau, ..sampling.clone() };
        let drawn = (0..80).map(|seed| Sampler::new(&first, seed, None).sample(&four, None).unwrap().id);
        assert_eq!(drawn.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(), expected);
    }
    let alone = [f32::NEG_INFINITY, 0.0];
    assert_eq!(Sampler::new(&Sampling { mirostat: 1, ..off() }, 1, None).sample(&alone, None).unwrap().id, 1);
}

/// Logits after penalties on these tokens.
fn penalized(sampling: &Sampling, tokens: impl IntoIterator<Item = u32>, logits: &[f32]) -> Vec<f32> {
    let mut penalties = Penalties::new(sampling);
    tokens.into_iter().for_each(|id| penalties.accept(id));
    let mut work = logits.to_vec();
    penalties.apply(&mut Candidates::new(&mut work)).unwrap();
    work
}

#[test]
fn penalties_by_hand() {
    let sampling = Sampling { repeat_penalty: 2.0, presence_penalty: 0.25, frequency_penalty: 0.5, repeat_last_n: 3, ..off() };
    // The first is forgotten again: three are looked back on.
    let three = penalized(&sampling, [0, 1, 2, 2], &[4.0, 4.0, -4.0, 4.0]);
    assert_eq!(three, [4.0, 2.0 - 0.5 - 0.25, -8.0 - 1.0 - 0.25, 4.0]);
    let all = Sampling { repeat_last_n: -1, ..sampling.clone() };
    let thousand = penalized(&all, std::iter::repeat_n(3, 1000).chain([70_000]), &[1.0; 4]);
    assert_eq!(thousand, [1.0, 1.0, 1.0, 0.5 - 500.0 - 0.25]);
    assert!(Penalties::new(&Sampling { repeat_last_n: 0, ..sampling }).is_off() && Penalties::new(&off()).is_off());
    let zero = Sampling { repeat_penalty: 0.0, ..off() };
    assert_eq!(penalized(&zero, [0, 1], &[f32::NEG_INFINITY, -1.0]), [f32::NEG_INFINITY, 0.0]);
}

#[test]
fn what_is_no_number_is_a_sentence() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for (logits, expected) in [
        (vec![0.0, nan], "the model computed NaN for token 1, which is no weight to choose by"),
        (vec![inf, 0.0], "the model computed inf for token 0, which is no weight to choose by"),
        (vec![0.0, inf, nan], "the model computed inf for 2 of 3 tokens, the first of them 1, which is no weight to choose by"),
        (vec![nan; 600], "the model computed NaN for all 600 tokens, which is no weight to choose by"),
        (vec![f32::NEG_INFINITY; 3], "the model ruled out every token"),
        (vec![], "the model ruled out every token"),
    ] {
        for sampling in [Sampling::default(), off(), Sampling { mirostat: 2, ..off() }] {
            let mut sampler = Sampler::new(&sampling, 1, None);
            assert_eq!(sampler.sample(&logits, Some(3)).unwrap_err().to_string(), expected);
        }
    }
    let mut divided = Sampler::new(&Sampling { repeat_penalty: 0.0, ..off() }, 1, None);
    divided.look_back_on(&[0]);
    let error = divided.sample(&[1.0, 2.0], None).unwrap_err();
    assert_eq!(error.to_string(), "the penalties make inf of the logit of token 0, which is no weight to choose by");
}

#[test]
fn logprobs_are_the_models_own() {
    let sampling = Sampling { temp: 0.0, repeat_penalty: 1.5, ..Sampling::default() };
    let mut sampler = Sampler::new(&sampling, 1, None);
    sampler.look_back_on(&[0]);
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

/// Pearson's statistic of 20,000 draws against the expected distribution.
fn chi_square(sampling: &Sampling, logits: &[f32], seed: u64) -> (f64, usize) {
    const DRAWS: u32 = 20_000;
    let expected = left(logits, sampling);
    let mut sampler = Sampler::new(sampling, seed, None);
    let mut counts = vec![0_u32; logits.len()];
    (0..DRAWS).for_each(|_| counts[sampler.sample(logits, None).unwrap().id as usize] += 1);
    let drawn: u32 = expected.iter().map(|(id, _)| counts[*id as usize]).sum();
    assert_eq!(drawn, DRAWS, "only what the chain leaves is drawn");
    let term = |(id, p): &(u32, f64)| (f64::from(counts[*id as usize]) - p * f64::from(DRAWS)).powi(2) / (p * f64::from(DRAWS));
    (expected.iter().map(term).sum(), expected.len() - 1)
}

#[test]
fn draws_follow_the_weights() {
    let twenty: Vec<f32> = (0..20).map(|i| ((i * 7) % 20) as f32 / 6.0).collect();
    // More than a chunk of the vocabulary, so that whole chunks are skipped.
    let many: Vec<f32> = (0..600).map(|i| if i % 50 == 3 { (i % 70) as f32 / 30.0 } else { -60.0 }).collect();
    let chains = [
        off(),
        Sampling { temp: 1.7, ..off() },
        Sampling { top_k: 9, ..off() },
        Sampling { top_p: 0.8, temp: 0.7, ..off() },
        Sampling { min_p: 0.2, ..off() },
        Sampling { typical: 0.7, dynatemp_range: 0.5, ..off() },
        Sampling::default(),
    ];
    for (seed, sampling) in chains.iter().enumerate() {
        for logits in [&twenty, &many] {
            let (statistic, freedom) = chi_square(sampling, logits, seed as u64);
            // Four standard deviations above its mean; the seeds are fixed, so this does not come and go.
            let freedom = freedom as f64;
            assert!(statistic < freedom + 4.0 * (2.0 * freedom).sqrt(), "{statistic} at {freedom} degrees: {sampling:?}");
        }
    }
}
