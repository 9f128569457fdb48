//! Holds the house of ARCHITECTURE.md: who may use whom, where `unsafe` may stand, what `update` may not call, how long
//! a file or a function may be. It reads the sources as text; nothing here runs the program.

mod arrows;
mod forbidden;
mod scan;
mod sizes;

use scan::Source;
use std::path::{Path, PathBuf};

/// The rooms and their floors. A room uses only rooms on lower floors, never one on its own.
const FLOORS: &[(&str, u8)] = &[
    ("quant", 1),
    ("text", 1),
    ("sys", 1),
    ("protocol", 2),
    ("gguf", 3),
    ("tokenizer", 3),
    ("config", 3),
    ("model", 4),
    ("prompt", 4),
    ("sampler", 4),
    ("engine", 5),
    ("shelf", 5),
    ("history", 5),
    ("gauges", 5),
    ("lab", 6),
    ("tui", 7),
    ("cli", 8),
    ("main", 9),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every source file of the program, in order of path.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join("src"), &mut paths);
    paths.sort();
    paths.iter().map(|path| Source::read(&root(), path)).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src is a folder of the package").flatten() {
        let path = entry.path();
        match (path.is_dir(), path.extension().is_some_and(|e| e == "rs")) {
            (true, _) => collect(&path, into),
            (false, true) => into.push(path),
            (false, false) => {}
        }
    }
}

/// Fails with every finding on a line of its own.
fn none(findings: Vec<String>, rule: &str) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

#[test]
fn every_room_has_a_floor_and_every_floor_a_room() {
    let mut rooms: Vec<String> = std::fs::read_dir(root().join("src"))
        .expect("src is a folder of the package")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().trim_end_matches(".rs").to_owned())
        .filter(|name| name != "lib")
        .collect();
    let mut known: Vec<String> = FLOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    rooms.sort();
    known.sort();
    assert_eq!(rooms, known, "src and the list of floors differ");
}

#[test]
fn a_room_uses_only_rooms_on_lower_floors() {
    none(sources().iter().flat_map(arrows::wrong).collect(), "arrows that the floors do not allow");
}

#[test]
fn files_and_functions_stay_readable() {
    none(sizes::wrong(&sources()), "too long, or allowed to be for no reason");
}

#[test]
fn update_is_pure_and_unsafe_stays_in_its_places() {
    none(sources().iter().flat_map(forbidden::wrong).collect(), "calls where they may not stand");
}

#[test]
fn no_file_is_named_for_being_left_over() {
    let found = sources().into_iter().filter(|s| s.modules.iter().any(|m| forbidden::NAMES.contains(&m.as_str())));
    none(found.map(|s| s.name).collect(), "a name that says nothing of what is inside");
}
