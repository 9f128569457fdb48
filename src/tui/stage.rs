//! A screen without a terminal, for tests: keys and events in, effects and whole screens out, on a clock of its own.

use super::app::{Action, App, Effect, Env, ReadAnswer, Size, update};
use super::keymap::{Chord, Keymap};
use super::preferences::Preferences;
use super::theme::Themes;
use crate::history::{HistoryEvent, Receipt, Write};
use crate::protocol::{
    Channel, Command, Event, Fingerprint, FinishReason, JobId, Ledger, ModelFacts, ModelId, Report, Statistics, TokenOut,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Sizes that every screen is looked at in.
pub const SIZES: [(u16, u16); 3] = [(48, 18), (80, 24), (160, 50)];
/// 21 November 2026, 21:04 UTC.
const UNIX_MS: u64 = 1_795_295_040_000;

pub struct Stage {
    pub app: App,
    pub now_ms: u64,
    effects: Vec<Effect>,
}

impl Stage {
    /// A started program in which nothing was ever said.
    pub fn new(columns: u16, rows: u16) -> Self {
        let env = Env::new(0, UNIX_MS, 0, 1);
        let preferences = Preferences { home: Some("/home/somebody".into()), ..Preferences::default() };
        let keymap = Keymap::new(preferences.send);
        let app = App::new(Size { columns, rows }, vec![Themes::default_theme()], keymap, preferences, &env);
        Self { app, now_ms: 0, effects: Vec::new() }
    }

    /// With the guide loaded and its start behind it.
    pub fn ready(columns: u16, rows: u16) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.act(Action::Started);
        stage.act(Action::Read(ReadAnswer::Newest { conversation: None, model: None }));
        stage.loaded("guide", "Q8_0");
        stage.effects();
        stage
    }

    pub fn act(&mut self, action: Action) {
        let env = Env::new(self.now_ms, UNIX_MS + self.now_ms, 0, self.now_ms + self.effects.len() as u64 + 7);
        let effects = update(&mut self.app, action, &env);
        self.effects.extend(effects);
        self.now_ms += 1;
    }

    /// Text is typed; `<enter>`, `<ctrl-x>` and the like are pressed; `<lt>` is the sign itself.
    pub fn keys(&mut self, script: &str) {
        let mut rest = script;
        while let Some(c) = rest.chars().next() {
            let (name, after) = match rest.strip_prefix('<').and_then(|r| r.split_once('>')) {
                Some((name, after)) => (name.to_owned(), after),
                None => (c.to_string(), &rest[c.len_utf8()..]),
            };
            let name = if name == "lt" { "<".to_owned() } else { name };
            let chord: Chord = name.parse().unwrap_or_else(|e| panic!("{script}: {e}"));
            self.act(Action::Key(chord));
            rest = after;
        }
    }

    /// Lets time pass; whatever was to happen in it happens.
    pub fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.act(Action::Tick);
    }

    pub fn engine(&mut self, event: Event) {
        self.act(Action::Engine(event));
    }

    /// All that was to be done since this was last asked.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What was given to the history since effects were last asked for.
    pub fn writes(&self) -> Vec<Write> {
        self.effects.iter().filter_map(|e| if let Effect::Store(w) = e { Some(w.clone()) } else { None }).collect()
    }

    pub fn commands(&self) -> Vec<Command> {
        self.effects.iter().filter_map(|e| if let Effect::Send(c) = e { Some(c.clone()) } else { None }).collect()
    }

    /// The history says of every write so far that it is on disk.
    pub fn stored(&mut self) {
        for write in self.writes() {
            let receipt = write.receipt();
            if !matches!(receipt, Receipt::Grow(_) | Receipt::Unsent(_)) {
                self.act(Action::History(HistoryEvent::Stored(receipt)));
            }
        }
    }

    /// The engine loaded what it was told to.
    pub fn loaded(&mut self, name: &str, quantization: &str) {
        let job = self.app.models.loading.as_ref().expect("a model is being loaded").job;
        let facts = ModelFacts {
            name: name.to_owned(),
            architecture: "llama".to_owned(),
            quantization: quantization.to_owned(),
            n_ctx: 8_192,
            n_ctx_train: 8_192,
            n_threads: 8,
            fingerprint: Some(Fingerprint(format!("print of {name}"))),
            ..ModelFacts::default()
        };
        let model = ModelId(job.0 as u32);
        self.engine(Event::Loaded { job, model, facts: Box::new(facts), load_ms: 12.0 });
        let (kv, kv_max, kv_per_token) = (268_435_456, 268_435_456, 32_768);
        let ledger = Ledger { weights: 805_306_368, kv, kv_max, kv_per_token, scratch: 64 << 20, ..Ledger::default() };
        self.engine(Event::Ledger { model, ledger });
    }

    /// Sends a message and lets the history store it.
    pub fn say(&mut self, text: &str) {
        self.keys(text);
        self.keys("<enter>");
        self.stored();
    }

    pub fn job(&self) -> JobId {
        self.app.conversation.running.as_ref().expect("an answer runs").job
    }

    /// The model says so much more of its answer.
    pub fn tokens(&mut self, text: &str) {
        let (job, tokens) = (self.job(), vec![TokenOut { id: 5, logprob: None, top: Vec::new() }]);
        self.engine(Event::Tokens { job, channel: Channel::Answer, text: text.to_owned(), tokens });
        self.now_ms += 50;
    }

    pub fn finish(&mut self, reason: FinishReason) {
        let statistics = Statistics {
            cache_n: 980,
            prompt_n: 224,
            prompt_ms: 540.0,
            prompt_per_second: Some(412.0),
            predicted_n: 412,
            predicted_per_second: Some(17.2),
            decode_last_second: Some(17.3),
            ttft_ms: Some(310.0),
            token_ms_p50: Some(57.0),
            token_ms_p99: Some(71.0),
            n_ctx: 8_192,
            n_past: 3_120,
            seed: 42,
            version: "0.1.0".to_owned(),
            ..Statistics::default()
        };
        let job = self.job();
        self.engine(Event::Finished { job, reason, statistics: Some(Box::new(statistics)) });
    }

    pub fn fail(&mut self, what: &str, remedy: &str) {
        let job = self.job();
        self.engine(Event::Failed { job, report: Report::new(what, remedy), model_lost: None });
    }

    /// A question answered: the usual beginning of a test.
    pub fn exchange(&mut self, question: &str, answer: &str) {
        self.say(question);
        self.tokens(answer);
        self.finish(FinishReason::Done);
        self.effects();
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        let size = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(size.columns, size.rows)).expect("a screen in memory never fails");
        terminal.draw(|frame| super::view(&self.app, &mut super::Links::new(true), frame)).expect("a screen in memory never fails");
        let buf = terminal.backend().buffer();
        // A wide character fills two cells; the second one holds a blank that is not there.
        let row = |y| {
            let mut covered = 0;
            let symbols = (0..size.columns).filter_map(|x| {
                let symbol = buf.cell((x, y)).map_or(" ", |c| c.symbol());
                let skip = covered > 0;
                covered = if skip { covered - 1 } else { crate::text::width(symbol).saturating_sub(1) };
                (!skip).then_some(symbol)
            });
            symbols.collect::<String>()
        };
        (0..size.rows).map(|y| row(y).trim_end().to_owned() + "\n").collect()
    }

    /// Compares the screen at its size with the one that was looked at.
    pub fn snapshot(&self, name: &str) {
        let Size { columns, rows } = self.app.size;
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), self.text()));
    }

    /// Compares whole screens at the three sizes with the ones that were looked at.
    pub fn screen(&mut self, name: &str) {
        let before = self.app.size;
        for (columns, rows) in SIZES {
            self.act(Action::Resize(Size { columns, rows }));
            self.snapshot(name);
        }
        self.act(Action::Resize(before));
    }
}
