//! U+2581, which stands for a blank in vocabularies made by SentencePiece.

pub(super) const BLANK: &str = "▁";

/// Blanks as U+2581.
pub(super) fn escape(text: &str) -> String {
    text.replace(' ', BLANK)
}

/// U+2581 as the blank it stands for.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(BLANK.as_bytes()) {
            out.push(b' ');
            rest = after;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}
