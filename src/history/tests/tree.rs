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

#[test]
fn a_cut_stands_behind_a_turn_and_is_no_turn() {
    //  0 ─ 1 ─ 2 ─ 3 ─ 4, cuts behind 1 and 3, an alternative to 4 behind 3
    let turns = (0..5).map(|n: u64| node(n, n.checked_sub(1)));
    let cut = |n, behind, text: &str| Node { role: Role::System, content: text.to_owned(), ..node(n, Some(behind)) };
    let mut tree = Tree::new(turns.chain([cut(5, 1, ""), cut(6, 3, "in short"), node(7, Some(3))]));
    let id = |n: u64| node(n, None).id;
    assert_eq!(tree.siblings(id(4)), [id(4), id(7)], "a cut is nobody's alternative");
    assert_eq!(tree.newest_leaf(id(0)), id(7));
    assert!(tree.is_cut(id(6)) && !tree.is_cut(id(3)));
    let last = |tree: &Tree, tip: u64| tree.cut(&tree.path(id(tip))).map(|cut| (cut.n_before, cut.node.content.clone()));
    assert_eq!(last(&tree, 4), Some((4, "in short".to_owned())));
    assert_eq!(last(&tree, 7), Some((4, "in short".to_owned())), "it holds for every way on");
    assert_eq!(last(&tree, 3), Some((2, String::new())), "it leaves something");
    assert_eq!(last(&tree, 1), None);
    let titles: Vec<String> = [3, 4].iter().map(|tip| tree.cut(&tree.path(id(*tip))).unwrap().title()).collect();
    assert_eq!(titles[0], "the model sees from here on, not the 2 turns before");
    assert_eq!(titles[1], "summary of 4 turns; the model sees it, and from here on");
    tree.remove(id(6));
    assert_eq!(last(&tree, 4), Some((2, String::new())));
    tree.remove(id(3));
    assert!(tree.get(id(3)).is_some(), "what others stand under stays");
    tree.insert(cut(8, 3, "anew"));
    assert_eq!(last(&tree, 4), Some((4, "anew".to_owned())));
    let first = Node { role: Role::System, ..node(9, None) };
    assert!(!Tree::new([first]).is_cut(id(9)), "what the model is told first is a turn");
}
