//! What a streaming answer of 10,000 tokens costs to render, a frame at each token: `cargo bench --bench markdown`.
//! First its lines alone, then the whole screen from the token to the cells.

use ingle::history::{HistoryEvent, Write};
use ingle::protocol::{Channel, Event, ModelFacts, ModelId, TokenOut};
use ingle::text::Shown;
use ingle::tui::app::{Action, App, Effect, Env, ReadAnswer, Size, update};
use ingle::tui::keymap::Keymap;
use ingle::tui::markdown::Document;
use ingle::tui::theme::Themes;
use ingle::tui::{Links, Preferences, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::{Duration, Instant};

const N_TOKENS: usize = 10_000;
/// Bytes of a token of English text, about.
const TOKEN_BYTES: usize = 4;
const COLUMNS: u16 = 88;
const SIZE: Size = Size { columns: 120, rows: 36 };

/// An answer of mixed blocks, of one kind, or of one endless block.
const ANSWERS: [(&str, &str); 6] = [
    ("mixed", include_str!("../src/tui/markdown/tour.md")),
    ("paragraphs", "The knee of the **curve** is usually `Q4_K_M` or so; below that the answers begin to wander away.\n\n"),
    ("one paragraph", "The knee of the **curve** is usually `Q4_K_M` or so; below that the answers begin to wander away. "),
    ("one list", "- an item with some **words** in it\n- another with `code`\n  - and a nested one\n"),
    ("one table", "| Q4_K_M | 0.75 GiB | 31.2 tok/s |\n"),
    ("one block of code", "let value = compute(&input, 42); // and so on\n"),
];

fn main() {
    println!("{N_TOKENS} tokens, {COLUMNS} columns, one frame a token\n");
    println!("{:18} {:>10} {:>10} {:>10} {:>12} {:>10}", "answer", "mean us", "p99 us", "max us", "at once ms", "lines");
    ANSWERS.iter().for_each(lines);
    println!("\nthe whole screen, {SIZE:?}\n");
    println!("{:18} {:>10} {:>10} {:>10}", "answer", "mean us", "p99 us", "max us");
    ANSWERS.iter().for_each(screen);
    let text = ANSWERS[0].1.repeat(400);
    let start = now();
    let shown = Shown::block(&text);
    let mb = text.len() as f64 / 1e6;
    println!("\nsanitizing {mb:.1} MB: {:.0} MB/s, {} bytes", mb / start.elapsed().as_secs_f64(), shown.as_str().len());
}

#[expect(clippy::disallowed_methods, reason = "measuring time")]
fn now() -> Instant {
    Instant::now()
}

/// An answer, token by token.
fn tokens((name, piece): &(&str, &str)) -> Vec<String> {
    let head = match *name {
        "one table" => "| file | size | decode |\n|---|---:|---:|\n",
        "one block of code" => "```rust\n",
        _ => "",
    };
    let text = head.to_owned() + &piece.repeat(N_TOKENS * TOKEN_BYTES / piece.len() + 1);
    let chars: Vec<char> = text.chars().take(N_TOKENS * TOKEN_BYTES).collect();
    chars.chunks(TOKEN_BYTES).map(|token| token.iter().collect()).collect()
}

/// Mean, p99 and maximum in microseconds.
fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let us = |d: Duration| d.as_secs_f64() * 1e6;
    let mean = times.iter().map(|d| us(*d)).sum::<f64>() / times.len() as f64;
    format!("{mean:10.1} {:10.1} {:10.1}", us(times[times.len() * 99 / 100]), us(times[times.len() - 1]))
}

fn lines(answer: &(&str, &str)) {
    let theme = Themes::default_theme();
    let mut document = Document::new();
    let mut times = Vec::with_capacity(N_TOKENS);
    for token in tokens(answer) {
        let start = now();
        document.push(&token);
        document.lines(COLUMNS, &theme);
        times.push(start.elapsed());
    }
    document.finish();
    let n_lines = document.lines(COLUMNS, &theme).len();
    let start = now();
    let mut at_once = Document::new();
    at_once.push(document.source());
    at_once.finish();
    at_once.lines(COLUMNS, &theme);
    let at_once = start.elapsed().as_secs_f64() * 1e3;
    println!("{:18} {} {at_once:12.2} {n_lines:10}", answer.0, figures(times));
}

/// The program without its threads: what happens goes in, what follows is answered at once.
struct Stage {
    app: App,
    now_ms: u64,
}

impl Stage {
    fn new() -> Self {
        let env = Env::new(0, 0, 0, 1);
        let preferences = Preferences::default();
        let keymap = Keymap::new(preferences.send);
        Self { app: App::new(SIZE, vec![Themes::default_theme()], keymap, preferences, &env), now_ms: 0 }
    }

    fn act(&mut self, action: Action) {
        self.now_ms += 1;
        for effect in update(&mut self.app, action, &Env::new(self.now_ms, self.now_ms, 0, self.now_ms)) {
            if let Effect::Store(write @ (Write::Message(_) | Write::Begin(_))) = effect {
                self.act(Action::History(HistoryEvent::Stored(write.receipt())));
            }
        }
    }

    /// An answer that has begun.
    fn answering() -> Self {
        let mut stage = Self::new();
        stage.act(Action::Started);
        stage.act(Action::Read(ReadAnswer::Newest { conversation: None, model: None }));
        let job = stage.app.models.loading.as_ref().expect("the guide is loaded").job;
        let facts = Box::new(ModelFacts { name: "guide".to_owned(), n_ctx: 8_192, ..ModelFacts::default() });
        stage.act(Action::Engine(Event::Loaded { job, model: ModelId(1), facts, load_ms: 1.0 }));
        stage.act(Action::Paste("hello".to_owned()));
        stage.act(Action::Key("enter".parse().expect("a key")));
        stage
    }
}

fn screen(answer: &(&str, &str)) {
    let mut stage = Stage::answering();
    let job = stage.app.conversation.running.as_ref().expect("an answer runs").job;
    let mut terminal = Terminal::new(TestBackend::new(SIZE.columns, SIZE.rows)).expect("a screen in memory never fails");
    let mut links = Links::new(true);
    let mut times = Vec::with_capacity(N_TOKENS);
    for text in tokens(answer) {
        let tokens = vec![TokenOut { id: 5, logprob: None, top: Vec::new() }];
        let start = now();
        stage.act(Action::Engine(Event::Tokens { job, channel: Channel::Answer, text, tokens }));
        terminal.draw(|frame| view(&stage.app, &mut links, frame)).expect("a screen in memory never fails");
        times.push(start.elapsed());
    }
    println!("{:18} {}", answer.0, figures(times));
}
