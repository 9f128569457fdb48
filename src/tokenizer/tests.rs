use super::classes::Class;
use super::special::{Matcher, Special, Strip};
use super::split::Split;
use super::*;
use proptest::prelude::*;

// ---- vocabularies to try things with

/// A byte as GPT-2's alphabet writes it.
fn letter(byte: u8) -> char {
    let visible = |b: u8| matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    match visible(byte) {
        true => char::from(byte),
        false => char::from_u32(256 + (0..byte).filter(|b| !visible(*b)).count() as u32).unwrap(),
    }
}

fn in_alphabet(text: &str) -> String {
    text.bytes().map(letter).collect()
}

/// A byte-level vocabulary: the 256 bytes, a token for each merge's result, then control and user-defined ones.
fn bpe_vocab(pre: &str, merges: &[(&str, &str)], control: &[&str], user_defined: &[&str]) -> Vocab {
    let bytes = (0..=255).map(|b| letter(b).to_string());
    let merged = merges.iter().map(|(l, r)| in_alphabet(&format!("{l}{r}")));
    let special = control.iter().chain(user_defined).map(|s| (*s).to_owned());
    let n_normal = 256 + merges.len();
    let mut types = vec![TokenType::Normal; n_normal];
    types.extend(control.iter().map(|_| TokenType::Control));
    types.extend(user_defined.iter().map(|_| TokenType::UserDefined));
    Vocab {
        model: "gpt2".to_owned(),
        pre: Some(pre.to_owned()),
        tokens: bytes.chain(merged).chain(special).collect(),
        types: Some(types),
        merges: Some(merges.iter().map(|(l, r)| format!("{} {}", in_alphabet(l), in_alphabet(r))).collect()),
        ..Vocab::default()
    }
}

fn spm_vocab(tokens: &[(&str, f32, TokenType)]) -> Vocab {
    let bytes = (0..=255).map(|b: u8| (format!("<0x{b:02X}>"), 0.0, TokenType::Byte));
    let all: Vec<_> = tokens.iter().map(|(t, s, k)| ((*t).to_owned(), *s, *k)).chain(bytes).collect();
    Vocab {
        model: "llama".to_owned(),
        tokens: all.iter().map(|(t, ..)| t).collect(),
        scores: Some(all.iter().map(|(_, s, _)| *s).collect()),
        types: Some(all.iter().map(|(.., k)| *k).collect()),
        ..Vocab::default()
    }
}

fn error(vocab: Vocab) -> String {
    Tokenizer::new(vocab).err().map(|e| e.report().to_string()).unwrap_or_default()
}

const CHATML: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

// ---- hostile vocabularies

#[test]
fn what_is_not_known_is_refused_by_name() {
    let said = error(bpe_vocab("deepseek-v9", &[], &[], &[]));
    assert_eq!(
        said,
        "tokenizer.ggml.pre is deepseek-v9, a pre-tokenizer that ingle does not know yet. \
         Update ingle, or use a file of another model; guessing here would give wrong answers."
    );
    assert!(error(Vocab { model: "t5".to_owned(), ..Vocab::default() }).starts_with("tokenizer.ggml.model is t5, "));
}

#[test]
fn a_broken_vocabulary_is_named() {
    let sound = || bpe_vocab("gpt-2", &[("a", "b")], &CHATML, &[]);
    assert!(Tokenizer::new(sound()).is_ok());
    let begins = |vocab: Vocab, with: &str| assert!(error(vocab.clone()).starts_with(with), "{} instead of {with}", error(vocab));
    begins(Vocab { merges: None, ..sound() }, "the key tokenizer.ggml.merges is missing");
    for line in ["ab", "ab ", " a", ""] {
        begins(Vocab { merges: Some([line].into_iter().collect()), ..sound() }, &format!("tokenizer.ggml.merges holds {line} at 0"));
    }
    begins(Vocab { scores: Some(vec![0.0]), ..sound() }, "tokenizer.ggml.scores has 1 entries for 260 tokens");
    begins(Vocab { types: Some(vec![]), ..sound() }, "tokenizer.ggml.token_type has 0 entries for 260 tokens");
    begins(Vocab { tokens: Strings::default(), ..sound() }, "the vocabulary has 0 tokens");
    for text in ["<0x-1>", "<0x100>", "<0x+F>", "<0x0>", "0x00", ""] {
        let vocab = spm_vocab(&[("<unk>", 0.0, TokenType::Unknown), ("<s>", 0.0, TokenType::Control), (text, 0.0, TokenType::Byte)]);
        begins(vocab, &format!("token 2 is typed as a byte, but is {text}, expected <0x00> to <0xFF>"));
    }
    let no_bos = Vocab { add_bos: Some(true), tokens: ["x"].into_iter().collect(), types: None, ..sound() };
    begins(no_bos, "tokenizer.ggml.add_bos_token is true, but tokenizer.ggml.bos_token_id names no token");
}

#[test]
fn ids_outside_the_vocabulary_count_as_absent() {
    let ids = SpecialIds { bos: Some(99_999), eos: Some(u32::MAX), eot: Some(256), ..SpecialIds::default() };
    let tokenizer = Tokenizer::new(Vocab { ids, ..bpe_vocab("gpt-2", &[], &CHATML, &[]) }).unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos(), tokenizer.eot()), (Some(11), Some(11), Some(256)));
    assert_eq!(tokenizer.notes().len(), 2);
    assert_eq!(tokenizer.piece(u32::MAX, true), b"");
    assert_eq!(tokenizer.decode(&[u32::MAX, 97, 70_000], false, false), b"a");
}

#[test]
fn duplicates_empty_and_unreadable_tokens_do_no_harm() {
    let mut vocab = bpe_vocab("gpt-2", &[], &["", "<s>", "<s>"], &["", "ab", "ab"]);
    vocab.tokens.push(b"\xFF\xFE");
    vocab.types.as_mut().unwrap().push(TokenType::Control);
    let tokenizer = Tokenizer::new(vocab).unwrap();
    assert_eq!(tokenizer.encode("ab<s>", false, true), [260, 257]);
    assert_eq!(tokenizer.piece(256, true), b"[EMPTY_256]");
}

#[test]
fn a_merge_whose_result_is_no_token_loses_nothing() {
    let mut vocab = bpe_vocab("gpt-2", &[], &[], &[]);
    vocab.merges = Some(["a b", "Ġ ab"].into_iter().collect());
    let tokenizer = Tokenizer::new(vocab).unwrap();
    assert_eq!(tokenizer.encode(" ab", false, false), [32, 97, 98]);
}

// ---- splitting

/// A part of a plain reference: characters of a set, so many at least and at most; greedy, giving back as needed.
type Item = (fn(char) -> bool, usize, usize);

fn space(c: char) -> bool {
    Class::of(c) == Class::Space
}

fn is_letter(c: char) -> bool {
    Class::of(c) == Class::Letter
}

fn number(c: char) -> bool {
    Class::of(c) == Class::Number
}

fn mark(c: char) -> bool {
    !space(c) && !is_letter(c) && !number(c)
}

/// Whether the items match from `at`, and where they end. The last must not be followed by a non-space if `looks`.
fn matches(text: &[char], at: usize, items: &[Item], looks: bool) -> Option<usize> {
    let Some(((set, least, most), rest)) = items.split_first() else {
        return (!looks || text.get(at).is_none_or(|c| space(*c))).then_some(at);
    };
    let run = text[at..].iter().take_while(|c| set(**c)).count().min(*most);
    (*least..=run).rev().find_map(|n| matches(text, at + n, rest, looks))
}

const MANY: usize = usize::MAX;

/// The expressions of the splitters, tried one alternative after the other at each place, as a regular-expression
/// engine would.
fn reference(split: Split, text: &str) -> Vec<String> {
    let blank: fn(char) -> bool = |c| c == ' ';
    let line: fn(char) -> bool = |c| matches!(c, '\r' | '\n');
    let not_word: fn(char) -> bool = |c| !matches!(c, '\r' | '\n') && !is_letter(c) && !number(c);
    let gpt2: &[(&[Item], bool)] = &[
        (&[(blank, 0, 1), (is_letter, 1, MANY)], false),
        (&[(blank, 0, 1), (number, 1, MANY)], false),
        (&[(blank, 0, 1), (mark, 1, MANY)], false),
        (&[(space, 1, MANY)], true),
    ];
    let digits = if split == Split::Qwen2 { 1 } else { 3 };
    let llama3: &[(&[Item], bool)] = &[
        (&[(not_word, 0, 1), (is_letter, 1, MANY)], false),
        (&[(number, 1, digits)], false),
        (&[(blank, 0, 1), (mark, 1, MANY), (line, 0, MANY)], false),
        (&[(space, 0, MANY), (line, 1, MANY)], false),
        (&[(space, 1, MANY)], true),
        (&[(space, 1, MANY)], false),
    ];
    let pass = |pieces: Vec<Vec<char>>, alternatives: &[(&[Item], bool)], contractions: Option<bool>| -> Vec<Vec<char>> {
        pieces.iter().flat_map(|piece| cut(piece, alternatives, contractions)).collect()
    };
    let whole = vec![text.chars().collect()];
    let pieces = match split {
        Split::Gpt2 => pass(whole, gpt2, Some(false)),
        Split::Llama3 | Split::Qwen2 => pass(whole, llama3, Some(true)),
        Split::Default => {
            let sign: fn(char) -> bool = |c| Class::of(c) == Class::Punctuation || "$+<=>^~|".contains(c);
            let digit: fn(char) -> bool = |c| c.is_ascii_digit();
            let marked = pass(whole, &[(&[(sign, 1, MANY)], false)], None);
            let numbers = pass(pass(marked, gpt2, Some(false)), &[(&[(number, 1, MANY)], false)], None);
            pass(numbers, &[(&[(digit, 3, 3)], false)], None)
        }
    };
    pieces.into_iter().map(String::from_iter).collect()
}

/// Matches and what lies between them.
fn cut(piece: &[char], alternatives: &[(&[Item], bool)], contractions: Option<bool>) -> Vec<Vec<char>> {
    let contraction = |at: usize| {
        let any_case = contractions?;
        let tail: String = piece[at..].iter().take(3).collect();
        let tail = if any_case { tail.to_ascii_lowercase() } else { tail };
        ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].iter().find(|c| tail.starts_with(**c)).map(|c| at + c.len())
    };
    let (mut words, mut at, mut from) = (Vec::new(), 0, 0);
    while at < piece.len() {
        let tried = contraction(at).or_else(|| alternatives.iter().find_map(|(items, looks)| matches(piece, at, items, *looks)));
        match tried.filter(|end| *end > at) {
            Some(end) => {
                words.extend((from < at).then(|| piece[from..at].to_vec()));
                words.push(piece[at..end].to_vec());
                (at, from) = (end, end);
            }
            None => at += 1,
        }
    }
    words.extend((from < piece.len()).then(|| piece[from..].to_vec()));
    words
}

const SPLITS: [Split; 4] = [Split::Default, Split::Gpt2, Split::Llama3, Split::Qwen2];

fn words(split: Split, text: &str) -> Vec<String> {
    let mut words = Vec::new();
    split.each(text, &mut |w| words.push(w.to_owned()));
    words
}

/// Texts of characters that the rules treat differently.
fn mixed_text() -> impl Strategy<Value = String> {
    const KINDS: &str = "aTsrvlmd'' \u{20}\u{20}\t\n\r0179٣½².,$`_\u{301}ñ中🎉\u{200d}\u{a0}\u{3000}\u{e000}";
    proptest::collection::vec(proptest::sample::select(KINDS.chars().collect::<Vec<_>>()), 0..40).prop_map(String::from_iter)
}

/// What the pre-tokenizers were broken with elsewhere, repeated.
const BOMBS: [&str; 10] = ["a", "A", " ", "\n", "\r\n", "7", "!", "\u{301}", "漢", "👩\u{200d}💻"];

fn bomb(unit: &str, n_bytes: usize) -> String {
    unit.repeat(n_bytes / unit.len())
}

#[test]
fn bombs_are_split_as_the_rules_say_and_come_back_whole() {
    const SMALL: usize = 600;
    // Enough for anything quadratic to be noticed.
    const LARGE: usize = 1 << 18;
    let merges = [("a", "a"), ("aa", "aa"), (" ", " "), ("  ", "  "), ("\n", "\n"), ("\u{301}", "\u{301}")];
    for (pre, split) in [("default", Split::Default), ("gpt-2", Split::Gpt2), ("llama-bpe", Split::Llama3), ("qwen2", Split::Qwen2)] {
        let tokenizer = Tokenizer::new(Vocab { add_bos: Some(false), ..bpe_vocab(pre, &merges, &CHATML, &["\n\n\n"]) }).unwrap();
        for unit in BOMBS {
            assert_eq!(words(split, &bomb(unit, SMALL)), reference(split, &bomb(unit, SMALL)), "{split:?} {unit:?}");
            let large = bomb(unit, LARGE);
            let pieces: Vec<u8> = tokenizer.encode(&large, false, true).iter().flat_map(|id| tokenizer.piece(*id, true)).copied().collect();
            assert!(pieces == large.as_bytes(), "{pre} {unit:?}");
        }
    }
    let tokens = [("<unk>", 0.0, TokenType::Unknown), ("<s>", 0.0, TokenType::Control), ("</s>", 0.0, TokenType::Control)];
    let more =
        [("▁", -1.0, TokenType::Normal), ("▁▁", -2.0, TokenType::Normal), ("a", -1.0, TokenType::Normal), ("aa", -3.0, TokenType::Normal)];
    let spm = Tokenizer::new(spm_vocab(&[&tokens[..], &more[..]].concat())).unwrap();
    for unit in BOMBS {
        let large = bomb(unit, LARGE);
        assert!(spm.decode(&spm.encode(&large, true, true), true, false) == [b" ", large.as_bytes()].concat(), "{unit:?}");
    }
}

/// Time that this thread has computed, seconds: other programs' shares do not count.
#[cfg(target_os = "linux")]
fn cpu_seconds() -> f64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Ten bombs of 1 and of 16 MiB: the time grows no faster than the text. Run by hand (`--ignored`).
#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes minutes"]
fn sixteen_times_the_text_takes_twenty_times_the_time_at_most() {
    const RATIO_MAX: f64 = 20.0;
    /// What is faster runs at the memory's pace, and one of the two sizes fits a cache: seconds a byte.
    const AT_ONCE: f64 = 30e-9;
    let merges = [("a", "a"), ("aa", "aa"), (" ", " "), ("  ", "  "), ("\n", "\n")];
    let mut over = Vec::new();
    for pre in ["default", "gpt-2", "llama-bpe", "qwen2"] {
        let tokenizer = Tokenizer::new(bpe_vocab(pre, &merges, &CHATML, &["\n\n\n"])).unwrap();
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
            eprintln!("{pre} {unit:?}: {small:.3} s, {large:.3} s, ratio {:.1}", large / small);
            let slow = large > (16 << 20) as f64 * AT_ONCE;
            over.extend((slow && large / small > RATIO_MAX).then(|| format!("{pre} {unit:?}")));
        }
    }
    assert!(over.is_empty(), "{over:?}");
}

// ---- special tokens

/// llama.cpp's way: token by token, longest first, each split at every find.
fn partition(text: &str, specials: &[&str]) -> Vec<(usize, usize, u32)> {
    let mut order: Vec<usize> = (0..specials.len()).filter(|i| !specials[*i].is_empty()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(specials[*i].len()), *i));
    let mut pieces = vec![(0, text.len(), None)];
    for i in order {
        let split = |(from, to, id): (usize, usize, Option<u32>)| {
            let mut out = Vec::new();
            let mut at = from;
            while let Some(found) = text[at..to].find(specials[i]).filter(|_| id.is_none()) {
                out.push((at, at + found, None));
                out.push((at + found, at + found + specials[i].len(), Some(i as u32)));
                at += found + specials[i].len();
            }
            out.push((at, to, id));
            out
        };
        pieces = pieces.into_iter().flat_map(split).collect();
    }
    pieces.into_iter().filter_map(|(from, to, id)| Some((from, to, id?))).collect()
}

fn matcher(specials: &[&str]) -> Matcher {
    let special =
        |(id, text): (usize, &&str)| Special { id: id as u32, text: text.as_bytes().to_vec(), strip: Strip::default(), hidden: false };
    Matcher::new(specials.iter().enumerate().map(special).collect())
}

fn finds(specials: &[&str], text: &str) -> Vec<(usize, usize, u32)> {
    let finds = matcher(specials).find(text.as_bytes(), |_| true);
    finds.into_iter().map(|f| (f.start as usize, f.end as usize, f.id)).collect()
}

#[test]
fn the_longest_special_goes_first_wherever_it_stands() {
    let specials = ["ab", "bcd", "a", "abab"];
    assert_eq!(finds(&specials, "abcd abab a"), [(0, 1, 2), (1, 4, 1), (5, 9, 3), (10, 11, 2)]);
    assert_eq!(matcher(&specials).starts(b"abab", |s| s.id != 2), [0, 2]);
}

#[test]
fn control_strings_stay_text_in_parts() {
    let tokenizer = Tokenizer::new(bpe_vocab("llama-bpe", &[], &CHATML, &["<think>"])).unwrap();
    let text = "<|im_end|><think>";
    assert_eq!(tokenizer.encode(text, false, true), [258, 259]);
    assert_eq!(tokenizer.encode_parts(&[Part::Text(text.into()), Part::Token(258)]).len(), "<|im_end|>".len() + 2);
    assert_eq!(tokenizer.control_starts("x<|im_end|><|im_<|im_start|>"), [1, 16]);
    assert_eq!(tokenizer.cut("a<|im_end|>"), [Part::Text("a".into()), Part::Token(258)]);
}

#[test]
fn no_merge_makes_a_control_token_of_a_part() {
    use TokenType::{Control, Normal, Unknown};
    let tokens = [("<unk>", 0.0, Unknown), ("<s>", 0.0, Control), ("</s>", 0.0, Control), ("</", -1.0, Normal), ("s>", -1.0, Normal)];
    let tokenizer = Tokenizer::new(Vocab { add_space_prefix: Some(false), ..spm_vocab(&tokens) }).unwrap();
    assert_eq!(tokenizer.encode("</s>", false, false), [2], "so does llama.cpp");
    assert_eq!(tokenizer.encode_parts(&[Part::Text("</s>".into())]), [3, 4]);
}

// ---- ids to text

#[test]
fn white_space_is_cleaned_in_three_passes() {
    let tokenizer = Tokenizer::new(bpe_vocab("gpt-2", &[], &CHATML, &[])).unwrap();
    let cleaned = |text: &str| String::from_utf8(tokenizer.decode(&tokenizer.encode(text, false, false), false, false)).unwrap();
    assert_eq!(cleaned("it 's we 'll do n't . What ? No !"), "it's we 'll do n't. What? No!");
    assert_eq!(cleaned("rock ' n ' roll ' ' x"), "rock'n'roll'' x");
    assert_eq!(cleaned(" . ,"), ".,");
}

// ---- assembling

fn assemble(bytes: &[u8], cuts: &[usize], stops: &[String]) -> (String, Option<usize>) {
    let mut assembler = Assembler::new(stops);
    let mut text = String::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let got = assembler.push(&bytes[from..to]);
        text.push_str(&got.text);
        if got.stop.is_some() {
            return (text, got.stop);
        }
        from = to;
    }
    let last = assembler.finish();
    text.push_str(&last.text);
    (text, last.stop)
}

#[test]
fn characters_are_whole_and_stop_strings_held_back() {
    let mut assembler = Assembler::new(&["<end>".to_owned(), "\n\n".to_owned()]);
    let mut push = |bytes: &[u8]| assembler.push(bytes);
    assert_eq!(push(b"\xF0\x9F").text, "");
    assert_eq!(push(b"\x8E\x89 a<e").text, "🎉 a");
    assert_eq!(push(b"x\n").text, "<ex");
    assert_eq!(push(b"y \xFF\xC3").text, "\ny \u{FFFD}");
    assert_eq!(push(b"\xA9<en"), Assembled { text: "é".to_owned(), stop: None });
    assert_eq!(push(b"d>more"), Assembled { text: String::new(), stop: Some(0) });
    assert_eq!(push(b"more"), Assembled::default());
    assert_eq!(assembler.finish(), Assembled::default());
    let mut cut_off = Assembler::new(&["stop".to_owned(), String::new()]);
    assert_eq!(cut_off.push(b"sto\xE2\x96").text, "");
    assert_eq!(cut_off.finish().text, "sto\u{FFFD}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn splitters_follow_their_expressions(text in mixed_text()) {
        for split in SPLITS {
            prop_assert_eq!(words(split, &text), reference(split, &text), "{:?}", split);
        }
    }

    #[test]
    fn any_text_comes_back(text in ".{0,60}", parse in any::<bool>()) {
        let merges = [("t", "h"), ("th", "e"), (" ", "the"), ("\u{e9}", " "), (" ", " ")];
        for pre in ["default", "gpt-2", "llama-bpe", "qwen2"] {
            let tokenizer = Tokenizer::new(bpe_vocab(pre, &merges, &CHATML, &["<b>"])).unwrap();
            let pieces: Vec<u8> = tokenizer.encode(&text, false, parse).iter().flat_map(|id| tokenizer.piece(*id, true)).copied().collect();
            prop_assert_eq!(&pieces, text.as_bytes());
        }
    }

    #[test]
    fn specials_are_found_as_llama_cpp_finds_them(
        text in "[abc]{0,60}",
        specials in proptest::collection::btree_set("[abc]{1,5}", 0..8),
    ) {
        let specials: Vec<&str> = specials.iter().map(String::as_str).collect();
        prop_assert_eq!(finds(&specials, &text), partition(&text, &specials));
    }

    #[test]
    fn assembling_does_not_depend_on_the_cuts(
        text in "[a-c é🎉]{0,30}",
        junk in proptest::collection::vec((0usize..40, any::<u8>()), 0..3),
        stops in proptest::collection::vec("[a-c é]{0,4}", 0..3),
        mut cuts in proptest::collection::vec(0usize..100, 0..12),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte) in junk {
            bytes.insert(at.min(bytes.len()), byte);
        }
        cuts.iter_mut().for_each(|c| *c %= bytes.len() + 1);
        cuts.sort_unstable();
        let every: Vec<usize> = (0..bytes.len()).collect();
        let whole = assemble(&bytes, &[], &stops);
        prop_assert_eq!(&assemble(&bytes, &cuts, &stops), &whole);
        prop_assert_eq!(&assemble(&bytes, &every, &stops), &whole);
        let plain = String::from_utf8_lossy(&bytes).into_owned();
        let met = stops.iter().filter(|s| !s.is_empty()).any(|s| plain.contains(s.as_str()));
        prop_assert_eq!(whole.1.is_some(), met);
        prop_assert!(plain.starts_with(&whole.0));
        prop_assert!(met || plain == whole.0);
    }
}
