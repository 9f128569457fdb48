//! What can be wrong with a file, each as a sentence: *file: offender: found X, expected Y; remedy*.

use super::limits::*;
use crate::protocol::Report;
use crate::text::Shown;
use std::io;

/// Columns of a name in a sentence: keys may be 64 KiB long.
const NAME_COLUMNS_MAX: usize = 80;

/// The kind of reason, as golden/hostile names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The file could not be opened or written at all.
    Io,
    Short,
    Magic,
    Endian,
    Version,
    Counts,
    String,
    Key,
    ValueType,
    Bool,
    Array,
    Truncated,
    Alignment,
    TensorName,
    Dims,
    Block,
    Size,
    Type,
    Offset,
    Data,
    Overlap,
    Split,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Class::Io => "io",
            Class::Short => "short",
            Class::Magic => "magic",
            Class::Endian => "endian",
            Class::Version => "version",
            Class::Counts => "counts",
            Class::String => "string",
            Class::Key => "key",
            Class::ValueType => "value-type",
            Class::Bool => "bool",
            Class::Array => "array",
            Class::Truncated => "truncated",
            Class::Alignment => "alignment",
            Class::TensorName => "tensor-name",
            Class::Dims => "dims",
            Class::Block => "block",
            Class::Size => "size",
            Class::Type => "type",
            Class::Offset => "offset",
            Class::Data => "data",
            Class::Overlap => "overlap",
            Class::Split => "split",
        }
    }
}

/// A file that was refused: which, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}; {}", shown(.file), .fault.remedy())]
pub struct GgufError {
    /// The file's name as the caller gave it, without its folder.
    pub file: String,
    pub fault: Box<Fault>,
}

impl GgufError {
    pub(super) fn new(file: &str, fault: Fault) -> Self {
        Self { file: file.to_owned(), fault: Box::new(fault) }
    }

    pub fn class(&self) -> Class {
        self.fault.class()
    }

    pub fn report(&self) -> Report {
        let report = Report::new(format!("{}: {}", shown(&self.file), self.fault), capitalized(self.fault.remedy()));
        match self.fault.offender() {
            Some(offender) => report.offender(offender),
            None => report.offender(self.file.clone()),
        }
    }
}

impl From<GgufError> for Report {
    fn from(e: GgufError) -> Report {
        e.report()
    }
}

fn capitalized(s: &str) -> String {
    let mut chars = s.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The system's words without its number.
fn plain(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn bytes_text(n: u64) -> String {
    if n == 1 { "1 byte".to_owned() } else { format!("{n} bytes") }
}

/// A name out of a file, harmless, on one line and no longer than one.
fn shown(name: &str) -> Shown {
    Shown::line(name).cut(NAME_COLUMNS_MAX)
}

/// What is wrong. Names in it are as the file has them; they are made harmless where a sentence is made of them.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("cannot be opened: {}", plain(.0))]
    Open(io::Error),
    #[error("cannot be written: {}", plain(.0))]
    Write(io::Error),
    #[error("found {found} bytes, expected at least the {HEADER_BYTES} of a GGUF header")]
    Short { found: usize },
    #[error("found {found}, expected a GGUF file")]
    Magic { found: String, remedy: &'static str },
    #[error("found a big-endian file, expected a little-endian one")]
    Endian,
    #[error("found GGUF version {found}, expected 2 or 3")]
    Version { found: u32 },
    #[error("the header: found {found} {what}, expected at most {limit} ({left} bytes are left)")]
    Counts { what: &'static str, found: u64, limit: u64, left: usize },
    #[error("{}: found a text of {len} bytes, expected at most {STRING_BYTES_MAX} and what is left ({left} bytes)", .at)]
    String { at: At, len: u64, left: usize },
    #[error("{at}: found {found}, expected a name of 1 to {KEY_LEN_MAX} bytes in UTF-8 without control characters", found = shown(.found))]
    Key { at: At, found: String },
    #[error("{at}: found the key at byte {second} again after byte {first}, expected each key once")]
    KeyTwice { at: At, first: usize, second: usize },
    #[error("{at}: found value type {found}, expected 0 to 12")]
    ValueType { at: At, found: u32 },
    #[error("{at}: found the byte {found} as a truth value, expected 0 or 1")]
    Bool { at: At, found: u8 },
    #[error("{at}: found an array of {len} {element}, expected at most {ARRAY_LEN_MAX} and what is left ({left} bytes)")]
    Array { at: At, element: &'static str, len: u64, left: usize },
    #[error("{at}: found arrays nested deeper than {ARRAY_DEPTH_MAX}, expected at most {ARRAY_DEPTH_MAX}")]
    ArrayDepth { at: At },
    #[error("{at}: found the end of the file at byte {size}, expected more")]
    Truncated { at: At, size: usize },
    #[error("general.alignment: found {found}, expected a u32 that is a power of two from {ALIGNMENT_MIN} to {ALIGNMENT_MAX}")]
    Alignment { found: String },
    #[error("{at}: found {found}, expected a name of 1 to {TENSOR_NAME_MAX} bytes in UTF-8 without control characters", found = shown(.found))]
    TensorName { at: At, found: String },
    #[error("{at}: found the name again, expected each tensor once")]
    TensorTwice { at: At },
    #[error("{at}: found {found}, expected {expected}")]
    Dims { at: At, found: String, expected: String },
    #[error("{at}: found rows of {row} values, expected whole blocks of {block} for type {ty}")]
    Block { at: At, row: u64, block: usize, ty: &'static str },
    #[error("{at}: found shape {shape} of type {ty}, expected less than 2^63 bytes")]
    Size { at: At, shape: String, ty: &'static str },
    #[error("{at}: found type {id}, expected one that this version knows")]
    Type { at: At, id: u32 },
    #[error("{at}: found offset {offset}, expected a multiple of the alignment {alignment}")]
    Offset { at: At, offset: u64, alignment: u32 },
    #[error("{at}: found the end of the file {} too early, expected all {bytes} bytes of it", bytes_text(*.missing))]
    Data { at: At, bytes: u64, missing: u64 },
    #[error("{at}: found bytes that also belong to tensor {other}, expected ranges of their own", other = shown(.other))]
    Overlap { at: At, other: String },
    #[error("{at}: found {found}, expected {expected}", found = shown(.found), expected = shown(.expected))]
    Split { at: At, found: String, expected: String },
    #[error("{at}: found {found} bytes to write, expected {expected}")]
    Body { at: At, found: u64, expected: u64 },
}

/// Where in the file something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The key with this index, whose name is not known.
    KeyIndex(u64),
    Key(String),
    /// The tensor with this index, whose name is not known.
    TensorIndex(u64),
    Tensor(String),
    /// One file of a split model.
    Part(String),
}

impl At {
    /// The offender's bare name.
    fn name(&self) -> Option<&str> {
        match self {
            At::Key(name) | At::Tensor(name) | At::Part(name) => Some(name),
            At::KeyIndex(_) | At::TensorIndex(_) => None,
        }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::KeyIndex(i) => write!(f, "key number {i}"),
            At::Key(name) => write!(f, "key {}", shown(name)),
            At::TensorIndex(i) => write!(f, "tensor number {i}"),
            At::Tensor(name) => write!(f, "tensor {}", shown(name)),
            At::Part(name) => write!(f, "part {}", shown(name)),
        }
    }
}

impl Fault {
    pub fn class(&self) -> Class {
        match self {
            Fault::Open(_) | Fault::Write(_) | Fault::Body { .. } => Class::Io,
            Fault::Short { .. } => Class::Short,
            Fault::Magic { .. } => Class::Magic,
            Fault::Endian => Class::Endian,
            Fault::Version { .. } => Class::Version,
            Fault::Counts { .. } => Class::Counts,
            Fault::String { .. } => Class::String,
            Fault::Key { .. } | Fault::KeyTwice { .. } => Class::Key,
            Fault::ValueType { .. } => Class::ValueType,
            Fault::Bool { .. } => Class::Bool,
            Fault::Array { .. } | Fault::ArrayDepth { .. } => Class::Array,
            Fault::Truncated { .. } => Class::Truncated,
            Fault::Alignment { .. } => Class::Alignment,
            Fault::TensorName { .. } | Fault::TensorTwice { .. } => Class::TensorName,
            Fault::Dims { .. } => Class::Dims,
            Fault::Block { .. } => Class::Block,
            Fault::Size { .. } => Class::Size,
            Fault::Type { .. } => Class::Type,
            Fault::Offset { .. } => Class::Offset,
            Fault::Data { .. } => Class::Data,
            Fault::Overlap { .. } => Class::Overlap,
            Fault::Split { .. } => Class::Split,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Fault::Open(e) if e.kind() == io::ErrorKind::NotFound => "check the path, or see `ingle models` for what is here",
            Fault::Open(e) if e.kind() == io::ErrorKind::PermissionDenied => "make the file readable for you",
            Fault::Open(_) => "check the path",
            Fault::Write(_) => "check that the folder is writable and the disk has room",
            Fault::Short { found: 0 } => "the file is empty, pull it again",
            Fault::Short { .. } | Fault::Truncated { .. } | Fault::Data { .. } => "the download was likely cut off, pull it again",
            Fault::Magic { remedy, .. } => remedy,
            Fault::Endian => "convert it for little-endian machines",
            Fault::Version { found: 0 | 1 } => "convert the model again with a current converter",
            Fault::Version { .. } => "update ingle",
            Fault::Type { .. } => "update ingle, or take another quantization of this model",
            Fault::Body { .. } => "this is a mistake in ingle, please report it",
            Fault::Split { .. } => "keep all parts of the model together in one folder",
            Fault::Alignment { .. } | Fault::Offset { .. } | Fault::Overlap { .. } | Fault::Block { .. } => {
                "the file was written wrongly, convert or pull it again"
            }
            _ => "the file is damaged, pull it again",
        }
    }

    /// The key, tensor or file at fault, alone.
    pub fn offender(&self) -> Option<&str> {
        match self {
            Fault::String { at, .. }
            | Fault::Key { at, .. }
            | Fault::KeyTwice { at, .. }
            | Fault::ValueType { at, .. }
            | Fault::Bool { at, .. }
            | Fault::Array { at, .. }
            | Fault::ArrayDepth { at }
            | Fault::Truncated { at, .. }
            | Fault::TensorName { at, .. }
            | Fault::TensorTwice { at }
            | Fault::Dims { at, .. }
            | Fault::Block { at, .. }
            | Fault::Size { at, .. }
            | Fault::Type { at, .. }
            | Fault::Offset { at, .. }
            | Fault::Data { at, .. }
            | Fault::Overlap { at, .. }
            | Fault::Split { at, .. }
            | Fault::Body { at, .. } => at.name(),
            Fault::Alignment { .. } => Some("general.alignment"),
            Fault::Open(_)
            | Fault::Write(_)
            | Fault::Short { .. }
            | Fault::Magic { .. }
            | Fault::Endian
            | Fault::Version { .. }
            | Fault::Counts { .. } => None,
        }
    }
}
