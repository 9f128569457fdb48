//! The arithmetic of memory: how much context fits.

use super::{ModelError, N_CTX_DEFAULT};

/// What stays free for everything else on the machine, bytes.
const MEMORY_RESERVE: u64 = 256 << 20;

/// The context length to use. One that was asked for is taken as it is or refused; else the smallest of what the model
/// was trained for, what fits, and [`N_CTX_DEFAULT`].
///
/// `kv` is the bytes of the KV cache for a length. Weights are not counted: their pages are the file's and can be given
/// back. `free` is what the system has now, where it tells.
pub fn context_length(
    asked: usize,
    trained: usize,
    kv: impl Fn(usize) -> u64,
    scratch: u64,
    free: Option<u64>,
) -> Result<usize, ModelError> {
    let need = |n_ctx: usize| kv(n_ctx).saturating_add(scratch).saturating_add(MEMORY_RESERVE);
    let free = free.unwrap_or(u64::MAX);
    let fits = |n_ctx: usize| need(n_ctx) <= free;
    let n_ctx = match asked {
        0 => longest(trained.min(N_CTX_DEFAULT), fits),
        asked => asked,
    };
    if n_ctx == 0 || !fits(n_ctx) {
        return Err(ModelError::Memory { need: need(n_ctx.max(1)), free });
    }
    Ok(n_ctx)
}

/// The longest length up to `most` that fits; what fits a length fits all shorter ones.
fn longest(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut fit, mut over) = (0, most + 1);
    while over - fit > 1 {
        let middle = fit + (over - fit) / 2;
        if fits(middle) { fit = middle } else { over = middle }
    }
    fit
}
