//! How long a file and a function may be.

use super::scan::Source;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// Functions (file, name) that may be longer, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// A function's name, first line and length.
struct Function {
    name: String,
    line: usize,
    n_lines: usize,
}

pub fn wrong(sources: &[Source]) -> Vec<String> {
    let mut out = Vec::new();
    for source in sources.iter().filter(|s| !s.is_test()) {
        let allowed = LONG_FILES.iter().any(|(name, _)| *name == source.name);
        if (source.n_lines > FILE_LINES_MAX) != allowed {
            out.push(format!("{}: {} lines, at most {FILE_LINES_MAX}{}", source.name, source.n_lines, unneeded(allowed)));
        }
        for f in functions(source) {
            let allowed = LONG_FUNCTIONS.iter().any(|(file, name, _)| *file == source.name && *name == f.name);
            if (f.n_lines > FUNCTION_LINES_MAX) != allowed {
                out.push(format!(
                    "{}:{}: fn {} has {} lines, at most {FUNCTION_LINES_MAX}{}",
                    source.name,
                    f.line,
                    f.name,
                    f.n_lines,
                    unneeded(allowed)
                ));
            }
        }
    }
    out
}

fn unneeded(allowed: bool) -> &'static str {
    if allowed { " (take it off the list of long ones)" } else { "" }
}

fn functions(source: &Source) -> Vec<Function> {
    let is_name = |text: &str| text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let mut out = Vec::new();
    for at in 0..source.pieces.len() {
        // `fn(u32)` is a type, not a function.
        if source.text(at) != "fn" || !is_name(source.text(at + 1)) {
            continue;
        }
        if let Some(end) = body_end(source, at) {
            let line = source.pieces[at].line;
            out.push(Function { name: source.text(at + 1).to_owned(), line, n_lines: source.pieces[end].line - line + 1 });
        }
    }
    out
}

/// The closing brace of the function that begins at `at`; none where it has no body.
fn body_end(source: &Source, at: usize) -> Option<usize> {
    let (mut round, mut curly) = (0i32, 0i32);
    for i in at..source.pieces.len() {
        match source.text(i) {
            "(" | "[" => round += 1,
            ")" | "]" => round -= 1,
            ";" if round == 0 && curly == 0 => return None,
            "{" => curly += 1,
            "}" if curly == 1 && round == 0 => return Some(i),
            "}" => curly -= 1,
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let text = "trait T { fn none(&self) -> [u8; 4]; }\nfn f(g: fn(u32) -> u8)\nwhere\n{\n    if x { y(|| { 1 }) }\n}\nfn short() {}";
    let found: Vec<_> = functions(&Source::new("src/a/b.rs", text)).into_iter().map(|f| (f.name, f.line, f.n_lines)).collect();
    assert_eq!(found, [("f".to_owned(), 2, 5), ("short".to_owned(), 7, 1)]);
}
