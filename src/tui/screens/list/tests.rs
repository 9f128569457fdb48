use super::*;
use crate::tui::keymap::Intent;
use crate::tui::stage::Stage;

fn list(names: &[&str]) -> State {
    let rows = names.iter().map(|n| match n.strip_prefix("# ") {
        Some(heading) => Row::heading(heading),
        None => Row::new(Pick::Theme((*n).to_owned()), vec![(*n).to_owned()]),
    });
    let columns = vec![Column { title: "name", align: Align::Left, drop: 0 }];
    State::new(Kind::Models, "things", columns, rows.collect())
}

fn chosen(list: &State) -> &str {
    list.chosen_row().map_or("", |r| r.cells[0].as_str())
}

#[test]
fn headings_are_stepped_over_and_do_not_count() {
    let mut list = list(&["# one", "a", "# two", "b", "c"]);
    assert_eq!((chosen(&list), list.counts()), ("a", (3, 3)));
    list.step(1);
    assert_eq!(chosen(&list), "b");
    list.step(-1);
    list.step(-1);
    assert_eq!(chosen(&list), "a");
    list.step(100);
    assert_eq!(chosen(&list), "c");
}

#[test]
fn typing_filters_with_the_best_match_first() {
    let mut list = list(&["Llama-3.1-8B", "qwen", "Llama-3.2-1B"]);
    typed(&mut list, "l32");
    assert_eq!((chosen(&list), list.counts()), ("Llama-3.2-1B", (1, 3)));
    assert_eq!(hand(&mut list, Intent::Back), Done::Chosen, "Escape clears the filter first");
    assert_eq!(list.counts(), (3, 3));
    assert_eq!(hand(&mut list, Intent::Back), Done::Close);
}

#[test]
fn letters_act_after_tab() {
    let mut list = list(&["b", "a"]);
    hand(&mut list, Intent::ListTable);
    typed(&mut list, "x");
    assert_eq!(list.filter, "");
    hand(&mut list, Intent::Sort);
    assert_eq!(chosen(&list), "a");
    hand(&mut list, Intent::SortBack);
    assert_eq!(chosen(&list), "b");
    assert_eq!(hand(&mut list, Intent::Unload), Done::Letter(Intent::Unload, Pick::Theme("b".to_owned())));
}

#[test]
fn new_rows_keep_the_choice() {
    let mut list = list(&["a", "b"]);
    list.step(1);
    list.replace(vec![
        Row::new(Pick::Theme("0".to_owned()), vec!["0".to_owned()]),
        Row::new(Pick::Theme("b".to_owned()), vec!["b".to_owned()]),
    ]);
    assert_eq!(chosen(&list), "b");
}

#[test]
fn two_thousand_rows_filter_within_a_frame_of_work() {
    let names: Vec<String> = (0..2_000).map(|n| format!("model-{n}-of-many")).collect();
    let mut list = list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    typed(&mut list, "1999");
    assert_eq!(chosen(&list), "model-1999-of-many");
}

#[test]
fn looks() {
    let mut stage = Stage::ready(80, 24);
    for (name, keys) in [
        ("palette", "<ctrl-p>"),
        ("palette_filtered", "<esc><ctrl-p>model"),
        ("help", "<esc><esc><f1>"),
        ("keys", "<esc><ctrl-x>k"),
        ("settings", "<esc><ctrl-x>s"),
        ("themes", "<esc><ctrl-x>t"),
    ] {
        stage.keys(keys);
        stage.screen(name);
    }
}
