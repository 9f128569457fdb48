//! Each splitter against its expressions, run by an ordinary engine that goes back.

use super::super::pre::PRES;
use super::*;
use fancy_regex::Regex;
use proptest::prelude::*;
use std::sync::LazyLock;

const ENGLISH: &str = "'s|'t|'re|'ve|'m|'ll|'d";
const ENGLISH_ANY_CASE: &str = "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])";
const GPT2_EXPRESSION: &str = r"ENGLISH| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const QWEN2_EXPRESSION: &str = r"ANYCASE|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK_EXPRESSION: &str =
    r"[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const BLOOM_EXPRESSION: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";
const CHINESE_JAPANESE: &str = "[一-龥\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+";
const EAST_ASIAN: &str = r"[[ࠀ-龥가-\u{d7ff}]&&\S]+";
/// Behind each group of three numbers that counts from the right, and behind what is left over.
const THREES_AFTER: &str = r"(?<=\p{N})(?=(?:\p{N}{3})*(?!\p{N}))";
const HAN: &str = r"\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{20000}-\x{2a6df}\x{2a700}-\x{2ebef}\x{f900}-\x{faff}\x{2f800}-\x{2fa1f}";

/// Each list of stages with its expressions (llama.cpp `llm_tokenizer_bpe`), ENGLISH, ANYCASE and HAN put in their places.
#[rustfmt::skip]
const REFERENCES: &[(&[Stage], &[&str])] = &[
    (DEFAULT, &[r"[\p{P}\$\+<=>\^~\|]+", GPT2_EXPRESSION, r"\p{N}+", "[0-9][0-9][0-9]"]),
    (FALCON, &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2_EXPRESSION, "[0-9][0-9][0-9]"]),
    (GPT2, &[GPT2_EXPRESSION]),
    (STARCODER, &[r"\p{N}", GPT2_EXPRESSION]),
    (LLAMA3, &[r"ANYCASE|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (JAIS2, &[r"ANYCASE|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}"]),
    (MINICPM5, &[r"\p{N}{1,3}", r"ANYCASE|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (QWEN2, &[QWEN2_EXPRESSION]),
    (QWEN35, &[r"ANYCASE|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (UFAKZEKA, &[r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (SEED_CODER, &[r"ANYCASE|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (LAGUNA, &[r"[^\n]+|[\n]+", QWEN2_EXPRESSION]),
    (EXAONE_MOE, &[r"ANYCASE|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"]),
    (TEKKEN, &[r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (GPT_4O, &[r"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+(?:ANYCASE)?|[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*(?:ANYCASE)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (GRANITE_EMBED, &[r"[^\r\n\p{L}\p{N}]?((?=[\p{L}\p{M}])([^a-z]))*((?=[\p{L}\p{M}])([^A-Z]))+(?:ANYCASE)?|[^\r\n\p{L}\p{N}]?((?=[\p{L}\p{M}])([^a-z]))+((?=[\p{L}\p{M}])([^A-Z]))*(?:ANYCASE)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (TINY_AYA, &[THREES_AFTER, r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]*[\p{L}\p{M}]+(?:ANYCASE)?|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+[\p{L}\p{M}]*(?:ANYCASE)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (YOUTU, &["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+", r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]*[\p{L}\p{M}]+(?:ANYCASE)?|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+[\p{L}\p{M}]*(?:ANYCASE)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (KIMI_K2, &[r"[HAN]+|[^\r\n\p{L}\p{N}]?[\p{L}&&[^HAN]]+(?:ANYCASE)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]),
    (DEEPSEEK_V3, &[r"\p{N}{1,3}", CHINESE_JAPANESE, DEEPSEEK_EXPRESSION]),
    (SPARK, &[r"\p{N}{1,3}", CHINESE_JAPANESE, r"[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"]),
    (AFMOE, &[THREES_AFTER, r"[\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{8c48}-\x{faff}\x{3040}-\x{309f}\x{30a0}-\x{30ff}\x{ff65}-\x{ff9f}\x{2f00}-\x{2fdf}\x{e40}-\x{e7f}\x{e80}-\x{eff}\x{1780}-\x{17ff}\x{1000}-\x{109f}\x{aa60}-\x{aa7f}\x{a9e0}-\x{a9ff}\x{ac00}-\x{d7af}\x{1100}-\x{11ff}]+", DEEPSEEK_EXPRESSION]),
    (DEEPSEEK_CODER, &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", EAST_ASIAN, r"\p{N}"]),
    (DEEPSEEK_LLM, &[r"[\r\n]", r"\s?[\x{41}-\x{5a}\x{61}-\x{7a}\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293}\x{295}-\x{2af}\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5}\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531}-\x{556}\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd}\x{1c90}-\x{1cba}\x{1cbd}-\x{1cbf}\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15}\x{1f18}-\x{1f1d}\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d}\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d}\x{1f5f}-\x{1f7d}\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4}\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb}\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4}\x{1ff6}-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d}\x{2124}\x{2126}\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f}\x{2145}-\x{2149}\x{214e}\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4}\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d}\x{a680}-\x{a69b}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{ab70}-\x{abbf}\x{fb00}-\x{fb06}\x{fb13}-\x{fb17}\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3}\x{104d8}-\x{104fb}\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df}\x{1e900}-\x{1e943}]+", r"\s?[!-/:-~！-／：-～‘-‟、-。]+", r"\s+\z", EAST_ASIAN, r"\p{N}+"]),
    (BLOOM, &[BLOOM_EXPRESSION]),
    (VIKING, &[BLOOM_EXPRESSION, r"\p{N}"]),
    (SUPERBPE, &[r"\p{N}+", r"(?=([0-9]{3})+(?![0-9]))"]),
    (CHAMELEON, &["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )", r"\p{N}", r"[\p{P}!-/:-@\[-`{-~]", GPT2_EXPRESSION]),
    (GEMMA4, &[r"[^\n]+|[\n]+"]),
    (WHITESPACE, &[r"\S+"]),
];

/// The stages with their expressions ready to run.
static COMPILED: LazyLock<Vec<(&[Stage], Vec<Regex>)>> = LazyLock::new(|| {
    let compile = |expression: &&str| {
        let whole = expression.replace("ENGLISH", ENGLISH).replace("ANYCASE", ENGLISH_ANY_CASE).replace("HAN", HAN);
        Regex::new(&whole).unwrap_or_else(|e| panic!("{whole}: {e}"))
    };
    REFERENCES.iter().map(|(stages, expressions)| (*stages, expressions.iter().map(compile).collect())).collect()
});

/// Matches and what lies between them, expression after expression.
fn reference<'t>(expressions: &[Regex], text: &'t str) -> Vec<&'t str> {
    expressions.iter().fold(vec![text], |pieces, expression| {
        let cut = |piece: &'t str| {
            let matches = expression.find_iter(piece).map(Result::unwrap);
            let mut ends: Vec<usize> = matches.flat_map(|m| [m.start(), m.end()]).chain([piece.len()]).collect();
            ends.dedup();
            let starts = [0].into_iter().chain(ends.clone());
            starts.zip(ends).map(|(start, end)| &piece[start..end]).filter(|p| !p.is_empty()).collect::<Vec<_>>()
        };
        pieces.into_iter().flat_map(cut).collect()
    })
}

fn words<'t>(stages: &[Stage], text: &'t str) -> Vec<&'t str> {
    let mut words = Vec::new();
    each_word(stages, text, &mut |word| words.push(word));
    words
}

fn all_agree(text: &str) {
    for (i, (stages, expressions)) in COMPILED.iter().enumerate() {
        assert_eq!(words(stages, text), reference(expressions, text), "{:?}", REFERENCES[i].1);
    }
}

/// Texts of characters and strings that the expressions treat differently.
fn mixed_text() -> impl Strategy<Value = String> {
    const CHARACTERS: &str = "aTsrvlmdIZ''\u{20}\u{20}\u{20}\t\n\r0179٣½².,$`_/|<>()~\u{301}\u{e31}ñÉǅʰ中豈〇あ가ㄱㄅไ！。、…“🎉\u{200d}\u{a0}\u{3000}\u{2028}\u{85}\u{e000}\u{378}";
    const STRINGS: [&str; 10] =
        ["<sentinel:12>", "<sentinel:1", "IMGIMGABCDZ", "IMGIMGABCDEZ", "123456", "    ", " \n ", "'re", "éA", "don't"];
    let character = proptest::sample::select(CHARACTERS.chars().map(String::from).collect::<Vec<_>>());
    let string = proptest::sample::select(STRINGS.map(str::to_owned).to_vec());
    proptest::collection::vec(prop_oneof![12 => character, 1 => string], 0..40).prop_map(|parts| parts.concat())
}

#[test]
fn every_splitter_has_a_reference() {
    let shown = |stages: &[Stage]| format!("{stages:?}");
    for pre in PRES {
        assert!(REFERENCES.iter().any(|(stages, _)| shown(stages) == shown(pre.stages)), "{}", pre.name);
    }
}

#[test]
fn characters_that_llama_cpp_has_no_category_for_have_none() {
    let of = |group: u8, c: char| Set::of(group).has(c);
    // A currency sign of Unicode 17 and its neighbour of Unicode 14; an ideograph of Unicode 17 and one of Unicode 15.
    assert!(of(set::OTHER, '\u{20C1}') && of(set::SYMBOL, '\u{20C0}'));
    assert!(of(set::OTHER, '\u{323B0}') && of(set::LETTER, '\u{323AF}'));
}

#[test]
fn repeated_characters_are_split_as_the_expressions_say() {
    /// Enough for each limit in an expression; engines give up soon after.
    const N: usize = 600;
    for unit in
        ["a", "A", "É", " ", "\n", "\r\n", " \u{a0}", "7", "²", "!", "/\n", "\u{301}", "漢", "漢か", "👩\u{200d}💻", "'s", " a", "Aé"]
    {
        for n in [1, 2, 3, 4, 5, 31, 255, 513, N] {
            all_agree(&unit.repeat(n));
            all_agree(&format!("{}x", unit.repeat(n)));
        }
    }
}

/// The strings that the golden vocabularies are tried with.
#[test]
fn known_hard_strings_are_split_as_the_expressions_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tokenizers/strings.json");
    let strings: Vec<String> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(strings.len() > 200);
    strings.iter().for_each(|text| all_agree(text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn splitters_follow_their_expressions(text in mixed_text()) {
        all_agree(&text);
    }
}
