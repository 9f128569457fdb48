//! Thinking, templates that refuse and contexts that are too short, from outside: the guide's own network with other
//! templates around it.

use super::Run;
use ingle::gguf::{Writer, guide};
use std::path::Path;

/// Thinks unless it is told not to, and takes no system text.
const THINKS: &str = "{%- for m in messages -%}
{%- if m.role == 'system' -%}{{- raise_exception('System role not supported') -}}{%- endif -%}
{{- '<|' + m.role + '|>' + m.content + '<|im_end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|assistant|>' -}}
{%- if enable_thinking is not defined or enable_thinking -%}{{- '<think>\\n' -}}{%- endif -%}
{%- endif -%}
";

/// A file of the guide's weights with this template, or with none.
fn model(path: &Path, template: Option<&str>) {
    let guide = guide().expect("the guide is sound");
    let mut writer = Writer::new();
    for (key, value) in guide.metadata().filter(|(key, _)| *key != "tokenizer.chat_template") {
        writer.set(key, value);
    }
    template.into_iter().for_each(|text| writer.set_str("tokenizer.chat_template", text));
    for tensor in guide.tensors() {
        writer.tensor(&tensor.name, tensor.ty.expect("a known type"), &tensor.shape).expect("whole blocks");
    }
    let mut body = writer.begin("model", Vec::new()).expect("a header in memory");
    for tensor in guide.tensors() {
        body.tensor([Ok(&*guide.tensor_bytes(tensor).expect("the guide's bytes"))]).expect("written to memory");
    }
    std::fs::write(path, body.finish().expect("all tensors are there")).expect("the file is written");
}

fn home(template: Option<&str>) -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().expect("a folder for the test");
    let path = home.path().join("model.gguf");
    model(&path, template);
    (home, path.to_str().expect("a path of letters").to_owned())
}

fn run(home: &Path, model: &str, flags: &[&str]) -> Run {
    Run::at(home, &[&["run", model, "What is ingle?", "--temp", "0", "--predict", "16"], flags].concat())
}

#[test]
fn what_is_thought_goes_to_standard_error_and_can_be_switched_off() {
    let (home, model) = home(Some(THINKS));
    let thinks = run(home.path(), &model, &[]).answer().done();
    assert!(thinks.text().trim().is_empty() && !thinks.stderr.trim().is_empty(), "{thinks:?}");
    assert!(!thinks.stderr.contains("<think>"), "{}", thinks.stderr);
    let answers = run(home.path(), &model, &["--reasoning", "off"]).answer().done();
    assert!(!answers.text().trim().is_empty(), "{answers:?}");
    assert_eq!(answers.stderr, "");
    let json = run(home.path(), &model, &["--json"]).answer().done();
    assert!(json.text().contains(r#""channel":"thinking""#) && json.text().contains(r#""thinking_n":16"#), "{}", json.text());
    let high = run(home.path(), &model, &["--reasoning", "high"]).answer().done();
    assert!(
        high.stderr.starts_with("warning: this model's template knows thinking off, on, not high. The nearest is taken."),
        "{}",
        high.stderr
    );
    let guide = run(home.path(), "guide", &["--reasoning", "on"]).answer().done();
    assert!(guide.stderr.contains("has no switch for thinking"), "{}", guide.stderr);
}

#[test]
fn a_template_that_refuses_a_system_prompt_is_read_and_another_way_is_named() {
    let (home, model) = home(Some(THINKS));
    let flags = ["--reasoning", "off", "--system-prompt", "Be brief."];
    let refused = run(home.path(), &model, &flags).answer();
    refused.failed(1, &["refuses this conversation: System role not supported", "--merge-system", "--chat-template", "chatml"]);
    for way in [&["--merge-system"][..], &["--chat-template", "chatml"]] {
        let answer = run(home.path(), &model, &[&flags[..], way].concat()).answer().done();
        assert!(!answer.text().trim().is_empty(), "{way:?}: {answer:?}");
    }
}

#[test]
fn a_file_without_a_template_or_a_vocabulary_of_one_goes_on_with_the_text() {
    let (home, model) = home(None);
    let answer = run(home.path(), &model, &[]).answer().done();
    let said = "warning: the file carries no chat template and its vocabulary no marks of one: text is gone on with as it is";
    assert!(answer.stderr.starts_with(said), "{}", answer.stderr);
    assert_ne!(answer.text(), run(home.path(), "guide", &[]).answer().done().text());
}

#[test]
fn a_context_that_is_too_short_or_longer_than_trained_is_said() {
    let (home, model) = home(Some(THINKS));
    let long = "word ".repeat(200);
    let question = |flags: &[&str]| Run::at(home.path(), &[&["run", &model, &long, "--temp", "0", "--reasoning", "off"], flags].concat());
    question(&["-c", "64"]).answer().failed(1, &["the context holds 64", "--ctx-size"]);
    let whole = question(&["--stats"]).answer().done();
    let statistics: serde_json::Value = serde_json::from_str(&whole.stderr).expect("statistics are JSON");
    let n_ctx = statistics["prompt_n"].as_u64().expect("a number") + 3;
    let cut = question(&["-c", &n_ctx.to_string()]).answer().done();
    assert_eq!(cut.stderr, format!("warning: the answer was cut: the context of {n_ctx} tokens is full. Raise it with --ctx-size.\n"));
    assert!(whole.text().starts_with(cut.text().trim_end()), "{whole:?}");
    let beyond = question(&["-c", "8192", "--predict", "4"]).answer().done();
    assert!(beyond.stderr.contains("warning: a context of 8192 is more than the 4096 it was trained for"), "{}", beyond.stderr);
}
