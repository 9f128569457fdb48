//! A conversation as a tree: siblings are alternatives, the way from the root to the tip is what is shown.

use super::{ConversationRow, Node};
use crate::protocol::{NodeId, Role};
use std::collections::HashMap;

/// All sent nodes of one conversation. Built from rows that may come from a damaged file: a missing parent makes a
/// root, and no walk is longer than there are nodes, whatever circle the rows describe.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    nodes: HashMap<NodeId, Node>,
    /// Children in order of age; `None` holds the roots.
    children: HashMap<Option<NodeId>, Vec<NodeId>>,
    /// By the turn they stand behind, in order of age.
    cuts: HashMap<NodeId, Vec<NodeId>>,
}

/// Where a model's sight of a conversation begins: turns before it stay in the tree and are not sent any more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut<'t> {
    /// Turns of the path that are left out.
    pub n_before: usize,
    /// Its content stands for them: a summary, or nothing.
    pub node: &'t Node,
}

/// A conversation with everything in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    pub row: ConversationRow,
    pub tree: Tree,
    /// What stood in its prompt.
    pub unsent: Option<Node>,
}

impl Cut<'_> {
    /// In words, for a line between the turns.
    pub fn title(&self) -> String {
        let turns = if self.n_before == 1 { "turn" } else { "turns" };
        match self.node.content.is_empty() {
            true => format!("the model sees from here on, not the {} {turns} before", self.n_before),
            false => format!("summary of {} {turns}; the model sees it, and from here on", self.n_before),
        }
    }
}

impl Tree {
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Self {
        let mut tree = Self { nodes: nodes.into_iter().map(|n| (n.id, n)).collect(), ..Self::default() };
        let mut ids: Vec<NodeId> = tree.nodes.keys().copied().collect();
        ids.sort();
        for id in ids {
            tree.place(id).push(id);
        }
        tree
    }

    /// Among whom a node stands: cuts are no turns, so they are nobody's alternative and on nobody's way.
    fn place(&mut self, id: NodeId) -> &mut Vec<NodeId> {
        let parent = self.parent(id);
        match parent.filter(|_| self.is_cut(id)) {
            Some(behind) => self.cuts.entry(behind).or_default(),
            None => self.children.entry(parent).or_default(),
        }
    }

    /// A system text behind a turn is a cut; at the beginning it is what the model is told first.
    pub fn is_cut(&self, id: NodeId) -> bool {
        self.nodes.get(&id).is_some_and(|n| n.role == Role::System) && self.parent(id).is_some()
    }

    /// The last cut on a way through the tree that leaves something of it.
    pub fn cut(&self, path: &[&Node]) -> Option<Cut<'_>> {
        (1..path.len()).rev().find_map(|n_before| {
            let cut = self.cuts.get(&path[n_before - 1].id)?.last()?;
            Some(Cut { n_before, node: self.nodes.get(cut)? })
        })
    }

    /// Takes out a node that has nothing under it.
    pub fn remove(&mut self, id: NodeId) {
        if !self.nodes.contains_key(&id) || !self.children(Some(id)).is_empty() {
            return;
        }
        self.place(id).retain(|other| *other != id);
        self.nodes.remove(&id);
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// Every node, oldest first.
    pub fn nodes(&self) -> Vec<&Node> {
        let mut all: Vec<&Node> = self.nodes.values().collect();
        all.sort_by_key(|n| n.id);
        all
    }

    /// The parent, where it is in the tree.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.nodes.get(&id)?.parent.filter(|p| self.nodes.contains_key(p))
    }

    /// Oldest first; of `None` the roots.
    pub fn children(&self, id: Option<NodeId>) -> &[NodeId] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The alternatives among which a node stands, itself included, oldest first. Empty for an unknown one.
    pub fn siblings(&self, id: NodeId) -> &[NodeId] {
        if self.nodes.contains_key(&id) { self.children(self.parent(id)) } else { &[] }
    }

    /// From a root to `tip`.
    pub fn path(&self, tip: NodeId) -> Vec<&Node> {
        let up = std::iter::successors(self.nodes.get(&tip), |n| self.nodes.get(&n.parent?));
        let mut path: Vec<&Node> = up.take(self.nodes.len()).collect();
        path.reverse();
        path
    }

    /// Where one arrives from `id` by always taking the newest child: the tip after choosing a sibling.
    pub fn newest_leaf(&self, id: NodeId) -> NodeId {
        let down = std::iter::successors(Some(id), |id| self.children(Some(*id)).last().copied());
        down.take(self.nodes.len().max(1)).last().unwrap_or(id)
    }

    /// The newest leaf of all: the tip of a conversation that names none.
    pub fn newest(&self) -> Option<NodeId> {
        self.children(None).last().map(|root| self.newest_leaf(*root))
    }

    /// Puts in a node or replaces the one with its id.
    pub fn insert(&mut self, node: Node) {
        let id = node.id;
        if self.nodes.contains_key(&id) {
            self.place(id).retain(|other| *other != id);
        }
        self.nodes.insert(id, node);
        let siblings = self.place(id);
        if let Err(at) = siblings.binary_search(&id) {
            siblings.insert(at, id);
        }
    }

    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id)
    }
}
