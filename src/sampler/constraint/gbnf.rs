//! llama.cpp's grammars (GBNF, grammars/README.md there), read into a tree.

use super::error::GrammarError;
use std::collections::HashMap;

/// Groups inside groups.
const NESTING_MAX: usize = 24;

/// What a rule's body is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Characters of any of these ranges, or of none of them.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    /// Any character.
    Any,
    Rule(usize),
    All(Vec<Node>),
    OneOf(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
    },
}

/// The rules by number; `root` is where an answer begins.
#[derive(Debug, PartialEq)]
pub(super) struct Rules {
    pub(super) bodies: Vec<Node>,
    pub(super) root: usize,
}

/// Only GBNF defines rules so.
pub(super) fn is_gbnf(text: &str) -> bool {
    text.contains("::=")
}

pub(super) fn parse(text: &str) -> Result<Rules, GrammarError> {
    let mut reader = Reader { text, at: 0, numbers: HashMap::new(), names: Vec::new() };
    let mut bodies: Vec<Option<Node>> = Vec::new();
    while reader.peek().is_some() {
        let name = reader.rule_start().ok_or_else(|| reader.wrong("expected a rule: name ::= ..."))?;
        let number = reader.number(name);
        let body = reader.one_of(0)?;
        bodies.resize(bodies.len().max(number + 1), None);
        bodies[number] = Some(body);
    }
    bodies.resize(reader.names.len(), None);
    let root = reader.numbers.get("root").copied().ok_or_else(|| reader.wrong("there is no rule named root"))?;
    let missing = |number: usize| reader.wrong(&format!("there is no rule named {}", reader.names[number]));
    let bodies = bodies.into_iter().enumerate().map(|(number, body)| body.ok_or_else(|| missing(number)));
    Ok(Rules { bodies: bodies.collect::<Result<_, _>>()?, root })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    numbers: HashMap<&'t str, usize>,
    names: Vec<&'t str>,
}

impl<'t> Reader<'t> {
    fn wrong(&self, what: &str) -> GrammarError {
        let line = self.text[..self.at].matches('\n').count() + 1;
        GrammarError::Gbnf { line, what: what.to_owned() }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The next character that is neither white space nor comment.
    fn peek(&mut self) -> Option<char> {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return self.rest().chars().next();
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn take(&mut self, sign: char) -> bool {
        let is_there = self.peek() == Some(sign);
        self.at += if is_there { sign.len_utf8() } else { 0 };
        is_there
    }

    fn next_char(&mut self) -> Result<char, GrammarError> {
        let c = self.rest().chars().next().ok_or_else(|| self.wrong("it ends too early"))?;
        self.at += c.len_utf8();
        Ok(c)
    }

    fn word(&self) -> &'t str {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        &self.rest()[..self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len())]
    }

    /// Takes `name ::=`, if that is what comes next.
    fn rule_start(&mut self) -> Option<&'t str> {
        let (before, name) = (self.at, self.word());
        self.at += name.len();
        self.peek();
        if !name.is_empty() && self.rest().starts_with("::=") {
            self.at += "::=".len();
            return Some(name);
        }
        self.at = before;
        None
    }

    fn number(&mut self, name: &'t str) -> usize {
        let next = self.names.len();
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.names.push(name);
        }
        number
    }

    fn one_of(&mut self, depth: usize) -> Result<Node, GrammarError> {
        if depth > NESTING_MAX {
            return Err(self.wrong(&format!("groups are nested more than {NESTING_MAX} deep")));
        }
        let mut choices = vec![self.all(depth)?];
        while self.take('|') {
            choices.push(self.all(depth)?);
        }
        Ok(if choices.len() == 1 { choices.remove(0) } else { Node::OneOf(choices) })
    }

    fn all(&mut self, depth: usize) -> Result<Node, GrammarError> {
        let mut nodes = Vec::new();
        loop {
            let node = match self.peek() {
                None | Some('|' | ')') => break,
                Some('"') => self.text()?,
                Some('[') => self.class()?,
                Some('.') => {
                    self.at += 1;
                    Node::Any
                }
                Some('(') => {
                    self.at += 1;
                    let group = self.one_of(depth + 1)?;
                    if !self.take(')') {
                        return Err(self.wrong("a ( has no )"));
                    }
                    group
                }
                Some('<' | '!') => return Err(self.wrong("tokens cannot be named")),
                Some(_) => {
                    let before = self.at;
                    if self.rule_start().is_some() {
                        self.at = before;
                        break;
                    }
                    let name = self.word();
                    if name.is_empty() {
                        return Err(self.wrong("expected a text, a class, a group or a rule's name"));
                    }
                    self.at += name.len();
                    Node::Rule(self.number(name))
                }
            };
            nodes.push(self.repeated(node)?);
        }
        if depth == 0 && self.peek() == Some(')') {
            return Err(self.wrong("a ) has no ("));
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, GrammarError> {
        loop {
            let (least, most) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') => {
                    let end = self.rest().find('}').ok_or_else(|| self.wrong("a { has no }"))?;
                    let inside = &self.rest()[1..end];
                    self.at += end;
                    self.bounds(inside)?
                }
                _ => return Ok(node),
            };
            self.at += 1;
            node = Node::Repeat { node: Box::new(node), least, most };
        }
    }

    fn bounds(&self, text: &str) -> Result<(u32, Option<u32>), GrammarError> {
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| self.wrong("expected a number in { }"));
        match text.split_once(',') {
            None => number(text).map(|n| (n, Some(n))),
            Some((least, most)) if most.trim().is_empty() => Ok((number(least)?, None)),
            Some((least, most)) => Ok((number(least)?, Some(number(most)?))),
        }
    }

    fn text(&mut self) -> Result<Node, GrammarError> {
        self.at += 1;
        let mut text = String::new();
        while !self.rest().starts_with('"') {
            text.push(self.character()?);
        }
        self.at += 1;
        Ok(Node::Text(text))
    }

    fn class(&mut self) -> Result<Node, GrammarError> {
        self.at += 1;
        let negated = self.rest().starts_with('^');
        self.at += usize::from(negated);
        let mut ranges = Vec::new();
        while !self.rest().starts_with(']') {
            let first = self.character()?;
            let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]");
            self.at += usize::from(is_range);
            ranges.push((first, if is_range { self.character()? } else { first }));
        }
        self.at += 1;
        match ranges.iter().all(|(first, last)| first <= last) && !ranges.is_empty() {
            true => Ok(Node::Class { ranges, negated }),
            false => Err(self.wrong("a class is empty, or a range in it begins behind its end")),
        }
    }

    /// One character inside a text or a class.
    fn character(&mut self) -> Result<char, GrammarError> {
        let c = self.next_char()?;
        if c != '\\' {
            return Ok(c);
        }
        let digits = match self.next_char()? {
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            same @ ('\\' | '"' | '[' | ']') => return Ok(same),
            other => return Err(self.wrong(&format!("\\{other} stands for nothing"))),
        };
        let hex = self.rest().get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        self.at += if hex.is_some() { digits } else { 0 };
        hex.ok_or_else(|| self.wrong(&format!("expected {digits} hexadecimal digits of a character")))
    }
}
