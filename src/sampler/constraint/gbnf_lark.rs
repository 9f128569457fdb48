//! GBNF as llguidance's Lark.
//!
//! There a grammar is cut in two: what regular expressions can say is for the lexer, and the rest for the parser. The
//! lexer is fast, but it takes the longest text that an expression matches, and never thinks better of it. So a grammar
//! that is one regular expression becomes that one. In any other, what repeats itself freely and then ends with
//! something certain (a string with its quotes) is an expression, and everything else goes character by character.

use super::gbnf::{Node, Rules};
use std::fmt::Write;

/// Longer expressions stay rules, bytes.
const EXPRESSION_BYTES_MAX: usize = 16 << 10;

pub(super) fn lark(rules: &Rules) -> String {
    let writer = Writer { rules, expressions: expressions(rules) };
    if let Some(expression) = &writer.expressions[rules.root] {
        return format!("start: /{expression}/\n");
    }
    let mut out = format!("start: r{}\n", rules.root);
    for (number, body) in rules.bodies.iter().enumerate().filter(|(number, _)| writer.expressions[*number].is_none()) {
        // A String takes everything, here and below.
        let _ = write!(out, "r{number}: ");
        writer.choices(body, &mut out);
        out.push('\n');
    }
    out
}

/// For each rule its regular expression; none for one that comes back to itself, or holds one that does.
fn expressions(rules: &Rules) -> Vec<Option<String>> {
    let mut found = vec![None; rules.bodies.len()];
    // Each round knows the rules that name only known ones. A rule that recurs is never known.
    loop {
        let known = found.clone();
        for (expression, body) in found.iter_mut().zip(&rules.bodies).filter(|(e, _)| e.is_none()) {
            *expression = expression_of(body, &known).filter(|e| e.len() <= EXPRESSION_BYTES_MAX);
        }
        if found == known {
            return found;
        }
    }
}

fn expression_of(node: &Node, known: &[Option<String>]) -> Option<String> {
    let group = |inner: String| format!("(?:{inner})");
    let each = |nodes: &[Node]| {
        let mut length = 0;
        let mut fits = |e: &String| {
            length += e.len();
            length <= EXPRESSION_BYTES_MAX
        };
        nodes.iter().map(|n| expression_of(n, known).filter(&mut fits)).collect::<Option<Vec<_>>>()
    };
    Some(match node {
        Node::Text(text) => group(text.chars().map(escaped).collect()),
        Node::Class { ranges, negated } => {
            let ranges: String = ranges.iter().map(|(a, b)| format!("{}-{}", escaped(*a), escaped(*b))).collect();
            format!("[{}{ranges}]", if *negated { "^" } else { "" })
        }
        Node::Any => "(?s:.)".to_owned(),
        Node::Rule(number) => known[*number].clone()?,
        Node::All(nodes) => group(each(nodes)?.concat()),
        Node::OneOf(nodes) => group(each(nodes)?.join("|")),
        Node::Repeat { node, least, most } => {
            let inner = expression_of(node, known)?;
            group(format!("{inner}{{{least},{}}}", most.map(|most| most.to_string()).unwrap_or_default()))
        }
    })
}

/// Any character as an expression that is that character alone, whatever stands around it.
fn escaped(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\x{{{:X}}}", u32::from(c)) }
}

/// Whether a text that matches can be made longer and still match, or be empty.
fn is_open(node: &Node) -> bool {
    match node {
        Node::Text(text) => text.is_empty(),
        Node::Class { .. } | Node::Any => false,
        // Rules that are regular have been written out where this is asked.
        Node::Rule(_) => true,
        Node::All(nodes) => nodes.last().is_none_or(is_open),
        Node::OneOf(nodes) => nodes.iter().any(is_open),
        Node::Repeat { node, least, most } => *most != Some(*least) || *least == 0 || is_open(node),
    }
}

fn has_loop(node: &Node) -> bool {
    match node {
        Node::Text(_) | Node::Class { .. } | Node::Any | Node::Rule(_) => false,
        Node::All(nodes) | Node::OneOf(nodes) => nodes.iter().any(has_loop),
        Node::Repeat { node, most, .. } => most.is_none() || has_loop(node),
    }
}

struct Writer<'r> {
    rules: &'r Rules,
    expressions: Vec<Option<String>>,
}

impl Writer<'_> {
    fn expression(&self, node: &Node) -> Option<String> {
        expression_of(node, &self.expressions).filter(|e| e.len() <= EXPRESSION_BYTES_MAX)
    }

    /// A whole body or group: its choices need no brackets.
    fn choices(&self, node: &Node, out: &mut String) {
        let choices = if let Node::OneOf(nodes) = node { nodes.as_slice() } else { std::slice::from_ref(node) };
        for (at, choice) in choices.iter().enumerate() {
            out.push_str(if at > 0 { "| " } else { "" });
            self.run(choice, out);
        }
    }

    /// One after the other. Neighbours that are regular are looked at together.
    fn run(&self, node: &Node, out: &mut String) {
        let mut neighbours = Vec::new();
        for part in if let Node::All(nodes) = node { nodes.as_slice() } else { std::slice::from_ref(node) } {
            if self.expression(part).is_some() {
                self.write_out(part, &mut neighbours);
            } else {
                self.regular(&std::mem::take(&mut neighbours), out);
                self.single(part, out);
            }
        }
        self.regular(&neighbours, out);
    }

    /// A regular part with its rules put in their places, in a row as long as it can be.
    fn write_out(&self, node: &Node, row: &mut Vec<Node>) {
        match node {
            Node::Text(text) => row.extend(text.chars().map(|c| Node::Text(c.to_string()))),
            Node::Rule(number) => self.write_out(&self.rules.bodies[*number], row),
            Node::All(nodes) => nodes.iter().for_each(|node| self.write_out(node, row)),
            Node::OneOf(nodes) => row.push(Node::OneOf(nodes.iter().map(|node| self.written_out(node)).collect())),
            Node::Repeat { node, least, most } => {
                row.push(Node::Repeat { node: Box::new(self.written_out(node)), least: *least, most: *most });
            }
            Node::Class { .. } | Node::Any => row.push(node.clone()),
        }
    }

    fn written_out(&self, node: &Node) -> Node {
        let mut row = Vec::new();
        self.write_out(node, &mut row);
        if row.len() == 1 { row.remove(0) } else { Node::All(row) }
    }

    /// One expression up to where it certainly ends, if there is a loop in that; the rest for the parser.
    fn regular(&self, row: &[Node], out: &mut String) {
        let end = row.iter().rposition(|node| !is_open(node)).map_or(0, |last| last + 1);
        let (certain, rest) = row.split_at(end);
        match certain.iter().any(has_loop).then(|| self.expression(&Node::All(certain.to_vec()))).flatten() {
            Some(expression) => {
                let _ = write!(out, "/{expression}/ ");
            }
            None => certain.iter().for_each(|node| self.single(node, out)),
        }
        rest.iter().for_each(|node| self.single(node, out));
    }

    fn single(&self, node: &Node, out: &mut String) {
        match node {
            Node::Text(text) => text.chars().for_each(|c| {
                let _ = write!(out, "/{}/ ", escaped(c));
            }),
            Node::Class { .. } | Node::Any => {
                let _ = write!(out, "/{}/ ", self.expression(node).unwrap_or_default());
            }
            Node::Rule(number) => {
                let _ = match &self.expressions[*number] {
                    Some(expression) => write!(out, "/{expression}/ "),
                    None => write!(out, "r{number} "),
                };
            }
            Node::All(nodes) => nodes.iter().for_each(|node| self.single(node, out)),
            Node::OneOf(_) => {
                out.push_str("( ");
                self.choices(node, out);
                out.push_str(") ");
            }
            Node::Repeat { node, least, most } => {
                out.push_str("( ");
                self.choices(node, out);
                let _ = write!(out, "){{{least},{}}} ", most.map(|most| most.to_string()).unwrap_or_default());
            }
        }
    }
}
