//! One small file a family: metadata in, a [`Plan`] out. Nothing here computes or allocates by a declared number.
//!
//! To add a family: a function that reads what the converter wrote, mostly by saying how it differs from the plain
//! [`transformer`], a row in [`TABLE`], and the golden files that show it right. What needs a new mechanism gets a field
//! in the plan, named for the mechanism.

mod channel_delta;
mod compressed;
mod experts;
mod gemma;
mod gemma3n;
mod gemma4;
mod glm;
mod gpt;
mod granite;
mod header;
mod latent;
mod llama;
mod post_norm;
mod qwen;
mod qwen4;
mod recurrent;
mod residuals;
mod rwkv;
mod sparse;
mod transformer;
mod weightless;

pub use header::{ArchError, Header};

use super::plan::Plan;

/// One architecture: `general.architecture`, and what reads its metadata.
pub struct Architecture {
    pub name: &'static str,
    pub plan: fn(&Header) -> Result<Plan, ArchError>,
}

const fn row(name: &'static str, plan: fn(&Header) -> Result<Plan, ArchError>) -> Architecture {
    Architecture { name, plan }
}

pub const TABLE: &[Architecture] = &[
    row("llama", llama::plan),
    row("afmoe", experts::afmoe),
    row("apertus", llama::apertus),
    row("arcee", llama::arcee),
    row("arctic", experts::arctic),
    row("baichuan", llama::baichuan),
    row("bailingmoe", experts::bailingmoe),
    row("bailingmoe2", experts::sigmoid_neox),
    row("bitnet", llama::bitnet),
    row("bloom", gpt::bloom),
    row("chatglm", llama::plan),
    row("codeshell", gpt::gelu_neox),
    row("cogvlm", llama::neox),
    row("cohere2", gpt::cohere2),
    row("cohere2moe", experts::cohere2moe),
    row("command-r", gpt::command_r),
    row("dbrx", gpt::dbrx),
    row("deci", llama::deci),
    row("deepseek", experts::deepseek),
    row("deepseek2", latent::deepseek2),
    row("deepseek2-ocr", experts::deepseek_neox),
    row("deepseek32", sparse::deepseek32),
    row("deepseek4", compressed::deepseek4),
    row("dots1", experts::sigmoid_neox),
    row("dots3note", sparse::dots3note),
    row("ernie4_5", llama::plan),
    row("ernie4_5-moe", llama::plan),
    row("exaone", llama::neox),
    row("exaone-moe", experts::exaone_moe),
    row("exaone4", post_norm::exaone4),
    row("falcon", gpt::falcon),
    row("gemma", gemma::gemma),
    row("gemma2", gemma::gemma2),
    row("gemma3", gemma::gemma3),
    row("gemma3n", gemma3n::gemma3n),
    row("gemma4", gemma4::gemma4),
    row("glm4", llama::plan),
    row("glm-dsa", sparse::glm_dsa),
    row("glm5-next", compressed::glm5_next),
    row("glm4moe", glm::glm4moe),
    row("gpt-oss", experts::gpt_oss),
    row("gpt2", gpt::gpt2),
    row("gptneox", gpt::gptneox),
    row("granite", granite::granite),
    row("granite_swa", granite::granite_swa),
    row("granitemoe", granite::granite),
    row("grok", experts::grok),
    row("hunyuan-dense", experts::hunyuan),
    row("hunyuan-moe", experts::hunyuan),
    row("hunyuan_vl", experts::hunyuan),
    row("hy_v3", experts::sigmoid_neox),
    row("hy_v4", residuals::hy_v4),
    row("internlm2", llama::plan),
    row("jais", gpt::jais),
    row("jais2", gpt::relu_squared_neox),
    row("laguna", experts::laguna),
    row("llama4", llama::llama4),
    row("maincoder", llama::maincoder),
    row("maple", experts::maple),
    row("mellum", experts::mellum),
    row("mimo2", experts::mimo2),
    row("minicpm", granite::minicpm),
    row("minicpm3", latent::minicpm3),
    row("minimax-m2", experts::sigmoid_neox),
    row("minimax-m3", sparse::minimax_m3),
    row("mistral4", latent::deepseek2),
    row("mistral3", llama::mistral3),
    row("mpt", gpt::mpt),
    row("muse-glimmer", experts::muse_glimmer),
    row("nanbeige", llama::nanbeige),
    row("nemotron", gpt::relu_squared_neox),
    row("olmo", gpt::olmo),
    row("olmo2", post_norm::olmo2),
    row("olmoe", qwen::experts_as_they_are),
    row("openelm", llama::neox),
    row("orion", gpt::orion),
    row("paddleocr", llama::neox_sections),
    row("pangu-embedded", llama::neox),
    row("phi2", gpt::phi2),
    row("phi3", llama::neox),
    row("phimoe", llama::neox),
    row("plamo", gpt::plamo),
    row("plamo3", experts::plamo3),
    row("step35", experts::step35),
    row("plm", latent::plm),
    row("qwen", qwen::qwen),
    row("qwen2", llama::neox),
    row("qwen2moe", qwen::experts_as_they_are),
    row("qwen2vl", llama::qwen2vl),
    row("qwen3", llama::neox),
    row("qwen3moe", llama::neox),
    row("qwen4exp", qwen4::qwen4exp),
    row("qwen3vl", llama::qwen3vl),
    row("qwen3vlmoe", llama::qwen3vl),
    row("refact", llama::refact),
    row("seed_oss", llama::seed_oss),
    row("smallthinker", experts::smallthinker),
    row("smollm3", llama::smollm3),
    row("spark2_5", experts::spark),
    row("stablelm", gpt::stablelm),
    row("starcoder", gpt::gpt2),
    row("starcoder2", gpt::gelu_neox),
    row("falcon-h1", recurrent::falcon_h1),
    row("granitehybrid", recurrent::granite_hybrid),
    row("jamba", recurrent::jamba),
    row("lfm2", recurrent::lfm2),
    row("lfm2moe", recurrent::lfm2),
    row("mamba", recurrent::mamba),
    row("mamba2", recurrent::mamba2),
    row("nemotron_h", recurrent::nemotron_h),
    row("nemotron_h_moe", recurrent::nemotron_h),
    row("qwen35", recurrent::qwen35),
    row("qwen35moe", recurrent::qwen35),
    row("qwen3next", recurrent::qwen3next),
    row("arwkv7", rwkv::arwkv7),
    row("rwkv6", rwkv::rwkv6),
    row("rwkv6qwen2", rwkv::rwkv6qwen2),
    row("rwkv7", rwkv::rwkv7),
    row("bailingmoe3", channel_delta::bailingmoe3),
    row("kimi-k3", channel_delta::kimi_k3),
    row("kimi-linear", channel_delta::kimi_linear),
    row("grovemoe", experts::grovemoe),
    row("hrm_text", weightless::hrm_text),
    row("minimax-01", recurrent::minimax01),
    row("plamo2", recurrent::plamo2),
    row("talkie", weightless::talkie),
    row("xverse", llama::plan),
];

/// Reads a file's metadata into the plan of its architecture, and holds it to what every plan must be.
pub fn plan(header: &Header) -> Result<Plan, ArchError> {
    let name = header.architecture();
    match TABLE.iter().find(|row| row.name == name) {
        Some(row) => {
            let plan = (row.plan)(header)?;
            plan.check()?;
            Ok(plan)
        }
        None => Err(ArchError::Unknown { name: name.to_owned(), known: TABLE.iter().map(|row| row.name).collect() }),
    }
}
