//! Filters, tests and globals that differ from minijinja's, or are missing there.

use super::text::{self, JsonStyle};
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value, filters};

pub(super) fn add_to(env: &mut Environment<'_>) {
    env.add_filter("tojson", tojson);
    env.add_filter("string", |value: &Value| text::of(value));
    env.add_filter("join", join);
    env.add_filter("indent", indent);
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_filter("items", items);
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter("int", int);
    env.add_filter("first", |value: &Value| if value.is_undefined() { Ok(Value::UNDEFINED) } else { filters::first(value) });
    env.add_filter("trim", |value: &Value, set: Option<&str>| super::methods::strip(&text::of(value), set).to_owned());
    // None is not iterable and undefined is; text and mappings are sequences, for they have a length and an index.
    env.add_test("iterable", |value: &Value| !matches!(value.kind(), ValueKind::None | ValueKind::Bool | ValueKind::Number));
    env.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
    });
    env.add_function("cycler", |items: Rest<Value>| minijinja_contrib::globals::cycler(items.0));
    env.add_function("joiner", minijinja_contrib::globals::joiner);
}

fn wrong(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

fn tojson(value: &Value, kwargs: Kwargs) -> Result<String, Error> {
    let separator = |pair: &Value, i| pair.get_item_by_index(i).map(|s| text::of(&s));
    let separators = match kwargs.get::<Option<Value>>("separators")? {
        Some(pair) => Some((separator(&pair, 0)?, separator(&pair, 1)?)),
        None => None,
    };
    let flag = |name| kwargs.get::<Option<bool>>(name).map(|f| f.unwrap_or(false));
    let style = JsonStyle {
        indent: kwargs.get("indent")?,
        separators: separators.as_ref().map(|(item, key)| (item.as_str(), key.as_str())),
        ensure_ascii: flag("ensure_ascii")?,
        sort_keys: flag("sort_keys")?,
    };
    kwargs.assert_all_used()?;
    text::json(value, style)
}

fn join(value: &Value, separator: Option<&str>, kwargs: Kwargs) -> Result<String, Error> {
    let separator = match separator {
        Some(separator) => Some(separator.to_owned()),
        None => kwargs.get::<Option<String>>("d")?,
    };
    let attribute: Option<Value> = kwargs.get("attribute")?;
    kwargs.assert_all_used()?;
    let item = |item: Value| attribute.as_ref().map_or(Ok(text::of(&item)), |name| item.get_item(name).map(|v| text::of(&v)));
    let texts = value.try_iter()?.map(item).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join(&separator.unwrap_or_default()))
}

/// Every line but the first is indented, if it is not empty; `first` and `blank` change that.
fn indent(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let argument = |i: usize, name| kwargs.get::<Option<Value>>(name).map(|named| args.get(i).cloned().or(named));
    let width = argument(0, "width")?;
    let first = argument(1, "first")?.is_some_and(|v| v.is_true());
    let blank = argument(2, "blank")?.is_some_and(|v| v.is_true());
    kwargs.assert_all_used()?;
    let pad = match &width {
        None => " ".repeat(4),
        Some(width) => match (width.as_str(), width.as_usize()) {
            (Some(pad), _) => pad.to_owned(),
            (None, Some(n)) => " ".repeat(n),
            _ => return Err(wrong("indent takes a number or a text")),
        },
    };
    // Jinja2 adds a line break before it cuts the lines, so that one at the end stays.
    let text = text::of(value) + "\n";
    let line = |(i, line): (usize, &str)| {
        let padded = if i == 0 { first } else { blank || !line.is_empty() };
        if padded { format!("{pad}{line}") } else { line.to_owned() }
    };
    Ok(text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n"))
}

fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() { Ok(0) } else { filters::length(value) }
}

fn items(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() { Ok(Value::from(Vec::<Value>::new())) } else { filters::items(value) }
}

fn default(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let argument = |i: usize, name| kwargs.get::<Option<Value>>(name).map(|named| args.get(i).cloned().or(named));
    let other = argument(0, "default_value")?.unwrap_or_else(|| Value::from(""));
    let any_false = argument(1, "boolean")?.is_some_and(|v| v.is_true());
    kwargs.assert_all_used()?;
    let replaced = value.is_undefined() || (any_false && !value.is_true());
    Ok(if replaced { other } else { value.clone() })
}

/// What is no number gives the default.
fn int(state: &minijinja::State<'_, '_>, value: &Value, default: Option<Value>, base: Option<u32>, kwargs: Kwargs) -> Result<Value, Error> {
    let fallback = default.clone().map_or_else(|| Ok(kwargs.get::<Option<Value>>("default")?.unwrap_or(Value::from(0))), Ok::<_, Error>)?;
    Ok(filters::int(state, value, default, base, kwargs).unwrap_or(fallback))
}
