//! Numbers as llama-bench takes them: lists by commas, ranges `a-b`, `a-b+step`, `a-b*mult`; and lists of types.

use crate::protocol::CacheType;

/// Numbers that one option may expand to.
const NUMBERS_MAX: usize = 1000;

/// One option's value, kept whole: clap would otherwise take each number for a value of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers(pub(super) Vec<u32>);

impl std::str::FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            numbers.extend(range(part.trim())?);
            if numbers.len() > NUMBERS_MAX {
                return Err(format!("more than {NUMBERS_MAX} numbers"));
            }
        }
        Ok(Self(numbers))
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number; write 512, 128,512, 1-8, 1-8+2 or 1-64*2"))
}

fn range(text: &str) -> Result<Vec<u32>, String> {
    let Some((first, rest)) = text.split_once('-') else { return Ok(vec![number(text)?]) };
    let (last, step) = match (rest.split_once('+'), rest.split_once('*')) {
        (Some((last, step)), _) => (last, Step::Add(number(step)?)),
        (None, Some((last, factor))) => (last, Step::Times(number(factor)?)),
        (None, None) => (rest, Step::Add(1)),
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first || matches!(step, Step::Add(0) | Step::Times(0 | 1)) {
        return Err(format!("{text:?} never gets from {first} to {last}"));
    }
    let numbers = std::iter::successors(Some(first), |n| step.next(*n)).take_while(|n| *n <= last);
    Ok(numbers.take(NUMBERS_MAX + 1).collect())
}

enum Step {
    Add(u32),
    Times(u32),
}

impl Step {
    fn next(&self, n: u32) -> Option<u32> {
        match self {
            Step::Add(step) => n.checked_add(*step),
            // 0 times anything is 0: such a range would never end.
            Step::Times(factor) => n.max(1).checked_mul(*factor),
        }
    }
}

/// Types of the KV cache, by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caches(pub(super) Vec<CacheType>);

impl std::str::FromStr for Caches {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |name: &str| CacheType::from_name(name).ok_or_else(|| format!("{name:?} is none of {}", CacheType::NAMES.join(", ")));
        text.split(',').map(|name| one(name.trim())).collect::<Result<_, _>>().map(Self)
    }
}

/// A prompt and an answer of one test: `512,128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PromptGen {
    pub(super) n_prompt: u32,
    pub(super) n_gen: u32,
}

impl std::str::FromStr for PromptGen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (n_prompt, n_gen) = text.split_once(',').ok_or("write a prompt's and an answer's tokens, as 512,128")?;
        Ok(Self { n_prompt: number(n_prompt.trim())?, n_gen: number(n_gen.trim())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges() {
        let numbers = |text: &str| text.parse::<Numbers>().map(|n| n.0);
        assert_eq!(numbers("512"), Ok(vec![512]));
        assert_eq!(numbers("1,4-6"), Ok(vec![1, 4, 5, 6]));
        assert_eq!(numbers("1-7+3,9"), Ok(vec![1, 4, 7, 9]));
        assert_eq!(numbers("1-64*4"), Ok(vec![1, 4, 16, 64]));
        assert_eq!(numbers("0-4*2"), Ok(vec![0, 2, 4]));
        assert_eq!(numbers("3-3"), Ok(vec![3]));
        for wrong in ["", "x", "1-", "-1", "0-4000000000", "5-1", "1-9+0", "1-9*1", "1-9*0"] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_of_types() {
        assert_eq!("f16,q8_0".parse(), Ok(Caches(vec![CacheType::F16, CacheType::Q8_0])));
        assert!("f16,".parse::<Caches>().unwrap_err().contains("q8_0"));
    }
}
