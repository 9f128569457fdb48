//! A conversation as a tree: siblings are alternatives, the way from the root to the tip is what is shown.

use super::{ConversationRow, Node};
use crate::protocol::NodeId;
use std::collections::HashMap;

/// All sent nodes of one conversation. Built from rows that may come from a damaged file: a missing parent makes a
/// root, and no walk is longer than there are nodes, whatever circle the rows describe.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    nodes: HashMap<NodeId, Node>,
    /// Children in order of age; `None` holds the roots.
    children: HashMap<Option<NodeId>, Vec<NodeId>>,
}

/// A conversation with everything in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    pub row: ConversationRow,
    pub tree: Tree,
    /// What stood in its prompt.
    pub unsent: Option<Node>,
}

impl Tree {
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Self {
        let mut tree = Self { nodes: nodes.into_iter().map(|n| (n.id, n)).collect(), children: HashMap::new() };
        let mut ids: Vec<NodeId> = tree.nodes.keys().copied().collect();
        ids.sort();
        for id in ids {
            let parent = tree.parent(id);
            tree.children.entry(parent).or_default().push(id);
        }
        tree
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
        let old_parent = self.nodes.contains_key(&id).then(|| self.parent(id));
        self.nodes.insert(id, node);
        let parent = self.parent(id);
        if let Some(siblings) = old_parent.filter(|p| *p != parent).and_then(|p| self.children.get_mut(&p)) {
            siblings.retain(|s| *s != id);
        }
        let siblings = self.children.entry(parent).or_default();
        if let Err(at) = siblings.binary_search(&id) {
            siblings.insert(at, id);
        }
    }

    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id)
    }
}
