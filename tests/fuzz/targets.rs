//! What reads foreign input, and what it begins from.

use ingle::config::{Config, SendWith};
use ingle::gguf::{self, Gguf};
use ingle::model::arch::{self, Header};
use ingle::prompt::read_vocab;
use ingle::text::sanitizer::Breaks;
use ingle::text::{Sanitizer, Shown};
use ingle::tokenizer::Tokenizer;
use ingle::tui::keymap::Keymap;
use ingle::tui::markdown::Document;
use ingle::tui::theme::Themes;
use std::path::Path;

/// The texts that the sanitizer's own tests begin from; outside them they are no part of the library.
#[path = "../../src/text/hostile.rs"]
mod hostile;

type Reader = Box<dyn FnMut(&[u8])>;

pub struct Target {
    pub name: &'static str,
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What changes much when it stands in the input.
    pub words: &'static [&'static str],
    pub reader: fn() -> Reader,
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "gguf header and plan",
        seeds: model_files,
        words: &["GGUF", "general.alignment", "llama.block_count"],
        reader: model_file,
    },
    Target { name: "sanitizer", seeds: texts, words: MARKS, reader: sanitizer },
    Target { name: "markdown stream", seeds: documents, words: MARKDOWN, reader: markdown },
    Target { name: "tokenizer", seeds: texts, words: MARKS, reader: tokenizer },
    Target { name: "config.toml", seeds: configs, words: TOML, reader: config },
    Target { name: "keymap.toml", seeds: keymaps, words: TOML, reader: keymap },
    Target { name: "theme", seeds: themes, words: TOML, reader: theme },
];

const MARKS: &[&str] =
    &["\u{1b}[", "\u{202e}", "\u{200d}", "\u{301}", "\u{e0041}", "\u{9b}", "\r\n", "\u{fe0f}", "👩‍🚀", "<|im_end|>", "    "];
const MARKDOWN: &[&str] = &[
    "\n\n",
    "```\n",
    "| a | b |\n|---|---|\n",
    "- ",
    "1. ",
    "> ",
    "**",
    "`",
    "[x](http://a.b)",
    "# ",
    "    ",
    "\n---\n",
    "<b>",
    "\t",
    "[^1]: ",
];
const TOML: &[&str] = &["[", "]", "=", "\"", "'''", "\n", "1e999", "9223372036854775808", "true", ".", "[[a]]", "{", "#", "\u{0}"];

fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    /// Larger ones make each input slow, and find nothing more.
    const BYTES_MAX: usize = 8 << 10;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("a folder of this repository").map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == ending));
    paths.sort();
    paths.iter().map(|p| std::fs::read(p).expect("a file")).filter(|b| b.len() <= BYTES_MAX).collect()
}

fn model_files() -> Vec<Vec<u8>> {
    files("tests/golden/hostile", "gguf")
}

fn texts() -> Vec<Vec<u8>> {
    hostile::hostile_samples().into_iter().map(String::into_bytes).collect()
}

fn documents() -> Vec<Vec<u8>> {
    files("src/tui/markdown", "md").into_iter().chain(texts()).collect()
}

fn configs() -> Vec<Vec<u8>> {
    files("tests/fixtures/config", "toml")
}

fn keymaps() -> Vec<Vec<u8>> {
    vec![
        b"[prompt]\nsend = [\"ctrl-s\", \"alt-enter\"]\nnew_line = \"enter\"\n[everywhere]\nquit = [\"ctrl-x q\"]\nhelp = \"f1\"\n"
            .to_vec(),
    ]
}

fn themes() -> Vec<Vec<u8>> {
    files("themes", "toml")
}

fn model_file() -> Reader {
    let file = tempfile::NamedTempFile::new().expect("a file");
    Box::new(move |bytes| {
        std::fs::write(file.path(), bytes).expect("a file");
        let Ok(file) = Gguf::open(file.path()) else { return };
        let facts = gguf::facts(&file);
        assert!(serde_json::to_string(&facts).is_ok());
        if let Ok(vocab) = read_vocab(&file) {
            drop(Tokenizer::new(vocab));
        }
        if let Ok(header) = Header::new(&file, 0) {
            drop(arch::plan(&header));
        }
        for tensor in file.tensors() {
            drop(file.tensor_bytes(tensor));
        }
    })
}

/// Whole or in pieces it is the same, and clean text stays as it is.
fn sanitizer() -> Reader {
    Box::new(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let whole = Shown::block(&text);
        let mut pieces = String::new();
        let mut sanitizer = Sanitizer::new(Breaks::Keep);
        text.chars().for_each(|c| sanitizer.push(c.encode_utf8(&mut [0; 4]), &mut pieces));
        sanitizer.finish(&mut pieces);
        assert_eq!(pieces, whole.as_str());
        assert_eq!(Shown::block(whole.as_str()).as_str(), whole.as_str());
        assert!(!Shown::line(&text).as_str().contains('\n'));
    })
}

/// Streamed piece by piece it looks at its end as if it had come at once.
fn markdown() -> Reader {
    let theme = Themes::default_theme();
    Box::new(move |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let columns = 1 + bytes.len() as u16 % 90;
        let (mut streamed, mut whole) = (Document::new(), Document::new());
        let pieces: Vec<char> = text.chars().collect();
        for piece in pieces.chunks(1 + bytes.len() % 37) {
            streamed.push(&piece.iter().collect::<String>());
            streamed.lines(columns, &theme);
        }
        whole.push(&text);
        streamed.finish();
        whole.finish();
        assert_eq!(streamed.lines(columns, &theme), whole.lines(columns, &theme));
    })
}

/// Every text comes back from its ids.
fn tokenizer() -> Reader {
    let guide = gguf::guide().expect("it is sound");
    let tokenizer = Tokenizer::new(read_vocab(&guide).expect("it has a vocabulary")).expect("it is one");
    Box::new(move |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let ids = tokenizer.encode(&text, false, false);
        let back: Vec<u8> = ids.iter().flat_map(|id| tokenizer.piece(*id, true).to_vec()).collect();
        assert_eq!(String::from_utf8_lossy(&back), text);
    })
}

fn config() -> Reader {
    Box::new(|bytes| {
        let (_, problems) = Config::parse(&String::from_utf8_lossy(bytes), None);
        problems.iter().for_each(|problem| clean(&problem.report().to_string()));
    })
}

fn keymap() -> Reader {
    Box::new(|bytes| {
        let (_, problems) = Keymap::with_overrides(SendWith::default(), &String::from_utf8_lossy(bytes));
        problems.iter().for_each(|problem| clean(&problem.to_string()));
    })
}

fn theme() -> Reader {
    let folder = tempfile::tempdir().expect("a folder");
    Box::new(move |bytes| {
        std::fs::write(folder.path().join("fuzzed.toml"), bytes).expect("a file");
        let (themes, problems) = Themes::read(folder.path());
        problems.iter().for_each(|problem| clean(&problem.report().to_string()));
        if let Ok((_, problems)) = themes.load("fuzzed") {
            problems.iter().for_each(|problem| clean(&problem.report().to_string()));
        }
    })
}

/// What is said of wrong input can be shown.
fn clean(said: &str) {
    assert!(!Shown::line(said).is_empty());
}
