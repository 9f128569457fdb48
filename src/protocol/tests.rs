use super::*;
use std::collections::HashSet;

#[test]
fn settings_rows_are_sound() {
    let mut names = HashSet::new();
    for row in SETTINGS {
        assert!(names.insert(row.name), "{} stands twice", row.name);
        for alias in row.aliases {
            assert!(names.insert(alias), "{alias} stands twice");
        }
        assert!(row.check(row.default.value()).is_ok(), "{}: its default is outside its range", row.name);
        if !row.off.is_empty() {
            assert!(row.parse(row.off).is_ok(), "{}: its off value is outside its range", row.name);
        }
        assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}: help is a phrase", row.name);
        assert_eq!(find_setting(row.name), Some(row));
    }
}

#[test]
fn the_first_source_that_says_a_valid_value_wins() {
    let mut file = Settings::default();
    file.set("temp", "0.6").unwrap();
    file.0.insert("top_k".to_owned(), Value::Int(-7));
    let mut command = Settings::default();
    command.set("temperature", "0").unwrap();
    let all = resolve(&[(Source::File, &file), (Source::Command, &command)]);
    assert_eq!(all.get("temp"), Some((&Value::Float(0.0), Source::Command)));
    assert_eq!(all.get("top_k"), Some((&Value::Int(40), Source::Default)), "a file's nonsense is passed over");
    assert_eq!(resolve(&[(Source::File, &file)]).sampling().temp, 0.6);
}

#[test]
fn a_wrong_setting_is_named_with_what_was_expected() {
    let mut s = Settings::default();
    let said = |r: Result<&Setting, SettingError>| r.unwrap_err().to_string();
    assert_eq!(said(s.set("colour", "1")), "there is no setting colour");
    assert_eq!(said(s.set("top_kk", "1")), "there is no setting top_kk, did you mean top_k?");
    assert_eq!(said(s.set("top_p", "2")), "top_p is 2, expected a number from 0 to 1");
    assert_eq!(said(s.set("ctk", "q9")), "cache_type_k is q9, expected one of f32, f16, q8_0");
}

#[test]
fn lists_are_added_to_cleared_and_emptied() {
    let mut s = Settings::default();
    let breakers = |s: &Settings| resolve(&[(Source::Command, s)]).sampling().dry_sequence_breakers;
    assert_eq!(breakers(&s), ["\n", ":", "\"", "*"]);
    s.set("dry-sequence-breaker", "\\n").unwrap();
    s.set("dry-sequence-breaker", r"a\b\\").unwrap();
    assert_eq!(breakers(&s), ["\n", r"a\b\"], "the first one said replaces the defaults");
    s.set("dry-sequence-breaker", "none").unwrap();
    assert!(breakers(&s).is_empty());
    s.set("dry-sequence-breaker", "\"\"").unwrap();
    assert!(s.is_empty(), "the empty text takes back what was said");
}

#[test]
fn samplers_and_biases_are_checked_when_they_are_said() {
    let mut s = Settings::default();
    s.set("samplers", " top-k; nucleus ;temp").unwrap();
    assert_eq!(s.0["samplers"], Value::Text("top_k;top_p;temperature".to_owned()));
    let said = |r: Result<&Setting, SettingError>| r.unwrap_err().to_string();
    let expected = "samplers is top_k;infill, expected names out of penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature";
    assert_eq!(said(s.set("samplers", "top_k;infill")), expected);
    assert_eq!(
        said(s.set("l", "hello+1")),
        "logit_bias is \"hello+1\", expected a token's id, a sign and a number, as 15043+1.5 or 15043-inf"
    );
    s.set("logit_bias", "5-inf").unwrap();
    s.set("logit_bias", "6+1.5").unwrap();
    let sampling = resolve(&[(Source::Command, &s)]).sampling();
    assert_eq!(sampling.logit_bias, [LogitBias { id: 5, bias: None }, LogitBias { id: 6, bias: Some(1.5) }]);
    let text = serde_json::to_string(&sampling).unwrap();
    assert_eq!(serde_json::from_str::<Sampling>(&text).unwrap(), sampling, "never is a number that JSON has");
    assert_eq!(said(s.set("json_schema", "{\"type\":")), "json_schema is {\"type\":, expected a JSON schema: an object in braces");
}

#[test]
fn of_grammars_the_one_said_nearest_counts() {
    let layer = |name, text| {
        let mut s = Settings::default();
        s.set(name, text).unwrap();
        s
    };
    let (schema, none, json) = (layer("json_schema", "{}"), layer("format", "none"), layer("format", "json"));
    let grammar = |layers: &[(Source, &Settings)]| resolve(layers).sampling().grammar;
    assert_eq!(grammar(&[]), None);
    assert_eq!(grammar(&[(Source::Config, &schema)]), Some(Grammar::JsonSchema("{}".to_owned())));
    assert_eq!(grammar(&[(Source::Config, &schema), (Source::Conversation, &none)]), None);
    assert_eq!(grammar(&[(Source::Config, &schema), (Source::Conversation, &json)]), Some(Grammar::Json));
}

#[test]
fn reports_are_sentences() {
    assert_eq!(Report::new("x.gguf is empty", "Pull it again").to_string(), "x.gguf is empty. Pull it again.");
    assert_eq!(Report::new("no such model.", "").to_string(), "no such model.");
}

#[test]
fn commands_and_events_survive_json() {
    let command = Command::Generate {
        job: JobId(7),
        model: ModelId(1),
        conversation: None,
        input: Input::Messages { messages: vec![Message::new(Role::User, "hi")], rendering: Rendering::default() },
        sampling: Box::default(),
        limits: Limits { n_predict: Some(3), stop: vec!["\n".into()], n_room: 0, n_draft: 7 },
        logprobs: None,
    };
    let text = serde_json::to_string(&command).unwrap();
    assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
    let event = Event::Finished { job: JobId(7), reason: FinishReason::Length, statistics: Some(Box::default()) };
    assert_eq!(serde_json::from_str::<Event>(&serde_json::to_string(&event).unwrap()).unwrap(), event);
    assert_eq!(event.ends(), Some(command.job()));
}
