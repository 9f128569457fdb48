use super::*;
use proptest::prelude::*;

fn node(n: u64, parent: Option<u64>) -> Node {
    let id = |n: u64| NodeId(uuid::Uuid::from_u128(u128::from(n) + 1));
    Node {
        id: id(n),
        conversation: ConversationId(uuid::Uuid::nil()),
        parent: parent.map(id),
        role: Role::User,
        created_ms: n,
        status: Status::Sent,
        content: n.to_string(),
        thinking: None,
        model: None,
        settings: Settings::default(),
        statistics: None,
        finish: None,
        report: None,
    }
}

fn texts<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Vec<&'a str> {
    nodes.into_iter().map(|n| n.content.as_str()).collect()
}

#[test]
fn the_way_to_a_tip_and_to_the_newest_leaf() {
    //  0 ─ 1 ─ 3
    //    └ 2 ─ 4 ─ 6
    //        └ 5
    let edges = [None, Some(0), Some(0), Some(1), Some(2), Some(2), Some(4)];
    let tree = Tree::new((0..).zip(edges).map(|(n, parent)| node(n, parent)));
    let id = |n: u64| node(n, None).id;
    assert_eq!(texts(tree.path(id(6))), ["0", "2", "4", "6"]);
    assert_eq!(tree.siblings(id(2)), [id(1), id(2)]);
    assert_eq!(tree.siblings(id(0)), [id(0)]);
    assert_eq!(tree.newest_leaf(id(1)), id(3));
    assert_eq!(tree.newest_leaf(id(2)), id(5));
    assert_eq!(tree.newest(), Some(id(5)));
    assert!(tree.path(id(99)).is_empty() && tree.siblings(id(99)).is_empty());
}

proptest! {
    /// Any rows at all, circles and missing parents among them: every walk ends, and building step by step gives the
    /// same tree.
    #[test]
    fn any_rows_make_a_tree(parents in prop::collection::vec(prop::option::of(0u64..24), 0..24)) {
        let nodes: Vec<Node> = (0..).zip(&parents).map(|(n, parent)| node(n, *parent)).collect();
        let tree = Tree::new(nodes.clone());
        for n in &nodes {
            let path = tree.path(n.id);
            prop_assert_eq!(path.last().map(|n| n.id), Some(n.id));
            prop_assert!(path.len() <= nodes.len());
            prop_assert!(tree.siblings(n.id).contains(&n.id));
            tree.newest_leaf(n.id);
        }
        let older_first = nodes.iter().all(|n| n.parent.is_none_or(|p| p < n.id));
        if older_first {
            let mut grown = Tree::default();
            nodes.iter().for_each(|n| grown.insert(n.clone()));
            prop_assert_eq!(grown, tree);
        }
    }
}
