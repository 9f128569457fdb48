//! The loop: drains all that waits, carries out what follows, draws once.
//!
//! Here and only here the screen meets clock, threads, terminal and disk. At most one frame every [`FRAME`]
//! ([`KEY_FRAME`] after a key and where an answer begins), none when nothing happened; an idle screen wakes for nothing. The
//! first frame is drawn before the history is opened or a model touched.

mod backend;
mod clipboard;
mod clock;
mod editor;
mod effects;
mod errands;
mod inbox;
mod input;
mod last_pass;
mod reads;
mod writer;

use super::app::{Action, App, Size, update};
use super::keymap::Keymap;
use super::preferences::Preferences;
use super::theme::{Depth, Theme, ThemeError, Themes};
use super::{Links, screens, screens::gauges::Phase, view};
use crate::config::{Config, Folders};
use crate::protocol::{Event, ModelRef, Report, Settings};
use crate::shelf::Surroundings;
use crate::sys::signals::Signal;
use crate::sys::{panics, signals, terminal};
use crate::text::Shown;
use crate::text::sequences::Features;
use backend::Screen;
use clock::Clock;
use effects::{House, Own};
use inbox::{Inbox, Mail};
use input::Input;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use writer::Writer;

/// The least time between two frames: faster than that nobody sees.
const FRAME: Duration = Duration::from_millis(16);
/// The same after a key, and where an answer begins: a person waits for it, so it does not wait for the frame after another.
const KEY_FRAME: Duration = Duration::from_millis(4);
/// Storing what waits must end before whoever sent a signal loses patience.
const CLOSE_WITHIN: Duration = Duration::from_millis(700);
/// A terminal that reads has taken a frame long before.
const DRAIN_WITHIN: Duration = Duration::from_millis(200);

/// As Rust's own exit after a panic.
const BROKEN_CODE: u8 = 101;

/// What the screen is started with.
pub struct Options {
    pub folders: Folders,
    /// Where models are looked for.
    pub surroundings: Surroundings,
    /// Named on the command line or in the config; absent: the one that answered last.
    pub model: Option<ModelRef>,
    /// Settings of the command line.
    pub command: Settings,
    pub config: Config,
    pub preferences: Preferences,
    /// keymap.toml, if there is one.
    pub keymap: Option<String>,
    pub depth: Depth,
    pub features: Features,
    pub tmux: bool,
    /// ingle's own program, in which files' templates are rendered.
    pub program: Option<PathBuf>,
    /// What a person should be told at the start: a broken config.
    pub notes: Vec<Report>,
}

/// Runs the screen to its end. Gives the exit code: 0 for any key, 128 + n for a signal.
pub fn run(options: Options) -> Result<u8, Report> {
    let no_terminal = |e: &std::io::Error| Report::new("the screen needs a terminal", "In a pipe use `ingle run`").because(e);
    let inbox = Inbox::default();
    let tell = inbox.clone();
    signals::listen(move |signal| tell.push(Mail::Signal(signal))).map_err(|e| no_terminal(&e))?;
    let lost = inbox.clone();
    terminal::watch(move || lost.push(Mail::Lost)).map_err(|e| no_terminal(&e))?;
    let broken = inbox.clone();
    panics::install(move |panicked| {
        let said = Shown::line(&format!("a bug: {} at {}", panicked.message, panicked.place));
        eprintln!("error: {said}. Everything sent is stored; please report it.");
        tracing::error!(place = panicked.place, "a panic");
        broken.push(Mail::Broken);
    });
    let guard = terminal::Guard::take(terminal::Sequences {
        enter: options.features.enter().into_bytes(),
        leave: options.features.leave().into_bytes(),
    })
    .map_err(|e| no_terminal(&e))?;
    // The guard did this already; crossterm only takes Ctrl+J for what it is when it was asked itself.
    crossterm::terminal::enable_raw_mode().map_err(|e| no_terminal(&e))?;
    let writer = Writer::start(inbox.clone()).map_err(|e| no_terminal(&e))?;
    let mut running = Running::start(options, inbox, guard, writer).map_err(|e| no_terminal(&e))?;
    let code = running.until_the_end();
    running.close(code)
}

struct Running {
    app: App,
    options: Options,
    clock: Clock,
    inbox: Inbox,
    input: Input,
    house: House,
    guard: terminal::Guard,
    terminal: ratatui::Terminal<Screen>,
    size: Rc<Cell<Size>>,
    links: Rc<RefCell<Links>>,
    drawn_at: Instant,
    dirty: bool,
    /// Something came since the last frame that a person waits for.
    awaited: bool,
}

impl Running {
    /// Draws the first frame, then opens everything else.
    fn start(options: Options, inbox: Inbox, guard: terminal::Guard, writer: Writer) -> std::io::Result<Self> {
        let mut clock = Clock::start();
        let size = Rc::new(Cell::new(window()));
        let mut app = new_app(&options, size.get(), &mut clock);
        let links = Rc::new(RefCell::new(Links::new(options.preferences.hyperlinks && options.features.modern)));
        let screen = Screen::new(writer.clone(), Rc::clone(&size), Rc::clone(&links), options.features.modern);
        let mut terminal = ratatui::Terminal::new(screen)?;
        terminal.clear()?;
        draw(&mut terminal, &app, &links)?;
        let input = Input::start(inbox.clone())?;
        let house = House::start(&options, clock::unix_ms(), &inbox, writer);
        let notes = take_themes(&mut app, &options);
        inbox.act(Action::Started);
        options.notes.iter().chain(&notes).for_each(|note| inbox.act(Action::Failed(note.clone())));
        Ok(Self {
            app,
            options,
            clock,
            inbox,
            input,
            house,
            guard,
            terminal,
            size,
            links,
            drawn_at: clock::now(),
            dirty: false,
            awaited: false,
        })
    }

    fn until_the_end(&mut self) -> u8 {
        loop {
            let mail = self.inbox.take(self.deadline(), clock::now);
            for letter in mail {
                let end = match letter {
                    Mail::Action(action) => self.happen(action),
                    Mail::Signal(Signal::Leave(n)) => Some(self.leave(signals::exit_code(n))),
                    Mail::Signal(Signal::Suspend) => self.suspend(false),
                    Mail::Signal(Signal::Continue) => self.back(),
                    Mail::Signal(Signal::Resized) => self.happen(Action::Resize(window())),
                    Mail::Lost => {
                        signals::leave_within(signals::lost_exit_code());
                        Some(self.leave(signals::lost_exit_code()))
                    }
                    Mail::Broken => {
                        signals::leave_within(BROKEN_CODE);
                        Some(self.leave(BROKEN_CODE))
                    }
                    Mail::Writable => None,
                };
                if let Some(code) = end {
                    return code;
                }
            }
            if self.app.wake_at_ms().is_some_and(|at| at <= self.clock.now_ms())
                && let Some(code) = self.happen(Action::Tick)
            {
                return code;
            }
            self.draw_if_due();
        }
    }

    /// When there is something to do without mail: the next frame, or what the state waits for.
    fn deadline(&self) -> Option<Instant> {
        let wake = self.app.wake_at_ms().map(|ms| self.clock.at(ms));
        let frame = (self.dirty && self.house.writer.is_free()).then(|| self.next_frame_at());
        [wake, frame].into_iter().flatten().min()
    }

    fn happen(&mut self, action: Action) -> Option<u8> {
        if let Action::Resize(size) = &action {
            self.size.set(*size);
        }
        self.dirty = true;
        // That the prompt is read was told just before an answer's first words: they do not wait for the frame after that.
        let is_begin = matches!(action, Action::Engine(Event::Tokens { .. })) && self.app.gauges.phase != Phase::Decode;
        self.awaited |= is_begin || matches!(action, Action::Key(_) | Action::Paste(_));
        let env = self.clock.env();
        for effect in update(&mut self.app, action, &env) {
            if let Some(own) = self.house.carry_out(effect, &self.options)
                && let Some(code) = self.own(own)
            {
                return Some(code);
            }
        }
        None
    }

    fn own(&mut self, own: Own) -> Option<u8> {
        match own {
            Own::Quit => Some(0),
            Own::Suspend => self.suspend(true),
            Own::Redraw => {
                // Clearing only marks every cell: the frame that follows writes them.
                let _ = self.terminal.clear();
                self.dirty = true;
                None
            }
            Own::Edit(text) => {
                self.input.pause();
                self.house.writer.drain(DRAIN_WITHIN);
                terminal::give_back();
                let edited = editor::edit(&text, &self.options.folders.state);
                let taken = self.guard.take_again();
                self.input.resume();
                match taken {
                    Ok(()) => {
                        let resized = self.happen(Action::Resize(window()));
                        resized.or_else(|| self.happen(Action::Edited(edited)))
                    }
                    Err(_) => Some(self.leave(signals::lost_exit_code())),
                }
            }
        }
    }

    /// Ctrl+Z, or SIGTSTP from outside.
    fn suspend(&mut self, whole_job: bool) -> Option<u8> {
        self.house.writer.drain(DRAIN_WITHIN);
        let suspended = if whole_job { self.guard.suspend() } else { self.guard.suspend_alone() };
        match suspended {
            Ok(()) => self.back(),
            Err(_) => Some(self.leave(signals::lost_exit_code())),
        }
    }

    fn back(&mut self) -> Option<u8> {
        if self.guard.take_again().is_err() {
            return Some(self.leave(signals::lost_exit_code()));
        }
        self.happen(Action::Resize(window())).or_else(|| self.happen(Action::Resumed))
    }

    /// Told to leave: what was typed is kept, and the answer that runs is left as it is, to be continued.
    fn leave(&mut self, code: u8) -> u8 {
        let env = self.clock.env();
        for effect in screens::prompt::save_typed(&mut self.app, &env) {
            self.house.carry_out(effect, &self.options);
        }
        code
    }

    fn draw_if_due(&mut self) {
        if !self.dirty || clock::now() < self.next_frame_at() || !self.house.writer.is_free() {
            return;
        }
        // What fails to be drawn now is drawn with the next frame.
        if draw(&mut self.terminal, &self.app, &self.links).is_ok() {
            self.dirty = false;
        }
        self.awaited = false;
        self.drawn_at = clock::now();
    }

    fn next_frame_at(&self) -> Instant {
        self.drawn_at + if self.awaited { KEY_FRAME } else { FRAME }
    }

    /// Stores, then gives the terminal back; a word about what may be lost goes to standard error, where it stays.
    fn close(self, code: u8) -> Result<u8, Report> {
        let Self { house, guard, terminal, .. } = self;
        let lost = house.close(CLOSE_WITHIN);
        drop(terminal);
        drop(guard);
        lost.map_or(Ok(code), Err)
    }
}

fn draw(terminal: &mut ratatui::Terminal<Screen>, app: &App, links: &RefCell<Links>) -> std::io::Result<()> {
    terminal.draw(|frame| {
        view(app, &mut links.borrow_mut(), frame);
        last_pass::clean(frame.buffer_mut());
    })?;
    Ok(())
}

/// The window's size now; one nobody knows is that of the oldest terminals.
fn window() -> Size {
    let known = crossterm::terminal::size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0);
    let (columns, rows) = known.unwrap_or((80, 24));
    backend::clamp(columns, rows)
}

fn new_app(options: &Options, size: Size, clock: &mut Clock) -> App {
    let send = options.preferences.send;
    let (keymap, problems) = match &options.keymap {
        Some(text) => Keymap::with_overrides(send, text),
        None => (Keymap::new(send), Vec::new()),
    };
    let env = clock.env();
    let mut app = App::new(size, vec![first_theme(options)], keymap, options.preferences.clone(), &env);
    app.models.command = options.command.clone();
    app.models.config = options.config.settings.clone();
    app.models.per_model = options.config.models.clone();
    app.models.chosen_at_start = options.model.is_some();
    app.models.wanted = options.model.clone().unwrap_or(ModelRef::Guide);
    for problem in problems {
        app.toasts.report(&problem.report(), &env);
    }
    app
}

/// The theme of the first frame alone: reading all of them can wait until it stands.
fn first_theme(options: &Options) -> Theme {
    let (themes, _) = Themes::read(&options.folders.themes());
    let named = themes.load(&options.preferences.theme).map(|(theme, _)| theme);
    named.unwrap_or_else(|_| Themes::default_theme()).at(options.depth)
}

/// All themes. Gives what a person should know: the wished one is not there or not whole, a file cannot be read.
fn take_themes(app: &mut App, options: &Options) -> Vec<Report> {
    let (themes, unread) = Themes::read(&options.folders.themes());
    let mut notes: Vec<Report> = unread.iter().map(ThemeError::report).collect();
    app.themes.clear();
    for name in themes.names() {
        // A name from the list is always found.
        let Ok((theme, problems)) = themes.load(name) else { continue };
        app.themes.push(theme.at(options.depth));
        if let Some(first) = problems.first() {
            app.theme_problems.insert(name.to_owned(), first.report());
        }
    }
    let (wished, default) = (&options.preferences.theme, Themes::default_theme());
    let place = |name: &str| app.themes.iter().position(|t| t.name() == name);
    app.theme = place(wished).or_else(|| place(default.name())).unwrap_or(0);
    notes.extend(match themes.load(wished) {
        Ok(_) => app.theme_problems.get(wished).cloned(),
        Err(problem) => Some(problem.report()),
    });
    notes
}
