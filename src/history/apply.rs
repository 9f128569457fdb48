//! A write as SQL. Each may be applied twice: a commit whose end was not seen is tried again.

use super::writer::Growing;
use super::{End, HistoryError, ModelRecord, NewNode, Write, owner, title};
use crate::protocol::{ConversationId, FinishReason, NodeId, Role, Statistics};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

/// What writes need besides the database.
pub struct Place<'a> {
    /// Our own id, as streaming rows carry it.
    pub owner: &'a str,
    /// Where the locks of running ingles are.
    pub running: &'a Path,
}

pub fn apply(db: &Connection, place: &Place<'_>, write: &Write, growing: Option<&Growing>) -> Result<(), HistoryError> {
    match write {
        Write::Message(new) => message(db, new),
        Write::Begin(new) => begin(db, place, new),
        // Kept in memory by the writer and stored by `grow`.
        Write::Grow { .. } => Ok(()),
        Write::End { node, end, statistics } => end_answer(db, *node, end, statistics.as_deref(), growing),
        Write::Continue { node } => go_on(db, place, *node),
        Write::Unsent { node, conversation, parent, text, now_ms } => unsent(db, *node, *conversation, *parent, text, *now_ms),
        Write::Tip { conversation, tip } => {
            let sql = "UPDATE conversation SET tip = ?2 WHERE id = ?1 AND EXISTS (SELECT 1 FROM node WHERE id = ?2 AND conversation = ?1)";
            one(db.execute(sql, params![conversation.0, tip.0])?, "such branch")
        }
        Write::Rename { conversation, title } => rename(db, *conversation, title),
        Write::Star { conversation, starred } => {
            one(db.execute("UPDATE conversation SET starred = ?2 WHERE id = ?1", params![conversation.0, starred])?, "such conversation")
        }
        Write::Settings { conversation, settings } => {
            let sql = "UPDATE conversation SET settings = ?2 WHERE id = ?1";
            one(db.execute(sql, params![conversation.0, json(settings)])?, "such conversation")
        }
        Write::Model(record) => model(db, record),
        Write::Delete { conversation } => delete(db, *conversation),
        Write::DeleteNode { node } => delete_node(db, *node),
    }
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        HistoryError::Refused(error)
    }
}

fn one(n_rows: usize, what: &'static str) -> Result<(), HistoryError> {
    if n_rows == 0 { Err(HistoryError::Missing { what }) } else { Ok(()) }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data with text keys is always JSON")
}

/// SQLite's whole numbers are signed; a time that does not fit is not one.
fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn conversation(db: &Connection, id: ConversationId, created_ms: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO conversation (id, created, updated) VALUES (?1, ?2, ?2) ON CONFLICT (id) DO NOTHING";
    db.prepare_cached(sql)?.execute(params![id.0, time(created_ms)]).map(drop)
}

/// A node hangs under one of its own conversation, or the walk from the tip would leave it.
fn check_parent(db: &Connection, parent: Option<NodeId>, of: ConversationId) -> Result<(), HistoryError> {
    let Some(parent) = parent else { return Ok(()) };
    let sql = "SELECT 1 FROM node WHERE id = ?1 AND conversation = ?2 AND status <> 'unsent'";
    let there = db.prepare_cached(sql)?.exists(params![parent.0, of.0])?;
    one(usize::from(there), "message that this one answers")
}

fn insert(db: &Connection, new: &NewNode, status: &str, owner: Option<&str>) -> Result<(), HistoryError> {
    conversation(db, new.conversation, new.created_ms)?;
    check_parent(db, new.parent, new.conversation)?;
    let sql = "INSERT INTO node (id, conversation, parent, role, created, status, content, model, settings, owner)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (id) DO UPDATE SET
            parent = excluded.parent, role = excluded.role, created = excluded.created, status = excluded.status,
            content = excluded.content, model = excluded.model, settings = excluded.settings, owner = excluded.owner
        WHERE status = 'unsent'";
    db.prepare_cached(sql)?.execute(params![
        new.id.0,
        new.conversation.0,
        new.parent.map(|p| p.0),
        new.role.name(),
        time(new.created_ms),
        status,
        new.content,
        new.model.as_ref().map(|f| &f.0),
        json(&new.settings),
        owner,
    ])?;
    let sql = "UPDATE conversation SET tip = ?2, updated = max(updated, ?3) WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![new.conversation.0, new.id.0, time(new.created_ms)])?;
    Ok(())
}

fn message(db: &Connection, new: &NewNode) -> Result<(), HistoryError> {
    insert(db, new, "sent", None)?;
    if new.role == Role::User {
        let sql = "UPDATE conversation SET title = ?2 WHERE id = ?1 AND title = ''";
        db.prepare_cached(sql)?.execute(params![new.conversation.0, title::of(&new.content)])?;
    }
    Ok(())
}

fn begin(db: &Connection, place: &Place<'_>, new: &NewNode) -> Result<(), HistoryError> {
    insert(db, new, "streaming", Some(place.owner))
}

/// What a streaming answer is by now, whole.
pub fn grow(db: &Connection, node: NodeId, growing: &Growing) -> Result<(), HistoryError> {
    let sql = "UPDATE node SET content = ?2, thinking = ?3, tokens = ?4 WHERE id = ?1 AND status = 'streaming'";
    let n = db.prepare_cached(sql)?.execute(params![node.0, growing.content, growing.thinking(), growing.tokens])?;
    one(n, "such streaming answer")
}

fn end_answer(
    db: &Connection,
    node: NodeId,
    end: &End,
    statistics: Option<&Statistics>,
    growing: Option<&Growing>,
) -> Result<(), HistoryError> {
    let growing = growing.ok_or(HistoryError::Missing { what: "such streaming answer" })?;
    let (status, finish, report) = match end {
        End::Finished(FinishReason::Cancelled) => ("stopped", Some(FinishReason::Cancelled), None),
        End::Finished(reason) => ("done", Some(*reason), None),
        End::Failed(report) => ("failed", None, Some(report)),
    };
    let sql = "UPDATE node SET content = ?2, thinking = ?3, tokens = ?4, status = ?5, finish = ?6, report = ?7, statistics = ?8,
        owner = NULL WHERE id = ?1";
    let n = db.prepare_cached(sql)?.execute(params![
        node.0,
        growing.content,
        growing.thinking(),
        growing.tokens,
        status,
        finish.map(finish_name),
        report.map(json),
        statistics.map(json),
    ])?;
    one(n, "such streaming answer")
}

pub fn finish_name(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Done => "done",
        FinishReason::StopString => "stop_string",
        FinishReason::Length => "length",
        FinishReason::Context => "context",
        FinishReason::Cancelled => "cancelled",
    }
}

/// An answer that another living ingle writes is left to it.
fn go_on(db: &Connection, place: &Place<'_>, node: NodeId) -> Result<(), HistoryError> {
    let sql = "SELECT owner FROM node WHERE id = ?1 AND role = 'assistant' AND status <> 'unsent'";
    let found: Option<Option<String>> = db.query_row(sql, [node.0], |r| r.get(0)).optional()?;
    let Some(other) = found else { return Err(HistoryError::Missing { what: "such answer" }) };
    if other.is_some_and(|id| id != place.owner && owner::is_live(place.running, &id)) {
        return Err(HistoryError::Missing { what: "such answer that no other ingle is writing" });
    }
    let sql = "UPDATE node SET status = 'streaming', owner = ?2, finish = NULL, report = NULL WHERE id = ?1";
    one(db.execute(sql, params![node.0, place.owner])?, "such answer")
}

fn unsent(db: &Connection, node: NodeId, of: ConversationId, parent: Option<NodeId>, text: &str, now_ms: u64) -> Result<(), HistoryError> {
    if text.is_empty() {
        db.execute("DELETE FROM node WHERE id = ?1 AND status = 'unsent'", [node.0])?;
        let sql = "DELETE FROM conversation WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM node WHERE conversation = ?1)";
        db.execute(sql, [of.0])?;
        return Ok(());
    }
    conversation(db, of, now_ms)?;
    check_parent(db, parent, of)?;
    let sql = "INSERT INTO node (id, conversation, parent, role, created, status, content) VALUES (?1, ?2, ?3, 'user', ?4, 'unsent', ?5)
        ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, content = excluded.content WHERE status = 'unsent'";
    db.prepare_cached(sql)?.execute(params![node.0, of.0, parent.map(|p| p.0), time(now_ms), text])?;
    Ok(())
}

fn rename(db: &Connection, id: ConversationId, given: &str) -> Result<(), HistoryError> {
    let given = given.trim();
    let first = "SELECT content FROM node WHERE conversation = ?1 AND role = 'user' AND status = 'sent' ORDER BY id LIMIT 1";
    let title = if given.is_empty() {
        let message: Option<String> = db.query_row(first, [id.0], |r| r.get(0)).optional()?;
        title::of(&message.unwrap_or_default())
    } else {
        given.to_owned()
    };
    let sql = "UPDATE conversation SET title = ?2, renamed = ?3 WHERE id = ?1";
    one(db.execute(sql, params![id.0, title, !given.is_empty()])?, "such conversation")
}

fn model(db: &Connection, record: &ModelRecord) -> Result<(), HistoryError> {
    let sql = "INSERT INTO model (fingerprint, name, path, facts) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name, path = excluded.path, facts = excluded.facts";
    let path = record.path.as_ref().map(|p| p.to_string_lossy());
    db.execute(sql, params![record.fingerprint.0, record.facts.name, path, json(&record.facts)])?;
    Ok(())
}

fn delete(db: &Connection, id: ConversationId) -> Result<(), HistoryError> {
    db.execute("DELETE FROM node WHERE conversation = ?1", [id.0])?;
    one(db.execute("DELETE FROM conversation WHERE id = ?1", [id.0])?, "such conversation")
}

/// One statement, so that parents and children go together: foreign keys are checked at its end.
fn delete_node(db: &Connection, node: NodeId) -> Result<(), HistoryError> {
    let sql = "SELECT conversation, parent FROM node WHERE id = ?1";
    let found = db.query_row(sql, [node.0], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
    let Some((of, parent)): Option<(uuid::Uuid, Option<uuid::Uuid>)> = found else {
        return Err(HistoryError::Missing { what: "such message" });
    };
    let sql = "WITH RECURSIVE under (id) AS (SELECT ?1 UNION SELECT node.id FROM node JOIN under ON node.parent = under.id)
        DELETE FROM node WHERE id IN under";
    db.execute(sql, [node.0])?;
    let sql = "UPDATE conversation SET tip = ?2 WHERE id = ?1 AND tip NOT IN (SELECT id FROM node WHERE conversation = ?1)";
    db.execute(sql, params![of, parent])?;
    let sql = "DELETE FROM conversation WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM node WHERE conversation = ?1)";
    db.execute(sql, [of])?;
    Ok(())
}
