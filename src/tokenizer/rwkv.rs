//! RWKV's vocabulary: at each place the longest token that the text goes on with, byte by byte.

use super::automaton::{Automaton, NONE, ROOT};
use super::kind::{Algorithm, Barred};
use super::vocab::{self, Vocab};
use super::{Strings, TokenizerError};

pub(super) struct Rwkv {
    /// All tokens backwards, so that one run over the text from its end finds the longest at each place.
    automaton: Automaton,
    lens: Vec<u32>,
    unk: Option<u32>,
}

impl Rwkv {
    pub(super) fn new(vocab: &Vocab, texts: &Strings) -> Result<Self, TokenizerError> {
        let mut backwards = Strings::default();
        for (id, text) in texts.iter().enumerate() {
            let mut bytes = unescape(text).ok_or_else(|| TokenizerError::Escape { id, text: vocab::excerpt(text) })?;
            bytes.reverse();
            backwards.push(&bytes);
        }
        let lens = backwards.iter().map(|text| text.len() as u32).collect();
        Ok(Self { automaton: Automaton::new(backwards.iter()), lens, unk: vocab.ids.unk })
    }
}

impl Algorithm for Rwkv {
    fn encode(&self, text: &str, _first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        let mut node = ROOT;
        let mut longest: Vec<u32> = Vec::with_capacity(text.len());
        longest.extend(text.bytes().rev().map(|byte| {
            node = self.automaton.step(node, byte);
            self.automaton.patterns(node).find(|id| !barred(*id)).unwrap_or(NONE)
        }));
        let mut left = text.len();
        while let Some(&id) = left.checked_sub(1).and_then(|last| longest.get(last)) {
            ids.extend(Some(id).filter(|id| *id != NONE).or(self.unk));
            left -= self.lens.get(id as usize).map_or(1, |len| *len as usize);
        }
    }
}

/// A token's bytes: `\t`, `\n`, `\r`, `\xHH`, and a backslash before anything else. `None` where an escape is cut short or
/// has no hexadecimal digits of lower case.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next()? {
                b't' => b'\t',
                b'n' => b'\n',
                b'r' => b'\r',
                b'x' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
                other => *other,
            },
            _ => byte,
        });
    }
    Some(out)
}
