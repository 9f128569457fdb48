//! From the scores of keys to the bits of what is looked at.

use super::super::super::kernels::choose;
use super::super::super::plan::Chooses;
use super::best::best;

/// More than any score: what is chosen whatever it scores.
const ALWAYS: f32 = 1e30;

/// How the row at `pos` chooses by the scores of keys that stand for `ratio` positions each.
pub struct Selection {
    pub chooses: Chooses,
    pub ratio: usize,
    pub pos: usize,
}

impl Selection {
    /// Sets the bits of what is chosen. `of_units` and `heap` are room.
    pub fn make(&self, scores: &[f32], words: &mut [u64], of_units: &mut Vec<f32>, heap: &mut Vec<usize>) {
        let (ratio, n_seen) = (self.ratio, self.pos + 1);
        let n_full = n_seen / ratio;
        match self.chooses {
            Chooses::Keys(n) => {
                best(&scores[..n_full], n, heap);
                heap.iter().for_each(|&key| choose(words, key..key + 1));
            }
            Chooses::Blocks(n) => {
                best(&scores[..n_full], n, heap);
                heap.iter().for_each(|&block| choose(words, block * ratio..(block + 1) * ratio));
                choose(words, n_full * ratio..n_seen);
            }
            Chooses::Positions(n) => {
                of_units.clear();
                of_units.extend((0..n_seen).map(|pos| if pos < n_full * ratio { scores[pos / ratio] } else { ALWAYS }));
                best(of_units, n, heap);
                heap.iter().for_each(|&pos| choose(words, pos..pos + 1));
            }
            Chooses::BlocksOfHeads { n, size, last } => {
                let n_blocks = n_seen.div_ceil(size);
                of_units.clear();
                of_units.extend(scores[..n_seen].chunks(size).map(|block| block.iter().copied().fold(f32::NEG_INFINITY, f32::max)));
                of_units[n_blocks.saturating_sub(last)..].fill(ALWAYS);
                best(of_units, n, heap);
                heap.iter().for_each(|&block| choose(words, block * size..((block + 1) * size).min(n_seen)));
            }
        }
    }
}
