//! Colours for code, off the screen's thread.
//!
//! A document asks with plain data and is answered with plain data; between two requests for one block of code the
//! parser's state travels with the answer, so that each line is parsed once and the thread remembers nothing.

use super::scopes::Meanings;
use crate::tui::theme::Meaning;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use syntect::parsing::{ParseState, ScopeStack, SyntaxReference, SyntaxSet};

/// Requests that wait. When it is full the document asks again later: nothing is lost.
const QUEUE: usize = 64;
/// A line longer than this is data, not code to be read.
const LINE_BYTES_MAX: usize = 2_000;
/// Grammars can be made to backtrack for minutes, and the processor is needed for the model.
const REQUEST_TIME_MAX: Duration = Duration::from_millis(400);

/// Names that models use for languages, and names the grammars know.
const ALIASES: &[(&str, &str)] = &[
    ("shell", "bash"),
    ("console", "bash"),
    ("shell-session", "bash"),
    ("zsh", "bash"),
    ("fish", "bash"),
    ("typescript", "javascript"),
    ("ts", "javascript"),
    ("tsx", "javascript"),
    ("jsx", "javascript"),
    ("json5", "json"),
    ("jsonc", "json"),
    ("jsonl", "json"),
    ("toml", "properties"),
    ("ini", "properties"),
    ("conf", "properties"),
    ("env", "properties"),
    ("cuda", "c++"),
    ("objc", "objective-c"),
    ("golang", "go"),
    ("py3", "python"),
    ("python3", "python"),
    ("kotlin", "java"),
    ("dockerfile", "bash"),
    ("csharp", "c#"),
    ("yml", "yaml"),
    ("vue", "html"),
    ("svelte", "html"),
];

/// So many bytes of a line, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coloured {
    pub bytes: usize,
    pub meaning: Meaning,
}

/// The parser's state behind a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    parse: ParseState,
    scopes: ScopeStack,
}

/// Lines of code that want colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightRequest {
    /// Which document asks, as its owner calls it.
    pub document: u128,
    /// Which block of code in it: where it begins in the source.
    pub code: usize,
    pub language: String,
    pub first_line: usize,
    pub lines: Vec<String>,
    /// From the answer for the lines before these.
    pub resume: Option<Box<Resume>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightAnswer {
    pub document: u128,
    pub code: usize,
    pub first_line: usize,
    /// One for each line asked for.
    pub lines: Vec<Vec<Coloured>>,
    /// `None`: the rest of this block stays as it is; its language is not known, or it took too long.
    pub resume: Option<Box<Resume>>,
}

/// The thread's door. The thread ends when this is dropped.
#[derive(Debug, Clone)]
pub struct Highlighter {
    requests: SyncSender<HighlightRequest>,
}

impl Highlighter {
    /// Starts the thread; grammars are loaded with the first request. `answer` is called on that thread.
    pub fn start(answer: impl Fn(HighlightAnswer) + Send + 'static) -> std::io::Result<Self> {
        let (requests, queue) = sync_channel(QUEUE);
        std::thread::Builder::new().name("highlight".into()).spawn(move || serve(&queue, answer))?;
        Ok(Self { requests })
    }

    /// Gives the request back if the queue is full.
    pub fn ask(&self, request: HighlightRequest) -> Result<(), HighlightRequest> {
        self.requests.try_send(request).map_err(|e| match e {
            TrySendError::Full(request) | TrySendError::Disconnected(request) => request,
        })
    }
}

fn serve(queue: &Receiver<HighlightRequest>, answer: impl Fn(HighlightAnswer)) {
    let Ok(mut next) = queue.recv() else { return };
    let grammars = Grammars::load();
    loop {
        answer(grammars.colour(next));
        let Ok(request) = queue.recv() else { return };
        next = request;
    }
}

/// What the thread needs to know of languages.
pub(super) struct Grammars {
    set: SyntaxSet,
    meanings: Meanings,
}

impl Grammars {
    pub(super) fn load() -> Self {
        Self { set: SyntaxSet::load_defaults_newlines(), meanings: Meanings::new() }
    }

    fn find(&self, language: &str) -> Option<&SyntaxReference> {
        let name = language.to_lowercase();
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name.as_str(), |(_, known)| known);
        self.set.find_syntax_by_token(name).filter(|syntax| syntax.name != "Plain Text")
    }

    #[expect(clippy::disallowed_methods, reason = "a thread of its own that must not run for ever")]
    pub(super) fn colour(&self, request: HighlightRequest) -> HighlightAnswer {
        let HighlightRequest { document, code, language, first_line, lines, resume } = request;
        let begin = || self.find(&language).map(|syntax| Box::new(Resume { parse: ParseState::new(syntax), scopes: ScopeStack::new() }));
        let mut state = if first_line == 0 { begin() } else { resume };
        let started = Instant::now();
        let mut out = Vec::with_capacity(lines.len());
        for line in &lines {
            let coloured = state.as_mut().and_then(|state| self.line(line, state));
            if coloured.is_none() || started.elapsed() > REQUEST_TIME_MAX {
                state = None;
            }
            out.push(coloured.unwrap_or_default());
        }
        HighlightAnswer { document, code, first_line, lines: out, resume: state }
    }

    /// `None` if the grammar is broken.
    fn line(&self, line: &str, state: &mut Resume) -> Option<Vec<Coloured>> {
        if line.len() > LINE_BYTES_MAX {
            return Some(Vec::new());
        }
        let ops = state.parse.parse_line(&format!("{line}\n"), &self.set).ok()?;
        let mut out: Vec<Coloured> = Vec::new();
        let mut at = 0;
        let mut push = |bytes: usize, meaning: Meaning| match out.last_mut() {
            _ if bytes == 0 => {}
            Some(last) if last.meaning == meaning => last.bytes += bytes,
            _ => out.push(Coloured { bytes, meaning }),
        };
        for (offset, op) in ops {
            let offset = offset.min(line.len());
            push(offset.saturating_sub(at), self.meanings.of(&state.scopes));
            at = at.max(offset);
            state.scopes.apply(&op).ok()?;
        }
        push(line.len() - at, self.meanings.of(&state.scopes));
        Some(out)
    }
}
