//! What a token is: by its type in the file and, in many cases, by its name.
//!
//! Files mark tokens wrongly or not at all, so llama.cpp (`llama_vocab::impl::load`, "auto-detect special tokens by
//! text") goes by well-known names; these are its lists and its exceptions.

use super::vocab::{TokenType, Vocab};
use std::collections::BTreeSet;

/// A token's kinds. More than one can hold: a normal token known as control by its name is both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes(u8);

impl Attributes {
    pub(super) const NORMAL: Self = Self(1);
    pub(super) const UNKNOWN: Self = Self(2);
    pub(super) const CONTROL: Self = Self(4);
    pub(super) const USER_DEFINED: Self = Self(8);
    pub(super) const BYTE: Self = Self(16);
    /// Unused or undefined: it stands for no text.
    pub(super) const NOTHING: Self = Self(0);

    fn of(kind: TokenType) -> Self {
        match kind {
            TokenType::Normal => Self::NORMAL,
            TokenType::Unknown => Self::UNKNOWN,
            TokenType::Control => Self::CONTROL,
            TokenType::UserDefined => Self::USER_DEFINED,
            TokenType::Byte => Self::BYTE,
            TokenType::Undefined | TokenType::Unused => Self::NOTHING,
        }
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Hidden when ids become text, found in text only where control tokens may stand.
    pub(super) fn is_hidden(self) -> bool {
        self.has(Self(Self::UNKNOWN.0 | Self::CONTROL.0))
    }

    /// Cut out of the text before it is split.
    pub(super) fn is_cut_out(self) -> bool {
        self.is_hidden() || self.has(Self::USER_DEFINED)
    }
}

/// What a name makes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Ends a turn, and with it the generation.
    EndOfTurn,
    /// Ends the generation.
    End,
    FimPrefix,
    FimSuffix,
    FimMiddle,
    FimPad,
    FimRepository,
    FimSeparator,
    /// gpt-oss: part of the text, although the file says control.
    Shown,
}

/// Names and what they mean; `FimPad`, `FimRepository` and `FimSeparator` end the generation, too.
const NAMES: &[(&str, Meaning)] = &[
    ("<|eot_id|>", Meaning::EndOfTurn),
    ("<|im_end|>", Meaning::EndOfTurn),
    ("<|end|>", Meaning::EndOfTurn),
    ("<end_of_turn>", Meaning::EndOfTurn),
    ("<|endoftext|>", Meaning::EndOfTurn),
    ("<|end_of_text|>", Meaning::EndOfTurn),
    ("<EOT>", Meaning::EndOfTurn),
    ("_<EOT>", Meaning::EndOfTurn),
    ("[EOT]", Meaning::EndOfTurn),
    ("<｜end▁of▁sentence｜>", Meaning::EndOfTurn),
    ("<end_of_utterance>", Meaning::EndOfTurn),
    ("<|return|>", Meaning::End),
    ("<|call|>", Meaning::End),
    ("<|flush|>", Meaning::End),
    ("<|calls|>", Meaning::End),
    ("</s>", Meaning::End),
    ("<|eom_id|>", Meaning::End),
    ("[EOS]", Meaning::End),
    ("<eos>", Meaning::End),
    ("<turn|>", Meaning::End),
    ("<|tool_response>", Meaning::End),
    ("[e~[", Meaning::End),
    ("<|fim_prefix|>", Meaning::FimPrefix),
    ("<fim-prefix>", Meaning::FimPrefix),
    ("<fim_prefix>", Meaning::FimPrefix),
    ("<｜fim▁begin｜>", Meaning::FimPrefix),
    ("<PRE>", Meaning::FimPrefix),
    ("▁<PRE>", Meaning::FimPrefix),
    ("<|code_prefix|>", Meaning::FimPrefix),
    ("<|prefix|>", Meaning::FimPrefix),
    ("<|fim_suffix|>", Meaning::FimSuffix),
    ("<fim-suffix>", Meaning::FimSuffix),
    ("<fim_suffix>", Meaning::FimSuffix),
    ("<｜fim▁hole｜>", Meaning::FimSuffix),
    ("<SUF>", Meaning::FimSuffix),
    ("▁<SUF>", Meaning::FimSuffix),
    ("<|code_suffix|>", Meaning::FimSuffix),
    ("<|suffix|>", Meaning::FimSuffix),
    ("<|fim_middle|>", Meaning::FimMiddle),
    ("<fim-middle>", Meaning::FimMiddle),
    ("<fim_middle>", Meaning::FimMiddle),
    ("<｜fim▁end｜>", Meaning::FimMiddle),
    ("<MID>", Meaning::FimMiddle),
    ("▁<MID>", Meaning::FimMiddle),
    ("<|code_middle|>", Meaning::FimMiddle),
    ("<|middle|>", Meaning::FimMiddle),
    ("<|fim_pad|>", Meaning::FimPad),
    ("<fim-pad>", Meaning::FimPad),
    ("<fim_pad>", Meaning::FimPad),
    ("<PAD>", Meaning::FimPad),
    ("[PAD]", Meaning::FimPad),
    ("<|fim_repo|>", Meaning::FimRepository),
    ("<|repo_name|>", Meaning::FimRepository),
    ("<fim-repo>", Meaning::FimRepository),
    ("<REPO>", Meaning::FimRepository),
    ("<reponame>", Meaning::FimRepository),
    ("<|file_sep|>", Meaning::FimSeparator),
    ("<|channel|>", Meaning::Shown),
    ("<|message|>", Meaning::Shown),
    ("<|start|>", Meaning::Shown),
    ("<|constrain|>", Meaning::Shown),
];

/// The vocabulary's tokens that bear a well-known name.
struct Named(Vec<(&'static str, Meaning, u32)>);

impl Named {
    fn find(vocab: &Vocab) -> Self {
        // All names begin with one of these bytes: most tokens are passed over at a glance.
        const FIRST: [u8; 4] = [b'<', b'[', b'_', 0xE2];
        const LONGEST: usize = 32;
        let row = |text: &[u8]| NAMES.iter().find(|(name, _)| name.as_bytes() == text).copied();
        let named = vocab.tokens.iter().enumerate().filter_map(|(id, text)| {
            let likely = text.len() <= LONGEST && text.first().is_some_and(|b| FIRST.contains(b));
            let (name, meaning) = likely.then(|| row(text)).flatten()?;
            Some((name, meaning, u32::try_from(id).ok()?))
        });
        Self(named.collect())
    }

    fn id(&self, name: &str) -> Option<u32> {
        self.0.iter().find(|(n, ..)| *n == name).map(|(.., id)| *id)
    }

    /// The first token of this meaning. (Of several, llama.cpp takes one by chance of a hash table.)
    fn first(&self, wanted: Meaning) -> Option<u32> {
        self.0.iter().find(|(_, meaning, _)| *meaning == wanted).map(|(.., id)| *id)
    }
}

/// What all tokens are, and which of them end a generation.
pub(super) struct Kinds {
    pub(super) attributes: Vec<Attributes>,
    pub(super) eog: BTreeSet<u32>,
    pub(super) eot: Option<u32>,
    /// Tokens that shape a conversation: text in which a person may write anything must not yield them.
    pub(super) shaping: BTreeSet<u32>,
}

impl Kinds {
    /// `vocab.ids` must lie inside the vocabulary by now.
    pub(super) fn of(vocab: &Vocab) -> Self {
        let mut attributes: Vec<Attributes> = (0..vocab.tokens.len()).map(|id| Attributes::of(vocab.type_of(id))).collect();
        let named = Named::find(vocab);
        let ids = &vocab.ids;
        let by_key_or_name = |key: Option<u32>, meaning| key.or_else(|| named.first(meaning));
        let mut control = |id: u32| {
            if let Some(a) = attributes.get_mut(id as usize) {
                a.add(Attributes::CONTROL);
            }
        };

        for (key, meaning) in [
            (ids.fim_pre, Meaning::FimPrefix),
            (ids.fim_suf, Meaning::FimSuffix),
            (ids.fim_mid, Meaning::FimMiddle),
            (ids.fim_pad, Meaning::FimPad),
            (ids.fim_rep, Meaning::FimRepository),
            (ids.fim_sep, Meaning::FimSeparator),
        ] {
            if key.is_none() {
                named.first(meaning).into_iter().for_each(&mut control);
            }
        }
        let mut eog: BTreeSet<u32> = BTreeSet::new();
        eog.extend(by_key_or_name(ids.fim_pad, Meaning::FimPad));
        eog.extend(by_key_or_name(ids.fim_rep, Meaning::FimRepository));
        eog.extend(by_key_or_name(ids.fim_sep, Meaning::FimSeparator));
        for &(_, meaning, id) in &named.0 {
            if matches!(meaning, Meaning::EndOfTurn | Meaning::End) {
                eog.insert(id);
                control(id);
            }
        }
        let eot = by_key_or_name(ids.eot, Meaning::EndOfTurn);
        eog.extend([ids.eos, eot, ids.eom].into_iter().flatten());

        let mut kinds = Self { attributes, eog, eot, shaping: BTreeSet::new() };
        kinds.except(vocab, &named);
        kinds.find_shaping(&named);
        kinds
    }

    fn set(&mut self, id: u32, attribute: Attributes) {
        if let Some(a) = self.attributes.get_mut(id as usize) {
            *a = attribute;
        }
    }

    /// The models whose use of a name differs from all others'.
    fn except(&mut self, vocab: &Vocab, named: &Named) {
        for &(_, meaning, id) in &named.0 {
            if meaning == Meaning::Shown {
                self.set(id, Attributes::USER_DEFINED);
            }
        }
        let eog = self.eog.clone();
        let ends = |name: &str| eog.iter().copied().find(|id| vocab.tokens.get(*id as usize) == name.as_bytes());
        // gpt-oss and Solar: <|end|> parts messages within an answer.
        let calls = ends("<|call|>").or(ends("<|calls|>")).is_some();
        if let Some(end) = ends("<|end|>").filter(|_| calls && (ends("<|return|>").is_some() || ends("<|flush|>").is_some())) {
            self.eog.remove(&end);
            self.set(end, Attributes::USER_DEFINED);
        }
        // Gemma 4 and PLaMo 2: </s> is a markup tag there.
        let is_tag = ends("<|tool_response>").or(ends("<|plamo:eos|>")).is_some();
        if let Some(s) = ends("</s>").filter(|_| is_tag) {
            self.eog.remove(&s);
            self.set(s, Attributes::NORMAL);
        }
    }

    fn find_shaping(&mut self, named: &Named) {
        let hidden = self.attributes.iter().enumerate().filter(|(_, a)| a.is_hidden());
        self.shaping.extend(hidden.filter_map(|(id, _)| u32::try_from(id).ok()));
        self.shaping.extend(self.eog.iter().filter(|id| self.attributes.get(**id as usize).is_some_and(|a| a.is_cut_out())));
        self.shaping.extend(named.0.iter().filter(|(_, meaning, _)| *meaning == Meaning::Shown).map(|(.., id)| *id));
        self.shaping.extend(named.id("<|end|>").filter(|id| self.attributes.get(*id as usize).is_some_and(|a| a.is_cut_out())));
    }
}
