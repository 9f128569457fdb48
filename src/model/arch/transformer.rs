//! What nearly all families are: layers of attention and a feed-forward or experts. A family says how it differs.
//!
//! Much is read off the file: which tensors are there (fused or not, biases, norms of heads, norms after a branch, sinks,
//! shared experts) and the keys that mean the same everywhere. The rest are the fields of [`Transformer`].

use super::super::plan::{
    Activation, AttentionPlan, BranchPlan, Clamp, ExpertsPlan, FeedForwardPlan, Gating, Groups, HeadNorm, LatentExperts, LayerPlan,
    LinearPlan, Matrices, Mixer, NormAt, NormKind, NormPlan, Plan, RopePairs, RopePlan, Seen, SharedExpert, TensorPlan,
};
use super::header::Dims;
use super::{ArchError, Header};

/// How the branches of a layer read the residual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Attention, then the feed-forward on what it left.
    Sequential,
    /// Both read the same norm of the layer's input.
    Parallel,
    /// Each reads a norm of its own of the layer's input.
    ParallelNorms,
}

/// How a router weighs its experts where the file does not say.
#[derive(Debug, Clone, Copy)]
pub struct Router {
    pub gating: Gating,
    pub renormalize: bool,
}

pub struct Transformer<'a> {
    pub h: &'a Header<'a>,
    pub dims: Dims,
    pub kind: NormKind,
    pub eps: f32,
    pub pairs: RopePairs,
    pub block: Block,
    pub head_norm_at: NormAt,
    pub activation: Activation,
    pub clamp: Option<Clamp>,
    pub router: Router,
    pub ropes: Vec<RopePlan>,
    /// For each layer an index into `ropes`.
    pub rope_of: Vec<Option<usize>>,
    pub seen: Vec<Seen>,
    /// Lengths of each layer's heads, where layers differ.
    pub head_dims: Vec<(usize, usize)>,
    /// Multiplies q·k, instead of 1 / sqrt(head size).
    pub scale: Option<f32>,
    pub embedding_scale: f32,
    pub embedding_norm: Option<NormPlan>,
    pub positions: Option<TensorPlan>,
    pub residual_scale: f32,
    pub logit_scale: f32,
    pub logit_cap: Option<f32>,
    /// Names of the tensors of each layer, without `blk.N.` and `.weight`; an empty one is no norm.
    pub attn_norm: &'static str,
    pub ffn_norm: &'static str,
    pub attn_post_norm: &'static str,
    pub ffn_post_norm: &'static str,
    /// Norms have no weights, and no tensors.
    pub weightless: bool,
    pub n_ctx_default: Option<usize>,
}

impl<'a> Transformer<'a> {
    /// RMS norms before each branch, rotation of neighbours, SiLU.
    pub fn new(h: &'a Header<'a>) -> Result<Self, ArchError> {
        Self::with_norm(h, NormKind::Rms)
    }

    pub fn with_norm(h: &'a Header<'a>, kind: NormKind) -> Result<Self, ArchError> {
        let dims = h.dims()?;
        let eps = h.positive(match kind {
            NormKind::Rms => "attention.layer_norm_rms_epsilon",
            NormKind::Layer => "attention.layer_norm_epsilon",
        })?;
        let n = dims.n_layer;
        Ok(Self {
            h,
            kind,
            eps,
            pairs: RopePairs::Norm,
            block: Block::Sequential,
            head_norm_at: NormAt::BeforeRope,
            activation: Activation::Silu,
            clamp: None,
            router: Router { gating: Gating::Softmax, renormalize: true },
            ropes: Vec::new(),
            rope_of: vec![None; n],
            seen: vec![Seen::All; n],
            head_dims: Vec::new(),
            scale: h.positive_opt("attention.scale")?,
            embedding_scale: 1.0,
            embedding_norm: None,
            positions: None,
            residual_scale: 1.0,
            logit_scale: 1.0,
            logit_cap: None,
            attn_norm: "attn_norm",
            ffn_norm: "ffn_norm",
            attn_post_norm: "post_attention_norm",
            ffn_post_norm: "post_ffw_norm",
            weightless: false,
            n_ctx_default: h.longrope_context()?,
            dims,
        })
    }

    /// Length of a head's keys and values in layer `il`.
    pub fn head_dim(&self, il: usize) -> Result<(usize, usize), ArchError> {
        if let Some(dims) = self.head_dims.get(il) {
            return Ok(*dims);
        }
        let heads = match self.dims.n_head[il] {
            0 => self.dims.n_head.iter().copied().max().unwrap_or(1).max(1),
            heads => heads,
        };
        let k = self.h.count_or("attention.key_length", self.dims.n_embd / heads)?;
        Ok((k, self.h.count_or("attention.value_length", k)?))
    }

    /// The file's rope in every layer.
    pub fn rope(self, pairs: RopePairs) -> Result<Self, ArchError> {
        self.rope_where(pairs, |_| true)
    }

    /// The file's rope in some layers, none in the others.
    pub fn rope_where(mut self, pairs: RopePairs, has: impl Fn(usize) -> bool) -> Result<Self, ArchError> {
        let (head_dim, _) = self.head_dim(0)?;
        let n_rot = self.h.count_or("rope.dimension_count", head_dim)?;
        self.pairs = pairs;
        self.ropes.push(self.h.rope(pairs, n_rot, head_dim)?);
        self.rope_of = (0..self.dims.n_layer).map(|il| has(il).then_some(self.ropes.len() - 1)).collect();
        Ok(self)
    }

    /// Layers that see only a window of keys, as the file says: a flag for each, or all but every n-th.
    pub fn windows(mut self, period: usize) -> Result<Self, ArchError> {
        let Some(window) = self.h.count_opt("attention.sliding_window")? else { return Ok(self) };
        for (il, slides) in self.slides(period)?.into_iter().enumerate() {
            if slides {
                self.seen[il] = Seen::Window(window);
            }
        }
        Ok(self)
    }

    /// Which layers slide: by the file's flags or period, else by `period`, whose last layer does not.
    pub fn slides(&self, period: usize) -> Result<Vec<bool>, ArchError> {
        let n = self.dims.n_layer;
        let name = "attention.sliding_window_pattern";
        if let Some(flags) = self.h.flags(name, n)? {
            return Ok(flags);
        }
        let period = self.h.whole_or(name, period)?;
        Ok((0..n).map(|il| period > 0 && (period == 1 || il % period < period - 1)).collect())
    }

    /// Sliding layers turn by a rope of their own: another base, and no scaling.
    pub fn sliding_rope(mut self, base: f32) -> Result<Self, ArchError> {
        let base = self.h.positive_or("rope.freq_base_swa", base)?;
        let plain = RopePlan { base, freq_scale: 1.0, yarn: None, factors: None, magnitude: 1.0, ..self.ropes[0].clone() };
        self.ropes.push(plain);
        for (rope, seen) in self.rope_of.iter_mut().zip(&self.seen) {
            if rope.is_some() && *seen != Seen::All {
                *rope = Some(1);
            }
        }
        Ok(self)
    }

    /// Layers that see everything do not rotate, but for the first so many.
    pub fn only_windows_rotate(&mut self, but_first: usize) {
        for (il, (rope, seen)) in self.rope_of.iter_mut().zip(&self.seen).enumerate() {
            if *seen == Seen::All && il >= but_first {
                *rope = None;
            }
        }
    }

    pub fn blk(&self, il: usize, what: &str) -> String {
        format!("blk.{il}.{what}")
    }

    pub fn norm(&self, il: usize, what: &str) -> NormPlan {
        if self.weightless {
            return self.plain_norm();
        }
        self.h.norm(&self.blk(il, what), self.kind, self.dims.n_embd, self.eps)
    }

    /// A norm without weights.
    pub fn plain_norm(&self) -> NormPlan {
        NormPlan { kind: self.kind, weight: None, bias: None, eps: self.eps }
    }

    fn norm_if(&self, il: usize, what: &str) -> Option<NormPlan> {
        self.h.norm_if(&self.blk(il, what), self.kind, self.dims.n_embd, self.eps)
    }

    pub fn plan(&self) -> Result<Plan, ArchError> {
        self.plan_with(|_, _| Ok(()))
    }

    /// The plan, with what `adjust` changes in the attention of each layer.
    pub fn plan_with(&self, adjust: impl Fn(usize, &mut AttentionPlan) -> Result<(), ArchError>) -> Result<Plan, ArchError> {
        self.plan_of(|il| {
            let mut attention = self.attention(il)?;
            adjust(il, &mut attention)?;
            Ok(self.layer(il, Mixer::Attention(attention), self.feed_forward(il)?))
        })
    }

    /// The plan with layers that the family writes itself.
    pub fn plan_of(&self, layer: impl Fn(usize) -> Result<LayerPlan, ArchError>) -> Result<Plan, ArchError> {
        let (h, n_embd) = (self.h, self.dims.n_embd);
        Ok(Plan {
            n_embd,
            n_vocab: self.dims.n_vocab,
            n_ctx_train: self.dims.n_ctx_train,
            n_ctx_default: self.n_ctx_default,
            embedding: h.tensor("token_embd.weight".to_owned(), &[n_embd, self.dims.n_vocab]),
            embedding_scale: self.embedding_scale,
            positions: self.positions.clone(),
            embedding_norm: self.embedding_norm.clone(),
            per_layer: None,
            residuals: None,
            ropes: self.ropes.clone(),
            layers: (0..self.dims.n_layer).map(layer).collect::<Result<_, _>>()?,
            out_norm: Some(if self.weightless { self.plain_norm() } else { h.norm("output_norm", self.kind, n_embd, self.eps) }),
            head: h.head(n_embd, self.dims.n_vocab),
            logit_scale: self.logit_scale,
            logit_cap: self.logit_cap,
        })
    }

    /// A layer of two mixers, normed as the family norms.
    pub fn layer(&self, il: usize, attention: Mixer, feed_forward: Mixer) -> LayerPlan {
        let before = |name: &str| (!name.is_empty()).then(|| self.norm(il, name));
        let after = |name: &str, before: &str| (name != before && !name.is_empty()).then(|| self.norm_if(il, name)).flatten();
        let branch = |mixer, norm: &str, post: &str| BranchPlan {
            before: before(norm),
            mixer,
            after: after(post, self.ffn_norm),
            scale: self.residual_scale,
        };
        let attention = branch(attention, self.attn_norm, self.attn_post_norm);
        let mut layer = LayerPlan::default();
        match self.block {
            Block::Sequential => {
                layer.branch(attention);
                layer.branch(branch(feed_forward, self.ffn_norm, self.ffn_post_norm));
            }
            Block::Parallel => layer.parallel(attention, branch(feed_forward, self.attn_norm, self.ffn_post_norm)),
            Block::ParallelNorms => layer.parallel(attention, branch(feed_forward, self.ffn_norm, self.ffn_post_norm)),
        }
        layer
    }

    /// Attention with what its tensors show.
    pub fn attention(&self, il: usize) -> Result<AttentionPlan, ArchError> {
        let (h, n_embd) = (self.h, self.dims.n_embd);
        let (n_head, n_head_kv) = (self.dims.n_head[il], self.dims.n_head_kv[il]);
        if n_head == 0 || n_head_kv == 0 {
            return Err(h.wrong("attention.head_count_kv", format!("at least 1 in layer {il}")));
        }
        let (dk, dv) = self.head_dim(il)?;
        let blk = |what: &str| self.blk(il, what);
        let qkv = self.qkv(il, (n_head * dk, n_head_kv * dk, n_head_kv * dv));
        let out = h.linear(blk("attn_output"), n_head * dv, n_embd);
        let mut attention = AttentionPlan::new(n_head, n_head_kv, (dk, dv), qkv, out);
        attention.rope = self.rope_of[il];
        attention.seen = self.seen[il];
        attention.scale = self.scale.unwrap_or(attention.scale);
        attention.clamp = h.positive_opt("attention.clamp_kqv")?;
        attention.head_norm = self.head_norm(il, &attention);
        let sinks = blk("attn_sinks.weight");
        attention.sinks = h.has(&sinks).then(|| h.tensor(sinks, &[n_head]));
        Ok(attention)
    }

    /// q, k and v from one matrix or three.
    pub fn qkv(&self, il: usize, (n_q, n_k, n_v): (usize, usize, usize)) -> Vec<LinearPlan> {
        let (h, n_embd) = (self.h, self.dims.n_embd);
        let linear = |what: &str, n| h.linear(self.blk(il, what), n_embd, n);
        if h.has(&self.blk(il, "attn_qkv.weight")) {
            vec![linear("attn_qkv", n_q + n_k + n_v)]
        } else {
            vec![linear("attn_q", n_q), linear("attn_k", n_k), linear("attn_v", n_v)]
        }
    }

    /// Norms of queries and keys. The shape of the first tells of both whether each head has its own, or all have one
    /// together.
    fn head_norm(&self, il: usize, a: &AttentionPlan) -> Option<HeadNorm> {
        let (h, dim) = (self.h, a.head_dim_k);
        let both = [("attn_q_norm", a.n_head), ("attn_k_norm", a.n_head_kv)].map(|(what, n_head)| (self.blk(il, what), n_head));
        let has = |name: &str| h.has(&format!("{name}.weight"));
        let (shape, n_head) = both.iter().find_map(|(name, n_head)| Some((h.shape(&format!("{name}.weight"))?, *n_head)))?;
        let all = n_head > 1 && shape.iter().product::<usize>() == n_head * dim;
        // Rows of weights, one for each head, are a norm of each; one long row is a norm of all.
        let each = all && shape.len() > 1 && shape[1] == n_head;
        let [q, k] = both.map(|(name, n_head)| {
            let norm = has(&name).then(|| h.norm(&name, self.kind, if all { n_head * dim } else { dim }, self.eps));
            if each { norm.map(|norm| reshaped(norm, &[dim, n_head])) } else { norm }
        });
        Some(HeadNorm { q, k, whole: all && !each, each, at: self.head_norm_at, q_scales: None })
    }

    /// One feed-forward, or experts where this layer has a router.
    pub fn feed_forward(&self, il: usize) -> Result<Mixer, ArchError> {
        if il < self.h.whole_or("leading_dense_block_count", 0)? {
            return Ok(Mixer::FeedForward(self.dense(il, "", self.dims.n_ff[il])));
        }
        self.experts_where_routed(il)
    }

    pub fn experts_where_routed(&self, il: usize) -> Result<Mixer, ArchError> {
        if self.h.has(&self.blk(il, "ffn_gate_inp.weight")) {
            return Ok(Mixer::Experts(self.experts(il)?));
        }
        Ok(Mixer::FeedForward(self.dense(il, "", self.dims.n_ff[il])))
    }

    /// A feed-forward whose tensors end in `suffix`, of `n_ff` hidden values.
    pub fn dense(&self, il: usize, suffix: &str, n_ff: usize) -> FeedForwardPlan {
        let (h, n_embd) = (self.h, self.dims.n_embd);
        let blk = |what: &str| self.blk(il, &format!("{what}{suffix}"));
        let (gate, up) = (blk("ffn_gate"), blk("ffn_up"));
        let fused = h.n_rows(&format!("{up}.weight")) == Some(2 * n_ff);
        let gate = h.has(&format!("{gate}.weight")).then(|| h.linear(gate, n_embd, n_ff));
        FeedForwardPlan {
            gate,
            up: h.linear(up, n_embd, if fused { 2 * n_ff } else { n_ff }),
            fused,
            down: h.linear(blk("ffn_down"), n_ff, n_embd),
            activation: self.activation,
            clamp: self.clamp,
            keep_above: None,
            hidden_norm: None,
        }
    }

    /// The matrices of all experts, [n_in, n_out, n_expert]: merged, or each a tensor of its own.
    fn stack(&self, il: usize, what: &str, shape: [usize; 3]) -> Option<Matrices> {
        let merged = self.blk(il, &format!("{what}_exps.weight"));
        if self.h.has(&merged) {
            return Some(Matrices::Merged(self.h.tensor(merged, &shape)));
        }
        let apart = |x: usize| self.blk(il, &format!("{what}.{x}.weight"));
        let [n_in, n_out, n_expert] = shape;
        let all = || (0..n_expert).map(|x| self.h.tensor(apart(x), &[n_in, n_out])).collect();
        self.h.has(&apart(0)).then(|| Matrices::Apart(all()))
    }

    pub fn experts(&self, il: usize) -> Result<ExpertsPlan, ArchError> {
        let (h, n_embd) = (self.h, self.dims.n_embd);
        let (n_expert, n_used) =
            h.experts(self.dims.n_layer)?.map(|(n, used)| (n, used[il])).ok_or_else(|| h.wrong("expert_count", "at least 1"))?;
        let n_ff = h.counts("expert_feed_forward_length", self.dims.n_layer, Some(self.dims.n_ff[il]))?[il];
        let blk = |what: &str| self.blk(il, what);
        let optional = |what: &str, shape: &[usize]| Some(blk(what)).filter(|n| h.has(n)).map(|n| h.tensor(n, shape));
        let stack = |what: &str, n_in: usize, n_out: usize| self.stack(il, what, [n_in, n_out, n_expert]);
        let (key, name) =
            if h.has(&blk("ffn_routed_down.weight")) { ("expert_latent_length", "ffn_routed") } else { ("moe_latent_size", "ffn_latent") };
        let n_latent = h.count_opt(key)?;
        let latent = n_latent.map(|n| LatentExperts {
            into: h.linear(blk(&format!("{name}_down")), n_embd, n),
            norm: h.norm_if(&blk(&format!("{name}_norm")), self.kind, n, self.eps),
            out: h.linear(blk(&format!("{name}_up")), n, n_embd),
        });
        // What the routed experts read and give.
        let n_outer = n_latent.unwrap_or(n_embd);
        let fused = stack("ffn_gate_up", n_outer, 2 * n_ff);
        let up = stack("ffn_up", n_outer, n_ff);
        let up_is_fused = fused.is_some();
        let missing = |what: &str, n_in, n_out| Matrices::Merged(h.tensor(blk(&format!("{what}_exps.weight")), &[n_in, n_out, n_expert]));
        let n_group = h.whole_or("expert_group_count", 0)?;
        let groups = (n_group > 1).then(|| h.count("expert_group_used_count")).transpose()?.map(|n_used| Groups { n: n_group, n_used });
        if groups.is_some_and(|g| g.n_used > g.n || !n_expert.is_multiple_of(g.n)) {
            return Err(h.wrong("expert_group_count", format!("a divisor of expert_count, {n_expert}")));
        }
        let gating = match h.whole_or("expert_gating_func", 0)? {
            0 => self.router.gating,
            1 => Gating::Softmax,
            2 => Gating::Sigmoid,
            3 => Gating::SoftmaxOfChosen,
            4 => Gating::SqrtSoftplus,
            _ => return Err(h.wrong("expert_gating_func", "1 to 4")),
        };
        let scale = h.number("expert_weights_scale").filter(|s| *s != 0.0).unwrap_or(1.0);
        Ok(ExpertsPlan {
            n_expert,
            n_sharing: 1,
            n_used,
            n_ff,
            router_from: None,
            router: h.linear(blk("ffn_gate_inp"), n_embd, n_expert),
            by_id: None,
            gating,
            choice_bias: optional("exp_probs_b.bias", &[n_expert]).or_else(|| optional("exp_probs_b", &[n_expert])),
            groups,
            renormalize: h.flag_or("expert_weights_norm", self.router.renormalize),
            scale,
            gate: if up_is_fused { None } else { stack("ffn_gate", n_outer, n_ff) },
            fused: up_is_fused,
            up: fused.or(up).unwrap_or_else(|| missing("ffn_up", n_outer, n_ff)),
            down: stack("ffn_down", n_ff, n_outer).unwrap_or_else(|| missing("ffn_down", n_ff, n_outer)),
            gate_bias: optional("ffn_gate_exps.bias", &[n_ff, n_expert]),
            up_bias: optional("ffn_up_exps.bias", &[n_ff, n_expert]),
            down_bias: optional("ffn_down_exps.bias", &[n_outer, n_expert]),
            gate_scale: optional("ffn_gate_exps.scale", &[n_expert]),
            up_scale: optional(if up_is_fused { "ffn_gate_up_exps.scale" } else { "ffn_up_exps.scale" }, &[n_expert]),
            down_scale: optional("ffn_down_exps.scale", &[n_expert]),
            activation: self.activation,
            clamp: self.clamp,
            shared: self.shared_expert(il),
            latent,
        })
    }

    fn shared_expert(&self, il: usize) -> Option<SharedExpert> {
        let (h, n_embd) = (self.h, self.dims.n_embd);
        let n_ff = h.n_rows(&self.blk(il, "ffn_up_shexp.weight"))?;
        let gate = self.blk(il, "ffn_gate_inp_shexp");
        let gate = h.has(&format!("{gate}.weight")).then(|| h.linear(gate, n_embd, 1));
        let has_gate = h.has(&self.blk(il, "ffn_gate_shexp.weight"));
        // Without a gate of their own the rows of `up` may hold both.
        let n_ff = if has_gate { n_ff } else { h.shape(&self.blk(il, "ffn_down_shexp.weight")).map_or(n_ff, |s| s[0]) };
        Some(SharedExpert { ffn: self.dense(il, "_shexp", n_ff), gate })
    }
}

/// What each layer's hidden values are held to: the routed experts', and those of every other feed-forward.
pub struct ClampLimits {
    routed: Vec<f32>,
    dense: Vec<f32>,
}

impl ClampLimits {
    pub fn read(h: &Header, n_layer: usize) -> Result<Self, ArchError> {
        let limits = |name: &str| Ok::<_, ArchError>(h.numbers(name, n_layer)?.unwrap_or_else(|| vec![0.0; n_layer]));
        Ok(Self { routed: limits("swiglu_clamp_exp")?, dense: limits("swiglu_clamp_shexp")? })
    }

    /// Those of the routed experts for all, where the file has no others.
    pub fn read_for_all(h: &Header, n_layer: usize) -> Result<Self, ArchError> {
        let mut limits = Self::read(h, n_layer)?;
        if h.numbers("swiglu_clamp_shexp", n_layer)?.is_none() {
            limits.dense.clone_from(&limits.routed);
        }
        Ok(limits)
    }

    pub fn set(&self, il: usize, clamp: fn(f32) -> Clamp, mixer: &mut Mixer) {
        let of = |limit: f32| (limit > 0.0).then(|| clamp(limit));
        match mixer {
            Mixer::Experts(e) => {
                e.clamp = of(self.routed[il]);
                e.shared.iter_mut().for_each(|s| s.ffn.clamp = of(self.dense[il]));
            }
            Mixer::FeedForward(f) => f.clamp = of(self.dense[il]),
            _ => {}
        }
    }
}

/// Weights by rows, as the file has them.
fn reshaped(mut norm: NormPlan, shape: &[usize]) -> NormPlan {
    for tensor in [&mut norm.weight, &mut norm.bias].into_iter().flatten() {
        tensor.shape = shape.iter().map(|n| *n as u64).collect();
    }
    norm
}
