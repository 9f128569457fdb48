//! GPT-2's byte alphabet: byte-level vocabularies write each byte as one visible character.

/// Characters that stand for a byte lie below this: 256 code points and the 68 that the invisible bytes were moved to.
const END: usize = 256 + 68;

/// Whether a byte stands for itself (as the Latin-1 character) in the alphabet.
const fn is_visible(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// Byte of each character; -1 where the character is not in the alphabet. Invisible bytes take U+0100 and up in order
/// (GPT-2's encoder.py, `bytes_to_unicode`).
const BYTES: [i16; END] = {
    let mut table = [-1; END];
    let mut moved = 256;
    let mut byte = 0;
    while byte < 256 {
        if is_visible(byte as u8) {
            table[byte] = byte as i16;
        } else {
            table[moved] = byte as i16;
            moved += 1;
        }
        byte += 1;
    }
    table
};

fn byte_of(c: char) -> Option<u8> {
    BYTES.get(c as usize).and_then(|&b| u8::try_from(b).ok())
}

/// The bytes that a text in the alphabet stands for, added to `out`; false (and nothing added) if a character is not
/// in the alphabet or the text is not UTF-8.
pub(super) fn decode_into(text: &[u8], out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let decoded = std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|c| byte_of(c).map(|b| out.push(b)).is_some()));
    if !decoded {
        out.truncate(before);
    }
    decoded
}

/// A token's bytes, character by character: one outside the alphabet is spelled out as llama.cpp does
/// (`llama_decode_text`), so that a wrongly typed token is seen and not lost.
pub(super) fn decode_lossy(text: &[u8]) -> Vec<u8> {
    /// The spelling repeats the whole text for each stray character; a longer one is left as it is.
    const SPELLED_MAX_BYTES: usize = 256;
    let mut out = Vec::with_capacity(text.len());
    if decode_into(text, &mut out) {
        return out;
    }
    let Ok(readable) = std::str::from_utf8(text) else { return text.to_vec() };
    if text.len() > SPELLED_MAX_BYTES {
        return text.to_vec();
    }
    for c in readable.chars() {
        match byte_of(c) {
            Some(byte) => out.push(byte),
            None => {
                out.extend_from_slice(b"[UNK_BYTE_0x");
                out.extend(c.encode_utf8(&mut [0; 4]).bytes().flat_map(|b| format!("{b:02x}").into_bytes()));
                out.extend_from_slice(text);
                out.push(b']');
            }
        }
    }
    out
}
