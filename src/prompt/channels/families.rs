//! How families of models mark what they think, as data. A model is known by what its template and vocabulary hold,
//! never by its name.

/// Thinking that stands at the beginning of an answer, between two marks.
#[derive(Debug, PartialEq, Eq)]
pub struct Pair {
    pub open: &'static str,
    pub close: &'static str,
}

const fn pair(open: &'static str, close: &'static str) -> Pair {
    Pair { open, close }
}

/// The first is looked for in every model's answers: those who think without a word of it in their template write it so.
pub const PAIRS: &[Pair] = &[
    // DeepSeek, Qwen, GLM, Nemotron, SmolLM, Granite, MiniMax, MiMo, Hunyuan, Ling, StepFun, Kimi K2, Phi-4 reasoning.
    pair("<think>", "</think>"),
    pair("<thinking>", "</thinking>"),
    // EXAONE Deep.
    pair("<thought>", "</thought>"),
    // Magistral, Ministral.
    pair("[THINK]", "[/THINK]"),
    // Seed-OSS.
    pair("<seed:think>", "</seed:think>"),
    // MiniMax M3.
    pair("<mm:think>", "</mm:think>"),
    // Hunyuan 3.
    pair("<think:opensource>", "</think:opensource>"),
    // LongCat.
    pair("<longcat_think>", "</longcat_think>"),
    // Command A, North.
    pair("<|START_THINKING|>", "<|END_THINKING|>"),
    // Apertus.
    pair("<|inner_prefix|>", "<|inner_suffix|>"),
    // Kimi-VL.
    pair("◁think▷", "◁/think▷"),
    // Apriel.
    pair("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    // Granite 3.2.
    pair("Here is my thought process:", "Here is my response:"),
];

/// Marks around the answer itself. They belong to neither channel.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrap {
    /// Empty where the end of thinking stands for it.
    pub open: &'static str,
    pub close: &'static str,
}

const fn wrap(open: &'static str, close: &'static str) -> Wrap {
    Wrap { open, close }
}

pub const WRAPS: &[Wrap] = &[
    // Granite 3.3.
    wrap("<response>", "</response>"),
    // Hunyuan A13B.
    wrap("<answer>", "</answer>"),
    wrap("<|START_TEXT|>", "<|END_TEXT|>"),
    wrap("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    wrap("", "[END FINAL RESPONSE]"),
];

/// What a mark does in an answer that is made of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message's header begins; what it says decides the channel.
    Header,
    /// Likewise, of a message that ends: what follows its header is nowhere yet.
    Footer,
    /// The header ends and the message's text begins.
    Body,
    /// Likewise, and whatever the header says, it is thinking, or answer.
    ThinkingBody,
    AnswerBody,
    /// The message ends.
    End,
}

/// An answer made of several messages, each with a header that names its channel.
#[derive(Debug, PartialEq, Eq)]
pub struct Format {
    /// All of these stand in the template.
    pub evidence: &'static [&'static str],
    pub marks: &'static [(&'static str, Kind)],
    /// A header that holds this is one of thinking.
    pub thinks: &'static str,
    /// Words that headers are made of, or the beginnings of such: other text before a body is an answer without a header.
    pub words: &'static [&'static str],
    /// A header is the rest of its line.
    pub ends_with_line: bool,
}

pub const FORMATS: &[Format] = &[
    // OpenAI's harmony: gpt-oss.
    Format {
        evidence: &["<|channel|>", "<|message|>"],
        marks: &[
            ("<|start|>", Kind::Header),
            ("<|channel|>", Kind::Header),
            ("<|constrain|>", Kind::Header),
            ("<|message|>", Kind::Body),
            ("<|end|>", Kind::End),
            ("<|return|>", Kind::End),
            ("<|call|>", Kind::End),
        ],
        thinks: "analysis",
        words: &["assistant", "analysis", "commentary", "final", "to=", "json"],
        ends_with_line: false,
    },
    // Muse.
    Format {
        evidence: &["to=self", "<|start|>", "<|message|>"],
        marks: &[("<|start|>", Kind::Header), ("<|message|>", Kind::Body), ("<|eom|>", Kind::End), ("<|eot|>", Kind::End)],
        thinks: "to=self",
        words: &["assistant", "to="],
        ends_with_line: false,
    },
    // Solar.
    Format {
        evidence: &["<|begin|>", "<|think|>", "<|content|>"],
        marks: &[("<|begin|>", Kind::Header), ("<|think|>", Kind::ThinkingBody), ("<|content|>", Kind::AnswerBody), ("<|end|>", Kind::End)],
        thinks: "<|think|>",
        words: &["assistant"],
        ends_with_line: false,
    },
    // Gemma 4.
    Format {
        evidence: &["<|channel>", "<channel|>"],
        marks: &[("<|channel>", Kind::Header), ("<channel|>", Kind::End)],
        thinks: "thought",
        words: &["thought"],
        ends_with_line: true,
    },
    // Kimi K3.
    Format {
        evidence: &["<|open|>", "<|close|>", "<|sep|>"],
        marks: &[("<|open|>", Kind::Header), ("<|close|>", Kind::Footer), ("<|sep|>", Kind::Body)],
        thinks: "think",
        words: &["message", "role=", "think", "response"],
        ends_with_line: false,
    },
];
