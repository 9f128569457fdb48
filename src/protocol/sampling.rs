//! How the next token is chosen, ready to use.

use super::settings::resolve;
use serde::{Deserialize, Serialize};

/// The sampler chain's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    pub temp: f32,
    /// How far the temperature moves with the entropy, up and down; 0: not at all.
    pub dynatemp_range: f32,
    pub dynatemp_exp: f32,
    /// 0: all.
    pub top_k: u32,
    pub top_p: f32,
    pub min_p: f32,
    pub typical: f32,
    /// 0 or less: off.
    pub top_n_sigma: f32,
    pub xtc_probability: f32,
    pub xtc_threshold: f32,
    /// -1: the whole context.
    pub repeat_last_n: i32,
    pub repeat_penalty: f32,
    pub presence_penalty: f32,
    pub frequency_penalty: f32,
    pub dry_multiplier: f32,
    pub dry_base: f32,
    pub dry_allowed_length: u32,
    /// -1: the whole context.
    pub dry_penalty_last_n: i32,
    pub dry_sequence_breakers: Vec<String>,
    /// 1 or 2: instead of the chain but for the temperature.
    pub mirostat: u8,
    pub mirostat_tau: f32,
    pub mirostat_eta: f32,
    pub logit_bias: Vec<LogitBias>,
    /// The chain, in order.
    pub samplers: Vec<SamplerStep>,
    /// Absent: the engine draws one and says it in the statistics.
    pub seed: Option<u32>,
    /// What the answer must look like.
    pub grammar: Option<Grammar>,
}

impl Default for Sampling {
    fn default() -> Self {
        resolve(&[]).sampling()
    }
}

/// A link of the chain, by llama.cpp's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerStep {
    Penalties,
    Dry,
    TopNSigma,
    TopK,
    TypP,
    TopP,
    MinP,
    Xtc,
    Temperature,
}

impl SamplerStep {
    /// In llama.cpp's order, which is the default chain.
    const ALL: [Self; 9] =
        [Self::Penalties, Self::Dry, Self::TopNSigma, Self::TopK, Self::TypP, Self::TopP, Self::MinP, Self::Xtc, Self::Temperature];
    /// Other names that llama.cpp takes.
    const ALIASES: &'static [(&'static str, SamplerStep)] = &[
        ("nucleus", SamplerStep::TopP),
        ("typical", SamplerStep::TypP),
        ("typical_p", SamplerStep::TypP),
        ("typ", SamplerStep::TypP),
        ("temp", SamplerStep::Temperature),
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Penalties => "penalties",
            Self::Dry => "dry",
            Self::TopNSigma => "top_n_sigma",
            Self::TopK => "top_k",
            Self::TypP => "typ_p",
            Self::TopP => "top_p",
            Self::MinP => "min_p",
            Self::Xtc => "xtc",
            Self::Temperature => "temperature",
        }
    }

    /// All names, parted by `;`.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(";")
    }

    fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('-', "_");
        let own = Self::ALL.into_iter().find(|step| step.name() == name);
        own.or_else(|| Self::ALIASES.iter().find(|(known, _)| *known == name).map(|(_, step)| *step))
    }

    /// Names parted by `;`. The empty text is a chain of no links.
    pub fn list(text: &str) -> Option<Vec<Self>> {
        text.split(';').filter(|name| !name.trim().is_empty()).map(Self::from_name).collect()
    }
}

/// What is added to a token's logit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogitBias {
    pub id: u32,
    /// Absent: the token is never chosen.
    pub bias: Option<f32>,
}

impl LogitBias {
    /// `15043+1.5`, `15043-1`, `15043-inf`, as llama.cpp writes them.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (id, bias) = text.split_at_checked(text.find(['+', '-'])?)?;
        let bias: f32 = bias.parse().ok()?;
        let id = id.trim().parse().ok()?;
        match bias {
            f32::NEG_INFINITY => Some(Self { id, bias: None }),
            _ => bias.is_finite().then_some(Self { id, bias: Some(bias) }),
        }
    }
}

/// What an answer must look like, from its first token to its last.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grammar {
    /// A JSON object of any kind.
    Json,
    /// JSON that this schema describes.
    JsonSchema(String),
    /// llguidance's dialect of Lark, or llama.cpp's GBNF.
    Text(String),
}
