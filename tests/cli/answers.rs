//! Prompts and answers in a pipe: `run`, `render`.

use super::Run;
use crate::golden;
use ingle::gguf::{self, NewFile, Writer};
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
    for label in ["total duration", "load duration", "prompt eval count", "prompt eval rate", "eval count", "eval rate", "draft acceptance"]
    {
        assert!(run("--verbose").stderr.contains(label), "{label}");
    }
    let statistics: Value = serde_json::from_str(&run("--stats").stderr).unwrap();
    assert!(statistics["predicted_n"].as_u64().is_some_and(|n| (1..=4).contains(&n)), "{statistics}");
    for line in run("--json").text().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn an_answer_is_held_to_a_schema_and_to_a_grammar() {
    let schema = r#"{"type":"object","properties":{"name":{"type":"string","maxLength":20},"n":{"type":"integer","maximum":99,"minimum":0}},
        "required":["name","n"],"additionalProperties":false}"#;
    let folder = tempfile::tempdir().unwrap();
    let (schema_file, grammar_file) = (folder.path().join("schema.json"), folder.path().join("yes.gbnf"));
    fs::write(&schema_file, schema).unwrap();
    fs::write(&grammar_file, "root ::= (\"yes\" | \"no\") \"!\"{3}").unwrap();
    let run = |flag: &str, value: &str, seed: u32| {
        let seed = seed.to_string();
        let answer = ["run", "guide", "What is a gauge?", "--temp", "1.5", "--min-p", "0", "--seed", &seed, flag, value, "--stats"];
        let done = Run::new(&answer).answer().done();
        let statistics: Value = serde_json::from_str(&done.stderr).unwrap();
        assert_eq!(statistics["settings"][flag.trim_start_matches("--").trim_end_matches("-file").replace('-', "_")]["source"], "command");
        done.text().to_owned()
    };
    for seed in 0..4 {
        for value in [schema, schema_file.to_str().unwrap()] {
            let text = run("--json-schema", value, seed);
            let answer: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            let (name, n) = (answer["name"].as_str().unwrap(), answer["n"].as_u64().unwrap());
            assert!(name.chars().count() <= 20 && n <= 99 && answer.as_object().unwrap().len() == 2, "{text}");
        }
        let text = run("--grammar-file", grammar_file.to_str().unwrap(), seed);
        assert!(["yes!!!\n", "no!!!\n"].contains(&&*text), "{text}");
    }
    assert_eq!(run("--json-schema", schema, 1), run("--json-schema", schema, 1), "a seed repeats itself under a grammar, too");
    let refused = |flag: &str, value: &str| Run::new(&["run", "guide", "hello", flag, value]).answer();
    refused("--json-schema", r#"{"properties":{"a":{"type":"strin"}}}"#).failed(1, &["#/properties/a", "Invalid type: strin"]);
    refused("--json-schema", "no-such-file.json").failed(2, &["no-such-file.json", "could not be read"]);
    refused("--grammar", "root ::= a").failed(1, &["line 1", "no rule named a"]);
}

#[test]
fn what_cannot_be_sampled_by_is_said() {
    let refused = |flag: &str, value: &str| Run::new(&["run", "guide", "hello", flag, value]).answer();
    refused("--logit-bias", "99999999+1").failed(1, &["token 99999999", "the vocabulary has"]);
    refused("-l", "1+x").failed(2, &["logit_bias", "15043+1.5"]);
    refused("--samplers", "top_k;best").failed(2, &["samplers is top_k;best", "penalties;dry"]);
    refused("--mirostat", "3").failed(2, &["mirostat is 3", "from 0 to 2"]);
}

/// Whatever way it is cut into tokens: the answer is what stands before the first of them.
#[test]
fn stop_strings_end_an_answer_and_are_not_part_of_it() {
    let answer = |stops: &[&str]| {
        let mut arguments = vec!["run", "guide", "What is ingle?", "--temp", "0", "--predict", "40"];
        stops.iter().for_each(|stop| arguments.extend(["--stop", stop]));
        Run::new(&arguments).answer().done().text().to_owned()
    };
    let whole = answer(&[]);
    let whole = whole.trim_end();
    let characters: Vec<(usize, char)> = whole.char_indices().collect();
    for start in [1, 7, 20] {
        let (from, to) = (characters[start].0, characters[start + 9].0);
        let stop = &whole[from..to];
        let before = &whole[..whole.find(stop).unwrap()];
        assert_eq!(answer(&["never said", stop]).trim_end_matches('\n'), before.trim_end_matches('\n'), "{stop:?}");
    }
    assert_eq!(answer(&[&format!("{whole} and more")]).trim_end(), whole, "what was held back comes at the end");
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

/// A copy of the guide that recommends settings, as Ollama keeps one.
fn recommending(store: &std::path::Path) {
    let guide = gguf::guide().unwrap();
    let mut writer = Writer::new();
    guide.metadata().for_each(|(key, value)| writer.set(key, value));
    writer.set("general.sampling.temp", gguf::Value::F32(0.25));
    writer.set("general.sampling.top_k", gguf::Value::I32(7));
    writer.set("general.sampling.sequence", gguf::Value::String(b"top_k;temperature"));
    writer.set("general.sampling.mirostat", gguf::Value::I32(9));
    guide.tensors().iter().for_each(|t| writer.tensor(&t.name, t.ty.unwrap(), &t.shape).unwrap());
    let (model, params) = ("a1".repeat(32), "b2".repeat(32));
    fs::create_dir_all(store.join("blobs")).unwrap();
    let mut body = writer.begin("blob", NewFile::create(&store.join(format!("blobs/sha256-{model}"))).unwrap()).unwrap();
    guide.tensors().iter().for_each(|t| body.tensor([Ok(&guide.tensor_bytes(t).unwrap()[..])]).unwrap());
    body.finish().unwrap().commit().unwrap();
    fs::write(store.join(format!("blobs/sha256-{params}")), r#"{"top_k":5,"stop":["<|im_end|>"]}"#).unwrap();
    let layer = |kind: &str, digest: &str| json!({ "mediaType": format!("application/vnd.ollama.image.{kind}"), "digest": format!("sha256:{digest}") });
    let manifest = store.join("manifests/registry.ollama.ai/library/small/1b");
    fs::create_dir_all(manifest.parent().unwrap()).unwrap();
    fs::write(manifest, json!({ "layers": [layer("model", &model), layer("params", &params)] }).to_string()).unwrap();
}

#[test]
fn what_a_model_recommends_is_used_and_shown_with_its_source() {
    let store = tempfile::tempdir().unwrap();
    recommending(store.path());
    let run = |arguments: &[&str]| Run::new(arguments).env("OLLAMA_MODELS", store.path().to_str().unwrap()).answer().done();
    let stderr = run(&["run", "small", "hello", "--predict", "2", "--stats", "--min-p", "0.1"]).stderr;
    let settings = &serde_json::from_str::<Value>(&stderr).unwrap()["settings"];
    for (name, value, source) in [
        ("temp", json!(0.25), "file"),
        ("samplers", json!("top_k;temperature"), "file"),
        ("top_k", json!(5), "ollama"),
        ("stop", json!(["<|im_end|>"]), "ollama"),
        ("min_p", json!(0.1), "command"),
        ("mirostat", json!(0), "default"),
    ] {
        assert_eq!(settings[name], json!({ "value": value, "source": source }), "{name}");
    }
    let verbose = run(&["run", "small", "hello", "--predict", "2", "--verbose"]).stderr;
    assert!(verbose.contains("0.25 (from the model's file)") && verbose.contains("5 (from Ollama's params)"), "{verbose}");
    let shown = run(&["show", "small"]);
    assert!(shown.text().contains("temp 0.25, top_k 7 (from the model's file)"), "{}", shown.text());
    assert!(shown.text().contains("top_k 5 (from Ollama's params)"), "{}", shown.text());
}
