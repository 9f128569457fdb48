//! The documents of a conversation, by the ids of its answers.

use super::{Document, HighlightAnswer, HighlightRequest};
use std::collections::HashMap;

/// Documents kept laid out. More are parsed again when they come into view.
const KEPT_MAX: usize = 256;

/// A cache: what it gives depends only on what is asked for.
#[derive(Debug, Default)]
pub struct Documents {
    kept: HashMap<u128, Kept>,
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    document: Document,
    used: u64,
}

impl Documents {
    /// The document of `key`, brought up to `text`. Text that only grew is appended; anything else begins anew.
    pub fn get(&mut self, key: u128, text: &str, finished: bool) -> &mut Document {
        self.clock += 1;
        if self.kept.len() >= KEPT_MAX && !self.kept.contains_key(&key) {
            self.forget_oldest();
        }
        let kept = self.kept.entry(key).or_insert_with(|| Kept { document: Document::new(), used: 0 });
        kept.used = self.clock;
        match text.strip_prefix(kept.document.source()) {
            Some("") if kept.document.is_finished() == finished => {}
            Some(more) if !kept.document.is_finished() => kept.document.push(more),
            _ => {
                kept.document = Document::new();
                kept.document.push(text);
            }
        }
        if finished {
            kept.document.finish();
        }
        &mut kept.document
    }

    /// Requests of all documents that were laid out, tagged with their keys.
    pub fn highlight_requests(&mut self) -> Vec<HighlightRequest> {
        self.kept.iter_mut().flat_map(|(key, kept)| kept.document.highlight_requests(*key)).collect()
    }

    /// A request that found no room in the queue: it is asked again.
    pub fn refused(&mut self, request: &HighlightRequest) {
        if let Some(kept) = self.kept.get_mut(&request.document) {
            kept.document.refused(request);
        }
    }

    pub fn coloured(&mut self, answer: HighlightAnswer) {
        if let Some(kept) = self.kept.get_mut(&answer.document) {
            kept.document.coloured(answer);
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(key) = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key) {
            self.kept.remove(&key);
        }
    }
}
