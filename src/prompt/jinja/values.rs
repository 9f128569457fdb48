//! JSON as template values.

use super::text;
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectExt, ObjectRepr};
use std::fmt;
use std::sync::Arc;

/// Names that a mapping has as methods: `x.items` is the method even where the mapping has such a key.
const METHODS: &[&str] = &["copy", "get", "items", "keys", "pop", "setdefault", "update", "values"];

/// A mapping from JSON, in the order of its keys.
#[derive(Debug)]
pub(super) struct Dict {
    entries: Vec<(Value, Value)>,
}

/// A mapping's method that was not called: all a template can see is that it is there.
#[derive(Debug)]
struct Method(String);

impl Dict {
    fn find(&self, key: &Value) -> Option<Value> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone())
    }
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.find(key)
    }

    /// `x.key`, whereas `x['key']` comes to `get_value`.
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if METHODS.contains(&key) {
            return Some(Value::from_object(Method(key.to_owned())));
        }
        self.find(&Value::from(key))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_enumerator(|this| Box::new(this.entries.iter().map(|(k, _)| k.clone())))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.entries.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::of(&Value::from_dyn_object(self.clone())))
    }
}

impl Object for Method {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<built-in method {} of dict object>", self.0)
    }
}

pub(super) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(b) => Value::from(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Value::from(i),
            (_, Some(u)) => Value::from(u),
            _ => Value::from(n.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(s) => Value::from(s.as_str()),
        serde_json::Value::Array(items) => items.iter().map(from_json).collect(),
        serde_json::Value::Object(map) => {
            let entries = map.iter().map(|(k, v)| (Value::from(k.as_str()), from_json(v))).collect();
            Value::from_object(Dict { entries })
        }
    }
}
