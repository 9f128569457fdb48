//! Vocabularies that are broken, by chance or on purpose.

use super::*;
use TokenType::{Control, Normal, Unknown, UserDefined};

fn error(vocab: Vocab) -> String {
    Tokenizer::new(vocab).err().map(|e| e.report().to_string()).unwrap_or_default()
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let said = error(bpe_vocab("deepseek-v9", &[], &[], &[]));
    assert_eq!(
        said,
        "tokenizer.ggml.pre is deepseek-v9, a pre-tokenizer that ingle does not know yet. \
         Update ingle, or use a file of another model; guessing here would give wrong answers."
    );
    assert!(error(Vocab { model: "bert".to_owned(), ..Vocab::default() }).starts_with("tokenizer.ggml.model is bert, "));
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

// ---- kinds

const HEAD: [(&str, f32, TokenType); 3] = [("<pad>", 0.0, Control), ("</s>", 0.0, Control), ("<unk>", 0.0, Unknown)];

fn unigram(charsmap: &[u8]) -> Vocab {
    let tokens = [&HEAD[..], &[("a", -1.0, Normal), ("▁", -2.0, Normal), ("<x>", 0.0, UserDefined)]].concat();
    Vocab { charsmap: Some(charsmap.to_vec()), ..of_kind("t5", &tokens) }
}

/// A charsmap of these units and replacements.
fn charsmap(units: &[u32], replacements: &[u8]) -> Vec<u8> {
    let array: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    [&(array.len() as u32).to_le_bytes(), array.as_slice(), replacements].concat()
}

/// Units that map one byte, "b", to the replacement at `start`.
fn one_rule(start: u32) -> Vec<u32> {
    const LEAF: u32 = 1 << 8;
    let mut units = vec![0; 256];
    // The root's children lie around 128; the leaf's only child is the value.
    units[0] = 128 << 10;
    let leaf = 128 ^ usize::from(b'b');
    units[leaf] = LEAF | u32::from(b'b') | 1 << 10;
    units[leaf ^ 1] = 1 << 31 | start;
    units
}

#[test]
fn a_charsmap_is_followed_before_it_is_used() {
    let sound = Tokenizer::new(unigram(&charsmap(&one_rule(2), b"x\0a\0"))).unwrap();
    assert_eq!(sound.encode("ab", false, false), [3, 3]);
    let cut_short = charsmap(&one_rule(0), b"")[..900].to_vec();
    let far = |unit: u32| charsmap(&std::iter::once(unit).chain([0; 255]).collect::<Vec<_>>(), b"a\0");
    for (blob, what) in [
        (vec![], "is cut short"),
        (vec![1, 0, 0], "is cut short"),
        (vec![255; 8], "is cut short"),
        (cut_short, "is cut short"),
        (vec![0; 5 << 20], "is larger than 4 MiB"),
        (charsmap(&[], b"a\0"), "points outside its array"),
        (far(u32::MAX), "points outside its array"),
        (far(256 << 10), "points outside its array"),
        (charsmap(&one_rule(9), b"a\0"), "points outside its replacements"),
        (charsmap(&one_rule(0), b"a"), "points outside its replacements"),
        (charsmap(&one_rule(0), &[b'a'; 400]), "points outside its replacements"),
    ] {
        assert!(error(unigram(&blob)).starts_with(&format!("tokenizer.ggml.precompiled_charsmap {what}")), "{what}");
    }
}

#[test]
fn a_charsmap_that_goes_in_circles_ends() {
    // Each unit is the child of itself by its label: it ends at the longest text looked up.
    let mut units: Vec<u32> = (0..256).collect();
    units[0] = 0;
    let tokenizer = Tokenizer::new(unigram(&charsmap(&units, b"a\0"))).unwrap();
    assert_eq!(tokenizer.encode(&"a".repeat(300), false, false), [3; 300]);
}

#[test]
fn escapes_are_whole() {
    for text in ["\\", "a\\x", "\\x1", "\\x1g", "\\xAB", "\\x\\n"] {
        let said = error(rwkv_vocab(&["fine\\t\\n\\\'", text]));
        assert!(said.starts_with(&format!("token 257 is {text}, which has a broken escape")), "{said}");
    }
}

#[test]
fn fallback_bytes_are_all_there() {
    let mut vocab = of_kind("plamo2", &HEAD);
    vocab.types.as_mut().unwrap()[3 + 0x41] = Normal;
    assert!(error(vocab).starts_with("no token is typed as the byte <0x41>"));
}

#[test]
fn a_character_that_no_token_has_does_no_harm() {
    let none = Vocab { tokens: ["aé", "\\xff"].into_iter().collect(), model: "rwkv".to_owned(), ..Vocab::default() };
    assert_eq!(Tokenizer::new(none).unwrap().encode("aéaaé…", false, false), [0, 0]);
    let unigram = Tokenizer::new(of_kind("t5", &[&HEAD[..], &[("a", -1.0, Normal), ("é…", -1.0, Normal)]].concat())).unwrap();
    assert_eq!(unigram.encode("aéé…bc", false, false), [3, 2, 4, 2]);
}

#[test]
fn unknown_text_does_not_fall_back_to_a_control_token() {
    let ids = SpecialIds { unk: Some(1), ..SpecialIds::NONE };
    let tokenizer = Tokenizer::new(Vocab { ids, ..of_kind("t5", &[&HEAD[..], &[("a", -1.0, Normal)]].concat()) }).unwrap();
    assert_eq!(tokenizer.encode("a?a", false, false), [3, 3]);
}

#[test]
fn scores_that_are_no_numbers_do_no_harm() {
    for score in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN, f32::MAX] {
        for model in ["llama", "t5", "plamo2"] {
            let tokens = [&HEAD[..], &[("a", score, Normal), ("aa", -1.0, Normal), ("b", score, Normal), ("ab", score, Normal)]].concat();
            let tokenizer = Tokenizer::new(of_kind(model, &tokens)).unwrap();
            assert!(!tokenizer.encode("aaabbab", false, false).is_empty(), "{model} {score}");
        }
    }
}

#[test]
fn tokens_that_are_not_utf8_cut_no_character_apart() {
    let mut vocab = of_kind("t5", &[&HEAD[..], &[("é", -5.0, Normal)]].concat());
    vocab.tokens = vocab.tokens.iter().map(|text| if text == b"<0x00>" { b"\xC3" } else { text }).collect();
    vocab.types.as_mut().unwrap()[4] = Normal;
    assert_eq!(Tokenizer::new(vocab).unwrap().encode("éé", false, false), [3, 3]);
}

#[test]
fn dna_needs_its_tokens_and_leave_to_use_them() {
    let with = |special: &[&str]| {
        let mut vocab = Vocab { model: "hybriddna".to_owned(), ..bpe_vocab("qwen2", &[], &[], special) };
        vocab.types = None;
        vocab.tokens.push("ACGTAA\u{E000}".as_bytes());
        Tokenizer::new(vocab).unwrap()
    };
    assert_eq!(with(&["<dna>", "</dna>"]).encode("<dna>acgt</dna>", false, false).len(), 15);
    let whole = with(&["<dna>", "</dna>", "<oov>"]);
    assert_eq!(whole.encode("<dna>acgtaaNNNNNNac</dna>x<dna>ACGTAA", false, false), [256, 259, 258, 258, 257, u32::from(b'x'), 256, 259]);
    assert_eq!(whole.piece(259, false), b"ACGTAA");
    // As control tokens they shape a conversation: no part's text yields them.
    let control = Vocab { model: "hybriddna".to_owned(), ..bpe_vocab("qwen2", &[], &["<dna>", "</dna>", "<oov>"], &[]) };
    let control = Tokenizer::new(control).unwrap();
    assert_eq!(control.encode_parts(&[Part::Text("<dna>acgt".into())]).len(), 9);
}
