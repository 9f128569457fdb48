//! Running text: from the parser's inline events to clean runs.

use super::leaf::{Look, Run, Runs};
use crate::text::{HttpUrl, Shown};
use pulldown_cmark::{Event, Tag, TagEnd};

/// An address longer than this is cut where it is shown; it leads where it led.
const TARGET_COLUMNS_MAX: usize = 120;
/// Links in one paragraph or table cell that lead somewhere; more is an attack on the reader or the terminal.
const LINKS_MAX: usize = 200;

/// Collects inline events. Neighbouring texts of one look are joined before they are sanitized, since the parser cuts
/// them anywhere.
#[derive(Debug, Default)]
pub(super) struct InlineBuilder {
    done: Runs,
    raw: String,
    look: Look,
    /// Depths of `**`, `*` and `~~`: they may stand in each other.
    n_strong: usize,
    n_emphasis: usize,
    n_struck: usize,
    /// The link being read: its address, whether it is an image, and where its text begins.
    open: Vec<Opened>,
}

#[derive(Debug)]
struct Opened {
    address: String,
    image: bool,
    text_start: usize,
}

/// Whether an event belongs to running text.
pub(super) fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Start(tag) => {
            matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
        }
        Event::End(tag) => matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image),
        Event::Rule | Event::Html(_) | Event::TaskListMarker(_) => false,
        _ => true,
    }
}

impl InlineBuilder {
    pub(super) fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.raw.push_str(&text),
            Event::Html(html) => {
                for (i, line) in html.split('\n').enumerate() {
                    if i > 0 {
                        self.line_break();
                    }
                    self.raw.push_str(line);
                }
            }
            Event::InlineHtml(html) => match html.trim_matches(['<', '>', '/', ' ']) {
                "br" | "BR" => self.line_break(),
                _ => self.raw.push_str(&html),
            },
            Event::Code(code) | Event::InlineMath(code) | Event::DisplayMath(code) => {
                self.flush();
                self.raw.push_str(&code);
                self.look.code = true;
                self.flush();
                self.look.code = false;
            }
            Event::FootnoteReference(label) => {
                self.raw.push_str("[^");
                self.raw.push_str(&label);
                self.raw.push(']');
            }
            // Models do not wrap what they write: a line break in the source is meant.
            Event::SoftBreak | Event::HardBreak => self.line_break(),
            Event::Rule | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        self.flush();
        match tag {
            Tag::Strong => self.n_strong += 1,
            Tag::Emphasis => self.n_emphasis += 1,
            Tag::Strikethrough => self.n_struck += 1,
            Tag::Link { dest_url, .. } => self.open_link(&dest_url, false),
            Tag::Image { dest_url, .. } => self.open_link(&dest_url, true),
            _ => {}
        }
        self.set_look();
    }

    fn end(&mut self, tag: TagEnd) {
        self.flush();
        match tag {
            TagEnd::Strong => self.n_strong = self.n_strong.saturating_sub(1),
            TagEnd::Emphasis => self.n_emphasis = self.n_emphasis.saturating_sub(1),
            TagEnd::Strikethrough => self.n_struck = self.n_struck.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => self.close_link(),
            _ => {}
        }
        self.set_look();
    }

    fn set_look(&mut self) {
        self.look.strong = self.n_strong > 0;
        self.look.emphasis = self.n_emphasis > 0;
        self.look.struck = self.n_struck > 0;
    }

    fn open_link(&mut self, address: &str, image: bool) {
        self.open.push(Opened { address: address.to_owned(), image, text_start: self.done.runs.len() });
        self.look.link = self.link_to(address);
    }

    fn link_to(&mut self, address: &str) -> Option<usize> {
        let url = HttpUrl::parse(address).filter(|_| self.done.links.len() < LINKS_MAX)?;
        self.done.links.push(url);
        Some(self.done.links.len() - 1)
    }

    /// After a link's text its address, so that nobody is led elsewhere than the text says.
    fn close_link(&mut self) {
        let Some(opened) = self.open.pop() else { return };
        let text: String = self.done.runs.get(opened.text_start..).unwrap_or_default().iter().map(|run| run.text.as_str()).collect();
        let target = Shown::line(&opened.address).cut(TARGET_COLUMNS_MAX);
        let plain = |s: &str| s.trim_start_matches("mailto:").trim_end_matches('/').to_owned();
        if plain(&text) != plain(&opened.address) && !target.is_empty() {
            let what = if opened.image { "image " } else { "" };
            let space = if text.is_empty() { "" } else { " " };
            let look = Look { target: true, link: self.look.link, ..Look::default() };
            self.done.runs.push(Run { text: Shown::line(&format!("{space}({what}{target})")), look });
        }
        self.look.link = None;
    }

    fn line_break(&mut self) {
        self.flush();
        self.done.runs.push(Run { text: Shown::block("\n"), look: Look::default() });
    }

    /// What was collected becomes a run, with the bare addresses in it as links.
    fn flush(&mut self) {
        let raw = std::mem::take(&mut self.raw);
        let mut rest = raw.as_str();
        if self.look.link.is_none() && !self.look.code {
            while let Some((at, n)) = bare_address(rest) {
                let (before, from) = rest.split_at(at);
                let (address, after) = from.split_at(n);
                self.push(before, self.look);
                let look = Look { link: self.link_to(address), ..self.look };
                self.push(address, look);
                rest = after;
            }
        }
        self.push(rest, self.look);
    }

    fn push(&mut self, raw: &str, look: Look) {
        if !raw.is_empty() {
            self.done.runs.push(Run { text: Shown::line(raw), look });
        }
    }

    pub(super) fn finish(mut self) -> Runs {
        self.flush();
        while self.done.runs.last().is_some_and(|run| run.text.as_str() == "\n") {
            self.done.runs.pop();
        }
        self.done
    }
}

/// Markers that were opened and not yet closed work already while the text is being written, so that stars do not show
/// for a moment and vanish.
pub(super) fn close_open_markers(runs: &mut Runs) {
    close_strong(&mut runs.runs);
    close_code(&mut runs.runs);
}

/// An address that stands in plain text: its place and length, without the punctuation that ends the sentence.
fn bare_address(text: &str) -> Option<(usize, usize)> {
    let at = ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min()?;
    let from = text.get(at..)?;
    let n = from.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"`|「」（），。、".contains(c)).unwrap_or(from.len());
    let mut address = from.get(..n)?;
    loop {
        let trimmed = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_']);
        let unbalanced = trimmed.ends_with(')') && trimmed.matches(')').count() > trimmed.matches('(').count();
        let trimmed = if unbalanced { trimmed.strip_suffix(')').unwrap_or(trimmed) } else { trimmed };
        if trimmed.len() == address.len() {
            break;
        }
        address = trimmed;
    }
    HttpUrl::parse(address).is_some().then_some((at, address.len()))
}

/// A `**` left in plain text, with a word behind it, makes the rest strong.
fn close_strong(runs: &mut Vec<Run>) {
    let opens = |text: &str| {
        let at = text.find("**")?;
        let before = text.get(..at)?.chars().next_back();
        let after = text.get(at + 2..)?.chars().next();
        let fits = before.is_none_or(|c| !c.is_alphanumeric()) && after.is_none_or(|c| !c.is_whitespace() && c != '*');
        fits.then_some(at)
    };
    let found = runs.iter().enumerate().find_map(|(i, run)| {
        let plain = !run.look.code && run.look.link.is_none();
        opens(run.text.as_str()).filter(|_| plain).map(|at| (i, at))
    });
    if let Some((i, at)) = found {
        split_at_marker(runs, i, at, 2);
        for run in runs.iter_mut().skip(i + 1) {
            run.look.strong = true;
        }
    }
}

/// A backtick left in plain text makes the rest code.
fn close_code(runs: &mut Vec<Run>) {
    let plain = |run: &Run| !run.look.code && run.look.link.is_none();
    let found = runs.iter().enumerate().find_map(|(i, run)| run.text.as_str().find('`').filter(|_| plain(run)).map(|at| (i, at)));
    if let Some((i, at)) = found {
        let from = runs[i].text.as_str().get(at..).unwrap_or_default();
        let n = from.len() - from.trim_start_matches('`').len();
        split_at_marker(runs, i, at, n);
        for run in runs.iter_mut().skip(i + 1) {
            run.look = Look { code: true, ..Look::default() };
        }
    }
}

/// Cuts run `i` in two at a marker of `n` bytes, which is dropped.
fn split_at_marker(runs: &mut Vec<Run>, i: usize, at: usize, n: usize) {
    let run = runs[i].clone();
    let text = run.text.as_str();
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + n..).unwrap_or_default());
    runs[i].text = Shown::line(before);
    runs.insert(i + 1, Run { text: Shown::line(after), look: run.look });
}
