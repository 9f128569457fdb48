//! An answer's tokens as a blob: ids as they were sampled, so that going on and reproducing never tokenize again.
//!
//! ```text
//! byte 0: format, 1
//! then for each token, little-endian: id u32 | n u8 | n = 0: nothing; else logprob f32, then n - 1 times (id u32, logprob f32)
//! ```

use crate::protocol::{TokenOut, TopToken};

const FORMAT: u8 = 1;

pub fn empty() -> Vec<u8> {
    vec![FORMAT]
}

/// Alternatives beyond 254 have no room and are left out.
pub fn push(blob: &mut Vec<u8>, tokens: &[TokenOut]) {
    for token in tokens {
        blob.extend(token.id.to_le_bytes());
        let Some(logprob) = token.logprob else {
            blob.push(0);
            continue;
        };
        let top = &token.top[..token.top.len().min(usize::from(u8::MAX) - 1)];
        blob.push(u8::try_from(top.len() + 1).expect("cut to 254 above"));
        blob.extend(logprob.to_le_bytes());
        for other in top {
            blob.extend(other.id.to_le_bytes());
            blob.extend(other.logprob.to_le_bytes());
        }
    }
}

/// The tokens, as far as the blob is whole.
pub fn read(blob: &[u8]) -> Vec<TokenOut> {
    let Some((&FORMAT, mut rest)) = blob.split_first() else { return Vec::new() };
    std::iter::from_fn(|| token(&mut rest)).collect()
}

fn token(rest: &mut &[u8]) -> Option<TokenOut> {
    let id = u32::from_le_bytes(take(rest)?);
    let [n] = take(rest)?;
    if n == 0 {
        return Some(TokenOut { id, logprob: None, top: Vec::new() });
    }
    let logprob = Some(f32::from_le_bytes(take(rest)?));
    let mut top = Vec::with_capacity(usize::from(n - 1));
    for _ in 1..n {
        top.push(TopToken { id: u32::from_le_bytes(take(rest)?), logprob: f32::from_le_bytes(take(rest)?) });
    }
    Some(TokenOut { id, logprob, top })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
