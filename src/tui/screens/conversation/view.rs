//! The conversation on the screen.

use super::lines::LineView;
use super::state::Scroll;
use super::transcript::{Block, blocks, columns, n_lines};
use super::{find, scroll, welcome};
use crate::tui::Links;
use crate::tui::app::{App, Class, Focus};
use crate::tui::figures;
use crate::tui::paint::{self, piece};
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Beside what a person said.
const BAR: &str = "▎";
const CHOSEN: &str = "›";

pub fn view(app: &App, theme: &Theme, links: &mut Links, buf: &mut Buffer) {
    let layout = app.layout();
    if app.conversation.is_empty() {
        if app.prompt.is_empty() {
            welcome::view(app, theme, layout.transcript, buf);
        } else {
            title(app, theme, layout.title, buf);
        }
        rule(app, theme, layout.rule, 0, buf);
        return;
    }
    title(app, theme, layout.title, buf);
    let blocks = blocks(app);
    let area = layout.transcript;
    let top = scroll::top_line(app.conversation.scroll, &blocks, usize::from(area.height));
    transcript(app, theme, &blocks, top, links, buf);
    let below = n_lines(&blocks).saturating_sub(top + usize::from(area.height));
    let below = if app.conversation.scroll == Scroll::Follow { 0 } else { below };
    rule(app, theme, layout.rule, below, buf);
}

fn title(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let class = app.layout().class;
    let margin = if class > Class::Compact { class.margin() - 1 } else { class.margin() };
    let area = Rect { x: area.x + margin, width: area.width.saturating_sub(margin + 2), ..area };
    let name = app.conversation.name();
    let mut left = Vec::new();
    if app.layout().class > Class::Compact || name.is_empty() {
        left.push(piece("ingle  ", Meaning::Accent));
    }
    left.push(piece(name, Meaning::Text));
    let mut right = Vec::new();
    if app.conversation.starred {
        right.push(piece("★", Meaning::Dim));
    }
    paint::row(buf, area, &left, &right, theme);
}

fn transcript(app: &App, theme: &Theme, blocks: &[Block], top: usize, links: &mut Links, buf: &mut Buffer) {
    let area = app.layout().transcript;
    let margin = app.layout().class.margin();
    let x = area.x.saturating_add(margin);
    let sign = if margin > 1 { x.saturating_sub(2).max(area.x) } else { area.x };
    let mut above = top;
    // Short conversations stand at the top and grow downward.
    let mut rows = area.top()..area.bottom();
    for block in blocks {
        let hidden = above.min(block.lines.len());
        above -= hidden;
        for n in hidden..block.lines.len() {
            let (Some(y), Some(line)) = (rows.next(), block.lines.get(n)) else { return };
            if line.bar && margin > 0 {
                paint::set(buf, sign, y, BAR, theme.style(Meaning::Accent));
            }
            if n == 0 && app.conversation.chosen == Some(block.node) && app.focus == Focus::Transcript {
                paint::set(buf, sign, y, CHOSEN, theme.style(Meaning::Accent));
            }
            draw_line(app, line, Rect { x, y, width: area.right().saturating_sub(x), height: 1 }, links, buf);
        }
    }
}

/// A line with its links, what stands at its right, and the words that are looked for.
fn draw_line(app: &App, line: LineView<'_>, area: Rect, links: &mut Links, buf: &mut Buffer) {
    let (behind, _) = buf.set_line(area.x, area.y, line.line, area.width);
    if let Some(cursor) = line.cursor {
        buf.set_span(behind, area.y, cursor, area.right().saturating_sub(behind));
    }
    for link in line.links {
        if let Some(mark) = links.mark(&link.url) {
            let column = |c: u16| area.x.saturating_add(c).min(area.right());
            paint::link(buf, area.y, column(link.columns.start)..column(link.columns.end), mark);
        }
    }
    if let Some(span) = line.right {
        let columns = u16::try_from(span.width()).unwrap_or(u16::MAX);
        let edge = area.right().saturating_sub(2);
        buf.set_span(edge.saturating_sub(columns), area.y, span, columns);
    }
    if let Some(words) = app.conversation.find.as_ref().map(|f| f.words.as_str()).filter(|w| !w.is_empty()) {
        let right = area.right().min(area.x.saturating_add(columns(app)));
        let text = find::text(line.line);
        paint::mark(buf, area.x, area.y, right, &text, &find::marks(&text, words));
    }
}

/// The thin line above the prompt. It says what the person should know about the prompt, quietly, at its right end.
fn rule(app: &App, theme: &Theme, area: Rect, n_below: usize, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let inset = u16::from(app.layout().class > Class::Compact);
    let area = Rect { x: area.x + inset.min(area.width), width: area.width.saturating_sub(inset), ..area };
    paint::rule(buf, area, theme);
    let mut said = Vec::new();
    said.extend(app.prompt.vi.as_ref().map(|vi| vi.mode()));
    if let Some(find) = &app.conversation.find {
        said.push(match (find.typing, find.words.is_empty()) {
            (true, _) => format!("find: {}▏", find.words),
            (false, _) => format!("find: {}  {}", find.words, lines_found(find.n_found)),
        });
    }
    if app.not_stored {
        said.push("nothing is stored".to_owned());
    }
    if app.conversation.editing.is_some() {
        said.push("another wording; the first stays".to_owned());
    }
    if let Some(compacting) = super::ways::compacting(app) {
        let turns = if compacting.n_turns == 1 { "turn" } else { "turns" };
        said.push(format!("◔ summarizing {} {turns}, {} tokens", compacting.n_turns, figures::grouped(u64::from(compacting.n_tokens))));
    }
    if !app.conversation.queue.is_empty() {
        said.push(format!("‖ {} queued", app.conversation.queue.len()));
    }
    if n_below > 0 {
        said.push(format!("↓ {} lines", figures::grouped(n_below as u64)));
    }
    if !said.is_empty() {
        let text = format!(" {} ", said.join(" · "));
        let columns = u16::try_from(crate::text::width(&text)).unwrap_or(u16::MAX);
        let x = area.right().saturating_sub(columns.saturating_add(2)).max(area.x);
        paint::put(buf, x, area.y, area.right(), &text, theme.style(Meaning::Dim));
    }
}

fn lines_found(n: usize) -> String {
    match n {
        0 => "not here".to_owned(),
        1 => "1 line".to_owned(),
        n => format!("{n} lines, n N"),
    }
}
