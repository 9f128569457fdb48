//! Blocks that `quant` takes apart, number by number.

use crate::quant::Block;
use std::marker::PhantomData;

/// A type whose blocks `quant` takes apart: a rare one, whose bits do not lie so that registers would do it much faster.
pub(super) struct Unpacked<B>(PhantomData<B>);

impl<B: Block> Unpacked<B> {
    /// # Safety
    /// `block` points to `B::BYTES` readable bytes.
    #[inline(always)]
    pub(super) unsafe fn block(block: *const u8) -> B {
        const { assert!(size_of::<B>() == B::BYTES) };
        // SAFETY: blocks are plain numbers, of which any bits are some, as they lie in the file.
        unsafe { block.cast::<B>().read_unaligned() }
    }
}
