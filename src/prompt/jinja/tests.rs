use super::super::input::RenderInput;
use super::{Fault, render};
use serde_json::json;

fn input(messages: serde_json::Value) -> RenderInput {
    RenderInput { messages, now: "2026-01-02T03:04:05".to_owned(), ..RenderInput::default() }
}

fn rendered(template: &str) -> Result<String, Fault> {
    render(template, &input(json!([{"role": "user", "content": "hi"}])))
}

/// Each template and what Jinja2 3.1.6 makes of it (tests/golden/expressions/make.py).
#[test]
fn expressions_are_as_in_python() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../../tests/golden/expressions/expressions.json")).unwrap();
    let input = RenderInput { kwargs: golden["context"].as_object().unwrap().clone(), ..input(json!(null)) };
    for case in golden["cases"].as_array().unwrap() {
        let template = case["template"].as_str().unwrap();
        match (render(template, &input), case["expected"].as_str()) {
            (Ok(found), expected) => assert_eq!(Some(found.as_str()), expected, "{template}"),
            (Err(error), expected) => assert_eq!(None, expected, "{template}: {error}"),
        }
    }
}

#[test]
fn own_tags_times_and_line_ends() {
    assert_eq!(rendered("{%- generation -%}\n{% set x = 1 %}{{ x }}{% endgeneration %}{{ x is defined }}").unwrap(), "1False");
    assert_eq!(rendered("{{ '{% generation' }}{{ strftime_now('%d %B %Y, %H:%M') }}").unwrap(), "{% generation02 January 2026, 03:04");
    assert_eq!(rendered("a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n").unwrap(), "a\nb\nc");
    assert_eq!(render("{{ messages }}", &input(json!([{"content": "a\r\nb"}]))).unwrap(), r"[{'content': 'a\r\nb'}]");
}

#[test]
fn a_refusal_is_told_in_the_templates_words() {
    let refused = rendered("\n{{ raise_exception('Roles must alternate: ' ~ 1.0) }}").unwrap_err();
    assert_eq!(refused, Fault::Raised { reason: "Roles must alternate: 1.0".to_owned() });
    let within = "{% macro m() %}{{ raise_exception('no') }}{% endmacro %}{% for m in messages %}{{ m() if false else m.content.x.y }}{{ m() }}{% endfor %}";
    assert!(rendered(within).is_err());
    assert_eq!(
        rendered("{% macro m() %}{{ raise_exception('no') }}{% endmacro %}{{ m() }}"),
        Err(Fault::Raised { reason: "no".to_owned() })
    );
}

#[test]
fn faults_name_the_line() {
    let said = |template: &str| rendered(template).unwrap_err().to_string();
    assert_eq!(said("a\n\n{{ missing.x }}"), "line 3: undefined value");
    assert!(said("{% if %}").starts_with("line 1: syntax error"));
    assert!(said("\n{{ 1|nofilter }}").contains("nofilter"));
    let bad_time = RenderInput { now: "noon".to_owned(), ..input(json!([])) };
    assert_eq!(render("", &bad_time), Err(Fault::Time { now: "noon".to_owned() }));
}

#[test]
fn steps_source_and_output_are_bounded() {
    let steps = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    assert_eq!(rendered(steps), Err(Fault::OutOfFuel));
    let long = "x".repeat((1 << 20) + 1);
    assert_eq!(rendered(&long), Err(Fault::SourceTooLong { bytes: long.len() }));
    assert!(rendered(&long[1..]).is_ok());
    let writes = "{% set x = 'x' * 1000000 %}{% for a in range(17) %}{{ x }}{% endfor %}";
    assert_eq!(rendered(writes), Err(Fault::OutputTooLong));
}
