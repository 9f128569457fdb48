//! One sequence: its ids, and what layers keep of them.

use super::cache::{KvCache, StateCache};
use std::ops::Range;

/// Places to come back to that are kept of one sequence.
const BORDERS_MAX: usize = 8;
/// As many as there may always be: where the newest turn began, and where it goes on.
const BORDERS_MIN: usize = 2;
/// What copies at those places may take beyond that, bytes.
const BORDER_BYTES_MAX: usize = 512 << 20;

/// One sequence: its ids, and their keys, values and states.
pub struct Session {
    pub(super) kv: KvCache,
    pub(super) states: StateCache,
    pub(super) ids: Vec<u32>,
    /// Lengths of which a copy is kept, the smallest first.
    borders: Vec<usize>,
}

impl Session {
    pub(super) fn new(kv: KvCache, states: StateCache) -> Self {
        Self { kv, states, ids: Vec::new(), borders: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.kv.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kv.is_empty()
    }

    pub fn n_ctx(&self) -> usize {
        self.kv.n_ctx()
    }

    /// What it holds.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Memory that it took so far.
    pub fn bytes(&self) -> u64 {
        self.kv.bytes() + self.states.bytes()
    }

    /// Forgets all but the first `len` tokens, or fewer where a state can only go back to a copy, or a window no longer holds
    /// what they look back at; how many are left.
    pub fn truncate(&mut self, len: usize) -> usize {
        let mut len = self.kv.truncate(len);
        // Each may hold less of what the other has left; at the latest nothing is left.
        loop {
            let left = self.kv.truncate(self.states.truncate(len));
            if left == len {
                break;
            }
            len = left;
        }
        self.ids.truncate(len);
        self.borders.retain(|border| *border <= len);
        len
    }

    /// What [`Session::truncate`] would leave of the first `len` tokens, at least.
    pub fn kept_of(&self, len: usize) -> usize {
        match self.needs_snapshots() && len < self.len() {
            true => self.borders.iter().rev().find(|border| **border <= len).copied().unwrap_or(0),
            false => len.min(self.len()),
        }
    }

    /// Whether [`Session::truncate`] reaches every length since the newest pass began without a [`Session::snapshot`]. States
    /// cannot; windows can, since they keep the rows of a whole pass beyond what is looked back at.
    pub fn can_undo(&self) -> bool {
        self.states.is_empty()
    }

    /// Whether going back far needs a [`Session::snapshot`].
    pub fn needs_snapshots(&self) -> bool {
        !self.states.is_empty() || self.kv.forgets()
    }

    /// Keeps what [`Session::truncate`] needs to come back here. Of too many places one between two near ones goes first, so
    /// that those left are spread over the whole and nearest together at its end.
    pub fn snapshot(&mut self) {
        let len = self.len();
        if len == 0 || !self.needs_snapshots() || self.borders.last() == Some(&len) {
            return;
        }
        while self.borders.len() >= self.borders_max() {
            let border = self.borders.remove(crowded(&self.borders));
            self.states.forget(border);
            self.kv.unmark(border);
        }
        self.states.snapshot();
        self.kv.mark();
        self.borders.push(len);
    }

    fn borders_max(&self) -> usize {
        let bytes = self.states.bytes_to_arrive() + self.kv.bytes_to_arrive(self.n_ctx());
        (BORDER_BYTES_MAX / bytes.max(1)).clamp(BORDERS_MIN, BORDERS_MAX)
    }

    /// Head lengths whose keys or values are kept in F16 though a smaller type was asked for.
    pub fn unfit_heads(&self) -> Vec<usize> {
        self.kv.layout().unfit()
    }

    /// Keeps the longest common prefix with `ids`, forgets the rest; how many tokens that is.
    pub fn reuse(&mut self, ids: &[u32]) -> usize {
        let common = self.ids.iter().zip(ids).take_while(|(a, b)| a == b).count();
        self.truncate(common)
    }

    /// Takes over what another sequence of the same model holds of its first `len` tokens, or of fewer where it cannot go
    /// back so far; how many those are.
    pub fn take_over(&mut self, other: &Session, len: usize) -> usize {
        self.kv.take_over(&other.kv, len);
        self.states.clone_from(&other.states);
        self.ids.clone_from(&other.ids);
        self.borders.clone_from(&other.borders);
        self.truncate(len)
    }

    /// Whether layers keep states or windows, so that what it holds of some tokens is more than a row for each.
    pub fn keeps_more_than_rows(&self) -> bool {
        self.bytes_to_arrive(self.n_ctx()) > 0
    }

    /// Where a piece that begins at `from` may end: at most `n_max` tokens on, or, where layers keep states or windows, at the
    /// next place of which there is a copy.
    pub fn piece_end(&self, from: usize, n_max: usize) -> usize {
        match self.keeps_more_than_rows() {
            false => self.len().min(from + n_max),
            true => self.borders.iter().copied().find(|border| *border > from).unwrap_or(self.len()),
        }
    }

    /// Appends what [`Session::arrive`] needs to come from `positions.start` to `positions.end`; nothing where that is gone.
    pub fn piece(&self, positions: &Range<usize>, out: &mut Vec<u8>) -> Option<()> {
        out.reserve(self.piece_bytes(positions));
        self.kv.copy_rows(positions, out);
        out.extend_from_slice(&self.kv.leave(positions.end)?);
        self.states.leave(positions.end, out)
    }

    /// Bytes of such a piece.
    pub fn piece_bytes(&self, positions: &Range<usize>) -> usize {
        self.kv.row_bytes(positions) + self.bytes_to_arrive(positions.end)
    }

    fn bytes_to_arrive(&self, len: usize) -> usize {
        self.kv.bytes_to_arrive(len) + self.states.bytes_to_arrive()
    }

    /// Appends `ids` without computing them, by the piece that was made of them behind the same ones; whether that could
    /// be. Whatever the bytes are, nothing but the numbers they stand for is taken from them.
    pub fn arrive(&mut self, ids: &[u32], piece: &[u8]) -> bool {
        let positions = self.len()..self.len() + ids.len();
        if positions.end > self.n_ctx() || piece.len() != self.piece_bytes(&positions) {
            return false;
        }
        let (rows, rest) = piece.split_at(self.kv.row_bytes(&positions));
        let (window, states) = rest.split_at(self.kv.bytes_to_arrive(positions.end));
        self.kv.arrive(ids.len(), rows, window);
        self.states.arrive(positions.end, states);
        self.ids.extend_from_slice(ids);
        self.snapshot();
        true
    }
}

/// Which of the borders, but for the newest, has its neighbours nearest together.
fn crowded(borders: &[usize]) -> usize {
    let before = |at: usize| at.checked_sub(1).map_or(0, |at| borders[at]);
    (0..borders.len().saturating_sub(1)).min_by_key(|&at| borders[at + 1] - before(at)).unwrap_or(0)
}
