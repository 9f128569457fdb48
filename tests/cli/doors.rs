//! The doors for scripts: `tokenize`, `logits`, `doctor`, and the environment they share.

use super::Run;
use crate::golden;
use serde_json::Value;
use std::fs;

#[test]
fn text_goes_to_ids_and_back() {
    let answer = Run::new(&["tokenize", "guide", "--json"]).stdin("What is ingle?").answer().done();
    let encoded: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let pieces: String = encoded["pieces"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(pieces, "What is ingle?");
    let decoded = Run::new(&["tokenize", "guide", "--decode"]).stdin(encoded["ids"].to_string()).answer().done();
    assert_eq!(decoded.text(), "What is ingle?", "exact bytes, no newline added");
    let plain = Run::new(&["tokenize", "guide"]).stdin("What is ingle?").answer().done();
    assert_eq!(plain.text().split_whitespace().count(), encoded["ids"].as_array().unwrap().len());
}

#[test]
fn a_batch_answers_line_by_line_and_goes_on_after_a_wrong_one() {
    let lines = "{\"text\":\"a\"}\nnot json\n{\"text\":\"b\",\"add_special\":true}\n";
    let answer = Run::new(&["tokenize", "guide", "--batch"]).stdin(lines).answer().done();
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["ids"].is_array() && lines[1]["error"].is_string() && lines[2]["ids"].is_array(), "{lines:?}");
    let decode = "{\"ids\":[65]}\n{\"ids\":[4000000000]}\n";
    let answer = Run::new(&["tokenize", "guide", "--decode", "--batch"]).stdin(decode).answer().done();
    assert!(answer.text().lines().next().unwrap().contains("hex") && answer.text().lines().nth(1).unwrap().contains("error"));
}

/// Ids, bytes and pieces of whole vocabularies are compared by the golden tests of the tokenizer; this is the door.
#[test]
fn golden_ids_come_through_the_door() {
    let folder = golden::folder("tokenizers");
    for name in ["llama-bpe-cut", "spm-basic"] {
        let (file, expected) = (folder.join(format!("{name}.gguf")), folder.join(format!("{name}.json")));
        if !file.exists() {
            eprintln!("golden/tokenizers/{name}: skipped, it is not among the files of this repository");
            continue;
        }
        let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
        let tests = expected["tests"].as_array().unwrap();
        let requests: String = tests.iter().map(|test| format!("{test}\n")).collect();
        let answer = Run::new(&["tokenize", file.to_str().unwrap(), "--batch"]).stdin(requests).answer().done();
        for (test, line) in tests.iter().zip(answer.text().lines()) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["ids"], test["ids"], "{name}: {}", test["text"]);
        }
        assert_eq!(answer.text().lines().count(), tests.len());
    }
}

#[test]
fn logits_are_raw_floats_one_row_an_id() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("logits");
    let model = golden::folder("archs").join("llama.gguf");
    let arguments = ["logits", model.to_str().unwrap(), "--ids", "1,2,3", "-c", "256", "--out", out.to_str().unwrap(), "--json"];
    let answer = Run::new(&arguments).answer().done();
    let said: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(fs::metadata(&out).unwrap().len(), 3 * 4 * said["n_vocab"].as_u64().unwrap());
    Run::new(&["logits", "guide", "--ids", "1,x", "--out", "o"]).answer().failed(2, &["x is no token id"]);
    Run::new(&["logits", "guide", "--ids", "4000000000", "--out", out.to_str().unwrap()]).answer().failed(1, &["4000000000"]);
    Run::new(&["logits", "guide", "--ids", "1", "--out", "/nowhere/logits"]).answer().failed(1, &["/nowhere/logits"]);
}

#[test]
fn a_refused_load_names_what_is_wrong() {
    let folder = golden::folder("hostile");
    let expect: Value = serde_json::from_str(&fs::read_to_string(folder.join("expect.json")).unwrap()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("x");
    for (name, expected) in expect["files"].as_object().unwrap() {
        let path = folder.join(name);
        if expected["load"].is_null() || !path.exists() {
            continue;
        }
        let file = path.to_str().unwrap();
        let answer = if expected["class"] == "tokenizer" {
            Run::new(&["tokenize", file]).stdin("a").answer()
        } else {
            Run::new(&["logits", file, "--ids", "1", "--out", out.to_str().unwrap()]).answer()
        };
        if expected["load"] == "accept" {
            answer.done();
            continue;
        }
        let key = if expected["show"] == "reject" { "names" } else { "load_names" };
        let names: Vec<&str> = expected[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        answer.failed(1, &names);
    }
}

#[test]
fn plainer_kernels_can_be_asked_for_and_unknown_ones_are_refused() {
    Run::new(&["models"]).env("INGLE_CPU", "scalar").answer().done();
    Run::new(&["models"]).env("INGLE_CPU", "abacus").answer().failed(2, &["abacus", "scalar"]);
}

#[test]
fn the_doctor_tells_every_file_and_no_network_socket() {
    let answer = Run::new(&["doctor", "--json"]).answer().done();
    let said: Value = serde_json::from_slice(&answer.stdout).unwrap();
    for section in ["ingle", "files", "history", "models", "sockets", "terminal", "machine", "gpu"] {
        assert!(said[section].is_object(), "{section}");
    }
    if cfg!(target_os = "linux") {
        assert_eq!(said["sockets"]["network"], "none");
    }
    assert!(said["history"]["SQLite"].as_str().unwrap() >= "3.51.3");
    assert!(Run::new(&["doctor"]).answer().done().text().contains("config.toml"));
}
