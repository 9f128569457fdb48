//! Jobs answered beside the queue. Each ends once: by its answer, or by the engine's end.

use crate::protocol::JobId;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Default)]
pub struct Beside(Arc<Mutex<HashSet<JobId>>>);

impl Beside {
    fn lock(&self) -> MutexGuard<'_, HashSet<JobId>> {
        // Each change is one insert or one removal: a panic leaves a whole set.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin(&self, job: JobId) {
        self.lock().insert(job);
    }

    /// Tells the job's answer and end, unless the engine ended it before.
    pub fn end(&self, job: JobId, tell: impl FnOnce()) {
        let mut open = self.lock();
        if open.remove(&job) {
            tell();
        }
    }

    /// Ends whatever has no answer yet.
    pub fn end_all(&self, mut tell: impl FnMut(JobId)) {
        let mut open = self.lock();
        let mut jobs: Vec<JobId> = open.drain().collect();
        jobs.sort();
        jobs.into_iter().for_each(&mut tell);
    }
}
