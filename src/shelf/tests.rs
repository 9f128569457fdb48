use super::*;
use crate::protocol::ModelRef;
use crate::protocol::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A machine of a test's own.
struct Home {
    folder: tempfile::TempDir,
    surroundings: Surroundings,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let surroundings =
            Surroundings { home: Some(folder.path().to_owned()), folders: vec![folder.path().join("mine")], ..Surroundings::default() };
        Self { folder, surroundings }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn file(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn link(&self, path: &str, to: &Path) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
    }

    fn scan(&self) -> Shelf {
        Shelf::scan(&self.surroundings, None)
    }

    /// All but the guide, as "place: full name".
    fn names(&self) -> Vec<String> {
        self.scan().entries.iter().skip(1).map(|e| format!("{}: {}", e.place, e.full_name())).collect()
    }
}

/// The smallest sound file: strings as metadata, no tensor.
fn gguf(metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0u64.to_le_bytes());
    bytes.extend((metadata.len() as u64).to_le_bytes());
    let string = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    for (key, value) in metadata {
        string(&mut bytes, key);
        bytes.extend(8u32.to_le_bytes());
        string(&mut bytes, value);
    }
    bytes
}

fn llama(name: &str) -> Vec<u8> {
    gguf(&[("general.architecture", "llama"), ("general.name", name)])
}

#[test]
fn the_guide_is_always_there() {
    let shelf = Shelf::scan(&Surroundings::default(), None);
    let guide = shelf.entries.iter().find(|entry| entry.reference == ModelRef::Guide).unwrap();
    assert_eq!((guide.name.as_str(), guide.problem.as_ref()), ("guide", None));
    assert!(guide.bytes > 0 && guide.facts.is_some());
    assert_eq!(shelf.find("guide"), Ok(ModelRef::Guide));
}

#[test]
fn a_file_by_two_roads_is_one_entry() {
    let home = Home::new();
    let blob = home.file(".cache/huggingface/hub/models--org--tiny-GGUF/blobs/aa", &llama("tiny"));
    home.file(".cache/huggingface/hub/models--org--tiny-GGUF/refs/main", b"c2\n");
    home.link(".cache/huggingface/hub/models--org--tiny-GGUF/snapshots/c1/old-name.gguf", &blob);
    home.link(".cache/huggingface/hub/models--org--tiny-GGUF/snapshots/c2/tiny-Q4_0.gguf", &blob);
    home.link("mine/again.gguf", &blob);
    assert_eq!(home.names(), ["folder: again"]);
    fs::remove_file(home.path("mine/again.gguf")).unwrap();
    assert_eq!(home.names(), ["Hugging Face: org/tiny-GGUF/tiny-Q4_0"], "the current commit's name");
}

#[test]
fn splits_are_one_model_and_projectors_are_none() {
    let home = Home::new();
    let part = |n: u32, bytes: &[u8]| home.file(&format!("mine/deep/er/big-{n:05}-of-00003.gguf"), bytes);
    part(1, &llama("big"));
    part(3, &llama("big"));
    home.file("mine/mmproj-big-f16.gguf", &gguf(&[("general.architecture", "clip")]));
    home.file("mine/vision.gguf", &gguf(&[("general.architecture", "clip")]));
    home.file("mine/notes.txt", b"no model");
    assert_eq!(home.names(), ["folder: deep/er/big"]);
    let problem = home.scan().entries[1].problem.clone().unwrap();
    assert!(problem.what.contains("big-00002-of-00003.gguf"), "{problem}");
}

#[test]
fn ollama_names_are_as_people_say_them() {
    let home = Home::new();
    let (sound, tensors) = ("a1".repeat(32), "b2".repeat(32));
    let manifest = |kind: &str, digest: &str| {
        format!(r#"{{"schemaVersion":2,"layers":[{{"mediaType":"application/vnd.ollama.image.{kind}","digest":"sha256:{digest}"}}]}}"#)
    };
    home.file(&format!(".ollama/models/blobs/sha256-{sound}"), &llama("small"));
    home.file(&format!(".ollama/models/blobs/sha256-{tensors}"), b"weights");
    let at = |path: &str, text: String| home.file(&format!(".ollama/models/manifests/{path}"), text.as_bytes());
    at("registry.ollama.ai/library/small/1b", manifest("model", &sound));
    at("registry.ollama.ai/someone/parts/latest", manifest("tensor", &tensors));
    at("registry.ollama.ai/library/escape/latest", manifest("model", "../../../../etc/passwd"));
    at("registry.ollama.ai/library/broken/latest", "{".to_owned());
    assert_eq!(home.names(), ["Ollama: small:1b", "Ollama: someone/parts:latest"]);
    assert!(home.scan().entries[2].problem.is_some(), "single tensors cannot be run");
}

#[test]
fn what_ollama_recommends_for_a_model_is_read_beside_it() {
    let home = Home::new();
    let (model, params) = ("a1".repeat(32), "b2".repeat(32));
    let layer = |kind: &str, digest: &str| format!(r#"{{"mediaType":"application/vnd.ollama.image.{kind}","digest":"sha256:{digest}"}}"#);
    let manifest = format!(r#"{{"layers":[{},{}]}}"#, layer("model", &model), layer("params", &params));
    let path = home.file(&format!(".ollama/models/blobs/sha256-{model}"), &llama("small"));
    let said = br#"{"temperature":0.6,"num_ctx":8192,"stop":["<|end|>","User:"],"top_p":7,"penalize_newline":true}"#;
    home.file(&format!(".ollama/models/blobs/sha256-{params}"), said);
    home.file(".ollama/models/manifests/registry.ollama.ai/library/small/1b", manifest.as_bytes());
    let found = &home.scan().entries[1].params.0;
    let expected = [("stop", Value::Texts(vec!["<|end|>".into(), "User:".into()])), ("temp", Value::Float(0.6))];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(*found, expected.into(), "what is outside its range, or counts only when a model is loaded, is passed over");
    assert_eq!(params_beside(&ModelRef::File(path)).0, *found);
    assert!(params_beside(&ModelRef::Guide).is_empty());
}

#[test]
fn a_broken_file_is_an_entry_with_its_problem() {
    let home = Home::new();
    home.file("mine/cut.gguf", b"GGUF\x03\0");
    home.link("mine/gone.gguf", Path::new("nowhere"));
    let problems: Vec<_> = home.scan().entries[1..].iter().map(|e| e.problem.clone().unwrap().to_string()).collect();
    assert!(problems[0].contains("cut.gguf") && problems[1].contains("gone.gguf"), "{problems:?}");
}

#[test]
fn what_this_version_cannot_compute_is_said_before_it_is_loaded() {
    let home = Home::new();
    home.file("mine/other.gguf", &gguf(&[("general.architecture", "someday"), ("general.name", "Other")]));
    let problem = home.scan().entries[1].problem.clone().unwrap();
    assert!(problem.what.contains("someday") && problem.remedy.contains("llama"), "{problem}");
}

#[test]
fn a_model_is_named_by_path_whole_name_or_a_part_of_its_own() {
    let home = Home::new();
    let one = home.file("mine/Llama-3.2-1B.gguf", &llama("a"));
    let three = home.file("mine/llama-3.2-1b-chat.gguf", &llama("b"));
    home.file("mine/cut-chat.gguf", b"");
    let shelf = home.scan();
    let found = |text: &str| shelf.find(text).map_err(|error| error.to_string());
    assert_eq!(found(one.to_str().unwrap()), Ok(ModelRef::File(one.clone())));
    assert_eq!(found("LLAMA-3.2-1B"), Ok(ModelRef::File(one)), "a whole name wins over a part of another");
    assert_eq!(found("chat"), Ok(ModelRef::File(three)), "what can be used is meant before what cannot");
    assert_eq!(found("3.2"), Err("3.2 may mean Llama-3.2-1B, llama-3.2-1b-chat".to_owned()));
    assert_eq!(found("qwen"), Err("qwen names no model on this machine".to_owned()));
    assert_eq!(found("./qwen.gguf"), Err("there is no file ./qwen.gguf".to_owned()));
    assert!(matches!(shelf.find(home.path("mine").to_str().unwrap()), Err(ShelfError::Folder(_))));
}

#[test]
fn the_header_cache_answers_until_the_file_changes() {
    let home = Home::new();
    let cache = home.path("headers.json");
    let path = home.file("mine/a.gguf", &llama("first"));
    let name = || Shelf::scan(&home.surroundings, Some(&cache)).entries[1].facts.clone().unwrap().name;
    assert_eq!(name(), "first");
    let stored = fs::read_to_string(&cache).unwrap();
    fs::write(&cache, stored.replace("first", "from the cache")).unwrap();
    assert_eq!(name(), "from the cache");
    fs::write(&path, llama("a second one")).unwrap();
    assert_eq!(name(), "a second one");
    fs::write(&cache, "{not json").unwrap();
    assert_eq!(name(), "a second one");
}

#[test]
fn places_are_named_once_and_their_roots_are_below_home_or_absolute() {
    let mut names: Vec<_> = PLACES.iter().map(|place| place.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), PLACES.len());
    let home = Home::new();
    for root in PLACES.iter().flat_map(|place| (place.roots)(&home.surroundings)) {
        assert!(root.is_absolute(), "{}", root.display());
    }
}
