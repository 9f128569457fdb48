//! Vocabularies of language and DNA: BPE, but six bases a token between `<dna>` and `</dna>`.

use super::bpe::Bpe;
use super::kind::{Algorithm, Barred};
use super::pre::Pre;
use super::vocab::Vocab;
use super::{Strings, TokenizerError};
use std::collections::HashMap;

const OPEN: &str = "<dna>";
const CLOSE: &str = "</dna>";
/// Stands for six letters that are no bases.
const STRANGER: &[u8] = b"<oov>";

/// Bases a token.
const N_BASES: usize = 6;

/// Ends the text of a token of bases, so that it differs from a word of the same letters: U+E000.
const MARK: &[u8] = "\u{E000}".as_bytes();

pub(super) struct Dna {
    bpe: Bpe,
    /// Opening, closing, strange. Absent: the vocabulary is plain BPE.
    frame: Option<[u32; 3]>,
    bases: HashMap<Vec<u8>, u32>,
}

impl Dna {
    pub(super) fn new(vocab: &Vocab, texts: Strings, pre: Pre) -> Result<Self, TokenizerError> {
        let find = |wanted: &[u8]| texts.iter().zip(0..).find(|(text, _)| *text == wanted).map(|(_, id)| id);
        let frame = || Some([find(OPEN.as_bytes())?, find(CLOSE.as_bytes())?, find(STRANGER)?]);
        let bases = texts.iter().zip(0..).filter_map(|(text, id)| Some((text.strip_suffix(MARK)?.to_vec(), id)));
        Ok(Self { frame: frame(), bases: bases.collect(), bpe: Bpe::new(pre, texts, vocab.merges.as_ref())? })
    }

    /// The ids of bases in either case, six by six; the last six are filled up with A.
    fn bases<'d>(&'d self, dna: &'d str, stranger: u32, barred: Barred<'d>) -> impl Iterator<Item = u32> + 'd {
        dna.as_bytes().chunks(N_BASES).map(move |chunk| {
            let mut six = chunk.to_ascii_uppercase();
            six.resize(N_BASES, b'A');
            self.bases.get(&six).copied().filter(|id| !barred(*id)).unwrap_or(stranger)
        })
    }
}

impl Algorithm for Dna {
    fn encode(&self, text: &str, first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        let Some([open, close, stranger]) = self.frame.filter(|frame| !frame.iter().any(|id| barred(*id))) else {
            return self.bpe.encode(text, first, barred, ids);
        };
        let mut rest = text;
        while let Some((words, after)) = rest.split_once(OPEN) {
            self.bpe.encode(words, first, barred, ids);
            ids.push(open);
            let (dna, after) = after.split_once(CLOSE).map_or((after, None), |(dna, after)| (dna, Some(after)));
            ids.extend(self.bases(dna, stranger, barred));
            ids.extend(after.map(|_| close));
            rest = after.unwrap_or("");
        }
        self.bpe.encode(rest, first, barred, ids);
    }
}

/// A token as text: those of bases, which come after the one for strange letters, without their mark.
pub(super) fn unmarked(texts: &Strings) -> Strings {
    let strangers_at = texts.iter().position(|text| text == STRANGER).unwrap_or(texts.len());
    let unmark = |(id, text): (usize, &[u8])| -> Vec<u8> {
        let bare = text.strip_suffix(MARK).filter(|bare| id > strangers_at && !bare.is_empty());
        bare.unwrap_or(text).to_vec()
    };
    texts.iter().enumerate().map(unmark).collect()
}
