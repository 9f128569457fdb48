//! A command's conversation with the engine: one job after another, each to its end.

use super::failure::Failure;
use crate::engine::{self, CommandSender, EventReceiver};
use crate::protocol::{Command, Event, FinishReason, JobId, LoadOptions, ModelFacts, ModelId, ModelRef, Report, Statistics};

pub(crate) struct Client {
    commands: CommandSender,
    events: EventReceiver,
    last_job: u64,
}

/// A model that is ready.
pub(crate) struct Loaded {
    pub(crate) id: ModelId,
    pub(crate) facts: ModelFacts,
    pub(crate) load_ms: f64,
}

/// How a job ended well.
pub(crate) struct Ended {
    pub(crate) reason: FinishReason,
    pub(crate) statistics: Option<Box<Statistics>>,
}

impl Client {
    /// Templates from files are rendered by this same program in a child.
    pub(crate) fn start() -> Result<Self, Failure> {
        let (commands, events) = engine::start(engine::Options { sandbox: std::env::current_exe().ok(), states: None })?;
        Ok(Self { commands, events, last_job: 0 })
    }

    /// Sends one command and hands its events on until it ends. A failure of `on` leaves the job: the command ends then.
    pub(crate) fn ask(
        &mut self,
        command: impl FnOnce(JobId) -> Command,
        mut on: impl FnMut(Event) -> Result<(), Failure>,
    ) -> Result<Ended, Failure> {
        self.last_job += 1;
        let job = JobId(self.last_job);
        let gone = || Failure::Report(Report::new("the engine has ended", "Look into the log for the reason"));
        self.commands.send(command(job)).map_err(|_| gone())?;
        loop {
            match self.events.recv().ok_or_else(gone)? {
                Event::Finished { job: ended, reason, statistics } if ended == job => return Ok(Ended { reason, statistics }),
                Event::Failed { job: ended, report, .. } if ended == job => return Err(report.into()),
                event => on(event)?,
            }
        }
    }

    pub(crate) fn load(&mut self, model: ModelRef, draft: Option<ModelRef>, options: LoadOptions) -> Result<Loaded, Failure> {
        let mut loaded = None;
        self.ask(
            |job| Command::Load { job, model, draft, options },
            |event| {
                if let Event::Loaded { model: id, facts, load_ms, .. } = event {
                    loaded = Some(Loaded { id, facts: *facts, load_ms });
                }
                Ok(())
            },
        )?;
        loaded.ok_or_else(|| Report::new("the engine named no model", "Please report this as a bug").into())
    }
}
