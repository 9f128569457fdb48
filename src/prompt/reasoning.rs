//! What a template lets one choose of thinking: found by trying, not by a model's name. A value is offered where the
//! template reads its variable, takes it, and writes another prompt for it.

use super::error::PromptError;
use crate::protocol::Reasoning;
use serde_json::{Map, Value, json};

/// A variable that templates read, and what each level means to it.
struct Switch {
    variable: &'static str,
    values: fn(Reasoning) -> Option<Value>,
}

fn yes_no(level: Reasoning) -> Option<Value> {
    Some(json!(level != Reasoning::Off))
}

fn words(level: Reasoning, off: &str, on: &str) -> Option<Value> {
    Some(json!(if level == Reasoning::Off { off } else { on }))
}

/// On alone means what the template does by itself.
fn effort(level: Reasoning, off: Option<&str>) -> Option<Value> {
    match level {
        Reasoning::Low | Reasoning::Medium | Reasoning::High => Some(json!(level.name())),
        Reasoning::Off => off.map(|off| json!(off)),
        Reasoning::On | Reasoning::Auto => None,
    }
}

const SWITCHES: &[Switch] = &[
    // Qwen, GLM, SmolLM, Nemotron, Hunyuan, Gemma 4 and most others.
    Switch { variable: "enable_thinking", values: yes_no },
    // DeepSeek, Granite, Kimi.
    Switch { variable: "thinking", values: yes_no },
    // Command A.
    Switch { variable: "reasoning", values: yes_no },
    // Apriel.
    Switch { variable: "add_thoughts", values: yes_no },
    // MiniMax.
    Switch { variable: "thinking_mode", values: |level| words(level, "disabled", "enabled") },
    // Ling.
    Switch { variable: "thinking_option", values: |level| words(level, "off", "on") },
    // Seed: tokens; -1 is without end.
    Switch { variable: "thinking_budget", values: |level| Some(json!(budget(level))) },
    // gpt-oss, DeepSeek, Hunyuan, Solar.
    Switch { variable: "reasoning_effort", values: |level| effort(level, None) },
    // Kimi.
    Switch { variable: "thinking_effort", values: |level| effort(level, None) },
    // Muse.
    Switch { variable: "reasoning_strength", values: |level| effort(level, None) },
];

/// Of Hunyuan's efforts, and the template that knows it.
const NO_THINK: &str = "no_think";

fn budget(level: Reasoning) -> i32 {
    match level {
        Reasoning::Off => 0,
        Reasoning::Low => 512,
        Reasoning::Medium => 2_048,
        Reasoning::High => 8_192,
        Reasoning::On | Reasoning::Auto => -1,
    }
}

/// Whether a template has a variable of this name: the word, not an attribute or part of another word or text.
fn reads(template: &str, variable: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    template.match_indices(variable).any(|(at, _)| {
        let (before, after) = (template[..at].chars().next_back(), template[at + variable.len()..].chars().next());
        !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '\'' | '"')) && !after.is_some_and(is_word)
    })
}

/// What a level is told to a template as. A name that the template does not read is not said.
fn variables(template: &str, level: Reasoning) -> Map<String, Value> {
    let mut out = Map::new();
    if level == Reasoning::Auto {
        return out;
    }
    for switch in SWITCHES.iter().filter(|switch| reads(template, switch.variable)) {
        out.extend((switch.values)(level).map(|value| (switch.variable.to_owned(), value)));
    }
    // An effort of none is a word of its own, and few templates know one.
    let word = format!("'{NO_THINK}'");
    if level == Reasoning::Off && reads(template, "reasoning_effort") && template.contains(&word) {
        out.insert("reasoning_effort".to_owned(), json!(NO_THINK));
    }
    out
}

/// The levels that a template offers, and what it is told for each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Levels(Vec<(Reasoning, Map<String, Value>)>);

impl Levels {
    /// `render` gives the prompt of a short conversation with such variables.
    pub fn find(template: &str, render: impl Fn(&Map<String, Value>) -> Result<String, PromptError>) -> Self {
        let mut tried: Vec<(Reasoning, Map<String, Value>, String)> = Vec::new();
        for level in Reasoning::ALL {
            let variables = variables(template, level);
            if variables.is_empty() {
                continue;
            }
            match render(&variables) {
                Ok(text) => tried.push((level, variables, text)),
                // One that had to be stopped is not tried again and again.
                Err(PromptError::Stopped { .. } | PromptError::NotStarted { .. }) => return Self::default(),
                Err(_) => {}
            }
        }
        let same = |a: &str, b: &str| a == b;
        let text = |level: Reasoning| tried.iter().find(|(l, ..)| *l == level).map(|(.., text)| text.as_str());
        let is_switch = matches!((text(Reasoning::Off), text(Reasoning::On)), (Some(off), Some(on)) if !same(off, on));
        let mut levels: Vec<(Reasoning, Map<String, Value>, String)> = Vec::new();
        for (level, variables, prompt) in &tried {
            let offered = match level {
                Reasoning::Auto => false,
                Reasoning::On => is_switch,
                Reasoning::Off => is_switch || text(Reasoning::On).is_none(),
                // Efforts that a template does not tell apart are one and the same.
                Reasoning::Low | Reasoning::Medium | Reasoning::High => levels.iter().all(|(_, _, before)| !same(before, prompt)),
            };
            if offered {
                levels.push((*level, variables.clone(), prompt.clone()));
            }
        }
        // One level alone is no choice.
        if levels.len() < 2 {
            levels.clear();
        }
        Self(levels.into_iter().map(|(level, variables, _)| (level, variables)).collect())
    }

    pub fn names(&self) -> Vec<Reasoning> {
        self.0.iter().map(|(level, _)| *level).collect()
    }

    /// What the template is told for a wish. Where it has no such level: the nearest that thinks as well, or nothing.
    pub fn variables(&self, wish: Reasoning) -> Map<String, Value> {
        let of = |level: Reasoning| self.0.iter().find(|(l, _)| *l == level).map(|(_, variables)| variables.clone());
        let instead = match wish {
            Reasoning::Auto | Reasoning::Off | Reasoning::On => None,
            Reasoning::Low => of(Reasoning::Medium).or_else(|| of(Reasoning::On)),
            Reasoning::Medium => of(Reasoning::On).or_else(|| of(Reasoning::High)).or_else(|| of(Reasoning::Low)),
            Reasoning::High => of(Reasoning::Medium).or_else(|| of(Reasoning::On)),
        };
        of(wish).or(instead).unwrap_or_default()
    }
}
