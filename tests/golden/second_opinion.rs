//! The guide, asked of the wider ecosystem too: its ids by the `tokenizers` crate, its logits by candle-transformers' llama.
//! Neither shares a line with what answers in ingle.

use super::archs::{logits, nmse};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

/// candle multiplies Q8_0 weights with activations rounded to Q8_0, 8 bits each; `--exact` rounds none.
const ROUNDED_ACTIVATIONS: f64 = 1e-3;
const TEXTS: [&str; 6] = [
    "How do I pick another model?",
    "It's 3 a.m.;  what's    a KV cache\n\n\tanyway?",
    "Größe 12,5 GiB – naïve café",
    "日本語と絵文字 🔥🔥 را",
    "print(x[1:]) # don't\r\n",
    "   ",
];

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/guide/guide.gguf")
}

fn strings(content: &Content, key: &str) -> Vec<String> {
    let values = content.metadata[key].to_vec().unwrap();
    values.iter().map(|v| v.to_string().unwrap().clone()).collect()
}

/// The ids of each text by `ingle tokenize`.
fn own_ids(text: &str) -> Vec<u32> {
    use std::io::Write;
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ingle"))
        .env("INGLE_HOME", home.path())
        .args(["tokenize", "guide", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(answer["ids"].clone()).unwrap()
}

#[test]
fn the_guides_ids_are_those_of_the_tokenizers_crate() {
    let content = Content::read(&mut File::open(guide()).unwrap()).unwrap();
    assert!(matches!(&content.metadata["tokenizer.ggml.pre"], Value::String(pre) if pre == "gpt-2"));
    let vocabulary: serde_json::Map<_, _> =
        strings(&content, "tokenizer.ggml.tokens").into_iter().zip(0u32..).map(|(token, id)| (token, id.into())).collect();
    let merges = strings(&content, "tokenizer.ggml.merges");
    let model: BPE = serde_json::from_value(json!({ "vocab": vocabulary, "merges": merges })).unwrap();
    let mut theirs = tokenizers::Tokenizer::new(model);
    theirs.with_pre_tokenizer(Some(ByteLevel::default().add_prefix_space(false)));
    for text in TEXTS {
        assert_eq!(own_ids(text), theirs.encode(text, false).unwrap().get_ids(), "{text:?}");
    }
}

#[test]
fn the_guides_logits_are_those_of_candle_transformers() {
    let ids = own_ids("<|user|>How do I leave?<|im_end|><|assistant|>");
    let listed = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let own = logits(&guide(), &listed, &["--exact", "--cache", "f32"]);
    let n_vocab = own.len() / ids.len();

    let mut file = File::open(guide()).unwrap();
    let content = Content::read(&mut file).unwrap();
    let mut theirs = ModelWeights::from_gguf(content, &mut file, &Device::Cpu).unwrap();
    // Token by token, since it answers for the last position alone.
    for (i, id) in ids.iter().enumerate() {
        let input = Tensor::new(&[[*id]], &Device::Cpu).unwrap();
        let answer: Vec<f32> = theirs.forward(&input, i).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let off = nmse(&own[i * n_vocab..][..n_vocab], &answer);
        assert!(off < ROUNDED_ACTIVATIONS, "position {i}: NMSE {off:e}");
    }
}
