//! Finding special tokens in text, all of them in one pass.
//!
//! llama.cpp (`tokenizer_st_partition`) searches the whole text for the longest token, then the pieces between for the
//! next, and so on: with thousands of tokens that is quadratic. Here an automaton finds for each place the longest token
//! that ends there; the finds are then taken in llama.cpp's order, longest first.

use super::automaton::Automaton;
use super::queue::Queue;
use std::cmp::Reverse;
use std::ops::Range;

/// White space around a found token that goes with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Strip {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// A token to be found.
#[derive(Debug, Clone)]
pub(super) struct Special {
    pub(super) id: u32,
    pub(super) text: Vec<u8>,
    pub(super) strip: Strip,
    /// Found only where control tokens may stand.
    pub(super) hidden: bool,
}

/// A token found in a text, and the range that goes with it. Offsets are 32 bits wide: a text of nothing but special
/// tokens has millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Find {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) id: u32,
}

/// All special tokens of a vocabulary, ready to be looked for.
pub(super) struct Matcher {
    /// Longest first, among equals by id.
    specials: Vec<Special>,
    automaton: Automaton,
    /// For each special whether no better one can overlap it, so that it may be taken as soon as it is seen.
    unbeaten: Vec<bool>,
}

impl Matcher {
    pub(super) fn new(mut specials: Vec<Special>) -> Self {
        specials.retain(|s| !s.text.is_empty());
        specials.sort_by_key(|s| (Reverse(s.text.len()), s.id));
        let automaton = Automaton::new(specials.iter().map(|s| s.text.as_slice()));
        let unbeaten = unbeaten(&specials);
        Self { specials, automaton, unbeaten }
    }

    /// `special`, or the longest that it ends with of which `wanted` holds.
    fn longest(&self, mut special: u32, wanted: impl Fn(&Special) -> bool) -> Option<u32> {
        while let Some(s) = self.specials.get(special as usize) {
            if wanted(s) {
                return Some(special);
            }
            special = self.automaton.shorter(special);
        }
        None
    }

    /// The specials in `text` of which `wanted` holds: the longest first, among equals the one with the lower id, then
    /// the leftmost; what is taken is not looked at again. In order, none overlapping. The text is a stretch
    /// (`merging::stretches`).
    pub(super) fn find(&self, text: &[u8], wanted: impl Fn(&Special) -> bool) -> Vec<Find> {
        let mut taken = Taken::new(text.len());
        let mut finds = Vec::new();
        // Specials are sorted, so the least index is the longest text. (special, end)
        let mut queue = Queue::new();
        queue.fill(self.automaton.ends(text).filter_map(|(end, special)| {
            let mut special = self.longest(special, &wanted)?;
            if self.unbeaten[special as usize] {
                let Special { id, text: token, .. } = &self.specials[special as usize];
                let start = end - token.len();
                if !taken.is(start) {
                    taken.take(text, start..end, Strip::default());
                    finds.push(Find { start: start as u32, end: end as u32, id: *id });
                    return None;
                }
                // It overlaps another of its kind.
                special = self.longest(self.automaton.shorter(special), |s| wanted(s) && !taken.is(end - s.text.len()))?;
            }
            Some(Reverse((special, end as u32)))
        }));
        while let Some(Reverse((special, end))) = queue.pop() {
            let Special { id, text: token, strip, .. } = &self.specials[special as usize];
            let start = end as usize - token.len();
            if taken.is(end as usize - 1) {
                // Whatever shorter token ends here is taken with it.
                continue;
            }
            if taken.is(start) {
                let fits = |s: &Special| wanted(s) && !taken.is(end as usize - s.text.len());
                let next = self.longest(self.automaton.shorter(special), fits);
                next.into_iter().for_each(|s| queue.push(Reverse((s, end))));
                continue;
            }
            let Range { start, end } = taken.take(text, start..end as usize, *strip);
            finds.push(Find { start: start as u32, end: end as u32, id: *id });
        }
        finds.sort_unstable_by_key(|find| find.start);
        finds
    }

    /// Whether any special's text has this character.
    pub(super) fn has(&self, c: char) -> bool {
        let mut buffer = [0; 4];
        let needle = c.encode_utf8(&mut buffer).as_bytes();
        self.specials.iter().any(|s| s.text.windows(needle.len()).any(|w| w == needle))
    }

    /// Where each occurrence of a wanted special begins, overlapping ones included.
    pub(super) fn starts(&self, text: &[u8], wanted: impl Fn(&Special) -> bool) -> Vec<usize> {
        let mut starts = Vec::new();
        for (end, special) in self.automaton.ends(text) {
            let mut next = self.longest(special, &wanted);
            while let Some(s) = next {
                starts.push(end - self.specials[s as usize].text.len());
                next = self.longest(self.automaton.shorter(s), &wanted);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

/// A special is unbeaten if no better one has its first or its last byte: whatever is as long and overlaps it covers
/// one of the two. (There may be more such; these are easily found.)
fn unbeaten(specials: &[Special]) -> Vec<bool> {
    let mut seen = [false; 256];
    let judge = |special: &Special| {
        let ends = [special.text.first(), special.text.last()];
        let is_unbeaten = special.strip == Strip::default() && ends.into_iter().flatten().all(|byte| !seen[usize::from(*byte)]);
        special.text.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        is_unbeaten
    };
    specials.iter().map(judge).collect()
}

/// One bit a byte of the text: whether it went into a find.
struct Taken {
    bits: Vec<u64>,
}

impl Taken {
    fn new(n_bytes: usize) -> Self {
        Self { bits: vec![0; n_bytes / 64 + 1] }
    }

    fn is(&self, i: usize) -> bool {
        self.bits[i / 64] >> (i % 64) & 1 == 1
    }

    /// Takes `range` and the white space that goes with it; gives what was taken.
    fn take(&mut self, text: &[u8], range: Range<usize>, strip: Strip) -> Range<usize> {
        // C's isspace: the vertical tab is one of them.
        let is_space = |b: u8| matches!(b, b' ' | b'\t'..=b'\r');
        let Range { mut start, mut end } = range;
        while strip.before && start > 0 && is_space(text[start - 1]) && !self.is(start - 1) {
            start -= 1;
        }
        while strip.after && end < text.len() && is_space(text[end]) && !self.is(end) {
            end += 1;
        }
        for i in start..end {
            self.bits[i / 64] |= 1 << (i % 64);
        }
        start..end
    }
}
