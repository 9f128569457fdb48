//! A conversation as a file for people (Markdown: what is on the screen) or for programs (JSON: the whole tree).

use super::{Conversation, Node};
use crate::protocol::Role;
use jiff::Timestamp;
use serde_json::json;

/// Raised when a field of the JSON changes its meaning.
const JSON_VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Markdown,
    Json,
}

impl ExportFormat {
    pub const NAMES: &'static [&'static str] = &["md", "json"];

    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Some(ExportFormat::Markdown),
            "json" => Some(ExportFormat::Json),
            _ => None,
        }
    }
}

/// The texts exactly as they were said.
pub fn export(conversation: &Conversation, format: ExportFormat) -> String {
    match format {
        ExportFormat::Markdown => markdown(conversation),
        ExportFormat::Json => {
            let whole = json!({
                "format": "ingle conversation",
                "version": JSON_VERSION,
                "conversation": conversation.row,
                "nodes": conversation.tree.nodes(),
            });
            format!("{whole:#}\n")
        }
    }
}

fn markdown(conversation: &Conversation) -> String {
    let tip = conversation.row.tip.or_else(|| conversation.tree.newest());
    let path = tip.map(|tip| conversation.tree.path(tip)).unwrap_or_default();
    let cut = conversation.tree.cut(&path);
    let mut out = format!("# {}\n", conversation.row.title);
    for (at, node) in path.into_iter().enumerate() {
        if let Some(cut) = cut.filter(|cut| cut.n_before == at) {
            out.push_str(&format!("\n---\n\n{}\n", cut.title()));
            out.extend((!cut.node.content.is_empty()).then(|| format!("\n{}\n", cut.node.content.trim_end())));
            out.push_str("\n---\n");
        }
        out.push_str(&format!("\n## {}, {}\n\n", speaker(node), time(node.created_ms)));
        if let Some(thinking) = &node.thinking {
            thinking.lines().for_each(|line| out.push_str(&format!("> {line}\n")));
            out.push('\n');
        }
        out.push_str(node.content.trim_end_matches('\n'));
        out.push('\n');
    }
    out
}

fn speaker(node: &Node) -> String {
    match (node.role, &node.model) {
        (Role::User, _) => "you".to_owned(),
        (Role::Assistant, Some(model)) => format!("{} {}", model.name, model.quantization).trim().to_owned(),
        (role, _) => role.name().to_owned(),
    }
}

fn time(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
