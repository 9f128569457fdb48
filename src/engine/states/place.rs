//! Names of places in sequences.

use sha2::{Digest, Sha256};
use std::fmt;

const BYTES: usize = 16;

/// A setup, and all ids from the beginning to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place([u8; BYTES]);

impl Place {
    /// The beginning of every sequence of a setup.
    pub fn beginning(setup: &str) -> Self {
        Self::of(Sha256::digest(setup))
    }

    /// Where `ids` lead from here.
    pub fn after(self, ids: &[u32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        ids.iter().for_each(|id| hash.update(id.to_le_bytes()));
        Self::of(hash.finalize())
    }

    /// Half of a SHA-256 still names more places than there will ever be.
    fn of(hash: impl AsRef<[u8]>) -> Self {
        let mut bytes = [0; BYTES];
        bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    pub fn read(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// As [`fmt::Display`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if text.len() != 2 * BYTES || !text.bytes().all(is_hex) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}
