//! Values as Python writes them: `str`, `repr` and `json.dumps`.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use std::fmt::Write;

/// `str(value)`: what `{{ }}`, `~`, `|string` and `|join` give.
pub(super) fn of(value: &Value) -> String {
    match (value.kind(), value.as_str()) {
        (_, Some(text)) => text.to_owned(),
        (ValueKind::Undefined, _) => String::new(),
        _ => {
            let mut out = String::new();
            repr(value, &mut out);
            out
        }
    }
}

/// `repr(value)`: as it stands inside a list.
fn repr(value: &Value, out: &mut String) {
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::String => repr_str(value.as_str().unwrap_or_default(), out),
        ValueKind::Number => number(value, out),
        ValueKind::Map => {
            items(out, ["{", ", ", "}"], value, |key, out| {
                repr(key, out);
                out.push_str(": ");
                repr(&value.get_item(key).unwrap_or_default(), out);
            });
        }
        ValueKind::Seq | ValueKind::Iterable if value.is_tuple() => {
            let last = if value.len() == Some(1) { ",)" } else { ")" };
            items(out, ["(", ", ", last], value, repr);
        }
        ValueKind::Seq | ValueKind::Iterable => items(out, ["[", ", ", "]"], value, repr),
        _ => _ = write!(out, "{value}"),
    }
}

fn items(out: &mut String, [open, between, close]: [&str; 3], of: &Value, mut each: impl FnMut(&Value, &mut String)) {
    out.push_str(open);
    for (i, item) in of.try_iter().into_iter().flatten().enumerate() {
        out.push_str(if i == 0 { "" } else { between });
        each(&item, out);
    }
    out.push_str(close);
}

/// Single quotes, unless there are only single ones inside.
fn repr_str(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if (c as u32) < 0x20 || (0x7F..0xA0).contains(&(c as u32)) || c == '\u{ad}' => _ = write!(out, "\\x{:02x}", c as u32),
            c => out.push(c),
        }
    }
    out.push(quote);
}

fn number(value: &Value, out: &mut String) {
    match f64::try_from(value.clone()) {
        Ok(float) if !value.is_integer() => out.push_str(&float_text(float)),
        _ => _ = write!(out, "{value}"),
    }
}

/// The shortest digits that give the number back, in Python's choice of form.
fn float_text(float: f64) -> String {
    if !float.is_finite() {
        return if float.is_nan() { "nan".to_owned() } else { if float > 0.0 { "inf" } else { "-inf" }.to_owned() };
    }
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// How JSON is laid out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JsonStyle<'s> {
    pub(super) indent: Option<usize>,
    pub(super) separators: Option<(&'s str, &'s str)>,
    pub(super) ensure_ascii: bool,
    pub(super) sort_keys: bool,
}

/// `json.dumps(value, ...)`
pub(super) fn json(value: &Value, style: JsonStyle<'_>) -> Result<String, Error> {
    let mut writer = JsonWriter { out: String::new(), style, depth: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct JsonWriter<'s> {
    out: String,
    style: JsonStyle<'s>,
    depth: usize,
}

impl JsonWriter<'_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => {
                let from = self.out.len();
                number(value, &mut self.out);
                let word = match &self.out[from..] {
                    "nan" => "NaN",
                    "inf" => "Infinity",
                    "-inf" => "-Infinity",
                    _ => return Ok(()),
                };
                self.out.replace_range(from.., word);
            }
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.container(['[', ']'], items.iter(), |this, item| this.value(item))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.style.sort_keys {
                    keys.sort();
                }
                self.container(['{', '}'], keys.iter(), |this, key| {
                    this.string(&json_key(key));
                    this.out.push_str(this.style.separators.map_or(": ", |s| s.1));
                    this.value(&value.get_item(key)?)
                })?;
            }
            kind => return Err(Error::new(ErrorKind::InvalidOperation, format!("{kind} cannot be written as JSON"))),
        }
        Ok(())
    }

    fn container<'v>(
        &mut self,
        [open, close]: [char; 2],
        items: impl ExactSizeIterator<Item = &'v Value>,
        mut each: impl FnMut(&mut Self, &'v Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let n = items.len();
        self.out.push(open);
        self.depth += 1;
        // With an indent the line break stands for the blank behind the comma.
        let between = self.style.separators.map_or(if self.style.indent.is_some() { "," } else { ", " }, |s| s.0);
        for (i, item) in items.enumerate() {
            self.out.push_str(if i == 0 { "" } else { between });
            self.line();
            each(self, item)?;
        }
        self.depth -= 1;
        if n > 0 {
            self.line();
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self) {
        if let Some(indent) = self.style.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * self.depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if (c as u32) < 0x20 || (self.style.ensure_ascii && !c.is_ascii()) || (c == '\u{7f}' && self.style.ensure_ascii) => {
                    c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| _ = write!(self.out, "\\u{unit:04x}"));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// Keys that are not text are written as Python's `json` does.
fn json_key(key: &Value) -> String {
    match key.kind() {
        ValueKind::Bool => of(key).to_lowercase(),
        ValueKind::None => "null".to_owned(),
        _ => of(key),
    }
}
