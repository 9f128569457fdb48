//! The strict validator: magic to the end of the tensor table, in the order of the file. Nothing else sees a byte
//! before it passed.

use super::cursor::Cursor;
use super::error::{At, Fault};
use super::limits::*;
use super::magic;
use super::notes::Notes;
use super::tensors::{self, TensorInfo};
use super::value::{Value, ValueType};
use std::collections::HashMap;
use std::collections::hash_map;
use std::sync::Arc;

/// One metadata value: its type, and where its bytes lie.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    ty: ValueType,
    start: usize,
    end: usize,
}

impl Entry {
    /// Reads the value where it lies. `None` only where the bytes are no longer those that were validated.
    pub(super) fn value<'a>(&self, bytes: &'a [u8]) -> Option<Value<'a>> {
        Value::read(&mut Cursor::new(bytes.get(self.start..self.end)?), self.ty)
    }
}

/// What a file says of itself before its data.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) entries: Vec<Entry>,
    pub(super) by_key: HashMap<Arc<str>, usize>,
    pub(super) tensors: Vec<TensorInfo>,
    /// Where the tensor table ends.
    pub(super) table_end: usize,
    pub(super) notes: Notes,
}

impl Header {
    pub(super) fn get<'a>(&self, bytes: &'a [u8], key: &str) -> Option<Value<'a>> {
        self.entries.get(*self.by_key.get(key)?)?.value(bytes)
    }

    /// Validates a whole file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let (version, n_tensors, n_keys) = preamble(bytes)?;
        let mut cursor = Cursor::new(bytes);
        let _ = cursor.take(HEADER_BYTES);
        let mut header =
            Header { version, entries: Vec::new(), by_key: HashMap::new(), tensors: Vec::new(), table_end: 0, notes: Notes::default() };
        for index in 0..n_keys {
            header.read_entry(&mut cursor, index, bytes.len())?;
        }
        let alignment = alignment(header.get(bytes, "general.alignment"))?;
        header.tensors = tensors::read_table(&mut cursor, n_tensors, alignment, bytes.len())?;
        header.table_end = cursor.at();
        tensors::place(&mut header.tensors, header.table_end, alignment, bytes.len(), &mut header.notes)?;
        Ok(header)
    }

    fn read_entry(&mut self, cursor: &mut Cursor<'_>, index: u64, size: usize) -> Result<(), Fault> {
        let start = cursor.at();
        let key = read_key(cursor, index, size)?;
        let at = || At::Key(key.to_string());
        let key_slot = match self.by_key.entry(Arc::clone(&key)) {
            hash_map::Entry::Vacant(slot) => slot,
            hash_map::Entry::Occupied(seen) => {
                let first = self.entries.get(*seen.get()).map_or(0, |e| e.start);
                return Err(Fault::KeyTwice { at: at(), first, second: start });
            }
        };
        let id = cursor.u32().ok_or_else(|| Fault::Truncated { at: at(), size })?;
        let ty = ValueType::from_id(id).ok_or_else(|| Fault::ValueType { at: at(), found: id })?;
        let value_start = cursor.at();
        Check { at: &at, size, notes: &mut self.notes }.value(cursor, ty, 0)?;
        key_slot.insert(self.entries.len());
        self.entries.push(Entry { key, ty, start: value_start, end: cursor.at() });
        Ok(())
    }
}

/// Size, magic, version, counts. Returns version, tensors, keys.
fn preamble(bytes: &[u8]) -> Result<(u32, u64, u64), Fault> {
    let short = || Fault::Short { found: bytes.len() };
    if bytes.len() < HEADER_BYTES {
        return Err(short());
    }
    let mut cursor = Cursor::new(bytes);
    if cursor.array() != Some(*b"GGUF") {
        return Err(magic::fault(bytes));
    }
    let version = cursor.u32().ok_or_else(short)?;
    if version != 0 && version & 0xFFFF == 0 {
        return Err(Fault::Endian);
    }
    if !(2..=3).contains(&version) {
        return Err(Fault::Version { found: version });
    }
    let n_tensors = cursor.u64().ok_or_else(short)?;
    let n_keys = cursor.u64().ok_or_else(short)?;
    let left = cursor.left();
    let count = |what, found, limit| if found > limit { Err(Fault::Counts { what, found, limit, left }) } else { Ok(()) };
    count("keys", n_keys, KEYS_MAX)?;
    count("tensors", n_tensors, TENSORS_MAX)?;
    let left_for_tensors = (left as u64).saturating_sub(n_keys.saturating_mul(KEY_BYTES_MIN));
    count("keys", n_keys, left as u64 / KEY_BYTES_MIN)?;
    count("tensors", n_tensors, left_for_tensors / TENSOR_BYTES_MIN)?;
    Ok((version, n_tensors, n_keys))
}

fn read_key(cursor: &mut Cursor<'_>, index: u64, size: usize) -> Result<Arc<str>, Fault> {
    let at = || At::KeyIndex(index);
    let name = read_string(cursor, &at, size)?;
    let wrong = |found: String| Fault::Key { at: at(), found };
    if name.is_empty() {
        return Err(wrong("an empty name".to_owned()));
    }
    if name.len() as u64 > KEY_LEN_MAX {
        return Err(wrong(format!("a name of {} bytes", name.len())));
    }
    match std::str::from_utf8(name) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(Arc::from(text)),
        _ => Err(wrong(String::from_utf8_lossy(name).into_owned())),
    }
}

/// A length and that many bytes.
pub(super) fn read_string<'a>(cursor: &mut Cursor<'a>, at: &dyn Fn() -> At, size: usize) -> Result<&'a [u8], Fault> {
    let len = cursor.u64().ok_or_else(|| Fault::Truncated { at: at(), size })?;
    let left = cursor.left();
    let wrong = || Fault::String { at: at(), len, left };
    if len > STRING_BYTES_MAX {
        return Err(wrong());
    }
    cursor.take(usize::try_from(len).map_err(|_| wrong())?).ok_or_else(wrong)
}

fn alignment(value: Option<Value<'_>>) -> Result<u32, Fault> {
    match value {
        None => Ok(ALIGNMENT_DEFAULT),
        Some(Value::U32(v)) if v.is_power_of_two() && (ALIGNMENT_MIN..=ALIGNMENT_MAX).contains(&v) => Ok(v),
        Some(other) => Err(Fault::Alignment { found: other.describe() }),
    }
}

/// Steps over one value and checks all of it.
struct Check<'n> {
    at: &'n dyn Fn() -> At,
    size: usize,
    notes: &'n mut Notes,
}

impl Check<'_> {
    fn value(&mut self, cursor: &mut Cursor<'_>, ty: ValueType, depth: usize) -> Result<(), Fault> {
        match ty {
            ValueType::Bool => match cursor.u8().ok_or_else(|| self.truncated())? {
                0 | 1 => Ok(()),
                found => Err(Fault::Bool { at: (self.at)(), found }),
            },
            ValueType::String => {
                let text = read_string(cursor, self.at, self.size)?;
                self.notes.string(text);
                Ok(())
            }
            ValueType::Array => self.array(cursor, depth),
            _ => {
                let n = ty.fixed_bytes().unwrap_or_default();
                cursor.take(n).map(drop).ok_or_else(|| self.truncated())
            }
        }
    }

    /// Recursion here is bounded by `ARRAY_DEPTH_MAX`, whatever the file says.
    fn array(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
        if depth >= ARRAY_DEPTH_MAX {
            return Err(Fault::ArrayDepth { at: (self.at)() });
        }
        if depth > 0 {
            self.notes.nested_arrays = true;
        }
        let id = cursor.u32().ok_or_else(|| self.truncated())?;
        let element = ValueType::from_id(id).ok_or_else(|| Fault::ValueType { at: (self.at)(), found: id })?;
        let len = cursor.u64().ok_or_else(|| self.truncated())?;
        let left = cursor.left();
        let wrong = || Fault::Array { at: (self.at)(), element: element.plural(), len, left };
        let least = len.checked_mul(element.least_bytes() as u64).ok_or_else(wrong)?;
        if len > ARRAY_LEN_MAX || least > left as u64 {
            return Err(wrong());
        }
        if element != ValueType::Bool && element.fixed_bytes().is_some() {
            return cursor.take(usize::try_from(least).map_err(|_| wrong())?).map(drop).ok_or_else(wrong);
        }
        for _ in 0..len {
            self.value(cursor, element, depth.saturating_add(1))?;
        }
        Ok(())
    }

    fn truncated(&self) -> Fault {
        Fault::Truncated { at: (self.at)(), size: self.size }
    }
}
