use super::*;
use std::collections::{HashMap, HashSet};

fn sequence(text: &str) -> Sequence {
    text.parse().unwrap()
}

#[test]
fn rows_are_sound() {
    let mut ids = HashSet::new();
    let mut intents = HashSet::new();
    let mut bound: HashMap<(Context, Sequence), &str> = HashMap::new();
    for row in ROWS {
        assert!(ids.insert(row.id), "{} stands twice", row.id);
        assert!(intents.insert(row.intent), "{:?} has two rows", row.intent);
        assert!(!row.help.ends_with('.') && !row.help.is_empty(), "{}: help is a phrase", row.id);
        assert!(!row.keys.is_empty(), "{} cannot be reached", row.id);
        for (context, texts) in row.keys {
            for text in *texts {
                let other = bound.insert((*context, sequence(text)), row.id);
                assert_eq!(other, None, "{text} in {context:?} is both {} and {other:?}", row.id);
            }
        }
    }
}

#[test]
fn every_act_has_a_chord_after_the_leader() {
    let keymap = Keymap::new(SendWith::Enter);
    let chords = keymap.after_leader();
    for row in ROWS.iter().filter(|row| row.offer == Offer::Act) {
        assert!(chords.iter().any(|(_, i)| *i == row.intent), "{} has no chord after the leader", row.id);
    }
}

#[test]
fn alt_is_never_the_only_way() {
    let keymap = Keymap::new(SendWith::Enter);
    for row in ROWS {
        for (context, _) in row.keys {
            assert!(keymap.sequences(*context, row.intent).iter().any(|s| !s.chord.alt), "{} in {context:?}", row.id);
        }
    }
}

#[test]
fn chords_that_terminals_cannot_tell_apart_are_one() {
    for (a, b) in [("ctrl-i", "tab"), ("ctrl-m", "enter"), ("ctrl-[", "esc"), ("ctrl-h", "backspace"), ("ctrl-7", "ctrl-_")] {
        assert_eq!(a.parse::<Chord>(), b.parse::<Chord>());
    }
    assert_eq!(Chord::new(Key::Char('y'), false, false, true), "Y".parse().unwrap());
    assert_eq!(Chord::new(Key::Char('X'), true, false, true), LEADER);
}

#[test]
fn chords_read_back_as_they_are_written() {
    for text in ["ctrl-x", "alt-enter", "shift-tab", "f12", "?", "space", "ctrl-_", "-", "pgup", "G", "comma"] {
        assert_eq!(text.parse::<Chord>().unwrap().to_string(), text);
    }
    for text in ["", "ctrl-", "f13", "hyper-x", "ab"] {
        assert!(text.parse::<Chord>().is_err(), "{text}");
    }
    assert_eq!(sequence("ctrl-x m").shown(), "Ctrl+X m");
    assert_eq!(sequence("shift-tab").shown(), "Shift+Tab");
    assert_eq!(sequence("ctrl-x space").shown(), "Ctrl+X Space");
}

#[test]
fn the_narrower_context_wins() {
    let keymap = Keymap::new(SendWith::Enter);
    let find = |contexts: &[Context], text| keymap.find(contexts, sequence(text));
    assert_eq!(find(&[Context::List, Context::Everywhere], "ctrl-n"), Some(Intent::ListDown));
    assert_eq!(find(&[Context::Prompt, Context::Everywhere], "ctrl-n"), Some(Intent::New));
    assert_eq!(find(&[Context::Transcript, Context::Everywhere], "ctrl-d"), Some(Intent::HalfDown));
    assert_eq!(keymap.hint(Intent::Models), "F2");
    assert_eq!(keymap.hint(Intent::Palette), "Ctrl+P");
}

#[test]
fn enter_and_alt_enter_change_places() {
    let keymap = Keymap::new(SendWith::AltEnter);
    assert_eq!(keymap.find(&[Context::Prompt], sequence("enter")), Some(Intent::Newline));
    assert_eq!(keymap.find(&[Context::Prompt], sequence("alt-enter")), Some(Intent::Send));
}

#[test]
fn a_persons_keymap_replaces_keys() {
    let (keymap, problems) = Keymap::with_overrides(
        SendWith::Enter,
        "[everywhere]\npalette = ['ctrl-k']\nsuspend = []\n[transcript]\nline_up = ['j']\nline_down = ['k']\n",
    );
    assert_eq!(problems, []);
    assert_eq!(keymap.find(&[Context::Everywhere], sequence("ctrl-k")), Some(Intent::Palette));
    assert_eq!(keymap.find(&[Context::Everywhere], sequence("ctrl-p")), None);
    assert_eq!(keymap.find(&[Context::Everywhere], sequence("ctrl-z")), None);
    assert_eq!(keymap.find(&[Context::Transcript], sequence("j")), Some(Intent::LineUp));
}

#[test]
fn a_wrong_keymap_is_told_with_its_place_and_changes_nothing() {
    for (text, said) in [
        ("[everywhere\n", "keymap.toml:1:12: "),
        ("[nowhere]\n", "keymap.toml:1:2: there is no context nowhere; there are everywhere, prompt, "),
        ("[prompt]\nfly = ['f3']\n", "keymap.toml:2:1: [prompt] fly: there is no such action"),
        ("[prompt]\nsned = ['f3']\n", "keymap.toml:2:1: [prompt] sned: there is no such action; did you mean send?"),
        ("[prompt]\nsend = ['f3', 'hyper-x']\n", "keymap.toml:2:15: [prompt] send: \"hyper-x\" is no key; "),
        ("[prompt]\nsend = 'enter'\n", "keymap.toml:2:8: [prompt] send is not a list of keys"),
        ("prompt = 3\n", "keymap.toml:1:10: prompt is not a table of actions"),
        ("[everywhere]\npalette = ['f2']\n", "keymap.toml:2:12: [everywhere] F2 is both models and palette; "),
        ("[panel]\nquit = ['x']\nhelp = ['x']\n", "keymap.toml:3:9: [panel] x is both quit and help; "),
    ] {
        let (keymap, problems) = Keymap::with_overrides(SendWith::Enter, text);
        assert!(problems.len() == 1 && problems[0].to_string().starts_with(said), "{text}: {problems:?}");
        assert_eq!(keymap.find(&[Context::Everywhere], sequence("f2")), Some(Intent::Models));
    }
}

#[test]
fn a_keymap_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keymap.toml");
    assert_eq!(read(&path), Ok(None));
    std::fs::write(&path, b"[prompt]\n# \xff").unwrap();
    assert_eq!(read(&path).unwrap_err().to_string(), "keymap.toml:2:3: not UTF-8 from here on");
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(read(&path).unwrap_err().to_string(), "keymap.toml: larger than 1048576 bytes");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(read(&path).unwrap_err().to_string().starts_with("keymap.toml: it cannot be read: "));
}
