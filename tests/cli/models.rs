//! Naming models, and showing what their files say: `models`, `show`.

use super::Run;
use crate::golden;
use serde_json::Value;
use std::fs;

/// The smallest sound file: strings as metadata, no tensor.
pub fn gguf(metadata: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0u64.to_le_bytes());
    bytes.extend((metadata.len() as u64).to_le_bytes());
    let string = |bytes: &mut Vec<u8>, text: &[u8]| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text);
    };
    for (key, value) in metadata {
        string(&mut bytes, key.as_bytes());
        bytes.extend(8u32.to_le_bytes());
        string(&mut bytes, value);
    }
    bytes
}

fn json(answer: &super::Answer) -> Value {
    serde_json::from_slice(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&answer.stdout)))
}

#[test]
fn the_guide_is_on_every_shelf() {
    let answer = Run::new(&["models", "--json"]).answer().done();
    let models = json(&answer);
    assert_eq!(models[0]["name"], "guide");
    assert!(models[0]["problem"].is_null());
    assert!(Run::new(&["models"]).answer().done().text().contains("guide"));
}

#[test]
fn a_name_a_part_of_it_and_a_path_mean_the_same_file() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".cache/huggingface/hub/models--org--tiny-GGUF/snapshots/c1");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tiny-chat-Q4_0.gguf");
    fs::write(&path, gguf(&[("general.architecture", b"llama"), ("general.name", b"Tiny Chat")])).unwrap();
    fs::write(folder.join("tiny-base-Q4_0.gguf"), gguf(&[("general.architecture", b"llama")])).unwrap();
    for name in ["tiny-chat-q4_0", "chat", "org/tiny-GGUF/tiny-chat", path.to_str().unwrap()] {
        let answer = Run::at(home.path(), &["show", name, "--json"]).answer().done();
        assert_eq!(json(&answer)["facts"]["name"], "Tiny Chat", "{name}");
    }
    Run::at(home.path(), &["show", "tiny"]).answer().failed(1, &["tiny may mean", "tiny-base-Q4_0", "tiny-chat-Q4_0"]);
    Run::at(home.path(), &["show", "llama"]).answer().failed(1, &["llama names no model", "ingle models"]);
    Run::at(home.path(), &["show", "./no.gguf"]).answer().failed(1, &["there is no file ./no.gguf"]);
    Run::at(home.path(), &["show", home.path().to_str().unwrap()]).answer().failed(1, &["is a folder"]);
}

#[test]
fn hostile_files_are_shown_or_refused_in_one_sentence() {
    let folder = golden::folder("hostile");
    let expect: Value = serde_json::from_str(&fs::read_to_string(folder.join("expect.json")).unwrap()).unwrap();
    for (name, expected) in expect["files"].as_object().unwrap() {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("golden/hostile/{name}: skipped, it is not among the files of this repository");
            continue;
        }
        let answer = Run::new(&["show", path.to_str().unwrap(), "--json"]).answer();
        if expected["show"] == "reject" {
            let names: Vec<&str> = expected["names"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            answer.failed(1, &names);
            continue;
        }
        let shown = json(&answer.done());
        if let Some(n) = expected["tensors"].as_u64() {
            assert_eq!(shown["tensors"].as_array().unwrap().len() as u64, n, "{name}");
        }
    }
}

#[test]
fn what_a_file_says_cannot_break_json() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("odd.gguf");
    fs::write(&path, gguf(&[("general.name", b"\xff\xfe \x1b]0;x\x07"), ("quote", b"\"\\\n")])).unwrap();
    let shown = json(&Run::at(home.path(), &["show", path.to_str().unwrap(), "--json"]).answer().done());
    assert_eq!(shown["metadata"]["quote"], "\"\\\n");
    assert!(shown["metadata"]["general.name"].as_str().unwrap().starts_with('\u{fffd}'));
    let plain = Run::at(home.path(), &["show", path.to_str().unwrap()]).answer().done();
    assert!(!plain.text().contains(|c: char| c.is_control() && c != '\n'), "{:?}", plain.text());
}

#[test]
fn the_tokenizer_is_shown_as_llama_cpp_reports_it() {
    let folder = golden::folder("tokenizers");
    for name in ["llama-bpe-cut", "gpt-2-cut", "spm-basic", "spm-eos"] {
        let (file, expected) = (folder.join(format!("{name}.gguf")), folder.join(format!("{name}.json")));
        if !file.exists() {
            eprintln!("golden/tokenizers/{name}: skipped, it is not among the files of this repository");
            continue;
        }
        let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
        let shown = json(&Run::new(&["show", file.to_str().unwrap(), "--json"]).answer().done());
        assert_eq!(shown["tokenizer"], expected["info"], "{name}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let answer = Run::new(&["show", "guide", "--json", "--tensors"]).closed_stdout().answer();
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
}
