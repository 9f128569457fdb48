//! Finding special tokens in text, all of them in one pass.
//!
//! llama.cpp (`tokenizer_st_partition`) searches the whole text for the longest token, then the pieces between for the
//! next, and so on: with thousands of tokens that is quadratic. Here an automaton (Aho and Corasick, 1975) finds for
//! each place the longest token that ends there; the finds are then taken in llama.cpp's order, longest first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
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

/// Tokens found in a text: the range that goes with each, in order, none overlapping.
pub(super) type Finds = Vec<(Range<usize>, u32)>;

const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    /// The node of the longest proper suffix that is in the tree.
    suffix: u32,
    /// The longest special that ends here, this node's own or a suffix's.
    special: u32,
}

/// An automaton over all special tokens of a vocabulary.
pub(super) struct Matcher {
    /// Longest first, among equals by id.
    specials: Vec<Special>,
    /// For each special the next shorter one that it ends with.
    shorter: Vec<u32>,
    nodes: Vec<Node>,
    edges: HashMap<(u32, u8), u32>,
    /// The root's edges, where most text stays.
    first: Box<[u32; 256]>,
}

impl Matcher {
    pub(super) fn new(mut specials: Vec<Special>) -> Self {
        specials.retain(|s| !s.text.is_empty());
        specials.sort_by_key(|s| (Reverse(s.text.len()), s.id));
        let root = Node { suffix: ROOT, special: NONE };
        let shorter = vec![NONE; specials.len()];
        let mut matcher = Self { specials, shorter, nodes: vec![root], edges: HashMap::new(), first: Box::new([ROOT; 256]) };
        for i in 0..matcher.specials.len() {
            matcher.plant(i);
        }
        matcher.link();
        matcher
    }

    fn plant(&mut self, i: usize) {
        let mut at = ROOT;
        for &byte in &self.specials[i].text {
            let new = self.nodes.len() as u32;
            at = *self.edges.entry((at, byte)).or_insert(new);
            if at == new {
                self.nodes.push(Node { suffix: ROOT, special: NONE });
            }
        }
        let node = &mut self.nodes[at as usize];
        // Of tokens with the same text the first is found.
        if node.special == NONE {
            node.special = i as u32;
        }
    }

    /// Sets suffix links level by level.
    fn link(&mut self) {
        let mut children: Vec<Vec<(u8, u32)>> = vec![Vec::new(); self.nodes.len()];
        for (&(from, byte), &to) in &self.edges {
            children[from as usize].push((byte, to));
        }
        let mut queue: VecDeque<u32> = VecDeque::new();
        for &(byte, to) in &children[ROOT as usize] {
            self.first[usize::from(byte)] = to;
            queue.push_back(to);
        }
        while let Some(at) = queue.pop_front() {
            let Node { suffix, special } = self.nodes[at as usize];
            let inherited = self.nodes[suffix as usize].special;
            if special == NONE {
                self.nodes[at as usize].special = inherited;
            } else {
                self.shorter[special as usize] = inherited;
            }
            for &(byte, to) in &children[at as usize] {
                self.nodes[to as usize].suffix = self.step(suffix, byte);
                queue.push_back(to);
            }
        }
    }

    fn step(&self, mut at: u32, byte: u8) -> u32 {
        while at != ROOT {
            if let Some(&to) = self.edges.get(&(at, byte)) {
                return to;
            }
            at = self.nodes[at as usize].suffix;
        }
        self.first[usize::from(byte)]
    }

    /// For each place in `text` where a special ends: the place and the longest one.
    fn ends<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, u32)> + 't {
        let mut at = ROOT;
        text.iter().enumerate().filter_map(move |(i, &byte)| {
            at = self.step(at, byte);
            let special = self.nodes[at as usize].special;
            (special != NONE).then_some((i + 1, special))
        })
    }

    /// `special`, or the longest that it ends with of which `wanted` holds.
    fn longest(&self, mut special: u32, wanted: impl Fn(&Special) -> bool) -> Option<u32> {
        while let Some(s) = self.specials.get(special as usize) {
            if wanted(s) {
                return Some(special);
            }
            special = self.shorter[special as usize];
        }
        None
    }

    /// The specials in `text` of which `wanted` holds: the longest first, among equals the one with the lower id, then
    /// the leftmost; what is taken is not looked at again.
    pub(super) fn find(&self, text: &[u8], wanted: impl Fn(&Special) -> bool) -> Finds {
        // Specials are sorted, so the least index is the longest text. (special, start)
        let start = |end: usize, special: u32| end - self.specials[special as usize].text.len();
        let candidates: Vec<_> =
            self.ends(text).filter_map(|(end, special)| self.longest(special, &wanted).map(|s| Reverse((s, start(end, s))))).collect();
        if candidates.is_empty() {
            return Vec::new();
        }
        let mut taken = Taken::new(text.len());
        let mut finds = Vec::new();
        let mut heap = BinaryHeap::from(candidates);
        while let Some(Reverse((special, from))) = heap.pop() {
            let Special { id, text: token, strip, .. } = &self.specials[special as usize];
            let end = from + token.len();
            if taken.is(end - 1) {
                // Whatever shorter token ends here is taken with it.
                continue;
            }
            if taken.is(from) {
                let fits = |s: &Special| wanted(s) && !taken.is(end - s.text.len());
                let next = self.longest(self.shorter[special as usize], fits);
                heap.extend(next.map(|s| Reverse((s, start(end, s)))));
                continue;
            }
            let range = taken.take(text, from..end, *strip);
            finds.push((range, *id));
        }
        finds.sort_unstable_by_key(|(range, _)| range.start);
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
        for (end, special) in self.ends(text) {
            let mut next = self.longest(special, &wanted);
            while let Some(s) = next {
                starts.push(end - self.specials[s as usize].text.len());
                next = self.longest(self.shorter[s as usize], &wanted);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        starts
    }
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
