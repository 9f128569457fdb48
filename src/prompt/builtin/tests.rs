use super::*;
use crate::prompt::{RenderInput, Template};
use crate::protocol::{Message, Role, TEMPLATE_NAMES, TEMPLATE_OWN};

#[test]
fn every_name_has_its_template() {
    let names: Vec<&str> = std::iter::once(TEMPLATE_OWN).chain(BUILTINS.iter().map(|b| b.name)).collect();
    assert_eq!(names, TEMPLATE_NAMES);
}

#[test]
fn all_of_them_render_a_conversation_with_a_system_text() {
    let says = [(Role::System, "Be brief."), (Role::User, "2+2?"), (Role::Assistant, "4."), (Role::User, "And 3+3?")];
    let messages = says.map(|(role, text)| Message::new(role, text));
    let now = jiff::civil::date(2026, 1, 2).at(3, 4, 5, 0);
    let input =
        RenderInput { bos_token: Some("<s>".to_owned()), eos_token: Some("</s>".to_owned()), ..RenderInput::of(&messages, true, now) };
    for builtin in BUILTINS {
        let text = Template::builtin(builtin).render(&input, None).unwrap();
        let places: Vec<Option<usize>> = says.iter().map(|(_, said)| text.find(said)).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{}: {text}", builtin.name);
        for (_, said) in says {
            assert_eq!(text.matches(said).count(), 1, "{}: {text}", builtin.name);
        }
    }
}
