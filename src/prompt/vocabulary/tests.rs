use super::*;
use crate::gguf::Writer;
use crate::tokenizer::Tokenizer;

/// A file of two tokens with one more key.
fn with(key: &str, set: impl FnOnce(&mut Writer, &str)) -> Result<Vocab, TokenizerError> {
    let mut file = Writer::new();
    file.set_str("general.architecture", "llama");
    file.set_str("tokenizer.ggml.model", "t5");
    file.set_array("tokenizer.ggml.tokens", ValueType::String, [Value::String(b"a"), Value::String(b"b")]);
    set(&mut file, key);
    let bytes = file.begin("small.gguf", Vec::new()).unwrap().finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.gguf");
    std::fs::write(&path, bytes).unwrap();
    read_vocab(&Gguf::open(&path).unwrap())
}

#[test]
fn a_key_of_a_wrong_type_is_named() {
    let one = |key: &str, element: ValueType, value: Value<'_>| with(key, |file, key| file.set_array(key, element, [value])).err();
    for (key, element, value) in [
        ("tokenizer.ggml.tokens", ValueType::U8, Value::U8(97)),
        ("tokenizer.ggml.merges", ValueType::U32, Value::U32(1)),
        ("tokenizer.ggml.scores", ValueType::String, Value::String(b"1.0")),
        ("tokenizer.ggml.token_type", ValueType::F32, Value::F32(1.0)),
        ("tokenizer.ggml.token_type", ValueType::U32, Value::U32(u32::MAX)),
        ("tokenizer.ggml.precompiled_charsmap", ValueType::String, Value::String(b"a")),
        ("tokenizer.ggml.precompiled_charsmap", ValueType::U16, Value::U16(256)),
    ] {
        assert!(matches!(one(key, element, value), Some(TokenizerError::KeyType { key: named, .. }) if named == key), "{key}");
    }
    for key in ["add_bos_token", "add_space_prefix", "remove_extra_whitespaces", "normalizer.lowercase", "bos_token_id"] {
        let key = format!("tokenizer.ggml.{key}");
        let error = with(&key, |file, key| file.set_str(key, "yes")).unwrap_err();
        assert!(matches!(error, TokenizerError::KeyType { key: named, .. } if named == key));
    }
}

#[test]
fn a_charsmap_may_be_of_signed_numbers() {
    const KEY: &str = "tokenizer.ggml.precompiled_charsmap";
    let signed = with(KEY, |file, key| file.set_array(key, ValueType::I8, [-1, 0, 127].map(Value::I8))).unwrap();
    assert_eq!(signed.charsmap, Some(vec![255, 0, 127]));
    let said = Tokenizer::new(signed).err().unwrap().report();
    assert_eq!(said.offender.as_deref(), Some(KEY));
}
