//! The first minute: what an empty conversation shows.

use crate::protocol::ModelRef;
use crate::tui::app::{App, Class};
use crate::tui::keymap::Intent;
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Three things to ask the guide. Nobody needs to be told what to ask another model.
const OFFERS: &[&str] = &["How do I get a bigger model?", "What do the gauges mean?", "Does anything leave this machine?"];

/// What Down and Enter choose from.
pub fn offers(app: &App) -> &'static [&'static str] {
    if is_guide(app) { OFFERS } else { &[] }
}

/// Name and sentence, a row of air, the offers, a row of air, the keys.
const ROWS: u16 = 9;

pub fn view(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let margin = app.layout().class.margin();
    let area = Rect { x: area.x + margin.min(area.width), width: area.width.saturating_sub(margin * 2), ..area };
    let offers = offers(app);
    let full = area.height >= ROWS;
    let rows = match (full, offers.is_empty()) {
        (false, _) => 2,
        (true, true) => ROWS - OFFERS.len() as u16 - 1,
        (true, false) => ROWS,
    };
    let mut y = area.y + area.height.saturating_sub(rows) / 2;
    let bottom = area.bottom();
    let mut centred = |spans: &[(String, Meaning)], buf: &mut Buffer, skip: u16| {
        if y < bottom {
            paint::centred(buf, Rect { y, height: 1, ..area }, spans, theme);
        }
        y = y.saturating_add(skip);
    };
    centred(&[("ingle".to_owned(), Meaning::Accent)], buf, 1);
    centred(&[(sentence(app), Meaning::Dim)], buf, 2);
    if !full {
        return;
    }
    for (at, offer) in offers.iter().enumerate() {
        let chosen = app.prompt.offer == Some(at);
        let (sign, meaning) = if chosen { ("› ", Meaning::User) } else { ("  ", Meaning::Text) };
        let width = OFFERS.iter().map(|o| o.len()).max().unwrap_or(0);
        centred(&[(sign.to_owned(), Meaning::Accent), (format!("{offer:width$}"), meaning)], buf, 1);
    }
    if !offers.is_empty() {
        centred(&[], buf, 1);
    }
    centred(&[(keys(app), Meaning::Faint)], buf, 1);
    let n_found = app.models.n_found();
    if n_found > 0 && is_guide(app) {
        let models = if n_found == 1 { "1 model" } else { &format!("{n_found} models") };
        let text = format!("{models} found on this machine, {}", app.keymap.hint(Intent::Models));
        centred(&[(text, Meaning::Faint)], buf, 1);
    }
}

fn is_guide(app: &App) -> bool {
    app.models.wanted == ModelRef::Guide
}

/// What answers, and that it is local.
fn sentence(app: &App) -> String {
    let narrow = app.layout().class <= Class::Compact;
    match (is_guide(app), narrow) {
        (true, false) => "A small guide answers here; nothing leaves this machine.".to_owned(),
        (true, true) => "A small guide, on this machine alone.".to_owned(),
        (false, false) => {
            let name = crate::tui::screens::models::name_of(app, &app.models.wanted);
            format!("{} answers here, on this machine alone.", crate::text::Shown::line(&name).cut(40))
        }
        (false, true) => "A model on this machine.".to_owned(),
    }
}

fn keys(app: &App) -> String {
    let hint = |intent| app.keymap.hint(intent);
    match app.layout().class {
        Class::Tiny | Class::Compact => format!("{} models   ? help", hint(Intent::Models)),
        Class::Between | Class::Wide => format!("{} models   {} everything   ? help", hint(Intent::Models), hint(Intent::Palette)),
    }
}
