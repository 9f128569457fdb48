//! A source file as words and marks with their lines, comments and texts taken out.

use std::path::Path;

/// A word (identifier, number) or a single mark; `::` is one mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub text: String,
    pub line: usize,
}

pub struct Source {
    /// Relative to the package, as printed.
    pub name: String,
    /// Where the file's items live: src/a/b.rs and src/a/b/mod.rs are [a, b].
    pub modules: Vec<String>,
    pub n_lines: usize,
    pub pieces: Vec<Piece>,
}

impl Source {
    pub fn read(root: &Path, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a source file is UTF-8");
        let name = path.strip_prefix(root).expect("the file lies in the package").to_string_lossy().replace('\\', "/");
        Self::new(&name, &text)
    }

    pub fn new(name: &str, text: &str) -> Self {
        let inside = name.trim_start_matches("src/").trim_end_matches(".rs");
        let mut modules: Vec<String> = inside.split('/').map(str::to_owned).collect();
        if matches!(modules.last().map(String::as_str), Some("mod" | "lib")) {
            modules.pop();
        }
        Self { name: name.to_owned(), modules, n_lines: text.lines().count(), pieces: pieces(text) }
    }

    pub fn room(&self) -> &str {
        self.modules.first().map_or("lib", String::as_str)
    }

    /// Tests beside the code: their length is not counted.
    pub fn is_test(&self) -> bool {
        self.modules.iter().any(|m| m == "tests")
    }

    pub fn text(&self, at: usize) -> &str {
        self.pieces.get(at).map_or("", |p| &p.text)
    }

    /// Whether the pieces from `at` on are these.
    pub fn has(&self, at: usize, wanted: &[&str]) -> bool {
        wanted.iter().enumerate().all(|(i, w)| self.text(at + i) == *w)
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut i, mut line) = (0, 1);
    let mut out = Vec::new();
    while i < chars.len() {
        let start = i;
        if let Some(end) = skipped(&chars, i) {
            i = end;
        } else if at(i).is_alphanumeric() || at(i) == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            out.push(Piece { text: chars[start..i].iter().collect(), line });
        } else {
            i += if at(i) == ':' && at(i + 1) == ':' { 2 } else { 1 };
            out.push(Piece { text: chars[start..i].iter().collect(), line });
        }
        line += chars[start..i].iter().filter(|c| **c == '\n').count();
    }
    out
}

/// The end of the white space, comment, text, character or lifetime that begins here.
fn skipped(chars: &[char], i: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let before_is_word = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
    match at(i) {
        c if c.is_whitespace() => Some(i + 1),
        '/' if at(i + 1) == '/' => Some(find(chars, i, |i| at(i) == '\n')),
        '/' if at(i + 1) == '*' => Some(after_block_comment(chars, i)),
        '"' => Some(after_text(chars, i + 1)),
        'r' | 'b' | 'c' if !before_is_word => after_prefixed(chars, i),
        '\'' => Some(after_quote(chars, i)),
        _ => None,
    }
}

fn find(chars: &[char], from: usize, end: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|&i| end(i)).unwrap_or(chars.len())
}

fn after_block_comment(chars: &[char], start: usize) -> usize {
    let (mut i, mut depth) = (start, 0);
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

fn after_text(chars: &[char], mut i: usize) -> usize {
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// `r"..."`, `r#"..."#`, `b"..."`, `br#"..."#`, `c"..."`, `b'x'`; a raw identifier or a plain word is none of these.
fn after_prefixed(chars: &[char], start: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let letters = find(chars, start, |i| !matches!(at(i), 'r' | 'b' | 'c'));
    let hashes = find(chars, letters, |i| at(i) != '#') - letters;
    let raw = chars[start..letters].contains(&'r');
    if at(letters) == '\'' && !raw && letters == start + 1 {
        return Some(after_quote(chars, letters));
    }
    if letters - start > 2 || at(letters + hashes) != '"' || (hashes > 0 && !raw) {
        return None;
    }
    let body = letters + hashes + 1;
    if !raw {
        return Some(after_text(chars, body));
    }
    let closes = |i: usize| at(i) == '"' && (1..=hashes).all(|h| at(i + h) == '#');
    Some((find(chars, body, closes) + 1 + hashes).min(chars.len()))
}

/// A character ends at its quote; a lifetime is skipped with its name.
fn after_quote(chars: &[char], start: usize) -> usize {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    if at(start + 1) == '\\' {
        return (find(chars, start + 3, |i| at(i) == '\'') + 1).min(chars.len());
    }
    if at(start + 2) == '\'' {
        return start + 3;
    }
    find(chars, start + 1, |i| !(at(i).is_alphanumeric() || at(i) == '_'))
}

#[test]
fn comments_and_texts_are_no_pieces() {
    let text = r###"
        // crate::tui
        /* crate::tui /* nested */ crate::cli */
        let a = "crate::tui \" crate::cli"; let b = r#"crate:: " tui"#; let c = b"x"; let q = '"'; let e = '\''; let u = '\u{1F}';
        fn f<'a>(x: &'a str) -> crate::room::Thing { bar }
    "###;
    let source = Source::new("src/text/x.rs", text);
    let words: Vec<&str> = source.pieces.iter().map(|p| p.text.as_str()).filter(|t| t.chars().all(char::is_alphanumeric)).collect();
    assert_eq!(
        words,
        ["let", "a", "let", "b", "let", "c", "let", "q", "let", "e", "let", "u", "fn", "f", "x", "str", "crate", "room", "Thing", "bar"]
    );
    assert_eq!(source.pieces.iter().find(|p| p.text == "bar").map(|p| p.line), Some(5));
}
