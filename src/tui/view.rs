//! The whole screen.

use super::Links;
use super::app::{App, Class, Level, Overlay};
use super::paint;
use super::screens::{ask, choose, chords, conversation, gauges, list, prompt, toasts};
use super::theme::Meaning;
use ratatui::Frame;

/// Draws everything. Changes nothing of the state: what must be remembered was computed by `update`. `links` is told which
/// links are in the frame.
pub fn view(app: &App, links: &mut Links, frame: &mut Frame) {
    links.begin_frame();
    let theme = app.theme();
    let layout = app.layout();
    let area = frame.area();
    let buf = frame.buffer_mut();
    paint::clear(buf, area, theme.style(Meaning::Background));
    if layout.class == Class::Tiny {
        paint::put(buf, 0, 0, area.right(), "too small for ingle", theme.style(Meaning::Text));
        return;
    }
    if layout.level == Level::Full || app.enlarged().is_some() {
        let space = layout.transcript_and_title();
        gauges::view_full(app, theme, space, buf);
        paint::rule(buf, layout.rule, theme);
    } else {
        conversation::view(app, theme, links, buf);
    }
    let mut cursor = prompt::view(app, theme, buf);
    gauges::view_line(app, theme, buf);
    match layout.level {
        Level::Strip => gauges::view_strip(app, theme, layout.strip, buf),
        Level::Panel => {
            for y in layout.panel_rule.top()..layout.panel_rule.bottom() {
                paint::set(buf, layout.panel_rule.x, y, "│", theme.style(Meaning::Rule));
            }
            gauges::view_panel(app, theme, layout.panel, buf);
        }
        Level::Line | Level::Full => {}
    }
    for overlay in &app.overlays {
        match overlay {
            Overlay::List(open) => cursor = list::view(open, &layout, theme, buf),
            Overlay::Choose(question) => {
                cursor = None;
                choose::view(question, layout.whole, theme, buf);
            }
            Overlay::Ask(question) => {
                cursor = None;
                ask::view(question, layout.whole, theme, buf);
            }
        }
    }
    if app.leader_shown {
        chords::view(app, theme, buf);
    }
    let space = layout.transcript_and_title();
    toasts::view(&app.toasts, ratatui::layout::Rect { height: space.height.saturating_sub(1), ..space }, theme, buf);
    if let Some(position) = cursor.filter(|p| area.contains(*p)) {
        frame.set_cursor_position(position);
    }
}
