//! Characters that Unicode has since version 16. llama.cpp's tables (src/unicode-data.cpp) end with 15.1 and know no category
//! of theirs.

use super::set::Ranges;

/// In order.
#[rustfmt::skip]
const NEWER: Ranges = &[
    ('\u{558}', '\u{558}'), ('\u{58B}', '\u{58C}'), ('\u{5C8}', '\u{5C9}'), ('\u{88F}', '\u{897}'),
    ('\u{B53}', '\u{B54}'), ('\u{C5C}', '\u{C5C}'), ('\u{CDC}', '\u{CDC}'), ('\u{1ACF}', '\u{1AF0}'),
    ('\u{1B4E}', '\u{1B4F}'), ('\u{1B7F}', '\u{1B7F}'), ('\u{1C89}', '\u{1C8A}'), ('\u{208F}', '\u{208F}'),
    ('\u{209D}', '\u{209F}'), ('\u{20C1}', '\u{20C4}'), ('\u{2427}', '\u{2429}'), ('\u{2B96}', '\u{2B96}'),
    ('\u{2E60}', '\u{2E63}'), ('\u{31E4}', '\u{31E5}'), ('\u{A7CB}', '\u{A7CF}'), ('\u{A7D2}', '\u{A7D2}'),
    ('\u{A7D4}', '\u{A7D4}'), ('\u{A7DA}', '\u{A7F1}'), ('\u{AB6C}', '\u{AB6D}'), ('\u{FBC3}', '\u{FBD2}'),
    ('\u{FD90}', '\u{FD91}'), ('\u{FDC8}', '\u{FDCE}'), ('\u{105C0}', '\u{105F3}'), ('\u{107BB}', '\u{107BF}'),
    ('\u{10940}', '\u{10959}'), ('\u{10D40}', '\u{10D8F}'), ('\u{10EC2}', '\u{10EFC}'), ('\u{11380}', '\u{113E2}'),
    ('\u{116D0}', '\u{116E3}'), ('\u{11B0A}', '\u{11BF9}'), ('\u{11DB0}', '\u{11DF1}'), ('\u{11F5A}', '\u{11F5A}'),
    ('\u{1246F}', '\u{1246F}'), ('\u{12475}', '\u{1247F}'), ('\u{12550}', '\u{12686}'), ('\u{13460}', '\u{143FA}'),
    ('\u{16100}', '\u{16139}'), ('\u{16D40}', '\u{16D79}'), ('\u{16EA0}', '\u{16ED3}'), ('\u{16FF2}', '\u{16FF6}'),
    ('\u{187F8}', '\u{187FF}'), ('\u{18CD6}', '\u{18CFF}'), ('\u{18D09}', '\u{191D2}'), ('\u{1B123}', '\u{1B128}'),
    ('\u{1B168}', '\u{1B168}'), ('\u{1CC00}', '\u{1CEFD}'), ('\u{1D127}', '\u{1D128}'), ('\u{1D1EB}', '\u{1D1FF}'),
    ('\u{1D250}', '\u{1D281}'), ('\u{1D6A6}', '\u{1D6A6}'), ('\u{1DB00}', '\u{1DB1C}'), ('\u{1DF1F}', '\u{1DF24}'),
    ('\u{1DF2B}', '\u{1DFFF}'), ('\u{1E5D0}', '\u{1E6FF}'), ('\u{1F1AE}', '\u{1F1AE}'), ('\u{1F6D8}', '\u{1F6D9}'),
    ('\u{1F777}', '\u{1F77A}'), ('\u{1F7DA}', '\u{1F7DB}'), ('\u{1F7F1}', '\u{1F7FF}'), ('\u{1F8B2}', '\u{1F8D8}'),
    ('\u{1FA54}', '\u{1FA57}'), ('\u{1FA89}', '\u{1FA8F}'), ('\u{1FABE}', '\u{1FABE}'), ('\u{1FAC6}', '\u{1FACD}'),
    ('\u{1FADC}', '\u{1FADF}'), ('\u{1FAE9}', '\u{1FAEF}'), ('\u{1FAF9}', '\u{1FAFA}'), ('\u{1FBCB}', '\u{1FBEF}'),
    ('\u{1FBFA}', '\u{1FBFA}'), ('\u{2B73A}', '\u{2B73F}'), ('\u{2B81E}', '\u{2B81E}'), ('\u{2CEA2}', '\u{2CEAD}'),
    ('\u{323B0}', '\u{3FC3F}'),
];

pub(in crate::tokenizer) fn is_newer(c: char) -> bool {
    let next = NEWER.partition_point(|(first, _)| *first <= c);
    next.checked_sub(1).is_some_and(|i| c <= NEWER[i].1)
}
