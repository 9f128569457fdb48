//! Models of one quantization each (golden/quants, e2e-*): logits against the exact ones for the same weights.

use super::archs::{logits, logits_by, nmse, read_f32};
use super::folder;
use ingle::model::kernels;

#[test]
fn quantized_models_are_as_near_as_llama_cpps() {
    let folder = folder("quants");
    let Ok(text) = std::fs::read(folder.join("types.json")) else {
        return eprintln!("golden/quants/e2e: skipped, types.json is not there");
    };
    let e2e = &serde_json::from_slice::<serde_json::Value>(&text).unwrap()["e2e"];
    let ids: Vec<String> = e2e["tokens"].as_array().unwrap().iter().map(|id| id.to_string()).collect();
    let (mut passed, mut failed) = (0, Vec::new());
    let tiers: Vec<&str> = kernels::available().iter().map(|set| set.tier().name()).collect();
    super::head(&[&["model", "exact", "limit"], &tiers[..], &["limit", ""]].concat());
    for (name, model) in e2e["models"].as_object().unwrap() {
        let path = |key: &str| folder.join(model[key].as_str().unwrap());
        if !path("gguf").exists() {
            continue;
        }
        let exact = read_f32(&path("exact"));
        let limit = 1.5 * model["nmse_llama_cpp_vs_exact"].as_f64().unwrap() + 1e-6;
        let (model, ids) = (path("gguf"), ids.join(","));
        let truth = nmse(&logits(&model, &ids, &["--exact"]), &exact);
        // In one batch the panels multiply, in chunks of 7 the rows do.
        let of_tier = |tier: &&str| {
            let error = |chunk| nmse(&logits_by(Some(tier), &model, &ids, &["--cache", "f32", "--chunk", chunk]), &exact);
            f64::max(error("32"), error("7"))
        };
        let fast: Vec<f64> = tiers.iter().map(of_tier).collect();
        let shown: Vec<String> = fast.iter().map(|e| format!("{e:.1e}")).collect();
        let ok = fast.iter().all(|e| *e <= limit) && truth <= 1e-9;
        let ends = [format!("{limit:.1e}"), if ok { "pass" } else { "FAIL" }.to_owned()];
        super::row(&[&[name.clone(), format!("{truth:.1e}"), "1e-9".to_owned()], &shown[..], &ends].concat());
        if ok { passed += 1 } else { failed.push(name.as_str()) }
    }
    println!("{passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// What keys and values in Q8_0 may add to the error against exact logits.
const BLOCKS_IN_CACHE: f64 = 1e-4;

/// The models' heads are of 64 values, two blocks.
#[test]
fn a_cache_of_blocks_costs_little() {
    let folder = folder("quants");
    let Ok(text) = std::fs::read(folder.join("types.json")) else {
        return eprintln!("golden/quants/e2e: skipped, types.json is not there");
    };
    let e2e = &serde_json::from_slice::<serde_json::Value>(&text).unwrap()["e2e"];
    let ids: Vec<String> = e2e["tokens"].as_array().unwrap().iter().map(|id| id.to_string()).collect();
    for name in ["f16", "q8_0", "mxfp4", "mix-q4_k_m"] {
        let path = |key: &str| folder.join(e2e["models"][name][key].as_str().unwrap());
        if !path("gguf").exists() {
            continue;
        }
        let error = |cache| nmse(&logits(&path("gguf"), &ids.join(","), &["--cache", cache]), &read_f32(&path("exact")));
        let (f16, blocks) = (error("f16"), error("q8_0"));
        println!("{name:14} F16 cache {f16:.2e}, Q8_0 cache {blocks:.2e}");
        assert!(blocks > f16 && blocks <= f16 + BLOCKS_IN_CACHE, "{name}: {blocks:e}");
    }
}
