//! The table of pre-tokenizer names (`tokenizer.ggml.pre`) that BPE vocabularies carry.

use super::split::{self, Stage};

/// How a vocabulary writes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Each byte as a character of GPT-2's alphabet.
    Bytes,
    /// As it is.
    Plain,
    /// As it is; but llama.cpp reads its tokens as if they were in GPT-2's alphabet.
    Misread,
    /// As it is, but blanks as U+2581.
    Blanks,
    /// As it is, but for bytes that are escaped with a backslash.
    Escapes,
}

/// Which words are looked up as they are before any merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    None,
    Newlines,
    All,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pre {
    pub(super) name: &'static str,
    pub(super) stages: &'static [Stage],
    pub(super) spelling: Spelling,
    pub(super) whole: Whole,
    /// Where the file does not say it.
    pub(super) add_bos: bool,
    /// Whatever the file says.
    pub(super) forces_bos: bool,
    /// Where the file names no BOS, id 11 is taken for it, as for all BPE vocabularies.
    pub(super) default_bos: bool,
    /// Blanks before punctuation and English contractions are dropped when ids become text.
    pub(super) clean_spaces: bool,
    /// `<mask>` takes the white space before it along.
    pub(super) mask_strips: bool,
}

const fn pre(name: &'static str, stages: &'static [Stage]) -> Pre {
    Pre {
        name,
        stages,
        spelling: Spelling::Bytes,
        whole: Whole::None,
        add_bos: false,
        forces_bos: false,
        default_bos: true,
        clean_spaces: true,
        mask_strips: false,
    }
}

/// What is said of vocabularies that have no pre-tokenizer.
pub(super) const fn none(spelling: Spelling) -> Pre {
    Pre { spelling, ..exact("", &[]) }
}

pub(super) const GEMMA4: Pre = gemma4("gemma4");

/// One whose ids become text as they are.
const fn exact(name: &'static str, stages: &'static [Stage]) -> Pre {
    Pre { clean_spaces: false, ..pre(name, stages) }
}

const fn llama3(name: &'static str) -> Pre {
    Pre { whole: Whole::All, add_bos: true, ..pre(name, split::LLAMA3) }
}

const fn gemma4(name: &'static str) -> Pre {
    Pre { spelling: Spelling::Blanks, whole: Whole::Newlines, forces_bos: true, ..pre(name, split::GEMMA4) }
}

const fn glm(name: &'static str, whole: Whole) -> Pre {
    Pre { whole, default_bos: false, ..pre(name, split::LLAMA3) }
}

const fn jina(name: &'static str) -> Pre {
    Pre { mask_strips: true, ..pre(name, split::GPT2) }
}

/// llama.cpp `llama_vocab::impl::load`.
pub(super) const PRES: &[Pre] = &[
    pre("default", split::DEFAULT),
    Pre { whole: Whole::All, ..pre("minicpm5", split::MINICPM5) },
    llama3("llama3"),
    llama3("llama-v3"),
    llama3("llama-bpe"),
    llama3("falcon3"),
    llama3("falcon-h1"),
    llama3("pixtral"),
    llama3("midm-2.0"),
    llama3("lfm2"),
    llama3("jina-v5-nano"),
    exact("deepseek-llm", split::DEEPSEEK_LLM),
    exact("deepseek-coder", split::DEEPSEEK_CODER),
    exact("deepseek-v3", split::DEEPSEEK_V3),
    exact("hunyuan-dense", split::DEEPSEEK_V3),
    exact("hy_v4", split::DEEPSEEK_V3),
    exact("joyai-llm", split::DEEPSEEK_V3),
    exact("spark2_5", split::SPARK),
    Pre { whole: Whole::All, ..exact("youtu", split::YOUTU) },
    pre("falcon", split::FALCON),
    pre("mpt", split::GPT2),
    pre("gpt-2", split::GPT2),
    pre("phi-2", split::GPT2),
    pre("jina-es", split::GPT2),
    pre("jina-de", split::GPT2),
    pre("gigachat", split::GPT2),
    pre("a.x-4.0", split::GPT2),
    pre("mellum", split::GPT2),
    pre("modern-bert", split::GPT2),
    pre("jina-v1-en", split::GPT2),
    pre("roberta-bpe", split::GPT2),
    pre("olmo", split::GPT2),
    pre("jais", split::GPT2),
    pre("exaone4", split::GPT2),
    pre("starcoder", split::STARCODER),
    pre("refact", split::STARCODER),
    pre("codeshell", split::STARCODER),
    pre("exaone", split::STARCODER),
    pre("minerva-7b", split::STARCODER),
    pre("mellum2", split::STARCODER),
    jina("jina-v2-es"),
    jina("jina-v2-de"),
    jina("jina-v2-code"),
    pre("jais-2", split::JAIS2),
    GEMMA4,
    gemma4("granite-embed-multi-311m"),
    Pre { spelling: Spelling::Blanks, ..exact("sarvam-moe", split::GEMMA4) },
    Pre { spelling: Spelling::Misread, ..pre("whitespace", split::WHITESPACE) },
    exact("command-r", split::STARCODER),
    exact("smollm", split::STARCODER),
    exact("qwen2", split::QWEN2),
    exact("deepseek-r1-qwen", split::QWEN2),
    exact("kormo", split::QWEN2),
    exact("f2llmv2", split::QWEN2),
    exact("bailingmoe", split::QWEN2),
    exact("bailingmoe2", split::QWEN2),
    exact("llada-moe", split::QWEN2),
    exact("hunyuan", split::QWEN2),
    exact("grok-2", split::QWEN2),
    exact("solar-open", split::QWEN2),
    exact("qwen35", split::QWEN35),
    pre("stablelm2", split::QWEN2),
    pre("megrez", split::QWEN2),
    pre("dbrx", split::LLAMA3),
    pre("smaug-bpe", split::LLAMA3),
    glm("chatglm-bpe", Whole::None),
    glm("glm4", Whole::All),
    glm("glm5", Whole::All),
    exact("poro-chat", split::BLOOM),
    exact("viking", split::VIKING),
    Pre { whole: Whole::All, add_bos: true, ..exact("tekken", split::TEKKEN) },
    pre("bloom", split::BLOOM),
    pre("gpt3-finnish", split::BLOOM),
    pre("exaone-moe", split::EXAONE_MOE),
    Pre { add_bos: true, ..exact("chameleon", split::CHAMELEON) },
    exact("gpt-4o", split::GPT_4O),
    exact("llama4", split::GPT_4O),
    exact("kanana2", split::GPT_4O),
    exact("talkie", split::GPT_4O),
    exact("minimax-m2", split::GPT_4O),
    Pre { whole: Whole::All, ..exact("granite-embed-multi-97m", split::GRANITE_EMBED) },
    exact("tiny_aya", split::TINY_AYA),
    exact("cohere2moe", split::TINY_AYA),
    exact("superbpe", split::SUPERBPE),
    exact("trillion", split::GPT2),
    exact("granite-docling", split::GPT2),
    exact("seed-coder", split::SEED_CODER),
    exact("kimi-k2", split::KIMI_K2),
    exact("ufakzeka", split::UFAKZEKA),
    exact("afmoe", split::AFMOE),
    exact("laguna", split::LAGUNA),
];

pub(super) fn find(name: &str) -> Option<Pre> {
    PRES.iter().find(|p| p.name == name).copied()
}
