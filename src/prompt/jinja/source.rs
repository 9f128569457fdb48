//! Template sources as minijinja takes them.

use std::borrow::Cow;

/// Tags that minijinja does not know, and what is like them there: a block that renders its body in a scope of its own.
const TAGS: [(&str, &str); 2] = [("generation", "with"), ("endgeneration", "endwith")];

/// Line ends are LF, and the tags of transformers' own extension are written as ones that are known.
pub(super) fn prepare(template: &str) -> String {
    let template: Cow<'_, str> =
        if template.contains('\r') { template.replace("\r\n", "\n").replace('\r', "\n").into() } else { template.into() };
    let mut out = String::with_capacity(template.len());
    let mut rest = &*template;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let n = renamed(tag, &mut out);
        rest = &tag[n..];
    }
    out + rest
}

/// Writes the tag's beginning, its name changed if it is one of `TAGS`; gives how much of it that was.
fn renamed(tag: &str, out: &mut String) -> usize {
    let body = &tag[2..];
    let name_at = body.len() - body.trim_start_matches(['-', '+']).trim_start().len();
    let name = &body[name_at..];
    let word = &name[..name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())];
    let ends = name[word.len()..].trim_start().trim_start_matches(['-', '+']).starts_with("%}");
    let Some((_, known)) = TAGS.iter().find(|(ours, _)| *ours == word && ends) else {
        out.push_str("{%");
        return 2;
    };
    out.push_str(&tag[..2 + name_at]);
    out.push_str(known);
    2 + name_at + word.len()
}
