//! Answers that follow a grammar, by llguidance.
//!
//! [`Grammars`] is made once of a tokenizer and compiles what a person wants of answers; a [`Constraint`] is one answer's
//! place in a grammar. Compiling may take long and recurses with the grammar: its caller gives it a thread and a limit.

mod error;
mod gbnf;
mod gbnf_lark;
mod schema;
#[cfg(test)]
mod tests;

use super::error::SamplerError;
use crate::protocol::Grammar;
use crate::tokenizer::Tokenizer;
use error::cause;
use llguidance::api::{StopReason, TopLevelGrammar};
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use error::GrammarError;

/// A grammar as text is written by hand.
const GRAMMAR_BYTES_MAX: usize = 64 << 10;
/// Rules may name each other in a row, and are followed one inside the other.
const RULES_MAX: usize = 2_000;
/// A compiler may go this deep, bytes of stack: rules and references up to their limits take less than a quarter of it.
pub const COMPILE_STACK: usize = 256 << 20;
/// Places in the grammar that one mask may look at. GBNF goes by characters, so a word of any letters has many; at 20 in a
/// microsecond this is a tenth of a second, and masks are made only where a free choice was refused.
const STEP_ITEMS_MAX: usize = 2_000_000;
/// Longer tokens are of no use under a grammar, bytes.
const TOKEN_BYTES_MAX: usize = 255;

/// Compiles grammars for one vocabulary.
pub struct Grammars {
    factory: ParserFactory,
    /// Tokens that end an answer: allowed where the grammar may end.
    eog: Arc<BTreeSet<u32>>,
}

impl Grammars {
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, GrammarError> {
        let wrong = |error: &dyn std::fmt::Display| GrammarError::Vocabulary { what: cause(&error) };
        let eog = tokenizer.eog();
        let n_tokens = u32::try_from(tokenizer.n_tokens()).map_err(|error| wrong(&error))?;
        let words: Vec<Vec<u8>> = (0..n_tokens).map(|id| word(tokenizer, id)).collect();
        let end = eog.first().copied().or(tokenizer.eos()).unwrap_or(0);
        let trie = TokTrie::from(&TokRxInfo::new(n_tokens, end), &words);
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment).map_err(|error| wrong(&error))?;
        let limits = factory.quiet().limits_mut();
        (limits.verbose_errors, limits.step_max_items) = (false, STEP_ITEMS_MAX);
        Ok(Self { factory, eog: Arc::new(eog.clone()) })
    }

    pub fn compile(&self, grammar: &Grammar) -> Result<Constraint, GrammarError> {
        let matcher = match grammar {
            Grammar::Json => self.schema(schema::any_object())?,
            Grammar::JsonSchema(text) => self.schema(schema::read(text)?)?,
            Grammar::Text(text) => self.text(text)?,
        };
        Ok(Constraint { matcher, eog: self.eog.clone() })
    }

    fn schema(&self, schema: Value) -> Result<Matcher, GrammarError> {
        let compile = |schema: Value| self.matcher(TopLevelGrammar::from_json_schema(schema));
        compile(schema.clone()).map_err(|error| schema::blame(&schema, &error, |part| compile(part).map(drop)))
    }

    fn text(&self, text: &str) -> Result<Matcher, GrammarError> {
        if text.len() > GRAMMAR_BYTES_MAX {
            return Err(GrammarError::Long { kind: "grammar", found: text.len(), max: GRAMMAR_BYTES_MAX });
        }
        let rules = text.lines().filter(|line| line.contains(':')).count();
        if rules > RULES_MAX {
            return Err(GrammarError::Many { kind: "grammar", what: "rules", found: rules, max: RULES_MAX });
        }
        let lark = if gbnf::is_gbnf(text) { gbnf_lark::lark(&gbnf::parse(text)?) } else { text.to_owned() };
        self.matcher(TopLevelGrammar::from_lark(lark)).map_err(|what| GrammarError::Grammar { what: cause(&what) })
    }

    fn matcher(&self, grammar: TopLevelGrammar) -> Result<Matcher, String> {
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.get_error() {
            None => Ok(matcher),
            Some(error) => Err(error),
        }
    }
}

/// The bytes that a token adds to a text. Control tokens are marked, so that no text is taken for one; what ends an answer
/// is asked for apart.
fn word(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    let text = tokenizer.piece(id, false);
    let ends_or_shapes = tokenizer.is_eog(id) || text.is_empty();
    let word = match ends_or_shapes {
        false => text.to_vec(),
        true => [&[TokTrie::SPECIAL_TOKEN_MARKER], tokenizer.piece(id, true)].concat(),
    };
    // A byte of text that looks like the mark is in no text.
    let is_taken_for_mark = !ends_or_shapes && word.first() == Some(&TokTrie::SPECIAL_TOKEN_MARKER);
    if word.len() > TOKEN_BYTES_MAX || is_taken_for_mark { Vec::new() } else { word }
}

/// Where an answer is in its grammar.
pub struct Constraint {
    matcher: Matcher,
    eog: Arc<BTreeSet<u32>>,
}

impl Constraint {
    /// Whether this token may come next.
    pub(super) fn allows(&mut self, id: u32) -> Result<bool, SamplerError> {
        if self.eog.contains(&id) {
            return self.may_end();
        }
        // A token that the vocabulary does not name has no text.
        let known = (id as usize) < self.n_tokens();
        Ok(known && !self.matcher.is_stopped() && self.matcher.validate_tokens(&[id]).map_err(broken)? == 1)
    }

    /// Rules out all that may not come next.
    pub(super) fn mask(&mut self, logits: &mut [f32]) -> Result<(), SamplerError> {
        let ends: Vec<(u32, f32)> = match self.may_end()? {
            true => self.eog.iter().filter_map(|id| Some((*id, *logits.get(*id as usize)?))).collect(),
            false => Vec::new(),
        };
        if self.matcher.is_stopped() {
            logits.fill(f32::NEG_INFINITY);
        } else {
            let allowed = self.matcher.compute_mask().map_err(stuck)?;
            let mut words = allowed.as_slice().iter();
            for part in logits.chunks_mut(u32::BITS as usize) {
                let word = words.next().copied().unwrap_or(0);
                for (bit, logit) in part.iter_mut().enumerate() {
                    *logit = if word >> bit & 1 == 1 { *logit } else { f32::NEG_INFINITY };
                }
            }
            self.eog.iter().for_each(|id| logits.get_mut(*id as usize).into_iter().for_each(|l| *l = f32::NEG_INFINITY));
        }
        ends.into_iter().for_each(|(id, logit)| logits[id as usize] = logit);
        Ok(())
    }

    pub(super) fn accept(&mut self, id: u32) -> Result<(), SamplerError> {
        if self.eog.contains(&id) { Ok(()) } else { self.matcher.consume_token(id).map_err(broken) }
    }

    /// Nothing can follow any more.
    pub(super) fn is_complete(&self) -> bool {
        self.matcher.is_stopped() && !self.matcher.is_error()
    }

    fn may_end(&mut self) -> Result<bool, SamplerError> {
        self.matcher.is_accepting().map_err(broken)
    }

    fn n_tokens(&self) -> usize {
        self.matcher.tok_env().map_or(0, |env| env.tok_trie().vocab_size())
    }
}

/// Why there is no mask: mostly because a small vocabulary has no token for what must come.
fn stuck(error: impl std::fmt::Display) -> SamplerError {
    match error.to_string().contains(&StopReason::NoExtensionBias.to_string()) {
        true => SamplerError::Grammar { what: "no token of its vocabulary may come next".to_owned() },
        false => broken(error),
    }
}

fn broken(error: impl std::fmt::Display) -> SamplerError {
    SamplerError::Grammar { what: cause(&error) }
}
