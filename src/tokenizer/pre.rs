//! The table of pre-tokenizer names (`tokenizer.ggml.pre`) that byte-level vocabularies carry.

use super::split::Split;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pre {
    pub(super) name: &'static str,
    pub(super) split: Split,
    /// A word that is a token as a whole is taken before any merge.
    pub(super) ignore_merges: bool,
    /// Where the file does not say it.
    pub(super) add_bos: bool,
    /// Blanks before punctuation and English contractions are dropped when ids become text.
    pub(super) clean_spaces: bool,
}

const fn default(name: &'static str) -> Pre {
    Pre { name, split: Split::Default, ignore_merges: false, add_bos: false, clean_spaces: true }
}

const fn gpt2(name: &'static str) -> Pre {
    Pre { split: Split::Gpt2, ..default(name) }
}

const fn llama3(name: &'static str) -> Pre {
    Pre { split: Split::Llama3, ignore_merges: true, add_bos: true, ..default(name) }
}

const fn qwen2(name: &'static str) -> Pre {
    Pre { split: Split::Qwen2, clean_spaces: false, ..default(name) }
}

/// llama.cpp `llama_vocab::impl::load`, where two names that differ there give the same ids, they are alike here.
pub(super) const PRES: &[Pre] = &[
    default("default"),
    llama3("llama-bpe"),
    llama3("llama3"),
    llama3("llama-v3"),
    llama3("falcon3"),
    llama3("falcon-h1"),
    llama3("pixtral"),
    llama3("midm-2.0"),
    llama3("lfm2"),
    llama3("jina-v5-nano"),
    gpt2("gpt-2"),
    gpt2("mpt"),
    gpt2("phi-2"),
    gpt2("jina-es"),
    gpt2("jina-de"),
    gpt2("gigachat"),
    gpt2("a.x-4.0"),
    gpt2("mellum"),
    gpt2("modern-bert"),
    gpt2("jina-v1-en"),
    gpt2("roberta-bpe"),
    gpt2("olmo"),
    gpt2("jais"),
    gpt2("exaone4"),
    qwen2("qwen2"),
    qwen2("deepseek-r1-qwen"),
    qwen2("kormo"),
    qwen2("f2llmv2"),
    qwen2("bailingmoe"),
    qwen2("bailingmoe2"),
    qwen2("llada-moe"),
    qwen2("hunyuan"),
    qwen2("grok-2"),
    qwen2("solar-open"),
];

pub(super) fn find(name: &str) -> Option<Pre> {
    PRES.iter().find(|p| p.name == name).copied()
}
