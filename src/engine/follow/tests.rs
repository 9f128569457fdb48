use super::{Followed, follow};
use crate::tokenizer::{SpecialIds, TokenType, Tokenizer, Vocab};

const TOKENS: [&str; 9] = ["a", "b", "c", "ab", "bc", "abc", "<end>", "d", "<"];
const END: u32 = 6;

/// Letters, some of their runs, and a control token.
fn tokenizer() -> Tokenizer {
    let mut types = vec![TokenType::Normal; TOKENS.len()];
    types[END as usize] = TokenType::Control;
    Tokenizer::new(Vocab {
        model: "gpt2".to_owned(),
        pre: Some("qwen2".to_owned()),
        tokens: TOKENS.map(str::to_owned).into_iter().collect(),
        types: Some(types),
        merges: Some(["a b", "b c", "ab c"].into_iter().collect()),
        ids: SpecialIds { eos: Some(END), ..SpecialIds::default() },
        add_bos: Some(false),
        ..Vocab::default()
    })
    .unwrap()
}

fn ids(names: &str) -> Vec<u32> {
    names.split_whitespace().map(|name| TOKENS.iter().position(|t| *t == name).unwrap() as u32).collect()
}

#[track_caller]
fn check(known: &str, sampled: std::ops::Range<usize>, wanted: &str, expected: (usize, usize)) {
    let found = follow(&ids(known), &[sampled], &ids(wanted), Some(&tokenizer()));
    assert_eq!(found, Followed { known: expected.0, wanted: expected.1 });
}

#[test]
fn what_was_sampled_stands_for_the_same_text_cut_otherwise() {
    check("d <end> a bc d", 2..5, "d <end> abc d <end> b", (5, 4));
    check("d <end> abc d", 2..4, "d <end> a b c d <end> b", (4, 6));
    check("d a b ab c d", 1..6, "d ab abc d", (6, 4));
}

#[test]
fn what_somebody_else_wrote_is_taken_as_the_tokenizer_cuts_it() {
    check("d a bc d", 0..0, "d abc d", (1, 1));
    check("d a bc d", 3..4, "d abc d", (1, 1));
    check("d a bc d", 1..2, "d abc d", (1, 1));
}

#[test]
fn other_text_and_text_that_is_not_whole_yet_part_ways() {
    check("d a b d", 1..4, "d abc", (1, 1));
    check("d a bc d", 1..4, "d ab d", (1, 1));
    check("d a b", 1..3, "d abc d", (1, 1));
    check("d ab", 1..2, "d a", (1, 1));
}

#[test]
fn a_control_token_stands_for_nothing_but_itself() {
    check("a <end>", 0..2, "a <", (1, 1));
    check("a d", 0..2, "a <end>", (1, 1));
    check("a bc <end>", 0..3, "abc <end>", (3, 2));
}

#[test]
fn without_a_tokenizer_ids_are_ids() {
    assert_eq!(follow(&[1, 2, 3], &[0..2, 2..3], &[1, 2, 4], None), Followed { known: 2, wanted: 2 });
}
