//! GLM-4.5; ChatGLM and GLM-4 are as plain as Llama.

use super::super::plan::{Gating, Plan, RopePairs};
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

/// The norm before the feed-forward is called after attention.
pub fn glm4moe(h: &Header) -> Result<Plan, ArchError> {
    let router = Router { gating: Gating::Sigmoid, renormalize: true };
    Transformer { ffn_norm: "post_attention_norm", router, ..Transformer::new(h)?.rope(RopePairs::Neox)? }.plan()
}
