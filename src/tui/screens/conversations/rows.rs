//! Conversations and search hits as rows.

use crate::history::{ConversationRow, FOUND_END, FOUND_START, Hit};
use crate::protocol::{ConversationId, Role};
use crate::tui::app::Env;
use crate::tui::screens::list::{Align, Column, Mark, Pick, Row};
use crate::tui::time;

pub const COLUMNS: &[Column] = &[
    Column { title: "conversation", align: Align::Left, drop: 0 },
    Column { title: "turns", align: Align::Right, drop: 2 },
    Column { title: "last", align: Align::Right, drop: 1 },
];

/// Starred ones first, then by what was last.
pub fn rows(conversations: &[ConversationRow], current: ConversationId, env: &Env) -> Vec<Row> {
    let mut sorted: Vec<&ConversationRow> = conversations.iter().collect();
    sorted.sort_by_key(|c| (!c.starred, std::cmp::Reverse(c.updated_ms)));
    sorted.into_iter().map(|c| row(c, current, env)).collect()
}

fn row(c: &ConversationRow, current: ConversationId, env: &Env) -> Row {
    let title = if c.title.is_empty() { "not sent yet".to_owned() } else { c.title.clone() };
    let cells = vec![title, c.n_nodes.to_string(), time::day(c.updated_ms, env.unix_ms, env.utc_offset_s)];
    let mut row = Row::new(Pick::Conversation(c.id), cells);
    row.mark = match (c.id == current, c.starred) {
        (true, _) => Mark::Current,
        (false, true) => Mark::Star,
        (false, false) => Mark::None,
    };
    let began = format!("begun {} {}", date(c.created_ms, env), time::clock(c.created_ms, env.utc_offset_s));
    row.details = vec![if c.starred { format!("★ starred · {began}") } else { began }];
    row.sort = vec![(1, c.n_nodes), (2, c.updated_ms)];
    row
}

fn date(unix_ms: u64, env: &Env) -> String {
    match time::day(unix_ms, env.unix_ms, env.utc_offset_s) {
        day if day.contains(':') => "today".to_owned(),
        day => day,
    }
}

pub const FOUND_COLUMNS: &[Column] = &[
    Column { title: "where", align: Align::Left, drop: 0 },
    Column { title: "conversation", align: Align::Left, drop: 1 },
    Column { title: "when", align: Align::Right, drop: 2 },
];

pub fn found(hits: &[Hit], env: &Env) -> Vec<Row> {
    let row = |hit: &Hit| {
        let snippet: String = hit.snippet.chars().filter(|c| *c != FOUND_START && *c != FOUND_END).collect();
        let line = snippet.split_whitespace().collect::<Vec<_>>().join(" ");
        let who = if hit.role == Role::User { "you" } else { hit.role.name() };
        let day = time::day(hit.created_ms, env.unix_ms, env.utc_offset_s);
        Row {
            details: vec![format!("{who}: {line}")],
            sort: vec![(2, hit.created_ms)],
            ..Row::new(Pick::Found(hit.conversation, hit.node), vec![line, hit.title.clone(), day])
        }
    };
    hits.iter().map(row).collect()
}
