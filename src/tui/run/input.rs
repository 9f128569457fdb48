//! Keys, pastes and focus, from a thread of their own.

use super::inbox::Inbox;
use crate::tui::app::Action;
use crate::tui::keymap::{Chord, Key};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a pause is waited for: the thread wakes at once, but for a machine that hangs.
const PAUSE_WITHIN: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Gate {
    paused: bool,
    parked: bool,
}

/// The thread's reins. While it is paused, keys belong to another program.
#[derive(Clone, Default)]
pub struct Input {
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

impl Input {
    pub fn start(inbox: Inbox) -> std::io::Result<Self> {
        let input = Self::default();
        let own = input.clone();
        thread::Builder::new().name("keys".to_owned()).spawn(move || own.serve(&inbox))?;
        Ok(input)
    }

    fn lock(&self) -> MutexGuard<'_, Gate> {
        self.gate.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, inbox: &Inbox) {
        loop {
            // A terminal that cannot be read is gone: its watcher ends the program.
            let Ok(event) = event::read() else { return };
            let mut gate = self.lock();
            while gate.paused {
                gate.parked = true;
                self.gate.1.notify_all();
                gate = self.gate.1.wait(gate).unwrap_or_else(PoisonError::into_inner);
            }
            gate.parked = false;
            drop(gate);
            if let Some(action) = action(event)
                && !inbox.act_when_room(action)
            {
                return;
            }
        }
    }

    /// Keys go elsewhere from here on. The thread waits inside crossterm; a change of size is what wakes it.
    pub fn pause(&self) {
        let mut gate = self.lock();
        gate.paused = true;
        drop(gate);
        // Raising our own signal runs crossterm's handler, which only writes to its pipe.
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGWINCH);
        let gate = self.lock();
        drop(self.gate.1.wait_timeout_while(gate, PAUSE_WITHIN, |g| !g.parked));
    }

    pub fn resume(&self) {
        self.lock().paused = false;
        self.gate.1.notify_all();
    }
}

fn action(event: Event) -> Option<Action> {
    match event {
        Event::Key(key) => chord(key).map(Action::Key),
        Event::Paste(text) => Some(Action::Paste(text)),
        // The loop asks for the size when the signal comes.
        Event::Resize(..) => None,
        Event::FocusGained => Some(Action::Focused(true)),
        Event::FocusLost => Some(Action::Focused(false)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Some(Action::Wheel { up: true }),
            MouseEventKind::ScrollDown => Some(Action::Wheel { up: false }),
            MouseEventKind::Down(MouseButton::Left) => Some(Action::Click { column: mouse.column, row: mouse.row }),
            MouseEventKind::Down(MouseButton::Right | MouseButton::Middle)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => None,
        },
    }
}

pub(super) fn chord(event: KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let has = |m| event.modifiers.contains(m);
    let (ctrl, alt, mut shift) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT), has(KeyModifiers::SHIFT));
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => {
            shift = true;
            Key::Tab
        }
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(n) => Key::F(n),
        _ => return None,
    };
    Some(Chord::new(key, ctrl, alt, shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_become_chords() {
        let press = |code, modifiers| chord(KeyEvent::new(code, modifiers)).map(|c| c.to_string());
        assert_eq!(press(KeyCode::Char('7'), KeyModifiers::CONTROL).as_deref(), Some("ctrl-_"), "the byte 0x1F");
        assert_eq!(press(KeyCode::Char('j'), KeyModifiers::CONTROL).as_deref(), Some("ctrl-j"));
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT).as_deref(), Some("shift-tab"));
        assert_eq!(press(KeyCode::Char('R'), KeyModifiers::SHIFT).as_deref(), Some("R"));
        assert_eq!(press(KeyCode::Char('?'), KeyModifiers::SHIFT).as_deref(), Some("?"));
        let release = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(chord(release), None);
    }
}
