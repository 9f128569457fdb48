//! A file's vocabulary as plain data.

use crate::gguf::{Gguf, Value, ValueType, WrongType};
use crate::tokenizer::{SpecialIds, Strings, TokenType, TokenizerError, Vocab};

#[cfg(test)]
mod tests;

impl From<WrongType> for TokenizerError {
    fn from(wrong: WrongType) -> Self {
        TokenizerError::KeyType { key: wrong.key, found: wrong.found, expected: wrong.expected }
    }
}

/// Reads what a file says of its tokenizer; `Tokenizer::new` judges it.
pub fn read_vocab(gguf: &Gguf) -> Result<Vocab, TokenizerError> {
    let missing = |key| TokenizerError::Missing { key };
    let model = gguf.want_str("tokenizer.ggml.model")?.ok_or(missing("tokenizer.ggml.model"))?;
    let tokens: Strings = gguf.want_strings("tokenizer.ggml.tokens")?.ok_or(missing("tokenizer.ggml.tokens"))?.collect();
    let types = gguf.want_ints::<i32>("tokenizer.ggml.token_type")?;
    Ok(Vocab {
        model: model.into_owned(),
        pre: gguf.want_str("tokenizer.ggml.pre")?.map(Into::into),
        name: gguf.str("general.name").unwrap_or_default().into_owned(),
        tokens,
        scores: scores(gguf)?,
        types: types.map(|numbers| numbers.into_iter().map(|n| TokenType::from_number(n.into())).collect()),
        merges: gguf.want_strings("tokenizer.ggml.merges")?.map(Iterator::collect),
        ids: special_ids(gguf)?,
        add_bos: gguf.want_bool("tokenizer.ggml.add_bos_token")?,
        add_eos: gguf.want_bool("tokenizer.ggml.add_eos_token")?,
        add_space_prefix: gguf.want_bool("tokenizer.ggml.add_space_prefix")?,
        remove_extra_whitespaces: gguf.want_bool("tokenizer.ggml.remove_extra_whitespaces")?,
        charsmap: charsmap(gguf)?,
        lowercase: gguf.want_bool("tokenizer.ggml.normalizer.lowercase")?,
    })
}

/// Scores are f32, in some files i32; anything else would be read as what it is not.
fn scores(gguf: &Gguf) -> Result<Option<Vec<f32>>, TokenizerError> {
    const KEY: &str = "tokenizer.ggml.scores";
    let is_i32 = gguf.get(KEY).and_then(|v| v.as_array()).is_some_and(|a| a.element() == ValueType::I32);
    if is_i32 {
        return Ok(gguf.want_ints::<i32>(KEY)?.map(|scores| scores.into_iter().map(|s| s as f32).collect()));
    }
    Ok(gguf.want_f32s(KEY)?.map(Iterator::collect))
}

/// Bytes, which some files have as signed numbers.
fn charsmap(gguf: &Gguf) -> Result<Option<Vec<u8>>, TokenizerError> {
    const KEY: &str = "tokenizer.ggml.precompiled_charsmap";
    let is_signed = gguf.get(KEY).and_then(|v| v.as_array()).is_some_and(|a| a.element() == ValueType::I8);
    if is_signed {
        return Ok(gguf.want_ints::<i8>(KEY)?.map(|bytes| bytes.into_iter().map(i8::cast_unsigned).collect()));
    }
    Ok(gguf.want_ints(KEY)?)
}

fn special_ids(gguf: &Gguf) -> Result<SpecialIds, TokenizerError> {
    // A negative id, which some converters write for "none", lies outside every vocabulary: absent, as those are.
    let id = |name: &str| {
        let key = format!("tokenizer.ggml.{name}_token_id");
        match gguf.get(&key).as_ref().and_then(Value::as_int) {
            Some(number) => Ok(Some(u32::try_from(number).unwrap_or(u32::MAX))),
            None => gguf.want_u32(&key),
        }
    };
    // The keys on the right are what older files have.
    let fim = |new: &str, old: &str| Ok::<_, WrongType>(id(new)?.or(id(old)?));
    Ok(SpecialIds {
        bos: id("bos")?,
        eos: id("eos")?,
        eot: id("eot")?,
        eom: id("eom")?,
        unk: id("unknown")?,
        pad: id("padding")?,
        fim_pre: fim("fim_pre", "prefix")?,
        fim_suf: fim("fim_suf", "suffix")?,
        fim_mid: fim("fim_mid", "middle")?,
        fim_pad: id("fim_pad")?,
        fim_rep: id("fim_rep")?,
        fim_sep: id("fim_sep")?,
    })
}
