//! The panel: each gauge at its place, whether or not it has a value.

use super::graph::{bar, spark, tone};
use super::state::Phase;
use super::text::{context_of, phase};
use crate::text::width;
use crate::tui::app::{App, Focus};
use crate::tui::figures::{UNKNOWN, bytes, bytes_like, grouped, known, percent, rate, seconds};
use crate::tui::paint::{self, Piece, piece};
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// From here on a gauge is worth a look, and bad.
const CONTEXT: (f64, f64) = (0.75, 0.90);
const MEMORY: (f64, f64) = (0.80, 0.95);

/// Below figures that are not read any more: they are those of a moment ago.
const RESTING: &str = "at rest; any key reads them again";

/// A full screen of gauges: columns not so narrow that figures are cut, nor so wide that they stand far from their names.
const FULL_COLUMNS_MIN: u16 = 36;
const FULL_COLUMNS_MAX: u16 = 48;
const FULL_GAP: u16 = 4;

/// Writes rows from the top down; what has no room is not drawn.
pub struct Pen<'a> {
    pub area: Rect,
    pub y: u16,
    /// The group has the whole place to itself.
    pub large: bool,
    pub theme: &'a Theme,
    pub buf: &'a mut Buffer,
}

impl Pen<'_> {
    fn next(&mut self) -> Rect {
        let row = Rect { y: self.y, height: 1, ..self.area }.intersection(self.area);
        self.y = self.y.saturating_add(1);
        row
    }

    pub fn row(&mut self, left: &[Piece], right: &[Piece]) {
        let row = self.next();
        paint::row(self.buf, row, left, right, self.theme);
    }

    fn bar(&mut self, parts: &[(f64, Meaning)]) {
        let row = self.next();
        bar(parts, row, self.theme, self.buf);
    }

    pub fn air(&mut self) {
        self.y = self.y.saturating_add(1);
    }
}

fn label(text: &str) -> Vec<Piece> {
    vec![piece(text, Meaning::Dim)]
}

fn value(text: impl Into<String>) -> Vec<Piece> {
    vec![piece(text, Meaning::Text)]
}

/// A figure that was read from a device: faint once it is not read any more.
fn read(app: &App, text: String) -> Vec<Piece> {
    vec![piece(text, super::text::read_meaning(app))]
}

fn faint(text: impl Into<String>) -> Vec<Piece> {
    vec![piece(text, Meaning::Faint)]
}

/// Gauges that belong together.
pub struct Group {
    pub name: &'static str,
    /// Their rows of the table.
    pub gauges: &'static [&'static str],
    pub draw: fn(&App, &mut Pen),
    /// Rows it takes.
    rows: u16,
}

/// What a machine lacks is left out.
pub fn groups(app: &App) -> Vec<Group> {
    let group = |name, gauges, draw, rows| Group { name, gauges, draw, rows };
    let mut groups = vec![
        group("decode", &["decode", "speculation"] as &[_], decode as fn(&App, &mut Pen), 3),
        group("prefill", &["prefill", "ttft"], prefill, 3),
        group("context", &["context"], context, 3),
        group("memory", &["memory"], memory, 6),
        group("system", &["placement"], machine, 3),
    ];
    let n_gpus = u16::try_from(app.gauges.shown.machine.gpus.len()).unwrap_or(u16::MAX);
    groups.extend((n_gpus > 0).then_some(group("gpu", &["gpu"], gpus, n_gpus.saturating_mul(4).saturating_sub(1))));
    groups
}

/// Where the panel's keys go, by a sign at its left.
fn chosen(app: &App, at: usize, area: Rect, y: u16, theme: &Theme, buf: &mut Buffer) {
    if app.focus == Focus::Panel && app.gauges.chosen == at && area.x > 0 {
        paint::set(buf, area.x - 1, y, "›", theme.style(Meaning::Accent));
    }
}

/// One column from the top down.
pub fn view(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let area = Rect { width: area.width.saturating_sub(1), ..area };
    let mut pen = Pen { area, y: area.y, large: false, theme, buf };
    for (at, group) in groups(app).iter().enumerate() {
        chosen(app, at, area, pen.y, theme, pen.buf);
        (group.draw)(app, &mut pen);
        pen.air();
    }
    let said = match (app.gauges.frozen, app.watching) {
        (true, _) => piece("frozen", Meaning::Warn),
        (false, false) => piece(RESTING, Meaning::Faint),
        (false, true) => return,
    };
    let row = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }.intersection(area);
    paint::clear(buf, row, theme.style(Meaning::Background));
    paint::row(buf, row, &[said], &[], theme);
}

/// In place of the conversation: as many columns as there is room and need for, or the one group that was enlarged.
pub fn view_full(app: &App, theme: &Theme, space: Rect, buf: &mut Buffer) {
    if let Some(group) = app.enlarged().and_then(|at| groups(app).into_iter().nth(at)) {
        return super::enlarged::view(app, &group, theme, space, buf);
    }
    let margin = app.layout().class.margin();
    let inner =
        Rect { x: space.x + margin, y: space.y + 1, width: space.width.saturating_sub(margin * 2), height: space.height.saturating_sub(1) };
    let n_columns = (inner.width / FULL_COLUMNS_MIN).max(1);
    let columns = (inner.width.saturating_sub((n_columns - 1) * FULL_GAP) / n_columns).min(FULL_COLUMNS_MAX);
    let (mut column, mut y) = (0, inner.y);
    for (at, group) in groups(app).iter().enumerate() {
        if y > inner.y && y + group.rows > inner.bottom() && column + 1 < n_columns {
            (column, y) = (column + 1, inner.y);
        }
        let area = Rect { x: inner.x + column * (columns + FULL_GAP), width: columns, ..inner };
        chosen(app, at, area, y, theme, buf);
        (group.draw)(app, &mut Pen { area, y, large: false, theme, buf });
        y += group.rows + 1;
    }
    if app.gauges.frozen && inner.height > 0 {
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        paint::row(buf, row, &[piece("frozen", Meaning::Warn)], &[], theme);
    }
}

fn decode(app: &App, pen: &mut Pen) {
    let figures = &app.gauges.shown;
    let now = known(figures.decode_now, rate);
    let spec = super::text::speculation(app).filter(|_| !pen.large).unwrap_or_default();
    pen.row(&[piece("decode  ", Meaning::Dim), piece(spec, Meaning::Faint)], &value(format!("{now} tok/s")));
    // Enlarged, the line has room of its own.
    let row = if pen.large { Rect::ZERO } else { pen.next() };
    if pen.large {
        let share = known(figures.drafted, |d| format!("{}% ({}/{})", d.percent(), grouped(d.accepted.into()), grouped(d.drafted.into())));
        pen.row(&label("speculation"), &value(share));
    }
    spark(&app.gauges.spark, app.preferences.graph, row, pen.theme, pen.buf);
    let ms = |v: Option<f64>| known(v, seconds);
    let parts = [
        format!("mean {}", known(figures.decode_mean, rate)),
        format!("p50 {}", ms(figures.token_ms_p50)),
        format!("p99 {}", ms(figures.token_ms_p99)),
    ];
    // Slow tokens take more digits.
    let said = parts.join("   ");
    let said = if width(&said) > usize::from(pen.area.width) { parts.join("  ") } else { said };
    pen.row(&faint(said), &[]);
}

fn prefill(app: &App, pen: &mut Pen) {
    let figures = &app.gauges.shown;
    let prefill = figures.prefill;
    pen.row(&label("prefill"), &value(format!("{} tok/s", known(prefill.and_then(|p| p.rate), rate))));
    let said = match prefill {
        None => format!("{UNKNOWN} tokens"),
        Some(p) if matches!(app.gauges.phase, Phase::Prefill(_)) && p.done < p.total => {
            phase(app).trim_start_matches("prefill ").to_owned()
        }
        Some(p) => format!("{} tokens, {} reused", grouped(u64::from(p.total)), grouped(u64::from(p.reused))),
    };
    pen.row(&faint(said), &[]);
    pen.row(&label("TTFT"), &value(known(figures.ttft_ms, seconds)));
}

fn context(app: &App, pen: &mut Pen) {
    let Some((used, size)) = context_of(app) else {
        pen.row(&label("context"), &value(UNKNOWN));
        pen.bar(&[]);
        pen.air();
        return;
    };
    let share = used as f64 / size as f64;
    pen.row(&label("context"), &value(format!("{} / {}  {}%", grouped(used), grouped(size), percent(used, size))));
    pen.bar(&[(share, tone(share, CONTEXT.0, CONTEXT.1))]);
    let per_token = app.gauges.shown.ledger.map(|l| l.kv_per_token);
    let room = grouped(size.saturating_sub(used));
    pen.row(&faint(format!("{} a token, room for {room}", known(per_token, bytes))), &[]);
}

/// The parts add up to what is resident; what the engine cannot name is its own line.
fn memory(app: &App, pen: &mut Pen) {
    let figures = &app.gauges.shown;
    let resident = figures.machine.process.resident_bytes;
    pen.row(&label("memory"), &read(app, known(resident, |b| bytes_like(b, b))));
    let ledger = figures.ledger.unwrap_or_default();
    // A mapped file is resident only where it was touched.
    let mapped = figures.machine.process.mapped_bytes;
    let weights = mapped.map_or(ledger.weights, |m| m.min(ledger.weights)).min(resident.unwrap_or(u64::MAX));
    let other = resident.map(|r| r.saturating_sub(weights).saturating_sub(ledger.kv).saturating_sub(ledger.scratch));
    let whole = resident.unwrap_or(0).max(1) as f64;
    let parts = [
        ("weights", Some(weights), Meaning::Part1),
        ("KV", Some(ledger.kv), Meaning::Part2),
        ("scratch", Some(ledger.scratch), Meaning::Part3),
        ("other", other, Meaning::Part4),
    ];
    let bars: Vec<(f64, Meaning)> = parts.iter().map(|(_, b, m)| (b.unwrap_or(0) as f64 / whole, *m)).collect();
    pen.bar(if resident.is_some() { &bars } else { &[] });
    let known_ledger = figures.ledger.is_some();
    let quantization = app.models.current.as_ref().map(|c| c.facts.quantization.as_str()).unwrap_or_default();
    let cache = ledger.unusual_cache().unwrap_or_default();
    for (name, part, meaning) in parts {
        let name = match name {
            "weights" => format!("{name} {quantization}"),
            "KV" => format!("{name} {cache}"),
            _ => name.to_owned(),
        };
        let shown = part.filter(|_| known_ledger || name == "other");
        pen.row(
            &[piece("■ ", meaning), piece(name.trim_end(), Meaning::Dim)],
            &read(app, known(shown, |b| bytes_like(b, resident.unwrap_or(0)))),
        );
    }
}

fn machine(app: &App, pen: &mut Pen) {
    let system = &app.gauges.shown.machine.system;
    let free = known(system.memory_available_bytes, |b| bytes_like(b, b));
    pen.row(&label("system free"), &read(app, free));
    let used = system.memory_total_bytes.zip(system.memory_available_bytes).map(|(t, a)| 1.0 - a as f64 / t.max(1) as f64);
    pen.bar(&used.map(|u| vec![(u, tone(u, MEMORY.0, MEMORY.1))]).unwrap_or_default());
    let cpu = known(system.cpu_percent, |p| format!("{p:.0}%"));
    let threads = app.models.current.as_ref().map(|c| c.facts.n_threads).filter(|n| *n > 0);
    let label = known(threads, |n| format!("CPU  {n} threads")).replace(UNKNOWN, "CPU");
    pen.row(&[piece(label, Meaning::Dim)], &read(app, cpu));
}

fn gpus(app: &App, pen: &mut Pen) {
    for (at, gpu) in app.gauges.shown.machine.gpus.iter().enumerate() {
        if at > 0 {
            pen.air();
        }
        let load = known(gpu.load_percent, |p| format!("{p}%"));
        let name = gpu.name.trim_start_matches("NVIDIA ").trim_start_matches("GeForce ");
        pen.row(&[piece("GPU  ", Meaning::Dim), piece(name, Meaning::Faint)], &read(app, load));
        let used = gpu.vram_used_bytes.zip(gpu.vram_total_bytes).map(|(u, t)| u as f64 / t.max(1) as f64);
        pen.bar(&used.map(|u| vec![(u, tone(u, MEMORY.0, MEMORY.1))]).unwrap_or_default());
        let vram = |b: Option<u64>| known(b, |b| format!("{:.1}", b as f64 / (1u64 << 30) as f64));
        let mut parts = vec![format!("{} / {} GiB", vram(gpu.vram_used_bytes), vram(gpu.vram_total_bytes))];
        parts.extend(gpu.power_w.map(|w| format!("{w:.0} W")));
        parts.extend(gpu.temperature_c.map(|t| format!("{t} °C")));
        parts.extend(gpu.throttle.as_ref().map(|t| format!("held back by {t}")));
        pen.row(&faint(parts.join("   ")), &[]);
    }
}
