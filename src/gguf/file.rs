//! A model's file, or its files where it is split: validated, mapped, ready to be asked.

use super::error::{At, Fault, GgufError};
use super::header::Header;
use super::map::{Bytes, Changed, TensorBytes};
use super::split;
use super::tensors::TensorInfo;
use super::value::{Array, Value, ValueType};
use crate::protocol::Fingerprint;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A sound GGUF: whatever it says about itself has been compared with what is there.
#[derive(Debug)]
pub struct Gguf {
    name: String,
    parts: Vec<Part>,
    /// Of all parts, in their order.
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
}

/// One file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
    pub(super) bytes: Bytes,
    pub(super) header: Header,
}

impl Part {
    fn open(path: &Path) -> Result<Self, GgufError> {
        let name = file_name(path);
        let bytes = Bytes::open(path).map_err(|e| GgufError::new(&name, Fault::Open(e)))?;
        Self::parse(name, Some(path.to_owned()), bytes)
    }

    fn parse(name: String, path: Option<PathBuf>, bytes: Bytes) -> Result<Self, GgufError> {
        let header = Header::parse(&bytes).map_err(|fault| GgufError::new(&name, fault))?;
        Ok(Self { name, path, bytes, header })
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'_>> {
        self.header.get(&self.bytes, key)
    }
}

/// A metadata value of another type than the one asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {key}: found {found}, expected {expected}")]
pub struct WrongType {
    pub key: String,
    pub found: String,
    pub expected: &'static str,
}

impl Gguf {
    /// Maps and validates a file and, where it is split, its other parts.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let first = Part::open(path)?;
        let name = first.name.clone();
        let mut parts = vec![first];
        if let Some(first) = parts.first() {
            let others: Vec<Part> = split::siblings(first, path)?.iter().map(|p| Part::open(p)).collect::<Result<_, _>>()?;
            parts.extend(others);
        }
        split::check(&parts)?;
        Self::assemble(name, parts)
    }

    /// A model inside the program.
    pub fn from_static(name: &str, bytes: &'static [u8]) -> Result<Self, GgufError> {
        let part = Part::parse(name.to_owned(), None, Bytes::from_static(bytes))?;
        let parts = vec![part];
        split::check(&parts)?;
        Self::assemble(name.to_owned(), parts)
    }

    fn assemble(name: String, mut parts: Vec<Part>) -> Result<Self, GgufError> {
        let mut tensors: Vec<TensorInfo> = Vec::new();
        for (index, part) in parts.iter_mut().enumerate() {
            for mut info in std::mem::take(&mut part.header.tensors) {
                info.part = index;
                tensors.push(info);
            }
        }
        let mut by_name = HashMap::with_capacity(tensors.len());
        for (index, info) in tensors.iter().enumerate() {
            if by_name.insert(info.name.clone(), index).is_some() {
                return Err(GgufError::new(&name, Fault::TensorTwice { at: At::Tensor(info.name.clone()) }));
            }
        }
        Ok(Self { name, parts, tensors, by_name })
    }

    /// The (first) file's name, without its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The (first) file. None for a model inside the program.
    pub fn path(&self) -> Option<&Path> {
        self.parts.first().and_then(|p| p.path.as_deref())
    }

    /// Every file of the model.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|p| p.path.as_deref())
    }

    /// GGUF's version, 2 or 3.
    pub fn version(&self) -> u32 {
        self.parts.first().map_or(0, |p| p.header.version)
    }

    /// Bytes of all its files.
    pub fn file_bytes(&self) -> u64 {
        self.parts.iter().fold(0, |n, p| n.saturating_add(p.bytes.len() as u64))
    }

    /// Oddities that were accepted, a phrase each.
    pub fn notes(&self) -> Vec<String> {
        self.parts.iter().flat_map(|p| p.header.notes.phrases()).collect()
    }

    /// Hashes sizes, headers and tensor tables: instant at any size.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        for part in &self.parts {
            hash.update((part.bytes.len() as u64).to_le_bytes());
            hash.update(part.bytes.get(..part.header.table_end).unwrap_or_default());
        }
        Fingerprint(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Whether all its files are still what they were when they were opened; else which is not, and how.
    pub fn unchanged(&self) -> Result<(), (&str, Changed)> {
        self.parts.iter().try_for_each(|p| p.bytes.unchanged().map_err(|how| (p.name.as_str(), how)))
    }

    /// The bytes of each file, for warming and for the table of maps.
    pub fn maps(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.parts.iter().map(|p| (p.name.as_str(), &p.bytes))
    }

    /// A model's metadata is that of its first file; the others' only number them.
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        self.parts.first()?.get(key)
    }

    /// Keys and values, in the file's order.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.parts.first().into_iter().flat_map(|p| p.header.entries.iter().filter_map(|e| Some((&*e.key, e.value(&p.bytes)?))))
    }

    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(*self.by_name.get(name)?)
    }

    /// A tensor's bytes, which keep the file mapped. Refused for a type of unknown size.
    pub fn tensor_bytes(&self, info: &TensorInfo) -> Result<TensorBytes, GgufError> {
        let unknown = || GgufError::new(&self.name, Fault::Type { at: At::Tensor(info.name.clone()), id: info.type_id });
        let part = self.parts.get(info.part).ok_or_else(unknown)?;
        let n_bytes = info.n_bytes.ok_or_else(unknown)?;
        let end = info.start.saturating_add(n_bytes);
        let range = usize::try_from(info.start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
        Ok(TensorBytes { bytes: part.bytes.clone(), range })
    }

    /// A value by key: `Ok(None)` where there is none, an error where it has another type.
    fn want<'a, T>(&'a self, key: &str, expected: &'static str, read: impl FnOnce(Value<'a>) -> Option<T>) -> Result<Option<T>, WrongType> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = value.describe();
        read(value).map(Some).ok_or_else(|| WrongType { key: key.to_owned(), found, expected })
    }

    /// An integer of any width that fits.
    pub fn want_u32(&self, key: &str) -> Result<Option<u32>, WrongType> {
        self.want(key, "a whole number from 0 to 4294967295", |v| u32::try_from(v.as_int()?).ok())
    }

    pub fn want_u64(&self, key: &str) -> Result<Option<u64>, WrongType> {
        self.want(key, "a whole number from 0 to 2^64 - 1", |v| u64::try_from(v.as_int()?).ok())
    }

    pub fn want_i64(&self, key: &str) -> Result<Option<i64>, WrongType> {
        self.want(key, "a whole number", |v| i64::try_from(v.as_int()?).ok())
    }

    pub fn want_f32(&self, key: &str) -> Result<Option<f32>, WrongType> {
        self.want(key, "a number", |v| v.as_float().or_else(|| v.as_int().map(|i| i as f64)).map(|f| f as f32))
    }

    pub fn want_bool(&self, key: &str) -> Result<Option<bool>, WrongType> {
        self.want(key, "a truth value", |v| v.as_bool())
    }

    /// A string, with replacement marks where it is not UTF-8.
    pub fn want_str(&self, key: &str) -> Result<Option<Cow<'_, str>>, WrongType> {
        self.want(key, "a string", |v| v.as_str())
    }

    /// An array of elements of one of these types.
    fn want_array(&self, key: &str, expected: &'static str, elements: &[ValueType]) -> Result<Option<Array<'_>>, WrongType> {
        self.want(key, expected, |v| v.as_array().filter(|a| elements.contains(&a.element())))
    }

    /// The strings of an array, as bytes.
    pub fn want_strings(&self, key: &str) -> Result<Option<impl Iterator<Item = &[u8]>>, WrongType> {
        let array = self.want_array(key, "an array of strings", &[ValueType::String])?;
        Ok(array.map(|a| a.iter().filter_map(|v| v.as_bytes())))
    }

    pub fn want_f32s(&self, key: &str) -> Result<Option<impl Iterator<Item = f32>>, WrongType> {
        let array = self.want_array(key, "an array of f32", &[ValueType::F32, ValueType::F64])?;
        Ok(array.map(|a| a.iter().filter_map(|v| v.as_float().map(|f| f as f32))))
    }

    /// Integers of any width; those that do not fit make it the wrong type.
    pub fn want_ints<T: TryFrom<i128>>(&self, key: &str) -> Result<Option<Vec<T>>, WrongType> {
        self.want(key, "an array of whole numbers that fit", |v| v.as_array()?.iter().map(|e| T::try_from(e.as_int()?).ok()).collect())
    }

    pub fn want_bools(&self, key: &str) -> Result<Option<impl Iterator<Item = bool>>, WrongType> {
        let array = self.want_array(key, "an array of truth values", &[ValueType::Bool])?;
        Ok(array.map(|a| a.iter().filter_map(|v| v.as_bool())))
    }

    // The same for those who take a wrong type for absent.

    pub fn u32(&self, key: &str) -> Option<u32> {
        self.want_u32(key).ok().flatten()
    }

    pub fn u64(&self, key: &str) -> Option<u64> {
        self.want_u64(key).ok().flatten()
    }

    pub fn f32(&self, key: &str) -> Option<f32> {
        self.want_f32(key).ok().flatten()
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        self.want_bool(key).ok().flatten()
    }

    pub fn str(&self, key: &str) -> Option<Cow<'_, str>> {
        self.want_str(key).ok().flatten()
    }

    pub fn strings(&self, key: &str) -> Option<impl Iterator<Item = &[u8]>> {
        self.want_strings(key).ok().flatten()
    }

    pub fn f32s(&self, key: &str) -> Option<impl Iterator<Item = f32>> {
        self.want_f32s(key).ok().flatten()
    }

    pub fn i32s(&self, key: &str) -> Option<Vec<i32>> {
        self.want_ints(key).ok().flatten()
    }

    pub fn u32s(&self, key: &str) -> Option<Vec<u32>> {
        self.want_ints(key).ok().flatten()
    }
}

/// A path's last component, as text.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
