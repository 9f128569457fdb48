//! The turns of a conversation as a list, and what can be taken out of one.

use crate::protocol::Role;
use crate::tui::app::{App, Env};
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Earlier messages, newest first, to take one up again with another wording.
pub fn open_turns(app: &mut App, env: &Env) {
    let path = app.conversation.path();
    let row = |n: &&crate::history::Node| {
        let line = n.content.split_whitespace().collect::<Vec<_>>().join(" ");
        Row::new(Pick::Turn(n.id), vec![line, crate::tui::time::clock(n.created_ms, env.utc_offset_s)])
    };
    let rows: Vec<Row> = path.iter().rev().filter(|n| n.role == Role::User).map(row).collect();
    if rows.is_empty() {
        return;
    }
    let columns = vec![Column { title: "message", align: Align::Left, drop: 0 }, Column { title: "at", align: Align::Right, drop: 1 }];
    app.open(State::new(Kind::Turns, "edit a message", columns, rows));
}

/// The last fenced code of an answer, without its fence.
pub fn last_code(text: &str) -> Option<String> {
    let mut last = None;
    let mut inside: Option<String> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented)) => inside = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => last = inside.take().or(last),
            Event::Text(piece) => inside.iter_mut().for_each(|code| code.push_str(&piece)),
            _ => {}
        }
    }
    last
}
