//! Models of one quantization each (golden/quants, e2e-*): logits against the exact ones for the same weights.

use super::archs::{logits, nmse, read_f32};
use super::folder;

/// Types that must be computed with. A model with any other is counted as not read yet, by name.
const KNOWN: &[&str] = &["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"];

#[test]
fn quantized_models_are_as_near_as_llama_cpps() {
    let folder = folder("quants");
    let Ok(text) = std::fs::read(folder.join("types.json")) else {
        return eprintln!("golden/quants/e2e: skipped, types.json is not there");
    };
    let e2e = &serde_json::from_slice::<serde_json::Value>(&text).unwrap()["e2e"];
    let ids: Vec<String> = e2e["tokens"].as_array().unwrap().iter().map(|id| id.to_string()).collect();
    let (mut passed, mut failed, mut unread) = (0, Vec::new(), Vec::new());
    println!("{:14} {:>10} {:>10} {:>10}", "model", "NMSE", "limit", "exact");
    for (name, model) in e2e["models"].as_object().unwrap() {
        let path = |key: &str| folder.join(model[key].as_str().unwrap());
        if !path("gguf").exists() {
            continue;
        }
        if !model["types"].as_array().unwrap().iter().all(|ty| KNOWN.contains(&ty.as_str().unwrap())) {
            unread.push(name.as_str());
            continue;
        }
        let exact = read_f32(&path("exact"));
        let limit = 1.5 * model["nmse_llama_cpp_vs_exact"].as_f64().unwrap() + 1e-6;
        let error = |arguments: &[&str]| nmse(&logits(&path("gguf"), &ids.join(","), arguments), &exact);
        let (fast, truth) = (error(&["--cache", "f32"]), error(&["--exact"]));
        println!("{name:14} {fast:10.2e} {limit:10.2e} {truth:10.2e}");
        if fast <= limit && truth <= 1e-9 { passed += 1 } else { failed.push(name.as_str()) }
    }
    println!("{passed} passed, {} failed, {} of types not read yet: {}", failed.len(), unread.len(), unread.join(" "));
    assert!(failed.is_empty(), "failed: {failed:?}");
}
