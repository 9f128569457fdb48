//! config.toml as a person first sees it: everything that can be said, commented out, with its default and its help.

use super::entries::{Config, ENTRIES, Entry};
use crate::protocol::{SETTINGS, Setting, Value};
use std::fmt::Write;

/// Made from the tables, so it never lags behind them.
pub fn template() -> String {
    let mut out = "# ingle's config. Each line shows a default; remove its # to change it.\n".to_owned();
    let defaults = Config::default();
    let mut section = "";
    for entry in ENTRIES {
        if entry.section != section {
            section = entry.section;
            line(&mut out, format_args!("\n[{section}]"));
        }
        line(&mut out, format_args!("\n# {}", help(entry)));
        line(&mut out, format_args!("# {} = {}", entry.name, (entry.get)(&defaults)));
    }
    line(&mut out, format_args!("\n# For every model, unless a conversation says otherwise.\n[settings]"));
    for row in SETTINGS {
        line(&mut out, format_args!("\n# {} ({})\n# {} = {}", row.help, row.expected(), row.name, toml_value(row)));
    }
    line(&mut out, format_args!("\n# The same for one model.\n# [models.\"NAME\"]"));
    out
}

fn help(entry: &Entry) -> String {
    match entry.kind {
        super::EntryKind::Choice(names) => format!("{} ({})", entry.help, names.join(", ")),
        _ => entry.help.to_owned(),
    }
}

fn toml_value(row: &Setting) -> String {
    match row.default.value() {
        Value::Int(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}"),
        Value::Text(v) => one_line(&v),
        Value::Texts(v) => format!("[{}]", v.iter().map(|text| one_line(text)).collect::<Vec<_>>().join(", ")),
    }
}

/// A text in quotes that stays on its line, as JSON and TOML both write it.
fn one_line(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(out, "{text}");
}
