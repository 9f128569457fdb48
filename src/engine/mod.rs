//! The compute task: takes `Command`s, computes on a thread of its own, tells `Event`s.
//!
//! Begin with [`start`]. The tokio side ([`task`]) owns the queue, answers what needs only a file's header, and turns
//! messages into ids; the compute thread ([`compute`]) owns the loaded models and does one job at a time. An answer is
//! prefilled by [`generate`] and said by [`decode`], with guesses of [`speculation`] where those pay. Every command ends in
//! exactly one `Finished` or `Failed`. A panic in a job is caught at the job's border: the model is dropped and can be
//! loaded again. The engine never draws, never stores, and knows no conversation but by its id.

mod beside;
mod borders;
mod compute;
mod cpu;
mod decode;
mod follow;
mod generate;
mod grammar;
mod header;
mod outbox;
mod pace;
mod saved;
mod sequences;
mod speculation;
mod states;
mod task;
#[cfg(test)]
mod tests;
mod told;

pub use cpu::{Cpu, check_cpu, cpu};
pub use outbox::EventReceiver;
pub use states::StatesOptions;

use crate::protocol::{Command, Report};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Commands that may wait to be looked at. A person types a few; a script waits for its answers.
const COMMANDS_MAX: usize = 256;

/// What the engine is told once.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// ingle's own program, to render files' templates in a child. Without it such templates are refused.
    pub sandbox: Option<PathBuf>,
    /// Where to keep what models have read of conversations. Without it nothing is kept.
    pub states: Option<StatesOptions>,
}

/// The way in. Cheap to clone; the engine ends when `Shutdown` was sent or all are dropped.
#[derive(Clone)]
pub struct CommandSender(mpsc::Sender<Command>);

impl CommandSender {
    /// Never blocks. Gives the command back where the engine has ended or too many wait.
    pub fn send(&self, command: Command) -> Result<(), Box<Command>> {
        self.0.try_send(command).map_err(|e| match e {
            mpsc::error::TrySendError::Full(c) | mpsc::error::TrySendError::Closed(c) => Box::new(c),
        })
    }
}

/// Starts the engine: a thread for its tokio task and one that computes.
pub fn start(options: Options) -> Result<(CommandSender, EventReceiver), Report> {
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let (outbox, events) = outbox::channel();
    let no_thread =
        |e: &std::io::Error| Report::new("the engine could not start a thread", "Close other programs and try again").because(e);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|e| no_thread(&e))?;
    std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            runtime.block_on(task::run(inbox, outbox.clone(), options));
            // A template that still renders is left behind: it ends by its own limits.
            runtime.shutdown_background();
            outbox.close();
        })
        .map_err(|e| no_thread(&e))?;
    Ok((CommandSender(commands), events))
}
