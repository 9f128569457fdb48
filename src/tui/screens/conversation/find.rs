//! Searching this conversation.

use super::scroll;
use super::state::Find;
use super::transcript::blocks;
use crate::tui::app::{App, Effect, Env, Focus};
use crate::tui::keymap::{Chord, Intent, Key};

/// Longer words are found by their first part as well.
const WORDS_CHARS_MAX: usize = 200;

pub fn open(app: &mut App) {
    if app.conversation.is_empty() {
        return;
    }
    app.focus = Focus::Transcript;
    app.conversation.find = Some(Find { typing: true, ..Find::default() });
}

/// Keys while the words are typed: they show the nearest match as they grow.
pub fn key(app: &mut App, chord: Chord, intent: Option<Intent>, _env: &Env) -> Vec<Effect> {
    let Some(find) = app.conversation.find.as_mut() else { return Vec::new() };
    match (chord.key, intent) {
        (Key::Enter, _) => {
            find.typing = false;
            if find.words.is_empty() {
                app.conversation.find = None;
            }
            return Vec::new();
        }
        (_, Some(Intent::Back | Intent::Interrupt)) => {
            app.conversation.find = None;
            return Vec::new();
        }
        (Key::Backspace, _) => drop(find.words.pop()),
        _ => match chord.typed().filter(|_| find.words.chars().count() < WORDS_CHARS_MAX) {
            Some(c) => find.words.push(c),
            None => return Vec::new(),
        },
    }
    find.at = None;
    step(app, false);
    Vec::new()
}

/// Goes to the match after or before the one that is shown, round at the ends.
pub fn step(app: &mut App, forward: bool) {
    let Some(find) = &app.conversation.find else { return };
    let (words, at) = (find.words.to_lowercase(), find.at);
    let found = lines(app, &words);
    let next = match (at, forward) {
        _ if found.is_empty() => None,
        (None, _) => found.last(),
        (Some(at), true) => found.iter().find(|line| **line > at).or(found.first()),
        (Some(at), false) => found.iter().rev().find(|line| **line < at).or(found.last()),
    };
    let next = next.copied();
    if let Some(find) = app.conversation.find.as_mut() {
        (find.at, find.n_found) = (next, found.len());
    }
    if let Some(line) = next {
        scroll::to_line(app, line);
    }
}

/// Lines, counted over all turns, that hold the words.
fn lines(app: &App, words: &str) -> Vec<usize> {
    if words.is_empty() {
        return Vec::new();
    }
    let blocks = blocks(app);
    let all = blocks.iter().flat_map(|b| b.lines.iter());
    all.enumerate().filter(|(_, l)| text(l.line).to_lowercase().contains(words)).map(|(at, _)| at).collect()
}

pub fn text(line: &ratatui::text::Line) -> String {
    line.spans.iter().map(|s| s.content.as_ref()).collect()
}

/// Which characters of a line the words cover.
pub fn marks(line: &str, words: &str) -> Vec<usize> {
    let (line, words): (Vec<char>, Vec<char>) = (fold(line), fold(words));
    if words.is_empty() {
        return Vec::new();
    }
    let starts = (0..line.len()).filter(|at| line[*at..].starts_with(&words));
    starts.flat_map(|at| at..at + words.len()).collect()
}

/// Lower case, one character for one.
fn fold(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}
