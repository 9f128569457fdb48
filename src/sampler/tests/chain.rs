use super::{ids, left, off};
use crate::protocol::{SamplerStep, Sampling};
use crate::sampler::Sampler;
use proptest::prelude::*;

/// The chain as its rules read, in double precision on a sorted list of everything.
fn plain(logits: &[f32], s: &Sampling) -> Vec<(u32, f64)> {
    let mut all: Vec<(u32, f64)> = (0..).zip(logits).filter(|(_, l)| l.is_finite()).map(|(id, l)| (id, f64::from(*l))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for step in &s.samplers {
        one(*step, &mut all, s);
    }
    let p = shares(&all);
    all.iter().zip(p).map(|((id, _), p)| (*id, p)).filter(|(_, p)| *p > 1e-37).collect()
}

fn shares(all: &[(u32, f64)]) -> Vec<f64> {
    let max = all.first().map_or(0.0, |a| a.1);
    let total: f64 = all.iter().map(|(_, l)| (l - max).exp()).sum();
    all.iter().map(|(_, l)| (l - max).exp() / total).collect()
}

fn one(step: SamplerStep, all: &mut Vec<(u32, f64)>, s: &Sampling) {
    let (p, n) = (shares(all), all.len());
    let max = all.first().map_or(0.0, |a| a.1);
    let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    match step {
        SamplerStep::Penalties | SamplerStep::Dry => {}
        SamplerStep::TopK if s.top_k > 0 => all.truncate(s.top_k as usize),
        SamplerStep::TopP if s.top_p < 1.0 => {
            let mut sum = 0.0;
            let reached = p.iter().position(|p| {
                sum += p;
                sum >= f64::from(s.top_p)
            });
            all.truncate(reached.map_or(n, |at| at + 1));
        }
        SamplerStep::MinP if s.min_p > 0.0 => all.retain(|(_, l)| *l - max >= f64::from(s.min_p).ln() - 1e-9),
        SamplerStep::TopNSigma if s.top_n_sigma > 0.0 => {
            let mean = all.iter().map(|a| a.1).sum::<f64>() / n as f64;
            let deviation = (all.iter().map(|a| (a.1 - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            all.retain(|(_, l)| *l >= max - f64::from(s.top_n_sigma) * deviation - 1e-9);
        }
        SamplerStep::TypP if s.typical < 1.0 => {
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|a, b| (-p[*a].ln() - entropy).abs().total_cmp(&(-p[*b].ln() - entropy).abs()).then(a.cmp(b)));
            let mut sum = 0.0;
            let reached = order.iter().position(|at| {
                sum += p[*at];
                sum > f64::from(s.typical)
            });
            order.truncate(reached.map_or(n, |at| at + 1));
            order.sort_unstable();
            *all = order.iter().map(|at| all[*at]).collect();
        }
        SamplerStep::Xtc if s.xtc_probability >= 1.0 && s.xtc_threshold <= 0.5 => {
            let reach = p.iter().filter(|p| **p >= f64::from(s.xtc_threshold)).count();
            all.drain(..reach.saturating_sub(1));
        }
        SamplerStep::Temperature => {
            let share = if n > 1 { entropy / (n as f64).ln() } else { 1.0 };
            let (temp, range) = (f64::from(s.temp), f64::from(s.dynatemp_range));
            let low = (temp - range).max(0.0);
            let moved = low + (temp + range - low) * share.min(1.0).powf(f64::from(s.dynatemp_exp));
            match if range > 0.0 && n > 1 { moved } else { temp } {
                temp if temp > 0.0 => all.iter_mut().for_each(|a| a.1 /= temp),
                _ => all.truncate(1),
            }
        }
        _ => {}
    }
}

fn settings() -> impl Strategy<Value = Sampling> {
    let names = SamplerStep::list(&SamplerStep::names()).unwrap();
    let steps = prop_oneof![1 => Just(names.clone()), 2 => proptest::sample::subsequence(names, 1..9).prop_shuffle()];
    let cuts = (0u32..80, 0.0f32..1.1, -0.1f32..1.0, 0.0f32..1.2, -1.0f32..3.0);
    let rest = (0.0f32..3.0, -1.0f32..1.0, 0.1f32..3.0, any::<bool>(), 0.001f32..0.6);
    (cuts, rest, steps).prop_map(|((top_k, top_p, min_p, typical, top_n_sigma), (temp, range, exp, xtc, threshold), samplers)| Sampling {
        temp,
        top_k,
        top_p,
        min_p,
        typical,
        top_n_sigma,
        dynatemp_range: range.max(0.0),
        dynatemp_exp: exp,
        xtc_probability: f32::from(u8::from(xtc)),
        xtc_threshold: threshold,
        samplers,
        ..off()
    })
}

fn some_logits() -> impl Strategy<Value = Vec<f32>> {
    // Halves, so that there are ties; some ruled out; now and then more than a buffer, or than the longest list.
    let logit = prop_oneof![9 => (-40i32..40).prop_map(|l| l as f32 / 2.0), 1 => Just(f32::NEG_INFINITY)];
    let flat = prop_oneof![9 => (-20i32..20).prop_map(|l| l as f32 / 16.0), 1 => Just(f32::NEG_INFINITY)];
    prop_oneof![
        4 => proptest::collection::vec(logit.clone(), 1..60),
        4 => proptest::collection::vec(logit, 600..1500),
        1 => proptest::collection::vec(flat, 5000..7000),
    ]
    .prop_filter("one at least", |l| l.iter().any(|l| l.is_finite()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_chain_equals_its_rules_on_a_sorted_list(logits in some_logits(), sampling in settings()) {
        let (found, expected) = (left(&logits, &sampling), plain(&logits, &sampling));
        prop_assert_eq!(ids(&found), ids(&expected));
        prop_assert!(found.iter().zip(&expected).all(|(a, b)| (a.1 - b.1).abs() < 1e-5));
        prop_assert!((found.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn stricter_settings_keep_fewer(logits in some_logits(), sampling in settings(), by in 0.0f32..0.5) {
        let alone = |step| Sampling { samplers: vec![step], ..sampling.clone() };
        let n = |s: Sampling| left(&logits, &s).len();
        let (top_p, min_p) = (alone(SamplerStep::TopP), alone(SamplerStep::MinP));
        let stricter = [n(Sampling { top_p: sampling.top_p - by, ..top_p.clone() }), n(Sampling { min_p: sampling.min_p + by, ..min_p.clone() })];
        prop_assert!(stricter[0] <= n(top_p) && stricter[1] <= n(min_p));
    }

    #[test]
    fn a_seed_repeats_itself(logits in some_logits(), sampling in settings(), seed in any::<u64>(), mirostat in 0u8..3) {
        let sampling = Sampling { mirostat, ..sampling };
        let draw = |seed| {
            let mut sampler = Sampler::new(&sampling, seed, None);
            (0..8).map(|_| {
                let id = sampler.sample(&logits, None).unwrap().id;
                sampler.look_back_on(&[id]);
                id
            }).collect::<Vec<_>>()
        };
        prop_assert_eq!(draw(seed), draw(seed));
        let allowed = ids(&plain(&logits, &sampling));
        prop_assert!(mirostat > 0 || draw(seed).iter().all(|id| allowed.contains(id)));
    }
}
