//! The status line: a mark for the state, then figures; the least important go first where there is no room.

use super::state::Phase;
use super::text::{GAUGES, phase};
use crate::text::width;
use crate::tui::app::App;
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;

/// Ids by importance: the last goes first.
const IMPORTANCE: &[&str] = &["model", "decode", "context", "prefill", "ttft", "placement", "memory", "gpu"];
/// Between items.
const GAP: usize = 2;
/// `? help` stays while there are so many columns.
const HELP_COLUMNS: u16 = 60;

/// The state as a sign: none, loading, prefill, ready or answering, queued, failed.
pub fn mark(app: &App) -> (&'static str, Meaning) {
    if app.models.loading.is_some() {
        return ("◐", Meaning::Warn);
    }
    match (&app.models.current, app.gauges.phase) {
        (None, _) if app.models.failed.is_some() => ("✗", Meaning::Bad),
        (None, _) => ("○", Meaning::Dim),
        (Some(_), Phase::Prefill(p)) if p.done < p.total => ("◔", Meaning::Accent),
        (Some(_), Phase::Queued(ahead)) if ahead > 0 => ("‖", Meaning::Warn),
        (Some(_), Phase::Idle | Phase::Queued(_) | Phase::Prefill(_) | Phase::Decode) => ("●", Meaning::Good),
    }
}

pub fn view(app: &App, theme: &Theme, buf: &mut Buffer) {
    let layout = app.layout();
    let area = layout.status;
    if area.is_empty() {
        return;
    }
    let margin = layout.class.margin().saturating_sub(1);
    let (sign, meaning) = mark(app);
    let left = area.x + margin;
    paint::put(buf, left, area.y, area.right(), sign, theme.style(meaning));
    let help = if area.width >= HELP_COLUMNS { "? help" } else { "" };
    let right = area.right().saturating_sub(2).max(left);
    let help_x = right.saturating_sub(help.len() as u16);
    paint::put(buf, help_x, area.y, area.right(), help, theme.style(Meaning::Faint));
    let x = left + if margin > 0 { 3 } else { 2 };
    let room = usize::from(help_x.saturating_sub(x).saturating_sub(if help.is_empty() { 0 } else { GAP as u16 }));
    let mut x = x;
    for (id, text) in items(app, room) {
        let meaning = if matches!(id, "model" | "decode" | "phase") { Meaning::Text } else { Meaning::Dim };
        x = paint::put(buf, x, area.y, help_x.max(left), &text, theme.style(meaning)).saturating_add(GAP as u16);
    }
}

/// The items there is room for, in the line's order.
fn items(app: &App, room: usize) -> Vec<(&'static str, String)> {
    let wished = app.preferences.status.as_deref();
    let is_wished = |id: &str| wished.is_none_or(|ids| ids.iter().any(|i| i == id));
    let mut all: Vec<(&'static str, String)> =
        GAUGES.iter().filter(|g| is_wished(g.id)).filter_map(|g| Some((g.id, format!("{:1$}", (g.line)(app)?, g.columns)))).collect();
    let said = phase(app);
    if !said.is_empty() {
        all.insert(1.min(all.len()), ("phase", said));
    }
    let rank = |id: &str| match id {
        "phase" => 1,
        id => IMPORTANCE.iter().position(|i| *i == id).map_or(usize::MAX, |at| at * 2),
    };
    let columns = |items: &[(&str, String)]| items.iter().map(|(_, t)| width(t) + GAP).sum::<usize>().saturating_sub(GAP);
    while all.len() > 1 && columns(&all) > room {
        let last = (0..all.len()).max_by_key(|at| rank(all[*at].0)).unwrap_or(0);
        all.remove(last);
    }
    all
}
