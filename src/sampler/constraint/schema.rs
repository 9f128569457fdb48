//! A JSON schema before it is compiled: its limits, and which part of it is to blame.

use super::error::{GrammarError, cause};
use serde_json::{Map, Value, json};

const BYTES_MAX: usize = 256 << 10;
const DEPTH_MAX: usize = 64;
/// References may name each other in a row, and are followed one inside the other.
const REFS_MAX: usize = 2_000;
/// Parts that are compiled alone to find the one to blame.
const BLAMED_MAX: usize = 200;
/// As llama.cpp lays out JSON: a model that is unsure does not fill its answer with white space.
const WHITE_SPACE: &str = r" |\n{1,2}[ \t]{0,20}";
/// llguidance reads its own options here.
const OPTIONS: &str = "x-guidance";
/// Where other parts of a schema are defined.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// Where schemas lie in a schema: by name, and alone or in a list.
const MAPS: [&str; 4] = ["properties", "patternProperties", DEFINITIONS[0], DEFINITIONS[1]];
const ONE_OR_LIST: [&str; 6] = ["items", "additionalProperties", "prefixItems", "anyOf", "oneOf", "allOf"];

/// The schema of `--json-schema`, within its limits.
pub(super) fn read(text: &str) -> Result<Value, GrammarError> {
    if text.len() > BYTES_MAX {
        return Err(GrammarError::Long { kind: "JSON schema", found: text.len(), max: BYTES_MAX });
    }
    let mut schema: Value = serde_json::from_str(text).map_err(|error| GrammarError::NoJson { what: error.to_string() })?;
    check(&schema)?;
    if !merges(&schema) {
        close(&mut schema);
    }
    if let Some(top) = schema.as_object_mut().filter(|top| !top.contains_key(OPTIONS)) {
        top.insert(OPTIONS.to_owned(), json!({ "whitespace_pattern": WHITE_SPACE }));
    }
    Ok(schema)
}

/// Objects that name their properties have no others unless the schema says so, as llama.cpp reads it
/// (common/json-schema-to-grammar.cpp): else a model that is unsure goes on with keys of its own.
fn close(schema: &mut Value) {
    const OPEN: [&str; 6] = ["additionalProperties", "patternProperties", "unevaluatedProperties", "anyOf", "oneOf", "$ref"];
    let Some(map) = schema.as_object_mut() else { return };
    if map.contains_key("properties") && !OPEN.iter().any(|key| map.contains_key(*key)) {
        map.insert(OPEN[0].to_owned(), json!(false));
    }
    for (key, value) in map {
        match value {
            Value::Object(parts) if MAPS.contains(&key.as_str()) => parts.values_mut().for_each(close),
            Value::Array(parts) if ONE_OR_LIST.contains(&key.as_str()) => parts.iter_mut().for_each(close),
            part if ONE_OR_LIST.contains(&key.as_str()) => close(part),
            _ => {}
        }
    }
}

/// Whether some object is the meeting of several, each of which names its own part of the properties.
fn merges(schema: &Value) -> bool {
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        if value.get("allOf").is_some() {
            return true;
        }
        open.extend(inside(value).map(|(_, value)| value));
    }
    false
}

/// An object of any kind.
pub(super) fn any_object() -> Value {
    json!({ "type": "object", OPTIONS: { "whitespace_pattern": WHITE_SPACE } })
}

fn check(schema: &Value) -> Result<(), GrammarError> {
    let mut open = vec![("#".to_owned(), schema, 1)];
    let mut refs = 0;
    while let Some((path, value, depth)) = open.pop() {
        if depth > DEPTH_MAX {
            return Err(GrammarError::Schema { path, what: format!("it is nested more than {DEPTH_MAX} deep") });
        }
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            refs += 1;
            if !target.starts_with('#') {
                return Err(GrammarError::Schema { path, what: format!("$ref {target} leads out of the schema") });
            }
        }
        open.extend(inside(value).map(|(key, value)| (format!("{path}/{key}"), value, depth + 1)));
    }
    match refs {
        0..=REFS_MAX => Ok(()),
        found => Err(GrammarError::Many { kind: "JSON schema", what: "references", found, max: REFS_MAX }),
    }
}

/// What lies directly in a value, by its key or place. Scalars have nothing inside and are not told.
fn inside(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    let nested = |value: &&Value| value.is_object() || value.is_array();
    let entries = value.as_object().into_iter().flatten().map(|(key, value)| (escaped(key), value));
    let items = value.as_array().into_iter().flatten().enumerate().map(|(at, value)| (at.to_string(), value));
    entries.chain(items).filter(move |(_, value)| nested(value))
}

/// A key in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A schema that does not compile: the smallest part of it that does not compile alone, and why.
pub(super) fn blame(schema: &Value, error: &impl std::fmt::Display, compile: impl Fn(Value) -> Result<(), String>) -> GrammarError {
    let (mut path, mut part, mut what) = ("#".to_owned(), schema, cause(error));
    let mut tried = 0;
    while let Some((key, inner, inner_what)) = subschemas(part).into_iter().find_map(|(key, inner)| {
        tried += 1;
        let refused = (tried <= BLAMED_MAX).then(|| compile(with_definitions(inner, schema)).err())??;
        Some((key, inner, refused))
    }) {
        path = format!("{path}/{key}");
        (part, what) = (inner, inner_what);
    }
    GrammarError::Schema { path, what: cause(&what) }
}

/// A part may name what the whole defines.
fn with_definitions(part: &Value, whole: &Value) -> Value {
    let mut part = part.as_object().cloned().unwrap_or_else(Map::new);
    for key in DEFINITIONS {
        if let Some(definitions) = whole.get(key).filter(|_| !part.contains_key(key)) {
            part.insert(key.to_owned(), definitions.clone());
        }
    }
    Value::Object(part)
}

/// The schemas directly inside a schema.
fn subschemas(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in schema.as_object().into_iter().flatten() {
        if MAPS.contains(&key.as_str()) || (ONE_OR_LIST.contains(&key.as_str()) && value.is_array()) {
            found.extend(inside(value).map(|(inner, value)| (format!("{key}/{inner}"), value)));
        } else if ONE_OR_LIST.contains(&key.as_str()) {
            found.push((key.clone(), value));
        }
    }
    found.retain(|(_, value)| value.is_object());
    found
}
