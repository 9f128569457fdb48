//! Sequences and the disk: what is held is saved while nothing is computed, and what was saved is found again.

use super::compute::{Done, Loaded};
use super::sequences::About;
use super::states::{Head, Piece, Place, Saver, StatesOptions, Store, Work, file_bytes};
use super::{follow::Followed, pace};
use crate::model::Session;
use crate::protocol::{ConversationId, ModelId};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// Tokens of a piece: 8 MiB of a model of a billion weights, which is copied in a few milliseconds.
const PIECE_TOKENS: usize = 256;
/// So many tokens are computed sooner than they are looked for.
const RESTORE_TOKENS_MIN: usize = 16;
/// What is still to be saved when a model goes may take so long.
const LEAVE_WITHIN: Duration = Duration::from_millis(400);

/// A piece of a sequence that is on disk, or on its way there.
#[derive(Debug, Clone)]
pub struct Link {
    /// Tokens of the sequence up to its end.
    pub end: usize,
    place: Place,
    path: PathBuf,
    bytes: u64,
}

/// Where a loaded model's states are.
#[derive(Clone)]
pub struct Saved {
    store: Store,
    beginning: Place,
}

/// A piece that a prompt goes on with.
struct Step {
    path: PathBuf,
    head: Head,
    followed: Followed,
}

impl Saved {
    /// `setup`: everything that decides what the model makes of ids.
    pub fn new(store: Store, setup: &str) -> Self {
        Self { store, beginning: Place::beginning(setup) }
    }

    /// The next piece of a sequence that is not saved yet.
    fn next(&self, session: &Session, about: &mut About) -> Option<Work> {
        let conversation = about.conversation?;
        let (from, place) = about.links.last().map_or((0, self.beginning), |link| (link.end, link.place));
        if from >= session.len() {
            return None;
        }
        let positions = from..session.piece_end(from, PIECE_TOKENS);
        let n_bytes = file_bytes(positions.len(), session.piece_bytes(&positions));
        let before: u64 = about.links.iter().map(|link| link.bytes).sum();
        if before.saturating_add(n_bytes) > self.store.bytes_max() {
            return None;
        }
        let mut bytes = Vec::new();
        session.piece(&positions, &mut bytes)?;
        let ids = session.ids()[positions.clone()].to_vec();
        let chosen = positions.clone().map(|at| about.sampled.iter().any(|range| range.contains(&at))).collect();
        let to = place.after(&ids);
        let path = self.store.path(conversation, place, to, positions.end);
        let chain = about.links.iter().map(|link| link.path.clone()).collect();
        about.links.push(Link { end: positions.end, place: to, path: path.clone(), bytes: n_bytes });
        Some(Work::Write { path, piece: Piece { from: place, to, ids, chosen, bytes }, chain })
    }
}

impl Loaded {
    /// Brings what the disk holds of `ids` into the current sequence, if that is more than it holds itself; whether it was.
    pub fn restore(&mut self, ids: &[u32], cancel: &AtomicBool) -> bool {
        let worth = self.session.len() + RESTORE_TOKENS_MIN;
        let Some(saved) = self.saved.clone().filter(|_| ids.len() >= worth) else { return false };
        let steps = self.find(&saved, ids);
        let found: usize = steps.iter().map(|step| step.followed.known).sum();
        if found >= worth {
            self.arrive(&saved, &steps, cancel);
        }
        found >= worth
    }

    /// The pieces that go on with one another as `ids` do. The last one may part from them.
    fn find(&self, saved: &Saved, ids: &[u32]) -> Vec<Step> {
        let index = saved.store.index();
        let (mut place, mut rest, mut steps) = (saved.beginning, ids, Vec::new());
        while let Some(paths) = index.get(&place) {
            let step = |path: &PathBuf| {
                let head = Head::read_from(path).filter(|head| head.from == place).or_else(|| saved.store.remove(path))?;
                let followed = self.followed(&head.ids, &runs(&head.chosen, 0), rest);
                Some(Step { path: path.clone(), head, followed })
            };
            let Some(best) = paths.iter().filter_map(step).max_by_key(|step| step.followed.known) else { break };
            let is_whole = best.followed.known == best.head.ids.len();
            // A state is that of a piece's end alone.
            if best.followed.known == 0 || (!is_whole && self.session.keeps_more_than_rows()) {
                break;
            }
            (place, rest) = (best.head.to, &rest[best.followed.wanted..]);
            steps.push(best);
            if !is_whole {
                break;
            }
        }
        steps
    }

    /// Appends the pieces that the current sequence does not hold, up to one that is damaged.
    fn arrive(&mut self, saved: &Saved, steps: &[Step], cancel: &AtomicBool) {
        let mut links: Vec<Link> = Vec::with_capacity(steps.len());
        for Step { path, head, .. } in steps {
            let end = links.last().map_or(0, |link| link.end) + head.ids.len();
            let bytes = file_bytes(head.ids.len(), 0).saturating_add(head.n_bytes);
            links.push(Link { end, place: head.to, path: path.clone(), bytes });
        }
        let n_held = loop {
            let n_held = links.iter().take_while(|link| link.end <= self.session.len()).count();
            let start = n_held.checked_sub(1).map_or(0, |last| links[last].end);
            if self.session.truncate(start) == start {
                break n_held;
            }
        };
        self.about.truncate(self.session.len());
        self.about.links = links[..n_held].to_vec();
        let mut bytes = Vec::new();
        for (Step { path, head, .. }, link) in steps.iter().zip(links).skip(n_held) {
            let positions = self.session.len()..link.end;
            if cancel.load(Ordering::Relaxed) || link.end > self.session.n_ctx() {
                break;
            }
            let is_sound = head.n_bytes == self.session.piece_bytes(&positions) as u64 && head.read(path, &mut bytes).is_some();
            if !is_sound || !self.session.arrive(&head.ids, &bytes) {
                let _: Option<()> = saved.store.remove(path);
                break;
            }
            self.about.sampled.extend(runs(&head.chosen, positions.start));
            self.about.links.push(link);
        }
        saved.store.touch(self.about.links.iter().map(|link| &link.path));
    }

    /// The next piece that is not saved yet, of the current sequence first.
    fn unsaved(&mut self) -> Option<Work> {
        let saved = self.saved.as_ref()?;
        let parked = self.parked.iter_mut().rev().map(|p| (&p.session, &mut p.about));
        std::iter::once((&self.session, &mut self.about)).chain(parked).find_map(|(session, about)| saved.next(session, about))
    }

    /// Looks whether what was saved is still there: it may have been evicted, or could not be written.
    fn look_again(&mut self) {
        for about in self.parked.iter_mut().map(|p| &mut p.about).chain([&mut self.about]) {
            let n_there = about.links.iter().take_while(|link| link.path.exists()).count();
            about.links.truncate(n_there);
        }
    }
}

/// Where the true ones are, counted from `first`.
fn runs(chosen: &[bool], first: usize) -> Vec<std::ops::Range<usize>> {
    let mut at = first;
    let mut out = Vec::new();
    for run in chosen.chunk_by(|a, b| a == b) {
        out.extend(run[0].then(|| at..at + run.len()));
        at += run.len();
    }
    out
}

/// Saves what models hold, a piece at a time, whenever the compute thread has nothing to do.
pub struct Keeper {
    store: Store,
    saver: Saver,
    /// A piece is on its way.
    is_busy: bool,
}

impl Keeper {
    /// Nothing where no room is given, or no thread.
    pub fn start(options: StatesOptions, done: UnboundedSender<Done>) -> Option<Self> {
        let store = Store::new(options);
        // Fails only when the engine is gone.
        let tell = move |is_on_disk| drop(done.send(Done::Saved { is_on_disk }));
        let saver = (store.bytes_max() > 0).then(|| Saver::start(store.clone(), tell)).flatten()?;
        Some(Self { store, saver, is_busy: false })
    }

    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// After a job: what it left is saved.
    pub fn after_job(&mut self, models: &mut HashMap<ModelId, Loaded>) {
        if !self.is_busy {
            models.values_mut().for_each(Loaded::look_again);
            self.give_next(models);
        }
    }

    /// After a piece. One that could not be written is tried again after the next job.
    pub fn after_piece(&mut self, is_on_disk: bool, models: &mut HashMap<ModelId, Loaded>) {
        self.is_busy = false;
        if is_on_disk {
            self.give_next(models);
        }
    }

    fn give_next(&mut self, models: &mut HashMap<ModelId, Loaded>) {
        if let Some(work) = models.values_mut().find_map(Loaded::unsaved) {
            self.is_busy = true;
            self.saver.give(work);
        }
    }

    /// Saves what a model that goes still holds, as far as there is time.
    pub fn leave(&self, loaded: &mut Loaded, until: Instant) {
        while pace::now() < until
            && let Some(work) = loaded.unsaved()
        {
            self.saver.give(work);
        }
    }

    /// Until when a model that goes now may be saved.
    pub fn leave_until() -> Instant {
        pace::now() + LEAVE_WITHIN
    }

    pub fn forget(&self, conversation: ConversationId) {
        self.saver.give(Work::Forget(conversation));
    }
}
