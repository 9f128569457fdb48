//! The tokenizer: a checked vocabulary with what encoding needs.

use super::attributes::{Attributes, Kinds};
use super::kind::{self, Algorithm, Barred, Kind};
use super::merging::stretches;
use super::pre::Pre;
use super::special::{Matcher, Special, Strip};
use super::vocab::{SpecialIds, Vocab};
use super::{Strings, TokenizerError, dna};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A piece of a prompt: text that a person may have written, or a token that shapes the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'t> {
    /// Never becomes a control token, whatever it says.
    Text(Cow<'t, str>),
    Token(u32),
}

/// The same, borrowed.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Text(&'t str),
    Token(u32),
}

/// Ids as they are written.
struct Writer {
    ids: Vec<u32>,
    /// SPM puts a blank in front of text that begins or follows a special token.
    after_special: bool,
}

/// Text to ids and back, for one vocabulary.
pub struct Tokenizer {
    kind: &'static Kind,
    algorithm: Box<dyn Algorithm>,
    matcher: Matcher,
    pub(super) attributes: Vec<Attributes>,
    /// What each token stands for as text, control tokens included.
    pub(super) pieces: Strings,
    shaping: BTreeSet<u32>,
    eog: BTreeSet<u32>,
    eot: Option<u32>,
    ids: SpecialIds,
    nl: Option<u32>,
    add_bos: bool,
    add_eos: bool,
    pub(super) add_space_prefix: bool,
    pub(super) clean_spaces: bool,
    notes: Vec<String>,
}

impl Tokenizer {
    pub fn new(mut vocab: Vocab) -> Result<Self, TokenizerError> {
        let mut notes = Vec::new();
        let kind = kind::of(&vocab)?;
        let pre = kind.pre(&vocab, &mut notes)?;
        vocab.check()?;
        let default_bos = kind.ids.bos.filter(|_| pre.default_bos);
        drop_outsiders(&mut vocab, SpecialIds { bos: default_bos, ..kind.ids }, &mut notes);

        let kinds = Kinds::of(&vocab);
        // Text that no token has falls back to this one, so it must not shape a conversation.
        let is_control = |id: &u32| kinds.attributes.get(*id as usize).is_some_and(|a| a.has(Attributes::CONTROL));
        vocab.ids.unk = vocab.ids.unk.filter(|id| !is_control(id));
        let texts: Strings = (0..vocab.tokens.len()).map(|id| vocab.text(id)).collect();
        let matcher = Matcher::new(specials(&vocab, &pre, &texts, &kinds.attributes));
        let shown = kind.reads_dna.then(|| dna::unmarked(&texts));
        let pieces = super::decode::pieces(shown.as_ref().unwrap_or(&texts), &kinds.attributes, pre.spelling);
        let algorithm = (kind.make)(&vocab, texts, pre)?;
        let tokenizer = Self {
            kind,
            matcher,
            attributes: kinds.attributes,
            pieces,
            shaping: kinds.shaping,
            eog: kinds.eog,
            eot: kinds.eot,
            ids: vocab.ids,
            nl: algorithm.newline().or(kind.ids.pad),
            algorithm,
            add_bos: pre.forces_bos || vocab.add_bos.unwrap_or(pre.add_bos),
            add_eos: vocab.add_eos.unwrap_or(kind.add_eos),
            add_space_prefix: vocab.add_space_prefix.unwrap_or(kind.add_space_prefix),
            clean_spaces: pre.clean_spaces,
            notes,
        };
        tokenizer.check_frame()?;
        Ok(tokenizer)
    }

    /// What is to be put around ids must be there.
    fn check_frame(&self) -> Result<(), TokenizerError> {
        let named = |switch, on: bool, id_key, id: Option<u32>| match id {
            None if on && self.kind.frames => Err(TokenizerError::NoSuchSpecial { switch, id_key }),
            _ => Ok(()),
        };
        named("tokenizer.ggml.add_bos_token", self.add_bos, "tokenizer.ggml.bos_token_id", self.ids.bos)?;
        named("tokenizer.ggml.add_eos_token", self.add_eos, "tokenizer.ggml.eos_token_id", self.ids.eos)
    }

    /// The ids of `text`. `add_special`: with BOS and EOS if the vocabulary adds them. `parse_special`: control tokens
    /// in the text become their ids; leave it off for text that somebody else wrote.
    pub fn encode(&self, text: &str, add_special: bool, parse_special: bool) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 2);
        let frames = add_special && self.kind.frames;
        ids.extend(self.ids.bos.filter(|_| frames && self.add_bos));
        let mut writer = Writer { ids, after_special: true };
        self.each_piece(text, |s| parse_special || !s.hidden, |piece| self.write(piece, &|_| false, &mut writer));
        writer.ids.extend(self.ids.eos.filter(|_| frames && self.add_eos));
        writer.ids
    }

    /// Cuts control and other special tokens out of `text`, as `encode` does with `parse_special`. But tokens that shape
    /// a conversation and are one character long stay text: nothing could be put inside them to break them.
    pub fn cut<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        self.each_piece(
            text,
            |s| !self.shaping.contains(&s.id) || can_be_broken(s),
            |piece| {
                parts.push(match piece {
                    Piece::Text(text) => Part::Text(Cow::Borrowed(text)),
                    Piece::Token(id) => Part::Token(id),
                });
            },
        );
        parts
    }

    /// The ids of parts, nothing added. No text becomes a token that shapes the conversation.
    pub fn encode_parts(&self, parts: &[Part<'_>]) -> Vec<u32> {
        let shapes = |id: u32| self.shaping.contains(&id);
        let mut writer = Writer { ids: Vec::new(), after_special: true };
        for part in parts {
            match part {
                Part::Token(id) => self.write(Piece::Token(*id), &shapes, &mut writer),
                Part::Text(text) => {
                    self.each_piece(text, |s| !s.hidden && !shapes(s.id), |piece| self.write(piece, &shapes, &mut writer));
                }
            }
        }
        writer.ids
    }

    /// Where the strings that `cut` takes for tokens that shape a conversation begin in `text`, overlapping ones
    /// included.
    pub fn control_starts(&self, text: &str) -> Vec<usize> {
        self.matcher.starts(text.as_bytes(), |s| self.shaping.contains(&s.id) && can_be_broken(s))
    }

    /// Whether any special token's text has this character.
    pub fn special_has(&self, c: char) -> bool {
        self.matcher.has(c)
    }

    /// Hands over `text` in order, the special tokens of which `wanted` holds cut out.
    fn each_piece<'t>(&self, text: &'t str, wanted: impl Fn(&Special) -> bool, mut each: impl FnMut(Piece<'t>)) {
        for stretch in stretches(text) {
            let mut from = 0;
            for find in self.matcher.find(stretch.as_bytes(), &wanted) {
                if from < find.start as usize {
                    each(Piece::Text(&stretch[from..find.start as usize]));
                }
                each(Piece::Token(find.id));
                from = find.end as usize;
            }
            if from < stretch.len() {
                each(Piece::Text(&stretch[from..]));
            }
        }
    }

    fn write(&self, piece: Piece<'_>, barred: Barred<'_>, writer: &mut Writer) {
        match piece {
            Piece::Token(id) => writer.ids.push(id),
            Piece::Text(text) => self.algorithm.encode(text, writer.after_special, barred, &mut writer.ids),
        }
        writer.after_special = matches!(piece, Piece::Token(_));
    }

    pub fn n_tokens(&self) -> usize {
        self.attributes.len()
    }

    pub fn bos(&self) -> Option<u32> {
        self.ids.bos
    }

    pub fn eos(&self) -> Option<u32> {
        self.ids.eos
    }

    pub fn eot(&self) -> Option<u32> {
        self.eot
    }

    pub fn pad(&self) -> Option<u32> {
        self.ids.pad
    }

    /// The newline's token; a vocabulary without one gives its kind's padding token, as llama.cpp does.
    pub fn nl(&self) -> Option<u32> {
        self.nl
    }

    pub fn add_bos(&self) -> bool {
        self.add_bos
    }

    pub fn add_eos(&self) -> bool {
        self.add_eos
    }

    /// The ids that end a generation.
    pub fn eog(&self) -> &BTreeSet<u32> {
        &self.eog
    }

    pub fn is_eog(&self, id: u32) -> bool {
        self.eog.contains(&id)
    }

    /// "bpe", "spm", "ugm", "rwkv" or "plamo2".
    pub fn kind_name(&self) -> &'static str {
        self.kind.name
    }

    /// What a person should know of this vocabulary: a guess, an id that was passed over.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Whether it has an inside.
fn can_be_broken(special: &Special) -> bool {
    std::str::from_utf8(&special.text).is_ok_and(|text| text.chars().nth(1).is_some())
}

/// Ids outside the vocabulary count as absent, with a line in the log: real files have them.
fn drop_outsiders(vocab: &mut Vocab, defaults: SpecialIds, notes: &mut Vec<String>) {
    let n_tokens = vocab.tokens.len();
    let inside = |id: &u32| (*id as usize) < n_tokens;
    let ids = &mut vocab.ids;
    for (name, id, default) in [
        ("bos", &mut ids.bos, defaults.bos),
        ("eos", &mut ids.eos, defaults.eos),
        ("eot", &mut ids.eot, defaults.eot),
        ("eom", &mut ids.eom, defaults.eom),
        ("unknown", &mut ids.unk, defaults.unk),
        ("padding", &mut ids.pad, defaults.pad),
        ("fim_pre", &mut ids.fim_pre, None),
        ("fim_suf", &mut ids.fim_suf, None),
        ("fim_mid", &mut ids.fim_mid, None),
        ("fim_pad", &mut ids.fim_pad, None),
        ("fim_rep", &mut ids.fim_rep, None),
        ("fim_sep", &mut ids.fim_sep, None),
    ] {
        if let Some(outside) = id.filter(|id| !inside(id)) {
            tracing::warn!("tokenizer.ggml.{name}_token_id is {outside}, outside the vocabulary of {n_tokens}: taken as absent");
            notes.push(format!("tokenizer.ggml.{name}_token_id is {outside}, outside the vocabulary; it is passed over"));
            *id = None;
        }
        *id = id.or(default.filter(inside));
    }
}

fn specials(vocab: &Vocab, pre: &Pre, texts: &Strings, attributes: &[Attributes]) -> Vec<Special> {
    // None of this is written in any file: llama.cpp goes by names.
    let name = vocab.name.to_lowercase();
    let is_phi3 = !pre.mask_strips && (name.contains("phi-3") || name.contains("phi3"));
    let is_modern_bert = !pre.mask_strips && !is_phi3 && name.contains("modern-bert");
    let strip = |text: &[u8]| Strip {
        before: (pre.mask_strips && text == b"<mask>") || (is_modern_bert && text == b"[MASK]"),
        after: is_phi3 && ![b"<unk>".as_slice(), b"<s>", b"<|endoftext|>"].contains(&text),
    };
    let special = |(id, attribute): (usize, &Attributes)| {
        let text = texts.get(id);
        // One that is not UTF-8 would cut characters apart.
        (attribute.is_cut_out() && std::str::from_utf8(text).is_ok()).then(|| Special {
            id: id as u32,
            text: text.to_vec(),
            strip: strip(text),
            hidden: attribute.is_hidden(),
        })
    };
    attributes.iter().enumerate().filter_map(special).collect()
}
