//! What is measured, and the figures as they are shown: those change at most four times a second.

use super::rate::{Rate, SPARK_POINTS};
use crate::gauges::Machine;
use crate::protocol::{JobId, Ledger, Statistics};
use crate::tui::app::Env;
use crate::tui::figures::percent;

/// Figures that change faster than this cannot be read.
pub const SHOWN_MS: u64 = 250;

/// What the engine does for the screen, as the state mark shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Phase {
    #[default]
    Idle,
    /// Behind so many other jobs.
    Queued(u32),
    Prefill(Prefill),
    Decode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prefill {
    pub done: u32,
    pub total: u32,
    pub reused: u32,
    pub rate: Option<f32>,
}

impl Prefill {
    /// Seconds left, by the rate so far: a prediction.
    pub fn eta_s(&self) -> Option<f32> {
        let rate = self.rate.filter(|r| *r > 0.0)?;
        Some(self.total.saturating_sub(self.done) as f32 / rate)
    }
}

/// Tokens that were guessed ahead, and those of them that came true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drafted {
    pub drafted: u32,
    pub accepted: u32,
}

impl Drafted {
    /// Nothing where nothing was guessed.
    fn of(drafted: u32, accepted: u32) -> Option<Self> {
        (drafted > 0).then_some(Self { drafted, accepted })
    }

    pub fn percent(self) -> u64 {
        percent(u64::from(self.accepted), u64::from(self.drafted))
    }
}

/// The figures of one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub decode_now: Option<f32>,
    pub decode_mean: Option<f32>,
    pub token_ms_p50: Option<f64>,
    pub token_ms_p99: Option<f64>,
    pub ttft_ms: Option<f64>,
    pub prefill: Option<Prefill>,
    pub drafted: Option<Drafted>,
    /// Tokens in the context.
    pub n_past: Option<u32>,
    pub ledger: Option<Ledger>,
    pub machine: Machine,
}

/// The newest readings of the machine, oldest first; a device that is not read makes no points.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    pub resident: Vec<f32>,
    pub cpu: Vec<f32>,
    pub gpu: Vec<f32>,
}

impl Paths {
    fn add(&mut self, machine: &Machine) {
        let gpu = machine.gpus.first().and_then(|g| g.load_percent).map(|p| p as f32);
        let points = [
            (&mut self.resident, machine.process.resident_bytes.map(|b| b as f32)),
            (&mut self.cpu, machine.system.cpu_percent),
            (&mut self.gpu, gpu),
        ];
        for (path, point) in points {
            path.extend(point);
            let too_many = path.len().saturating_sub(SPARK_POINTS);
            path.drain(..too_many);
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct State {
    pub phase: Phase,
    pub frozen: bool,
    /// What the screen shows.
    pub shown: Figures,
    pub spark: Vec<f32>,
    /// How readings of the machine went.
    pub paths: Paths,
    /// The group that has the panel's keys, and whether it is enlarged.
    pub chosen: usize,
    pub enlarged: bool,
    live: Figures,
    rate: Rate,
    job: Option<JobId>,
    began_ms: u64,
    n_prompt: u32,
    shown_ms: u64,
}

impl State {
    /// An answer is asked for.
    pub fn begin(&mut self, job: JobId, env: &Env) {
        self.rate.begin();
        self.job = Some(job);
        self.began_ms = env.now_ms;
        self.phase = Phase::Queued(0);
        let machine = std::mem::take(&mut self.live.machine);
        self.live = Figures { ledger: self.live.ledger, n_past: self.live.n_past, machine, ..Figures::default() };
    }

    pub fn queued(&mut self, ahead: u32) {
        self.phase = Phase::Queued(ahead);
    }

    pub fn prefill(&mut self, prefill: Prefill, env: &Env) {
        self.phase = Phase::Prefill(prefill);
        self.n_prompt = prefill.total;
        self.live.prefill = Some(prefill);
        self.live.n_past = Some(prefill.done);
        self.refresh(env, false);
    }

    pub fn drafted(&mut self, drafted: u32, accepted: u32, env: &Env) {
        self.live.drafted = Drafted::of(drafted, accepted);
        self.refresh(env, false);
    }

    pub fn tokens(&mut self, n: usize, env: &Env) {
        if n > 0 && self.live.ttft_ms.is_none() {
            self.live.ttft_ms = Some(env.now_ms.saturating_sub(self.began_ms) as f64);
        }
        self.phase = Phase::Decode;
        self.rate.add(n, env.now_ms);
        self.live.n_past = Some(self.n_prompt.saturating_add(u32::try_from(self.rate.n()).unwrap_or(u32::MAX)));
        self.refresh(env, false);
    }

    /// The engine's own figures take the place of what was seen from here.
    pub fn end(&mut self, statistics: Option<&Statistics>, env: &Env) {
        (self.phase, self.job) = (Phase::Idle, None);
        if let Some(s) = statistics {
            let narrow = |v: Option<f64>| v.map(|v| v as f32);
            self.live.decode_mean = narrow(s.predicted_per_second);
            self.live.decode_now = narrow(s.decode_last_second);
            self.live.drafted = Drafted::of(s.draft_n, s.draft_n_accepted);
            self.live.token_ms_p50 = s.token_ms_p50;
            self.live.token_ms_p99 = s.token_ms_p99;
            self.live.ttft_ms = s.ttft_ms.or(self.live.ttft_ms);
            self.live.n_past = Some(s.n_past);
            let total = s.prompt_n.saturating_add(s.cache_n);
            self.live.prefill = Some(Prefill { done: total, total, reused: s.cache_n, rate: narrow(s.prompt_per_second) });
        } else {
            self.take_rates(env);
        }
        self.publish(env);
    }

    pub fn ledger(&mut self, ledger: Option<Ledger>, env: &Env) {
        self.live.ledger = ledger;
        self.refresh(env, self.job.is_none());
    }

    pub fn machine(&mut self, machine: Machine, env: &Env) {
        if !self.frozen {
            self.paths.add(&machine);
        }
        self.live.machine = machine;
        self.refresh(env, self.job.is_none());
    }

    /// Another model: what was measured of the last answer is not about this one.
    pub fn forget_answer(&mut self, env: &Env) {
        if self.job.is_none() {
            let machine = std::mem::take(&mut self.live.machine);
            self.live = Figures { ledger: self.live.ledger, machine, ..Figures::default() };
            self.publish(env);
        }
    }

    /// When figures that wait should be shown.
    pub fn wake_at_ms(&self) -> Option<u64> {
        self.job.map(|_| self.shown_ms + SHOWN_MS)
    }

    /// Figures that waited for their quarter of a second.
    pub fn refresh_if_due(&mut self, env: &Env) {
        if self.job.is_some() {
            self.refresh(env, false);
        }
    }

    fn refresh(&mut self, env: &Env, at_once: bool) {
        if at_once || env.now_ms >= self.shown_ms + SHOWN_MS {
            if self.job.is_some() {
                self.take_rates(env);
            }
            self.publish(env);
        }
    }

    fn take_rates(&mut self, env: &Env) {
        self.live.decode_now = self.rate.now(env.now_ms);
        self.live.decode_mean = self.rate.mean();
    }

    fn publish(&mut self, env: &Env) {
        self.shown_ms = env.now_ms;
        if !self.frozen {
            self.shown = self.live.clone();
            self.spark = self.rate.spark().collect();
        }
    }

    pub fn freeze(&mut self, env: &Env) {
        self.frozen = !self.frozen;
        self.publish(env);
    }
}
