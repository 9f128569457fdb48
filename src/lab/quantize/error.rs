//! What can go wrong on the way to a quantized file.

use crate::gguf::GgufError;
use crate::protocol::Report;
use crate::quant::{GgmlType, QuantError};
use crate::text::Shown;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    #[error(transparent)]
    File(#[from] GgufError),
    #[error("{ty} cannot be made by this version")]
    Type { ty: GgmlType },
    #[error("tensor {}: {cause}", Shown::line(.name))]
    Tensor { name: String, cause: QuantError },
    #[error("{}: input and output are the same file", Shown::path(.path))]
    SameFile { path: PathBuf },
    #[error("{}: cannot be written: {cause}", Shown::line(.name))]
    Write { name: String, cause: io::Error },
}

impl QuantizeError {
    pub(super) fn flush<W>(name: &str, e: io::IntoInnerError<W>) -> Self {
        QuantizeError::Write { name: name.to_owned(), cause: e.into_error() }
    }

    pub fn report(&self) -> Report {
        match self {
            QuantizeError::File(e) => e.report(),
            QuantizeError::Type { ty } => {
                Report::new(self.to_string(), format!("Use one of {}", super::choice::names().join(", "))).offender(ty.name())
            }
            QuantizeError::Tensor { name, cause } => {
                let remedy = match cause {
                    QuantError::NotFinite { .. } | QuantError::TooLarge { .. } => {
                        "The source is damaged or was trained badly; convert it again"
                    }
                    _ => "Start from an F16, BF16 or F32 file of this model",
                };
                Report::new(self.to_string(), remedy).offender(name.clone())
            }
            QuantizeError::SameFile { path } => {
                Report::new(self.to_string(), "Give the output another name").offender(path.to_string_lossy())
            }
            QuantizeError::Write { name, .. } => {
                Report::new(self.to_string(), "Check that the folder is writable and the disk has room").offender(name.clone())
            }
        }
    }
}

impl From<QuantizeError> for Report {
    fn from(e: QuantizeError) -> Report {
        e.report()
    }
}
