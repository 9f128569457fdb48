//! One turn as lines: who and when, what was thought, what was said, how it ended, its figures.

use super::lines::{TurnLine, TurnLines};
use super::state::{State, Thought};
use crate::history::{Cut, Node, Status};
use crate::protocol::{FinishReason, Role, Statistics};
use crate::text::{Shown, width};
use crate::tui::figures;
use crate::tui::keymap::{Intent, Keymap};
use crate::tui::markdown::Rendered;
use crate::tui::theme::{Meaning, Theme};
use crate::tui::{time, wrap};
use ratatui::text::{Line, Span};

/// What a turn's lines depend on besides the turn.
pub struct Look<'a> {
    pub theme: &'a Theme,
    pub columns: u16,
    pub unfolded: bool,
    /// The last turn: it alone has its figures without being asked.
    pub last: bool,
    pub sibling: (usize, usize),
    pub thought: Option<Thought>,
    pub utc_offset_s: i32,
    pub compact: bool,
    pub keymap: &'a Keymap,
    pub motion: bool,
    /// An answer's text as lines.
    pub document: &'a dyn Fn(&str) -> Rendered,
}

/// The bar where the next token will stand.
const CURSOR: &str = "▍";

impl Look<'_> {
    fn span(&self, text: &str, meaning: Meaning) -> Span<'static> {
        Span::styled(Shown::line(text).as_str().to_owned(), self.theme.style(meaning))
    }

    fn plain(&self, text: &str, meaning: Meaning) -> TurnLine {
        TurnLine { line: Line::from(self.span(text, meaning)), ..TurnLine::default() }
    }

    /// A sentence over as many lines as it needs.
    fn wrapped(&self, text: &str, meaning: Meaning) -> Vec<TurnLine> {
        let shown = Shown::block(text);
        wrap::wrap(shown.as_str(), usize::from(self.columns)).iter().map(|l| self.plain(l, meaning)).collect()
    }
}

pub fn lines(node: &Node, look: &Look) -> TurnLines {
    let mut out = TurnLines { head: vec![header(node, look)], ..TurnLines::default() };
    match node.role {
        Role::User | Role::System | Role::Tool => out.head.extend(said(node, look)),
        Role::Assistant => answer(node, look, &mut out),
    }
    out.tail.push(TurnLine::default());
    out
}

/// A thin line with words in it, and the summary where it is open.
pub fn cut_lines(cut: &Cut<'_>, unfolded: bool, theme: &Theme, columns: u16) -> TurnLines {
    let columns = usize::from(columns);
    let line = |text: String, meaning| TurnLine { line: Line::from(Span::styled(text, theme.style(meaning))), ..TurnLine::default() };
    let summary = Shown::block(&cut.node.content);
    let sign = match (summary.as_str().is_empty(), unfolded) {
        (true, _) => "",
        (false, true) => "▾ ",
        (false, false) => "▸ ",
    };
    let rest = columns.saturating_sub(RULE_COLUMNS + 1);
    let title: Vec<String> = wrap::wrap(&format!("{sign}{}", cut.title()), rest.saturating_sub(1));
    let fill = rest.saturating_sub(title.last().map_or(0, |last| width(last)) + 1);
    let mut out = TurnLines::default();
    for (at, text) in title.iter().enumerate() {
        let (before, after) = (if at == 0 { "─" } else { " " }, if at + 1 == title.len() { "─".repeat(fill) } else { String::new() });
        let text = format!("{} {text} {after}", before.repeat(RULE_COLUMNS));
        out.head.push(TurnLine { fold: !sign.is_empty() && at == 0, ..line(text.trim_end().to_owned(), Meaning::Dim) });
    }
    if unfolded && !sign.is_empty() {
        let wrapped = wrap::wrap(summary.as_str(), columns.saturating_sub(2));
        out.head.extend(wrapped.iter().map(|l| line(format!("  {l}"), Meaning::Thinking)));
    }
    out.head.push(TurnLine::default());
    out
}

/// Of the thin line before its words.
const RULE_COLUMNS: usize = 2;

fn header(node: &Node, look: &Look) -> TurnLine {
    let mut spans = match (node.role, &node.model) {
        (Role::User, _) => vec![look.span("you", Meaning::Accent)],
        (Role::Assistant, Some(model)) => {
            let name = if model.name.is_empty() { "a model" } else { &model.name };
            vec![look.span(&format!("{name}  {}", model.quantization), Meaning::Dim)]
        }
        (role, _) => vec![look.span(role.name(), Meaning::Dim)],
    };
    if look.sibling.1 > 1 {
        spans.push(look.span(&format!("  ‹ {}/{} ›", look.sibling.0 + 1, look.sibling.1), Meaning::Dim));
    }
    if node.role == Role::User && node.status == Status::Unsent {
        spans.push(look.span("  not stored yet", Meaning::Faint));
    }
    let right = (!look.compact).then(|| look.span(&time::clock(node.created_ms, look.utc_offset_s), Meaning::Faint));
    TurnLine { line: Line::from(spans), right, ..TurnLine::default() }
}

/// A person's words as they were written, not as markdown.
fn said(node: &Node, look: &Look) -> Vec<TurnLine> {
    let sent = node.status != Status::Unsent;
    let meaning = if sent { Meaning::User } else { Meaning::Dim };
    let mut lines = look.wrapped(&node.content, meaning);
    lines.iter_mut().for_each(|l| l.bar = sent);
    lines
}

fn answer(node: &Node, look: &Look, out: &mut TurnLines) {
    let streams = node.status == Status::Streaming;
    if let Some(thinking) = node.thinking.as_deref().filter(|t| !t.is_empty()) {
        out.head.extend(thought(node, thinking, look));
    }
    let text = if streams && !look.motion { whole_paragraphs(&node.content) } else { &node.content };
    out.body = (look.document)(text);
    if streams {
        let cursor = look.span(CURSOR, Meaning::Accent);
        match out.body.lines.last().filter(|last| last.width() < usize::from(look.columns)) {
            Some(_) => out.cursor = Some(cursor),
            None => out.tail.push(TurnLine { line: Line::from(cursor), ..TurnLine::default() }),
        }
    }
    if let Some(end) = ending(node, look) {
        out.tail.extend((!out.body.lines.is_empty()).then(TurnLine::default));
        out.tail.extend(end);
    }
    if let Some(statistics) = node.statistics.as_ref().filter(|_| !streams && (look.last || look.unfolded)) {
        out.tail.push(TurnLine::default());
        out.tail.extend(figures_lines(statistics, node, look));
    }
}

/// Without motion text shows by whole paragraphs.
fn whole_paragraphs(text: &str) -> &str {
    text.rfind("\n\n").map_or("", |at| &text[..at])
}

/// One line, and while it grows the last one of what was thought; or all of it.
fn thought(node: &Node, thinking: &str, look: &Look) -> Vec<TurnLine> {
    let thinks = node.status == Status::Streaming && node.content.is_empty();
    let sign = if look.unfolded { "▾" } else { "▸" };
    let what = match (thinks, look.thought) {
        (true, Some(t)) => format!("{sign} thinking for {}", t.shown()),
        (true, None) => format!("{sign} thinking"),
        (false, Some(t)) => format!("{sign} thought for {}", t.shown()),
        (false, None) => format!("{sign} thought"),
    };
    let mut out = vec![TurnLine { fold: true, ..look.plain(&what, Meaning::Faint) }];
    let columns = usize::from(look.columns).saturating_sub(2);
    let line = |text: &str| look.plain(&format!("  {text}"), Meaning::Thinking);
    if look.unfolded {
        let shown = Shown::block(thinking);
        out.extend(wrap::wrap(shown.as_str().trim(), columns).iter().map(|l| line(l)));
    } else if thinks && let Some(last) = thinking.lines().rfind(|l| !l.trim().is_empty()) {
        out.push(line(Shown::line(last.trim()).cut(columns).as_str()));
    }
    out.push(TurnLine::default());
    out
}

/// How an answer ended, where that was not by itself.
fn ending(node: &Node, look: &Look) -> Option<Vec<TurnLine>> {
    let key = |intent| look.keymap.hint(intent);
    let go_on = if State::can_continue(node) { format!(", {} continues", key(Intent::Continue)) } else { String::new() };
    match (node.status, &node.report) {
        (Status::Failed, Some(report)) => {
            let mut out = look.wrapped(&format!("✗ {report}"), Meaning::Bad);
            out.push(look.plain(&format!("{} answers once more", key(Intent::Regenerate)), Meaning::Dim));
            Some(out)
        }
        (Status::Failed, None) => Some(vec![look.plain("✗ failed", Meaning::Bad)]),
        (Status::Stopped, _) => Some(vec![look.plain(&format!("■ stopped{go_on}"), Meaning::Dim)]),
        (Status::Interrupted, _) => Some(vec![look.plain(&format!("⚡ interrupted{go_on}"), Meaning::Dim)]),
        _ if node.finish == Some(FinishReason::Done) && node.content.is_empty() && node.thinking.is_some() => {
            let once_more = key(Intent::Regenerate);
            Some(vec![look.plain(&format!("it thought, and gave no answer; {once_more} asks once more"), Meaning::Dim)])
        }
        _ if node.finish == Some(FinishReason::Context) => {
            Some(vec![look.plain(&format!("cut: the context is full{go_on}"), Meaning::Dim)])
        }
        _ if node.finish == Some(FinishReason::Length) => Some(vec![look.plain(&format!("cut at its length{go_on}"), Meaning::Dim)]),
        _ => None,
    }
}

/// The footer, and more on demand. Unknown figures are left out here: a footer says what was measured.
fn figures_lines(s: &Statistics, node: &Node, look: &Look) -> Vec<TurnLine> {
    let thinking = if s.thinking_n > 0 { format!(" ({} thinking)", figures::grouped(u64::from(s.thinking_n))) } else { String::new() };
    let mut items = vec![format!("{} tok{thinking}", figures::grouped(u64::from(s.predicted_n)))];
    items.extend(s.predicted_per_second.map(|v| format!("{} tok/s", figures::rate(v as f32))));
    items.extend(s.ttft_ms.map(|v| format!("TTFT {}", figures::seconds(v))));
    let reused = if s.cache_n > 0 { format!(" ({} reused)", figures::grouped(u64::from(s.cache_n))) } else { String::new() };
    let rate = s.prompt_per_second.map(|v| format!(" {} tok/s", figures::rate(v as f32))).unwrap_or_default();
    items.push(format!("pp {}{reused}{rate}", figures::grouped(u64::from(s.prompt_n.saturating_add(s.cache_n)))));
    items.extend(s.energy_j.filter(|_| s.predicted_n > 0).map(|j| format!("{:.1} J/tok", j / f64::from(s.predicted_n))));
    items.extend(match node.finish {
        Some(FinishReason::Length) => Some("length".to_owned()),
        Some(FinishReason::Context) => Some("context full".to_owned()),
        Some(FinishReason::StopString) => Some("stop".to_owned()),
        Some(FinishReason::Cancelled) => Some("stopped".to_owned()),
        Some(FinishReason::Done) | None => None,
    });
    let mut out = flow(&items, look);
    if look.unfolded {
        out.extend(flow(&details(s, node), look));
    }
    out
}

fn details(s: &Statistics, node: &Node) -> Vec<String> {
    let ms = |v: f64| format!("{v:.0} ms");
    let mut items = Vec::new();
    items.extend(s.token_ms_p50.map(|v| format!("p50 {}", ms(v))));
    items.extend(s.token_ms_p99.map(|v| format!("p99 {}", ms(v))));
    items.push(format!("queue {}", ms(s.queue_ms)));
    items.extend(s.load_ms.map(|v| format!("load {}", ms(v))));
    items.push(format!("ctx {}/{}", figures::grouped(u64::from(s.n_past)), figures::grouped(u64::from(s.n_ctx))));
    items.push(format!("peak {}", figures::bytes(s.peak.weights.saturating_add(s.peak.kv).saturating_add(s.peak.scratch))));
    items.push(format!("seed {}", s.seed));
    let said = ["temp", "top_k", "top_p", "min_p", "repeat_penalty"];
    items.extend(said.iter().filter_map(|name| node.settings.0.get(*name).map(|v| format!("{name} {v}"))));
    items.push(format!("ingle {}", s.version));
    items
}

/// Items three blanks apart, on as many lines as they need; none is cut in two.
fn flow(items: &[String], look: &Look) -> Vec<TurnLine> {
    let mut lines = vec![String::new()];
    for item in items {
        let last = lines.last_mut().expect("there is a line from the beginning");
        if last.is_empty() {
            last.push_str(item);
        } else if width(last) + 3 + width(item) <= usize::from(look.columns) {
            last.push_str("   ");
            last.push_str(item);
        } else {
            lines.push(item.clone());
        }
    }
    lines.iter().map(|l| look.plain(l, Meaning::Faint)).collect()
}
