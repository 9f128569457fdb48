//! Granite and MiniCPM: numbers that scale embeddings, branches, scores and logits.

use super::super::plan::{Plan, RopePairs};
use super::transformer::Transformer;
use super::{ArchError, Header};

pub fn base<'a>(h: &'a Header<'a>) -> Result<Transformer<'a>, ArchError> {
    let rotates = h.flag_or("rope.scaling.finetuned", true);
    let t = Transformer::new(h)?.rope_where(RopePairs::Norm, |_| rotates)?;
    Ok(Transformer {
        embedding_scale: h.positive_or("embedding_scale", 1.0)?,
        residual_scale: h.positive_or("residual_scale", 1.0)?,
        // Logits are divided by it.
        logit_scale: 1.0 / h.positive_or("logit_scale", 1.0)?,
        ..t
    })
}

pub fn granite(h: &Header) -> Result<Plan, ArchError> {
    base(h)?.plan()
}

pub fn granite_swa(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h)?.windows(1)?;
    if let Some(rotates) = h.flags("attention.rope_pattern", t.dims.n_layer)? {
        t.rope_of.iter_mut().zip(rotates).for_each(|(rope, rotates)| *rope = rope.filter(|_| rotates));
    }
    t.plan()
}

/// The same, with the numbers of the published models where the file has none.
pub fn minicpm(h: &Header) -> Result<Plan, ArchError> {
    let t = base(h)?;
    let (n_layer, n_embd) = (t.dims.n_layer as f32, t.dims.n_embd as f32);
    Transformer {
        embedding_scale: h.positive_or("embedding_scale", 12.0)?,
        residual_scale: h.positive_or("residual_scale", 1.4 / n_layer.sqrt())?,
        logit_scale: 1.0 / h.positive_or("logit_scale", 256.0 / n_embd)?,
        ..t
    }
    .plan()
}
