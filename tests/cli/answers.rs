//! Prompts and answers in a pipe: `run`, `render`.

use super::Run;
use crate::golden;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_question_in_a_pipe_is_answered_in_plain_text() {
    let answer = Run::new(&["run", "--predict", "24", "--temp", "0"]).stdin("What is ingle?\n").answer().done();
    assert!(!answer.text().trim().is_empty() && answer.text().ends_with('\n'), "{:?}", answer.text());
    assert_eq!(answer.stderr, "", "nothing but the answer is said");
    let again = Run::new(&["run", "guide", "What is ingle?", "--predict", "24", "--temp", "0"]).answer().done();
    assert_eq!(again.text(), answer.text(), "piped or written, it is the same question");
}

#[test]
fn figures_go_to_standard_error() {
    let run = |flag: &str| Run::new(&["run", "guide", "hello", "--predict", "4", flag]).answer().done();
    for label in ["total duration", "load duration", "prompt eval count", "prompt eval rate", "eval count", "eval rate"] {
        assert!(run("--verbose").stderr.contains(label), "{label}");
    }
    let statistics: Value = serde_json::from_str(&run("--stats").stderr).unwrap();
    assert!(statistics["predicted_n"].as_u64().is_some_and(|n| (1..=4).contains(&n)), "{statistics}");
    for line in run("--json").text().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn run_without_a_question_or_with_an_unknown_model_says_what_to_do() {
    Run::new(&["run"]).answer().failed(2, &["no question"]);
    Run::new(&["run", "no-such-model", "hello"]).answer().failed(1, &["no-such-model", "ingle models"]);
    Run::new(&["run", "hello"]).env("INGLE_MODEL", "guide").answer().failed(2, &["no question"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_answer_quietly() {
    let answer = Run::new(&["run", "guide", "What is ingle?"]).closed_stdout().answer();
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
}

#[test]
fn a_template_renders_exactly_and_a_wrong_line_does_not_stop_the_batch() {
    let home = tempfile::tempdir().unwrap();
    let template = home.path().join("plain.jinja");
    fs::write(&template, "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}").unwrap();
    let file = template.to_str().unwrap();
    let request = json!({ "messages": [{ "role": "user", "content": "a\nb" }] }).to_string();
    let one = Run::new(&["render", "--template", file]).stdin(request.as_str()).answer().done();
    assert_eq!(one.text(), "<user>a\nb", "no newline is added");
    let batch = Run::new(&["render", "--template", file, "--batch"]).stdin(format!("{request}\nnot json\n")).answer().done();
    let lines: Vec<Value> = batch.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["text"] == "<user>a\nb" && lines[1]["error"].is_string(), "{lines:?}");
    assert!(Run::new(&["render", "guide"]).stdin(request).answer().done().text().contains("a\nb"));
    Run::new(&["render", "--template", "/nowhere/x.jinja"]).answer().failed(1, &["/nowhere/x.jinja"]);
}

/// All renderings are compared by the golden tests of prompt; this is the door.
#[test]
fn golden_renderings_come_through_the_door() {
    let folder = golden::folder("templates");
    let expected = fs::read_to_string(folder.join("Qwen-Qwen3-0.6B.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let template = folder.join(expected["template"].as_str().unwrap());
    let cases = expected["cases"].as_array().unwrap();
    let request = |case: &Value| {
        let mut request = json!({ "bos_token": expected["bos_token"], "eos_token": expected["eos_token"] });
        for key in ["messages", "tools", "add_generation_prompt", "kwargs"].into_iter().filter(|key| !case[*key].is_null()) {
            request[key] = case[key].clone();
        }
        format!("{request}\n")
    };
    let arguments = ["render", "--template", template.to_str().unwrap(), "--batch", "--now", expected["now"].as_str().unwrap()];
    let answer = Run::new(&arguments).stdin(cases.iter().map(request).collect::<String>()).answer().done();
    for (case, line) in cases.iter().zip(answer.text().lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        if case["expected"].is_string() {
            assert_eq!(line["text"], case["expected"], "{}", case["name"]);
        }
    }
    assert_eq!(answer.text().lines().count(), cases.len());
}
