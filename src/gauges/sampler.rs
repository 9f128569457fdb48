//! The thread that looks.

use super::machine::Machine;
use super::{gpu, system};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Reading devices more often costs more than it tells.
const PERIOD: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Control {
    watched: bool,
    ended: bool,
}

/// Looks at the machine once a second while it is watched; ends when it is dropped.
pub struct Gauges {
    control: Arc<(Mutex<Control>, Condvar)>,
}

impl Gauges {
    /// `sink` is called on the thread that looks, and must not wait. Nothing is read before the first
    /// `watch(true)`.
    pub fn start(sink: impl FnMut(Machine) + Send + 'static) -> std::io::Result<Self> {
        let control = Arc::new((Mutex::default(), Condvar::new()));
        let shared = Arc::clone(&control);
        std::thread::Builder::new().name("gauges".to_owned()).spawn(move || look_while_watched(&shared, sink))?;
        Ok(Self { control })
    }

    /// One look, for a command that wants figures and no thread. Loads are differences, so this has none.
    pub fn look_once() -> Machine {
        let (process, system) = system::Source::open().look();
        Machine { process, system, gpus: gpu::Source::open().look() }
    }

    /// Whether anybody sees the figures: false while the screen is hidden and idle.
    pub fn watch(&self, watched: bool) {
        self.change(|control| control.watched = watched);
    }

    fn change(&self, change: impl FnOnce(&mut Control)) {
        let (state, changed) = &*self.control;
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_one();
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.change(|control| control.ended = true);
    }
}

fn look_while_watched(control: &(Mutex<Control>, Condvar), mut sink: impl FnMut(Machine)) {
    let (state, changed) = control;
    // Finding the driver takes tens of milliseconds: not before somebody looks.
    let mut sources = None;
    loop {
        let mut now = state.lock().unwrap_or_else(PoisonError::into_inner);
        while !now.watched && !now.ended {
            now = changed.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
        if now.ended {
            return;
        }
        drop(now);
        let (system, gpu) = sources.get_or_insert_with(|| (system::Source::open(), gpu::Source::open()));
        let (process, load) = system.look();
        sink(Machine { process, system: load, gpus: gpu.look() });
        let now = state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(now, PERIOD, |control| control.watched && !control.ended));
    }
}
