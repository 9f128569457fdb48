//! The status line: a mark for the state, then figures; the least important go first where there is no room.

use super::state::Phase;
use super::text::{GAUGES, Gauge, phase};
use crate::text::width;
use crate::tui::app::{App, Class};
use crate::tui::figures::UNKNOWN;
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;

/// Ids by importance: the last goes first.
const IMPORTANCE: &[&str] = &["model", "decode", "context", "prefill", "ttft", "placement", "memory", "gpu", "speculation"];
/// Between items.
const GAP: usize = 2;
/// "answering".
const SAID_COLUMNS: usize = 9;
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
    let (before, text) = if layout.class > Class::Compact { (2, 5) } else { (0, layout.class.margin()) };
    let (sign, meaning) = mark(app);
    let left = area.x + before;
    paint::put(buf, left, area.y, area.right(), sign, theme.style(meaning));
    let help = if area.width >= HELP_COLUMNS { "? help" } else { "" };
    let said = phase(app);
    let edge = area.right().saturating_sub(2).max(left);
    let mut right = edge;
    for (text, meaning) in [(help, Meaning::Faint), (said.as_str(), Meaning::Text)] {
        let columns = u16::try_from(width(text)).unwrap_or(u16::MAX);
        if columns > 0 && right.saturating_sub(columns) > left + GAP as u16 {
            right -= columns;
            paint::put(buf, right, area.y, edge, text, theme.style(meaning));
            right = right.saturating_sub(GAP as u16);
        }
    }
    // There is always room for the shortest word, so that nothing moves when an answer begins or ends.
    let kept = if area.width >= HELP_COLUMNS { (help.len() + SAID_COLUMNS + 2 * GAP) as u16 } else { 0 };
    right = right.min(edge.saturating_sub(kept));
    let mut x = area.x + text;
    for (id, text) in items(app, usize::from(right.saturating_sub(x))) {
        let meaning = if matches!(id, "model" | "decode") { Meaning::Text } else { Meaning::Dim };
        x = paint::put(buf, x, area.y, right.max(x), &text, theme.style(meaning)).saturating_add(GAP as u16);
    }
}

/// The items there is room for, in the line's order.
fn items(app: &App, room: usize) -> Vec<(&'static str, String)> {
    let item = |g: &Gauge| {
        let text = (g.line)(app)?;
        let columns = if text.contains(UNKNOWN) { 0 } else { g.columns };
        Some((g.id, format!("{text:columns$}")))
    };
    // A person's own list is both: what is shown in which order, and what goes first.
    let wished: Option<Vec<&str>> = app.preferences.status.as_ref().map(|ids| ids.iter().map(String::as_str).collect());
    let importance: &[&str] = wished.as_deref().unwrap_or(IMPORTANCE);
    let mut all: Vec<(&'static str, String)> = match &wished {
        Some(ids) => ids.iter().filter_map(|id| GAUGES.iter().find(|g| g.id == *id)).filter_map(item).collect(),
        None => GAUGES.iter().filter_map(item).collect(),
    };
    let rank = |id: &str| importance.iter().position(|i| *i == id).unwrap_or(usize::MAX);
    let columns = |items: &[(&str, String)]| items.iter().map(|(_, t)| width(t) + GAP).sum::<usize>().saturating_sub(GAP);
    while all.len() > 1 && columns(&all) > room {
        let last = (0..all.len()).max_by_key(|at| rank(all[*at].0)).unwrap_or(0);
        all.remove(last);
    }
    all
}
