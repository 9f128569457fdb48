//! Metadata values, read where they lie in the file's bytes.

use super::cursor::Cursor;
use std::borrow::Cow;
use std::fmt;

/// The type of a metadata value, by the file's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ValueType {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl ValueType {
    pub const ALL: [ValueType; 13] = [
        ValueType::U8,
        ValueType::I8,
        ValueType::U16,
        ValueType::I16,
        ValueType::U32,
        ValueType::I32,
        ValueType::F32,
        ValueType::Bool,
        ValueType::String,
        ValueType::Array,
        ValueType::U64,
        ValueType::I64,
        ValueType::F64,
    ];

    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.id() == id)
    }

    pub fn id(self) -> u32 {
        self as u32
    }

    pub fn name(self) -> &'static str {
        match self {
            ValueType::U8 => "u8",
            ValueType::I8 => "i8",
            ValueType::U16 => "u16",
            ValueType::I16 => "i16",
            ValueType::U32 => "u32",
            ValueType::I32 => "i32",
            ValueType::F32 => "f32",
            ValueType::Bool => "bool",
            ValueType::String => "string",
            ValueType::Array => "array",
            ValueType::U64 => "u64",
            ValueType::I64 => "i64",
            ValueType::F64 => "f64",
        }
    }

    /// For a count of them: "strings", "u8".
    pub fn plural(self) -> &'static str {
        match self {
            ValueType::String => "strings",
            ValueType::Array => "arrays",
            ValueType::Bool => "truth values",
            number => number.name(),
        }
    }

    /// Bytes of a value whose size does not depend on its content.
    pub fn fixed_bytes(self) -> Option<usize> {
        match self {
            ValueType::U8 | ValueType::I8 | ValueType::Bool => Some(1),
            ValueType::U16 | ValueType::I16 => Some(2),
            ValueType::U32 | ValueType::I32 | ValueType::F32 => Some(4),
            ValueType::U64 | ValueType::I64 | ValueType::F64 => Some(8),
            ValueType::String | ValueType::Array => None,
        }
    }

    /// The least bytes a value can take: a string is at least its length, an array its element type and count.
    pub fn least_bytes(self) -> usize {
        match self {
            ValueType::String => 8,
            ValueType::Array => 12,
            _ => self.fixed_bytes().unwrap_or(1),
        }
    }
}

/// A metadata value. Strings are bytes: real files hold some that are not UTF-8, and those are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(&'a [u8]),
    Array(Array<'a>),
    U64(u64),
    I64(i64),
    F64(f64),
}

impl<'a> Value<'a> {
    /// Reads one value. `None` only where the bytes are not those that the validator saw.
    pub(super) fn read(cursor: &mut Cursor<'a>, ty: ValueType) -> Option<Self> {
        Some(match ty {
            ValueType::U8 => Value::U8(cursor.u8()?),
            ValueType::I8 => Value::I8(cursor.array().map(i8::from_le_bytes)?),
            ValueType::U16 => Value::U16(cursor.array().map(u16::from_le_bytes)?),
            ValueType::I16 => Value::I16(cursor.array().map(i16::from_le_bytes)?),
            ValueType::U32 => Value::U32(cursor.u32()?),
            ValueType::I32 => Value::I32(cursor.array().map(i32::from_le_bytes)?),
            ValueType::F32 => Value::F32(cursor.array().map(f32::from_le_bytes)?),
            ValueType::Bool => Value::Bool(cursor.u8()? != 0),
            ValueType::String => {
                let n = usize::try_from(cursor.u64()?).ok()?;
                Value::String(cursor.take(n)?)
            }
            ValueType::Array => Value::Array(Array::read(cursor, 0)?),
            ValueType::U64 => Value::U64(cursor.u64()?),
            ValueType::I64 => Value::I64(cursor.array().map(i64::from_le_bytes)?),
            ValueType::F64 => Value::F64(cursor.array().map(f64::from_le_bytes)?),
        })
    }

    pub fn value_type(&self) -> ValueType {
        match self {
            Value::U8(_) => ValueType::U8,
            Value::I8(_) => ValueType::I8,
            Value::U16(_) => ValueType::U16,
            Value::I16(_) => ValueType::I16,
            Value::U32(_) => ValueType::U32,
            Value::I32(_) => ValueType::I32,
            Value::F32(_) => ValueType::F32,
            Value::Bool(_) => ValueType::Bool,
            Value::String(_) => ValueType::String,
            Value::Array(_) => ValueType::Array,
            Value::U64(_) => ValueType::U64,
            Value::I64(_) => ValueType::I64,
            Value::F64(_) => ValueType::F64,
        }
    }

    /// An integer of any width. Every integer type fits.
    pub fn as_int(&self) -> Option<i128> {
        Some(match *self {
            Value::U8(v) => v.into(),
            Value::I8(v) => v.into(),
            Value::U16(v) => v.into(),
            Value::I16(v) => v.into(),
            Value::U32(v) => v.into(),
            Value::I32(v) => v.into(),
            Value::U64(v) => v.into(),
            Value::I64(v) => v.into(),
            _ => return None,
        })
    }

    /// A floating-point number; an integer is none.
    pub fn as_float(&self) -> Option<f64> {
        match *self {
            Value::F32(v) => Some(v.into()),
            Value::F64(v) => Some(v),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(v) = *self { Some(v) } else { None }
    }

    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        if let Value::String(v) = *self { Some(v) } else { None }
    }

    /// A string, with replacement marks where it is not UTF-8.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        self.as_bytes().map(String::from_utf8_lossy)
    }

    pub fn as_array(&self) -> Option<Array<'a>> {
        if let Value::Array(v) = *self { Some(v) } else { None }
    }

    /// What stands here, in words, for a sentence that expected something else: "u32 7", "an array of 3 strings".
    pub fn describe(&self) -> String {
        match self {
            Value::Array(a) => format!("an array of {} {}", a.len(), a.element().plural()),
            Value::String(s) => format!("a string of {} bytes", s.len()),
            Value::Bool(v) => format!("bool {v}"),
            Value::F32(v) => format!("f32 {v}"),
            Value::F64(v) => format!("f64 {v}"),
            other => format!("{} {}", other.value_type().name(), other.as_int().unwrap_or_default()),
        }
    }
}

/// An array as it lies in the file: nothing is copied, elements are read while iterating.
#[derive(Clone, Copy, PartialEq)]
pub struct Array<'a> {
    element: ValueType,
    len: usize,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// Reads element type and count and steps over the elements. Depth is bounded here too, since the bytes of a map
    /// can change after they were validated.
    fn read(cursor: &mut Cursor<'a>, depth: usize) -> Option<Self> {
        if depth >= super::limits::ARRAY_DEPTH_MAX {
            return None;
        }
        let element = ValueType::from_id(cursor.u32()?)?;
        let len = usize::try_from(cursor.u64()?).ok()?;
        let mut start = cursor.clone();
        match element.fixed_bytes() {
            Some(size) => drop(cursor.take(len.checked_mul(size)?)?),
            None => {
                for _ in 0..len {
                    match element {
                        ValueType::Array => drop(Array::read(cursor, depth.checked_add(1)?)?),
                        _ => drop(Value::read(cursor, element)?),
                    }
                }
            }
        }
        let bytes = start.take(cursor.at().checked_sub(start.at())?)?;
        Some(Self { element, len, bytes })
    }

    pub fn element(&self) -> ValueType {
        self.element
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements as the file has them.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn iter(&self) -> Values<'a> {
        Values { element: self.element, left: self.len, cursor: Cursor::new(self.bytes) }
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}; {}]", self.element.name(), self.len)
    }
}

impl<'a> IntoIterator for Array<'a> {
    type Item = Value<'a>;
    type IntoIter = Values<'a>;

    fn into_iter(self) -> Values<'a> {
        self.iter()
    }
}

/// The elements of an array, in order.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    element: ValueType,
    left: usize,
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        Value::read(&mut self.cursor, self.element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}
