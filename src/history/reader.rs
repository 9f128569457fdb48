//! Reading, on a connection of its own: a worker thread or a command asks, while the writer writes.

use super::schema::{self, APPLICATION_ID};
use super::{Conversation, ConversationRow, HistoryError, Hit, ModelLabel, ModelRecord, Node, Status, Tree, db, owner, search, tokens};
use crate::config::Folders;
use crate::protocol::{ConversationId, Fingerprint, FinishReason, ModelFacts, NodeId, Role, TokenOut};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::{Path, PathBuf};

const CONVERSATION: &str = "SELECT c.id, c.title, c.starred, c.settings, c.tip, c.created, c.updated,
    (SELECT count(*) FROM node WHERE conversation = c.id AND status <> 'unsent') FROM conversation c";
const NODE: &str = "SELECT node.id, conversation, parent, role, created, status, content, thinking, node.model, settings,
    statistics, finish, report, owner, model.name, model.facts FROM node LEFT JOIN model ON model.fingerprint = node.model";

/// Blocks for as long as the disk does.
pub struct Reader {
    db: Connection,
    running: PathBuf,
}

impl Reader {
    /// None where nothing was ever stored. A newer ingle's database is read as far as it is understood.
    pub fn open(folders: &Folders) -> Result<Option<Self>, HistoryError> {
        let path = folders.history_file();
        if !path.exists() {
            return Ok(None);
        }
        let open = |source| HistoryError::Open { path: path.clone(), source };
        let identity = db::identify(&path).map_err(open)?;
        if identity.is_empty && identity.application_id == 0 {
            return Ok(None);
        }
        if identity.application_id != APPLICATION_ID {
            return Err(HistoryError::Foreign { path });
        }
        let reader = Self::on(&path, &folders.running())?;
        if identity.version <= schema::version()
            && let Some(name) = schema::stranger(&reader.db, identity.version).map_err(open)?
        {
            return Err(HistoryError::Schema { path, name });
        }
        Ok(Some(reader))
    }

    /// On a database that was checked.
    pub(super) fn on(path: &Path, running: &Path) -> Result<Self, HistoryError> {
        let open = |source| HistoryError::Open { path: path.to_owned(), source };
        Ok(Self { db: db::read(path).map_err(open)?, running: running.to_owned() })
    }

    /// Most recently used first.
    pub fn conversations(&self, n_max: u32) -> Result<Vec<ConversationRow>, HistoryError> {
        self.list(&format!("{CONVERSATION} ORDER BY c.updated DESC, c.id DESC LIMIT ?1"), [n_max])
    }

    /// Those that a person may mean: by the beginning of the id, else by a part of the title.
    pub fn find(&self, text: &str) -> Result<Vec<ConversationRow>, HistoryError> {
        let text = text.trim();
        let id: String = text.chars().filter(|c| *c != '-').flat_map(char::to_lowercase).collect();
        if !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit()) {
            let found = self.list(&format!("{CONVERSATION} WHERE lower(hex(c.id)) LIKE ?1 || '%' ORDER BY c.updated DESC"), [&id])?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.list(
            &format!("{CONVERSATION} WHERE c.title LIKE '%' || ?1 || '%' ESCAPE '\\' ORDER BY c.updated DESC"),
            [search::escape(text)],
        )
    }

    pub fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, HistoryError> {
        let Some(row) = self.list(&format!("{CONVERSATION} WHERE c.id = ?1"), [id.0])?.pop() else { return Ok(None) };
        let all = self.nodes(&format!("{NODE} WHERE conversation = ?1 ORDER BY node.id"), [id.0])?;
        let (mut unsent, sent): (Vec<Node>, Vec<Node>) = all.into_iter().partition(|n| n.status == Status::Unsent);
        Ok(Some(Conversation { row, tree: Tree::new(sent), unsent: unsent.pop() }))
    }

    /// All unsent text, newest first.
    pub fn unsent(&self) -> Result<Vec<Node>, HistoryError> {
        self.nodes(&format!("{NODE} WHERE status = 'unsent' ORDER BY node.id DESC"), ())
    }

    /// What the person sent, newest first, each text once.
    pub fn typed(&self, n_max: u32) -> Result<Vec<String>, HistoryError> {
        let sql = "SELECT content FROM node WHERE role = 'user' AND status = 'sent' GROUP BY content ORDER BY max(n) DESC LIMIT ?1";
        self.rows(sql, [n_max], |r| r.get(0))
    }

    /// An answer's tokens, as they were sampled.
    pub fn tokens(&self, node: NodeId) -> Result<Vec<TokenOut>, HistoryError> {
        let sql = "SELECT tokens FROM node WHERE id = ?1";
        let blob: Option<Option<Vec<u8>>> = self.db.query_row(sql, [node.0], |r| r.get(0)).optional().map_err(HistoryError::Read)?;
        Ok(blob.flatten().map_or_else(Vec::new, |blob| tokens::read(&blob)))
    }

    /// A model that once answered, and where it lay.
    pub fn model(&self, fingerprint: &Fingerprint) -> Result<Option<ModelRecord>, HistoryError> {
        let sql = "SELECT path, facts FROM model WHERE fingerprint = ?1";
        let mut found = self.rows(sql, [&fingerprint.0], |r| {
            let path = r.get::<_, Option<String>>(0)?.map(PathBuf::from);
            let facts = Box::new(json(r, 1)?.unwrap_or_default());
            Ok(ModelRecord { fingerprint: fingerprint.clone(), path, facts })
        })?;
        Ok(found.pop())
    }

    /// Where all these words stand, best first; the last may be the beginning of a word.
    pub fn search(&self, words: &str, n_max: u32) -> Result<Vec<Hit>, HistoryError> {
        search::search(&self.db, words, n_max).map_err(HistoryError::Read)
    }

    /// The first thing that is wrong with the file's structure, for a person who asks.
    pub fn check(&self) -> Result<Option<String>, HistoryError> {
        db::quick_check(&self.db).map_err(HistoryError::Read)
    }

    fn list(&self, sql: &str, with: impl rusqlite::Params) -> Result<Vec<ConversationRow>, HistoryError> {
        self.rows(sql, with, |r| {
            Ok(ConversationRow {
                id: ConversationId(r.get(0)?),
                title: r.get(1)?,
                starred: r.get(2)?,
                settings: json(r, 3)?.unwrap_or_default(),
                tip: r.get::<_, Option<_>>(4)?.map(NodeId),
                created_ms: count(r, 5)?,
                updated_ms: count(r, 6)?,
                n_nodes: count(r, 7)?,
            })
        })
    }

    fn nodes(&self, sql: &str, with: impl rusqlite::Params) -> Result<Vec<Node>, HistoryError> {
        self.rows(sql, with, |r| self.node(r))
    }

    fn node(&self, r: &Row<'_>) -> rusqlite::Result<Node> {
        let role: String = r.get(3)?;
        let wrong = |at: usize, what: String| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, what.into());
        Ok(Node {
            id: NodeId(r.get(0)?),
            conversation: ConversationId(r.get(1)?),
            parent: r.get::<_, Option<_>>(2)?.map(NodeId),
            role: Role::from_name(&role).ok_or_else(|| wrong(3, format!("no role is called {role}")))?,
            created_ms: count(r, 4)?,
            status: self.status(&r.get::<_, String>(5)?, r.get(13)?).ok_or_else(|| wrong(5, "no such status".to_owned()))?,
            content: r.get(6)?,
            thinking: r.get(7)?,
            model: label(r)?,
            settings: json(r, 9)?.unwrap_or_default(),
            statistics: json(r, 10)?,
            finish: r.get::<_, Option<String>>(11)?.and_then(|name| finish(&name)),
            report: json(r, 12)?,
        })
    }

    fn status(&self, name: &str, owner: Option<String>) -> Option<Status> {
        Some(match name {
            "unsent" => Status::Unsent,
            "sent" => Status::Sent,
            "streaming" if owner.is_some_and(|id| owner::is_live(&self.running, &id)) => Status::Streaming,
            "streaming" => Status::Interrupted,
            "done" => Status::Done,
            "stopped" => Status::Stopped,
            "failed" => Status::Failed,
            _ => return None,
        })
    }

    fn rows<T>(
        &self,
        sql: &str,
        with: impl rusqlite::Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, HistoryError> {
        let read = || self.db.prepare_cached(sql)?.query_map(with, row)?.collect::<rusqlite::Result<Vec<T>>>();
        read().map_err(HistoryError::Read)
    }
}

fn finish(name: &str) -> Option<FinishReason> {
    use FinishReason::{Cancelled, Context, Done, Length, StopString};
    [Done, StopString, Length, Context, Cancelled].into_iter().find(|reason| super::apply::finish_name(*reason) == name)
}

fn label(r: &Row<'_>) -> rusqlite::Result<Option<ModelLabel>> {
    let Some(fingerprint) = r.get::<_, Option<String>>(8)? else { return Ok(None) };
    let facts: Option<ModelFacts> = json(r, 15)?;
    Ok(Some(ModelLabel {
        fingerprint: Fingerprint(fingerprint),
        name: r.get::<_, Option<String>>(14)?.unwrap_or_default(),
        quantization: facts.unwrap_or_default().quantization,
    }))
}

/// What an older or newer ingle wrote in other words is as if it were not there.
fn json<T: serde::de::DeserializeOwned>(r: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    Ok(r.get::<_, Option<String>>(at)?.and_then(|text| serde_json::from_str(&text).ok()))
}

fn count(r: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(r.get::<_, i64>(at)?).unwrap_or(0))
}
