//! Names for things that more than one room points at.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One command on its way through the engine. Unique within one running ingle; 0 is never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// One loaded model, as named by `Event::Loaded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelId(pub u32);

/// A conversation in the history: a UUIDv7, so that two programs never collide and order is time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConversationId(pub Uuid);

/// A node of a conversation's tree, likewise a UUIDv7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub Uuid);

/// A UUIDv7 from a time and randomness that the caller brings, since `update` may ask neither clock nor dice.
fn uuid_v7(unix_ms: u64, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid()
}

impl ConversationId {
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid_v7(unix_ms, random))
    }
}

impl NodeId {
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid_v7(unix_ms, random))
    }
}
