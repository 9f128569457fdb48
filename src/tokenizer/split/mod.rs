//! The pre-tokenizers: text cut into words that merges never cross.
//!
//! Each is a list of stages, applied one after the other to the pieces that the one before left; most stages are an
//! expression, written as the list of its alternatives. They are matched by code of our own, since engines for such
//! expressions fail, stop splitting or overflow the stack on long runs of white space: here every character is looked at
//! a bounded number of times. What an expression does not match stays as a piece.

mod expressions;
mod newer;
mod rule;
mod set;

#[cfg(test)]
mod tests;

pub(super) use expressions::*;
pub(super) use newer::is_newer;
use rule::{Rule, Seen, peek};
use set::Set;

/// One step of cutting.
#[derive(Debug, Clone, Copy)]
pub(in crate::tokenizer) enum Stage {
    /// An expression: at each place the first alternative that matches there.
    Expression(&'static [Rule]),
    /// Runs of these numbers are cut so that groups of three count from the right.
    Groups(Set, Cuts),
    /// `\s+$`
    TrailingSpace,
}

/// Where `Stage::Groups` cuts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::tokenizer) enum Cuts {
    /// In front of each group: what stands before a run's first group is cut off, what stands behind the run is not.
    Before,
    /// Behind each group and behind what is left over at the start, which what stands before the run stays with.
    After,
}

/// Hands each word of `text` to `word`, in order; together they are the text.
pub(super) fn each_word<'t>(stages: &[Stage], text: &'t str, word: &mut dyn FnMut(&'t str)) {
    match stages.split_first() {
        None => word(text),
        Some((stage, rest)) => stage.each_piece(text, &mut |piece| each_word(rest, piece, word)),
    }
}

impl Stage {
    fn each_piece<'t>(&self, text: &'t str, piece: &mut dyn FnMut(&'t str)) {
        let mut pieces = Pieces { text, start: 0, piece };
        match self {
            Stage::Expression(rules) => find_all(rules, text, &mut pieces),
            Stage::Groups(numbers, cuts) => group(text, numbers, *cuts, &mut pieces),
            Stage::TrailingSpace => pieces.cut(text.trim_end().len()),
        }
        pieces.cut(text.len());
    }
}

/// A text as it is cut from left to right.
struct Pieces<'t, 'f> {
    text: &'t str,
    /// Where the next piece begins.
    start: usize,
    piece: &'f mut dyn FnMut(&'t str),
}

impl Pieces<'_, '_> {
    fn cut(&mut self, at: usize) {
        if let Some(piece) = self.text.get(self.start..at).filter(|p| !p.is_empty()) {
            (self.piece)(piece);
            self.start = at;
        }
    }
}

fn find_all(rules: &[Rule], text: &str, pieces: &mut Pieces<'_, '_>) {
    let mut seen = Seen::default();
    let mut at = 0;
    while let Some(c) = peek(text, at) {
        match rules.iter().find_map(|rule| rule.end(text, at, &mut seen)) {
            Some(end) => {
                pieces.cut(at);
                pieces.cut(end);
                at = end;
            }
            None => at += c.len_utf8(),
        }
    }
}

fn group(text: &str, numbers: &Set, cuts: Cuts, pieces: &mut Pieces<'_, '_>) {
    let mut at = 0;
    while let Some(c) = peek(text, at) {
        let run = text[at..].split(|c| !numbers.has(c)).next().unwrap_or("");
        let n = run.chars().count();
        for (i, (offset, number)) in run.char_indices().enumerate() {
            let start = at + offset;
            match cuts {
                Cuts::Before if (n - i) % 3 == 0 => pieces.cut(start),
                Cuts::After if (n - i) % 3 == 1 => pieces.cut(start + number.len_utf8()),
                _ => {}
            }
        }
        at += run.len().max(c.len_utf8());
    }
}
