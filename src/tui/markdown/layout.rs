//! A leaf into lines.

use super::highlight::Coloured;
use super::leaf::{Body, ContainerKind, Leaf, Look, Runs};
use super::wrap::{Piece, Row, cut, row_width, wrap};
use super::{TEXT_COLUMNS_MAX, table};
use crate::text::{HttpUrl, Shown, width};
use crate::tui::theme::{Meaning, Theme};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use std::ops::Range;

/// What stands at a quote's left.
const QUOTE_BAR: &str = "▎ ";
/// Air at both sides of code.
const CODE_PADDING: usize = 2;
/// The key that copies code, at its upper right.
const COPY_KEY: &str = "Y";
/// Between code and its label, and between the label's parts.
const LABEL_GAP: usize = 2;

/// A leaf as lines.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub lines: Vec<Line<'static>>,
    /// Line, columns, target.
    pub links: Vec<(usize, Range<u16>, HttpUrl)>,
}

/// What all layout depends on.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub columns: usize,
    pub theme: &'a Theme,
}

/// Lays a leaf out, with the empty line before it. `colours`: what is known of its code's colours. `skip`: so many lines
/// of code are left out, since they stand already.
pub(super) fn lay(leaf: &Leaf, frame: Frame<'_>, colours: &[Vec<Coloured>], skip: usize) -> Laid {
    let prefixes = Prefixes::of(leaf, frame);
    let room = frame.columns.saturating_sub(prefixes.columns).max(1);
    let text_room = usize::from(TEXT_COLUMNS_MAX).min(frame.columns).saturating_sub(prefixes.columns).max(1);
    let base = frame.theme.style(if prefixes.quoted { Meaning::Dim } else { Meaning::Text });
    let mut no_links = Vec::new();
    let (rows, links) = match &leaf.body {
        Body::Text { runs, heading } => (wrap(&pieces(runs, heading_style(base, *heading, frame), frame), text_room), &runs.links),
        Body::Code { language, lines } => {
            let surface = Surface::of(language, lines, room, text_room, frame);
            (code(&surface, lines, colours, skip, frame), &no_links)
        }
        Body::Table(table) => {
            let (rows, links) = table::lay(table, room, base, frame, skip);
            no_links = links;
            (rows, &no_links)
        }
        Body::Rule => (vec![vec![Piece::new("─".repeat(text_room), frame.theme.style(Meaning::Rule))]], &no_links),
    };
    let mut laid = Laid::default();
    if leaf.gap && skip == 0 {
        laid.lines.push(Line::from(prefixes.gap));
    }
    for (i, row) in rows.into_iter().enumerate() {
        let prefix = if i == 0 && skip == 0 { &prefixes.first } else { &prefixes.rest };
        push_row(&mut laid, prefix, row, links);
    }
    laid
}

fn push_row(laid: &mut Laid, prefix: &[Span<'static>], row: Row, links: &[HttpUrl]) {
    let mut spans = prefix.to_vec();
    let mut column: usize = prefix.iter().map(|span| width(&span.content)).sum();
    for piece in row {
        let end = column + width(&piece.text);
        if let Some(url) = piece.link.and_then(|link| links.get(link)) {
            let columns = clamp(column)..clamp(end);
            laid.links.push((laid.lines.len(), columns, url.clone()));
        }
        column = end;
        spans.push(Span::styled(piece.text.into_owned(), piece.style));
    }
    laid.lines.push(Line::from(spans));
}

fn clamp(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

/// What stands at the left of a leaf's lines.
struct Prefixes {
    first: Vec<Span<'static>>,
    rest: Vec<Span<'static>>,
    gap: Vec<Span<'static>>,
    columns: usize,
    quoted: bool,
}

impl Prefixes {
    fn of(leaf: &Leaf, frame: Frame<'_>) -> Self {
        let mut prefixes = Self { first: Vec::new(), rest: Vec::new(), gap: Vec::new(), columns: 0, quoted: false };
        let n = leaf.containers.len();
        let opened_from = n.saturating_sub(leaf.n_opened);
        // On narrow screens the outermost give way: text keeps half of the columns.
        let mut room = frame.columns / 2;
        let fits = leaf.containers.iter().rev().take_while(|container| {
            let columns = container_columns(&container.kind);
            let fits = columns <= room;
            room = room.saturating_sub(columns);
            fits
        });
        let skipped = n - fits.count();
        for (i, container) in leaf.containers.iter().enumerate() {
            prefixes.quoted |= container.kind == ContainerKind::Quote;
            if i < skipped {
                continue;
            }
            let columns = container_columns(&container.kind);
            let (first, rest) = match &container.kind {
                ContainerKind::Quote => {
                    let bar = Span::styled(QUOTE_BAR, frame.theme.style(Meaning::Rule));
                    (bar.clone(), bar)
                }
                ContainerKind::Item { marker, meaning } => {
                    let air = Span::raw(" ".repeat(columns));
                    let marked = Span::styled(marker.clone(), frame.theme.style(*meaning));
                    (if i >= opened_from { marked } else { air.clone() }, air)
                }
            };
            if i < leaf.n_shared {
                prefixes.gap.push(rest.clone());
            }
            prefixes.first.push(first);
            prefixes.rest.push(rest);
            prefixes.columns += columns;
        }
        while prefixes.gap.last().is_some_and(|span| span.content.trim().is_empty()) {
            prefixes.gap.pop();
        }
        prefixes
    }
}

fn container_columns(kind: &ContainerKind) -> usize {
    match kind {
        ContainerKind::Quote => width(QUOTE_BAR),
        ContainerKind::Item { marker, .. } => width(marker),
    }
}

fn heading_style(base: Style, heading: u8, frame: Frame<'_>) -> Style {
    match heading {
        0 => base,
        1 | 2 => frame.theme.style(Meaning::User).add_modifier(Modifier::BOLD),
        _ => base.add_modifier(Modifier::BOLD),
    }
}

/// Runs as styled pieces.
pub(super) fn pieces<'a>(runs: &'a Runs, base: Style, frame: Frame<'_>) -> Vec<Piece<'a>> {
    let theme = frame.theme;
    let mut out = Vec::with_capacity(runs.runs.len());
    for run in &runs.runs {
        let look = run.look;
        let style = style_of(look, base, theme);
        let text = run.text.as_str();
        // Where no surface sets code apart, its own signs do.
        if look.code && !theme.has_surfaces() {
            out.push(Piece { text: format!("`{text}`").into(), style, link: look.link });
        } else {
            out.push(Piece { text: text.into(), style, link: look.link });
        }
    }
    out
}

fn style_of(look: Look, base: Style, theme: &Theme) -> Style {
    let mut style = base;
    if look.code {
        style = theme.over(Meaning::Code, Meaning::Raised);
    }
    if look.link.is_some() {
        style = style.patch(theme.style(Meaning::Link));
    }
    if look.target {
        return theme.style(Meaning::Faint);
    }
    if look.strong {
        style = style.patch(theme.style(if look.link.is_some() { Meaning::Link } else { Meaning::User })).add_modifier(Modifier::BOLD);
    }
    if look.emphasis {
        style = style.add_modifier(Modifier::ITALIC);
    }
    if look.struck {
        style = style.patch(theme.style(Meaning::Faint)).add_modifier(Modifier::CROSSED_OUT);
    }
    style
}

/// Where code lies: as wide as running text, wider where a line needs it. The label stands in the first row.
#[derive(PartialEq)]
struct Surface {
    padding: usize,
    inner: usize,
    label: Row,
    label_columns: usize,
}

impl Surface {
    fn of(language: &Shown, lines: &[Shown], room: usize, text_room: usize, frame: Frame<'_>) -> Self {
        let padding = if room > 6 * CODE_PADDING { CODE_PADDING } else { 0 };
        let label = label(language, room, frame.theme);
        let label_columns = if label.is_empty() { 0 } else { row_width(&label) + LABEL_GAP };
        let needed = |(i, line): (usize, &Shown)| line.width() + if i == 0 { label_columns } else { 0 };
        let longest = lines.iter().enumerate().map(needed).max().unwrap_or(0);
        let surface = (longest + 2 * padding).max(text_room).min(room);
        let inner = surface.saturating_sub(2 * padding).max(1);
        Self { padding, inner, label, label_columns }
    }

    /// Columns for code in the first row of line `i`.
    fn room(&self, i: usize) -> usize {
        self.inner.saturating_sub(if i == 0 { self.label_columns } else { 0 })
    }

    /// All lines that were whole stand, if each fills one row.
    fn standing(&self, lines: &[Shown]) -> usize {
        let n = lines.len().saturating_sub(1);
        let fits = lines.iter().take(n).enumerate().all(|(i, line)| line.width() <= self.room(i));
        if fits { n } else { 0 }
    }
}

/// How many lines of growing code or of a growing table stand as they are.
pub(super) fn standing_lines(old: &Leaf, new: &Leaf, frame: Frame<'_>) -> usize {
    let place = |leaf: &Leaf| (leaf.start, leaf.gap, leaf.n_opened, leaf.n_shared);
    if place(old) != place(new) || old.containers != new.containers {
        return 0;
    }
    let prefixes = Prefixes::of(new, frame);
    let room = frame.columns.saturating_sub(prefixes.columns).max(1);
    let text_room = usize::from(TEXT_COLUMNS_MAX).min(frame.columns).saturating_sub(prefixes.columns).max(1);
    match (&old.body, &new.body) {
        (Body::Table(old), Body::Table(new)) => table::standing_lines(old, new, room, frame),
        (Body::Code { language, lines }, Body::Code { language: new_language, lines: new_lines }) if lines.len() <= new_lines.len() => {
            let surface = Surface::of(language, lines, room, text_room, frame);
            let new_surface = Surface::of(new_language, new_lines, room, text_room, frame);
            if surface == new_surface { surface.standing(lines) } else { 0 }
        }
        _ => 0,
    }
}

fn code(surface: &Surface, lines: &[Shown], colours: &[Vec<Coloured>], skip: usize, frame: Frame<'_>) -> Vec<Row> {
    let theme = frame.theme;
    let ground = theme.style(Meaning::Raised);
    let mut rows = Vec::new();
    for (i, line) in lines.iter().enumerate().skip(skip) {
        let pieces = coloured(line, colours.get(i).map(Vec::as_slice).unwrap_or_default(), theme);
        for row in cut(&pieces, surface.room(i), surface.inner) {
            let label = if i == 0 && rows.is_empty() { surface.label.clone() } else { Vec::new() };
            let mut out = vec![Piece::new(" ".repeat(surface.padding), ground)];
            let air = surface.inner.saturating_sub(row_width(&row) + row_width(&label));
            out.extend(row);
            out.push(Piece::new(" ".repeat(air), ground));
            out.extend(label);
            out.push(Piece::new(" ".repeat(surface.padding), ground));
            out.retain(|piece| !piece.text.is_empty());
            rows.push(out);
        }
    }
    rows
}

/// The language and the key that copies, as far as a narrow screen has room for them.
fn label(language: &Shown, room: usize, theme: &Theme) -> Row {
    let key = Piece::new(COPY_KEY, theme.over(Meaning::Dim, Meaning::Raised));
    let name = Piece::new(language.as_str().to_owned(), theme.over(Meaning::Faint, Meaning::Raised));
    let gap = Piece::new(" ".repeat(LABEL_GAP), theme.style(Meaning::Raised));
    match room {
        0..20 => Vec::new(),
        20..40 => vec![key],
        _ if language.is_empty() => vec![key],
        _ => vec![name, gap, key],
    }
}

/// A line of code in the colours known so far.
fn coloured<'a>(line: &'a Shown, colours: &[Coloured], theme: &Theme) -> Vec<Piece<'a>> {
    let mut rest = line.as_str();
    let mut out = Vec::new();
    for part in colours {
        let Some((text, after)) = rest.split_at_checked(part.bytes) else { break };
        out.push(Piece::new(text, theme.over(part.meaning, Meaning::Raised)));
        rest = after;
    }
    out.push(Piece::new(rest, theme.over(Meaning::Code, Meaning::Raised)));
    out
}
