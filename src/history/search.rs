//! Full-text search. Where the index knows no such word (parts of words, scripts without spaces) the texts are read.

use super::{FOUND_END, FOUND_START, Hit};
use crate::protocol::{ConversationId, NodeId, Role};
use rusqlite::{Connection, Row, params};

/// Words of a snippet.
const SNIPPET_WORDS: i32 = 16;
/// Characters on either side of a place that was found by reading.
const AROUND_CHARS: usize = 50;

pub fn search(db: &Connection, words: &str, n_max: u32) -> rusqlite::Result<Vec<Hit>> {
    let Some(query) = query(words) else { return Ok(Vec::new()) };
    let sql = "SELECT c.id, c.title, node.id, node.role, node.created, snippet(node_text, 0, ?2, ?3, '…', ?4)
        FROM node_text JOIN node ON node.n = node_text.rowid JOIN conversation c ON c.id = node.conversation
        WHERE node_text MATCH ?1 ORDER BY rank LIMIT ?5";
    let (start, end) = (FOUND_START.to_string(), FOUND_END.to_string());
    let found: Vec<Hit> =
        db.prepare_cached(sql)?.query_map(params![query, start, end, SNIPPET_WORDS, n_max], hit)?.collect::<rusqlite::Result<_>>()?;
    if found.is_empty() { read_through(db, words.trim(), n_max) } else { Ok(found) }
}

/// Each word as a text of its own, so that no sign in it is an operator; the last as a beginning. What was said is looked
/// through, not what was thought.
fn query(words: &str) -> Option<String> {
    let quoted: Vec<String> = words.split_whitespace().map(|w| format!("\"{}\"", w.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| format!("content : ({}*)", quoted.join(" ")))
}

fn read_through(db: &Connection, text: &str, n_max: u32) -> rusqlite::Result<Vec<Hit>> {
    let sql = "SELECT c.id, c.title, node.id, node.role, node.created, node.content
        FROM node JOIN conversation c ON c.id = node.conversation
        WHERE node.status <> 'unsent' AND node.content LIKE '%' || ?1 || '%' ESCAPE '\\' ORDER BY node.n DESC LIMIT ?2";
    let hits = db.prepare_cached(sql)?.query_map(params![escape(text), n_max], hit)?.collect::<rusqlite::Result<Vec<Hit>>>()?;
    Ok(hits.into_iter().map(|h| Hit { snippet: snippet(&h.snippet, text), ..h }).collect())
}

/// A text for LIKE with `\` as its escape.
pub fn escape(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// The place around `text`, which LIKE found without regard to the case of ASCII letters.
fn snippet(content: &str, text: &str) -> String {
    let at = content.to_ascii_lowercase().find(&text.to_ascii_lowercase()).unwrap_or(0);
    let (before, rest) = content.split_at(at);
    let (found, after) = rest.split_at_checked(text.len()).unwrap_or((rest, ""));
    let n_cut = before.chars().count().saturating_sub(AROUND_CHARS);
    let mut out = if n_cut > 0 { "…".to_owned() } else { String::new() };
    out.extend(before.chars().skip(n_cut));
    out.push(FOUND_START);
    out.push_str(found);
    out.push(FOUND_END);
    out.extend(after.chars().take(AROUND_CHARS));
    if after.chars().nth(AROUND_CHARS).is_some() {
        out.push('…');
    }
    out
}

fn hit(r: &Row<'_>) -> rusqlite::Result<Hit> {
    Ok(Hit {
        conversation: ConversationId(r.get(0)?),
        title: r.get(1)?,
        node: NodeId(r.get(2)?),
        role: Role::from_name(&r.get::<_, String>(3)?).unwrap_or(Role::User),
        created_ms: u64::try_from(r.get::<_, i64>(4)?).unwrap_or(0),
        snippet: r.get(5)?,
    })
}
