//! Which room uses which, by every path in the sources.

use super::scan::Source;
use super::{FLOORS, floor};

/// A path from a file to something of this package, from the package's root on.
#[derive(Debug, PartialEq)]
pub struct Arrow {
    pub to: Vec<String>,
    pub line: usize,
}

/// Arrows that the floors would allow and the design does not: from, to, but for files under, why.
const DENIED: &[(&str, &str, &str, &str)] = &[
    ("tui", "model", "", "the screen speaks the engine's protocol"),
    ("cli", "model", "cli::show", "a command speaks the engine's protocol; show reads a file"),
    ("model", "config", "", "the decoder knows nothing of folders"),
    ("model", "protocol::ConversationId", "", "the decoder knows nothing of conversations"),
    ("model", "protocol::NodeId", "", "the decoder knows nothing of conversations"),
    ("model", "protocol::Message", "", "the decoder knows nothing of messages"),
    ("model", "protocol::Role", "", "the decoder knows nothing of messages"),
    ("model", "protocol::Command", "", "the engine alone speaks the protocol"),
    ("model", "protocol::Event", "", "the engine alone speaks the protocol"),
    ("model::kernels", "model::cache", "", "kernels are free functions over slices"),
    ("model::kernels", "model::device", "", "kernels are free functions over slices"),
    ("model::kernels", "model::layers", "", "kernels are free functions over slices"),
    ("model::kernels", "model::arch", "", "kernels are free functions over slices"),
    ("model::cache", "model::layers", "", "layers use the cache"),
    ("model::cache", "model::arch", "", "arch is metadata to a plan"),
    ("model::device", "model::layers", "", "layers use the device"),
    ("model::device", "model::arch", "", "arch is metadata to a plan"),
    ("model::layers", "model::arch", "", "arch is metadata to a plan"),
    ("model::arch", "model::kernels", "", "arch sees only gguf and the plan"),
    ("model::arch", "model::cache", "", "arch sees only gguf and the plan"),
    ("model::arch", "model::device", "", "arch sees only gguf and the plan"),
    ("model::arch", "model::layers", "", "arch sees only gguf and the plan"),
];

pub fn wrong(source: &Source) -> Vec<String> {
    arrows(source).iter().filter_map(|arrow| judge(source, arrow)).collect()
}

fn judge(source: &Source, arrow: &Arrow) -> Option<String> {
    let (from, to) = (source.room(), arrow.to.first()?);
    let path = arrow.to.join("::");
    let place = format!("{}:{}: {from} -> {path}", source.name, arrow.line);
    if to == "*" {
        return Some(format!("{place}: a glob hides which rooms are meant"));
    }
    let denied = DENIED.iter().find(|(who, what, but, _)| {
        is_under(&source.modules.join("::"), who) && is_under(&path, what) && (but.is_empty() || !is_under(&source.modules.join("::"), but))
    });
    if let Some((.., why)) = denied {
        return Some(format!("{place}: {why}"));
    }
    // lib.rs declares the rooms; what is at the root and is no room is not there.
    let (from_floor, to_floor) = (floor(from)?, floor(to));
    match to_floor {
        _ if from == to => None,
        None => Some(format!("{place}: there is no such room, only {}", rooms())),
        Some(to_floor) if to_floor >= from_floor => Some(format!("{place}: from floor {from_floor} to floor {to_floor}")),
        Some(_) => None,
    }
}

fn rooms() -> String {
    FLOORS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn is_under(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every path that begins at the root: `crate::`, the package's own name, or enough `super::`.
pub fn arrows(source: &Source) -> Vec<Arrow> {
    let mut out = Vec::new();
    let mut depth = Vec::new(); // open braces, true where one opens an inline module
    for at in 0..source.pieces.len() {
        let opens_module = at >= 2 && source.text(at - 2) == "mod" && source.text(at) == "{";
        match source.text(at) {
            "{" => depth.push(opens_module),
            "}" => drop(depth.pop()),
            _ => {}
        }
        let begins = source.text(at + 1) == "::" && (at == 0 || source.text(at - 1) != "::");
        if !begins {
            continue;
        }
        let inline = depth.iter().filter(|is_module| **is_module).count();
        match source.text(at) {
            "crate" => follow(source, at + 2, Vec::new(), &mut out),
            "ingle" if source.room() == "main" => follow(source, at + 2, Vec::new(), &mut out),
            "super" => climb(source, at, inline, &mut out),
            _ => {}
        }
    }
    out
}

/// `super::super::x`: the module that is so many levels up, if that still is in this file's tree.
fn climb(source: &Source, mut at: usize, inline: usize, out: &mut Vec<Arrow>) {
    let mut levels = 0;
    while source.has(at, &["super", "::"]) {
        (levels, at) = (levels + 1, at + 2);
    }
    // An inline module's name does not matter: what it holds belongs to this file.
    let up = levels.max(inline) - inline;
    let base = source.modules[..source.modules.len() - up.min(source.modules.len())].to_vec();
    follow(source, at, base, out);
}

/// Follows a path from `at` on; at braces it becomes several. Returns at its end through `out`.
fn follow(source: &Source, at: usize, base: Vec<String>, out: &mut Vec<Arrow>) {
    let mut stack = vec![base];
    let mut path = stack[0].clone();
    let mut at = at;
    let line = |at: usize| source.pieces.get(at).map_or(0, |p| p.line);
    loop {
        match source.text(at) {
            "{" => stack.push(path.clone()),
            "," if stack.len() > 1 => {}
            "}" if stack.len() > 1 => {
                stack.pop();
                if stack.len() == 1 {
                    return;
                }
            }
            "as" if stack.len() > 1 => at += 1,
            "self" if stack.len() > 1 => out.push(Arrow { to: stack[stack.len() - 1].clone(), line: line(at) }),
            "" => return,
            word => {
                path.push(word.to_owned());
                if source.text(at + 1) == "::" && source.text(at + 2) != "<" {
                    at += 2;
                    continue;
                }
                out.push(Arrow { to: path.clone(), line: line(at) });
                if stack.len() == 1 {
                    return;
                }
            }
        }
        path = stack[stack.len() - 1].clone();
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        arrows(&Source::new(name, text)).iter().map(|a| format!("{}:{}", a.line, a.to.join("::"))).collect()
    }

    #[test]
    fn paths_are_followed_through_braces_and_supers() {
        let text = "use crate::{protocol::{self, Role as R, settings::{A, B}}, text};\nfn f() -> crate::gguf::Gguf { super::super::tui::x::<u8>() }";
        let wanted =
            ["1:protocol", "1:protocol::Role", "1:protocol::settings::A", "1:protocol::settings::B", "1:text", "2:gguf::Gguf", "2:tui::x"];
        assert_eq!(found("src/model/arch/mod.rs", text), wanted);
        assert_eq!(found("src/model/mod.rs", "mod inner { use super::x; use super::super::tui; }"), ["1:model::x", "1:tui"]);
    }

    #[test]
    fn an_upward_a_sideways_and_a_denied_arrow_are_named_with_their_line() {
        let wrongs = |name, text| wrong(&Source::new(name, text));
        assert_eq!(
            wrongs("src/gguf/map.rs", "\nuse crate::tokenizer::Vocab;"),
            ["src/gguf/map.rs:2: gguf -> tokenizer::Vocab: from floor 3 to floor 3"]
        );
        assert_eq!(wrongs("src/tui/mod.rs", "use crate::model::Model;").len(), 1);
        assert_eq!(wrongs("src/cli/bench.rs", "use crate::model::Model;").len(), 1);
        assert!(wrongs("src/cli/show.rs", "use crate::model::Model;").is_empty());
        assert_eq!(wrongs("src/model/arch/llama.rs", "use super::super::kernels::dot;").len(), 1);
        assert_eq!(wrongs("src/quant/mod.rs", "use crate::*;").len(), 1);
        assert!(wrongs("src/history/mod.rs", "// use crate::tui;\nuse crate::protocol::Report;").is_empty());
    }
}
