//! Every setting.

use super::{CacheType, Kind, ON_OFF, Preset, Scope, Setting};
use crate::protocol::{Reasoning, TEMPLATE_NAMES, TEMPLATE_OWN};

const fn float(
    name: &'static str,
    min: f64,
    max: f64,
    default: f64,
    off: &'static str,
    gguf_key: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        aliases: &[],
        scope: Scope::Sampling,
        kind: Kind::Float { min, max },
        default: Preset::Float(default),
        off,
        help,
        gguf_key,
    }
}

const fn int(
    name: &'static str,
    min: i64,
    max: i64,
    default: i64,
    off: &'static str,
    gguf_key: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, aliases: &[], scope: Scope::Sampling, kind: Kind::Int { min, max }, default: Preset::Int(default), off, help, gguf_key }
}

const fn text(name: &'static str, kind: Kind, default: Preset, help: &'static str) -> Setting {
    Setting { name, aliases: &[], scope: Scope::Answer, kind, default, off: "", help, gguf_key: "" }
}

const fn choice(name: &'static str, names: &'static [&'static str], default: &'static str, help: &'static str) -> Setting {
    text(name, Kind::Choice(names), Preset::Text(default), help)
}

/// With the token before them as many as are computed together without rounding otherwise than alone.
pub const N_DRAFT_MAX: u32 = 7;

/// Order and defaults of sampling are llama.cpp's (common/common.h).
pub const SETTINGS: &[Setting] = &[
    Setting {
        aliases: &["temperature"],
        ..float(
            "temp",
            0.0,
            100.0,
            0.8,
            "0",
            "general.sampling.temp",
            "How much chance decides: 0 always takes the likeliest token, higher values wander",
        )
    },
    float(
        "dynatemp_range",
        0.0,
        100.0,
        0.0,
        "0",
        "",
        "Lets the temperature move so far up where the model is unsure, and down where it is sure",
    ),
    Setting {
        aliases: &["dynatemp_exponent"],
        ..float("dynatemp_exp", 0.0, 100.0, 1.0, "", "", "How steeply the temperature moves with the entropy")
    },
    int("top_k", -1, 1_000_000, 40, "0", "general.sampling.top_k", "Choose among this many likeliest tokens; 0 takes all"),
    float("top_p", 0.0, 1.0, 0.95, "1", "general.sampling.top_p", "Choose among the likeliest tokens that together have this probability"),
    float("min_p", 0.0, 1.0, 0.05, "0", "general.sampling.min_p", "Drop tokens less likely than this share of the likeliest one"),
    Setting {
        aliases: &["typ_p", "typical_p"],
        ..float("typical", 0.0, 1.0, 1.0, "1", "", "Choose among the most typical tokens that together have this probability")
    },
    float("top_n_sigma", -1.0, 100.0, -1.0, "-1", "", "Drop tokens whose logit is so many standard deviations below the greatest"),
    float(
        "xtc_probability",
        0.0,
        1.0,
        0.0,
        "0",
        "general.sampling.xtc_probability",
        "How often the likeliest tokens but the last of them are left out",
    ),
    float(
        "xtc_threshold",
        0.0,
        1.0,
        0.1,
        "1",
        "general.sampling.xtc_threshold",
        "How likely a token is that may be left out so; above 0.5 there never is one",
    ),
    int(
        "repeat_last_n",
        -1,
        1_000_000,
        64,
        "0",
        "general.sampling.penalty_last_n",
        "How many last tokens the penalties look at; -1: the whole context",
    ),
    float("repeat_penalty", 0.0, 100.0, 1.0, "1", "general.sampling.penalty_repeat", "Makes tokens that occurred lately less likely"),
    float("presence_penalty", -100.0, 100.0, 0.0, "0", "", "Taken once from each token that occurred lately"),
    float("frequency_penalty", -100.0, 100.0, 0.0, "0", "", "Taken from a token for each time it occurred lately"),
    float("dry_multiplier", 0.0, 100.0, 0.0, "0", "", "Makes tokens less likely that would go on with a repetition (DRY)"),
    float("dry_base", 0.0, 100.0, 1.75, "", "", "How fast that grows with the length of the repetition"),
    int("dry_allowed_length", 0, 1_000_000, 2, "", "", "Repetitions up to so many tokens cost nothing"),
    int("dry_penalty_last_n", -1, 1_000_000, 64, "0", "", "How many last tokens are searched for repetitions; -1: the whole context"),
    Setting {
        scope: Scope::Sampling,
        off: "none",
        ..text(
            "dry_sequence_breaker",
            Kind::Texts,
            Preset::Texts(&["\n", ":", "\"", "*"]),
            "A text that no repetition reaches across; the first one said replaces the defaults",
        )
    },
    int(
        "mirostat",
        0,
        2,
        0,
        "0",
        "general.sampling.mirostat",
        "Instead of the chain: keep the surprise of each token near a target, by version 1 or 2",
    ),
    Setting {
        aliases: &["mirostat_ent"],
        ..float("mirostat_tau", 0.0, 100.0, 5.0, "", "general.sampling.mirostat_tau", "The surprise that mirostat aims at, in bits")
    },
    Setting {
        aliases: &["mirostat_lr"],
        ..float("mirostat_eta", 0.0, 100.0, 0.1, "", "general.sampling.mirostat_eta", "How fast mirostat learns")
    },
    Setting {
        aliases: &["l"],
        scope: Scope::Sampling,
        ..text(
            "logit_bias",
            Kind::Biases,
            Preset::Texts(&[]),
            "Makes a token likelier or less likely by its id: 15043+1, or 15043-inf for never",
        )
    },
    Setting {
        scope: Scope::Sampling,
        gguf_key: "general.sampling.sequence",
        ..text(
            "samplers",
            Kind::Steps,
            Preset::Text("penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"),
            "What happens to the logits, in order",
        )
    },
    Setting {
        aliases: &["s"],
        ..int("seed", -1, u32::MAX as i64, -1, "", "", "The start of the random numbers; -1: a new one each time, shown with the answer")
    },
    Setting {
        aliases: &["n", "num_predict", "max_tokens", "n_predict"],
        scope: Scope::Answer,
        ..int("predict", -1, i32::MAX as i64, -1, "-1", "", "Tokens of an answer at most; -1: until it ends by itself")
    },
    Setting {
        aliases: &["draft", "draft_n"],
        scope: Scope::Answer,
        ..int(
            "draft_max",
            0,
            N_DRAFT_MAX as i64,
            N_DRAFT_MAX as i64,
            "0",
            "",
            "Tokens to guess ahead at most, where that makes the answer come faster; it is the same answer with any number",
        )
    },
    text("stop", Kind::Texts, Preset::Texts(&[]), "A text that ends the answer and is not part of it"),
    text("format", Kind::Choice(&["none", "json"]), Preset::Text("none"), "What the answer must be: json is an object of any kind"),
    Setting {
        aliases: &["j"],
        ..text("json_schema", Kind::Schema, Preset::Text(""), "The answer must be JSON that this schema describes")
    },
    text("grammar", Kind::Grammar, Preset::Text(""), "The answer must follow this grammar: llguidance's Lark or llama.cpp's GBNF"),
    Setting {
        aliases: &["system", "sys"],
        ..text("system_prompt", Kind::Text, Preset::Text(""), "What the model is told before the conversation begins")
    },
    Setting {
        aliases: &["think"],
        ..choice("reasoning", Reasoning::NAMES, "auto", "How much the model thinks first, as far as its template lets one choose")
    },
    Setting {
        aliases: &["template"],
        ..choice(
            "chat_template",
            TEMPLATE_NAMES,
            TEMPLATE_OWN,
            "How turns are written for the model: as its file says, or by a template of ingle's",
        )
    },
    choice("merge_system", ON_OFF, "off", "Write the system prompt into the first message, for templates that refuse one"),
    Setting {
        aliases: &["c", "num_ctx", "n_ctx"],
        scope: Scope::Load,
        ..int(
            "ctx_size",
            0,
            i32::MAX as i64,
            0,
            "0",
            "",
            "Context length in tokens; 0: what the model was trained for and fits, 16,384 at most",
        )
    },
    Setting {
        aliases: &["t", "num_thread"],
        scope: Scope::Load,
        ..int("threads", 0, 1024, 0, "0", "", "Compute threads; 0: as many as this machine has to give")
    },
    Setting {
        aliases: &["draft_model", "md"],
        scope: Scope::Load,
        ..text(
            "model_draft",
            Kind::Model,
            Preset::Text(""),
            "A smaller model of the same family, loaded beside this one to guess what it will say; it is asked while that pays",
        )
    },
    Setting {
        aliases: &["ctk"],
        scope: Scope::Load,
        ..text(
            "cache_type_k",
            Kind::Choice(CacheType::NAMES),
            Preset::Text("f16"),
            "Type of the keys in the KV cache; q8_0 takes half of f16",
        )
    },
    Setting {
        aliases: &["ctv"],
        scope: Scope::Load,
        ..text(
            "cache_type_v",
            Kind::Choice(CacheType::NAMES),
            Preset::Text("f16"),
            "Type of the values in the KV cache; q8_0 takes half of f16",
        )
    },
];
