//! Where things are: the places of SCREENS.md for a size and a level of gauges.

use super::Size;
use ratatui::layout::Rect;

/// How much the gauges show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The status line alone.
    Line,
    /// Three rows above the status line.
    Strip,
    /// A panel at the right.
    Panel,
    /// Nothing but gauges over the prompt.
    Full,
}

impl Level {
    pub const ALL: [Level; 4] = [Level::Line, Level::Strip, Level::Panel, Level::Full];

    /// As `/gauges` and config.toml call it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Line => "line",
            Level::Strip => "strip",
            Level::Panel => "panel",
            Level::Full => "full",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Not even the compact screen fits.
    Tiny,
    Compact,
    Between,
    Wide,
}

/// Under these nothing useful can be drawn.
pub const TINY: Size = Size { columns: 20, rows: 6 };
const COMPACT: Size = Size { columns: 60, rows: 14 };
const WIDE: Size = Size { columns: 110, rows: 24 };
const STRIP: Size = Size { columns: 70, rows: 18 };
/// Below so many rows the title line goes.
const TITLE_ROWS: u16 = 12;
const PANEL_COLUMNS: u16 = 34;
const STRIP_ROWS: u16 = 3;

impl Class {
    pub fn of(size: Size) -> Self {
        let within = |limit: Size| size.columns < limit.columns || size.rows < limit.rows;
        match size {
            _ if within(TINY) => Class::Tiny,
            _ if within(COMPACT) => Class::Compact,
            _ if within(WIDE) => Class::Between,
            _ => Class::Wide,
        }
    }

    /// Rows the prompt may grow to.
    pub fn prompt_rows_max(self) -> u16 {
        match self {
            Class::Tiny => 1,
            Class::Compact => 3,
            Class::Between => 5,
            Class::Wide => 8,
        }
    }

    /// Columns left of running text.
    pub fn margin(self) -> u16 {
        match self {
            Class::Tiny => 0,
            // A sign and a blank.
            Class::Compact => 2,
            Class::Between | Class::Wide => 3,
        }
    }
}

/// The levels that a size has room for.
pub fn levels(size: Size) -> Vec<Level> {
    let fits = |limit: Size| size.columns >= limit.columns && size.rows >= limit.rows;
    let mut out = vec![Level::Line];
    out.extend(fits(STRIP).then_some(Level::Strip));
    out.extend(fits(WIDE).then_some(Level::Panel));
    out.extend(fits(COMPACT).then_some(Level::Full));
    out
}

/// The wished level, or the nearest lower one there is room for; without a wish the panel where it fits.
pub fn level(size: Size, wished: Option<Level>) -> Level {
    let levels = levels(size);
    let Some(wished) = wished else {
        return if levels.contains(&Level::Panel) { Level::Panel } else { Level::Line };
    };
    if wished == Level::Full && levels.contains(&Level::Full) {
        return Level::Full;
    }
    levels.into_iter().filter(|l| *l <= wished && *l != Level::Full).max().unwrap_or(Level::Line)
}

/// Where each part is drawn. Parts without room are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub class: Class,
    pub level: Level,
    pub whole: Rect,
    pub title: Rect,
    pub transcript: Rect,
    /// The thin line above the prompt; also says what waits below and what is edited.
    pub rule: Rect,
    pub prompt: Rect,
    /// Between prompt and status line.
    pub strip: Rect,
    pub status: Rect,
    pub panel: Rect,
    /// The thin line left of the panel.
    pub panel_rule: Rect,
}

impl Layout {
    pub fn new(size: Size, wished: Option<Level>, prompt_rows: u16) -> Self {
        let whole = Rect::new(0, 0, size.columns, size.rows);
        let (class, level) = (Class::of(size), level(size, wished));
        let none = Rect::new(0, 0, 0, 0);
        let with_panel = level == Level::Panel;
        let left = if with_panel { whole.width.saturating_sub(PANEL_COLUMNS + 2) } else { whole.width };
        let (panel_rule, panel) = if with_panel {
            let below = whole.height.saturating_sub(1);
            (Rect::new(left, 0, 1, below), Rect::new(left + 2, 0, PANEL_COLUMNS, below))
        } else {
            (none, none)
        };
        let title_rows = u16::from(whole.height >= TITLE_ROWS);
        // A row of air between prompt and status line where there is room for air.
        let air = u16::from(class >= Class::Between && level != Level::Strip);
        let strip_rows = if level == Level::Strip { STRIP_ROWS + 2 } else { 0 };
        let status_y = whole.height.saturating_sub(1);
        let prompt_rows = prompt_rows.clamp(1, class.prompt_rows_max());
        let below = 1 + air + strip_rows;
        let prompt_y = whole.height.saturating_sub(below + prompt_rows);
        let rule_y = prompt_y.saturating_sub(1);
        let body_y = title_rows + u16::from(title_rows > 0 && class >= Class::Between);
        let row = |y: u16, height: u16| Rect::new(0, y, left, height).intersection(whole);
        Self {
            class,
            level,
            whole,
            title: row(0, title_rows),
            transcript: row(body_y, rule_y.saturating_sub(body_y)),
            rule: row(rule_y, 1),
            prompt: row(prompt_y, prompt_rows),
            strip: if strip_rows > 0 { row(status_y.saturating_sub(STRIP_ROWS + 1), STRIP_ROWS) } else { none },
            status: Rect::new(0, status_y, whole.width, 1).intersection(whole),
            panel,
            panel_rule,
        }
    }

    /// Columns of running text in the prompt.
    pub fn prompt_columns(&self) -> u16 {
        self.prompt.width.saturating_sub(self.class.margin() + 1)
    }
}

impl Layout {
    /// Everything left of the panel, above the rule.
    pub fn transcript_and_title(&self) -> Rect {
        Rect { x: self.transcript.x, y: self.whole.y, width: self.transcript.width, height: self.rule.y }
    }
}
