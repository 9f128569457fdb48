//! Templates that nobody has read, through the real program's own child process.

use ingle::prompt::{PromptError, RenderInput, Template, sandbox};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn ingle() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_ingle"))
}

fn input() -> RenderInput {
    RenderInput {
        messages: serde_json::json!([{"role": "user", "content": "hi"}]),
        now: "2026-01-02T03:04:05".to_owned(),
        ..RenderInput::default()
    }
}

fn refused(template: &str) -> String {
    Template::new(template).render(&input(), Some(ingle())).unwrap_err().report().to_string()
}

#[test]
fn an_unknown_template_renders_in_a_child() {
    let template = Template::new("<{{ messages[0].content }}> {{ strftime_now('%Y') }}");
    assert_eq!(template.render(&input(), Some(ingle())).unwrap(), "<hi> 2026");
    assert!(matches!(template.render(&input(), None), Err(PromptError::NotStarted { .. })));
    let large = RenderInput { messages: serde_json::json!([{"role": "user", "content": "x\u{0}".repeat(2 << 20)}]), ..input() };
    assert_eq!(Template::new("{{ messages[0].content }}").render(&large, Some(ingle())).unwrap().len(), 4 << 20);
}

#[test]
fn a_refusal_and_a_fault_come_back_as_they_are() {
    assert_eq!(
        refused("{{ raise_exception('Roles must alternate.') }}"),
        "the chat template refuses this conversation: Roles must alternate. Change the conversation as it asks."
    );
    assert!(refused("\n{{ nothing.x }}").starts_with("the chat template failed: line 2: undefined value"));
}

#[test]
fn bombs_end_in_a_sentence() {
    let doubled = "{% set n = namespace(x='0123456789') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x|length }}";
    let replaced =
        "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(40) %}{% set n.x = n.x|replace('a', 'aaaaaaaaaa') %}{% endfor %}";
    let captured = "{% set x = 'x' * 10000000 %}{% set y %}{% for i in range(900) %}{{ x }}{% endfor %}{% endset %}{{ y|length }}";
    let nested = format!("{{{{ {}{} }}}}", "[".repeat(50_000), "]".repeat(50_000));
    for bomb in [doubled, replaced, captured, &nested] {
        let said = refused(bomb);
        assert!(said.starts_with("the chat template was stopped: ") || said.starts_with("the chat template failed: "), "{said}");
    }
    let endless = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";
    assert!(refused(endless).starts_with("the chat template failed: it takes more than 1000000 steps"));
}

#[test]
fn a_child_that_hangs_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let hangs = folder.path().join("hangs");
    std::fs::write(&hangs, "#!/bin/sh\nexec /bin/sleep 60\n").unwrap();
    std::fs::set_permissions(&hangs, std::fs::Permissions::from_mode(0o700)).unwrap();
    let said = sandbox::render_in_child(&hangs, "x", &input()).unwrap_err().to_string();
    assert_eq!(said, "the chat template was stopped: it took longer than three seconds");
    let missing = sandbox::render_in_child(&folder.path().join("gone"), "x", &input());
    assert!(matches!(missing, Err(PromptError::NotStarted { .. })));
}
