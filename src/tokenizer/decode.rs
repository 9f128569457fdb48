//! Ids to bytes.

use super::attributes::Attributes;
use super::pre::Spelling;
use super::{Strings, Tokenizer, alphabet, blanks, rwkv, vocab};

/// What each token stands for as text (llama.cpp `token_to_piece`).
pub(super) fn pieces(texts: &Strings, attributes: &[Attributes], spelling: Spelling) -> Strings {
    let mut pieces = Strings::default();
    for (text, attribute) in texts.iter().zip(attributes) {
        match spelling {
            Spelling::Escapes => pieces.push(&rwkv::unescape(text).unwrap_or_default()),
            _ if attribute.is_cut_out() => pieces.push(text),
            Spelling::Plain if !attribute.has(Attributes::BYTE) => pieces.push(text),
            Spelling::Blanks if attribute.has(Attributes::NORMAL) => pieces.push(&blanks::unescape(text)),
            _ if attribute.has(Attributes::NORMAL) => pieces.push(&alphabet::decode_lossy(text)),
            _ if attribute.has(Attributes::BYTE) => pieces.push(vocab::byte_of(text).as_slice()),
            _ => pieces.push(&[]),
        }
    }
    pieces
}

impl Tokenizer {
    /// One token's bytes, which need not be whole characters. A control or unknown token is empty unless `special`;
    /// so is an id outside the vocabulary.
    pub fn piece(&self, id: u32, special: bool) -> &[u8] {
        let hidden = self.attributes.get(id as usize).is_none_or(|a| a.is_hidden());
        if hidden && !special { &[] } else { self.pieces.get(id as usize) }
    }

    /// The bytes of `ids`. `remove_special`: without the BOS and EOS that `encode` adds. `unparse_special`: control
    /// tokens are written out.
    pub fn decode(&self, ids: &[u32], remove_special: bool, unparse_special: bool) -> Vec<u8> {
        let mut ids = ids;
        // The blank that SPM puts in front of a text is taken off again.
        let mut strip_blank = self.add_space_prefix;
        if remove_special && self.add_bos() && ids.first().copied() == self.bos() && !ids.is_empty() {
            strip_blank = false;
            ids = &ids[1..];
        }
        if remove_special && self.add_eos() && ids.last().copied() == self.eos() && !ids.is_empty() {
            ids = &ids[..ids.len() - 1];
        }
        let mut bytes = Vec::new();
        for id in ids {
            let piece = self.piece(*id, unparse_special);
            bytes.extend_from_slice(piece.strip_prefix(b" ").filter(|_| strip_blank).unwrap_or(piece));
            strip_blank = false;
        }
        if self.clean_spaces { clean(&bytes) } else { bytes }
    }
}

/// llama.cpp's clean-up of white space (`llama_vocab::impl::detokenize`), three passes of which each sees what the
/// one before left.
fn clean(bytes: &[u8]) -> Vec<u8> {
    contract(&unquote(&punctuate(bytes)))
}

/// " ?" " !" " ." " ,": the sign alone.
fn punctuate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (i, &byte) in bytes.iter().enumerate() {
        if i > 0 && bytes[i - 1] == b' ' && matches!(byte, b'?' | b'!' | b'.' | b',') {
            out.pop();
        }
        out.push(byte);
    }
    out
}

/// " ' ": the apostrophe alone.
fn unquote(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    // A blank that was taken with one apostrophe is none for the next.
    let mut after_blank = false;
    while let Some(&byte) = bytes.get(i) {
        if after_blank && byte == b'\'' && bytes.get(i + 1) == Some(&b' ') {
            out.pop();
            i += 1;
            after_blank = false;
        } else {
            after_blank = byte == b' ';
        }
        out.push(byte);
        i += 1;
    }
    out
}

/// " 's" " 'm" " 're" " 've": without the blank.
fn contract(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (i, &byte) in bytes.iter().enumerate() {
        let tail = bytes.get(i + 1..).unwrap_or(&[]);
        let contracts = matches!(tail, [b's' | b'm', ..] | [b'r' | b'v', b'e', ..]);
        if i > 0 && bytes[i - 1] == b' ' && byte == b'\'' && contracts {
            out.pop();
        }
        out.push(byte);
    }
    out
}
