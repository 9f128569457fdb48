//! Panics: one inside a fence costs its job, any other gives the terminal back first and then says what happened.

use super::terminal;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

/// What a panic said and where. The message may quote what a person wrote (a slice error prints the text), so it may
/// be shown but never logged; the place may be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    pub message: String,
    pub place: String,
}

thread_local! {
    static FENCED: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// Runs a job so that its panic becomes an error. What the job shares with the outside must be dropped by the caller
/// when it fails: it may be half changed.
pub fn fence<T>(job: impl FnOnce() -> T) -> Result<T, Panicked> {
    FENCED.set(FENCED.get() + 1);
    let done = panic::catch_unwind(AssertUnwindSafe(job));
    FENCED.set(FENCED.get() - 1);
    done.map_err(|payload| {
        // One that another thread's fence caught and passed on says where it was.
        let noted = LAST.take();
        let passed_on = payload.downcast_ref::<Panicked>().cloned();
        passed_on.or(noted).unwrap_or_else(|| Panicked { message: message(&*payload), place: "an unknown place".to_owned() })
    })
}

/// Installs the hook. Inside a fence it only notes what happened; outside it gives the terminal back and calls
/// `report`, which writes to standard error and asks the program to leave: the thread that panicked may not be the one
/// that can save and exit.
pub fn install(report: impl Fn(&Panicked) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        let panicked = Panicked { message: message(info.payload()), place: place(info) };
        if FENCED.get() > 0 {
            LAST.set(Some(panicked));
        } else {
            terminal::give_back();
            report(&panicked);
        }
    }));
}

fn message(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn place(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), |l| format!("{}:{}", l.file(), l.line()))
}
