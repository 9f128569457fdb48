//! The chat templates of golden/templates: every rendering equal to Jinja2's.

use ingle::prompt::jinja;
use ingle::prompt::{RenderInput, Template, sandbox};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Golden {
    pub name: String,
    path: PathBuf,
    pub source: String,
    all: Value,
}

impl Golden {
    fn load(json: &Path) -> Self {
        let all: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
        let path = json.with_file_name(all["template"].as_str().unwrap());
        let source = std::fs::read_to_string(&path).unwrap();
        Self { path, name: json.file_stem().unwrap().to_string_lossy().into_owned(), source, all }
    }

    pub fn cases(&self) -> &[Value] {
        self.all["cases"].as_array().unwrap()
    }

    pub fn input(&self, case: &Value) -> RenderInput {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        RenderInput {
            messages: case["messages"].clone(),
            tools: case["tools"].clone(),
            add_generation_prompt: case["add_generation_prompt"].as_bool().unwrap(),
            bos_token: text(&self.all["bos_token"]),
            eos_token: text(&self.all["eos_token"]),
            kwargs: case["kwargs"].as_object().cloned().unwrap_or_default(),
            now: text(&self.all["now"]).unwrap(),
        }
    }
}

pub fn goldens() -> Vec<Golden> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(super::folder("templates")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
    paths.sort();
    paths.iter().map(|p| Golden::load(p)).collect()
}

/// All cases of a template by `ingle render --batch`: the text, or the error's sentence.
fn rendered(golden: &Golden) -> Vec<Result<String, String>> {
    let request = |case: &Value| {
        let mut request = case.clone();
        request["bos_token"] = golden.all["bos_token"].clone();
        request["eos_token"] = golden.all["eos_token"].clone();
        request.to_string() + "\n"
    };
    let home = tempfile::tempdir().unwrap();
    let requests = home.path().join("requests");
    std::fs::write(&requests, golden.cases().iter().map(request).collect::<String>()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ingle"))
        .env("INGLE_HOME", home.path())
        .args(["render", "--batch", "--now", golden.all["now"].as_str().unwrap(), "--template"])
        .arg(&golden.path)
        .stdin(std::fs::File::open(&requests).unwrap())
        .output()
        .unwrap();
    let answer = |line: &str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        answer["text"].as_str().map(str::to_owned).ok_or_else(|| answer["error"].as_str().unwrap().to_owned())
    };
    let answers: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().map(answer).collect();
    assert_eq!(answers.len(), golden.cases().len(), "{}: {}", golden.name, String::from_utf8_lossy(&output.stderr));
    answers
}

/// As golden/templates/README.md says what a match is.
fn is_match(case: &Value, found: &Result<String, String>) -> bool {
    let is_text = |text: &str| [&case["expected"], &case["lenient"]].contains(&&Value::from(text));
    match (found, case["error_kind"].as_str()) {
        (Ok(text), None | Some("security")) => is_text(text),
        // As part of a sentence it ends with that sentence's stop.
        (Err(error), Some("raise_exception")) => error.contains(case["error"].as_str().unwrap().trim_end_matches(['.', '!'])),
        // Errors within Python's own rules: a language that is more lenient is not judged.
        (_, Some("undefined" | "type")) => true,
        (found, _) => found.is_err() && case["error_kind"].is_string(),
    }
}

#[test]
fn all_renderings_are_jinja2s() {
    let (mut n, mut wrong) = (0, Vec::new());
    super::head(&["template", "cases", "equal", ""]);
    for golden in goldens() {
        let before = wrong.len();
        for (case, found) in golden.cases().iter().zip(rendered(&golden)) {
            n += 1;
            if !is_match(case, &found) {
                wrong.push(format!("{} {}: found {found:?}, expected {}", golden.name, case["name"], case["expected"]));
            }
        }
        let (all, differ) = (golden.cases().len(), wrong.len() - before);
        super::row(&[golden.name, all.to_string(), (all - differ).to_string(), if differ == 0 { "pass" } else { "FAIL" }.to_owned()]);
    }
    eprintln!("golden/templates: {} of {n} renderings equal", n - wrong.len());
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[0]);
}

/// One case of each template through a process of its own: nothing is lost on the way.
#[test]
fn a_child_renders_the_same() {
    let exe = Path::new(env!("CARGO_BIN_EXE_ingle"));
    for golden in goldens() {
        let case = &golden.cases()[0];
        let input = golden.input(case);
        let here = jinja::render(&golden.source, &input);
        assert_eq!(sandbox::render_in_child(exe, &golden.source, &input).ok(), here.ok(), "{}", golden.name);
    }
}

/// Templates of this folder were read beforehand: they need no process.
#[test]
fn these_templates_are_known() {
    for golden in goldens() {
        let known = Template::new(golden.source.as_str()).render(&golden.input(&golden.cases()[0]), None);
        let here = jinja::render(&golden.source, &golden.input(&golden.cases()[0]));
        assert_eq!(known.ok(), here.ok(), "{} is not in the table", golden.name);
    }
}
