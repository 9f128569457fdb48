use super::*;
use ratatui::style::Color;
use std::collections::BTreeSet;

fn all() -> impl Iterator<Item = Theme> {
    let themes = Themes::built_in();
    let names: Vec<String> = themes.names().into_iter().map(str::to_owned).collect();
    names.into_iter().map(move |name| {
        let (theme, problems) = themes.load(&name).expect("a theme of the binary");
        assert_eq!(problems, [], "{name}");
        theme
    })
}

#[test]
fn meanings_stand_in_the_order_of_their_numbers() {
    for (i, row) in MEANINGS.iter().enumerate() {
        assert_eq!(row.meaning as usize, i, "{}", row.name);
        assert_eq!(Meaning::named(row.name), Some(row.meaning));
    }
    assert_eq!(MEANINGS.len(), N_MEANINGS);
    assert_eq!(MEANINGS.iter().map(|r| r.name).collect::<BTreeSet<_>>().len(), N_MEANINGS);
}

#[test]
fn each_file_of_the_folder_is_a_theme() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/themes");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder of themes")
        .flatten()
        .filter_map(|e| e.path().file_stem().map(|s| s.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(files, Themes::built_in().names().into_iter().map(str::to_owned).collect());
    assert!(files.len() >= 10);
    for theme in all() {
        let entries = Themes::built_in().entries();
        assert!(entries.iter().any(|e| e.name == theme.name() && !e.summary.is_empty()));
    }
    assert_eq!(Themes::default_theme(), Themes::built_in().load(DEFAULT_THEME).expect("the default").0);
}

#[test]
fn contrast_is_enough_on_every_surface() {
    let rgb = |theme: &Theme, meaning| match theme.ink(meaning).colour {
        Some(Colour::Rgb(rgb)) => rgb,
        other => panic!("{}: {meaning:?} is {other:?}", theme.name()),
    };
    for theme in all().filter(|theme| theme.name() != "terminal") {
        for row in MEANINGS.iter().filter(|row| !row.surface) {
            for surface in [Meaning::Background, Meaning::Raised] {
                let contrast = rgb(&theme, row.meaning).contrast(rgb(&theme, surface));
                assert!(contrast >= row.contrast, "{}: {} on {surface:?} {contrast:.2}", theme.name(), row.name);
            }
        }
        // The chosen row and the selection lie under text of any strength for a moment, not under whole pages.
        for (meaning, least) in [(Meaning::Text, 4.5), (Meaning::User, 4.5), (Meaning::Dim, 3.0), (Meaning::Faint, 2.5)] {
            let contrast = rgb(&theme, meaning).contrast(rgb(&theme, Meaning::Pick));
            assert!(contrast >= least, "{}: {meaning:?} on pick {contrast:.2}", theme.name());
        }
        for (surface, least) in [(Meaning::Raised, 1.04), (Meaning::Pick, 1.15), (Meaning::Selection, 1.25)] {
            let contrast = rgb(&theme, surface).contrast(rgb(&theme, Meaning::Background));
            assert!(contrast >= least, "{}: {surface:?} is not seen, {contrast:.2}", theme.name());
        }
    }
}

#[test]
fn contrast_survives_256_colours() {
    for theme in all().filter(|theme| theme.name() != "terminal") {
        let indexed = |meaning| match theme.ink(meaning).colour {
            Some(Colour::Rgb(rgb)) => indexed_rgb(rgb.to_indexed()),
            other => panic!("{}: {meaning:?} is {other:?}", theme.name()),
        };
        for (meaning, least) in [(Meaning::Text, 7.0), (Meaning::Faint, 2.5), (Meaning::Dim, 3.5)] {
            let contrast = indexed(meaning).contrast(indexed(Meaning::Background));
            assert!(contrast >= least, "{}: {meaning:?} {contrast:.2}", theme.name());
        }
    }
}

fn indexed_rgb(i: u8) -> Rgb {
    match i {
        232.. => Rgb(8 + 10 * (i - 232), 8 + 10 * (i - 232), 8 + 10 * (i - 232)),
        _ => {
            let level = |n: u8| [0, 95, 135, 175, 215, 255][usize::from(n % 6)];
            Rgb(level((i - 16) / 36), level((i - 16) / 6), level(i - 16))
        }
    }
}

#[test]
fn every_depth_keeps_to_its_colours() {
    for theme in all() {
        for row in MEANINGS {
            let colours = |depth| {
                let style = theme.at(depth).style(row.meaning);
                (style.fg.or(style.bg), style.add_modifier)
            };
            assert!(matches!(colours(Depth::Indexed).0, None | Some(Color::Indexed(16..) | Color::Reset)) || theme.name() == "terminal");
            assert!(!matches!(colours(Depth::Ansi).0, Some(Color::Indexed(_) | Color::Rgb(..))));
            let (colour, modifier) = colours(Depth::None);
            assert!(matches!(colour, None | Some(Color::Reset)), "{}", row.name);
            assert!((Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED).contains(modifier));
        }
        for depth in [Depth::Ansi, Depth::None] {
            let theme = theme.at(depth);
            assert_ne!(theme.style(Meaning::Pick), theme.style(Meaning::Background), "{}", theme.name());
            let grounds = |meaning| (theme.over(meaning, Meaning::Pick).fg, theme.over(meaning, Meaning::Pick).bg);
            assert!(MEANINGS.iter().all(|row| grounds(row.meaning) == grounds(Meaning::Text)), "{}", theme.name());
        }
    }
}

#[test]
fn colours_are_found_in_256_and_16() {
    assert_eq!(Rgb::parse("#4af"), Some(Rgb(0x44, 0xAA, 0xFF)));
    assert_eq!(Rgb::parse("#16181d"), Some(Rgb(0x16, 0x18, 0x1D)));
    for bad in ["16181d", "#1618", "#gggggg", "#", "#+12345"] {
        assert_eq!(Rgb::parse(bad), None, "{bad}");
    }
    assert_eq!(Rgb(255, 0, 0).to_indexed(), 196);
    assert_eq!(Rgb(8, 8, 8).to_indexed(), 232);
    assert_eq!(Rgb(255, 255, 255).to_indexed(), 231);
    assert_eq!(Rgb(0xE8, 0xA1, 0x4D).to_ansi(), 3);
    assert_eq!(Rgb(10, 12, 14).to_ansi(), 0);
    assert_eq!(Rgb(0x8F, 0xC1, 0x84).to_ansi() % 8, 2);
    assert_eq!(Rgb(0xED, 0x74, 0x73).to_ansi() % 8, 1);
    assert_eq!(Rgb(0x8F, 0xB4, 0xE4).to_ansi() % 8, 4);
    assert_eq!(Rgb(0xC7, 0xA0, 0xD9).to_ansi() % 8, 5);
    assert_eq!(Rgb(0x84, 0x89, 0x93).to_ansi(), 8);
    assert!((Rgb(0, 0, 0).contrast(Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
}

fn env(pairs: &[(&str, &str)]) -> ColourEnv {
    ColourEnv::of(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

#[test]
fn depth_is_told_by_the_environment() {
    let check = |pairs: &[(&str, &str)], expected| assert_eq!(Depth::detect(None, &env(pairs)), expected, "{pairs:?}");
    check(&[("COLORTERM", "truecolor"), ("TERM", "xterm")], Depth::True);
    check(&[("COLORTERM", "24bit")], Depth::True);
    check(&[("TERM", "xterm-kitty")], Depth::True);
    check(&[("TERM", "xterm-direct")], Depth::True);
    check(&[("TERM", "screen-256color")], Depth::Indexed);
    check(&[("TERM", "linux")], Depth::Ansi);
    check(&[], Depth::Ansi);
    assert_eq!(Depth::detect(Some(Depth::Indexed), &env(&[("COLORTERM", "truecolor")])), Depth::Indexed);
}

#[test]
fn the_nearest_wish_about_colour_wins() {
    use ColourChoice::{Always, Auto, Never};
    let wanted = |flag, setting, pairs: &[(&str, &str)], terminal| colour_wanted(flag, setting, &env(pairs), terminal);
    assert!(wanted(Always, Never, &[("NO_COLOR", "1")], false));
    assert!(!wanted(Never, Always, &[("CLICOLOR_FORCE", "1")], true));
    assert!(wanted(Auto, Always, &[("NO_COLOR", "1")], true));
    assert!(!wanted(Auto, Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
    assert!(wanted(Auto, Auto, &[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], false));
    assert!(!wanted(Auto, Auto, &[("CLICOLOR_FORCE", "0")], false));
    assert!(!wanted(Auto, Auto, &[("CLICOLOR", "0")], true));
    assert!(!wanted(Auto, Auto, &[("TERM", "dumb")], true));
    assert!(wanted(Auto, Auto, &[], true));
    assert!(!wanted(Auto, Auto, &[], false));
}

/// A folder with one theme of this text: what it looks like, and what is said about it.
fn with_file(text: &str) -> (Theme, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine.toml"), text).expect("a file");
    let (themes, problems) = Themes::read(folder.path());
    assert_eq!(problems, []);
    let (theme, problems) = themes.load("mine").expect("found");
    let said = problems.iter().map(|p| p.to_string().replace(&format!("{}/", folder.path().display()), "")).collect();
    (theme, said)
}

#[test]
fn mistakes_are_said_with_their_place() {
    let check = |text: &str, expected: &str| {
        let (theme, said) = with_file(text);
        assert_eq!(said.first().map(String::as_str), Some(expected));
        assert_ne!(theme.style(Meaning::Text), Style::new());
    };
    let inherits = "inherits = \"ember\"\n";
    check(&format!("{inherits}[meanings]\ntxet = \"#fff\"\n"), "mine.toml:3:1: `txet` is not known here; did you mean `text`?");
    check(
        &format!("{inherits}[meanings]\ntext = \"#ffg\"\n"),
        "mine.toml:3:8: `text` is \"#ffg\", expected a colour: \"#rrggbb\", a name of the palette, \"default\" or one of the sixteen such as \"bright-red\"",
    );
    check(
        &format!("{inherits}[meanings]\ntext = \"oragne\"\n"),
        "mine.toml:3:8: `text` is \"oragne\", expected a colour: \"#rrggbb\", a name of the palette, \"default\" or one of the sixteen such as \"bright-red\"; did you mean `orange`?",
    );
    check(&format!("{inherits}[meanings]\nuser = {{ bold = 1 }}\n"), "mine.toml:3:17: `bold` is of type integer, expected true or false");
    check("inherits = \"embr\"\n", "mine.toml:1:12: `inherits` is \"embr\", expected the name of a theme; did you mean `ember`?");
    check("apearance = \"dark\"\ninherits = \"ember\"\n", "mine.toml:1:1: `apearance` is not known here; did you mean `appearance`?");
    assert!(with_file("inherits = \"ember\"\n[meanings\n").1[0].starts_with("mine.toml:2:"));
    check("summary = \"nothing\"\n", "mine: nothing is inherited, and `background` is missing, as are 30 others");
}

#[test]
fn a_theme_inherits_and_changes_its_palette() {
    let (theme, said) =
        with_file("inherits = \"ember\"\n[palette]\naccent = \"#123456\"\n[meanings]\nuser = { colour = \"accent\", bold = true }\n");
    assert_eq!(said, [] as [&str; 0]);
    assert_eq!(theme.ink(Meaning::Accent).colour, Some(Colour::Rgb(Rgb(0x12, 0x34, 0x56))));
    assert_eq!(theme.ink(Meaning::User), Ink { colour: Some(Colour::Rgb(Rgb(0x12, 0x34, 0x56))), modifier: Modifier::BOLD });
    assert_eq!(theme.ink(Meaning::Text), Themes::default_theme().ink(Meaning::Text));
}

#[test]
fn names_are_not_paths_and_circles_end() {
    let themes = Themes::built_in();
    for bad in ["../ember", "/etc/passwd", "ember.toml", "", "Ember", "a b", &"x".repeat(65)] {
        assert!(matches!(themes.load(bad), Err(ThemeError::Name { .. })), "{bad}");
    }
    assert_eq!(themes.load("embre").unwrap_err().to_string(), "there is no theme `embre`; did you mean `ember`?");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.toml"), "inherits = \"b\"").expect("a file");
    std::fs::write(folder.path().join("b.toml"), "inherits = \"a\"").expect("a file");
    std::fs::write(folder.path().join("ember.toml"), "inherits = \"ember\"\n[meanings]\ntext = \"#ffffff\"").expect("a file");
    std::fs::write(folder.path().join("big.toml"), vec![b'#'; (1 << 20) + 1]).expect("a file");
    std::fs::write(folder.path().join("bytes.toml"), b"summary = \"\xff\"").expect("a file");
    std::fs::create_dir(folder.path().join("folder.toml")).expect("a folder");
    let (themes, problems) = Themes::read(folder.path());
    assert_eq!(problems.len(), 3, "{problems:?}");
    let (_, problems) = themes.load("a").expect("still a theme");
    assert!(problems.iter().any(|p| matches!(p, ThemeError::Cycle { .. })), "{problems:?}");
    let (theme, problems) = themes.load("ember").expect("the user's own");
    assert_eq!(problems, []);
    assert_eq!(theme.ink(Meaning::Text).colour, Some(Colour::Rgb(Rgb(255, 255, 255))));
    assert_eq!(theme.ink(Meaning::Dim), Themes::default_theme().ink(Meaning::Dim));
    let (_, problems) = Themes::read(std::path::Path::new("/nonexistent/themes"));
    assert_eq!(problems, []);
}
