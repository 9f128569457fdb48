//! Threads that share out the chunks of one computation.
//!
//! A *region* is one call of [`Pool::run`]: numbered chunks, done by whoever is free, the caller among them. It ends
//! when all chunks are done, not when all threads have arrived, so a thread that the system has put aside costs
//! nothing unless it holds a chunk. A *pass* ([`Pool::pass`]) spans many regions: while one is held, idle workers spin
//! and then yield; otherwise they sleep and use no processor.

mod rest;

use super::panics;
use rest::{Conduct, Watch};
use std::any::Any;
use std::cell::Cell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};

#[cfg(test)]
mod tests;

/// How often an idle worker looks for work before it yields or sleeps: some 20 to 40 µs of `pause`.
const WORKER_SPINS: u32 = 1000;
/// How often the caller looks whether the last chunks are done before it yields: about 10 µs.
const CALLER_SPINS: u32 = 300;
/// The ticket's low bits count the chunks that are left, the rest the regions.
const LEFT_BITS: u32 = 24;
const LEFT: u64 = (1 << LEFT_BITS) - 1;
/// Shares of what is left for each thread; a claim takes one. With more of them runs are shorter, with one a thread that the
/// system puts aside at the begin keeps too much.
const SHARES_EACH: u64 = 2;
/// Workers give way to the thread that draws the screen.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 1;

thread_local! {
    /// The number this thread has in the region it is working in.
    static WORKING_AS: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The threads. Dropping the pool ends them.
pub struct Pool {
    shared: Arc<Shared>,
    /// One region at a time; holds the number of the last one.
    turn: Mutex<u64>,
    workers: Vec<JoinHandle<()>>,
}

/// On its own cache line: all threads write to it.
#[repr(align(64))]
struct Ticket(AtomicU64);

struct Shared {
    /// Which region is open and how many of its chunks nobody has claimed yet.
    ticket: Ticket,
    region: AtomicPtr<Region>,
    n_passes: AtomicUsize,
    stop: AtomicBool,
    /// A run is one of so many equal parts of what is left.
    n_shares: u64,
    beds: Vec<Bed>,
}

/// Where a worker sleeps, and how it does.
#[derive(Default)]
struct Bed {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
    conduct: Conduct,
}

impl AsRef<Conduct> for Bed {
    fn as_ref(&self) -> &Conduct {
        &self.conduct
    }
}

/// What there is to do. Lies on the caller's stack and is valid as long as a chunk is not counted as done.
struct Region {
    work: *const (dyn Fn(usize, usize) + Sync),
    n_chunks: usize,
    n_done: AtomicUsize,
    failed: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// While this lives, workers stay awake between regions.
pub struct Pass(Arc<Shared>);

impl Pool {
    /// A pool of `n_threads` threads, the caller counted. Fewer where the system gives no more.
    pub fn new(n_threads: usize) -> Self {
        let n_workers = n_threads.max(1) - 1;
        let shared = Arc::new(Shared {
            ticket: Ticket(AtomicU64::new(0)),
            region: AtomicPtr::new(std::ptr::null_mut()),
            n_passes: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            n_shares: SHARES_EACH * (n_workers as u64 + 1),
            beds: (0..n_workers).map(|_| Bed::default()).collect(),
        });
        let mut workers = Vec::with_capacity(n_workers);
        for index in 0..n_workers {
            let its = Arc::clone(&shared);
            match thread::Builder::new().name(format!("ingle-compute-{}", index + 1)).spawn(move || its.serve(index)) {
                Ok(handle) => workers.push(handle),
                Err(_) => break,
            }
        }
        Self { shared, turn: Mutex::new(0), workers }
    }

    /// Threads that work in a region, the caller among them.
    pub fn n_threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Keeps the workers awake until the guard is dropped: hold one over a prefill or an answer.
    pub fn pass(&self) -> Pass {
        self.shared.n_passes.fetch_add(1, Ordering::SeqCst);
        self.shared.wake();
        Pass(Arc::clone(&self.shared))
    }

    /// Calls `work(chunk, worker)` for each chunk below `n_chunks`, and returns when all are done. `worker` is below
    /// [`Pool::n_threads`] and belongs to one thread at a time. A panic in a chunk lets the chunks that nobody has begun
    /// go undone and goes on in the caller. Called from inside a chunk, it does all of its own chunks itself.
    pub fn run(&self, n_chunks: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        if let Some(worker) = WORKING_AS.get() {
            (0..n_chunks).for_each(|chunk| work(chunk, worker));
            return;
        }
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if n_chunks <= 1 || self.workers.is_empty() {
            let _number = Numbered::set(0);
            (0..n_chunks).for_each(|chunk| work(chunk, 0));
            return;
        }
        assert!(n_chunks as u64 <= LEFT, "a region has at most {LEFT} chunks, not {n_chunks}");
        let payload = self.share(n_chunks, work, turn);
        if let Some(payload) = payload {
            resume_unwind(payload);
        }
    }

    /// One region from opening to end. Gives back what a chunk panicked with.
    fn share(&self, n_chunks: usize, work: &(dyn Fn(usize, usize) + Sync), mut turn: MutexGuard<'_, u64>) -> Option<Box<dyn Any + Send>> {
        // SAFETY: only the lifetime is changed. The pointer is followed only by a thread that has claimed a chunk, and
        // this function does not return before every chunk is counted as done.
        let work = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize, usize) + Sync + '_), *const (dyn Fn(usize, usize) + Sync + 'static)>(work)
        };
        let mut region = Region { work, n_chunks, n_done: AtomicUsize::new(0), failed: AtomicBool::new(false), panic: Mutex::new(None) };
        let at = &raw mut region;
        *turn += 1;
        let mut watch = Watch::start();
        self.shared.region.store(at, Ordering::Release);
        self.shared.ticket.0.store((*turn << LEFT_BITS) | n_chunks as u64, Ordering::SeqCst);
        self.shared.wake();
        {
            let _number = Numbered::set(0);
            watch.finished(std::iter::from_fn(|| self.shared.work_once(0)).sum());
        }
        // SAFETY: `region` lives until the end of this function.
        let n_done = unsafe { &(*at).n_done };
        let mut n_looks = 0;
        while n_done.load(Ordering::Acquire) < n_chunks {
            n_looks += 1;
            if n_looks < CALLER_SPINS {
                std::hint::spin_loop();
            } else {
                watch.look(self.shared.beds.iter());
                thread::yield_now();
            }
        }
        // SAFETY: all chunks are done, so no other thread looks at the region any more.
        unsafe { (*at).panic.get_mut().unwrap_or_else(PoisonError::into_inner).take() }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.wake();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.n_passes.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    /// A worker's life.
    fn serve(&self, index: usize) {
        give_way();
        let bed = &self.beds[index];
        let _ = bed.thread.set(thread::current());
        let _number = Numbered::set(index + 1);
        let (mut n_looks, mut rested) = (0, None);
        while !self.stop.load(Ordering::Relaxed) {
            bed.conduct.rest(&mut rested);
            bed.conduct.begin();
            let worked = self.work_once(index + 1).is_some();
            bed.conduct.end();
            if worked {
                n_looks = 0;
                continue;
            }
            n_looks += 1;
            if n_looks < WORKER_SPINS {
                std::hint::spin_loop();
            } else if self.n_passes.load(Ordering::Relaxed) > 0 {
                thread::yield_now();
            } else {
                self.sleep(bed);
                n_looks = 0;
            }
        }
    }

    /// Sleeps unless something came up meanwhile. Whoever brings work first publishes it, then looks at `asleep`; the
    /// sleeper does it the other way round, so one of the two sees the other.
    fn sleep(&self, bed: &Bed) {
        bed.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let awaited =
            self.ticket.0.load(Ordering::SeqCst) & LEFT > 0 || self.n_passes.load(Ordering::SeqCst) > 0 || self.stop.load(Ordering::SeqCst);
        if !awaited {
            thread::park();
        }
        bed.asleep.store(false, Ordering::SeqCst);
    }

    /// Wakes those who sleep; costs a load each where none does.
    fn wake(&self) {
        fence(Ordering::SeqCst);
        for bed in &self.beds {
            if bed.asleep.load(Ordering::SeqCst)
                && let Some(thread) = bed.thread.get()
            {
                thread.unpark();
            }
        }
    }

    /// Claims a run of chunks and does them; how many. None where none is left.
    fn work_once(&self, worker: usize) -> Option<usize> {
        let (region, left, n) = self.claim()?;
        // SAFETY: the claimed chunks are not counted as done yet, so the region's owner still waits.
        let (work, n_chunks, failed) = unsafe { (&*(*region).work, (*region).n_chunks, &(*region).failed) };
        let run = n_chunks - left..n_chunks - left + n;
        let done = panics::fence(|| run.take_while(|_| !failed.load(Ordering::Relaxed)).for_each(|chunk| work(chunk, worker)));
        if let Err(panicked) = done {
            failed.store(true, Ordering::Relaxed);
            // SAFETY: as above.
            let panic = unsafe { &(*region).panic };
            panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Box::new(panicked));
        }
        // SAFETY: as above; after this the region may be gone.
        unsafe { (*region).n_done.fetch_add(n, Ordering::Release) };
        Some(n)
    }

    /// Takes a run of chunks off the ticket: its region, how many were left with it, and how many it is.
    ///
    /// Long runs first, since memory is read fastest in one stream; they shrink to single chunks, so that the threads end
    /// together.
    ///
    /// The region is read before the exchange. If the exchange succeeds, the ticket's region was still the open one, with
    /// these chunks unclaimed: no later region can have been stored when it was read.
    fn claim(&self) -> Option<(*mut Region, usize, usize)> {
        let mut ticket = self.ticket.0.load(Ordering::Acquire);
        loop {
            let left = ticket & LEFT;
            if left == 0 {
                return None;
            }
            let run = (left / self.n_shares).max(1);
            let region = self.region.load(Ordering::Acquire);
            match self.ticket.0.compare_exchange_weak(ticket, ticket - run, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((region, left as usize, run as usize)),
                Err(now) => ticket = now,
            }
        }
    }
}

/// Remembers that this thread works as a number, as long as it lives.
struct Numbered(Option<usize>);

impl Numbered {
    fn set(worker: usize) -> Self {
        Self(WORKING_AS.replace(Some(worker)))
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        WORKING_AS.set(self.0);
    }
}

#[cfg(target_os = "linux")]
fn give_way() {
    // SAFETY: on Linux both calls concern this thread alone, and a refusal changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, libc::getpriority(libc::PRIO_PROCESS, 0) + NICENESS) };
}

/// Elsewhere the call would concern the whole process.
#[cfg(not(target_os = "linux"))]
fn give_way() {}
