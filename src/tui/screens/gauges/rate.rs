//! Tokens in time: the rate now, the mean, the last minute.

use std::collections::VecDeque;

/// The window of "now".
const NOW_MS: u64 = 1_000;
/// Points of the sparkline, one a second.
pub const SPARK_POINTS: usize = 60;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rate {
    /// When tokens came, and how many.
    recent: VecDeque<(u64, u32)>,
    first_ms: Option<u64>,
    last_ms: u64,
    n: u64,
    /// Rates of whole seconds, oldest first. A second without an answer is no point: the minute is one of answering.
    spark: VecDeque<f32>,
    /// The second that is being counted, and its tokens.
    second: Option<(u64, u32)>,
}

impl Rate {
    /// A new answer: the sparkline goes on, the figures begin anew.
    pub fn begin(&mut self) {
        let spark = std::mem::take(&mut self.spark);
        *self = Self { spark, ..Self::default() };
    }

    pub fn add(&mut self, n: usize, now_ms: u64) {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        if n == 0 {
            return;
        }
        self.first_ms.get_or_insert(now_ms);
        self.last_ms = now_ms;
        self.n += u64::from(n);
        self.recent.push_back((now_ms, n));
        self.trim(now_ms);
        self.count_second(n, now_ms);
    }

    fn count_second(&mut self, n: u32, now_ms: u64) {
        match &mut self.second {
            None => self.second = Some((now_ms, n)),
            Some((began, counted)) if now_ms < *began + NOW_MS => *counted = counted.saturating_add(n),
            Some((began, counted)) => {
                let took_ms = now_ms.saturating_sub(*began).max(NOW_MS);
                let point = *counted as f32 * 1_000.0 / took_ms as f32;
                self.second = Some((now_ms, n));
                self.spark.push_back(point);
                if self.spark.len() > SPARK_POINTS {
                    self.spark.pop_front();
                }
            }
        }
    }

    fn trim(&mut self, now_ms: u64) {
        while self.recent.front().is_some_and(|(at, _)| at + NOW_MS <= now_ms) {
            self.recent.pop_front();
        }
    }

    /// Tokens of the last second. While the first second runs, what came in it so far; absent before a second token.
    pub fn now(&mut self, now_ms: u64) -> Option<f32> {
        self.trim(now_ms);
        let first_ms = self.first_ms?;
        let window_ms = now_ms.saturating_sub(first_ms).clamp(1, NOW_MS);
        let n: u32 = self.recent.iter().map(|(_, n)| *n).sum();
        // The very first token opens the window and is not in it.
        let n = if now_ms.saturating_sub(first_ms) < NOW_MS { n.saturating_sub(1) } else { n };
        (self.n > 1).then_some(n as f32 * 1_000.0 / window_ms as f32)
    }

    /// (n - 1) over first-to-last token.
    pub fn mean(&self) -> Option<f32> {
        let span_ms = self.last_ms.checked_sub(self.first_ms?).filter(|ms| *ms > 0)?;
        Some((self.n.saturating_sub(1)) as f32 * 1_000.0 / span_ms as f32)
    }

    pub fn n(&self) -> u64 {
        self.n
    }

    pub fn spark(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.spark.iter().copied()
    }
}
