//! Qwen 1 to 3 without recurrent layers, and their kin of experts.

use super::super::plan::{Gating, Plan, RopePairs};
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

/// Half the width that the file names is the gate's.
pub fn qwen(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.dims.n_ff.iter_mut().for_each(|n| *n /= 2);
    t.plan()
}

/// Weights of the chosen experts are left as they are: Qwen 2 MoE, OLMoE.
pub fn experts_as_they_are(h: &Header) -> Result<Plan, ArchError> {
    let router = Router { gating: Gating::Softmax, renormalize: false };
    Transformer { router, ..Transformer::new(h)?.rope(RopePairs::Neox)? }.plan()
}
