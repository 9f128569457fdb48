//! Carries out what `update` asked for.

use super::inbox::Inbox;
use super::reads::{self, Wish};
use super::writer::Writer;
use super::{Options, clipboard, errands};
use crate::config::{Notify, create_private};
use crate::engine::{self, CommandSender};
use crate::gauges::Gauges;
use crate::history::{History, HistoryEvent, Write};
use crate::protocol::{Command, JobId, Report};
use crate::shelf::Shelf;
use crate::text::sequences::Notification;
use crate::text::{Shown, sequences};
use crate::tui::app::{Action, Effect};
use crate::tui::markdown::Highlighter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Everything behind the screen. Started after the first frame.
pub struct House {
    engine: Option<CommandSender>,
    /// Closed once the engine has ended.
    engine_end: Option<mpsc::Receiver<()>>,
    history: Option<History>,
    reads: Option<SyncSender<Wish>>,
    gauges: Option<Gauges>,
    highlighter: Option<Highlighter>,
    scanning: Arc<AtomicBool>,
    /// One change of config.toml at a time.
    keeping: Arc<Mutex<()>>,
    inbox: Inbox,
    pub writer: Writer,
}

/// What the loop itself must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    Edit(String),
    Redraw,
    Suspend,
    Quit,
}

/// The header cache's file in the cache folder.
const HEADERS_FILE: &str = "headers.json";
/// The engine has had as long as the history to end by itself; who leaves does not wait for more than this.
const ENGINE_WITHIN: Duration = Duration::from_millis(200);
/// Nobody asks about this job again.
const LAST_JOB: JobId = JobId(u64::MAX);

impl House {
    pub fn start(options: &Options, now_ms: u64, inbox: &Inbox, writer: Writer) -> Self {
        let mut house = Self {
            engine: None,
            engine_end: None,
            history: None,
            reads: None,
            gauges: None,
            highlighter: None,
            scanning: Arc::default(),
            keeping: Arc::default(),
            inbox: inbox.clone(),
            writer,
        };
        let stores = house.open_history(options, now_ms).unwrap_or_else(|report| {
            inbox.act(Action::NotStored(report));
            false
        });
        let bytes_max = u64::from(options.config.states_gib) << 30;
        let states = stores.then(|| engine::StatesOptions { folder: options.folders.states(), bytes_max });
        match engine::start(engine::Options { sandbox: options.program.clone(), states }) {
            Ok((commands, events)) => {
                house.engine = Some(commands);
                let inbox = inbox.clone();
                let (ended, end) = mpsc::channel();
                house.engine_end = Some(end);
                let forward = move || {
                    let mut is_open = true;
                    while let Some(event) = events.recv() {
                        is_open = is_open && inbox.act_when_room(Action::Engine(event));
                    }
                    drop(ended);
                };
                if let Err(e) = std::thread::Builder::new().name("engine-events".to_owned()).spawn(forward) {
                    house.fail(Report::new("the engine could not start", "Close other programs and start again").because(&e));
                }
            }
            Err(report) => house.fail(report),
        }
        let sink = inbox.clone();
        house.gauges = Gauges::start(move |machine| sink.act(Action::Machine(Box::new(machine)))).ok();
        let sink = inbox.clone();
        house.highlighter = Highlighter::start(move |answer| sink.act(Action::Coloured(Box::new(answer)))).ok();
        house
    }

    /// Whether what is said is stored.
    fn open_history(&mut self, options: &Options, now_ms: u64) -> Result<bool, Report> {
        let sink = self.inbox.clone();
        let (history, opened) =
            History::open(&options.folders, now_ms, move |event| sink.act(Action::History(event))).map_err(|e| e.report())?;
        self.reads = Some(reads::start(&history, self.inbox.clone())?);
        let mut notes = opened.notes.into_iter();
        if opened.is_read_only
            && let Some(why) = notes.next_back()
        {
            self.inbox.act(Action::NotStored(why));
        }
        notes.for_each(|note| self.fail(note));
        self.history = Some(history);
        Ok(!opened.is_read_only)
    }

    fn fail(&self, report: Report) {
        tracing::warn!(cause = report.cause, "an effect failed");
        self.inbox.act(Action::Failed(report));
    }

    /// Carries out one effect; gives back what only the loop can do.
    pub fn carry_out(&mut self, effect: Effect, options: &Options) -> Option<Own> {
        match effect {
            Effect::Send(command) => self.send(command),
            Effect::Store(write) => self.store(write),
            Effect::Read(read) => self.read(Wish::Read(read)),
            Effect::Export(export) => self.read(Wish::Export(export)),
            Effect::WriteFile { path, text } => errands::write(&self.inbox, path, text),
            Effect::Keep { name, value } => errands::keep(&self.inbox, &self.keeping, options.folders.clone(), name, value),
            Effect::ReadSetting { name, path } => errands::read_setting(&self.inbox, name, path),
            Effect::Doctor => errands::doctor(&self.inbox, options.program.clone()),
            Effect::ScanShelf => self.scan(options),
            Effect::Highlight(request) => {
                if let Some(Err(refused)) = self.highlighter.as_ref().map(|h| h.ask(*request)) {
                    self.inbox.act(Action::ColourRefused(Box::new(refused)));
                }
            }
            Effect::Copy(text) => self.copy(text, options),
            Effect::Title(title) => {
                if options.features.modern {
                    self.writer.say(sequences::title(Some(&Shown::line(&title))).as_bytes());
                }
            }
            Effect::Notify(about) => self.notify(&about, options),
            Effect::Watch(watch) => self.gauges.iter().for_each(|g| g.watch(watch)),
            Effect::Mouse(on) => {
                if options.features.modern {
                    self.writer.say(sequences::mouse(on).as_bytes());
                }
            }
            Effect::Edit(text) => return Some(Own::Edit(text)),
            Effect::Redraw => return Some(Own::Redraw),
            Effect::Suspend => return Some(Own::Suspend),
            Effect::Quit => return Some(Own::Quit),
        }
        None
    }

    fn notify(&self, about: &str, options: &Options) {
        let how = match options.preferences.notify {
            Notify::Off => return,
            Notify::Bell => return self.writer.say(sequences::BELL.as_bytes()),
            Notify::Osc9 => Notification::Osc9,
            Notify::Osc777 => Notification::Osc777,
            Notify::Osc99 => Notification::Osc99,
        };
        if options.features.modern {
            let text = Shown::line(&format!("answered: {about}"));
            self.writer.say(sequences::notify(how, &text).as_bytes());
        }
    }

    fn send(&self, command: Command) {
        let sent = self.engine.as_ref().map(|engine| engine.send(command.clone()));
        if !matches!(sent, Some(Ok(()))) {
            let report = Report::new("the engine has ended", "Start ingle again; everything said is stored");
            self.inbox.act(Action::Engine(crate::protocol::Event::Failed { job: command.job(), report, model_lost: None }));
        }
    }

    /// Without a history a message counts as taken: the screen says all along that nothing is stored.
    fn store(&self, write: Write) {
        let answer = match &self.history {
            Some(history) => history.write(write).err(),
            None => Some(HistoryEvent::Stored(write.receipt())),
        };
        answer.into_iter().for_each(|event| self.inbox.act(Action::History(event)));
    }

    /// Without a history there is nothing to read: who waits for an answer is told so.
    fn read(&self, wish: Wish) {
        use crate::tui::app::{Read, ReadAnswer};
        match (&self.reads, wish) {
            // Full: the person asked many times already.
            (Some(reads), wish) => drop(reads.try_send(wish)),
            (None, Wish::Read(Read::Newest)) => self.inbox.act(Action::Read(ReadAnswer::Newest { conversation: None, model: None })),
            (None, Wish::Read(Read::Tokens(node))) => self.inbox.act(Action::Read(ReadAnswer::Tokens { node, ids: Vec::new() })),
            (None, Wish::Export(_)) => self.fail(Report::new("nothing is stored, so nothing can be written", "/copy all takes it along")),
            (None, Wish::Read(Read::Conversation(_) | Read::Conversations | Read::Search(_) | Read::Prompts)) => {}
        }
    }

    /// One look at a time; one that is asked for while another runs is that one.
    fn scan(&self, options: &Options) {
        if self.scanning.swap(true, Ordering::AcqRel) {
            return;
        }
        let (inbox, scanning) = (self.inbox.clone(), Arc::clone(&self.scanning));
        let (surroundings, folder) = (options.surroundings.clone(), options.folders.cache.clone());
        let look = move || {
            // Without a folder for it there is no header cache; the scan takes longer, that is all.
            let headers = create_private(&folder).ok().map(|()| folder.join(HEADERS_FILE));
            let shelf = Shelf::scan(&surroundings, headers.as_deref());
            scanning.store(false, Ordering::Release);
            inbox.act(Action::Shelf(shelf.entries));
        };
        if std::thread::Builder::new().name("shelf".to_owned()).spawn(look).is_err() {
            self.scanning.store(false, Ordering::Release);
        }
    }

    /// A program that copies may take its time.
    fn copy(&self, text: String, options: &Options) {
        let (inbox, writer, tmux) = (self.inbox.clone(), self.writer.clone(), options.tmux);
        let (command, data) = (options.preferences.copy_command.clone(), options.folders.data.clone());
        let copy = move || match clipboard::copy(&text, command.as_deref(), tmux, &data, &writer) {
            Ok(said) => inbox.act(Action::Said(said)),
            Err(report) => inbox.act(Action::Failed(report)),
        };
        let _ = std::thread::Builder::new().name("copy".to_owned()).spawn(copy);
    }

    /// Ends everything, in order: no new work, then what waits is stored. Gives back why something may be lost.
    pub fn close(mut self, within: Duration) -> Option<Report> {
        self.inbox.close();
        if let Some(engine) = self.engine.take() {
            let _ = engine.send(Command::Shutdown { job: LAST_JOB });
        }
        self.reads = None;
        let closed = self.history.take().map(|history| history.close(within));
        self.writer.close();
        // It may still save what a model has read; the next start would read it again, that is all.
        let _ = self.engine_end.take().map(|end| end.recv_timeout(ENGINE_WITHIN));
        match closed {
            Some(Err(error)) => Some(error.report()),
            Some(Ok(())) | None => None,
        }
    }
}
