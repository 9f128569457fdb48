//! Tensors a plan needs, and the two things nearly every step is made of: a linear map and a norm.

/// A tensor that the file does not have as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    #[error("tensor {name} is missing")]
    Missing { name: String },
    #[error("tensor {name} has shape {found}, expected {expected}")]
    Shape { name: String, found: String, expected: String },
    #[error("tensor {name} has type {found}, which ingle cannot compute with")]
    Type { name: String, found: String },
    #[error("tensor {name} has type {found}, which was removed from the format")]
    RemovedType { name: String, found: &'static str },
    #[error("tensor {name} holds {found}, expected whole numbers below {end}")]
    Number { name: String, found: i32, end: usize },
}

impl TensorError {
    pub fn name(&self) -> &str {
        match self {
            TensorError::Missing { name } | TensorError::Shape { name, .. } => name,
            TensorError::Type { name, .. } | TensorError::RemovedType { name, .. } | TensorError::Number { name, .. } => name,
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            TensorError::Missing { .. } | TensorError::Shape { .. } | TensorError::Number { .. } => {
                "The file is damaged or was converted wrongly; get another one"
            }
            TensorError::RemovedType { .. } => {
                "Get the model in another quantization; Q4_0 and IQ4_NL took the place of their rearranged kinds"
            }
            TensorError::Type { .. } => "A newer ingle may know the type; or get the model in another quantization",
        }
    }
}

/// A tensor the plan needs: its name in the file and its shape there (ne0, the row's length, first).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorPlan {
    pub name: String,
    pub shape: Vec<u64>,
}

impl TensorPlan {
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), shape: shape.iter().map(|&n| n as u64).collect() }
    }
}

/// y = scale * W x + b, with W [n_in, n_out] as the file has it: n_out rows of n_in values.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPlan {
    pub weight: TensorPlan,
    pub bias: Option<TensorPlan>,
    /// One number for the whole matrix.
    pub scale: Option<TensorPlan>,
    pub n_in: usize,
    pub n_out: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// x / sqrt(mean(x^2) + eps)
    Rms,
    /// (x - mean(x)) / sqrt(variance(x) + eps)
    Layer,
}

/// The kind's value, times the weight and plus the bias where there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct NormPlan {
    pub kind: NormKind,
    pub weight: Option<TensorPlan>,
    pub bias: Option<TensorPlan>,
    pub eps: f32,
}
