//! SentencePiece's `precompiled_charsmap`: texts and what to write for them.
//!
//! It is a length, a double array that the texts are looked up in, and the replacements, each ended by a zero byte. An
//! array's unit of 32 bits (S. Yata's darts-clone):
//!
//! ```text
//! bit 31      30..10        9              8      7..0
//!     value   offset        offset << 8    leaf   label
//! ```
//!
//! The child by a byte of the unit at `i` lies at `i ^ offset ^ byte`, and is one if it has that byte as its label. At a
//! leaf a text ends: the child by 0 holds where its replacement begins.

use super::TokenizerError;

/// A whole blob. That of NFKC, as most models have it, is 240 KB.
const BLOB_MAX_BYTES: usize = 4 << 20;

/// Longest text looked up; the longest of NFKC's has 18 bytes.
const KEY_MAX_BYTES: usize = 64;

/// Longest replacement; NFKC's is 33 bytes. It bounds how much longer than the text its normal form can be.
const REPLACEMENT_MAX_BYTES: usize = 128;

const ROOT: usize = 0;

pub(super) struct Charsmap {
    units: Vec<u32>,
    replacements: Vec<u8>,
}

impl Charsmap {
    /// Follows the whole array once, so that no look-up can meet a broken place.
    pub(super) fn new(blob: &[u8]) -> Result<Self, TokenizerError> {
        let broken = |what: &'static str| TokenizerError::Charsmap { what };
        if blob.len() > BLOB_MAX_BYTES {
            return Err(broken("is larger than 4 MiB"));
        }
        let (n_bytes, rest) = blob.split_first_chunk().ok_or(broken("is cut short"))?;
        let (array, replacements) = rest.split_at_checked(u32::from_le_bytes(*n_bytes) as usize).ok_or(broken("is cut short"))?;
        let units = array.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        let map = Self { units, replacements: replacements.to_vec() };
        map.check().map_err(broken)?;
        Ok(map)
    }

    fn check(&self) -> Result<(), &'static str> {
        let mut seen = vec![false; self.units.len()];
        let mut open = vec![ROOT];
        while let Some(unit) = open.pop() {
            let base = self.base(unit).filter(|base| *base < self.units.len()).ok_or("points outside its array")?;
            if self.is_leaf(unit) && self.replacement(unit).is_none() {
                return Err("points outside its replacements");
            }
            for child in (1..=u8::MAX).filter_map(|byte| self.child(base, byte)) {
                if !std::mem::replace(&mut seen[child], true) {
                    open.push(child);
                }
            }
        }
        Ok(())
    }

    /// Where the children of a unit lie, but for their byte.
    fn base(&self, unit: usize) -> Option<usize> {
        let bits = *self.units.get(unit)?;
        let offset = (bits >> 10) << if bits & 1 << 9 != 0 { 8 } else { 0 };
        Some(unit ^ offset as usize)
    }

    fn child(&self, base: usize, byte: u8) -> Option<usize> {
        let child = base ^ usize::from(byte);
        let label = self.units.get(child)? & (1 << 31 | 0xFF);
        (label == u32::from(byte)).then_some(child)
    }

    fn is_leaf(&self, unit: usize) -> bool {
        unit != ROOT && self.units.get(unit).is_some_and(|bits| bits & 1 << 8 != 0)
    }

    /// What stands for the text that ends at a leaf.
    fn replacement(&self, leaf: usize) -> Option<&[u8]> {
        let start = self.units.get(self.base(leaf)?)? & !(1 << 31);
        let rest = self.replacements.get(start as usize..)?;
        let len = rest.iter().take(REPLACEMENT_MAX_BYTES + 1).position(|byte| *byte == 0)?;
        rest.get(..len)
    }

    /// The replacement of the longest text in the map that `text` begins with, and that text's length.
    pub(super) fn longest(&self, text: &[u8]) -> Option<(&[u8], usize)> {
        let mut found = None;
        let mut base = self.base(ROOT)?;
        for (i, byte) in text.iter().enumerate().take(KEY_MAX_BYTES) {
            let Some(unit) = self.child(base, *byte).filter(|_| *byte != 0) else { break };
            if self.is_leaf(unit) {
                found = Some((unit, i + 1));
            }
            base = self.base(unit)?;
        }
        let (leaf, len) = found?;
        Some((self.replacement(leaf)?, len))
    }
}
