//! The logits of tiny models of every architecture (golden/archs): whole, in chunks of 7, token by token.

use super::folder;
use ingle::model::kernels::TIER_VARIABLE;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What does not match, and why; all else must. One row of dots3note's 48 chooses another key behind an F16 cache, since two scores lie
/// nearer together than its rounding moves them (NMSE 2.5e-4; 5.5e-6 behind F32, 1.3e-12 by the exact path). The reference of
/// minimax-m3 alone was made with flash attention, which rounds keys and values to F16 and adds up in F16: the exact path is
/// 2.2e-6 away, where 1e-6 is asked for; behind either cache it matches.
const KNOWN_MISSES: &[&str] = &["dots3note", "minimax-m3"];

struct Case {
    ids: String,
    reference: Vec<f32>,
    own_f16: f64,
    own_f16_cache: f64,
    /// llama.cpp looks GELU up in a table that the exact path does without.
    exact: f64,
}

pub fn read_f32(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The models of a folder by name, each with its NAME.json.
pub fn cases(folder: &Path) -> Vec<(String, serde_json::Value)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read =
        |p: PathBuf| (p.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_slice(&std::fs::read(&p).unwrap()).unwrap());
    let mut cases: Vec<_> = files.filter(|p| p.extension().is_some_and(|e| e == "json")).map(read).collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

/// What llama.cpp answers for a model: NAME.json, NAME.logits.
fn case(folder: &Path, name: &str, json: &serde_json::Value) -> (String, Case) {
    let ids: Vec<String> = json["tokens"].as_array().unwrap().iter().map(|id| id.to_string()).collect();
    let case = Case {
        ids: ids.join(","),
        reference: read_f32(&folder.join(format!("{name}.logits"))),
        own_f16: json["checks"]["nmse_own_f16_run"].as_f64().unwrap(),
        own_f16_cache: json["checks"]["nmse_own_f16_run_f16_cache"].as_f64().unwrap(),
        exact: if json["checks"]["nmse_exact_gelu_instead_of_f16_table"].is_null() { 1e-6 } else { 1e-5 },
    };
    (json["architecture"].as_str().unwrap().to_owned(), case)
}

/// sum((a - b)^2) / sum(b^2); infinite where a value is not finite or one is missing.
pub fn nmse(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.iter().any(|x| !x.is_finite()) {
        return f64::INFINITY;
    }
    let error: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    error / b.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>()
}

/// Runs the door that golden checks go through.
pub fn logits(model: &Path, ids: &str, arguments: &[&str]) -> Vec<f32> {
    logits_by(None, model, ids, arguments)
}

/// The same by the kernels of a tier.
pub fn logits_by(tier: Option<&str>, model: &Path, ids: &str, arguments: &[&str]) -> Vec<f32> {
    let out = tempfile::NamedTempFile::new().unwrap();
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ingle"))
        .env("INGLE_HOME", home.path())
        .envs(tier.map(|tier| (TIER_VARIABLE, tier)))
        .arg("logits")
        .arg(model)
        .args(["--ids", ids, "-c", "256", "--out"])
        .arg(out.path())
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{} {arguments:?}: {}", model.display(), String::from_utf8_lossy(&output.stderr));
    read_f32(out.path())
}

#[test]
fn logits_match() {
    let folder = folder("archs");
    let cases = cases(&folder);
    let (mut passed, mut failed) = (0, Vec::new());
    super::head(&["model", "architecture", "whole", "chunks of 7", "token by token", "limit", "F16 cache", "limit", "exact", "limit", ""]);
    for (name, json) in &cases {
        let (architecture, case) = case(&folder, name, json);
        let paths: [(&str, &[&str], f64); 3] = [
            ("F32 cache", &["--cache", "f32"], f64::max(1e-5, 2.0 * case.own_f16)),
            ("F16 cache", &["--cache", "f16"], f64::max(1e-4, 2.0 * case.own_f16_cache)),
            ("exact", &["--exact"], case.exact),
        ];
        let model = folder.join(format!("{name}.gguf"));
        let (mut ok, mut row) = (true, vec![name.clone(), architecture.clone()]);
        for (path, arguments, limit) in paths {
            let error = |chunk: &[&str]| nmse(&logits(&model, &case.ids, &[arguments, chunk].concat()), &case.reference);
            let errors = [error(&[]), error(&["--chunk", "7"]), error(&["--chunk", "1"])];
            // Each way by itself where it is what the table is about, the worst of them elsewhere.
            let worst = errors.into_iter().fold(0.0, f64::max);
            let shown = if path == "F32 cache" { &errors[..] } else { &[worst] };
            row.extend(shown.iter().chain([&limit]).map(|e| format!("{e:.1e}")));
            ok &= worst <= limit;
        }
        row.push(if ok { "pass" } else { "FAIL" }.to_owned());
        super::row(&row);
        if ok { passed += 1 } else { failed.push(name.as_str()) }
    }
    println!("{passed} passed, {} failed", failed.len());
    // A miss that has healed is none any more.
    let expected: Vec<_> = cases.iter().map(|(name, _)| name.as_str()).filter(|name| KNOWN_MISSES.contains(name)).collect();
    assert_eq!(failed, expected);
}
