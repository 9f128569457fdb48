//! A second, small embedding of each token for each layer.

use super::{Activation, LinearPlan, NormPlan, TensorPlan};

/// input[layer] = mix * (norm(projection_scale * projection(embedding))[layer] + scale * rows(id)[layer])
#[derive(Debug, Clone, PartialEq)]
pub struct PerLayerPlan {
    /// Values for each layer.
    pub width: usize,
    /// [width * layers, n_vocab]
    pub rows: TensorPlan,
    pub scale: f32,
    /// From the token's embedding, width * layers.
    pub projection: LinearPlan,
    pub projection_scale: f32,
    /// Of each layer's values, [width].
    pub norm: NormPlan,
    pub mix: f32,
}

/// out(activation(gate x) * the layer's own input)
#[derive(Debug, Clone, PartialEq)]
pub struct LayerInputPlan {
    pub il: usize,
    pub gate: LinearPlan,
    pub activation: Activation,
    pub out: LinearPlan,
}
