-- Version 1. Times are milliseconds since 1970, ids are UUIDv7 as 16 bytes, settings, statistics, facts and reports
-- are JSON in the words of src/protocol.

-- Who gave the answers; stays when the file is gone.
CREATE TABLE model (
    fingerprint TEXT PRIMARY KEY NOT NULL,
    sha256      TEXT,
    name        TEXT NOT NULL,
    path        TEXT,
    facts       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation (
    id       BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    title    TEXT NOT NULL DEFAULT '',
    -- whether a person gave the title, rather than the first words
    renamed  INTEGER NOT NULL DEFAULT 0,
    folder   TEXT,
    starred  INTEGER NOT NULL DEFAULT 0,
    persona  TEXT,
    settings TEXT NOT NULL DEFAULT '{}',
    -- the node that is looked at
    tip      BLOB,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX conversation_by_age ON conversation (updated DESC);

CREATE TABLE node (
    -- the search index refers to rows by number, and VACUUM keeps only numbers that are declared
    n            INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    conversation BLOB NOT NULL REFERENCES conversation (id),
    -- no cascade: SQLite follows one only 1,000 deep, and a conversation may be longer
    parent       BLOB REFERENCES node (id),
    role         TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    created      INTEGER NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('unsent', 'sent', 'streaming', 'done', 'stopped', 'failed')),
    content      TEXT NOT NULL DEFAULT '',
    thinking     TEXT,
    tokens       BLOB,
    attachments  TEXT,
    model        TEXT,
    settings     TEXT NOT NULL DEFAULT '{}',
    statistics   TEXT,
    -- why it ended: done, stop_string, length, cancelled
    finish       TEXT,
    -- why it failed
    report       TEXT,
    -- the running ingle that a streaming row belongs to; none: it was interrupted
    owner        TEXT
) STRICT;

CREATE INDEX node_by_conversation ON node (conversation);
CREATE INDEX node_by_parent ON node (parent);
CREATE INDEX node_streaming ON node (status) WHERE status IN ('unsent', 'streaming');

CREATE VIRTUAL TABLE node_text USING fts5 (
    content, thinking,
    content = 'node', content_rowid = 'n',
    tokenize = 'unicode61 remove_diacritics 2'
);
-- What is deleted leaves no words in the index.
INSERT INTO node_text (node_text, rank) VALUES ('secure-delete', 1);

-- Unsent text is not searched, and an answer enters the index when it has ended or was interrupted: a row that grows
-- four times a second would be indexed as often.
CREATE TRIGGER node_text_insert AFTER INSERT ON node
WHEN new.status <> 'unsent' AND NOT (new.status = 'streaming' AND new.owner IS NOT NULL)
BEGIN
    INSERT INTO node_text (rowid, content, thinking) VALUES (new.n, new.content, new.thinking);
END;

CREATE TRIGGER node_text_delete AFTER DELETE ON node
WHEN old.status <> 'unsent' AND NOT (old.status = 'streaming' AND old.owner IS NOT NULL)
BEGIN
    INSERT INTO node_text (node_text, rowid, content, thinking) VALUES ('delete', old.n, old.content, old.thinking);
END;

-- Before, since the index must forget the old words before it learns the new ones.
CREATE TRIGGER node_text_update_old BEFORE UPDATE OF content, thinking, status, owner ON node
WHEN old.status <> 'unsent' AND NOT (old.status = 'streaming' AND old.owner IS NOT NULL)
BEGIN
    INSERT INTO node_text (node_text, rowid, content, thinking) VALUES ('delete', old.n, old.content, old.thinking);
END;

CREATE TRIGGER node_text_update_new AFTER UPDATE OF content, thinking, status, owner ON node
WHEN new.status <> 'unsent' AND NOT (new.status = 'streaming' AND new.owner IS NOT NULL)
BEGIN
    INSERT INTO node_text (rowid, content, thinking) VALUES (new.n, new.content, new.thinking);
END;
