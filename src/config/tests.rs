use super::*;
use crate::protocol::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

fn parse(text: &str) -> (Config, Vec<String>) {
    let (config, problems) = Config::parse(text, Some(Path::new("/home/me")));
    (config, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn the_table_is_sound() {
    let mut names = HashSet::new();
    for entry in ENTRIES {
        assert!(names.insert((entry.section, entry.name)), "{} stands twice", entry.name);
        assert!(!entry.help.is_empty() && !entry.help.ends_with('.'), "{}: help is a phrase", entry.name);
        if let EntryKind::Choice(choices) = entry.kind {
            for choice in choices {
                let (config, problems) = parse(&format!("{} = \"{choice}\"", entry.name));
                assert_eq!(problems, [] as [&str; 0]);
                assert_eq!((entry.get)(&config).as_str(), Some(*choice), "{}", entry.name);
            }
        }
    }
}

#[test]
fn the_template_says_the_defaults() {
    let text = template();
    assert_eq!(parse(&text), (Config::default(), vec![]));
    // Every commented value, without its #, is the default.
    let is_value = |line: &&str| {
        line.starts_with('[') || line.strip_prefix("# ").is_some_and(|l| l.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')))
    };
    let active: Vec<&str> = text.lines().filter(is_value).map(|l| l.trim_start_matches("# ")).collect();
    assert_eq!(active.len(), ENTRIES.len() + crate::protocol::SETTINGS.len() + 3, "each row has its line: {active:#?}");
    let (config, problems) = parse(&active.join("\n"));
    assert_eq!(problems, [] as [&str; 0]);
    for row in crate::protocol::SETTINGS {
        assert_eq!(config.settings.0.get(row.name), Some(&row.default.value()), "{}", row.name);
    }
    assert_eq!(Config { settings: Default::default(), ..config }, Config::default());
}

#[test]
fn everything_can_be_said() {
    let text = r#"
        theme = "ash"
        send = "alt-enter"
        motion = false
        copy_command = "wl-copy"
        color_depth = 256
        status = ["model", "tok/s"]
        [shelf]
        folders = ["~/models", "/data/gguf"]
        [settings]
        temp = 0
        num_ctx = 0x1000
        stop = ["END", "\n"]
        [models."Llama-3.2-1B"]
        temp = 0.6
    "#;
    let (config, problems) = parse(text);
    assert_eq!(problems, [] as [&str; 0]);
    assert_eq!((config.theme.as_deref(), config.send, config.motion), (Some("ash"), SendWith::AltEnter, false));
    assert_eq!((config.copy_command.as_deref(), config.color_depth), (Some("wl-copy"), ColorDepth::C256));
    assert_eq!(config.status, Some(vec!["model".to_owned(), "tok/s".to_owned()]));
    assert_eq!(config.folders, [PathBuf::from("/home/me/models"), PathBuf::from("/data/gguf")]);
    assert_eq!(config.settings.0["temp"], Value::Float(0.0));
    assert_eq!(config.settings.0["ctx_size"], Value::Int(4096));
    assert_eq!(config.settings.0["stop"], Value::Texts(vec!["END".to_owned(), "\n".to_owned()]));
    assert_eq!(config.for_model(["x", "llama-3.2-1b"]).unwrap().0["temp"], Value::Float(0.6));
    assert!(config.for_model(["llama"]).is_none());
}

/// One file a mistake, its sentences beside it, each line one.
#[test]
fn each_mistake_is_named_with_its_place_and_costs_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let mut n = 0;
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let (config, problems) = parse(&std::fs::read_to_string(&path).unwrap());
        let wanted = std::fs::read_to_string(path.with_extension("expect")).unwrap();
        assert_eq!(problems, wanted.lines().collect::<Vec<_>>(), "{}", path.display());
        assert_eq!(config.theme.as_deref(), Some("ash"), "{}: the good line stands", path.display());
        n += 1;
    }
    assert!(n >= 10);
}

#[test]
fn a_missing_file_is_no_problem_and_an_unreadable_one_is() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::within(home.path());
    let load = || {
        let (config, problems) = Config::load(&folders);
        assert_eq!(config, Config::default());
        problems.iter().map(|p| p.report().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(load(), [] as [&str; 0]);
    std::fs::write(folders.config_file(), b"\n# \xff").unwrap();
    assert_eq!(load(), ["config.toml:2:3: not UTF-8 from here on. What could not be read is left at its default."]);
    std::fs::write(folders.config_file(), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(load(), ["config.toml has 1048577 bytes, more than the 1048576 that a config may have. The defaults are used."]);
    std::fs::remove_file(folders.config_file()).unwrap();
    std::fs::create_dir(folders.config_file()).unwrap();
    assert!(load()[0].ends_with("config.toml cannot be read. The defaults are used."));
}

#[test]
fn folders_follow_one_home() {
    let folders = Folders::within(Path::new("/x"));
    assert_eq!(folders.config_file(), Path::new("/x/config.toml"));
    assert_eq!(folders.history_file(), Path::new("/x/history.db"));
    let home = tempfile::tempdir().unwrap();
    let deep = home.path().join("a/b");
    create_private(&deep).unwrap();
    create_private(&deep).unwrap();
    use std::os::unix::fs::PermissionsExt;
    for made in [&deep, deep.parent().unwrap()] {
        assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn one_entry_is_changed_and_nothing_else() {
    for (before, after) in [
        ("", "theme = \"ash\"\n"),
        ("theme = \"moss\" # mine\nmouse = true\n", "theme = \"ash\" # mine\nmouse = true\n"),
        ("# by hand\nmouse = true", "theme = \"ash\"\n# by hand\nmouse = true"),
        ("mouse = true\r\n[settings]\r\ntemp = 0.5\r\n", "theme = \"ash\"\r\nmouse = true\r\n[settings]\r\ntemp = 0.5\r\n"),
        ("# theme = \"\"\nmouse = true\n", "# theme = \"\"\ntheme = \"ash\"\nmouse = true\n"),
        // A comment of that kind inside a table or a text is no place for it.
        ("[settings]\n# theme = 1\n", "theme = \"ash\"\n[settings]\n# theme = 1\n"),
        ("copy_command = \"\"\"\n# theme = 1\n\"\"\"\n", "theme = \"ash\"\ncopy_command = \"\"\"\n# theme = 1\n\"\"\"\n"),
        // A wrong value gives way to a right one; what is unknown stays.
        ("theme = 3\nlater = true\n", "theme = \"ash\"\nlater = true\n"),
    ] {
        assert_eq!(edit::with_entry(before, "theme", "ash").unwrap(), after, "{before}");
    }
    let (config, problems) = parse(&edit::with_entry(&template(), "theme", "ash").unwrap());
    assert_eq!((config.theme.as_deref(), problems), (Some("ash"), vec![]));
    let broken = edit::with_entry("theme = \n", "theme", "ash").unwrap_err().to_string();
    assert!(broken.starts_with("config.toml:1:"), "{broken}");
}

#[test]
fn a_choice_is_kept_in_the_file_whatever_that_is() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::within(&home.path().join("ingle"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    Config::keep(&folders, "theme", "ash").unwrap();
    assert_eq!(mode(&folders.config_file()), 0o600);
    // A file that is kept elsewhere, by a link.
    let elsewhere = home.path().join("dotfiles.toml");
    std::fs::write(&elsewhere, "# mine\ntheme = 'moss'\n").unwrap();
    std::fs::set_permissions(&elsewhere, PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::remove_file(folders.config_file()).unwrap();
    symlink(&elsewhere, folders.config_file()).unwrap();
    Config::keep(&folders, "theme", "plum").unwrap();
    assert_eq!((std::fs::read_to_string(&elsewhere).unwrap().as_str(), mode(&elsewhere)), ("# mine\ntheme = \"plum\"\n", 0o644));
    assert!(folders.config_file().is_symlink());
    // One that its owner closed stays as it is, and nothing is left beside it.
    std::fs::set_permissions(&elsewhere, PermissionsExt::from_mode(0o444)).unwrap();
    let refused = Config::keep(&folders, "theme", "ash").unwrap_err();
    assert!(refused.to_string().ends_with("config.toml cannot be written"), "{refused}");
    assert!(std::fs::read_to_string(&elsewhere).unwrap().contains("plum"));
    let names: Vec<_> = std::fs::read_dir(home.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
