//! Many strings searched for at once (Aho and Corasick, "Efficient string matching", 1975).

use std::collections::VecDeque;
use std::ops::Range;

pub(super) const ROOT: u32 = 0;

/// No pattern.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The node of the longest proper suffix that is in the tree.
    suffix: u32,
    /// The first pattern, as they were ordered, that ends here: this node's own or a suffix's.
    pattern: u32,
    /// Where its edges begin; they end where the next node's begin.
    edges_start: u32,
}

/// A tree of patterns with links from each node to its suffix. Patterns are known by their place in the list.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    /// By node: byte and where it leads.
    edges: Vec<(u8, u32)>,
    /// The root's edges, where most text stays.
    first: Box<[u32; 256]>,
    /// For each pattern the longest other one that it ends with.
    shorter: Vec<u32>,
}

/// From a node, by a byte, to a node.
type Link = (u32, u8, u32);

impl Automaton {
    /// Of patterns that are equal the first is found.
    pub(super) fn new<'p>(patterns: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut sorted: Vec<(&[u8], u32)> = patterns.zip(0..).collect();
        sorted.sort_unstable();
        let leaf = Node { suffix: ROOT, pattern: NONE, edges_start: 0 };
        let mut nodes = vec![leaf];
        let mut links: Vec<Link> = Vec::new();
        // The way of the pattern before, of which the next one shares the beginning.
        let (mut way, mut before): (Vec<u32>, &[u8]) = (vec![ROOT], &[]);
        for (pattern, place) in &sorted {
            let n_shared = before.iter().zip(*pattern).take_while(|(a, b)| a == b).count();
            way.truncate(n_shared + 1);
            for &byte in &pattern[n_shared..] {
                let new = nodes.len() as u32;
                links.extend(way.last().map(|from| (*from, byte, new)));
                way.push(new);
                nodes.push(leaf);
            }
            let node = way.last().filter(|at| **at != ROOT).map(|at| &mut nodes[*at as usize]);
            if let Some(node) = node.filter(|n| n.pattern == NONE) {
                node.pattern = *place;
            }
            before = pattern;
        }
        let shorter = vec![NONE; sorted.len()];
        let mut automaton = Self { nodes, edges: Vec::new(), first: Box::new([ROOT; 256]), shorter };
        automaton.lay_out(links);
        automaton.link();
        automaton
    }

    /// Lays edges node by node, so that following one touches one place in memory.
    fn lay_out(&mut self, mut links: Vec<Link>) {
        links.sort_unstable();
        self.edges = links.iter().map(|&(_, byte, to)| (byte, to)).collect();
        let mut next = 0;
        for (i, node) in (0..).zip(&mut self.nodes) {
            node.edges_start = next as u32;
            next += links[next..].iter().take_while(|(from, ..)| *from == i).count();
        }
    }

    /// Where a node's edges lie.
    fn edges(&self, at: u32) -> Range<usize> {
        let end = self.nodes.get(at as usize + 1).map_or(self.edges.len(), |next| next.edges_start as usize);
        self.nodes[at as usize].edges_start as usize..end
    }

    /// Sets suffix links level by level.
    fn link(&mut self) {
        let mut queue = VecDeque::new();
        for i in self.edges(ROOT) {
            let (byte, to) = self.edges[i];
            self.first[usize::from(byte)] = to;
            queue.push_back(to);
        }
        while let Some(at) = queue.pop_front() {
            let Node { suffix, pattern, .. } = self.nodes[at as usize];
            let inherited = self.nodes[suffix as usize].pattern;
            if pattern == NONE {
                self.nodes[at as usize].pattern = inherited;
            } else {
                self.shorter[pattern as usize] = inherited;
            }
            for i in self.edges(at) {
                let (byte, to) = self.edges[i];
                self.nodes[to as usize].suffix = self.step(suffix, byte);
                queue.push_back(to);
            }
        }
    }

    /// Where an edge of this very node leads.
    fn child(&self, at: u32, byte: u8) -> Option<u32> {
        let edges = &self.edges[self.edges(at)];
        edges.binary_search_by_key(&byte, |(b, _)| *b).ok().map(|i| edges[i].1)
    }

    /// The node of the longest suffix, in the tree, of the text that led to `at` and of `byte`.
    pub(super) fn step(&self, mut at: u32, byte: u8) -> u32 {
        while at != ROOT {
            if let Some(to) = self.child(at, byte) {
                return to;
            }
            at = self.nodes[at as usize].suffix;
        }
        self.first[usize::from(byte)]
    }

    /// The patterns that a text which led to `at` ends with, the longest first.
    pub(super) fn patterns(&self, at: u32) -> impl Iterator<Item = u32> {
        let found = |pattern: u32| (pattern != NONE).then_some(pattern);
        std::iter::successors(found(self.nodes[at as usize].pattern), move |pattern| found(self.shorter(*pattern)))
    }

    /// How far `text` goes along with some pattern.
    pub(super) fn n_followed(&self, text: &[u8]) -> usize {
        let mut at = ROOT;
        let follows = |byte: &&u8| {
            let next = self.child(at, **byte);
            at = next.unwrap_or(at);
            next.is_some()
        };
        text.iter().take_while(follows).count()
    }

    /// For each place in `text` where patterns end: the place and the longest pattern.
    pub(super) fn ends<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, u32)> + 't {
        let mut at = ROOT;
        text.iter().enumerate().filter_map(move |(i, &byte)| {
            at = self.step(at, byte);
            let pattern = self.nodes[at as usize].pattern;
            (pattern != NONE).then_some((i + 1, pattern))
        })
    }

    /// The longest other pattern that a pattern ends with; else `NONE`.
    pub(super) fn shorter(&self, pattern: u32) -> u32 {
        self.shorter.get(pattern as usize).copied().unwrap_or(NONE)
    }
}
