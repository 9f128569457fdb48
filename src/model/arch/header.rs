//! Typed reading of a model's metadata, with an error that names the key; and the pieces that many families share.

use super::super::plan::{LinearPlan, NormPlan, RopePairs, RopePlan, TensorError, TensorPlan, YarnPlan};
use crate::gguf::Gguf;

/// More layers than any model has; a declared number beyond it is a broken file.
pub const LAYERS_MAX: usize = 1024;
/// Likewise for experts.
pub const EXPERTS_MAX: usize = 4096;
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
    Tensor(#[from] TensorError),
}

impl ArchError {
    /// The key, architecture or tensor at fault.
    pub fn offender(&self) -> &str {
        match self {
            ArchError::Unknown { name, .. } => name,
            ArchError::Missing { key } | ArchError::Value { key, .. } => key,
            ArchError::Tensor(e) => e.name(),
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            ArchError::Unknown { .. } => "A newer ingle may know it",
            ArchError::Missing { .. } | ArchError::Value { .. } => "The file is damaged or was converted wrongly; get another one",
            ArchError::Tensor(e) => e.remedy(),
        }
    }
}

/// The counts nearly every family has.
#[derive(Debug, Clone, Copy)]
pub struct Dims {
    pub n_layer: usize,
    pub n_embd: usize,
    pub n_ff: usize,
    pub n_head: usize,
    pub n_head_kv: usize,
    pub n_vocab: usize,
    pub n_ctx_train: usize,
}

/// A file's metadata as an architecture reads it. Keys are given without the architecture's prefix.
pub struct Header<'a> {
    file: &'a Gguf,
    prefix: String,
}

impl<'a> Header<'a> {
    pub fn new(file: &'a Gguf) -> Result<Self, ArchError> {
        let key = "general.architecture";
        let name = file.str(key).ok_or_else(|| ArchError::Missing { key: key.to_owned() })?;
        Ok(Self { file, prefix: name.into_owned() })
    }

    pub fn architecture(&self) -> Result<String, ArchError> {
        Ok(self.prefix.clone())
    }

    /// Whether the file has this tensor.
    pub fn has(&self, tensor: &str) -> bool {
        self.file.tensor(tensor).is_some()
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn wrong(&self, name: &str, expected: impl Into<String>) -> ArchError {
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
        let n_embd = self.count("embedding_length")?;
        let n_head = self.count("attention.head_count")?;
        let n_head_kv = self.count_or("attention.head_count_kv", n_head)?;
        if !n_head.is_multiple_of(n_head_kv) {
            return Err(self.wrong("attention.head_count", format!("a multiple of attention.head_count_kv, {n_head_kv}")));
        }
        if self.count_opt("attention.key_length")?.is_none() && !n_embd.is_multiple_of(n_head) {
            return Err(self.wrong("attention.head_count", format!("a divisor of embedding_length, {n_embd}")));
        }
        Ok(Dims {
            n_layer,
            n_embd,
            n_ff: self.count("feed_forward_length")?,
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

    /// (experts, used for each token), where the model has any.
    pub fn experts(&self) -> Result<Option<(usize, usize)>, ArchError> {
        // Converters write 0 for "none".
        if self.file.u64(&self.key("expert_count")).unwrap_or(0) == 0 {
            return Ok(None);
        }
        let n_expert = self.count("expert_count")?;
        if n_expert > EXPERTS_MAX {
            return Err(self.wrong("expert_count", format!("at most {EXPERTS_MAX}")));
        }
        let n_used = self.count("expert_used_count")?;
        if n_used > n_expert {
            return Err(self.wrong("expert_used_count", format!("at most expert_count, {n_expert}")));
        }
        Ok(Some((n_expert, n_used)))
    }

    /// Rope with the scaling that the file declares. `rope_freqs.weight` divides the frequencies where it is there.
    pub fn rope(&self, pairs: RopePairs, n_rot: usize, head_dim: usize) -> Result<RopePlan, ArchError> {
        if !n_rot.is_multiple_of(2) || n_rot > head_dim {
            return Err(self.wrong("rope.dimension_count", format!("an even number up to the head size, {head_dim}")));
        }
        // A lone factor means linear scaling.
        let factor = match self.positive_opt("rope.scaling.factor")? {
            Some(factor) => factor,
            None => self.positive_or("rope.scale_linear", 1.0)?,
        };
        let kind = self.file.str(&self.key("rope.scaling.type"));
        let (freq_scale, yarn) = match kind.as_deref() {
            Some("none") => (1.0, None),
            None | Some("linear") => (1.0 / factor, None),
            Some("yarn") => {
                let n_ctx_orig = self.count_or("rope.scaling.original_context_length", self.count("context_length")?)?;
                // llama.cpp src/llama-context.cpp and rope_yarn in ggml: 1 + 0.1 ln(factor), times the file's own.
                let magnitude = (1.0 + 0.1 * factor.ln()) * self.positive_or("rope.scaling.attn_factor", 1.0)?;
                (1.0 / factor, Some(YarnPlan { n_ctx_orig, beta_fast: 32.0, beta_slow: 1.0, magnitude }))
            }
            Some(_) => return Err(self.wrong("rope.scaling.type", "none, linear or yarn")),
        };
        let factors = "rope_freqs.weight";
        Ok(RopePlan {
            pairs,
            n_rot,
            base: self.positive_or("rope.freq_base", 10_000.0)?,
            freq_scale,
            yarn,
            factors: self.has(factors).then(|| self.tensor(factors.to_owned(), &[n_rot / 2])),
        })
    }

    pub fn tensor(&self, name: String, shape: &[usize]) -> TensorPlan {
        TensorPlan::new(name, shape)
    }

    pub fn norm(&self, name: String, width: usize, eps: f32) -> NormPlan {
        NormPlan { weight: self.tensor(name, &[width]), eps }
    }

    /// `NAME.weight`, and `NAME.bias` where the file has it.
    pub fn linear(&self, name: String, n_in: usize, n_out: usize) -> LinearPlan {
        let bias = format!("{name}.bias");
        LinearPlan {
            bias: self.has(&bias).then(|| self.tensor(bias, &[n_out])),
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
