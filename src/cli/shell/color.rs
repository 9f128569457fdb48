//! Whether to colour.

use crate::config::ColorWhen;
use std::ffi::OsString;

/// `--color`, then the config, then NO_COLOR (no-color.org), then CLICOLOR_FORCE and CLICOLOR (bixense.com/clicolors),
/// then whether it is a terminal that can.
pub(crate) fn decide(flag: Option<ColorWhen>, config: ColorWhen, variable: &dyn Fn(&str) -> Option<OsString>, is_terminal: bool) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    match flag.unwrap_or(config) {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if set("NO_COLOR").is_some() => false,
        ColorWhen::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorWhen::Auto if set("CLICOLOR").is_some_and(|value| value == "0") => false,
        ColorWhen::Auto => is_terminal && set("TERM").is_none_or(|value| value != "dumb"),
    }
}
