mod bombs;
mod hostile;

use super::special::{Matcher, Special, Strip};
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

/// A vocabulary with byte tokens of another kind; SPM's reads as these do.
fn of_kind(model: &str, tokens: &[(&str, f32, TokenType)]) -> Vocab {
    Vocab { model: model.to_owned(), add_bos: Some(false), add_eos: Some(false), ..spm_vocab(tokens) }
}

/// Each byte escaped, then these tokens as they are.
fn rwkv_vocab(tokens: &[&str]) -> Vocab {
    let bytes = (0..=255).map(|b: u8| format!("\\x{b:02x}"));
    Vocab { model: "rwkv".to_owned(), tokens: bytes.chain(tokens.iter().map(|t| (*t).to_owned())).collect(), ..Vocab::default() }
}

const CHATML: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

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

#[test]
fn no_kind_makes_a_control_token_of_a_part() {
    for (name, tokenizer) in bombs::kinds() {
        let is_control = |id: &u32| tokenizer.piece(*id, false).is_empty() && tokenizer.piece(*id, true) != b"<unk>";
        let special: Vec<u32> = (0..tokenizer.n_tokens() as u32).filter(is_control).collect();
        assert!(!special.is_empty(), "{name} has none to try");
        for text in special.iter().map(|id| String::from_utf8(tokenizer.piece(*id, true).to_vec()).unwrap()) {
            let ids = tokenizer.encode_parts(&[Part::Text(text.clone().into())]);
            assert!(!ids.is_empty() && ids.iter().all(|id| !special.contains(id)), "{name} {text}: {ids:?}");
        }
    }
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
