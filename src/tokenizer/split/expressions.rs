//! The expressions of the pre-tokenizers (llama.cpp `llm_tokenizer_bpe`, `unicode_regex_split`), alternative by
//! alternative. They are named for the model that made each known; `pre` says which names share one.

use super::rule::{Lead, MANY, Rule, Run, Tail};
use super::set::{LETTER, MARK, NUMBER, PUNCTUATION, Ranges, SPACE, SYMBOL, Set};
use super::{Cuts, Stage};

// ---- sets

const BREAK: Ranges = &[('\n', '\n'), ('\r', '\r')];
const LATIN: Ranges = &[('A', 'Z'), ('a', 'z')];
const DIGIT: Ranges = &[('0', '9')];
/// U+4E00 to U+9FA5, Hiragana, Katakana.
const CHINESE_JAPANESE: Ranges = &[('一', '龥'), ('\u{3040}', '\u{309F}'), ('\u{30A0}', '\u{30FF}')];

const LETTERS: Set = Set::of(LETTER);
const LETTERS_MARKS: Set = Set::of(LETTER | MARK);
const NUMBERS: Set = Set::of(NUMBER);
const DIGITS: Set = Set::ranges(DIGIT);
const SPACES: Set = Set::of(SPACE);
const BREAKS: Set = Set::ranges(BREAK);
const BLANK: Set = Set::ranges(&[(' ', ' ')]);
/// `[^\s\p{L}\p{N}]`
const SIGNS: Set = Set::not(SPACE | LETTER | NUMBER);
/// `[\p{P}\p{S}]`
const PLAIN_SIGNS: Set = Set::of(PUNCTUATION | SYMBOL);
/// `[\r\n/]`
const BREAKS_SLASH: Set = Set::ranges(&[('\n', '\n'), ('\r', '\r'), ('/', '/')]);
/// `[^\r\n\p{L}\p{N}]`
const NO_WORD: Set = Set::not(LETTER | NUMBER).but(BREAK);
/// `[^\r\n\p{L}\p{P}\p{S}]`
const NO_WORD_OR_SIGN: Set = Set::not(LETTER | PUNCTUATION | SYMBOL).but(BREAK);
const ASCII_SIGNS: Set = Set::ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]);

// ---- alternatives that many share

/// `'s|'t|'re|'ve|'m|'ll|'d`
const CONTRACTION: Rule = Rule::Contraction { any_case: false };
const ANY_CASE_CONTRACTION: Rule = Rule::Contraction { any_case: true };
/// `[^\r\n\p{L}\p{N}]?\p{L}+`
const WORD: Rule = Run::of(LETTERS).lead(Lead::Maybe(NO_WORD)).rule();
/// `[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+`
const MARKED_WORD: Run = Run::of(LETTERS_MARKS).lead(Lead::Maybe(NO_WORD));
/// `\p{N}`
const NUMBER_ALONE: Rule = Run::of(NUMBERS).most(1).rule();
/// `\p{N}{1,3}`
const NUMBERS_3: Rule = Run::of(NUMBERS).most(3).rule();
/// ` ?[^\s\p{L}\p{N}]+`
const SIGN_RUN: Run = Run::of(SIGNS).lead(Lead::Maybe(BLANK));
/// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
const SIGN_LINE: Rule = SIGN_RUN.tail(Tail::Run(BREAKS, MANY)).rule();
/// ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
const SIGN_PATH: Rule = SIGN_RUN.tail(Tail::Run(BREAKS_SLASH, MANY)).rule();
/// `\s*[\r\n]+`
const LINES: Rule = Rule::Lines;
/// `\s+(?!\S)`
const SPACES_BUT_ONE: Rule = Rule::Spaces { least: 1, most: MANY };
/// `\s+`
const SPACE_RUN: Rule = Run::of(SPACES).rule();

// ---- stages that many share

const EACH_NUMBER: Stage = Stage::Expression(&[NUMBER_ALONE]);
const EACH_BREAK: Stage = Stage::Expression(&[Run::of(BREAKS).most(1).rule()]);
const BY_THREES: Stage = Stage::Expression(&[NUMBERS_3]);
/// `[0-9][0-9][0-9]`
const DIGIT_THREES: Stage = Stage::Expression(&[Run::of(DIGITS).exactly(3).rule()]);
const CHINESE_JAPANESE_RUNS: Stage = Stage::Expression(&[Run::of(Set::ranges(CHINESE_JAPANESE)).rule()]);
/// `[^\n]+|[\n]+`
const NEWLINES: Stage =
    Stage::Expression(&[Run::of(Set::not(0).but(&[('\n', '\n')])).rule(), Run::of(Set::ranges(&[('\n', '\n')])).rule()]);
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
const GPT2_WORDS: Stage = Stage::Expression(&[
    CONTRACTION,
    Run::of(LETTERS).lead(Lead::Maybe(BLANK)).rule(),
    Run::of(NUMBERS).lead(Lead::Maybe(BLANK)).rule(),
    SIGN_RUN.rule(),
    SPACES_BUT_ONE,
    SPACE_RUN,
]);
/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
const QWEN2_WORDS: Stage = Stage::Expression(&[ANY_CASE_CONTRACTION, WORD, NUMBER_ALONE, SIGN_LINE, LINES, SPACES_BUT_ONE, SPACE_RUN]);
/// ``[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+``
const DEEPSEEK_WORDS: Stage =
    Stage::Expression(&[SIGNED_WORD, DEEPSEEK_WORD, PLAIN_SIGN_RUN.tail(Tail::Run(BREAKS, MANY)).rule(), LINES, SPACES_BUT_ONE, SPACE_RUN]);
const SIGNED_WORD: Rule = Run::of(Set::ranges(LATIN)).lead(Lead::One(ASCII_SIGNS)).rule();
const DEEPSEEK_WORD: Rule = Run::of(LETTERS_MARKS).lead(Lead::Maybe(NO_WORD_OR_SIGN)).rule();
const PLAIN_SIGN_RUN: Run = Run::of(PLAIN_SIGNS).lead(Lead::Maybe(BLANK));
/// ` ?[^(\s|.,!?…。，、।۔،)]+`
const BLOOM_WORDS: Stage = Stage::Expression(&[Run::of(Set::not(SPACE).but(BLOOM_SIGNS)).lead(Lead::Maybe(BLANK)).rule()]);
const BLOOM_SIGNS: Ranges = &[
    ('(', ')'),
    ('|', '|'),
    ('.', '.'),
    (',', ','),
    ('!', '!'),
    ('?', '?'),
    ('…', '…'),
    ('。', '。'),
    ('，', '，'),
    ('、', '、'),
    ('\u{964}', '\u{964}'),
    ('\u{6D4}', '\u{6D4}'),
    ('\u{60C}', '\u{60C}'),
];

// ---- the pre-tokenizers

/// Signs, GPT-2's words, numbers, then ASCII digits by threes. The grave accent is no sign.
pub(in crate::tokenizer) const DEFAULT: &[Stage] =
    &[Stage::Expression(&[Run::of(DEFAULT_SIGNS).rule()]), GPT2_WORDS, Stage::Expression(&[Run::of(NUMBERS).rule()]), DIGIT_THREES];
const DEFAULT_SIGNS: Set = Set::of(PUNCTUATION).also(&[('$', '$'), ('+', '+'), ('<', '>'), ('^', '^'), ('|', '|'), ('~', '~')]);

pub(in crate::tokenizer) const FALCON: &[Stage] = &[Stage::Expression(&[Run::of(FALCON_SIGNS).rule()]), GPT2_WORDS, DIGIT_THREES];
const FALCON_SIGNS: Set = DEFAULT_SIGNS.also(&[('$', '$'), ('+', '+'), ('<', '>'), ('^', '^'), ('|', '|'), ('~', '~'), ('`', '`')]);

pub(in crate::tokenizer) const GPT2: &[Stage] = &[GPT2_WORDS];

pub(in crate::tokenizer) const STARCODER: &[Stage] = &[EACH_NUMBER, GPT2_WORDS];

/// As Qwen 2's, but numbers by threes.
pub(in crate::tokenizer) const LLAMA3: &[Stage] =
    &[Stage::Expression(&[ANY_CASE_CONTRACTION, WORD, NUMBERS_3, SIGN_LINE, LINES, SPACES_BUT_ONE, SPACE_RUN])];

/// As Llama 3's, but white space by powers of two.
pub(in crate::tokenizer) const JAIS2: &[Stage] = &[Stage::Expression(&[
    ANY_CASE_CONTRACTION,
    WORD,
    NUMBERS_3,
    SIGN_LINE,
    LINES,
    Rule::Spaces { least: 512, most: 512 },
    Rule::Spaces { least: 256, most: 256 },
    Rule::Spaces { least: 128, most: 128 },
    Rule::Spaces { least: 64, most: 64 },
    Rule::Spaces { least: 32, most: 32 },
    Rule::Spaces { least: 16, most: 16 },
    Rule::Spaces { least: 8, most: 8 },
    Rule::Spaces { least: 4, most: 4 },
    Rule::Spaces { least: 1, most: 2 },
    Run::of(SPACES).most(1).rule(),
])];

/// Numbers by threes, then Llama 3's with numbers as they come.
pub(in crate::tokenizer) const MINICPM5: &[Stage] =
    &[BY_THREES, Stage::Expression(&[ANY_CASE_CONTRACTION, WORD, Run::of(NUMBERS).rule(), SIGN_LINE, LINES, SPACES_BUT_ONE, SPACE_RUN])];

pub(in crate::tokenizer) const QWEN2: &[Stage] = &[QWEN2_WORDS];

/// As Qwen 2's, but marks belong to words.
pub(in crate::tokenizer) const QWEN35: &[Stage] = &[Stage::Expression(&[
    ANY_CASE_CONTRACTION,
    MARKED_WORD.rule(),
    NUMBER_ALONE,
    Run::of(Set::not(SPACE | LETTER | MARK | NUMBER)).lead(Lead::Maybe(BLANK)).tail(Tail::Run(BREAKS, MANY)).rule(),
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];

/// As Qwen 2's, but without contractions: Turkish suffixes stay with their apostrophe.
pub(in crate::tokenizer) const UFAKZEKA: &[Stage] =
    &[Stage::Expression(&[WORD, NUMBER_ALONE, SIGN_LINE, LINES, SPACES_BUT_ONE, SPACE_RUN])];

/// As Qwen 2's, but line breaks do not belong to the signs before them.
pub(in crate::tokenizer) const SEED_CODER: &[Stage] = &[Stage::Expression(&[
    ANY_CASE_CONTRACTION,
    WORD,
    NUMBER_ALONE,
    Run::of(SIGNS.but(BREAK)).lead(Lead::Maybe(BLANK)).rule(),
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];

pub(in crate::tokenizer) const LAGUNA: &[Stage] = &[NEWLINES, QWEN2_WORDS];

/// Words go on over single blanks.
pub(in crate::tokenizer) const EXAONE_MOE: &[Stage] = &[Stage::Expression(&[
    ANY_CASE_CONTRACTION,
    Rule::Phrase { lead: NO_WORD, words: LETTERS_MARKS },
    NUMBER_ALONE,
    SIGN_RUN.tail(Tail::Run(BREAKS_SLASH, 1)).rule(),
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];

pub(in crate::tokenizer) const TEKKEN: &[Stage] = &[Stage::Expression(&[
    Rule::Cased { lead: NO_WORD, letters: LETTERS, tail: Tail::Nothing },
    NUMBER_ALONE,
    SIGN_PATH,
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];

pub(in crate::tokenizer) const GPT_4O: &[Stage] = &[Stage::Expression(&[
    Rule::Cased { lead: NO_WORD, letters: LETTERS, tail: Tail::Contraction },
    NUMBERS_3,
    SIGN_PATH,
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];

/// As GPT-4o's, but marks belong to words.
pub(in crate::tokenizer) const GRANITE_EMBED: &[Stage] = &[Stage::Expression(&[
    Rule::Cased { lead: NO_WORD, letters: LETTERS_MARKS, tail: Tail::Contraction },
    NUMBERS_3,
    SIGN_PATH,
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];

/// Numbers by threes from the right, then as `GRANITE_EMBED` but whatever the case.
pub(in crate::tokenizer) const TINY_AYA: &[Stage] = &[
    Stage::Groups(NUMBERS, Cuts::After),
    Stage::Expression(&[MARKED_WORD.tail(Tail::Contraction).rule(), NUMBERS_3, SIGN_PATH, LINES, SPACES_BUT_ONE, SPACE_RUN]),
];

/// Hangul, CJK punctuation, Bopomofo, then Chinese and Japanese apart; the rest as `TINY_AYA` with single numbers.
pub(in crate::tokenizer) const YOUTU: &[Stage] = &[
    Stage::Expression(&[
        Run::of(Set::ranges(&[('가', '힣'), ('\u{3131}', '\u{318E}')])).rule(),
        Run::of(Set::ranges(YOUTU_SIGNS)).rule(),
        Run::of(Set::ranges(&[('\u{3105}', '\u{312F}')])).rule(),
        Run::of(Set::ranges(CHINESE_JAPANESE)).rule(),
    ]),
    Stage::Expression(&[MARKED_WORD.tail(Tail::Contraction).rule(), NUMBER_ALONE, SIGN_PATH, LINES, SPACES_BUT_ONE, SPACE_RUN]),
];
const YOUTU_SIGNS: Ranges = &[
    ('！', '！'),
    ('…', '…'),
    ('“', '”'),
    ('‘', '’'),
    ('—', '—'),
    ('：', '；'),
    ('，', '，'),
    ('\u{3001}', '\u{303F}'),
    ('\u{FE30}', '\u{FE4F}'),
];

/// Chinese apart from the words of other scripts.
pub(in crate::tokenizer) const KIMI_K2: &[Stage] = &[Stage::Expression(&[
    Run::of(Set::ranges(HAN)).rule(),
    Run::of(LETTERS.but(HAN)).lead(Lead::Maybe(NO_WORD)).tail(Tail::Contraction).rule(),
    NUMBERS_3,
    SIGN_LINE,
    LINES,
    SPACES_BUT_ONE,
    SPACE_RUN,
])];
const HAN: Ranges = &[
    ('\u{4E00}', '\u{9FFF}'),
    ('\u{3400}', '\u{4DBF}'),
    ('\u{20000}', '\u{2A6DF}'),
    ('\u{2A700}', '\u{2EBEF}'),
    ('\u{F900}', '\u{FAFF}'),
    ('\u{2F800}', '\u{2FA1F}'),
];

pub(in crate::tokenizer) const DEEPSEEK_V3: &[Stage] = &[BY_THREES, CHINESE_JAPANESE_RUNS, DEEPSEEK_WORDS];

/// As DeepSeek V3's, but each line break and each number for itself.
pub(in crate::tokenizer) const SPARK: &[Stage] = &[
    BY_THREES,
    CHINESE_JAPANESE_RUNS,
    Stage::Expression(&[SIGNED_WORD, DEEPSEEK_WORD, PLAIN_SIGN_RUN.rule(), Run::of(BREAKS).most(1).rule(), SPACES_BUT_ONE, SPACE_RUN]),
    EACH_NUMBER,
];

/// As DeepSeek V3's, but numbers by threes from the right and more scripts apart.
pub(in crate::tokenizer) const AFMOE: &[Stage] =
    &[Stage::Groups(NUMBERS, Cuts::After), Stage::Expression(&[Run::of(Set::ranges(AFMOE_SCRIPTS)).rule()]), DEEPSEEK_WORDS];
const AFMOE_SCRIPTS: Ranges = &[
    ('\u{4E00}', '\u{9FFF}'),
    ('\u{3400}', '\u{4DBF}'),
    // The source has U+8C48 here where U+F900, which looks the same, must have been meant.
    ('\u{8C48}', '\u{FAFF}'),
    ('\u{3040}', '\u{309F}'),
    ('\u{30A0}', '\u{30FF}'),
    ('\u{FF65}', '\u{FF9F}'),
    ('\u{2F00}', '\u{2FDF}'),
    ('\u{E40}', '\u{E7F}'),
    ('\u{E80}', '\u{EFF}'),
    ('\u{1780}', '\u{17FF}'),
    ('\u{1000}', '\u{109F}'),
    ('\u{AA60}', '\u{AA7F}'),
    ('\u{A9E0}', '\u{A9FF}'),
    ('\u{AC00}', '\u{D7AF}'),
    ('\u{1100}', '\u{11FF}'),
];

/// `[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, U+0800 to U+9FA5 and Hangul, `\p{N}`
pub(in crate::tokenizer) const DEEPSEEK_CODER: &[Stage] = &[
    EACH_BREAK,
    Stage::Expression(&[Run::of(LETTERS).lead(Lead::Maybe(SPACES)).rule()]),
    Stage::Expression(&[Run::of(Set::of(PUNCTUATION)).lead(Lead::Maybe(SPACES)).rule()]),
    EAST_ASIAN_RUNS,
    EACH_NUMBER,
];
const EAST_ASIAN_RUNS: Stage = Stage::Expression(&[Run::of(Set::ranges(&[('\u{800}', '\u{9FA5}'), ('\u{AC00}', '\u{D7FF}')])).rule()]);

/// `[\r\n]`, `\s?` and cased letters, `\s?` and signs, `\s+$`, as `DEEPSEEK_CODER`, `\p{N}+`
pub(in crate::tokenizer) const DEEPSEEK_LLM: &[Stage] = &[
    EACH_BREAK,
    Stage::Expression(&[Run::of(Set::ranges(CASED_LETTERS)).lead(Lead::Maybe(SPACES)).rule()]),
    Stage::Expression(&[Run::of(Set::ranges(DEEPSEEK_SIGNS)).lead(Lead::Maybe(SPACES)).rule()]),
    Stage::TrailingSpace,
    EAST_ASIAN_RUNS,
    Stage::Expression(&[Run::of(NUMBERS).rule()]),
];
const DEEPSEEK_SIGNS: Ranges = &[('!', '/'), (':', '~'), ('！', '／'), ('：', '～'), ('‘', '‟'), ('\u{3000}', '。')];
#[rustfmt::skip]
const CASED_LETTERS: Ranges = &[
    ('A', 'Z'), ('a', 'z'), ('\u{B5}', '\u{B5}'), ('\u{C0}', '\u{D6}'), ('\u{D8}', '\u{F6}'), ('\u{F8}', '\u{1BA}'),
    ('\u{1BC}', '\u{1BF}'), ('\u{1C4}', '\u{293}'), ('\u{295}', '\u{2AF}'), ('\u{370}', '\u{373}'), ('\u{376}', '\u{377}'),
    ('\u{37B}', '\u{37D}'), ('\u{37F}', '\u{37F}'), ('\u{386}', '\u{386}'), ('\u{388}', '\u{38A}'), ('\u{38C}', '\u{38C}'),
    ('\u{38E}', '\u{3A1}'), ('\u{3A3}', '\u{3F5}'), ('\u{3F7}', '\u{481}'), ('\u{48A}', '\u{52F}'), ('\u{531}', '\u{556}'),
    ('\u{10A0}', '\u{10C5}'), ('\u{13A0}', '\u{13F5}'), ('\u{13F8}', '\u{13FD}'), ('\u{1C90}', '\u{1CBA}'),
    ('\u{1CBD}', '\u{1CBF}'), ('\u{1D00}', '\u{1D2B}'), ('\u{1D6B}', '\u{1D77}'), ('\u{1D79}', '\u{1D9A}'),
    ('\u{1E00}', '\u{1F15}'), ('\u{1F18}', '\u{1F1D}'), ('\u{1F20}', '\u{1F45}'), ('\u{1F48}', '\u{1F4D}'),
    ('\u{1F50}', '\u{1F57}'), ('\u{1F59}', '\u{1F59}'), ('\u{1F5B}', '\u{1F5B}'), ('\u{1F5D}', '\u{1F5D}'),
    ('\u{1F5F}', '\u{1F7D}'), ('\u{1F80}', '\u{1FB4}'), ('\u{1FB6}', '\u{1FBC}'), ('\u{1FBE}', '\u{1FBE}'),
    ('\u{1FC2}', '\u{1FC4}'), ('\u{1FC6}', '\u{1FCC}'), ('\u{1FD0}', '\u{1FD3}'), ('\u{1FD6}', '\u{1FDB}'),
    ('\u{1FE0}', '\u{1FEC}'), ('\u{1FF2}', '\u{1FF4}'), ('\u{1FF6}', '\u{1FFC}'), ('\u{2102}', '\u{2102}'),
    ('\u{2107}', '\u{2107}'), ('\u{210A}', '\u{2113}'), ('\u{2115}', '\u{2115}'), ('\u{2119}', '\u{211D}'),
    ('\u{2124}', '\u{2124}'), ('\u{2126}', '\u{2126}'), ('\u{2128}', '\u{2128}'), ('\u{212A}', '\u{212D}'),
    ('\u{212F}', '\u{2134}'), ('\u{2139}', '\u{2139}'), ('\u{213C}', '\u{213F}'), ('\u{2145}', '\u{2149}'),
    ('\u{214E}', '\u{214E}'), ('\u{2183}', '\u{2184}'), ('\u{2C00}', '\u{2C7B}'), ('\u{2C7E}', '\u{2CE4}'),
    ('\u{2CEB}', '\u{2CEE}'), ('\u{2CF2}', '\u{2CF3}'), ('\u{A640}', '\u{A66D}'), ('\u{A680}', '\u{A69B}'),
    ('\u{A722}', '\u{A76F}'), ('\u{A771}', '\u{A787}'), ('\u{A78B}', '\u{A78E}'), ('\u{AB70}', '\u{ABBF}'),
    ('\u{FB00}', '\u{FB06}'), ('\u{FB13}', '\u{FB17}'), ('\u{FF21}', '\u{FF3A}'), ('\u{FF41}', '\u{FF5A}'),
    ('\u{10400}', '\u{1044F}'), ('\u{104B0}', '\u{104D3}'), ('\u{104D8}', '\u{104FB}'), ('\u{10C80}', '\u{10CB2}'),
    ('\u{10CC0}', '\u{10CF2}'), ('\u{118A0}', '\u{118DF}'), ('\u{1E900}', '\u{1E943}'),
];

pub(in crate::tokenizer) const BLOOM: &[Stage] = &[BLOOM_WORDS];

pub(in crate::tokenizer) const VIKING: &[Stage] = &[BLOOM_WORDS, EACH_NUMBER];

/// `\p{N}+`, then `(?=(\d{3})+(?!\d))`: ASCII digits by threes from the right.
pub(in crate::tokenizer) const SUPERBPE: &[Stage] = &[Stage::Expression(&[Run::of(NUMBERS).rule()]), Stage::Groups(DIGITS, Cuts::Before)];

/// Sentinel and image tokens, tabs and newlines and blanks by fours and twos, numbers, signs, then GPT-2's words.
pub(in crate::tokenizer) const CHAMELEON: &[Stage] = &[
    Stage::Expression(&[Rule::Between { open: "<sentinel:", inside: DIGITS, most: MANY, close: '>' }]),
    Stage::Expression(&[Rule::Between { open: "IMGIMG", inside: Set::ranges(&[('A', 'I')]), most: 4, close: 'Z' }]),
    Stage::Expression(&[
        Run::of(Set::ranges(&[('\t', '\n')])).most(1).rule(),
        Run::of(BLANK).exactly(4).rule(),
        Run::of(BLANK).exactly(2).rule(),
    ]),
    EACH_NUMBER,
    Stage::Expression(&[Run::of(Set::of(PUNCTUATION).also(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')])).most(1).rule()]),
    GPT2_WORDS,
];

/// Blanks are part of the words; lines are not.
pub(in crate::tokenizer) const GEMMA4: &[Stage] = &[NEWLINES];

/// `\S+`
pub(in crate::tokenizer) const WHITESPACE: &[Stage] = &[Stage::Expression(&[Run::of(Set::not(SPACE)).rule()])];
