//! Making a GGUF: header and tensor table first, then each tensor's bytes in the table's order.

use super::error::{At, Fault, GgufError};
use super::limits::ALIGNMENT_DEFAULT;
use super::value::{Value, ValueType};
use crate::quant::GgmlType;
use std::io::{self, Write};

/// The version written.
const VERSION: u32 = 3;

/// What a new file will say of itself.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// Keys with their types and values as bytes, in the order they were first set.
    entries: Vec<(String, Vec<u8>)>,
    tensors: Vec<Planned>,
    alignment: Option<u32>,
}

#[derive(Debug, Clone)]
struct Planned {
    name: String,
    ty: GgmlType,
    shape: Vec<u64>,
    n_bytes: u64,
}

impl Writer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key, in its old place where it was set before.
    pub fn set(&mut self, key: &str, value: Value<'_>) {
        if let ("general.alignment", Value::U32(alignment)) = (key, value) {
            self.alignment = Some(alignment);
        }
        let mut bytes = Vec::new();
        put_value(&mut bytes, value, true);
        self.put(key, bytes);
    }

    pub fn set_str(&mut self, key: &str, text: &str) {
        self.set(key, Value::String(text.as_bytes()));
    }

    /// Sets an array of values, all of the type `element`; others are left out.
    pub fn set_array<'v>(&mut self, key: &str, element: ValueType, values: impl IntoIterator<Item = Value<'v>>) {
        let mut elements = Vec::new();
        let mut n = 0u64;
        for value in values.into_iter().filter(|v| v.value_type() == element) {
            put_value(&mut elements, value, false);
            n = n.saturating_add(1);
        }
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&ValueType::Array.id().to_le_bytes());
        bytes.extend_from_slice(&element.id().to_le_bytes());
        bytes.extend_from_slice(&n.to_le_bytes());
        bytes.extend_from_slice(&elements);
        self.put(key, bytes);
    }

    fn put(&mut self, key: &str, bytes: Vec<u8>) {
        match self.entries.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = bytes,
            None => self.entries.push((key.to_owned(), bytes)),
        }
    }

    /// Plans a tensor; its bytes follow in the order of these calls. Refused where rows are no whole blocks.
    pub fn tensor(&mut self, name: &str, ty: GgmlType, shape: &[u64]) -> Result<(), GgufError> {
        let row = shape.first().copied().unwrap_or(1);
        let rows = shape.iter().skip(1).try_fold(1u64, |n, d| n.checked_mul(*d));
        let row_bytes = usize::try_from(row).ok().and_then(|row| ty.row_bytes(row));
        let n_bytes = row_bytes.zip(rows).and_then(|(bytes, rows)| rows.checked_mul(bytes as u64)).ok_or_else(|| {
            let fault = Fault::Block { at: At::Tensor(name.to_owned()), row, block: ty.block_len(), ty: ty.name() };
            GgufError::new(name, fault)
        })?;
        self.tensors.push(Planned { name: name.to_owned(), ty, shape: shape.to_vec(), n_bytes });
        Ok(())
    }

    /// Writes header and table. `name` is the new file's, for sentences.
    pub fn begin<W: Write>(self, name: &str, out: W) -> Result<Body<W>, GgufError> {
        let alignment = u64::from(self.alignment.unwrap_or(ALIGNMENT_DEFAULT).max(1));
        let mut head = Vec::new();
        head.extend_from_slice(b"GGUF");
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&(self.tensors.len() as u64).to_le_bytes());
        head.extend_from_slice(&(self.entries.len() as u64).to_le_bytes());
        for (key, value) in &self.entries {
            put_string(&mut head, key.as_bytes());
            head.extend_from_slice(value);
        }
        let mut offset = 0u64;
        for tensor in &self.tensors {
            put_string(&mut head, tensor.name.as_bytes());
            head.extend_from_slice(&u32::try_from(tensor.shape.len()).unwrap_or(u32::MAX).to_le_bytes());
            tensor.shape.iter().for_each(|d| head.extend_from_slice(&d.to_le_bytes()));
            head.extend_from_slice(&tensor.ty.id().to_le_bytes());
            head.extend_from_slice(&offset.to_le_bytes());
            offset = offset.saturating_add(tensor.n_bytes).next_multiple_of(alignment);
        }
        let mut body = Body { file: name.to_owned(), out, tensors: self.tensors.into_iter(), alignment, at: 0 };
        body.append(&head)?;
        body.pad()?;
        Ok(body)
    }
}

/// A file whose table is written: the tensors' bytes are awaited.
#[derive(Debug)]
pub struct Body<W> {
    file: String,
    out: W,
    tensors: std::vec::IntoIter<Planned>,
    alignment: u64,
    at: u64,
}

impl<W: Write> Body<W> {
    /// Writes the next tensor from pieces that together are all of it.
    pub fn tensor<P: AsRef<[u8]>>(&mut self, pieces: impl IntoIterator<Item = Result<P, GgufError>>) -> Result<(), GgufError> {
        let Some(planned) = self.tensors.next() else {
            return Err(self.wrong("one more than planned", 0, 0));
        };
        let begin = self.at;
        for piece in pieces {
            self.append(piece?.as_ref())?;
        }
        let written = self.at.saturating_sub(begin);
        if written != planned.n_bytes {
            return Err(self.wrong(&planned.name, written, planned.n_bytes));
        }
        self.pad()
    }

    /// The whole file is written; the writer comes back, flushed.
    pub fn finish(mut self) -> Result<W, GgufError> {
        if let Some(missing) = self.tensors.next() {
            return Err(self.wrong(&missing.name, 0, missing.n_bytes));
        }
        self.out.flush().map_err(|e| self.failed(e))?;
        Ok(self.out)
    }

    /// Bytes written.
    pub fn len(&self) -> u64 {
        self.at
    }

    pub fn is_empty(&self) -> bool {
        self.at == 0
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), GgufError> {
        self.out.write_all(bytes).map_err(|e| self.failed(e))?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn pad(&mut self) -> Result<(), GgufError> {
        let missing = self.at.next_multiple_of(self.alignment).saturating_sub(self.at);
        self.append(&vec![0; usize::try_from(missing).unwrap_or_default()])
    }

    fn failed(&self, e: io::Error) -> GgufError {
        GgufError::new(&self.file, Fault::Write(e))
    }

    fn wrong(&self, tensor: &str, found: u64, expected: u64) -> GgufError {
        GgufError::new(&self.file, Fault::Body { at: At::Tensor(tensor.to_owned()), found, expected })
    }
}

fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text);
}

/// A value as the file has it, after its type's number where that is wanted: elements of an array have none.
fn put_value(out: &mut Vec<u8>, value: Value<'_>, typed: bool) {
    if typed {
        out.extend_from_slice(&value.value_type().id().to_le_bytes());
    }
    match value {
        Value::U8(v) => out.push(v),
        Value::I8(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::U16(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::I16(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::U32(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::I32(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::F32(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::Bool(v) => out.push(v.into()),
        Value::String(text) => put_string(out, text),
        Value::Array(array) => {
            out.extend_from_slice(&array.element().id().to_le_bytes());
            out.extend_from_slice(&(array.len() as u64).to_le_bytes());
            out.extend_from_slice(array.bytes());
        }
        Value::U64(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::I64(v) => out.extend_from_slice(&v.to_le_bytes()),
        Value::F64(v) => out.extend_from_slice(&v.to_le_bytes()),
    }
}
