//! Making a smaller file of a model: every matrix in one block type.
//!
//! Begin with [`quantize_file`]. `choice` says which type each tensor gets, `convert` makes its bytes on all cores, a
//! slab at a time, so that memory stays small whatever the model's size.

mod choice;
mod convert;
mod error;
#[cfg(test)]
mod tests;

pub use choice::names as type_names;
pub use error::QuantizeError;

use crate::gguf::{Gguf, NewFile, TensorInfo, Value, Writer};
use crate::quant::{GgmlType, can_quantize};
use choice::Choice;
use std::io::BufWriter;
use std::path::Path;

/// ggml's GGML_QNT_VERSION: how the blocks of `general.quantization_version` are laid out.
const QUANTIZATION_VERSION: u32 = 2;

/// How far it is: told before each tensor and while a large one is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress<'a> {
    pub tensor: &'a str,
    /// The type it gets.
    pub ty: GgmlType,
    /// Tensors done, of all.
    pub done: usize,
    pub total: usize,
    /// Bytes of the source done, of all tensors.
    pub bytes_done: u64,
    pub bytes_total: u64,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub n_tensors: usize,
    /// Tensors that got the type asked for.
    pub n_quantized: usize,
    /// Matrices whose rows are no whole blocks of the type, with the type they got instead.
    pub fallbacks: Vec<(String, GgmlType)>,
    /// Whether matrices of the source were quantized before: each time loses more.
    pub requantized: bool,
}

/// Writes `input` to `output` with its matrices as `ty`. The output appears under its name when it is whole.
pub fn quantize_file(input: &Path, output: &Path, ty: GgmlType, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Summary, QuantizeError> {
    let file_type = choice::file_type(ty).filter(|_| can_quantize(ty)).ok_or(QuantizeError::Type { ty })?;
    let source = Gguf::open(input)?;
    refuse_same_file(input, output)?;
    let plan = plan(&source, ty)?;
    let writer = header(&source, &plan, file_type)?;
    let name = output.file_name().unwrap_or(output.as_os_str()).to_string_lossy();
    let mut body = writer.begin(&name, BufWriter::new(NewFile::create(output)?))?;

    let bytes_total = source.tensors().iter().filter_map(|t| t.n_bytes).sum();
    let mut bytes_done = 0;
    for (done, (tensor, choice)) in plan.iter().enumerate() {
        let bytes = source.tensor_bytes(tensor)?;
        let mut tell = |bytes_now: u64| {
            let (ty, bytes_done) = (choice.ty(), bytes_done + bytes_now);
            progress(Progress { tensor: &tensor.name, ty, done, total: plan.len(), bytes_done, bytes_total });
        };
        tell(0);
        convert::write(&mut body, tensor, choice, &bytes, &mut tell)?;
        bytes_done += bytes.len() as u64;
    }
    let summary = summarize(&source, &plan, ty, body.len());
    let out = body.finish()?.into_inner().map_err(|e| QuantizeError::flush(&name, e))?;
    out.commit()?;
    Ok(summary)
}

/// What each tensor becomes. Nothing is written before all of them are known to be possible.
fn plan(source: &Gguf, ty: GgmlType) -> Result<Vec<(&TensorInfo, Choice)>, QuantizeError> {
    source.tensors().iter().map(|t| Ok((t, choice::choose(source, t, ty)?))).collect()
}

/// The source's metadata, with the new types said; of a split model one file is made.
fn header(source: &Gguf, plan: &[(&TensorInfo, Choice)], file_type: u32) -> Result<Writer, QuantizeError> {
    let mut writer = Writer::new();
    for (key, value) in source.metadata().filter(|(key, _)| !key.starts_with("split.")) {
        writer.set(key, value);
    }
    writer.set("general.quantization_version", Value::U32(QUANTIZATION_VERSION));
    writer.set("general.file_type", Value::U32(file_type));
    for (tensor, choice) in plan {
        writer.tensor(&tensor.name, choice.ty(), &tensor.shape)?;
    }
    Ok(writer)
}

fn summarize(source: &Gguf, plan: &[(&TensorInfo, Choice)], ty: GgmlType, bytes_out: u64) -> Summary {
    let made = |choice: &&(&TensorInfo, Choice)| matches!(choice.1, Choice::Make(_));
    let fallbacks = plan.iter().filter(made).filter(|(_, c)| c.ty() != ty).map(|(t, c)| (t.name.clone(), c.ty())).collect();
    Summary {
        bytes_in: source.file_bytes(),
        bytes_out,
        n_tensors: plan.len(),
        n_quantized: plan.iter().filter(made).filter(|(_, c)| c.ty() == ty).count(),
        fallbacks,
        requantized: plan.iter().filter(made).any(|(t, _)| t.ty.is_some_and(|ty| ty.block_len() > 1)),
    }
}

/// The source is mapped while the output is written, and losing it is not what was asked for.
fn refuse_same_file(input: &Path, output: &Path) -> Result<(), QuantizeError> {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(QuantizeError::SameFile { path: output.to_owned() }),
        _ => Ok(()),
    }
}
