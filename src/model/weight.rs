//! Tensors of a file, bound to a plan: checked once, then read in place.

use super::kernels::{self, KernelSet, WeightRows};
use super::plan::{LinearPlan, Matrices, NormKind, NormPlan, TensorError, TensorPlan};
use crate::gguf::{Gguf, TensorBytes};
use crate::quant::{self, GgmlType};
use std::ops::Range;

/// A matrix in the file's own format, where it lies: `n_mats` matrices of `n_out` rows of `n_in` values.
pub struct Weight {
    pub ty: GgmlType,
    pub n_in: usize,
    pub n_out: usize,
    bytes: TensorBytes,
    /// Bytes of one row.
    row_bytes: usize,
}

impl Weight {
    pub fn bind(file: &Gguf, plan: &TensorPlan) -> Result<Self, TensorError> {
        let (ty, bytes) = bind(file, plan)?;
        let unusable = || TensorError::Type { name: plan.name.clone(), found: ty.name().to_owned() };
        if !kernels::set().multiplies(ty) {
            return Err(unusable());
        }
        let dim = |i: usize| plan.shape.get(i).map_or(1, |&n| n as usize);
        let row_bytes = ty.row_bytes(dim(0)).ok_or_else(unusable)?;
        Ok(Self { ty, n_in: dim(0), n_out: dim(1), bytes, row_bytes })
    }

    /// All rows of matrix `i`: an expert's, or the only one, 0.
    pub fn rows(&self, i: usize) -> WeightRows<'_> {
        let size = self.row_bytes * self.n_out;
        let rows = WeightRows::new(self.ty, &self.bytes[i * size..(i + 1) * size], self.n_in, self.n_out);
        rows.expect("binding checked that the tensor is whole rows")
    }

    /// One row as f32.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        let row = &self.bytes[i * self.row_bytes..(i + 1) * self.row_bytes];
        quant::dequantize(self.ty, row, out).expect("binding checked that the type can be decoded and the row is whole");
    }
}

/// One matrix for each expert.
pub enum Stack {
    Merged(Weight),
    Apart(Vec<Weight>),
}

impl Stack {
    pub fn bind(file: &Gguf, plan: &Matrices) -> Result<Self, TensorError> {
        Ok(match plan {
            Matrices::Merged(all) => Stack::Merged(Weight::bind(file, all)?),
            Matrices::Apart(each) => Stack::Apart(each.iter().map(|t| Weight::bind(file, t)).collect::<Result<_, _>>()?),
        })
    }

    pub fn rows(&self, i: usize) -> WeightRows<'_> {
        match self {
            Stack::Merged(all) => all.rows(i),
            Stack::Apart(each) => each[i].rows(0),
        }
    }
}

/// y = scale * W x + b.
pub struct Linear {
    pub weight: Weight,
    /// [n_out], or empty.
    pub bias: Vec<f32>,
    pub scale: f32,
}

impl Linear {
    pub fn bind(file: &Gguf, plan: &LinearPlan) -> Result<Self, TensorError> {
        let bias = plan.bias.as_ref().map(|b| vector(file, b)).transpose()?.unwrap_or_default();
        let scale = plan.scale.as_ref().map(|s| vector(file, s)).transpose()?;
        Ok(Self { weight: Weight::bind(file, &plan.weight)?, bias, scale: scale.map_or(1.0, |s| s[0]) })
    }
}

/// A norm with its weights, [width] each or empty.
pub struct Norm {
    kind: NormKind,
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

impl Norm {
    pub fn bind(file: &Gguf, plan: &NormPlan) -> Result<Self, TensorError> {
        let read = |t: &Option<TensorPlan>| t.as_ref().map(|t| vector(file, t)).transpose().map(Option::unwrap_or_default);
        Ok(Self { kind: plan.kind, weight: read(&plan.weight)?, bias: read(&plan.bias)?, eps: plan.eps })
    }

    /// The norm of one row.
    pub fn row(&self, set: &KernelSet, x: &[f32], out: &mut [f32]) {
        self.part(set, x, 0, out);
    }

    /// The norm of one row by the weights from `at` on: those of one head of several.
    pub fn part(&self, set: &KernelSet, x: &[f32], at: usize, out: &mut [f32]) {
        let of_part = |values: &'_ [f32]| -> Option<Range<usize>> { (!values.is_empty()).then_some(at..at + x.len()) };
        let weight = of_part(&self.weight).map(|r| &self.weight[r]);
        match self.kind {
            NormKind::Rms => set.rms_norm(x, weight, self.eps, out),
            NormKind::Layer => layer_norm(x, weight, self.eps, out),
        }
        if let Some(range) = of_part(&self.bias) {
            out.iter_mut().zip(&self.bias[range]).for_each(|(y, b)| *y += b);
        }
    }
}

/// (x - mean) / sqrt(variance + eps) * weight, sums in f64 as ggml's are.
fn layer_norm(x: &[f32], weight: Option<&[f32]>, eps: f32, out: &mut [f32]) {
    let n = x.len() as f64;
    let mean = (x.iter().map(|x| f64::from(*x)).sum::<f64>() / n) as f32;
    out.iter_mut().zip(x).for_each(|(y, x)| *y = x - mean);
    let variance = (out.iter().map(|y| f64::from(y * y)).sum::<f64>() / n) as f32;
    let scale = 1.0 / (variance + eps).sqrt();
    match weight {
        Some(weight) => out.iter_mut().zip(weight).for_each(|(y, w)| *y *= scale * w),
        None => out.iter_mut().for_each(|y| *y *= scale),
    }
}

/// A small tensor, copied as f32.
pub fn vector(file: &Gguf, plan: &TensorPlan) -> Result<Vec<f32>, TensorError> {
    let (ty, bytes) = bind(file, plan)?;
    let mut out = vec![0.0; plan.shape.iter().product::<u64>() as usize];
    quant::dequantize(ty, &bytes, &mut out).map_err(|_| TensorError::Type { name: plan.name.clone(), found: ty.name().to_owned() })?;
    Ok(out)
}

/// A tensor of whole numbers below `end`.
pub fn whole_numbers(file: &Gguf, plan: &TensorPlan, end: usize) -> Result<Vec<u32>, TensorError> {
    let (ty, bytes) = bind(file, plan)?;
    let name = || plan.name.clone();
    if ty != GgmlType::I32 {
        return Err(TensorError::Type { name: name(), found: ty.name().to_owned() });
    }
    let (numbers, _) = bytes.as_chunks::<4>();
    let below = |bytes: &[u8; 4]| {
        let found = i32::from_le_bytes(*bytes);
        let number = u32::try_from(found).ok().filter(|n| (*n as usize) < end);
        number.ok_or_else(|| TensorError::Number { name: name(), found, end })
    };
    numbers.iter().map(below).collect()
}

/// Finds a tensor and holds its shape against the plan. The file's validator has checked that its bytes are there.
fn bind(file: &Gguf, plan: &TensorPlan) -> Result<(GgmlType, TensorBytes), TensorError> {
    let name = || plan.name.clone();
    let info = file.tensor(&plan.name).ok_or_else(|| TensorError::Missing { name: name() })?;
    // Converters may leave out trailing dimensions of 1.
    let trimmed = |shape: &[u64]| shape.iter().rposition(|&n| n != 1).map_or(Vec::new(), |last| shape[..=last].to_vec());
    if trimmed(&info.shape) != trimmed(&plan.shape) {
        return Err(TensorError::Shape { name: name(), found: format!("{:?}", info.shape), expected: format!("{:?}", plan.shape) });
    }
    if plan.shape.contains(&0) {
        return Err(TensorError::Shape { name: name(), found: format!("{:?}", info.shape), expected: "at least one value".to_owned() });
    }
    let ty = info.ty.ok_or_else(|| match info.removed_type() {
        Some(found) => TensorError::RemovedType { name: name(), found },
        None => TensorError::Type { name: name(), found: format!("number {}", info.type_id) },
    })?;
    let bytes = file.tensor_bytes(info).map_err(|_| TensorError::Type { name: name(), found: ty.name().to_owned() })?;
    Ok((ty, bytes))
}
