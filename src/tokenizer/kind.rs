//! The kinds of vocabularies (`tokenizer.ggml.model`).

use super::bpe::Bpe;
use super::dna::Dna;
use super::plamo::Plamo;
use super::pre::{self, Pre, Spelling};
use super::rwkv::Rwkv;
use super::spm::Spm;
use super::unigram::Unigram;
use super::vocab::{self, SpecialIds, Vocab};
use super::words::Words;
use super::{Strings, TokenizerError};

/// Says of which tokens to take as not there.
pub(super) type Barred<'b> = &'b dyn Fn(u32) -> bool;

/// How one kind makes ids of text that holds no special tokens.
pub(super) trait Algorithm: Send + Sync {
    /// Adds the ids of `text`. `first`: it begins the prompt or follows a special token.
    fn encode(&self, text: &str, first: bool, barred: Barred<'_>, ids: &mut Vec<u32>);

    fn newline(&self) -> Option<u32> {
        let mut ids = Vec::new();
        self.encode("\n", true, &|_| false, &mut ids);
        ids.first().copied()
    }
}

type Made = Result<Box<dyn Algorithm>, TokenizerError>;

/// A kind, by llama.cpp `llama_vocab::impl::load`.
pub(super) struct Kind {
    model: &'static str,
    /// As llama.cpp calls its family.
    pub(super) name: &'static str,
    /// Special ids of files that name none.
    pub(super) ids: SpecialIds,
    /// What a pre-tokenizer's name says of the others; `None`: the file's name of one counts.
    pre: Option<Pre>,
    pub(super) add_eos: bool,
    pub(super) add_space_prefix: bool,
    /// Whether BOS and EOS are put around ids at all.
    pub(super) frames: bool,
    /// Tokens of bases are shown without the mark that ends them.
    pub(super) reads_dna: bool,
    /// From the vocabulary, its tokens' texts and its pre-tokenizer.
    pub(super) make: fn(&Vocab, Strings, Pre) -> Made,
}

const BPE: Kind = Kind {
    model: "gpt2",
    name: "bpe",
    ids: SpecialIds { bos: Some(11), eos: Some(11), ..SpecialIds::NONE },
    pre: None,
    add_eos: false,
    add_space_prefix: false,
    frames: true,
    reads_dna: false,
    make: |vocab, texts, pre| Ok(Box::new(Bpe::new(pre, texts, vocab.merges.as_ref())?)),
};

const KINDS: &[Kind] = &[
    BPE,
    Kind { model: "gemma4", ids: SpecialIds::NONE, pre: Some(pre::GEMMA4), ..BPE },
    Kind { model: "whitespace", make: |vocab, texts, pre| Ok(Box::new(Words::new(vocab, texts, pre)?)), ..BPE },
    Kind { model: "hybriddna", reads_dna: true, make: |vocab, texts, pre| Ok(Box::new(Dna::new(vocab, texts, pre)?)), ..BPE },
    Kind {
        model: "llama",
        name: "spm",
        ids: SpecialIds { bos: Some(1), eos: Some(2), unk: Some(0), ..SpecialIds::NONE },
        pre: Some(Pre { add_bos: true, ..pre::none(Spelling::Blanks) }),
        add_eos: false,
        add_space_prefix: true,
        frames: true,
        reads_dna: false,
        make: |vocab, texts, _| Ok(Box::new(Spm::new(vocab, texts))),
    },
    Kind {
        model: "t5",
        name: "ugm",
        ids: SpecialIds { eos: Some(1), unk: Some(2), pad: Some(0), ..SpecialIds::NONE },
        pre: Some(pre::none(Spelling::Blanks)),
        add_eos: true,
        add_space_prefix: false,
        frames: true,
        reads_dna: false,
        make: |vocab, texts, _| Ok(Box::new(Unigram::new(vocab, &texts)?)),
    },
    Kind {
        model: "rwkv",
        name: "rwkv",
        ids: SpecialIds::NONE,
        pre: Some(pre::none(Spelling::Escapes)),
        add_eos: false,
        add_space_prefix: false,
        frames: false,
        reads_dna: false,
        make: |vocab, texts, _| Ok(Box::new(Rwkv::new(vocab, &texts)?)),
    },
    Kind {
        model: "plamo2",
        name: "plamo2",
        ids: SpecialIds { bos: Some(1), eos: Some(2), unk: Some(0), pad: Some(3), ..SpecialIds::NONE },
        pre: Some(pre::none(Spelling::Plain)),
        add_eos: false,
        add_space_prefix: false,
        frames: false,
        reads_dna: false,
        make: |vocab, texts, _| Ok(Box::new(Plamo::new(vocab, &texts)?)),
    },
];

/// The kind of a vocabulary; refused if ingle does not know it.
pub(super) fn of(vocab: &Vocab) -> Result<&'static Kind, TokenizerError> {
    let unknown = || TokenizerError::UnknownModel { model: vocab::excerpt(vocab.model.as_bytes()) };
    KINDS.iter().find(|kind| kind.model == vocab.model).ok_or_else(unknown)
}

impl Kind {
    /// The pre-tokenizer; a file's without a name gets the oldest, with a note.
    pub(super) fn pre(&self, vocab: &Vocab, notes: &mut Vec<String>) -> Result<Pre, TokenizerError> {
        if let Some(pre) = self.pre {
            return Ok(pre);
        }
        let name = match vocab.pre.as_deref() {
            None | Some("") => {
                notes.push("the file does not say its pre-tokenizer; the oldest one is assumed, answers may suffer".to_owned());
                "default"
            }
            Some(name) => name,
        };
        pre::find(name).ok_or_else(|| TokenizerError::UnknownPre { pre: vocab::excerpt(name.as_bytes()) })
    }
}
