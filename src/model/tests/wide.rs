//! Whole models by units of bfloat16, the one in plain Rust among them: every type of the golden set, in one prefill.

use super::*;
use crate::model::kernels::tested_sets;

#[test]
fn quantized_models_are_as_near_by_every_unit() {
    let Some(golden) = std::env::var_os("INGLE_GOLDEN") else {
        return eprintln!("skipped: INGLE_GOLDEN is not set, golden/quants was not looked at");
    };
    let folder = PathBuf::from(golden).join("quants");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let e2e = &serde_json::from_slice::<serde_json::Value>(&read("types.json")).unwrap()["e2e"];
    let ids: Vec<u32> = e2e["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
    let options = options(CacheType::F32, false);
    let mut failed = Vec::new();
    for (name, golden) in e2e["models"].as_object().unwrap() {
        let exact = read(golden["exact"].as_str().unwrap());
        let exact: Vec<f32> = exact.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let limit = 1.5 * golden["nmse_llama_cpp_vs_exact"].as_f64().unwrap() + 1e-6;
        let file = Gguf::open(&folder.join(golden["gguf"].as_str().unwrap())).unwrap();
        let mut model = Model::load(&file, &options).unwrap();
        for set in tested_sets().iter().filter(|set| set.has_unit()) {
            model.compute = Compute::by(set, 2);
            let mut session = model.session(&options).unwrap();
            let error = nmse(&run(&mut model, &mut session, &ids, ids.len()), &exact);
            println!("{name:12} {:11} {error:.1e} of {limit:.1e}", set.tier().name());
            if error > limit {
                failed.push(format!("{name} by {}: {error:e} > {limit:e}", set.tier().name()));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
