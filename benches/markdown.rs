//! What a streaming answer of 10,000 tokens costs to render, a frame at each token: `cargo bench --bench markdown`.

use ingle::text::Shown;
use ingle::tui::markdown::Document;
use ingle::tui::theme::Themes;
use std::time::{Duration, Instant};

const N_TOKENS: usize = 10_000;
/// Bytes of a token of English text, about.
const TOKEN_BYTES: usize = 4;
const COLUMNS: u16 = 88;

/// An answer of mixed blocks, of one kind, or of one endless block.
const ANSWERS: [(&str, &str); 6] = [
    ("mixed", include_str!("../src/tui/markdown/tour.md")),
    ("paragraphs", "The knee of the **curve** is usually `Q4_K_M` or so; below that the answers begin to wander away.\n\n"),
    ("one paragraph", "The knee of the **curve** is usually `Q4_K_M` or so; below that the answers begin to wander away. "),
    ("one list", "- an item with some **words** in it\n- another with `code`\n  - and a nested one\n"),
    ("one table", "| Q4_K_M | 0.75 GiB | 31.2 tok/s |\n"),
    ("one block of code", "let value = compute(&input, 42); // and so on\n"),
];

#[expect(clippy::disallowed_methods, reason = "measuring time")]
fn main() {
    let theme = Themes::default_theme();
    println!("{N_TOKENS} tokens, {COLUMNS} columns, one frame a token\n");
    println!("{:18} {:>10} {:>10} {:>10} {:>12} {:>10}", "answer", "mean us", "p99 us", "max us", "at once ms", "lines");
    for (name, piece) in ANSWERS {
        let head = match name {
            "one table" => "| file | size | decode |\n|---|---:|---:|\n",
            "one block of code" => "```rust\n",
            _ => "",
        };
        let text = head.to_owned() + &piece.repeat(N_TOKENS * TOKEN_BYTES / piece.len() + 1);
        let chars: Vec<char> = text.chars().take(N_TOKENS * TOKEN_BYTES).collect();
        let mut document = Document::new();
        let mut times: Vec<Duration> = Vec::with_capacity(N_TOKENS);
        for token in chars.chunks(TOKEN_BYTES) {
            let token: String = token.iter().collect();
            let start = Instant::now();
            document.push(&token);
            document.lines(COLUMNS, &theme);
            times.push(start.elapsed());
        }
        document.finish();
        let n_lines = document.lines(COLUMNS, &theme).len();
        let start = Instant::now();
        let mut at_once = Document::new();
        at_once.push(document.source());
        at_once.finish();
        at_once.lines(COLUMNS, &theme);
        let at_once = start.elapsed();
        times.sort_unstable();
        let us = |d: Duration| d.as_secs_f64() * 1e6;
        let mean = times.iter().map(|d| us(*d)).sum::<f64>() / times.len() as f64;
        let p99 = us(times[times.len() * 99 / 100]);
        let max = us(times[times.len() - 1]);
        println!("{name:18} {mean:10.1} {p99:10.1} {max:10.1} {:12.2} {n_lines:10}", at_once.as_secs_f64() * 1e3);
    }
    let text = ANSWERS[0].1.repeat(400);
    let start = Instant::now();
    let shown = Shown::block(&text);
    let mb = text.len() as f64 / 1e6;
    println!("\nsanitizing {mb:.1} MB: {:.0} MB/s, {} bytes", mb / start.elapsed().as_secs_f64(), shown.as_str().len());
}
