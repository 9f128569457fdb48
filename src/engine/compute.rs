//! The compute thread: owns the loaded models, does one task at a time, survives a panic in any of them.

use super::generate::{self, Request};
use super::outbox::Outbox;
use super::pace;
use super::saved::{Keeper, Saved};
use super::sequences::{About, Parked};
use super::speculation::{Drafter, PassCost, no_way_back};
use super::states::{StatesOptions, Store};
use crate::gguf::{self, Gguf};
use crate::model::{ForwardError, Model, Session};
use crate::prompt::Prompter;
use crate::protocol::{ConversationId, Event, FinishReason, JobId, LoadOptions, ModelId, ModelRef, Report};
use crate::sys::maps::{self, Watched};
use crate::sys::panics::{Panicked, fence};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// A file, and what turns text into its ids unless only ids are wanted.
pub type Opened = (Arc<Gguf>, Option<Arc<Prompter>>);

pub enum Task {
    Load {
        job: JobId,
        name: ModelId,
        reference: ModelRef,
        file: Arc<Gguf>,
        prompter: Option<Arc<Prompter>>,
        draft: Option<Opened>,
        options: LoadOptions,
        accepted: Instant,
    },
    Unload {
        job: JobId,
        model: ModelId,
    },
    Generate {
        model: ModelId,
        request: Box<Request>,
    },
    Forget {
        job: JobId,
        conversation: ConversationId,
    },
    Score {
        job: JobId,
        model: ModelId,
        ids: Vec<u32>,
        cancel: Arc<AtomicBool>,
    },
    Logits {
        job: JobId,
        model: ModelId,
        ids: Vec<u32>,
        chunk: u32,
        sink: PathBuf,
        cancel: Arc<AtomicBool>,
    },
}

/// What comes to the compute thread.
pub enum Mail {
    Task(Task),
    /// A piece of a sequence was written, or could not be.
    Saved {
        is_on_disk: bool,
    },
}

impl Task {
    fn job(&self) -> JobId {
        match self {
            Task::Load { job, .. }
            | Task::Unload { job, .. }
            | Task::Forget { job, .. }
            | Task::Score { job, .. }
            | Task::Logits { job, .. } => *job,
            Task::Generate { request, .. } => request.job,
        }
    }

    /// The model that a panic in this task may have left half changed.
    fn model(&self) -> Option<ModelId> {
        match self {
            Task::Load { .. } | Task::Forget { .. } => None,
            Task::Unload { model, .. } | Task::Generate { model, .. } | Task::Score { model, .. } | Task::Logits { model, .. } => {
                Some(*model)
            }
        }
    }
}

/// What the tokio side needs to know once a task has ended.
pub enum Done {
    Loaded {
        model: ModelId,
        reference: ModelRef,
    },
    Unloaded {
        model: ModelId,
    },
    Ended,
    /// Of no job.
    Saved {
        is_on_disk: bool,
    },
    /// The job could not be prepared; its `Failed` is still to be sent.
    Failed {
        job: JobId,
        report: Report,
    },
}

/// A loaded model with the sequences whose keys and values it keeps.
pub struct Loaded {
    pub model: Model,
    /// The current one, and what is known of it.
    pub session: Session,
    pub about: About,
    /// The others, the least recently used first.
    pub parked: Vec<Parked>,
    /// Where sequences are kept on disk.
    pub saved: Option<Saved>,
    /// What its passes take.
    pub cost: PassCost,
    /// A smaller model that guesses what comes next.
    pub drafter: Option<Drafter>,
    pub prompter: Option<Arc<Prompter>>,
    /// The file's maps in the table of the SIGBUS handler; dropped before the file.
    _watched: Vec<Watched>,
    pub file: Arc<Gguf>,
    pub load_ms: f64,
}

impl Loaded {
    /// A file that was cut or written to under its map would be read wrongly, or not at all.
    pub fn unchanged(&self) -> Result<(), Report> {
        let files = [Some(&*self.file), self.drafter.as_ref().map(Drafter::file)];
        files.into_iter().flatten().try_for_each(|file| {
            file.unchanged().map_err(|(name, changed)| {
                let what = format!("{name} {changed} since it was loaded");
                Report::new(what, "Load it again").offender(file.name())
            })
        })
    }
}

type Started = (Sender<Mail>, std::thread::JoinHandle<()>);

pub fn spawn(outbox: Outbox, done: UnboundedSender<Done>, states: Option<StatesOptions>) -> Result<Started, Report> {
    let (tasks, inbox) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("compute".to_owned())
        .spawn(move || run(&inbox, &outbox, &done, states))
        .map_err(|e| Report::new("the engine could not start a thread", "Close other programs and try again").because(&e))?;
    Ok((tasks, thread))
}

fn run(inbox: &Receiver<Mail>, outbox: &Outbox, done: &UnboundedSender<Done>, states: Option<StatesOptions>) {
    let mut models: HashMap<ModelId, Loaded> = HashMap::new();
    let mut keeper = states.and_then(|options| Keeper::start(options, done.clone()));
    while let Ok(mail) = inbox.recv() {
        let task = match mail {
            Mail::Task(task) => task,
            Mail::Saved { is_on_disk } => {
                keep(&mut keeper, |keeper| keeper.after_piece(is_on_disk, &mut models));
                continue;
            }
        };
        let (job, model) = (task.job(), task.model());
        let span = tracing::info_span!("job", id = job.0);
        // A model that a panic left half changed is dropped below, so nothing broken is seen again.
        let ended = span.in_scope(|| fence(|| perform(task, &mut models, keeper.as_ref(), outbox)));
        let said = match ended {
            Ok(Ok(said)) => said,
            Ok(Err(report)) => {
                tracing::warn!(cause = report.cause, "job {} failed", job.0);
                outbox.send(Event::Failed { job, report, model_lost: None });
                Done::Ended
            }
            Err(panic) => {
                let lost = model.filter(|m| models.remove(m).is_some());
                outbox.send(Event::Failed { job, report: panicked(&panic), model_lost: lost });
                lost.map_or(Done::Ended, |model| Done::Unloaded { model })
            }
        };
        // Fails only when the engine is gone, and this thread with it.
        let _ = done.send(said);
        keep(&mut keeper, |keeper| keeper.after_job(&mut models));
    }
    let until = Keeper::leave_until();
    keep(&mut keeper, |keeper| models.values_mut().for_each(|loaded| keeper.leave(loaded, until)));
}

/// Saving costs no job and no model: after a panic nothing more is saved.
fn keep(keeper: &mut Option<Keeper>, work: impl FnOnce(&mut Keeper)) {
    if let Some(at_work) = keeper
        && let Err(panic) = fence(|| work(at_work))
    {
        tracing::error!(place = panic.place, "panic while a state was saved");
        *keeper = None;
    }
}

/// A panic is a bug of ours and is said as one, with its place. Its message may quote a conversation: it goes nowhere.
fn panicked(panic: &Panicked) -> Report {
    tracing::error!(place = panic.place, "panic in a job");
    let what = format!("ingle made a mistake while computing ({}), so the model was unloaded", panic.place);
    Report::new(what, "Load it again")
}

fn perform(task: Task, models: &mut HashMap<ModelId, Loaded>, keeper: Option<&Keeper>, outbox: &Outbox) -> Result<Done, Report> {
    let finished = |job| outbox.send(Event::Finished { job, reason: FinishReason::Done, statistics: None });
    match task {
        Task::Load { job, name, reference, file, prompter, draft, options, accepted } => {
            let loaded = load((file, prompter), draft, &options, accepted, keeper.map(Keeper::store))?;
            let mut facts = gguf::facts(&loaded.file);
            facts.n_ctx = loaded.session.n_ctx() as u32;
            facts.n_threads = loaded.model.n_threads() as u32;
            if let Some(prompter) = &loaded.prompter {
                facts.notes.extend(prompter.notes().iter().cloned());
                facts.reasoning = prompter.levels();
                facts.fitting_templates = prompter.fitting_templates();
            }
            if facts.n_ctx > facts.n_ctx_train {
                facts.notes.push(format!("a context of {} is more than the {} it was trained for", facts.n_ctx, facts.n_ctx_train));
            }
            for head in loaded.session.unfit_heads() {
                facts.notes.push(format!("heads of {head} values stay in f16 in the KV cache: q8_0 takes them by 32"));
            }
            outbox.send(Event::Loaded { job, model: name, facts: Box::new(facts), load_ms: loaded.load_ms });
            outbox.send(Event::Ledger { model: name, ledger: loaded.ledger() });
            models.insert(name, loaded);
            finished(job);
            Ok(Done::Loaded { model: name, reference })
        }
        Task::Unload { job, model } => {
            if let Some(mut loaded) = models.remove(&model) {
                keeper.iter().for_each(|keeper| keeper.leave(&mut loaded, Keeper::leave_until()));
            }
            finished(job);
            Ok(Done::Unloaded { model })
        }
        Task::Forget { job, conversation } => {
            models.values_mut().for_each(|loaded| loaded.forget(conversation));
            keeper.iter().for_each(|keeper| keeper.forget(conversation));
            finished(job);
            Ok(Done::Ended)
        }
        Task::Generate { model, request } => {
            generate::run(find(models, model)?, model, *request, outbox)?;
            Ok(Done::Ended)
        }
        Task::Score { job, model, ids, cancel } => {
            if let Some(logprobs) = score(find(models, model)?, &ids, &cancel)? {
                outbox.send(Event::Scored { job, logprobs });
                finished(job);
            } else {
                outbox.send(Event::Finished { job, reason: FinishReason::Cancelled, statistics: None });
            }
            Ok(Done::Ended)
        }
        Task::Logits { job, model, ids, chunk, sink, cancel } => {
            let whole = logits(find(models, model)?, &ids, chunk as usize, &sink, &cancel)?;
            let reason = if whole { FinishReason::Done } else { FinishReason::Cancelled };
            outbox.send(Event::Finished { job, reason, statistics: None });
            Ok(Done::Ended)
        }
    }
}

fn find(models: &mut HashMap<ModelId, Loaded>, model: ModelId) -> Result<&mut Loaded, Report> {
    let loaded = models.get_mut(&model).ok_or_else(|| Report::new("this model is not loaded any more", "Load it again"))?;
    loaded.unchanged()?;
    Ok(loaded)
}

fn load(
    (file, prompter): Opened,
    draft: Option<Opened>,
    options: &LoadOptions,
    accepted: Instant,
    store: Option<Store>,
) -> Result<Loaded, Report> {
    let model = Model::load(&file, options).map_err(|e| e.report(file.name()))?;
    let session = model.session(options).map_err(|e| e.report(file.name()))?;
    let watched = watch(&file);
    warm(file.clone());
    let saved = store.map(|store| Saved::new(store, &setup(&file, &model, &session, prompter.as_deref(), options)));
    let mut loaded = Loaded {
        model,
        session,
        about: About::default(),
        parked: Vec::new(),
        saved,
        cost: PassCost::default(),
        drafter: None,
        prompter,
        _watched: watched,
        file,
        load_ms: 0.0,
    };
    loaded.drafter = draft.map(|draft| load_drafter(&loaded, draft, options)).transpose()?;
    loaded.load_ms = pace::ms(pace::now() - accepted);
    Ok(loaded)
}

fn watch(file: &Gguf) -> Vec<Watched> {
    file.maps().map(|(name, bytes)| maps::watch(bytes, name)).collect()
}

/// A second model that guesses what the first one says.
fn load_drafter(target: &Loaded, (file, prompter): Opened, options: &LoadOptions) -> Result<Drafter, Report> {
    let name = target.file.name();
    if !target.session.can_undo() {
        return Err(no_way_back(name, "Leave the draft model out"));
    }
    let watched = watch(&file);
    let drafter = Drafter::load(file.clone(), target.session.n_ctx(), options, watched)?;
    let tokenizers = target.prompter.as_ref().zip(prompter.as_ref());
    drafter.check(&target.model, name, tokenizers.map(|(target, own)| (target.tokenizer(), own.tokenizer())))?;
    warm(file);
    Ok(drafter)
}

/// Everything that decides what a sequence keeps of its ids: the files by what their headers say, by their sizes and by when
/// they were last written; the template; what is computed, and by which ingle.
fn setup(file: &Gguf, model: &Model, session: &Session, prompter: Option<&Prompter>, options: &LoadOptions) -> String {
    let identity = |(_, bytes): (&str, &gguf::Bytes)| bytes.identity().map(|identity| (identity.size, identity.mtime));
    let files: Vec<_> = file.maps().map(identity).collect();
    let template = prompter.map(|p| p.template().hash());
    let (version, exact) = (env!("CARGO_PKG_VERSION"), options.exact);
    format!("{version} {:?} {files:?} {template:?} {exact} {}", file.fingerprint(), model.setup(session))
}

/// Brings the file's pages into memory beside the first job. What fails here fails again, with a sentence, where it matters.
fn warm(file: Arc<Gguf>) {
    let warming = move || {
        for (_, bytes) in file.maps() {
            if let Err(error) = bytes.warm(0..bytes.len()) {
                tracing::warn!(%error, "pages could not be read ahead");
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("warm".to_owned()).spawn(warming) {
        tracing::warn!(%error, "no thread to read pages ahead");
    }
}

/// Log-probability of each id given those before it; nothing if cancelled.
fn score(loaded: &mut Loaded, ids: &[u32], cancel: &AtomicBool) -> Result<Option<Vec<f32>>, Report> {
    let mut logprobs = Vec::with_capacity(ids.len().saturating_sub(1));
    let whole = each_position(loaded, ids, 0, cancel, &mut |pos, logits| {
        if let Some(next) = ids.get(pos + 1) {
            logprobs.push(crate::sampler::logprob(logits, *next));
        }
        Ok(())
    })?;
    Ok(whole.then_some(logprobs))
}

/// Writes the logits of every position; false if cancelled, and then the file is not there.
fn logits(loaded: &mut Loaded, ids: &[u32], chunk: usize, sink: &Path, cancel: &AtomicBool) -> Result<bool, Report> {
    let failed =
        |e: std::io::Error| Report::new(format!("{} could not be written", sink.display()), "Name another file with --out").because(&e);
    let mut out = std::io::BufWriter::new(std::fs::File::create(sink).map_err(failed)?);
    let whole = each_position(loaded, ids, chunk, cancel, &mut |_, logits| {
        logits.iter().try_for_each(|x| out.write_all(&x.to_le_bytes())).map_err(failed)
    });
    if !matches!(whole, Ok(true)) {
        let _ = std::fs::remove_file(sink);
    }
    whole.and_then(|whole| out.flush().map_err(failed).map(|()| whole))
}

/// What is shown the logits, [n_vocab], of each position.
type EachPosition<'a> = dyn FnMut(usize, &[f32]) -> Result<(), Report> + 'a;

/// Feeds `ids` from an empty cache, `chunk` at a time (0: as many as fit), and shows the logits of each position.
fn each_position(loaded: &mut Loaded, ids: &[u32], chunk: usize, cancel: &AtomicBool, emit: &mut EachPosition) -> Result<bool, Report> {
    loaded.take_up_none();
    let (model, session) = (&mut loaded.model, &mut loaded.session);
    let chunk = if chunk == 0 { model.rows_max() } else { chunk.min(model.rows_max()) };
    let mut start = 0;
    for part in ids.chunks(chunk) {
        let mut failed = None;
        let fed = model.forward(session, part, 0..part.len(), cancel, &mut |row, logits| {
            if failed.is_none() {
                failed = emit(start + row, logits).err();
            }
        });
        match (fed, failed) {
            (Err(ForwardError::Cancelled), _) => return Ok(false),
            (Err(e), _) => return Err(e.report(loaded.file.name())),
            (Ok(()), Some(report)) => return Err(report),
            (Ok(()), None) => start += part.len(),
        }
    }
    Ok(true)
}
