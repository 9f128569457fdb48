//! From the scopes of syntax definitions to what a theme has words for.

use crate::tui::theme::Meaning;
use std::str::FromStr;
use syntect::parsing::{Scope, ScopeStack};

/// Scopes by their beginnings, some only inside another. The innermost scope that has a row counts, by its most exact
/// row. A scope without any is plain code: what is coloured everywhere is seen nowhere.
const TABLE: &[(&str, &str, Meaning)] = &[
    ("", "comment", Meaning::Comment),
    ("", "punctuation.definition.comment", Meaning::Comment),
    ("", "string", Meaning::String),
    ("", "punctuation.definition.string", Meaning::String),
    ("", "constant.character.escape", Meaning::Number),
    ("", "constant.numeric", Meaning::Number),
    ("", "constant.language", Meaning::Number),
    ("", "constant.other.color", Meaning::Number),
    ("", "support.constant", Meaning::Number),
    ("", "keyword", Meaning::Keyword),
    ("", "keyword.operator", Meaning::Code),
    ("", "keyword.operator.word", Meaning::Keyword),
    ("", "keyword.operator.logical.python", Meaning::Keyword),
    ("", "storage", Meaning::Keyword),
    ("", "variable.language", Meaning::Keyword),
    ("", "entity.name.tag", Meaning::Keyword),
    ("", "entity.other.attribute-name", Meaning::Number),
    ("", "support.type.property-name", Meaning::Keyword),
    ("", "markup.inserted", Meaning::Good),
    ("", "markup.deleted", Meaning::Bad),
    ("", "markup.heading", Meaning::Keyword),
    ("", "meta.diff.range", Meaning::Comment),
    ("", "meta.diff.header", Meaning::Comment),
    // In a shell the commands are the words that count.
    ("source.shell", "variable.function", Meaning::Keyword),
    ("source.shell", "support.function", Meaning::Keyword),
    ("meta.structure.dictionary.key", "string", Meaning::Keyword),
    ("meta.structure.dictionary.key", "punctuation.definition.string", Meaning::Keyword),
    // Code inside a string is code again.
    ("", "meta.interpolation", Meaning::Code),
    ("", "meta.template.expression", Meaning::Code),
];

#[derive(Debug)]
struct Rule {
    within: Option<Scope>,
    scope: Scope,
    meaning: Meaning,
}

/// The table with its scopes parsed.
#[derive(Debug)]
pub(super) struct Meanings(Vec<Rule>);

impl Meanings {
    pub(super) fn new() -> Self {
        let rule = |(within, scope, meaning): &(&str, &str, Meaning)| {
            let within = if within.is_empty() { None } else { Scope::from_str(within).ok() };
            Some(Rule { within, scope: Scope::from_str(scope).ok()?, meaning: *meaning })
        };
        Self(TABLE.iter().filter_map(rule).collect())
    }

    pub(super) fn of(&self, stack: &ScopeStack) -> Meaning {
        let scopes = stack.as_slice();
        let fits = |rule: &&Rule, scope: Scope| {
            rule.scope.is_prefix_of(scope) && rule.within.is_none_or(|within| scopes.iter().any(|s| within.is_prefix_of(*s)))
        };
        let best = |scope: Scope| {
            let fitting = self.0.iter().filter(|rule| fits(rule, scope));
            fitting.max_by_key(|rule| (rule.within.is_some(), rule.scope.len())).map(|rule| rule.meaning)
        };
        scopes.iter().rev().find_map(|scope| best(*scope)).unwrap_or(Meaning::Code)
    }
}
