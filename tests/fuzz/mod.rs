//! Damaged input for everything that reads what others wrote: nothing may panic, and what holds for whole input holds
//! for pieces of it. A short run with every test; `benches/fuzz.sh` runs as long as asked. A failing run says its seed.

mod targets;

use crate::dice::Dice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use targets::{TARGETS, Target};

/// Inputs of each target; `INGLE_FUZZ=1000000` for more.
const INPUTS: &str = "INGLE_FUZZ";
const INPUTS_SHORT: u64 = 300;
/// The first seed; another one tries other inputs.
const FROM: &str = "INGLE_FUZZ_FROM";
/// Longer input finds nothing that shorter does not.
const BYTES_MAX: usize = 8 << 10;
const CHANGES_MAX: u64 = 6;

#[test]
fn damaged_input_is_read_or_refused() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let (n_inputs, from) = (asked(INPUTS).unwrap_or(INPUTS_SHORT), asked(FROM).unwrap_or(0));
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has nothing to begin from", target.name);
        let mut reads = (target.reader)();
        for seed in from..from + n_inputs {
            let input = damaged(&seeds, target, &mut Dice(seed));
            if catch_unwind(AssertUnwindSafe(|| reads(&input))).is_err() {
                panic!("{}: {FROM}={seed} {INPUTS}=1 fails: {:?}", target.name, String::from_utf8_lossy(&input));
            }
        }
        eprintln!("{}: {n_inputs} inputs from {} seeds, no finding", target.name, seeds.len());
    }
}

/// A seed with a few changes: bytes, numbers, pieces doubled, cut out, or taken from another seed, words that matter.
fn damaged(seeds: &[Vec<u8>], target: &Target, dice: &mut Dice) -> Vec<u8> {
    let pick = |dice: &mut Dice| &seeds[dice.below(seeds.len() as u64) as usize];
    let mut input = pick(dice).clone();
    for _ in 0..=dice.below(CHANGES_MAX) {
        let at = dice.below(input.len() as u64 + 1) as usize;
        let end = (at + dice.below(64) as usize).min(input.len());
        match dice.below(7) {
            0 => input.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << dice.below(8)),
            1 => {
                let number = [0u64, 1, 4, u64::from(u32::MAX), 1 << 31, 1 << 63, u64::MAX, 0xFF][dice.below(8) as usize];
                input.iter_mut().skip(at).zip(number.to_le_bytes()).for_each(|(b, n)| *b = n);
            }
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                let times = 1 + dice.below(8) as usize;
                input.splice(at..at, piece.repeat(times));
            }
            4 => {
                let other = pick(dice);
                let from = dice.below(other.len() as u64 + 1) as usize;
                let until = (from + dice.below(200) as usize).min(other.len());
                input.splice(at..end, other[from..until].to_vec());
            }
            5 => {
                let word = target.words[dice.below(target.words.len() as u64) as usize];
                input.splice(at..at, word.bytes());
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(BYTES_MAX);
    input
}
