//! What a template is rendered with.

use super::jinja::Fault;
use crate::protocol::{Message, Role};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What templates call an earlier turn's thinking; most the first, gpt-oss and LFM the second, Solar and Apriel their own.
const THINKING_NAMES: &[&str] = &["reasoning_content", "thinking", "reasoning", "thought"];

/// Everything a template can ask for. As JSON it is what `ingle render` reads and what the rendering process is handed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RenderInput {
    /// `[{"role", "content", ...}]`: the order of keys matters.
    pub messages: Value,
    /// Null where there are none: defined and none, as in transformers.
    pub tools: Value,
    pub add_generation_prompt: bool,
    /// Null: the model's own; where there is no model, empty.
    pub bos_token: Option<String>,
    pub eos_token: Option<String>,
    /// Further names that templates know: `enable_thinking` and the like.
    pub kwargs: Map<String, Value>,
    /// What `strftime_now` tells: "2026-01-02T03:04:05".
    pub now: String,
}

impl RenderInput {
    /// A conversation without tools or further names.
    pub fn of(messages: &[Message], add_generation_prompt: bool, now: DateTime) -> Self {
        let message = |m: &Message| {
            let mut object = Map::new();
            object.insert("role".to_owned(), m.role.name().into());
            object.insert("content".to_owned(), m.content.as_str().into());
            // A template keeps or drops it as it wants; it is never part of the content.
            if let Some(thinking) = m.thinking.as_deref().filter(|_| m.role == Role::Assistant) {
                object.insert(THINKING_NAMES[0].to_owned(), thinking.into());
            }
            Value::Object(object)
        };
        let messages = messages.iter().map(message).collect();
        Self { messages, add_generation_prompt, now: now.to_string(), ..Self::default() }
    }

    /// Thinking under the name that this template reads.
    pub(super) fn with_thinking_named_for(mut self, template: &str) -> Self {
        let reads = |name: &&&str| template.contains(&format!(".{name}")) || template.contains(&format!("'{name}'"));
        let name = THINKING_NAMES.iter().find(reads).unwrap_or(&THINKING_NAMES[0]);
        for message in self.messages.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(thinking) = message.remove(THINKING_NAMES[0]) {
                message.insert((*name).to_owned(), thinking);
            }
        }
        self
    }

    pub(super) fn now(&self) -> Result<DateTime, Fault> {
        self.now.parse().map_err(|_| Fault::Time { now: self.now.clone() })
    }
}
