//! What is said at the moment.

use crate::protocol::Report;
use crate::tui::app::{Effect, Env};

/// A sentence stays long enough to be read twice.
const SAY_MS: u64 = 4_000;
const REPORT_MS: u64 = 12_000;
/// More at once would hide what they are about; the oldest goes.
const TOASTS_MAX: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Bad,
}

/// Text from anywhere: the view makes it `text::Shown`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub tone: Tone,
    pub text: String,
    pub remedy: String,
    pub until_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub toasts: Vec<Toast>,
}

impl State {
    pub fn say(&mut self, text: impl Into<String>, env: &Env) -> Vec<Effect> {
        self.push(Toast { tone: Tone::Plain, text: text.into(), remedy: String::new(), until_ms: env.now_ms + SAY_MS });
        Vec::new()
    }

    pub fn report(&mut self, report: &Report, env: &Env) -> Vec<Effect> {
        let (text, remedy) = (report.what.clone(), report.remedy.clone());
        self.push(Toast { tone: Tone::Bad, text, remedy, until_ms: env.now_ms + REPORT_MS });
        Vec::new()
    }

    /// The same sentence again only stays longer.
    fn push(&mut self, toast: Toast) {
        self.toasts.retain(|t| t.text != toast.text);
        self.toasts.push(toast);
        let too_many = self.toasts.len().saturating_sub(TOASTS_MAX);
        self.toasts.drain(..too_many);
    }

    pub fn expire(&mut self, now_ms: u64) {
        self.toasts.retain(|t| t.until_ms > now_ms);
    }

    pub fn wake_at_ms(&self) -> Option<u64> {
        self.toasts.iter().map(|t| t.until_ms).min()
    }

    /// Escape: the newest goes. False where there was none.
    pub fn dismiss(&mut self) -> bool {
        self.toasts.pop().is_some()
    }
}
