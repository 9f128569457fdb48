//! Mapped files, and what happens when one shrinks: the next touch of a page beyond its end raises SIGBUS. The handler
//! looks up whose page it was, gives the terminal back, says the file's name and ends the program.

use super::terminal;
use std::cell::UnsafeCell;
use std::io;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// A split model has up to 1,024 files; a few are loaded at a time. What finds no place is mapped all the same, only
/// without a sentence of its own.
const MAPS_MAX: usize = 2048;
/// Bytes of a file's name that the sentence shows.
const NAME_BYTES_MAX: usize = 120;
const WRITE_MS_MAX: u64 = 300;

/// One map. A handler may read it at any moment, so every word of it is atomic; `end` is set last and cleared first.
struct Row {
    start: AtomicUsize,
    end: AtomicUsize,
    name: [AtomicUsize; NAME_BYTES_MAX / size_of::<usize>()],
}

static TABLE: [Row; MAPS_MAX] =
    [const { Row { start: AtomicUsize::new(0), end: AtomicUsize::new(0), name: [const { AtomicUsize::new(0) }; _] } }; _];
static INSTALLED: Once = Once::new();
/// The handler that was there before; null until ours is installed. Leaked.
static EARLIER: AtomicPtr<Earlier> = AtomicPtr::new(ptr::null_mut());

/// Set by the first thread that touched a cut file: several compute with it at once.
static ENDING: AtomicBool = AtomicBool::new(false);

struct Earlier(UnsafeCell<libc::sigaction>);

/// A map in the table, until it is dropped. Dropped before the file is unmapped.
#[derive(Debug)]
pub struct Watched(Option<usize>);

/// Puts a map into the table.
pub fn watch(map: &[u8], name: &str) -> Watched {
    INSTALLED.call_once(|| {
        // Without the handler a shrinking file ends the program with the shell's message: worse, not wrong.
        if let Err(error) = install() {
            tracing::warn!(%error, "no SIGBUS handler");
        }
    });
    let (start, end) = (map.as_ptr().addr(), map.as_ptr().addr() + map.len());
    // Taken by moving `start` from 0; of two threads one gets the row.
    let free = |row: &Row| row.start.compare_exchange(0, start, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    let Some(at) = (!map.is_empty()).then(|| TABLE.iter().position(free)).flatten() else { return Watched(None) };
    let row = &TABLE[at];
    let shown: Vec<u8> = name.bytes().map(|b| if b.is_ascii_graphic() || b == b' ' { b } else { b'?' }).collect();
    for (i, word) in row.name.iter().enumerate() {
        let mut bytes = [0; size_of::<usize>()];
        for (to, from) in bytes.iter_mut().zip(shown.iter().skip(i * size_of::<usize>())) {
            *to = *from;
        }
        word.store(usize::from_ne_bytes(bytes), Ordering::SeqCst);
    }
    row.end.store(end, Ordering::SeqCst);
    Watched(Some(at))
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(row) = self.0.and_then(|at| TABLE.get(at)) {
            row.end.store(0, Ordering::SeqCst);
            row.start.store(0, Ordering::SeqCst);
        }
    }
}

fn install() -> io::Result<()> {
    let earlier = Box::into_raw(Box::new(Earlier(UnsafeCell::new(
        // SAFETY: sigaction is plain numbers, for which zeros are valid.
        unsafe { std::mem::zeroed() },
    ))));
    EARLIER.store(earlier, Ordering::SeqCst);
    // SAFETY: both structs are whole; the handler has the signature that SA_SIGINFO asks for. SA_ONSTACK: Rust's
    // threads bring a stack of their own for signals, and the one that faulted may be out of stack.
    unsafe {
        let mut ours: libc::sigaction = std::mem::zeroed();
        ours.sa_sigaction = on_bus as *const () as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut ours.sa_mask);
        if libc::sigaction(libc::SIGBUS, &ours, (*earlier).0.get()) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Async-signal-safe: atomics, write, poll, pause, tcsetattr, sigaction, _exit.
extern "C" fn on_bus(_signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the system hands a whole siginfo_t to an SA_SIGINFO handler; for SIGBUS it holds the address.
    let address = unsafe { (*info).si_addr() }.addr();
    let is_ours = |row: &&Row| (row.start.load(Ordering::SeqCst)..row.end.load(Ordering::SeqCst)).contains(&address);
    let Some(row) = TABLE.iter().find(is_ours) else {
        let earlier = EARLIER.load(Ordering::SeqCst);
        if !earlier.is_null() {
            // SAFETY: leaked and written before this handler was installed. Returning touches the page again, now
            // with the earlier handler.
            unsafe { libc::sigaction(libc::SIGBUS, (*earlier).0.get(), ptr::null_mut()) };
        }
        return;
    };
    if ENDING.swap(true, Ordering::SeqCst) {
        loop {
            // SAFETY: pause has no preconditions and is async-signal-safe. The first thread ends the process.
            unsafe { libc::pause() };
        }
    }
    terminal::give_back_now();
    say(row);
    // SAFETY: _exit is async-signal-safe and does not return.
    unsafe { libc::_exit(1) }
}

fn say(row: &Row) {
    const BEFORE: &[u8] = b"error: ";
    const AFTER: &[u8] = b" became shorter while it was in use. What was said is saved; restore the file and start again.\n";
    let mut line = [0u8; BEFORE.len() + NAME_BYTES_MAX + AFTER.len()];
    let mut n = 0;
    let mut push = |byte: u8| {
        if let (Some(to), true) = (line.get_mut(n), byte != 0) {
            *to = byte;
            n += 1;
        }
    };
    BEFORE.iter().for_each(|b| push(*b));
    row.name.iter().for_each(|word| word.load(Ordering::SeqCst).to_ne_bytes().into_iter().for_each(&mut push));
    AFTER.iter().for_each(|b| push(*b));
    let _ = terminal::write_within(libc::STDERR_FILENO, &line[..n], WRITE_MS_MAX);
}
