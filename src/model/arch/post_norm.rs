//! Families whose branches are normed after, not before.

use super::super::plan::{Plan, RopePairs};
use super::transformer::Transformer;
use super::{ArchError, Header};

fn base<'a>(h: &'a Header<'a>) -> Result<Transformer<'a>, ArchError> {
    Ok(Transformer { attn_norm: "", ffn_norm: "", ..Transformer::new(h)?.rope(RopePairs::Neox)? })
}

/// OLMo 2; OLMo 3 has windows whose layers turn without the scaling.
pub fn olmo2(h: &Header) -> Result<Plan, ArchError> {
    let main = h.positive_or("rope.freq_base", 10_000.0)?;
    base(h)?.windows(4)?.sliding_rope(main)?.plan()
}

/// 32B has windows, and the layers without do not rotate; the layer count tells.
pub fn exaone4(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h)?;
    if t.dims.n_layer == 64 {
        t = t.windows(4)?;
        t.only_windows_rotate(0);
    }
    t.plan()
}
