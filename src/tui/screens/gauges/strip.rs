//! The strip: three rows of gauges where the panel has no room.

use super::graph::{bar, spark, tone};
use super::text::{context_of, read_meaning};
use crate::tui::app::App;
use crate::tui::figures::{UNKNOWN, bytes, grouped, known, percent, rate, seconds};
use crate::tui::paint::{self, piece};
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Three columns of a label, a figure, and a bar or graph.
pub fn view(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let margin = app.layout().class.margin();
    let gap = 3;
    let each = area.width.saturating_sub(margin + 2).saturating_sub(gap * 2) / 3;
    let column = |n: u16| Rect { x: area.x + margin + n * (each + gap), width: each, ..area };
    let row = |rect: Rect, n: u16| Rect { y: rect.y + n, height: 1, ..rect };
    let figures = &app.gauges.shown;
    let mut put = |rect: Rect, n: u16, name: &str, value: String, meaning: Meaning| {
        paint::row(buf, row(rect, n), &[piece(name, Meaning::Dim)], &[piece(value, meaning)], theme);
    };
    let mut write = |rect, n, name, value| put(rect, n, name, value, Meaning::Text);
    let (decode, context, memory) = (column(0), column(1), column(2));
    write(decode, 0, "decode", format!("{} tok/s", known(figures.decode_now, rate)));
    write(decode, 2, "TTFT", known(figures.ttft_ms, seconds));
    let used = context_of(app);
    write(context, 0, "context", used.map_or(UNKNOWN.to_owned(), |(u, s)| format!("{} {}%", grouped(s), percent(u, s))));
    write(context, 2, "prefill", format!("{} tok/s", known(figures.prefill.and_then(|p| p.rate), rate)));
    let system = &figures.machine.system;
    put(memory, 0, "memory", known(figures.machine.process.resident_bytes, bytes), read_meaning(app));
    put(memory, 2, "free", known(system.memory_available_bytes, bytes), read_meaning(app));
    spark(&app.gauges.spark, app.preferences.graph, row(decode, 1), theme, buf);
    let share = used.map(|(u, s)| u as f64 / s as f64);
    bar(&share.map(|s| vec![(s, tone(s, 0.75, 0.90))]).unwrap_or_default(), row(context, 1), theme, buf);
    let taken = system.memory_total_bytes.zip(system.memory_available_bytes).map(|(t, a)| 1.0 - a as f64 / t.max(1) as f64);
    bar(&taken.map(|s| vec![(s, tone(s, 0.80, 0.95))]).unwrap_or_default(), row(memory, 1), theme, buf);
}
