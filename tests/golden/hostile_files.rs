//! 106 files, each one step away from a sound one, as the library meets them.

use ingle::gguf::Gguf;
use serde_json::Value;

/// Every file is accepted or refused as expect.json says, for the reason it says, in one harmless sentence.
#[test]
fn hostile_files_are_met_as_expected() {
    let folder = super::folder("hostile");
    let expect: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("expect.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (file, expected) in expect["files"].as_object().unwrap() {
        let path = folder.join(file);
        if !path.exists() {
            eprintln!("golden/hostile/{file}: skipped, it is not among the files of this repository");
            continue;
        }
        checked += 1;
        if let Err(why) = check(&path, expected) {
            wrong.push(format!("{file}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 0);
}

fn check(path: &std::path::Path, expected: &Value) -> Result<(), String> {
    let accepted = expected["show"] == "accept";
    match Gguf::open(path) {
        Ok(gguf) if accepted => {
            let n = gguf.tensors().len();
            if expected["tensors"].as_u64().is_some_and(|e| e != n as u64) {
                return Err(format!("{n} tensors"));
            }
            gguf.metadata().for_each(|(_, v)| drop(v.describe()));
            gguf.fingerprint();
            Ok(())
        }
        Ok(_) => Err("accepted".to_owned()),
        Err(e) if accepted => Err(format!("refused: {e}")),
        Err(e) => {
            let (sentence, report) = (e.to_string(), e.report().to_string());
            eprintln!("{report}");
            if e.class().name() != expected["class"] {
                return Err(format!("class {}: {sentence}", e.class().name()));
            }
            for name in expected["names"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if !sentence.contains(name) || !report.contains(name) {
                    return Err(format!("{name} is not named: {sentence}"));
                }
            }
            if sentence.chars().chain(report.chars()).any(char::is_control) {
                return Err("a control character in the sentence".to_owned());
            }
            Ok(())
        }
    }
}
