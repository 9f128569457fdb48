//! The arithmetic of memory: how much context fits.

use super::{ModelError, N_CTX_DEFAULT};

/// What stays free for everything else on the machine, bytes.
const MEMORY_RESERVE: u64 = 256 << 20;

/// The context length to use. One that was asked for is taken as it is or refused; else the smallest of what the model
/// was trained for, what fits, and [`N_CTX_DEFAULT`].
///
/// Weights are not counted: their pages are the file's and can be given back. `free` is what the system has now, where
/// it tells.
pub fn context_length(asked: usize, trained: usize, kv_per_token: u64, scratch: u64, free: Option<u64>) -> Result<usize, ModelError> {
    let need = |n_ctx: usize| kv_per_token.saturating_mul(n_ctx as u64).saturating_add(scratch).saturating_add(MEMORY_RESERVE);
    let free = free.unwrap_or(u64::MAX);
    let room = free.saturating_sub(scratch).saturating_sub(MEMORY_RESERVE) / kv_per_token.max(1);
    let n_ctx = match asked {
        0 => trained.min(N_CTX_DEFAULT).min(usize::try_from(room).unwrap_or(usize::MAX)),
        asked => asked,
    };
    if n_ctx == 0 || need(n_ctx) > free {
        return Err(ModelError::Memory { need: need(n_ctx.max(1)), free });
    }
    Ok(n_ctx)
}
