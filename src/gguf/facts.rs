//! What a header says of its model, in the words all rooms share.

use super::file::Gguf;
use super::value::Value;
use crate::protocol::{self, ModelFacts, SETTINGS, Settings};
use std::collections::BTreeMap;

/// llama.cpp's numbers for mixes of types (include/llama.h, `llama_ftype`): `general.file_type`.
const FILE_TYPES: &[(u32, &str)] = &[
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
    (36, "TQ1_0"),
    (37, "TQ2_0"),
    (38, "MXFP4"),
];

/// Set in `general.file_type` where the number was guessed from the tensors.
const FILE_TYPE_GUESSED: u32 = 1024;

/// Reads what the metadata and the tensor table say. Nothing is loaded, and nothing here can fail: what is absent or
/// of another type is left at its default.
pub fn facts(file: &Gguf) -> ModelFacts {
    let architecture = text(file, "general.architecture").unwrap_or_default();
    let number = |key: &str| file.u32(&format!("{architecture}.{key}")).unwrap_or(0);
    ModelFacts {
        name: text(file, "general.name").filter(|name| !name.trim().is_empty()).unwrap_or_else(|| file_stem(file)),
        quantization: quantization(file),
        file_bytes: file.file_bytes(),
        n_params: file.tensors().iter().fold(0, |n, tensor| tensor.n_elements().saturating_add(n)),
        n_layer: number("block_count"),
        n_embd: number("embedding_length"),
        n_vocab: n_vocab(file, number("vocab_size")),
        n_ctx_train: number("context_length"),
        n_ctx: 0,
        n_threads: 0,
        fingerprint: Some(file.fingerprint()),
        licence: text(file, "general.license"),
        has_template: file.get("tokenizer.chat_template").is_some(),
        reasoning: Vec::new(),
        fitting_templates: Vec::new(),
        recommended: recommended(file),
        notes: file.notes(),
        architecture,
    }
}

fn text(file: &Gguf, key: &str) -> Option<String> {
    file.str(key).map(|text| text.into_owned())
}

fn file_stem(file: &Gguf) -> String {
    file.name().strip_suffix(".gguf").unwrap_or(file.name()).to_owned()
}

/// What the file calls itself, else the type that most of its bytes have.
fn quantization(file: &Gguf) -> String {
    let said = file.u32("general.file_type").map(|number| number & !FILE_TYPE_GUESSED);
    if let Some((_, name)) = said.and_then(|number| FILE_TYPES.iter().find(|(known, _)| *known == number)) {
        return (*name).to_owned();
    }
    let mut bytes = BTreeMap::<String, u64>::new();
    for tensor in file.tensors() {
        let sum = bytes.entry(tensor.type_name()).or_default();
        *sum = sum.saturating_add(tensor.n_bytes.unwrap_or(0));
    }
    bytes.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(name, _)| name).unwrap_or_default()
}

/// Tokens where there are any, else the number that a file without a tokenizer gives.
fn n_vocab(file: &Gguf, said: u32) -> u32 {
    let tokens = file.get("tokenizer.ggml.tokens").and_then(|value| value.as_array());
    tokens.and_then(|tokens| u32::try_from(tokens.len()).ok()).unwrap_or(said)
}

/// The file's own sampling values, those of them that the settings take.
fn recommended(file: &Gguf) -> Settings {
    let said = SETTINGS.iter().filter(|row| !row.gguf_key.is_empty()).filter_map(|row| {
        let value = match file.get(row.gguf_key)? {
            Value::String(bytes) => protocol::Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            // Through its shortest text: 0.6 stays 0.6, not 0.6000000238418579.
            Value::F32(float) => protocol::Value::Float(float.to_string().parse().ok()?),
            number => match number.as_int() {
                Some(int) => protocol::Value::Int(i64::try_from(int).ok()?),
                None => protocol::Value::Float(number.as_float()?),
            },
        };
        Some((row.name.to_owned(), row.check(value).ok()?))
    });
    Settings(said.collect())
}
