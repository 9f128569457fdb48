mod pieces;
mod rewritten;
mod wide;
mod windows;

use super::*;
use crate::protocol::CacheType;
use crate::quant::GgmlType;
use std::path::{Path, PathBuf};

/// The golden models of architecture `llama`, with what llama.cpp answers (tests/golden/archs/README.md).
const GOLDEN: &[&str] = &[
    "llama",
    "llama-bias",
    "llama-headdim",
    "llama-linear",
    "llama-moe",
    "llama-qkv-fused",
    "llama-rope-freqs",
    "llama-tied",
    "llama-yarn",
];

struct Golden {
    name: &'static str,
    file: Gguf,
    ids: Vec<u32>,
    n_vocab: usize,
    logits: Vec<f32>,
    own_f16: f64,
    own_f16_cache: f64,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/archs")
}

fn golden(name: &'static str) -> Golden {
    read_golden(&folder(), name)
}

fn read_golden(folder: &Path, name: &'static str) -> Golden {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let logits = std::fs::read(folder.join(format!("{name}.logits"))).unwrap();
    Golden {
        name,
        file: Gguf::open(&folder.join(format!("{name}.gguf"))).unwrap(),
        ids: json["tokens"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect(),
        n_vocab: json["n_vocab"].as_u64().unwrap() as usize,
        logits: logits.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
        own_f16: json["checks"]["nmse_own_f16_run"].as_f64().unwrap(),
        own_f16_cache: json["checks"]["nmse_own_f16_run_f16_cache"].as_f64().unwrap(),
    }
}

fn options(cache: CacheType, exact: bool) -> LoadOptions {
    LoadOptions { n_ctx: 256, n_threads: 2, cache_type_k: cache, cache_type_v: cache, exact, ids_only: true }
}

/// Logits of all positions, `chunk` ids at a time.
fn run(model: &mut Model, session: &mut Session, ids: &[u32], chunk: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for part in ids.chunks(chunk) {
        model.forward(session, part, 0..part.len(), &AtomicBool::new(false), &mut |_, row| out.extend_from_slice(row)).unwrap();
    }
    out
}

/// sum((a - b)^2) / sum(b^2)
fn nmse(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().all(|x| x.is_finite()), "logits are finite");
    let square = |x: f64| x * x;
    let error: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    error / b.iter().map(|b| square(f64::from(*b))).sum::<f64>()
}

#[test]
fn logits_are_llama_cpps() {
    for name in GOLDEN {
        let golden = golden(name);
        let limits = [
            (CacheType::F32, true, 1e-6),
            (CacheType::F32, false, f64::max(1e-5, 2.0 * golden.own_f16)),
            (CacheType::F16, false, f64::max(1e-4, 2.0 * golden.own_f16_cache)),
        ];
        for (cache, exact, limit) in limits {
            let options = options(cache, exact);
            let mut model = Model::load(&golden.file, &options).unwrap();
            assert_eq!(model.n_vocab(), golden.n_vocab);
            for chunk in [golden.ids.len(), 7, 1] {
                let mut session = model.session(&options).unwrap();
                let error = nmse(&run(&mut model, &mut session, &golden.ids, chunk), &golden.logits);
                assert!(error <= limit, "{} in chunks of {chunk}, cache {cache:?}, exact {exact}: NMSE {error:e} > {limit:e}", golden.name);
            }
        }
    }
}

#[test]
fn after_truncate_the_rest_is_computed_alike() {
    let golden = golden("llama");
    let options = options(CacheType::F16, false);
    let mut model = Model::load(&golden.file, &options).unwrap();
    let mut session = model.session(&options).unwrap();
    let whole = run(&mut model, &mut session, &golden.ids, 1);
    for keep in [0, 1, 17, 40] {
        session.truncate(keep);
        let rest = run(&mut model, &mut session, &golden.ids[keep..], 1);
        assert_eq!(rest, whole[keep * golden.n_vocab..], "from position {keep} on");
    }
    assert_eq!(session.reuse(&golden.ids[..20]), 20);
    assert_eq!(session.len(), 20);
    assert_eq!(session.reuse(&[golden.ids[0], 79]), 1);
}

/// A file of the whole golden folder, where there is one.
fn whole_golden(name: &'static str) -> Option<Golden> {
    Some(read_golden(&PathBuf::from(std::env::var_os("INGLE_GOLDEN")?).join("archs"), name))
}

#[test]
fn a_cancelled_or_refused_pass_leaves_the_session_as_it_was() {
    let golden = golden("llama");
    let options = LoadOptions { n_ctx: 16, ..options(CacheType::F16, false) };
    let mut model = Model::load(&golden.file, &options).unwrap();
    let mut session = model.session(&options).unwrap();
    let whole = run(&mut model, &mut session, &golden.ids[..8], 8);
    session.truncate(4);
    let never = &mut |_: usize, _: &[f32]| panic!("no logits are shown");
    let cancelled = model.forward(&mut session, &golden.ids[20..24], 0..4, &AtomicBool::new(true), never);
    assert!(matches!(cancelled, Err(ForwardError::Cancelled)));
    let full = model.forward(&mut session, &golden.ids[..13], 0..0, &AtomicBool::new(false), never);
    assert!(matches!(full, Err(ForwardError::ContextFull { n_ctx: 16 })));
    let foreign = model.forward(&mut session, &[80], 0..0, &AtomicBool::new(false), never);
    assert!(matches!(foreign, Err(ForwardError::Id { id: 80, n_vocab: 80 })));
    assert_eq!(run(&mut model, &mut session, &golden.ids[4..8], 4), whole[4 * golden.n_vocab..]);
}

#[test]
fn a_plan_that_no_step_could_carry_out_is_refused() {
    use plan::{Gate, GateActivation, GateFrom, KeysOf, Mixer, StepPlan};
    let file = golden("llama").file;
    let sound = arch::plan(&Header::new(&file, 0).unwrap()).unwrap();
    let refused = |change: &dyn Fn(&mut plan::AttentionPlan)| {
        let mut plan = sound.clone();
        let attentions = plan.layers[1].steps.iter_mut().filter_map(|step| match step {
            StepPlan::Mix { mixer, .. } => Some(&mut **mixer),
            _ => None,
        });
        for mixer in attentions {
            if let Mixer::Attention(attention) = mixer {
                change(attention);
            }
        }
        plan.check().expect_err("refused").to_string()
    };
    assert_eq!(sound.check(), Ok(()));
    assert_eq!(refused(&|a| a.n_head_kv = 3), "layer 1: 3 heads for keys do not fit 4 heads");
    assert_eq!(refused(&|a| a.n_head_kv = 0), "layer 1: 0 heads for keys do not fit 4 heads");
    assert_eq!(refused(&|a| a.head_dim_k = 8), "layer 1: 16 rotated values do not fit heads of 8");
    assert_eq!(refused(&|a| a.keys_of = KeysOf::Other(9)), "layer 1: the keys of attention 9 have another shape");
    let gate =
        |n_out| Gate { from: GateFrom::Linear(plan::LinearPlan { n_out, ..sound.head.clone() }), activation: GateActivation::Sigmoid };
    assert_eq!(refused(&|a| a.gate = Some(gate(7))), "layer 1: 7 gates do not fit 64 values");
    assert_eq!(refused(&|a| a.gate = Some(gate(0))), "layer 1: 0 gates do not fit 64 values");
}

#[test]
fn an_indexer_that_no_step_could_carry_out_is_refused() {
    use plan::{ChoicePlan, Mixer, StepPlan};
    let Some(golden) = whole_golden("glm-dsa") else {
        return eprintln!("glm-dsa: skipped, INGLE_GOLDEN is not set");
    };
    let sound = arch::plan(&Header::new(&golden.file, 0).unwrap()).unwrap();
    let refused = |change: &dyn Fn(&mut ChoicePlan)| {
        let mut plan = sound.clone();
        let mixers = plan.layers[0].steps.iter_mut().filter_map(|step| match step {
            StepPlan::Mix { mixer, .. } => Some(&mut **mixer),
            _ => None,
        });
        for mixer in mixers {
            if let Mixer::Latent(latent) = mixer {
                latent.choice.iter_mut().for_each(change);
            }
        }
        plan.check().expect_err("refused").to_string()
    };
    let own = |change: fn(&mut plan::IndexerPlan)| {
        refused(&|choice: &mut ChoicePlan| match choice {
            ChoicePlan::Own(indexer) => change(indexer),
            ChoicePlan::Last => {}
        })
    };
    assert_eq!(sound.check(), Ok(()));
    assert_eq!(refused(&|choice| *choice = ChoicePlan::Last), "layer 0: it looks at what a layer before has chosen, and none has");
    assert_eq!(own(|i| i.chooses = plan::Chooses::Keys(0)), "layer 0: an indexer that chooses nothing");
    assert_eq!(own(|i| i.q.n_in = 8), "layer 0: an indexer that reads 8 values of 32");
    assert_eq!(own(|i| i.head_dim = 4), "layer 0: 8 rotated values do not fit heads of 4");
}

#[test]
fn no_context_is_longer_than_learned_positions() {
    let Some(golden) = whole_golden("gpt2") else {
        return eprintln!("gpt2: skipped, INGLE_GOLDEN is not set");
    };
    let options = |n_ctx| LoadOptions { n_ctx, ..options(CacheType::F16, false) };
    let model = Model::load(&golden.file, &options(0)).unwrap();
    let most = golden.file.u32("gpt2.context_length").unwrap();
    assert_eq!(model.session(&options(most - 1)).unwrap().n_ctx(), most as usize - 1);
    assert_eq!(model.session(&options(most + 1)).unwrap().n_ctx(), most as usize);
}

#[test]
fn work_is_what_a_token_needs() {
    for name in ["llama", "llama-tied", "llama-moe"] {
        let golden = golden(name);
        let options = options(CacheType::F16, false);
        let mut model = Model::load(&golden.file, &options).unwrap();
        let mut session = model.session(&options).unwrap();
        run(&mut model, &mut session, &golden.ids[..9], 9);
        let before = model.work();
        run(&mut model, &mut session, &golden.ids[9..10], 1);
        let work = model.work() - before;

        let file = &golden.file;
        let number = |key: &str| u64::from(file.u32(&format!("llama.{key}")).unwrap_or(1));
        let untied = file.tensor("output.weight").is_some();
        let matrices = file.tensors().iter().filter(|t| t.shape.len() > 1 && !(untied && t.name == "token_embd.weight"));
        let (mut bytes, mut n_ops, mut n_float_ops) = (0, 0, 0);
        for matrix in matrices {
            let (used, of) = if matrix.name.contains("_exps") { (number("expert_used_count"), number("expert_count")) } else { (1, 1) };
            bytes += matrix.n_bytes.unwrap() * used / of;
            let is_float = matches!(matrix.ty, Some(GgmlType::F32 | GgmlType::F16 | GgmlType::BF16));
            *if is_float { &mut n_float_ops } else { &mut n_ops } += 2 * matrix.n_elements() * used / of;
        }
        let n_cached = file.tensor("blk.0.attn_k.weight").unwrap().shape[1] + file.tensor("blk.0.attn_v.weight").unwrap().shape[1];
        let cached_bytes = 10 * number("block_count") * n_cached * 2;
        assert_eq!(work, kernels::Work { weight_bytes: bytes, cached_bytes, n_ops, n_float_ops, n_bf16_ops: 0 }, "{name}");
    }
}
