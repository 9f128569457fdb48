//! The tensor table: every entry checked by itself, then all of them against the file and each other.

use super::cursor::Cursor;
use super::error::{At, Fault};
use super::header::read_string;
use super::limits::*;
use super::notes::Notes;
use crate::quant::{GgmlType, REMOVED};
use std::collections::HashSet;

/// One tensor as the file's table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    /// The file's number for the type, also where it is not known.
    pub type_id: u32,
    /// None: removed from the format, or newer than this program. Such a tensor can be listed but not read.
    pub ty: Option<GgmlType>,
    /// Innermost dimension (the row) first; empty for a scalar.
    pub shape: Vec<u64>,
    /// From the beginning of its file's data.
    pub offset: u64,
    /// None where the type's size is not known.
    pub n_bytes: Option<u64>,
    /// Which file of a split model.
    pub(super) part: usize,
    /// From the beginning of its file.
    pub(super) start: u64,
}

impl TensorInfo {
    /// Values in all. The validator saw that the product fits.
    pub fn n_elements(&self) -> u64 {
        self.shape.iter().fold(1u64, |n, d| n.saturating_mul(*d))
    }

    /// "2048 x 512 x 1", innermost first.
    pub fn shape_text(&self) -> String {
        shape_text(&self.shape)
    }

    /// "Q4_K"; "Q4_2, removed" for a number that no longer is a type's, "type 99" for one that is not known.
    pub fn type_name(&self) -> String {
        match (self.ty, self.removed_type()) {
            (Some(ty), _) => ty.name().to_owned(),
            (None, Some(name)) => format!("{name}, removed"),
            (None, None) => format!("type {}", self.type_id),
        }
    }

    /// The name its type had, if the format no longer has it.
    pub fn removed_type(&self) -> Option<&'static str> {
        REMOVED.iter().find(|(id, _)| *id == self.type_id).map(|(_, name)| *name)
    }
}

fn shape_text(shape: &[u64]) -> String {
    let dims: Vec<String> = shape.iter().map(u64::to_string).collect();
    if dims.is_empty() { "scalar".to_owned() } else { dims.join(" x ") }
}

/// Reads the table. Each entry is whole, named once, and its size is a number that can be computed with.
pub(super) fn read_table(cursor: &mut Cursor<'_>, n: u64, alignment: u32, size: usize) -> Result<Vec<TensorInfo>, Fault> {
    let mut tensors: Vec<TensorInfo> = Vec::new();
    let mut names = HashSet::new();
    for index in 0..n {
        let info = read_entry(cursor, index, size)?;
        if !names.insert(info.name.clone()) {
            return Err(Fault::TensorTwice { at: At::Tensor(info.name) });
        }
        if !info.offset.is_multiple_of(u64::from(alignment)) {
            return Err(Fault::Offset { at: At::Tensor(info.name), offset: info.offset, alignment });
        }
        tensors.push(info);
    }
    Ok(tensors)
}

fn read_entry(cursor: &mut Cursor<'_>, index: u64, size: usize) -> Result<TensorInfo, Fault> {
    let name = read_name(cursor, index, size)?;
    let at = || At::Tensor(name.clone());
    let truncated = || Fault::Truncated { at: at(), size };
    let n_dims = cursor.u32().ok_or_else(truncated)?;
    if n_dims > DIMS_MAX {
        let (found, expected) = (format!("{n_dims} dimensions"), format!("at most {DIMS_MAX}"));
        return Err(Fault::Dims { at: at(), found, expected });
    }
    let mut shape = Vec::new();
    for _ in 0..n_dims {
        shape.push(cursor.u64().ok_or_else(truncated)?);
    }
    let type_id = cursor.u32().ok_or_else(truncated)?;
    let offset = cursor.u64().ok_or_else(truncated)?;
    let n_elements = count_elements(&shape, &at)?;
    let ty = GgmlType::from_id(type_id);
    let n_bytes = ty.map(|ty| count_bytes(&shape, n_elements, ty, &at)).transpose()?;
    Ok(TensorInfo { name, type_id, ty, shape, offset, n_bytes, part: 0, start: 0 })
}

fn read_name(cursor: &mut Cursor<'_>, index: u64, size: usize) -> Result<String, Fault> {
    let at = || At::TensorIndex(index);
    let name = read_string(cursor, &at, size)?;
    let wrong = |found: String| Fault::TensorName { at: at(), found };
    let text = || String::from_utf8_lossy(name.get(..TENSOR_NAME_MAX).unwrap_or(name)).into_owned();
    if name.is_empty() {
        return Err(wrong("an empty name".to_owned()));
    }
    if name.len() > TENSOR_NAME_MAX {
        return Err(wrong(format!("{} bytes that begin with {}", name.len(), text())));
    }
    match std::str::from_utf8(name) {
        Ok(name) if !name.chars().any(char::is_control) => Ok(name.to_owned()),
        _ => Err(wrong(text())),
    }
}

/// Each dimension and their product stay below 2^63; a dimension of zero leaves no element, but hides no other.
fn count_elements(shape: &[u64], at: &dyn Fn() -> At) -> Result<u64, Fault> {
    let wrong = || Fault::Dims { at: at(), found: format!("shape {}", shape_text(shape)), expected: "fewer than 2^63 values".to_owned() };
    let mut product = 1u64;
    for dim in shape.iter().filter(|d| **d != 0) {
        product = product.checked_mul(*dim).filter(|p| *p < COUNT_MAX).ok_or_else(wrong)?;
    }
    Ok(if shape.contains(&0) { 0 } else { product })
}

fn count_bytes(shape: &[u64], n_elements: u64, ty: GgmlType, at: &dyn Fn() -> At) -> Result<u64, Fault> {
    let row = shape.first().copied().unwrap_or(1);
    let (block, block_bytes) = (ty.block_len() as u64, ty.block_bytes() as u64);
    let blocks = |n: u64| n.checked_div(block).filter(|_| n.checked_rem(block) == Some(0));
    if blocks(row).is_none() {
        return Err(Fault::Block { at: at(), row, block: ty.block_len(), ty: ty.name() });
    }
    blocks(n_elements)
        .and_then(|n| n.checked_mul(block_bytes))
        .filter(|bytes| bytes.checked_add(u64::from(ALIGNMENT_MAX)).is_some_and(|b| b < COUNT_MAX))
        .ok_or_else(|| Fault::Size { at: at(), shape: shape_text(shape), ty: ty.name() })
}

/// Finds where each tensor lies in the file; all of it must be there, and belong to no other.
pub(super) fn place(tensors: &mut [TensorInfo], table_end: usize, alignment: u32, size: usize, notes: &mut Notes) -> Result<(), Fault> {
    let size = size as u64;
    let data_start = (table_end as u64).next_multiple_of(u64::from(alignment.max(1)));
    for info in tensors.iter_mut() {
        let bytes = info.n_bytes.unwrap_or(0);
        let start = data_start.saturating_add(info.offset);
        let missing = start.saturating_add(bytes).saturating_sub(size);
        if missing > 0 {
            return Err(Fault::Data { at: At::Tensor(info.name.clone()), bytes, missing });
        }
        info.start = start;
        if info.ty.is_none() {
            notes.types_unknown = notes.types_unknown.saturating_add(1);
        }
    }
    check_overlaps(tensors, data_start, alignment, size, notes)
}

fn check_overlaps(tensors: &[TensorInfo], data_start: u64, alignment: u32, size: u64, notes: &mut Notes) -> Result<(), Fault> {
    let ends = |t: &TensorInfo| t.start.saturating_add(t.n_bytes.unwrap_or(0));
    let mut laid: Vec<&TensorInfo> = tensors.iter().filter(|t| t.n_bytes.is_some_and(|n| n > 0)).collect();
    notes.other_order = !laid.is_sorted_by_key(|t| t.start);
    // A stable sort: of two tensors with one offset the later in the table is the one to blame.
    laid.sort_by_key(|t| t.start);
    for pair in laid.windows(2) {
        let [before, after] = pair else { continue };
        if after.start < ends(before) {
            return Err(Fault::Overlap { at: At::Tensor(after.name.clone()), other: before.name.clone() });
        }
        let padded = ends(before).next_multiple_of(u64::from(alignment.max(1)));
        notes.gap_bytes = notes.gap_bytes.saturating_add(after.start.saturating_sub(padded));
    }
    if notes.types_unknown == 0 {
        let end = laid.last().map_or(data_start, |t| ends(t));
        let padded = end.next_multiple_of(u64::from(alignment.max(1)));
        notes.last_not_padded = !laid.is_empty() && size < padded;
        notes.trailing_bytes = size.saturating_sub(padded);
    }
    Ok(())
}
