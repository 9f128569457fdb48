//! ratatui's way to the terminal: crossterm's sequences into a buffer, with links around the cells that lead somewhere, one
//! synchronized update a frame, sizes clamped.

use super::writer::Writer;
use crate::text::sequences;
use crate::tui::app::Size as AppSize;
use crate::tui::links::{self, Links};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use std::cell::{Cell as StdCell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;

/// A window larger than this is drawn so large: 65,535 x 65,535 cells would take 200 GB.
const COLUMNS_MAX: u16 = 1_000;
const ROWS_MAX: u16 = 500;

pub fn clamp(columns: u16, rows: u16) -> AppSize {
    AppSize { columns: columns.min(COLUMNS_MAX), rows: rows.min(ROWS_MAX) }
}

/// One frame's bytes.
#[derive(Clone, Default)]
struct Frame(Rc<RefCell<Vec<u8>>>);

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Screen {
    inner: CrosstermBackend<Frame>,
    frame: Frame,
    size: Rc<StdCell<AppSize>>,
    links: Rc<RefCell<Links>>,
    writer: Writer,
    synchronized: bool,
    cursor: Option<Position>,
    cursor_shown: bool,
}

impl Screen {
    /// `size` is set by the loop: a frame is as large as the state it is drawn from, whatever the window is by then.
    /// `links`: what the numbers in a frame's cells lead to.
    pub fn new(writer: Writer, size: Rc<StdCell<AppSize>>, links: Rc<RefCell<Links>>, synchronized: bool) -> Self {
        let frame = Frame::default();
        Self { inner: CrosstermBackend::new(frame.clone()), frame, size, links, writer, synchronized, cursor: None, cursor_shown: true }
    }

    /// The cursor moves about while cells are written: it must be put back even where it did not change.
    fn touched(&mut self) {
        self.cursor = None;
    }
}

impl Backend for Screen {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let content: Vec<(u16, u16, &Cell)> = content.collect();
        if content.is_empty() {
            return Ok(());
        }
        self.touched();
        let links = Rc::clone(&self.links);
        let links = links.borrow();
        for run in content.chunk_by(|(_, _, a), (_, _, b)| links::number(a) == links::number(b)) {
            let target = run.first().and_then(|(_, _, cell)| links.target(cell));
            if let Some(url) = target {
                self.frame.write_all(sequences::link(url).as_bytes())?;
            }
            self.inner.draw(run.iter().copied())?;
            if target.is_some() {
                self.frame.write_all(sequences::LINK_END.as_bytes())?;
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.cursor_shown, false) { self.inner.hide_cursor() } else { Ok(()) }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.cursor_shown, true) { Ok(()) } else { self.inner.show_cursor() }
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would wait for it; the full screen has no use for the answer.
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor.replace(position) == Some(position) {
            return Ok(());
        }
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.touched();
        self.inner.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.touched();
        self.inner.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        let AppSize { columns, rows } = self.size.get();
        Ok(Size::new(columns, rows))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut *self.frame.0.borrow_mut());
        if bytes.is_empty() {
            return Ok(());
        }
        if self.synchronized {
            let mut whole = Vec::with_capacity(bytes.len() + sequences::BEGIN_FRAME.len() + sequences::END_FRAME.len());
            whole.extend_from_slice(sequences::BEGIN_FRAME.as_bytes());
            whole.extend_from_slice(&bytes);
            whole.extend_from_slice(sequences::END_FRAME.as_bytes());
            self.writer.frame(&whole);
        } else {
            self.writer.frame(&bytes);
        }
        Ok(())
    }
}
