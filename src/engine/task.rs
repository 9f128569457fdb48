//! The tokio side: a queue of jobs, one at a time to the compute thread; what needs no weights is answered beside it.

use super::beside::Beside;
use super::compute::{self, Done, Mail, Task};
use super::generate::Request;
use super::header::Headers;
use super::outbox::Outbox;
use super::{Options, pace};
use crate::protocol::{Command, Event, FinishReason, Input, JobId, ModelId, ModelRef, Report};
use crate::sys::panics::fence;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::mpsc;

/// Jobs that may wait for the compute thread.
const QUEUE_MAX: usize = 64;

/// A job that waits or runs.
struct Job {
    command: Command,
    accepted: Instant,
    cancel: Arc<AtomicBool>,
}

struct State {
    outbox: Outbox,
    headers: Arc<Headers>,
    beside: Beside,
    tasks: std::sync::mpsc::Sender<Mail>,
    queue: VecDeque<Job>,
    running: Option<(JobId, Arc<AtomicBool>)>,
    /// What is loaded, and from where.
    models: HashMap<ModelId, ModelRef>,
    next_model: u32,
    done: mpsc::UnboundedSender<Done>,
}

pub async fn run(mut inbox: mpsc::Receiver<Command>, outbox: Outbox, options: Options) {
    // Bounded by the one job that runs at a time.
    let (done, mut dones) = mpsc::unbounded_channel();
    let (tasks, thread) = match compute::spawn(outbox.clone(), done.clone(), options.states) {
        Ok(started) => started,
        Err(report) => return refuse_all(&mut inbox, &outbox, report).await,
    };
    let mut state = State {
        outbox,
        headers: Arc::new(Headers::new(options.sandbox)),
        beside: Beside::default(),
        tasks,
        queue: VecDeque::new(),
        running: None,
        models: HashMap::new(),
        next_model: 1,
        done,
    };
    let shutdown = loop {
        tokio::select! {
            command = inbox.recv() => match command {
                Some(Command::Shutdown { job }) => break Some(job),
                Some(command) => state.accept(command),
                None => break None,
            },
            Some(done) = dones.recv() => state.finished(done),
        }
        state.start_next();
    };
    // Whoever sends from here on is told that nobody listens; who did before is answered.
    inbox.close();
    while let Ok(command) = inbox.try_recv() {
        state.finish(command.job(), FinishReason::Cancelled);
    }
    state.shut_down(shutdown, thread, &mut dones).await;
}

/// Without a compute thread every job fails with the reason.
async fn refuse_all(inbox: &mut mpsc::Receiver<Command>, outbox: &Outbox, report: Report) {
    while let Some(command) = inbox.recv().await {
        outbox.send(Event::Failed { job: command.job(), report: report.clone(), model_lost: None });
    }
}

/// A panic beside the compute thread costs its job too, and nothing else.
fn fenced<T>(work: impl FnOnce() -> Result<T, Report>) -> Result<T, Report> {
    fence(work).unwrap_or_else(|panic| {
        tracing::error!(place = panic.place, "panic beside a job");
        Err(Report::new(format!("ingle made a mistake while reading a model ({})", panic.place), "Please report it, and try another file"))
    })
}

impl State {
    fn fail(&self, job: JobId, report: Report) {
        self.outbox.send(Event::Failed { job, report, model_lost: None });
    }

    fn finish(&self, job: JobId, reason: FinishReason) {
        self.outbox.send(Event::Finished { job, reason, statistics: None });
    }

    fn accept(&mut self, command: Command) {
        match command {
            Command::Cancel { job, target } => {
                self.cancel(target);
                self.finish(job, FinishReason::Done);
            }
            Command::Tokenize { job, model, request } => {
                self.answer_beside(job, move |headers| headers.tokenize(&model, &request).map(|answer| Event::Tokenized { job, answer }));
            }
            Command::Render { job, model, messages, rendering, add_generation_prompt } => self.answer_beside(job, move |headers| {
                let prompt = headers.prompt(&model, &messages, &rendering, add_generation_prompt)?;
                Ok(Event::Rendered { job, text: prompt.text, ids: prompt.ids })
            }),
            Command::Describe { job, model } => {
                self.answer_beside(job, move |headers| headers.describe(&model).map(|d| Event::Described { job, description: Box::new(d) }))
            }
            Command::Load { .. }
            | Command::Unload { .. }
            | Command::Generate { .. }
            | Command::Forget { .. }
            | Command::Score { .. }
            | Command::Logits { .. }
            | Command::Shutdown { .. } => self.enqueue(command),
        }
    }

    /// For what needs a file's header alone.
    fn answer_beside(&self, job: JobId, answer: impl FnOnce(&Headers) -> Result<Event, Report> + Send + 'static) {
        let (headers, outbox, beside) = (self.headers.clone(), self.outbox.clone(), self.beside.clone());
        beside.begin(job);
        tokio::task::spawn_blocking(move || {
            let answer = fenced(|| answer(&headers));
            beside.end(job, || match answer {
                Ok(result) => {
                    outbox.send(result);
                    outbox.send(Event::Finished { job, reason: FinishReason::Done, statistics: None });
                }
                Err(report) => outbox.send(Event::Failed { job, report, model_lost: None }),
            });
        });
    }

    fn enqueue(&mut self, command: Command) {
        let job = command.job();
        if self.queue.len() >= QUEUE_MAX {
            return self.fail(job, Report::new(format!("{QUEUE_MAX} jobs already wait"), "Wait for one of them to end"));
        }
        let ahead = self.queue.len() + usize::from(self.running.is_some());
        if ahead > 0 {
            self.outbox.send(Event::Queued { job, ahead: ahead as u32 });
        }
        self.queue.push_back(Job { command, accepted: pace::now(), cancel: Arc::default() });
    }

    /// A waiting job ends at once, a running one within a token.
    fn cancel(&mut self, target: JobId) {
        if let Some((job, cancel)) = &self.running
            && *job == target
        {
            cancel.store(true, Ordering::Relaxed);
        } else if let Some(at) = self.queue.iter().position(|job| job.command.job() == target) {
            self.queue.remove(at);
            self.finish(target, FinishReason::Cancelled);
        }
    }

    fn start_next(&mut self) {
        while self.running.is_none() {
            let Some(job) = self.queue.pop_front() else { return };
            let id = job.command.job();
            self.running = Some((id, job.cancel.clone()));
            if let Err(report) = self.begin(job) {
                self.running = None;
                self.fail(id, report);
            }
        }
    }

    /// Prepares a job beside the loop (headers are read, templates rendered) and hands it to the compute thread.
    fn begin(&mut self, job: Job) -> Result<(), Report> {
        let (headers, tasks, done) = (self.headers.clone(), self.tasks.clone(), self.done.clone());
        let Job { command, accepted, cancel } = job;
        let id = command.job();
        let reference = |model: &ModelId, models: &HashMap<ModelId, ModelRef>| {
            models.get(model).cloned().ok_or_else(|| Report::new("this model is not loaded any more", "Load it again"))
        };
        let prepare: Box<dyn FnOnce() -> Result<Task, Report> + Send> = match command {
            Command::Load { job, model, draft, options } => {
                let name = ModelId(self.next_model);
                self.next_model += 1;
                Box::new(move || {
                    let (file, prompter) = headers.open(&model, options.ids_only)?;
                    // Tried out here, where nothing waits for it, and known from then on.
                    prompter.iter().for_each(|prompter| drop(prompter.levels()));
                    let draft = draft.map(|draft| headers.open(&draft, options.ids_only)).transpose()?;
                    Ok(Task::Load { job, name, reference: model, file, prompter, draft, options, accepted })
                })
            }
            Command::Unload { job, model } => Box::new(move || Ok(Task::Unload { job, model })),
            Command::Generate { job, model, conversation, input, sampling, limits, logprobs } => {
                let reference = reference(&model, &self.models)?;
                Box::new(move || {
                    let (ids, template_hash, channels) = match input {
                        Input::Ids(ids) => (ids, None, None),
                        Input::Messages { messages, rendering } => {
                            let prompt = headers.answerable(&reference, &messages, &rendering)?;
                            (prompt.ids, Some(prompt.template_hash), Some(prompt.channels))
                        }
                    };
                    let constraint = sampling.grammar.as_ref().map(|grammar| headers.constraint(&reference, grammar)).transpose()?;
                    let request = Request {
                        constraint,
                        job,
                        conversation,
                        ids,
                        sampling,
                        limits,
                        logprobs,
                        template_hash,
                        channels,
                        accepted,
                        cancel,
                    };
                    Ok(Task::Generate { model, request: Box::new(request) })
                })
            }
            Command::Forget { job, conversation } => Box::new(move || Ok(Task::Forget { job, conversation })),
            Command::Score { job, model, ids } => Box::new(move || Ok(Task::Score { job, model, ids, cancel })),
            Command::Logits { job, model, ids, chunk, sink } => Box::new(move || Ok(Task::Logits { job, model, ids, chunk, sink, cancel })),
            Command::Tokenize { .. }
            | Command::Render { .. }
            | Command::Describe { .. }
            | Command::Cancel { .. }
            | Command::Shutdown { .. } => return Ok(()),
        };
        tokio::task::spawn_blocking(move || match fenced(prepare) {
            // Sent only while the compute thread waits, and it ends after this side.
            Ok(task) => drop(tasks.send(Mail::Task(task))),
            Err(report) => drop(done.send(Done::Failed { job: id, report })),
        });
        Ok(())
    }

    fn finished(&mut self, done: Done) {
        if let Done::Saved { is_on_disk } = done {
            // Fails only when the compute thread has ended, and nothing is saved any more.
            return drop(self.tasks.send(Mail::Saved { is_on_disk }));
        }
        self.running = None;
        match done {
            Done::Loaded { model, reference } => drop(self.models.insert(model, reference)),
            Done::Unloaded { model } => drop(self.models.remove(&model)),
            Done::Ended | Done::Saved { .. } => {}
            Done::Failed { job, report } => self.fail(job, report),
        }
    }

    /// Refuses what waits, cancels what runs, and waits for the compute thread to let go.
    async fn shut_down(mut self, job: Option<JobId>, thread: std::thread::JoinHandle<()>, dones: &mut mpsc::UnboundedReceiver<Done>) {
        for waiting in std::mem::take(&mut self.queue) {
            self.finish(waiting.command.job(), FinishReason::Cancelled);
        }
        if let Some((_, cancel)) = &self.running {
            cancel.store(true, Ordering::Relaxed);
            while self.running.is_some()
                && let Some(done) = dones.recv().await
            {
                self.finished(done);
            }
        }
        self.beside.end_all(|job| self.finish(job, FinishReason::Cancelled));
        let State { tasks, outbox, .. } = self;
        drop(tasks);
        if thread.join().is_err() {
            tracing::error!("the compute thread ended in a panic outside a job");
        }
        if let Some(job) = job {
            outbox.send(Event::Finished { job, reason: FinishReason::Done, statistics: None });
        }
    }
}
