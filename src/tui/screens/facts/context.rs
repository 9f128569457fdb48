//! What takes how much of the context. The parts add up to the whole prompt: what no turn takes is a row of its own.

use super::state::Turn;
use crate::protocol::ConversationId;
use crate::tui::figures::{UNKNOWN, grouped, known, percent};
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State};

const COLUMNS: &[Column] = &[
    Column { title: "what", align: Align::Left, drop: 0 },
    Column { title: "who", align: Align::Left, drop: 2 },
    Column { title: "tokens", align: Align::Right, drop: 0 },
    Column { title: "share", align: Align::Right, drop: 1 },
];
const TOKENS: usize = 2;

pub fn list(conversation: ConversationId, turns: &[Turn], counts: &[u32], n_prompt: u64, n_ctx: Option<u64>) -> State {
    let share =
        |n: u64| known(n_ctx, |size| if n > 0 && percent(n, size) == 0 { "<1%".to_owned() } else { format!("{}%", percent(n, size)) });
    let row = |pick: Pick, what: &str, who: &str, n: u64| Row {
        sort: vec![(TOKENS, n)],
        ..Row::new(pick, vec![what.to_owned(), who.to_owned(), grouped(n), share(n)])
    };
    let mut rows: Vec<Row> = turns
        .iter()
        .zip(counts)
        .map(|(turn, n)| {
            let line = turn.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let pick = turn.node.map_or(Pick::Setting("system_prompt"), |node| Pick::Found(conversation, node));
            Row { details: vec![line.clone()], ..row(pick, &line, turn.who, u64::from(*n)) }
        })
        .collect();
    let said: u64 = counts.iter().map(|n| u64::from(*n)).sum();
    rows.push(match n_prompt.checked_sub(said) {
        Some(marks) => Row {
            details: vec!["What the model's template writes around the turns".to_owned()],
            ..row(Pick::Command("dump"), "the template's own", "", marks)
        },
        // A template may leave out what was said long ago, or trim it.
        None => Row::new(
            Pick::Command("dump"),
            vec!["left out by the template".to_owned(), String::new(), format!("-{}", grouped(said - n_prompt)), String::new()],
        ),
    });
    rows.push(match n_ctx {
        Some(size) => Row {
            details: vec!["What is left for your next message and its answer".to_owned()],
            ..row(Pick::Command("set"), "room left", "", size.saturating_sub(n_prompt))
        },
        None => Row::new(Pick::Command("set"), vec!["room left".to_owned(), String::new(), UNKNOWN.to_owned(), UNKNOWN.to_owned()]),
    });
    let title = format!("context   {} of {} tokens", grouped(n_prompt), known(n_ctx, grouped));
    State::new(Kind::Context, title, COLUMNS.to_vec(), rows)
}
