//! Methods of Python's values that templates call, where minijinja-contrib's are missing or differ.

use minijinja::value::{Tuple, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

pub(super) fn call(state: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let own = match value.as_str() {
        Some(text) => text_method(text, method, args)?,
        None => None,
    };
    own.map_or_else(|| pycompat::unknown_method_callback(state, value, method, args), Ok)
}

/// White space as Python's text methods see it: Unicode's, and four separators among the controls.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Whether a character goes when text is stripped: of a set, or white space.
fn stripped(set: Option<&str>) -> impl Fn(char) -> bool + '_ {
    move |c| set.map_or_else(|| is_space(c), |set| set.contains(c))
}

pub(super) fn strip<'t>(text: &'t str, set: Option<&str>) -> &'t str {
    text.trim_matches(stripped(set))
}

fn text_method(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let one = |args| from_args::<(Option<&str>,)>(args).map(|(set,)| set);
    let wanted = |args| from_args::<(&str,)>(args).map(|(text,)| text);
    Ok(Some(match method {
        "strip" => Value::from(strip(text, one(args)?)),
        "lstrip" => Value::from(text.trim_start_matches(stripped(one(args)?))),
        "rstrip" => Value::from(text.trim_end_matches(stripped(one(args)?))),
        "split" if args.is_empty() => text.split(is_space).filter(|word| !word.is_empty()).map(Value::from).collect(),
        "removeprefix" => Value::from(text.strip_prefix(wanted(args)?).unwrap_or(text)),
        "removesuffix" => Value::from(text.strip_suffix(wanted(args)?).unwrap_or(text)),
        "partition" | "rpartition" => partition(text, method, wanted(args)?)?,
        _ => return Ok(None),
    }))
}

fn partition(text: &str, method: &str, separator: &str) -> Result<Value, Error> {
    if separator.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOperation, "empty separator"));
    }
    let (found, whole) = match method {
        "partition" => (text.split_once(separator), [text, "", ""]),
        _ => (text.rsplit_once(separator), ["", "", text]),
    };
    let parts = found.map_or(whole, |(before, after)| [before, separator, after]);
    Ok(Value::from(Tuple::from(parts.map(Value::from))))
}
