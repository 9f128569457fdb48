//! Texts that break other tokenizers: megabytes of one character.

use super::super::pre::{PRES, Spelling};
use super::*;
use TokenType::{Control, Normal, Unknown};
use std::collections::BTreeMap;

/// What pre-tokenizers were broken with elsewhere, repeated.
const BOMBS: [&str; 10] = ["a", "A", " ", "\n", "\r\n", "7", "!", "\u{301}", "漢", "👩\u{200d}💻"];

fn bomb(unit: &str, n_bytes: usize) -> String {
    unit.repeat(n_bytes / unit.len())
}

const HEAD: [(&str, f32, TokenType); 3] = [("<unk>", 0.0, Unknown), ("<s>", 0.0, Control), ("</s>", 0.0, Control)];
const TOKENS: [(&str, f32, TokenType); 13] = [
    ("▁", -1.0, Normal),
    ("▁▁", -2.0, Normal),
    ("▁▁▁▁▁▁▁", -3.0, Normal),
    ("a", -1.0, Normal),
    ("aa", -3.0, Normal),
    ("A", -1.0, Normal),
    ("\n", -1.0, Normal),
    ("\r", -1.0, Normal),
    ("7", -1.0, Normal),
    ("!", -1.0, Normal),
    ("\u{301}", -1.0, Normal),
    ("漢", -1.0, Normal),
    ("👩\u{200d}💻", -1.0, Normal),
];

/// A tokenizer for each list of stages, by the first name that has it.
fn splitters() -> Vec<(&'static str, Tokenizer)> {
    let merges = [("a", "a"), ("aa", "aa"), (" ", " "), ("  ", "  "), ("\n", "\n"), ("\u{301}", "\u{301}")];
    let mut names = BTreeMap::new();
    for pre in PRES.iter().filter(|p| p.spelling == Spelling::Bytes) {
        names.entry(format!("{:?}", pre.stages)).or_insert(pre.name);
    }
    let make = |name| Tokenizer::new(Vocab { add_bos: Some(false), ..bpe_vocab(name, &merges, &CHATML, &["\n\n\n"]) }).unwrap();
    names.into_values().map(|name| (name, make(name))).collect()
}

/// One of each kind but `gpt2` and `llama`; those whose pieces give the text back.
pub(super) fn kinds() -> Vec<(&'static str, Tokenizer)> {
    let tokens = [&HEAD[..], &TOKENS].concat();
    let gemma = Vocab {
        merges: Some(["▁ ▁", "a a", "aa aa", "\n \n", "< s", "<s >"].into_iter().collect()),
        ids: SpecialIds { bos: Some(1), ..SpecialIds::NONE },
        ..of_kind("gemma4", &tokens)
    };
    let dna = bpe_vocab("qwen2", &[("a", "a")], &CHATML, &["<dna>", "</dna>", "<oov>"]);
    let blanks = TOKENS.map(|t| if t.0.starts_with('▁') { (" ", t.1, t.2) } else { t });
    [
        ("gemma4", gemma),
        ("hybriddna", Vocab { model: "hybriddna".to_owned(), ..dna }),
        ("t5", Vocab { ids: SpecialIds { unk: Some(0), ..SpecialIds::NONE }, ..of_kind("t5", &tokens) }),
        ("rwkv", rwkv_vocab(&["aa", "aaaaaaa", "  ", "\\n\\n", "</s>"])),
        ("plamo2", of_kind("plamo2", &[&HEAD[..], &blanks[1..]].concat())),
    ]
    .map(|(name, vocab)| (name, Tokenizer::new(vocab).unwrap()))
    .into()
}

#[test]
fn bombs_come_back_whole() {
    /// Enough for anything quadratic to be noticed.
    const N_BYTES: usize = 1 << 16;
    for (name, tokenizer) in splitters().into_iter().chain(kinds()) {
        for unit in BOMBS {
            let text = bomb(unit, N_BYTES);
            let ids = tokenizer.encode(&text, false, true);
            let pieces: Vec<u8> = ids.iter().flat_map(|id| tokenizer.piece(*id, true)).copied().collect();
            assert!(pieces == text.as_bytes(), "{name} {unit:?}");
        }
    }
    let spm = Tokenizer::new(spm_vocab(&[&HEAD[..], &TOKENS].concat())).unwrap();
    for unit in BOMBS {
        let text = bomb(unit, N_BYTES);
        assert!(spm.decode(&spm.encode(&text, true, true), true, false) == [b" ", text.as_bytes()].concat(), "{unit:?}");
    }
}

/// Time that this thread has computed, seconds: other programs' shares do not count.
#[cfg(target_os = "linux")]
fn cpu_seconds() -> f64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Ten bombs of 1 and of 16 MiB: the time grows no faster than the text.
#[cfg(target_os = "linux")]
fn times_are_in_proportion(tokenizers: impl IntoIterator<Item = (&'static str, Tokenizer)>) {
    const RATIO_MAX: f64 = 20.0;
    /// What is faster runs at the memory's pace, and one of the two sizes fits a cache: seconds a byte.
    const AT_ONCE: f64 = 30e-9;
    let mut over = Vec::new();
    for (name, tokenizer) in tokenizers {
        for unit in BOMBS {
            let seconds = |n_bytes: usize, n_times: usize| {
                let text = bomb(unit, n_bytes);
                let once = |_| {
                    let start = cpu_seconds();
                    std::hint::black_box(tokenizer.encode(&text, false, true));
                    cpu_seconds() - start
                };
                (0..n_times).map(once).fold(f64::INFINITY, f64::min)
            };
            let (small, large) = (seconds(1 << 20, 5), seconds(16 << 20, 2));
            eprintln!("{name} {unit:?}: {small:.3} s, {large:.3} s, ratio {:.1}", large / small);
            let slow = large > (16 << 20) as f64 * AT_ONCE;
            over.extend((slow && large / small > RATIO_MAX).then(|| format!("{name} {unit:?}")));
        }
    }
    assert!(over.is_empty(), "{over:?}");
}

/// Run by hand (`--ignored`).
#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes minutes"]
fn no_splitter_takes_more_than_twenty_times_as_long_for_sixteen_times_the_text() {
    times_are_in_proportion(splitters());
}

/// Run by hand (`--ignored`).
#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes minutes"]
fn no_kind_takes_more_than_twenty_times_as_long_for_sixteen_times_the_text() {
    let words = Vocab { model: "whitespace".to_owned(), ..bpe_vocab("whitespace", &[("a", "a")], &CHATML, &[]) };
    let others = [("whitespace", words), ("llama", spm_vocab(&[&HEAD[..], &TOKENS].concat()))];
    times_are_in_proportion(kinds().into_iter().chain(others.map(|(name, vocab)| (name, Tokenizer::new(vocab).unwrap()))));
}
