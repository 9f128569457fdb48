use super::{close, left_after, logits, off};
use crate::protocol::{SamplerStep, Sampling};
use crate::sampler::Sampler;
use crate::sampler::dry::Breakers;
use proptest::prelude::*;

fn dry(multiplier: f32, allowed: u32, last_n: i32) -> Sampling {
    Sampling {
        dry_multiplier: multiplier,
        dry_base: 1.1,
        dry_allowed_length: allowed,
        dry_penalty_last_n: last_n,
        samplers: vec![SamplerStep::Dry],
        ..off()
    }
}

fn after(sampling: &Sampling, breakers: &[&[u32]], tokens: &[u32], n: usize) -> Vec<(u32, f64)> {
    let mut sampler = Sampler::new(sampling, 1, None);
    sampler.dry.set_breakers(table(breakers));
    sampler.look_back_on(tokens);
    left_after(&mut sampler, &logits(&vec![1.0 / n as f32; n]))
}

fn table(breakers: &[&[u32]]) -> Breakers {
    let mut found = Breakers::new();
    breakers.iter().for_each(|b| found.entry(b[0]).or_default().push(b[1..].to_vec()));
    found
}

/// The shares are 1 : e^-cost.
#[test]
fn costs_by_hand() {
    let even = |n: u32| (0..n).map(|id| (id, 1.0 / f64::from(n))).collect::<Vec<_>>();
    close(&after(&dry(1.0, 2, 4), &[], &[0, 1], 4), &even(4));
    // 0 1 came twice, 2 came after it: one time the multiplier.
    close(&after(&dry(1.0, 2, 5), &[], &[0, 1, 2, 0, 1], 4), &[(0, 0.2969227), (1, 0.2969227), (3, 0.2969227), (2, 0.1092318)]);
    close(&after(&dry(2.0, 2, 5), &[], &[0, 1, 2, 0, 1], 5)[4..], &[(2, 0.0327266)]);
    // Only 3 follows the repeated pair, and 3 is a breaker.
    close(&after(&dry(1.0, 2, 6), &[&[3]], &[0, 1, 3, 4, 0, 1], 5), &even(5));
    // Too short, or too far back.
    close(&after(&dry(1.0, 4, 7), &[], &[0, 1, 2, 3, 4, 0, 1], 5), &even(5));
    close(&after(&dry(1.0, 2, 4), &[], &[0, 1, 2, 0, 1], 4), &even(4));
    // One more than allowed: 1.1 times the multiplier; e^-1.1 / (4 + e^-1.1).
    close(&after(&dry(1.0, 2, -1), &[], &[0, 1, 2, 3, 0, 1, 2], 5)[4..], &[(3, 0.0768262)]);
    // A breaker of two tokens inside what repeats; half of one breaks nothing.
    close(&after(&dry(1.0, 2, -1), &[&[1, 2]], &[0, 1, 2, 3, 0, 1, 2], 5), &even(5));
    close(&after(&dry(1.0, 2, -1), &[&[1, 4]], &[0, 1, 2, 3, 0, 1, 2], 5)[4..], &[(3, 0.0768262)]);
    // However long it is, the cost stays a number: the token is out, and nothing else.
    let long: Vec<u32> = std::iter::repeat_n([0, 1], 3000).flatten().chain([0]).collect();
    close(&after(&dry(1.0, 2, -1), &[], &long, 3), &[(0, 0.5), (2, 0.5)]);
}

/// The definition, without an algorithm: for each earlier place that a token stands at, how much of what came before it
/// came last, too.
fn naive(tokens: &[u32], allowed: usize, last_n: Option<usize>, breakers: &Breakers) -> Vec<(u32, usize)> {
    let start = last_n.map_or(0, |n| tokens.len().saturating_sub(n));
    let tokens = &tokens[start..];
    if tokens.len() <= allowed {
        return Vec::new();
    }
    let complete = |at: usize, tail: &[u32]| tokens[at + 1..].starts_with(tail);
    let breaker = (0..tokens.len()).rev().find_map(|at| {
        let tails = breakers.get(&tokens[at])?.iter().filter(|tail| complete(at, tail));
        Some(at + tails.map(Vec::len).max()?)
    });
    let longest = breaker.map_or(tokens.len(), |end| tokens.len() - 1 - end);
    let mut found = std::collections::BTreeMap::new();
    for at in 1..tokens.len() {
        let same = (0..at).take_while(|n| tokens[at - 1 - n] == tokens[tokens.len() - 1 - n]).count().min(longest);
        let whole = breakers.get(&tokens[at]).is_some_and(|tails| tails.iter().any(Vec::is_empty));
        if same >= allowed && longest >= allowed && !whole {
            let known = found.entry(tokens[at]).or_insert(0);
            *known = same.max(*known);
        }
    }
    found.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn costs_equal_the_definition(
        tokens in proptest::collection::vec(0u32..4, 0..60),
        allowed in 0u32..5,
        last_n in prop_oneof![Just(-1), 1i32..50],
        breakers in proptest::collection::vec(proptest::collection::vec(0u32..5, 1..4), 0..3),
    ) {
        let breakers = table(&breakers.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let sampling = dry(0.01, allowed, last_n);
        let mut sampler = Sampler::new(&sampling, 1, None);
        sampler.dry.set_breakers(breakers.clone());
        sampler.look_back_on(&tokens);
        let found = left_after(&mut sampler, &[0.0; 5]);
        let lengths = naive(&tokens, allowed as usize, usize::try_from(last_n).ok(), &breakers);
        let weight = |id: u32| {
            let length = lengths.iter().find(|(of, _)| *of == id);
            length.map_or(1.0, |(_, n)| (-0.01 * 1.1_f64.powi((*n as i32) - allowed as i32)).exp())
        };
        let total: f64 = (0..5).map(weight).sum();
        for (id, p) in found {
            prop_assert!((p - weight(id) / total).abs() < 1e-6, "token {}: {} is not {}", id, p, weight(id) / total);
        }
    }
}
