//! 106 files, each one step away from a sound one, through the real program: shown and loaded as expect.json says.

use crate::golden;
use serde_json::Value;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Seconds of one core; the program is killed beyond it. Wall time would depend on what else the machine does.
const CPU_S: u32 = 1;
/// What the program may write to in memory: its own start (about 14 MiB) and 64 MiB.
const DATA_KIB: u32 = (14 + 64) << 10;

/// One file under test, with a folder in which nothing may appear but the log and what was asked for.
struct Case {
    file: PathBuf,
    home: tempfile::TempDir,
}

impl Case {
    fn new(file: PathBuf) -> Self {
        Self { file, home: tempfile::tempdir().unwrap() }
    }

    /// Runs the program under the limits; `{}` in the arguments is the file.
    fn run(&self, arguments: &[&str], stdin: &str) -> Output {
        let limits = format!("ulimit -c 0; ulimit -t {CPU_S}; ulimit -d {DATA_KIB}; exec \"$0\" \"$@\"");
        let file = self.file.to_str().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &limits, env!("CARGO_BIN_EXE_ingle")]).args(arguments.iter().map(|a| if *a == "{}" { file } else { a }));
        command.env_clear().env("HOME", self.home.path()).env("INGLE_HOME", self.home.path()).current_dir(self.home.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that refuses the file does not read its input.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn check(&self, expected: &Value) -> Result<(), String> {
        let shown = self.run(&["show", "{}", "--json"], "");
        judge(&shown, expected["show"] == "accept", &expected["names"])?;
        if expected["show"] == "accept" {
            let json: Value = serde_json::from_slice(&shown.stdout).map_err(|e| format!("its JSON: {e}"))?;
            let n = json["tensors"].as_array().map(|t| t.len() as u64);
            if expected["tensors"].as_u64().is_some_and(|e| Some(e) != n) {
                return Err(format!("{n:?} tensors"));
            }
        }
        if let Some(load) = expected["load"].as_str() {
            let loaded = match expected["class"] == "tokenizer" {
                true => self.run(&["tokenize", "{}"], "a\n"),
                false => self.run(&["logits", "{}", "--ids", "1", "--threads", "2", "--out", "out.f32"], ""),
            };
            judge(&loaded, load == "accept", &expected["load_names"]).map_err(|why| format!("loading: {why}"))?;
        } else if expected["show"] == "reject" {
            let loaded = self.run(&["logits", "{}", "--ids", "1", "--threads", "2", "--out", "out.f32"], "");
            if loaded.status.code() != Some(1) || loaded.stderr != shown.stderr {
                return Err(format!("loading: {} where show says {}", text(&loaded.stderr), text(&shown.stderr)));
            }
        }
        self.nothing_else_written(expected["load"] == "accept")
    }

    fn nothing_else_written(&self, out: bool) -> Result<(), String> {
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
                let name = path.file_name().unwrap().to_string_lossy();
                match path.is_dir() {
                    true => folders.push(path),
                    false if name.ends_with(".log") || (out && name == "out.f32") => (),
                    false => return Err(format!("wrote {}", path.display())),
                }
            }
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit 0, or 1 with one sentence that holds each of `names`; no signal, no panic, no control character.
fn judge(output: &Output, accepted: bool, names: &Value) -> Result<(), String> {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if let Some(signal) = output.status.signal() {
        return Err(format!("killed by signal {signal}: {stderr}"));
    }
    if output.status.code() != Some(if accepted { 0 } else { 1 }) {
        return Err(format!("{}: {stderr}", output.status));
    }
    if format!("{stdout}{stderr}").contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Err(format!("a control character: {stdout:?} {stderr:?}"));
    }
    if !accepted && (stderr.lines().count() != 1 || !stdout.is_empty()) {
        return Err(format!("more than one sentence: {stdout} {stderr}"));
    }
    match names.as_array().into_iter().flatten().filter_map(Value::as_str).find(|name| !stderr.contains(name)) {
        Some(name) if !accepted => Err(format!("{name} is not named: {stderr}")),
        _ => Ok(()),
    }
}

#[test]
fn hostile_files_are_shown_and_loaded_as_expected() {
    let folder = golden::folder("hostile");
    let expect = std::fs::read_to_string(Path::new(&folder).join("expect.json")).unwrap();
    let expect: Value = serde_json::from_str(&expect).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in expect["files"].as_object().unwrap() {
        let file = folder.join(name);
        if !file.exists() {
            eprintln!("golden/hostile/{name}: skipped, it is not among the files of this repository");
        } else if let Err(why) = Case::new(file).check(expected) {
            wrong.push(format!("{name}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
