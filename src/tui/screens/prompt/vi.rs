//! The prompt's optional vi mode: counts, operators and motions, as hands know them. The keys are a table, from which
//! the help is made; they are a little language, so they are no rows of the keymap.

use super::chips;
use super::state::State;
use super::vi_text::{self, Cursor};
use tui_textarea::CursorMove;

/// A count beyond this is a slip of the hand.
const COUNT_MAX: usize = 1_000;
/// Changes that can be undone.
const UNDO_MAX: usize = 500;

/// The text at one moment, and where the cursor stood.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    text: String,
    cursor: Cursor,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vi {
    pub normal: bool,
    /// Keys of a command that is not whole yet.
    pub pending: String,
    /// What was taken last were whole lines.
    took_lines: bool,
    /// Text is being inserted: one change, however long.
    inserting: bool,
    undo: Vec<Moment>,
    redo: Vec<Moment>,
}

impl Vi {
    /// In a word, as the screen says it.
    pub fn mode(&self) -> String {
        let mode = if self.normal { "normal" } else { "insert" };
        format!("{mode} {}", self.pending).trim_end().to_owned()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Delete,
    Change,
    Yank,
}

/// What an operator takes when it is given a motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Up to where the motion ends.
    Before,
    /// The character there too.
    With,
    Lines,
}

enum Does {
    Move(fn(&mut State), Reach),
    Operate(Operator),
    Act(fn(&mut State, usize)),
}

pub struct Key {
    pub keys: &'static str,
    pub help: &'static str,
    does: Does,
}

const fn go(keys: &'static str, reach: Reach, go: fn(&mut State), help: &'static str) -> Key {
    Key { keys, help, does: Does::Move(go, reach) }
}

const fn act(keys: &'static str, act: fn(&mut State, usize), help: &'static str) -> Key {
    Key { keys, help, does: Does::Act(act) }
}

const fn operate(keys: &'static str, operator: Operator, help: &'static str) -> Key {
    Key { keys, help, does: Does::Operate(operator) }
}

use Reach::{Before, Lines, With};

pub const KEYS: &[Key] = &[
    go("h", Before, |s| vi_text::side(s, false), "Left"),
    go("l", Before, |s| vi_text::side(s, true), "Right"),
    go("j", Lines, |s| super::hand(s, crate::tui::keymap::Intent::Down), "A line down; on the last, the message after"),
    go("k", Lines, |s| super::hand(s, crate::tui::keymap::Intent::Up), "A line up; on the first, the message before"),
    go("w", Before, |s| s.area.move_cursor(CursorMove::WordForward), "To the next word"),
    go("b", Before, |s| s.area.move_cursor(CursorMove::WordBack), "To the word before"),
    go("e", With, |s| s.area.move_cursor(CursorMove::WordEnd), "To the word's end"),
    go("0", Before, |s| s.area.move_cursor(CursorMove::Head), "To the line's beginning"),
    go("^", Before, vi_text::first_letter, "To the line's first letter"),
    go("$", With, |s| s.area.move_cursor(CursorMove::End), "To the line's end"),
    go("gg", Lines, |s| s.area.move_cursor(CursorMove::Top), "To the first line"),
    go("G", Lines, |s| s.area.move_cursor(CursorMove::Bottom), "To the last line"),
    operate("d", Operator::Delete, "Delete what the motion covers; dd the line"),
    operate("c", Operator::Change, "Change what the motion covers; cc the line"),
    operate("y", Operator::Yank, "Take what the motion covers; yy the line"),
    act("x", |s, n| over(s, Operator::Delete, n, "l"), "Delete the character"),
    act("X", |s, n| over(s, Operator::Delete, n, "h"), "Delete the character before"),
    act("D", |s, _| over(s, Operator::Delete, 1, "$"), "Delete to the line's end"),
    act("C", |s, _| over(s, Operator::Change, 1, "$"), "Change to the line's end"),
    act("s", |s, n| over(s, Operator::Change, n, "l"), "Change the character"),
    act("S", |s, n| lines(s, Operator::Change, n), "Change the line"),
    act("Y", |s, n| lines(s, Operator::Yank, n), "Take the line"),
    act("i", |s, _| insert(s), "Insert here"),
    act("a", |s, _| after(s, CursorMove::Forward), "Insert after this character"),
    act(
        "I",
        |s, _| {
            vi_text::first_letter(s);
            insert(s)
        },
        "Insert before the line's first letter",
    ),
    act("A", |s, _| after(s, CursorMove::End), "Insert at the line's end"),
    act("o", |s, _| open_line(s, true), "Open a line below"),
    act("O", |s, _| open_line(s, false), "Open a line above"),
    act("p", |s, n| put(s, n, true), "Put what was taken after"),
    act("P", |s, n| put(s, n, false), "Put what was taken before"),
    act("u", |s, n| (0..n).for_each(|_| undo(s)), "Undo; Ctrl+R redoes"),
];

fn find(keys: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.keys == keys)
}

enum Parsed {
    /// More keys must come.
    Wait,
    Wrong,
    Run {
        n: usize,
        operator: Option<Operator>,
        key: &'static Key,
    },
    /// An operator twice: the line.
    Line {
        n: usize,
        operator: Operator,
    },
}

/// `2d3w`: a count, an operator, another count, a motion.
fn parse(typed: &str) -> Parsed {
    let (first, rest) = count(typed);
    let (operator, second, rest) = match rest.chars().next().and_then(|c| find(c.encode_utf8(&mut [0; 4]))) {
        Some(Key { keys, does: Does::Operate(operator), .. }) => {
            let behind = &rest[keys.len()..];
            if behind == *keys {
                return Parsed::Line { n: first, operator: *operator };
            }
            let (second, rest) = count(behind);
            (Some(*operator), second, rest)
        }
        _ => (None, 1, rest),
    };
    let n = first.saturating_mul(second).min(COUNT_MAX);
    match find(rest) {
        Some(key) if operator.is_none() || matches!(key.does, Does::Move(..)) => Parsed::Run { n, operator, key },
        Some(_) => Parsed::Wrong,
        None if KEYS.iter().any(|key| key.keys.starts_with(rest)) => Parsed::Wait,
        None => Parsed::Wrong,
    }
}

/// A leading number; 0 alone is a motion.
fn count(typed: &str) -> (usize, &str) {
    let n_digits = typed.chars().take_while(char::is_ascii_digit).count();
    match typed[..n_digits].parse() {
        Ok(n) if !typed.starts_with('0') => (n, &typed[n_digits..]),
        _ => (1, typed),
    }
}

fn vi(state: &mut State) -> &mut Vi {
    state.vi.get_or_insert_default()
}

/// A character typed in normal mode.
pub fn key(state: &mut State, c: char) {
    vi(state).pending.push(c);
    let parsed = parse(&vi(state).pending);
    if matches!(parsed, Parsed::Wait) {
        return;
    }
    vi(state).pending.clear();
    match parsed {
        Parsed::Wait | Parsed::Wrong => {}
        Parsed::Line { n, operator } => lines(state, operator, n),
        Parsed::Run { n, operator: Some(operator), key } => over(state, operator, n, key.keys),
        Parsed::Run { n, operator: None, key } => match key.does {
            Does::Move(go, _) => (0..n).for_each(|_| go(state)),
            Does::Act(act) => act(state, n),
            Does::Operate(_) => {}
        },
    }
    if vi(state).normal {
        vi_text::onto_character(state);
    }
}

/// Escape: into normal mode. False where it was on already and nothing waited: then it means what it means elsewhere.
pub fn escape(state: &mut State) -> bool {
    let vi = vi(state);
    if vi.normal {
        return !std::mem::take(&mut vi.pending).is_empty();
    }
    (vi.normal, vi.inserting) = (true, false);
    state.menu = None;
    let (_, column) = vi_text::cursor(state);
    if column > 0 {
        state.area.move_cursor(CursorMove::Back);
    }
    true
}

/// Another key came: the command that was begun is none.
pub fn drop_pending(state: &mut State) {
    vi(state).pending.clear();
}

/// After the text was sent or thrown away.
pub fn forget(state: &mut State) {
    if state.vi.is_some() {
        state.vi = Some(Vi::default());
    }
}

/// Before anything changes the text: what can be undone to.
pub fn remember(state: &mut State) {
    let moment = Moment { text: state.text(), cursor: vi_text::cursor(state) };
    let Some(vi) = state.vi.as_mut().filter(|vi| !vi.inserting) else { return };
    vi.inserting = !vi.normal;
    vi.redo.clear();
    vi.undo.push(moment);
    let too_many = vi.undo.len().saturating_sub(UNDO_MAX);
    vi.undo.drain(..too_many);
}

fn undo(state: &mut State) {
    let now = Moment { text: state.text(), cursor: vi_text::cursor(state) };
    if let Some(before) = vi(state).undo.pop() {
        vi(state).redo.push(now);
        restore(state, &before);
    }
}

pub fn redo(state: &mut State) {
    let now = Moment { text: state.text(), cursor: vi_text::cursor(state) };
    if let Some(after) = vi(state).redo.pop() {
        vi(state).undo.push(now);
        restore(state, &after);
    }
}

fn restore(state: &mut State, moment: &Moment) {
    state.set(&moment.text);
    vi_text::jump(state, moment.cursor);
    vi_text::onto_character(state);
}

fn insert(state: &mut State) {
    remember(state);
    let vi = vi(state);
    (vi.normal, vi.inserting) = (false, true);
}

fn after(state: &mut State, go: CursorMove) {
    if go == CursorMove::End || !vi_text::line(state).is_empty() {
        state.area.move_cursor(go);
    }
    insert(state);
}

fn open_line(state: &mut State, below: bool) {
    insert(state);
    state.area.move_cursor(if below { CursorMove::End } else { CursorMove::Head });
    state.area.insert_newline();
    if !below {
        state.area.move_cursor(CursorMove::Up);
    }
}

/// An operator over a motion.
fn over(state: &mut State, operator: Operator, n: usize, keys: &str) {
    // "cw" leaves the blank behind the word, as everybody's hands expect.
    let keys = if operator == Operator::Change && keys == "w" && vi_text::is_on_letter(state) { "e" } else { keys };
    let Some(Key { does: Does::Move(go, reach), .. }) = find(keys) else { return };
    let from = vi_text::cursor(state);
    if *reach == Lines {
        let row = match keys {
            "gg" => 0,
            "G" => usize::MAX,
            "k" => from.0.saturating_sub(n),
            _ => from.0.saturating_add(n),
        };
        return take_lines(state, operator, from.0.min(row), from.0.max(row));
    }
    (0..n).for_each(|_| go(state));
    let to = vi_text::cursor(state);
    vi_text::jump(state, from);
    let (start, mut end) = (from.min(to), from.max(to));
    if *reach == With {
        end.1 += 1;
    } else if keys == "w" && end.0 > start.0 {
        // The last word of a line does not take the line's end with it.
        end = (start.0, usize::MAX);
    }
    take(state, operator, start, end);
}

fn lines(state: &mut State, operator: Operator, n: usize) {
    let (row, _) = vi_text::cursor(state);
    take_lines(state, operator, row, row.saturating_add(n - 1));
}

fn take(state: &mut State, operator: Operator, start: Cursor, end: Cursor) {
    let (start, end) = chips::widen(state.area.lines(), start, end, &state.chips);
    let text = vi_text::between(state, start, end);
    if operator != Operator::Yank {
        begin(state, operator);
    }
    vi_text::jump(state, start);
    if operator != Operator::Yank {
        state.area.delete_str(text.chars().count());
    }
    vi(state).took_lines = false;
    state.area.set_yank_text(text);
}

fn begin(state: &mut State, operator: Operator) {
    if operator == Operator::Change { insert(state) } else { remember(state) }
}

fn take_lines(state: &mut State, operator: Operator, first: usize, last: usize) {
    let n_lines = state.area.lines().len();
    let last = last.min(n_lines - 1);
    let text = state.area.lines()[first..=last].join("\n");
    let n_chars = text.chars().count();
    if operator != Operator::Yank {
        begin(state, operator);
        let (from, n_chars) = match operator {
            Operator::Change => ((first, 0), n_chars),
            _ if last + 1 < n_lines => ((first, 0), n_chars + 1),
            _ if first > 0 => ((first - 1, usize::MAX), n_chars + 1),
            _ => ((0, 0), n_chars),
        };
        vi_text::jump(state, from);
        state.area.delete_str(n_chars);
        if operator == Operator::Delete {
            vi_text::first_letter(state);
        }
    }
    vi(state).took_lines = true;
    state.area.set_yank_text(text);
}

fn put(state: &mut State, n: usize, behind: bool) {
    let text = state.area.yank_text();
    if text.is_empty() {
        return;
    }
    remember(state);
    let lines = vi(state).took_lines;
    for _ in 0..n {
        match (lines, behind) {
            (true, true) => {
                state.area.move_cursor(CursorMove::End);
                let (row, _) = vi_text::cursor(state);
                state.area.insert_str(format!("\n{text}"));
                vi_text::jump(state, (row + 1, 0));
                vi_text::first_letter(state);
            }
            (true, false) => {
                state.area.move_cursor(CursorMove::Head);
                let place = vi_text::cursor(state);
                state.area.insert_str(format!("{text}\n"));
                vi_text::jump(state, place);
            }
            (false, _) => {
                if behind && !vi_text::line(state).is_empty() {
                    state.area.move_cursor(CursorMove::Forward);
                }
                state.area.insert_str(&text);
                vi_text::side(state, false);
            }
        }
    }
}
