//! How many colours the terminal shows, from what the environment says. Nothing is asked of the terminal.

/// Colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    None,
    /// The terminal's own sixteen.
    Ansi,
    /// The 256 of xterm.
    Indexed,
    True,
}

/// `--color` and the setting of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// The variables that speak of colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColourEnv {
    pub no_color: Option<String>,
    pub clicolor_force: Option<String>,
    pub clicolor: Option<String>,
    pub colorterm: Option<String>,
    pub term: Option<String>,
}

impl ColourEnv {
    /// Picks the variables out of an environment: `ColourEnv::of(|name| std::env::var(name).ok())`.
    pub fn of(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        Self {
            no_color: set("NO_COLOR"),
            clicolor_force: set("CLICOLOR_FORCE"),
            clicolor: set("CLICOLOR"),
            colorterm: set("COLORTERM"),
            term: set("TERM"),
        }
    }
}

/// Names of terminals that show 24 bits whatever COLORTERM says: SSH often loses it.
const TRUE_COLOUR_TERMS: [&str; 5] = ["kitty", "ghostty", "alacritty", "foot", "wezterm"];

/// Whether to colour at all: the flag, then the setting, then NO_COLOR, CLICOLOR_FORCE and CLICOLOR, then whether it goes
/// to a terminal that is not `dumb`.
pub fn colour_wanted(flag: ColourChoice, setting: ColourChoice, env: &ColourEnv, is_terminal: bool) -> bool {
    for choice in [flag, setting] {
        match choice {
            ColourChoice::Always => return true,
            ColourChoice::Never => return false,
            ColourChoice::Auto => {}
        }
    }
    if env.no_color.is_some() {
        return false;
    }
    if env.clicolor_force.as_deref().is_some_and(|force| force != "0") {
        return true;
    }
    env.clicolor.as_deref() != Some("0") && is_terminal && env.term.as_deref() != Some("dumb")
}

impl Depth {
    /// The depth of a terminal that is to be coloured: the setting, else what COLORTERM and TERM tell.
    pub fn detect(setting: Option<Depth>, env: &ColourEnv) -> Self {
        if let Some(depth) = setting {
            return depth;
        }
        let term = env.term.as_deref().unwrap_or_default();
        let told = env.colorterm.as_deref().unwrap_or_default();
        if matches!(told, "truecolor" | "24bit") || term.ends_with("-direct") || TRUE_COLOUR_TERMS.iter().any(|name| term.contains(name)) {
            Depth::True
        } else if term.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Ansi
        }
    }

    /// By the name in the settings.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Depth::None),
            "16" => Some(Depth::Ansi),
            "256" => Some(Depth::Indexed),
            "24bit" | "truecolor" => Some(Depth::True),
            _ => None,
        }
    }
}
