//! Everything ingle may say to a terminal besides printable text, as one table, and the functions that say it.
//!
//! The writers build their bytes here; [`super::audit`] reads the same table when tests parse what was written. A
//! sequence that is not a row of [`ALLOWED`] does not exist.

use super::{HttpUrl, Shown, width};
use base64::Engine;

/// When a sequence may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// An answer ended while nobody looked, and the settings want it said this way.
    Notifying,
    /// After the user's own copy key.
    Copying,
}

/// What a sequence looks like.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// `ESC [`, a private mark, numbers, then intermediates and the final byte.
    Csi { mark: &'static str, numbers: Numbers, tail: &'static str },
    /// `ESC ]`, a number, `;`, a text that must pass `fits`, and ST or BEL.
    Osc { number: &'static str, fits: fn(&str) -> bool },
}

#[derive(Debug, Clone, Copy)]
pub enum Numbers {
    Any,
    Only(&'static [&'static str]),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    pub name: &'static str,
    pub form: Form,
    pub when: When,
}

const fn csi(name: &'static str, mark: &'static str, numbers: Numbers, tail: &'static str) -> Allowed {
    Allowed { name, form: Form::Csi { mark, numbers, tail }, when: When::Always }
}

const fn osc(name: &'static str, number: &'static str, fits: fn(&str) -> bool, when: When) -> Allowed {
    Allowed { name, form: Form::Osc { number, fits }, when }
}

/// Private modes: cursor, mouse (four kinds of reports), focus, alternate screen, bracketed paste, synchronized frames.
const MODES: Numbers = Numbers::Only(&["25", "1000", "1002", "1003", "1004", "1006", "1015", "1049", "2004", "2026"]);

pub const ALLOWED: &[Allowed] = &[
    csi("move the cursor", "", Numbers::Any, "H"),
    csi("cursor up", "", Numbers::Any, "A"),
    csi("cursor down", "", Numbers::Any, "B"),
    csi("cursor right", "", Numbers::Any, "C"),
    csi("cursor left", "", Numbers::Any, "D"),
    csi("cursor to column", "", Numbers::Any, "G"),
    csi("clear screen", "", Numbers::Any, "J"),
    csi("clear line", "", Numbers::Any, "K"),
    csi("clear cells", "", Numbers::Any, "X"),
    csi("scroll up", "", Numbers::Any, "S"),
    csi("scroll down", "", Numbers::Any, "T"),
    csi("scroll region", "", Numbers::Any, "r"),
    csi("colours and strength", "", Numbers::Any, "m"),
    csi("cursor shape", "", Numbers::Only(&["0", "1", "2", "3", "4", "5", "6"]), " q"),
    csi("set mode", "?", MODES, "h"),
    csi("reset mode", "?", MODES, "l"),
    csi("the wheel is not arrow keys", "?", Numbers::Only(&["1007"]), "l"),
    csi("ask what the terminal is", "", Numbers::Only(&["", "0"]), "c"),
    csi("ask where the cursor is", "", Numbers::Only(&["6"]), "n"),
    csi("kitty keys on", ">", Numbers::Any, "u"),
    csi("kitty keys off", "<", Numbers::Any, "u"),
    csi("ask for kitty keys", "?", Numbers::Only(&[""]), "u"),
    csi("tell modified keys apart", ">", Numbers::Only(&["4;1", "4"]), "m"),
    csi("keep and bring back the title", "", Numbers::Only(&["22;2", "23;2"]), "t"),
    osc("title and icon", "0", is_own_title, When::Always),
    osc("title", "2", is_own_title, When::Always),
    osc("link", "8", is_link, When::Always),
    osc("notification, as iTerm2", "9", is_notification, When::Notifying),
    osc("notification, as kitty", "99", is_kitty_notification, When::Notifying),
    osc("notification, as urxvt", "777", is_urxvt_notification, When::Notifying),
    osc("clipboard", "52", is_clipboard, When::Copying),
];

pub const ENTER_ALTERNATE_SCREEN: &str = "\x1b[?1049h";
pub const LEAVE_ALTERNATE_SCREEN: &str = "\x1b[?1049l";
pub const PASTE_ON: &str = "\x1b[?2004h";
pub const PASTE_OFF: &str = "\x1b[?2004l";
pub const FOCUS_ON: &str = "\x1b[?1004h";
pub const FOCUS_OFF: &str = "\x1b[?1004l";
pub const SHOW_CURSOR: &str = "\x1b[?25h";
pub const HIDE_CURSOR: &str = "\x1b[?25l";
pub const WHEEL_IS_NOT_ARROWS: &str = "\x1b[?1007l";
/// Presses, drags and the wheel, in coordinates without a limit.
pub const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
pub const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
pub const KITTY_KEYS_ON: &str = "\x1b[>1u";
pub const KITTY_KEYS_OFF: &str = "\x1b[<u";
pub const MODIFIED_KEYS_ON: &str = "\x1b[>4;1m";
pub const MODIFIED_KEYS_OFF: &str = "\x1b[>4m";
pub const KEEP_TITLE: &str = "\x1b[22;2t";
pub const BRING_BACK_TITLE: &str = "\x1b[23;2t";
/// What stands between these is shown at once, where the terminal can.
pub const BEGIN_FRAME: &str = "\x1b[?2026h";
pub const END_FRAME: &str = "\x1b[?2026l";
pub const RESET_STYLE: &str = "\x1b[0m";
pub const BELL: &str = "\x07";
pub const LINK_END: &str = "\x1b]8;;\x1b\\";

/// Ends an OSC: ST, since some terminals take BEL for a bell there.
const ST: &str = "\x1b\\";
/// The program's name, which every title and notification begins with, so that a model cannot pose as another program.
const NAME: &str = "ingle";
/// Columns of a conversation's name in the window's title.
pub const TITLE_COLUMNS_MAX: usize = 60;
/// Columns of a notification: more is cut off by desktops anyway.
const NOTIFICATION_COLUMNS_MAX: usize = 100;
/// Base64 of this many bytes passes xterm's and kitty's limits; more goes to a file as well.
pub const CLIPBOARD_BYTES_MAX: usize = 75_000;

/// How the terminal tells modified keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProtocol {
    Plain,
    Kitty,
    /// xterm's modifyOtherKeys: tmux with `extended-keys-format csi-u` knows only this form.
    ModifiedKeys,
}

/// What is switched on for the screen and off again after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    pub keys: KeyProtocol,
    pub mouse: bool,
    /// The terminal knows titles, focus and modes: not the Linux console, not `dumb`.
    pub modern: bool,
}

impl Features {
    /// By TERM, and by whether tmux says `extended-keys-format csi-u` (`None`: not inside tmux). Nothing is asked.
    pub fn for_terminal(term: &str, tmux_csi_u: Option<bool>, mouse: bool) -> Self {
        let modern = !matches!(term, "" | "linux" | "dumb");
        let keys = match tmux_csi_u {
            _ if !modern => KeyProtocol::Plain,
            None => KeyProtocol::Kitty,
            Some(true) => KeyProtocol::ModifiedKeys,
            Some(false) => KeyProtocol::Plain,
        };
        Self { keys, mouse, modern }
    }

    /// Takes the screen over. Raw mode is not a sequence and follows this.
    pub fn enter(&self) -> String {
        let keys = match self.keys {
            KeyProtocol::Plain => "",
            KeyProtocol::Kitty => KITTY_KEYS_ON,
            KeyProtocol::ModifiedKeys => MODIFIED_KEYS_ON,
        };
        let mut out = String::new();
        if self.modern {
            out.push_str(KEEP_TITLE);
        }
        out.push_str(ENTER_ALTERNATE_SCREEN);
        out.push_str(PASTE_ON);
        if self.modern {
            out.push_str(FOCUS_ON);
            out.push_str(if self.mouse { MOUSE_ON } else { WHEEL_IS_NOT_ARROWS });
        }
        out.push_str(keys);
        out
    }

    /// Gives the screen back as it was: what [`Features::enter`] did, undone backwards. Harmless when said twice.
    pub fn leave(&self) -> String {
        let mut out = String::from(END_FRAME);
        out.push_str(match self.keys {
            KeyProtocol::Plain => "",
            KeyProtocol::Kitty => KITTY_KEYS_OFF,
            KeyProtocol::ModifiedKeys => MODIFIED_KEYS_OFF,
        });
        if self.modern {
            // The last frame may have been cut off inside a link.
            out.push_str(LINK_END);
            out.push_str(MOUSE_OFF);
            out.push_str(FOCUS_OFF);
        }
        out.push_str(PASTE_OFF);
        out.push_str(RESET_STYLE);
        out.push_str(&cursor_shape(CursorShape::Usual));
        out.push_str(SHOW_CURSOR);
        out.push_str(LEAVE_ALTERNATE_SCREEN);
        if self.modern {
            out.push_str(BRING_BACK_TITLE);
        }
        out
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorShape {
    /// As the user set it.
    Usual = 0,
    SteadyBlock = 2,
    SteadyUnderline = 4,
    SteadyBar = 6,
}

pub fn cursor_shape(shape: CursorShape) -> String {
    format!("\x1b[{} q", shape as u8)
}

/// Gives the mouse to the program, or back to the terminal.
pub fn mouse(on: bool) -> String {
    if on { MOUSE_ON.to_owned() } else { format!("{MOUSE_OFF}{WHEEL_IS_NOT_ARROWS}") }
}

/// The window's title: `ingle`, or `ingle: CONVERSATION`.
pub fn title(conversation: Option<&Shown>) -> String {
    match conversation.filter(|c| !c.is_empty()) {
        Some(name) => format!("\x1b]2;{NAME}: {}{ST}", name.cut(TITLE_COLUMNS_MAX)),
        None => format!("\x1b]2;{NAME}{ST}"),
    }
}

/// What follows, up to [`LINK_END`], leads to `url`.
pub fn link(url: &HttpUrl) -> String {
    format!("\x1b]8;;{url}{ST}")
}

/// Hands `text` to the terminal's clipboard. After the user's copy key alone.
pub fn copy(text: &str) -> String {
    format!("\x1b]52;c;{}{ST}", base64::engine::general_purpose::STANDARD.encode(text))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    Osc9,
    Osc777,
    Osc99,
}

/// A desktop's notification. The name comes first: `OSC 9 ; 4 ;` would be a progress bar.
pub fn notify(how: Notification, text: &Shown) -> String {
    let text = Shown::line(&text.as_str().replace(';', ",")).cut(NOTIFICATION_COLUMNS_MAX);
    match how {
        Notification::Osc9 => format!("\x1b]9;{NAME}: {text}{ST}"),
        Notification::Osc777 => format!("\x1b]777;notify;{NAME};{text}{ST}"),
        Notification::Osc99 => format!("\x1b]99;;{NAME}: {text}{ST}"),
    }
}

fn is_shown(text: &str, columns_max: usize) -> bool {
    Shown::line(text).as_str() == text && width(text) <= columns_max
}

fn is_own_title(text: &str) -> bool {
    match text.strip_prefix(NAME) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(": ").is_some_and(|name| is_shown(name, TITLE_COLUMNS_MAX)),
        None => false,
    }
}

fn is_link(text: &str) -> bool {
    match text.strip_prefix(';') {
        Some("") => true,
        Some(url) => HttpUrl::parse(url).is_some_and(|parsed| parsed.as_str() == url),
        None => false,
    }
}

fn is_notification(text: &str) -> bool {
    text.strip_prefix(NAME).and_then(|t| t.strip_prefix(": ")).is_some_and(|t| is_shown(t, NOTIFICATION_COLUMNS_MAX))
}

fn is_kitty_notification(text: &str) -> bool {
    text.strip_prefix(';').is_some_and(is_notification)
}

fn is_urxvt_notification(text: &str) -> bool {
    let text = text.strip_prefix("notify;").and_then(|t| t.strip_prefix(NAME)).and_then(|t| t.strip_prefix(';'));
    text.is_some_and(|t| is_shown(t, NOTIFICATION_COLUMNS_MAX) && !t.contains(';'))
}

fn is_clipboard(text: &str) -> bool {
    let data = text.strip_prefix("c;");
    data.is_some_and(|d| base64::engine::general_purpose::STANDARD.decode(d).is_ok())
}
