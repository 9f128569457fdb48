//! What a person can choose from, by name. The first of each is the default.

macro_rules! choices {
    ($($(#[$about:meta])* pub enum $choice:ident { $($(#[$meaning:meta])* $variant:ident = $name:literal),+ $(,)? })+) => { $(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $choice {
            $($(#[$meaning])* $variant),+
        }

        impl $choice {
            pub const NAMES: &'static [&'static str] = &[$($name),+];
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.name() == name)
            }

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl Default for $choice {
            fn default() -> Self {
                Self::ALL[0]
            }
        }
    )+ };
}

choices! {
    /// What sends the prompt; the other one begins a new line.
    pub enum SendWith {
        Enter = "enter",
        AltEnter = "alt-enter",
    }

    /// Whose keys the prompt knows.
    pub enum Editing {
        Readline = "readline",
        /// Readline's while text is inserted; Esc leaves that.
        Vi = "vi",
    }

    /// How the end of a long answer is told when nobody looks.
    pub enum Notify {
        Bell = "bell",
        Osc9 = "osc9",
        Osc777 = "osc777",
        Osc99 = "osc99",
        Off = "off",
    }

    /// What sparklines are made of.
    pub enum Graphs {
        /// Braille, or ASCII where the terminal cannot show it.
        Auto = "auto",
        Braille = "braille",
        Block = "block",
        Ascii = "ascii",
    }

    /// How many colours the terminal has.
    pub enum ColorDepth {
        /// As COLORTERM and TERM say.
        Auto = "auto",
        TrueColor = "truecolor",
        C256 = "256",
        C16 = "16",
    }

    /// Whether plain output is coloured.
    pub enum ColorWhen {
        Auto = "auto",
        Always = "always",
        Never = "never",
    }

    /// How much of the gauges is shown at the start.
    pub enum GaugesShown {
        /// As much as the window has room for.
        Auto = "auto",
        Line = "line",
        Strip = "strip",
        Panel = "panel",
        Full = "full",
    }
}
