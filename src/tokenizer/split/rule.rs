//! One alternative of an expression, and how it is matched without going back.

use super::set::{LETTER, SPACE, Set};

/// No upper limit.
pub(super) const MANY: usize = usize::MAX;

/// What a match may begin with.
#[derive(Debug, Clone, Copy)]
pub(in crate::tokenizer) enum Lead {
    Nothing,
    /// One of these, if the body follows.
    Maybe(Set),
    /// One of these.
    One(Set),
}

/// What a match may end with; it takes all it can.
#[derive(Debug, Clone, Copy)]
pub(in crate::tokenizer) enum Tail {
    Nothing,
    /// So many of these at most.
    Run(Set, usize),
    /// An English contraction in any case.
    Contraction,
}

/// An alternative. Each looks at a character a bounded number of times.
#[derive(Debug, Clone, Copy)]
pub(in crate::tokenizer) enum Rule {
    /// `'s|'t|'re|'ve|'m|'ll|'d`
    Contraction { any_case: bool },
    /// Characters of one set.
    Run(Run),
    /// `U*W+|U+W*` of these letters, U all but a to z, W all but A to Z, each with what `Run` says of lead and tail.
    Cased { lead: Set, letters: Set, tail: Tail },
    /// `(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+`, which single blanks between letters do not end. `words`: letters and marks.
    Phrase { lead: Set, words: Set },
    /// `\s*[\r\n]+`
    Lines,
    /// `\s{least,most}(?!\S)`
    Spaces { least: usize, most: usize },
    /// `open`, so many of `inside` at most but at least one, `close`, which is none of them.
    Between { open: &'static str, inside: Set, most: usize, close: char },
}

/// `lead body{least,most} tail`. Where a lead may be part of the body, the body has no upper limit.
#[derive(Debug, Clone, Copy)]
pub(in crate::tokenizer) struct Run {
    lead: Lead,
    body: Set,
    least: usize,
    most: usize,
    tail: Tail,
}

impl Run {
    /// `body+`
    pub(super) const fn of(body: Set) -> Self {
        Self { lead: Lead::Nothing, body, least: 1, most: MANY, tail: Tail::Nothing }
    }

    pub(super) const fn lead(self, lead: Lead) -> Self {
        Self { lead, ..self }
    }

    pub(super) const fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    pub(super) const fn exactly(self, n: usize) -> Self {
        Self { least: n, most: n, ..self }
    }

    pub(super) const fn tail(self, tail: Tail) -> Self {
        Self { tail, ..self }
    }

    pub(super) const fn rule(self) -> Rule {
        Rule::Run(self)
    }

    fn end(&self, text: &str, at: usize) -> Option<usize> {
        let first = peek(text, at)?;
        let second = at + first.len_utf8();
        let body = match self.lead {
            Lead::Nothing => at,
            Lead::Maybe(_) if self.body.has(first) => at,
            Lead::Maybe(lead) | Lead::One(lead) => lead.has(first).then_some(second)?,
        };
        let (end, n) = run(text, body, &self.body, self.most);
        (n >= self.least).then(|| self.tail.end(text, end))
    }
}

impl Tail {
    fn end(&self, text: &str, at: usize) -> usize {
        match self {
            Tail::Nothing => at,
            Tail::Run(set, most) => run(text, at, set, *most).0,
            Tail::Contraction => contraction(text, at, true).unwrap_or(at),
        }
    }
}

/// What is known of the white space last looked at, so that no stretch of it is searched for a line break twice.
#[derive(Debug, Default)]
pub(super) struct Seen {
    spaces_end: usize,
    /// Behind the stretch's last line break.
    break_end: usize,
}

impl Rule {
    /// Where the match that begins at `at` ends.
    pub(super) fn end(&self, text: &str, at: usize, seen: &mut Seen) -> Option<usize> {
        match self {
            Rule::Contraction { any_case } => contraction(text, at, *any_case),
            Rule::Run(run) => run.end(text, at),
            Rule::Cased { lead, letters, tail } => cased(text, at, lead, letters).map(|end| tail.end(text, end)),
            Rule::Phrase { lead, words } => phrase(text, at, lead, words),
            Rule::Lines => lines(text, at, seen),
            Rule::Spaces { least, most } => spaces(text, at, *least, *most),
            Rule::Between { open, inside, most, close } => {
                let start = at + text.get(at..)?.starts_with(open).then_some(open.len())?;
                let (end, n) = run(text, start, inside, *most);
                (n > 0 && peek(text, end) == Some(*close)).then(|| end + close.len_utf8())
            }
        }
    }
}

pub(super) fn peek(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Where a run of at most `most` characters of `set` ends, and how many they are.
fn run(text: &str, at: usize, set: &Set, most: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or("");
    let lens = rest.chars().take(most).take_while(|c| set.has(*c)).map(char::len_utf8);
    lens.fold((at, 0), |(end, n), len| (end + len, n + 1))
}

/// Behind an English contraction's tail: `'s`, `'t`, `'m`, `'d`, `'re`, `'ve`, `'ll`.
fn contraction(text: &str, at: usize, any_case: bool) -> Option<usize> {
    let tail = text.as_bytes().get(at..)?.strip_prefix(b"'")?;
    let letter = |i: usize| tail.get(i).map(|b| if any_case { b.to_ascii_lowercase() } else { *b });
    match (letter(0)?, letter(1)) {
        (b's' | b't' | b'm' | b'd', _) => Some(at + 2),
        (b'r', Some(b'e')) | (b'v', Some(b'e')) | (b'l', Some(b'l')) => Some(at + 3),
        _ => None,
    }
}

/// Which of the two alternatives of `Rule::Cased` matched.
#[derive(Clone, Copy, PartialEq)]
enum Case {
    /// `U*W+`
    First,
    /// `U+W*`
    Second,
}

/// An alternative is tried with a lead, then without; the second after both.
fn cased(text: &str, at: usize, lead: &Set, letters: &Set) -> Option<usize> {
    let first = peek(text, at)?;
    let with = lead.has(first).then(|| case_run(text, at + first.len_utf8(), letters)).flatten();
    let without = letters.has(first).then(|| case_run(text, at, letters)).flatten();
    let both = [with, without];
    let best = both.into_iter().flatten().find(|(case, _)| *case == Case::First);
    best.or(both.into_iter().flatten().next()).map(|(_, end)| end)
}

/// `U*W+` or else `U+W*`. Only a to z are in W alone and only A to Z in U alone, so that `U*`, having taken all it can,
/// gives back to its last letter of both kinds if no W follows.
fn case_run(text: &str, at: usize, letters: &Set) -> Option<(Case, usize)> {
    let (mut end, mut both_end) = (at, None);
    for c in text.get(at..)?.chars().take_while(|c| letters.has(*c) && !c.is_ascii_lowercase()) {
        end += c.len_utf8();
        if !c.is_ascii_uppercase() {
            both_end = Some(end);
        }
    }
    let lower = text.get(end..)?.chars().take_while(|c| letters.has(*c) && !c.is_ascii_uppercase());
    let lower_end = end + lower.map(char::len_utf8).sum::<usize>();
    if lower_end > end {
        return Some((Case::First, lower_end));
    }
    let second = (end > at).then_some((Case::Second, end));
    both_end.map(|end| (Case::First, end)).or(second)
}

fn phrase(text: &str, at: usize, lead: &Set, words: &Set) -> Option<usize> {
    const LETTERS: Set = Set::of(LETTER);
    let is_letter = |at: usize| peek(text, at).is_some_and(|c| LETTERS.has(c));
    let first = peek(text, at)?;
    let mut end = if LETTERS.has(first) { at } else { lead.has(first).then_some(at + first.len_utf8())? };
    if !is_letter(end) {
        return None;
    }
    loop {
        end = run(text, end, words, MANY).0;
        if peek(text, end) != Some(' ') || !is_letter(end + 1) {
            return Some(end);
        }
        end += 1;
    }
}

const SPACES: Set = Set::of(SPACE);

/// Up to the last line break of the white space at `at`.
fn lines(text: &str, at: usize, seen: &mut Seen) -> Option<usize> {
    if at >= seen.spaces_end {
        let end = run(text, at, &SPACES, MANY).0;
        let break_end = text.get(at..end)?.rfind(['\r', '\n']).map_or(at, |i| at + i + 1);
        *seen = Seen { spaces_end: end, break_end };
    }
    (seen.break_end > at).then_some(seen.break_end)
}

/// White space that no other character follows: where one does, the last space is left to it.
fn spaces(text: &str, at: usize, least: usize, most: usize) -> Option<usize> {
    let (end, n) = run(text, at, &SPACES, most);
    let given_back = match peek(text, end) {
        Some(c) if !SPACES.has(c) => text.get(at..end)?.chars().next_back()?.len_utf8(),
        _ => 0,
    };
    (n >= least + usize::from(given_back > 0)).then_some(end - given_back)
}
