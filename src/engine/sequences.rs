//! The sequences of a loaded model: one for each conversation, as many as memory has room for.
//!
//! A prompt goes on with what its conversation's sequence holds of it. Where another one holds more (a conversation that was
//! forked, a summary of one), that much is copied, which costs a thousandth of computing it. A sequence that is not gone on
//! with is parked; the least recently used ones are given up first.

use super::compute::Loaded;
use super::follow::{Followed, follow};
use super::saved::Link;
use super::speculation::Drafter;
use crate::model::Session;
use crate::protocol::{ConversationId, Ledger};
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// What parked sequences of one model may take together: a conversation of 8,000 tokens is 250 MiB of a model of a billion
/// weights (F16), and 1 GiB of one of eight.
const PARKED_BYTES_MAX: u64 = 2 << 30;
/// And never more than this part of the memory that is free.
const PARKED_SHARE: u64 = 4;
/// Another sequence that holds so many tokens more of a prompt is worth a copy.
const COPY_TOKENS_MIN: usize = 32;

/// What is known of a sequence, besides what the model keeps of it.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Absent: of a job that nothing goes on with.
    pub conversation: Option<ConversationId>,
    /// Places that the model itself has chosen, in order.
    pub sampled: Vec<Range<usize>>,
    /// What of it is on disk, from its beginning on.
    pub links: Vec<Link>,
}

impl About {
    pub fn truncate(&mut self, len: usize) {
        self.links.retain(|link| link.end <= len);
        self.sampled.iter_mut().for_each(|range| range.end = range.end.min(len));
        self.sampled.retain(|range| !range.is_empty());
    }
}

/// A sequence that another one was taken up for.
pub struct Parked {
    pub session: Session,
    pub about: About,
}

/// Which sequence a prompt goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Current,
    Parked(usize),
    /// An empty one.
    New,
}

impl Loaded {
    /// Makes the sequence current that `ids` go on with, and truncates it to what it or the disk holds of them. Gives back the
    /// ids to go on with: as that sequence has them where they say the same, at most `n_max`.
    pub fn take_up(&mut self, conversation: Option<ConversationId>, ids: Vec<u32>, n_max: usize, cancel: &AtomicBool) -> Vec<u32> {
        let matches = |l: &Self, session: &Session, about: &About| session.kept_of(l.followed(session.ids(), &about.sampled, &ids).known);
        let current = matches(self, &self.session, &self.about);
        let parked: Vec<usize> = self.parked.iter().map(|p| matches(self, &p.session, &p.about)).collect();
        let of = |choice| match choice {
            Choice::Current => current,
            Choice::Parked(at) => parked[at],
            Choice::New => 0,
        };
        let own = self.own(conversation);
        let all = (0..parked.len()).map(Choice::Parked).chain([Choice::Current]);
        let best = all.max_by_key(|choice| of(*choice)).unwrap_or(Choice::Current);
        if best == own || of(best) < of(own) + COPY_TOKENS_MIN {
            self.make_current(own);
        } else if !self.copy(own, best, of(best)) {
            self.make_current(best);
        }
        self.about.conversation = conversation;
        let ids = self.go_on_with(ids, n_max);
        if self.restore(&ids, cancel) { self.go_on_with(ids, n_max) } else { ids }
    }

    /// Truncates the current sequence to what it holds of `ids`, and gives them back as it has them.
    fn go_on_with(&mut self, ids: Vec<u32>, n_max: usize) -> Vec<u32> {
        let Followed { known, wanted } = self.followed(self.session.ids(), &self.about.sampled, &ids);
        let said = [&self.session.ids()[..known], &ids[wanted..]].concat();
        let ids = if said.len() <= n_max { said } else { ids };
        let kept = self.session.reuse(&ids[..ids.len().saturating_sub(1)]);
        self.about.truncate(kept);
        ids
    }

    /// An empty sequence that nothing goes on with, for a job that begins anew.
    pub fn take_up_none(&mut self) {
        self.make_current(self.own(None));
        self.about = About::default();
        self.session.truncate(0);
    }

    /// Says that all behind the first `n_prompt` tokens of the current sequence was sampled.
    pub fn sampled(&mut self, n_prompt: usize) {
        self.about.sampled.push(n_prompt..self.session.len());
        self.about.truncate(self.session.len());
    }

    /// Forgets what it holds of a conversation, and of jobs that may have had a copy of it. A draft model has read along with
    /// whoever was answered: it catches up with the next one.
    pub fn forget(&mut self, conversation: ConversationId) {
        let holds = |about: &About| about.conversation.is_none_or(|of| of == conversation);
        self.parked.retain(|p| !holds(&p.about));
        if holds(&self.about) {
            self.about = About::default();
            self.model.renew(&mut self.session);
        }
        self.drafter.iter_mut().for_each(Drafter::forget);
    }

    /// What memory holds of this model, parked sequences and a draft model included.
    pub fn ledger(&self) -> Ledger {
        let ledger = self.model.ledger(&self.session);
        let own = Ledger { kv: ledger.kv + self.parked_bytes(), ..ledger };
        self.drafter.as_ref().map_or(own, |drafter| own.with(&drafter.ledger()))
    }

    pub fn followed(&self, known: &[u32], sampled: &[Range<usize>], ids: &[u32]) -> Followed {
        follow(known, sampled, ids, self.prompter.as_ref().map(|p| p.tokenizer()))
    }

    fn own(&self, conversation: Option<ConversationId>) -> Choice {
        if self.about.conversation == conversation {
            return Choice::Current;
        }
        let parked = self.parked.iter().position(|p| p.about.conversation == conversation);
        let none = if self.session.is_empty() { Choice::Current } else { Choice::New };
        parked.map_or(none, Choice::Parked)
    }

    fn make_current(&mut self, choice: Choice) {
        let next = match choice {
            Choice::Current => return,
            Choice::Parked(at) => Some(self.parked.remove(at)),
            Choice::New => self.model.another(&self.session).ok().map(|session| Parked { session, about: About::default() }),
        };
        // Without room for one more the current one begins anew.
        next.into_iter().for_each(|next| self.park_for(next));
    }

    /// Parks the current sequence, and gives up the least recently used ones that have no room.
    fn park_for(&mut self, next: Parked) {
        let session = std::mem::replace(&mut self.session, next.session);
        let about = std::mem::replace(&mut self.about, next.about);
        if !session.is_empty() {
            self.parked.push(Parked { session, about });
        }
        let room = room();
        while self.parked_bytes() > room {
            self.parked.remove(0);
        }
    }

    fn parked_bytes(&self) -> u64 {
        self.parked.iter().map(|p| p.session.bytes()).sum()
    }

    /// Makes a copy of the first `len` tokens of `best` current, in place of `own`; false, and nothing is changed, without
    /// room for both.
    fn copy(&mut self, own: Choice, best: Choice, len: usize) -> bool {
        let (source, about) = match best {
            Choice::Parked(at) => (&self.parked[at].session, &self.parked[at].about),
            Choice::Current | Choice::New => (&self.session, &self.about),
        };
        let copied = source.bytes() / source.len().max(1) as u64 * len as u64;
        if self.session.bytes() + self.parked_bytes() + copied > room() {
            return false;
        }
        let (Ok(mut session), about) = (self.model.another(source), about.clone()) else { return false };
        session.take_over(source, len);
        match own {
            Choice::Current => (self.session, self.about) = (session, about),
            Choice::New => self.park_for(Parked { session, about }),
            Choice::Parked(at) => {
                self.parked.remove(at);
                self.park_for(Parked { session, about });
            }
        }
        true
    }
}

/// Bytes that parked sequences may take.
fn room() -> u64 {
    let free = crate::sys::limits::memory().map_or(u64::MAX, |m| m.available);
    PARKED_BYTES_MAX.min(free / PARKED_SHARE)
}
