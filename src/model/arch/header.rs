//! Typed reading of a model's metadata, with an error that names the key; and the pieces that many families share.

use super::super::plan::{LinearPlan, Misfit, NormKind, NormPlan, RopePairs, RopePlan, TensorError, TensorPlan, YarnPlan};
use crate::gguf::Gguf;

/// More layers than any model has; a declared number beyond it is a broken file.
pub const LAYERS_MAX: usize = 1024;
/// Likewise for experts.
pub const EXPERTS_MAX: usize = 4096;
/// Likewise for how often a stack of layers runs.
pub const LOOPS_MAX: usize = 64;
/// Likewise for every width, head count and context length.
const COUNT_MAX: usize = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum ArchError {
    #[error("general.architecture is {name}, which ingle does not know; it knows {}", known.join(", "))]
    Unknown { name: String, known: Vec<&'static str> },
    #[error("{key} is missing")]
    Missing { key: String },
    #[error("{key} is {found}, expected {expected}")]
    Value { key: String, found: String, expected: String },
    #[error(transparent)]
    Misfit(#[from] Misfit),
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

impl ArchError {
    /// The key, architecture or tensor at fault.
    pub fn offender(&self) -> &str {
        match self {
            ArchError::Unknown { name, .. } => name,
            ArchError::Missing { key } | ArchError::Value { key, .. } => key,
            ArchError::Misfit(e) => &e.what,
            ArchError::Tensor(e) => e.name(),
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            ArchError::Unknown { .. } => "A newer ingle may know it",
            ArchError::Missing { .. } | ArchError::Value { .. } | ArchError::Misfit(_) => {
                "The file is damaged or was converted wrongly; get another one"
            }
            ArchError::Tensor(e) => e.remedy(),
        }
    }
}

/// The counts nearly every family has; those that may differ from layer to layer have a value for each.
#[derive(Debug, Clone)]
pub struct Dims {
    pub n_layer: usize,
    pub n_embd: usize,
    pub n_ff: Vec<usize>,
    pub n_head: Vec<usize>,
    pub n_head_kv: Vec<usize>,
    pub n_vocab: usize,
    pub n_ctx_train: usize,
}

/// A file's metadata as an architecture reads it. Keys are given without the architecture's prefix.
pub struct Header<'a> {
    file: &'a Gguf,
    prefix: String,
    /// The context length that will be run; some choices depend on it.
    n_ctx: usize,
}

impl<'a> Header<'a> {
    pub fn new(file: &'a Gguf, n_ctx: usize) -> Result<Self, ArchError> {
        let key = "general.architecture";
        let name = file.str(key).ok_or_else(|| ArchError::Missing { key: key.to_owned() })?;
        Ok(Self { file, prefix: name.into_owned(), n_ctx })
    }

    pub fn architecture(&self) -> &str {
        &self.prefix
    }

    /// Whether the file has this tensor.
    pub fn has(&self, tensor: &str) -> bool {
        self.file.tensor(tensor).is_some()
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    pub fn wrong(&self, name: &str, expected: impl Into<String>) -> ArchError {
        let key = self.key(name);
        let found = self.file.get(&key).map(|v| v.describe()).unwrap_or_else(|| "missing".to_owned());
        ArchError::Value { key, found, expected: expected.into() }
    }

    /// A count of at least 1, if the key is there.
    pub fn count_opt(&self, name: &str) -> Result<Option<usize>, ArchError> {
        if self.file.get(&self.key(name)).is_none() {
            return Ok(None);
        }
        let value = self.file.u64(&self.key(name)).and_then(|v| usize::try_from(v).ok());
        match value {
            Some(v) if (1..=COUNT_MAX).contains(&v) => Ok(Some(v)),
            _ => Err(self.wrong(name, format!("a whole number from 1 to {COUNT_MAX}"))),
        }
    }

    pub fn count(&self, name: &str) -> Result<usize, ArchError> {
        self.count_opt(name)?.ok_or_else(|| ArchError::Missing { key: self.key(name) })
    }

    pub fn count_or(&self, name: &str, default: usize) -> Result<usize, ArchError> {
        Ok(self.count_opt(name)?.unwrap_or(default))
    }

    /// A count for each layer, 0 among them: an array, or one number for all.
    pub fn counts(&self, name: &str, n_layer: usize, default: Option<usize>) -> Result<Vec<usize>, ArchError> {
        let key = self.key(name);
        let expected = || self.wrong(name, format!("a whole number up to {COUNT_MAX}, or {n_layer} of them"));
        let values = match (self.file.get(&key), default) {
            (None, Some(default)) => return Ok(vec![default; n_layer]),
            (None, None) => return Err(ArchError::Missing { key }),
            (Some(value), _) if value.as_array().is_some() => self.file.want_ints::<usize>(&key).map_err(|_| expected())?,
            (Some(_), _) => self.file.u64(&key).and_then(|v| usize::try_from(v).ok()).map(|v| vec![v; n_layer]),
        };
        let values = values.filter(|v| v.len() >= n_layer && v.iter().all(|n| *n <= COUNT_MAX)).ok_or_else(expected)?;
        Ok(values[..n_layer].to_vec())
    }

    /// A whole number that may be 0, which converters write for "none".
    pub fn whole_or(&self, name: &str, default: usize) -> Result<usize, ArchError> {
        Ok(self.counts(name, 1, Some(default))?[0])
    }

    /// A flag for each layer, where the file has them.
    pub fn flags(&self, name: &str, n_layer: usize) -> Result<Option<Vec<bool>>, ArchError> {
        let key = self.key(name);
        if self.file.get(&key).and_then(|v| v.as_array()).is_none() {
            return Ok(None);
        }
        let flags: Option<Vec<bool>> = match self.file.want_bools(&key) {
            Ok(flags) => flags.map(|f| f.collect()),
            Err(_) => self.file.want_ints::<u32>(&key).ok().flatten().map(|f| f.into_iter().map(|x| x != 0).collect()),
        };
        match flags {
            Some(flags) if flags.len() >= n_layer => Ok(Some(flags[..n_layer].to_vec())),
            _ => Err(self.wrong(name, format!("{n_layer} flags"))),
        }
    }

    pub fn flag_or(&self, name: &str, default: bool) -> bool {
        self.file.bool(&self.key(name)).unwrap_or(default)
    }

    /// At least `n` whole numbers, if the key is there.
    pub fn whole_numbers(&self, name: &str, n: usize) -> Result<Option<Vec<u64>>, ArchError> {
        let key = self.key(name);
        if self.file.get(&key).is_none() {
            return Ok(None);
        }
        let values = self.file.want_ints::<u64>(&key).ok().flatten().filter(|v| v.len() >= n);
        values.map(Some).ok_or_else(|| self.wrong(name, format!("at least {n} whole numbers")))
    }

    /// Numbers, one or several.
    pub fn number(&self, name: &str) -> Option<f32> {
        self.file.f32(&self.key(name)).filter(|v| v.is_finite())
    }

    pub fn numbers(&self, name: &str, n: usize) -> Result<Option<Vec<f32>>, ArchError> {
        self.numbers_at(self.key(name), n)
    }

    /// The same of a key that has no architecture's name before it.
    pub fn numbers_at(&self, key: String, n: usize) -> Result<Option<Vec<f32>>, ArchError> {
        let values: Vec<f32> = match (self.file.get(&key), self.file.f32(&key)) {
            (None, _) => return Ok(None),
            (_, Some(one)) => vec![one; n],
            _ => self.file.f32s(&key).map(|v| v.collect()).unwrap_or_default(),
        };
        if values.len() < n || values.iter().any(|v| !v.is_finite()) {
            let found = self.file.get(&key).map(|v| v.describe()).unwrap_or_default();
            return Err(ArchError::Value { key, found, expected: format!("{n} numbers") });
        }
        Ok(Some(values[..n].to_vec()))
    }

    /// A finite number above 0, if the key is there.
    pub fn positive_opt(&self, name: &str) -> Result<Option<f32>, ArchError> {
        if self.file.get(&self.key(name)).is_none() {
            return Ok(None);
        }
        match self.file.f32(&self.key(name)) {
            Some(v) if v.is_finite() && v > 0.0 => Ok(Some(v)),
            _ => Err(self.wrong(name, "a number above 0")),
        }
    }

    pub fn positive(&self, name: &str) -> Result<f32, ArchError> {
        self.positive_opt(name)?.ok_or_else(|| ArchError::Missing { key: self.key(name) })
    }

    pub fn positive_or(&self, name: &str, default: f32) -> Result<f32, ArchError> {
        Ok(self.positive_opt(name)?.unwrap_or(default))
    }

    /// The common counts, checked against each other and against the embedding's shape.
    pub fn dims(&self) -> Result<Dims, ArchError> {
        let n_layer = self.count("block_count")?;
        if n_layer > LAYERS_MAX {
            return Err(self.wrong("block_count", format!("at most {LAYERS_MAX}")));
        }
        // Blocks that draft tokens ahead stand at the end and are no part of the model's text.
        let n_draft = self.whole_or("nextn_predict_layers", 0)?;
        let n_layer = n_layer.checked_sub(n_draft).filter(|n| *n > 0);
        let n_layer = n_layer.ok_or_else(|| self.wrong("nextn_predict_layers", "fewer than block_count"))?;
        let n_embd = self.count("embedding_length")?;
        let n_head = self.counts("attention.head_count", n_layer, None)?;
        let n_head_kv = match self.file.get(&self.key("attention.head_count_kv")) {
            Some(_) => self.counts("attention.head_count_kv", n_layer, None)?,
            None => n_head.clone(),
        };
        for (heads, kv) in n_head.iter().zip(&n_head_kv) {
            if *kv > 0 && !heads.is_multiple_of(*kv) {
                return Err(self.wrong("attention.head_count", format!("a multiple of attention.head_count_kv, {kv}")));
            }
        }
        let most = n_head.iter().copied().max().unwrap_or(0);
        if self.count_opt("attention.key_length")?.is_none() && !n_embd.is_multiple_of(most.max(1)) {
            return Err(self.wrong("attention.head_count", format!("a divisor of embedding_length, {n_embd}")));
        }
        Ok(Dims {
            n_layer,
            n_embd,
            n_ff: self.counts("feed_forward_length", n_layer, None)?,
            n_head,
            n_head_kv,
            n_vocab: self.n_vocab(n_embd)?,
            n_ctx_train: self.count("context_length")?,
        })
    }

    /// Rows of the embedding: as many as the vocabulary has tokens.
    fn n_vocab(&self, n_embd: usize) -> Result<usize, ArchError> {
        let name = "token_embd.weight";
        let tensor = self.file.tensor(name).ok_or_else(|| TensorError::Missing { name: name.to_owned() })?;
        let shape_error = |expected: String| TensorError::Shape { name: name.to_owned(), found: format!("{:?}", tensor.shape), expected };
        let rows = match tensor.shape[..] {
            [_, rows] => usize::try_from(rows).ok().filter(|n| (1..=COUNT_MAX).contains(n)),
            _ => None,
        };
        let rows = rows.ok_or_else(|| shape_error(format!("[{n_embd}, tokens]")))?;
        let declared = match self.file.strings("tokenizer.ggml.tokens") {
            Some(tokens) => Some(tokens.count()),
            None => self.count_opt("vocab_size")?,
        };
        match declared {
            Some(n) if n != rows => Err(shape_error(format!("[{n_embd}, {n}], a row for each token")).into()),
            _ => Ok(rows),
        }
    }

    /// (experts, used for each token in each layer), where the model has any.
    pub fn experts(&self, n_layer: usize) -> Result<Option<(usize, Vec<usize>)>, ArchError> {
        // Converters write 0 for "none".
        if self.file.u64(&self.key("expert_count")).unwrap_or(0) == 0 {
            return Ok(None);
        }
        let n_expert = self.count("expert_count")?;
        if n_expert > EXPERTS_MAX {
            return Err(self.wrong("expert_count", format!("at most {EXPERTS_MAX}")));
        }
        let n_used = self.counts("expert_used_count", n_layer, None)?;
        if n_used.iter().any(|n| *n == 0 || *n > n_expert) {
            return Err(self.wrong("expert_used_count", format!("from 1 to expert_count, {n_expert}")));
        }
        Ok(Some((n_expert, n_used)))
    }

    /// The context length that longrope was made from: the default one, since a longer one turns by other factors.
    pub fn longrope_context(&self) -> Result<Option<usize>, ArchError> {
        if !self.has("rope_factors_long.weight") {
            return Ok(None);
        }
        self.count_opt("rope.scaling.original_context_length")
    }

    /// Rope with the scaling that the file declares. `rope_freqs.weight` divides the frequencies where it is there.
    pub fn rope(&self, pairs: RopePairs, n_rot: usize, head_dim: usize) -> Result<RopePlan, ArchError> {
        if n_rot == 0 || !n_rot.is_multiple_of(2) || n_rot > head_dim {
            return Err(self.wrong("rope.dimension_count", format!("an even number up to the head size, {head_dim}")));
        }
        // A lone factor means linear scaling.
        let factor = match self.positive_opt("rope.scaling.factor")? {
            Some(factor) => factor,
            None => self.positive_or("rope.scale_linear", 1.0)?,
        };
        let kind = self.file.str(&self.key("rope.scaling.type"));
        // llama.cpp src/llama-context.cpp: the file's own factor multiplies whatever the scaling brings.
        let own = self.positive_or("rope.scaling.attn_factor", 1.0)?;
        let (freq_scale, yarn, magnitude) = match kind.as_deref() {
            Some("none") => (1.0, None, own),
            None | Some("linear") => (1.0 / factor, None, own),
            Some("longrope") => (1.0, None, own),
            Some("yarn") => {
                let n_ctx_orig = self.count_or("rope.scaling.original_context_length", self.count("context_length")?)?;
                (1.0 / factor, Some(YarnPlan { n_ctx_orig, beta_fast: 32.0, beta_slow: 1.0 }), (1.0 + 0.1 * factor.ln()) * own)
            }
            Some(_) => return Err(self.wrong("rope.scaling.type", "none, linear, yarn or longrope")),
        };
        Ok(RopePlan {
            pairs,
            n_rot,
            base: self.positive_or("rope.freq_base", 10_000.0)?,
            freq_scale,
            yarn,
            factors: self.rope_factors(n_rot)?,
            magnitude,
            still: Vec::new(),
        })
    }

    /// The pairs that belong to the fourth of a picture's dimensions, in which text has no place. Dimensions take turns
    /// pair by pair (`interleaved`) or stand one behind the other (ggml's mrope, ggml/src/ggml-cpu/ops.cpp).
    pub fn still_pairs(&self, n_rot: usize, interleaved: bool) -> Result<Vec<usize>, ArchError> {
        let name = "rope.dimension_sections";
        if self.file.get(&self.key(name)).is_none() {
            return Ok(Vec::new());
        }
        let sections = self.counts(name, 4, None)?;
        let all: usize = sections.iter().sum();
        if all == 0 {
            return Err(self.wrong(name, "at least one pair"));
        }
        let is_still = |pair: &usize| {
            let sector = pair % all;
            if interleaved { sector >= 3 * sections[sector % 3] } else { sector >= all - sections[3] }
        };
        Ok((0..n_rot / 2).filter(is_still).collect())
    }

    /// Divisors of the frequencies: for every context, or by how long the context is that is run.
    fn rope_factors(&self, n_rot: usize) -> Result<Option<TensorPlan>, ArchError> {
        let original = self.count_opt("rope.scaling.original_context_length")?.unwrap_or(usize::MAX);
        let by_length = if self.n_ctx > original { "rope_factors_long.weight" } else { "rope_factors_short.weight" };
        let name = ["rope_freqs.weight", by_length].into_iter().find(|name| self.has(name));
        Ok(name.map(|name| self.tensor(name.to_owned(), &[n_rot / 2])))
    }

    pub fn tensor(&self, name: String, shape: &[usize]) -> TensorPlan {
        TensorPlan::new(name, shape)
    }

    /// `NAME.weight`, and `NAME.bias` where the file has it. Some converters leave `.weight` out.
    pub fn norm(&self, name: &str, kind: NormKind, width: usize, eps: f32) -> NormPlan {
        let bias = format!("{name}.bias");
        let bias = self.has(&bias).then(|| self.tensor(bias, &[width]));
        let weight = if self.has(name) { name.to_owned() } else { format!("{name}.weight") };
        NormPlan { kind, weight: Some(self.tensor(weight, &[width])), bias, eps }
    }

    /// The same, if the file has its weight.
    pub fn norm_if(&self, name: &str, kind: NormKind, width: usize, eps: f32) -> Option<NormPlan> {
        (self.has(name) || self.has(&format!("{name}.weight"))).then(|| self.norm(name, kind, width, eps))
    }

    /// Rows of a matrix in the file: its second dimension.
    pub fn n_rows(&self, tensor: &str) -> Option<usize> {
        self.file.tensor(tensor).map(|t| t.shape.get(1).map_or(1, |n| usize::try_from(*n).unwrap_or(0)))
    }

    /// Dimensions of a tensor in the file.
    pub fn shape(&self, tensor: &str) -> Option<Vec<usize>> {
        self.file.tensor(tensor).map(|t| t.shape.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect())
    }

    /// `NAME.weight`, and `NAME.bias` where the file has it.
    pub fn linear(&self, name: String, n_in: usize, n_out: usize) -> LinearPlan {
        let (bias, scale) = (format!("{name}.bias"), format!("{name}.scale"));
        LinearPlan {
            bias: self.has(&bias).then(|| self.tensor(bias, &[n_out])),
            scale: self.has(&scale).then(|| self.tensor(scale, &[1])),
            weight: self.tensor(format!("{name}.weight"), &[n_in, n_out]),
            n_in,
            n_out,
        }
    }

    /// The output matrix; a file without one uses the embedding.
    pub fn head(&self, n_embd: usize, n_vocab: usize) -> LinearPlan {
        let mut head = self.linear("output".to_owned(), n_embd, n_vocab);
        if !self.has(&head.weight.name) {
            head.weight.name = "token_embd.weight".to_owned();
        }
        head
    }
}
