//! One group of gauges in place of the conversation: its figures, how they went, and what exactly they mean.

use super::graph::spark;
use super::panel::{Group, Pen};
use super::text::GAUGES;
use crate::tui::app::App;
use crate::tui::figures::{bytes, rate};
use crate::tui::keymap::Intent;
use crate::tui::paint::{self, piece};
use crate::tui::theme::{Meaning, Theme};
use crate::tui::wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Wider, figures stand too far from their names.
const COLUMNS_MAX: u16 = 72;
/// Higher, a line is no easier to read.
const GRAPH_ROWS_MAX: u16 = 6;
/// Lower, it is the small one again.
const GRAPH_ROWS_MIN: u16 = 2;

pub fn view(app: &App, group: &Group, theme: &Theme, space: Rect, buf: &mut Buffer) {
    let margin = app.layout().class.margin();
    let area = Rect {
        x: space.x + margin,
        y: space.y + 1,
        width: space.width.saturating_sub(margin * 2).min(COLUMNS_MAX),
        height: space.height.saturating_sub(1),
    }
    .intersection(space);
    let mut pen = Pen { area, y: area.y, large: true, theme, buf };
    (group.draw)(app, &mut pen);
    pen.air();
    let meanings = meanings(group, area.width);
    let below = u16::try_from(meanings.len()).unwrap_or(u16::MAX).saturating_add(3);
    if let Some((values, said)) = history(app, group) {
        let rows = area.bottom().saturating_sub(pen.y).saturating_sub(below).min(GRAPH_ROWS_MAX);
        if !values.is_empty() && rows >= GRAPH_ROWS_MIN {
            let place = Rect { y: pen.y, height: rows, ..area };
            spark(values, app.preferences.graph, place, pen.theme, pen.buf);
            pen.y += rows;
        }
        pen.row(&[piece(said, Meaning::Faint)], &[]);
        pen.air();
    }
    for line in meanings {
        pen.row(&[piece(line, Meaning::Dim)], &[]);
    }
    let key = |intent| key_here(app, intent);
    let (back, freeze) = (key(Intent::Enlarge), key(Intent::Freeze));
    let foot = format!("{back} back   {freeze} freeze   {} {} another", key(Intent::ListUp), key(Intent::ListDown));
    let last = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }.intersection(area);
    paint::row(pen.buf, last, &[piece(foot, Meaning::Faint)], &[], theme);
}

/// The single key that asks for it in the panel.
fn key_here(app: &App, intent: Intent) -> String {
    let keys = app.keymap.sequences(crate::tui::keymap::Context::Panel, intent);
    keys.first().map(|s| s.shown()).unwrap_or_default()
}

/// How a figure of the group went, and what the line is of; none where it is not kept.
fn history<'a>(app: &'a App, group: &Group) -> Option<(&'a [f32], String)> {
    let (gauges, read) = (&app.gauges, "each second it was read");
    let percent = |v: f32| format!("{v:.0}%");
    let line = |values: &'a [f32], what: &str, shown: &dyn Fn(f32) -> String, when: &str| {
        let most = values.iter().copied().fold(0.0, f32::max);
        let up_to = if values.is_empty() { String::new() } else { format!(" up to {}", shown(most)) };
        (values, format!("{what}{up_to}, a point for {when}"))
    };
    Some(match group.name {
        "decode" => line(&gauges.spark, "tokens", &|v| format!("{} tok/s", rate(v)), "each second of answering"),
        "memory" => line(&gauges.paths.resident, "resident", &|v| bytes(v as u64), read),
        "system" => line(&gauges.paths.cpu, "CPU load", &percent, read),
        "gpu" => line(&gauges.paths.gpu, "GPU load", &percent, read),
        _ => return None,
    })
}

/// What exactly is measured, from the table.
fn meanings(group: &Group, columns: u16) -> Vec<String> {
    let rows = GAUGES.iter().filter(|g| group.gauges.contains(&g.id));
    rows.flat_map(|g| wrap::wrap(&format!("{}: {}", g.name, g.meaning), usize::from(columns))).collect()
}
