use super::*;
use crate::protocol::Sampling;
use crate::sampler::Sampler;
use crate::tokenizer::{SpecialIds, Strings, TokenType, Vocab};
use serde_json::json;

/// Ids of the words below follow those of the bytes.
const WORDS: &[&str] = &["{\"", "\":", "\", \"", "true", "name", "▁", "▁the", "</s>x", "12", "}}"];
const FIRST_BYTE: u32 = 3;
const EOS: u32 = 2;

/// All bytes, a few words, and an end.
fn tokenizer() -> Tokenizer {
    let byte = |b: u32| format!("<0x{b:02X}>");
    let texts = ["<unk>", "<s>", "</s>"].map(str::to_owned).into_iter().chain((0..256).map(byte));
    let texts: Vec<String> = texts.chain(WORDS.iter().map(|w| (*w).to_owned())).collect();
    let kind = |id: usize| match id {
        0 => TokenType::Unknown,
        1 | 2 => TokenType::Control,
        3..259 => TokenType::Byte,
        _ => TokenType::Normal,
    };
    let vocab = Vocab {
        model: "llama".to_owned(),
        types: Some((0..texts.len()).map(kind).collect()),
        tokens: texts.iter().map(String::as_bytes).collect::<Strings>(),
        ids: SpecialIds { bos: Some(1), eos: Some(EOS), unk: Some(0), ..SpecialIds::default() },
        ..Vocab::default()
    };
    Tokenizer::new(vocab).unwrap()
}

fn grammars() -> Grammars {
    Grammars::new(&tokenizer()).unwrap()
}

fn schema(value: &Value) -> Grammar {
    Grammar::JsonSchema(value.to_string())
}

/// How many bytes of a text the grammar takes, and whether it may end there.
fn take(grammars: &Grammars, grammar: &Grammar, text: &str) -> (usize, bool) {
    let mut constraint = grammars.compile(grammar).unwrap();
    for (at, byte) in text.bytes().enumerate() {
        let id = FIRST_BYTE + u32::from(byte);
        if !constraint.allows(id).unwrap() {
            return (at, constraint.may_end().unwrap());
        }
        constraint.accept(id).unwrap();
    }
    (text.len(), constraint.allows(EOS).unwrap())
}

fn takes(grammars: &Grammars, grammar: &Grammar, text: &str) -> bool {
    take(grammars, grammar, text) == (text.len(), true)
}

#[test]
fn the_end_is_allowed_only_where_the_grammar_may_end() {
    let grammars = grammars();
    let any = Grammar::Json;
    assert!(takes(&grammars, &any, r#"{"a": [1, {"b": null}], "c": "é\n"}"#));
    for (text, expected) in [("{", (1, false)), ("[1]", (0, false)), ("{}x", (2, true)), ("{\"a\":1,}", (7, false))] {
        assert_eq!(take(&grammars, &any, text), expected, "{text}");
    }
    let mut constraint = grammars.compile(&any).unwrap();
    let mut logits = vec![0.0; 300];
    constraint.mask(&mut logits).unwrap();
    let allowed: Vec<usize> = (0..300).filter(|id| logits[*id] == 0.0).collect();
    let first_word = FIRST_BYTE as usize + 256;
    assert_eq!(allowed, [FIRST_BYTE as usize + usize::from(b'{'), first_word], "no end, and nothing beyond the vocabulary");
    for byte in "{}".bytes() {
        constraint.accept(FIRST_BYTE + u32::from(byte)).unwrap();
    }
    let mut logits = vec![0.0; 300];
    constraint.mask(&mut logits).unwrap();
    assert_eq!((0..300).filter(|id| logits[*id] == 0.0).collect::<Vec<usize>>(), [EOS as usize]);
    assert!(constraint.is_complete() && constraint.allows(EOS).unwrap());
}

#[test]
fn control_tokens_are_no_text() {
    let grammars = grammars();
    let mut constraint = grammars.compile(&schema(&json!({ "type": "string" }))).unwrap();
    constraint.accept(FIRST_BYTE + u32::from(b'"')).unwrap();
    let mut logits = vec![0.0; 270];
    constraint.mask(&mut logits).unwrap();
    let word = |text: &str| FIRST_BYTE + 256 + WORDS.iter().position(|w| *w == text).unwrap() as u32;
    assert_eq!([0, 1, EOS].map(|id| logits[id as usize]), [f32::NEG_INFINITY; 3]);
    assert_eq!([word("</s>x"), word("▁the")].map(|id| logits[id as usize]), [0.0; 2], "what looks like one is text");
    assert!(!constraint.allows(EOS).unwrap() && constraint.allows(word("name")).unwrap());
    for id in 0..270 {
        assert_eq!(constraint.allows(id).unwrap(), logits[id as usize] == 0.0, "mask and question agree on {id}");
    }
}

/// What a JSON schema asks for, as far as the tests below do.
fn is_valid(schema: &Value, value: &Value) -> bool {
    let kind = match schema["type"].as_str() {
        Some("object") => value.as_object().is_some_and(|entries| {
            let known = |(key, value): (&String, &Value)| schema["properties"].get(key).is_some_and(|schema| is_valid(schema, value));
            let required = schema["required"].as_array().into_iter().flatten().all(|key| entries.contains_key(key.as_str().unwrap()));
            required && entries.iter().all(known)
        }),
        Some("array") => value.as_array().is_some_and(|items| {
            let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
            items.len() as u64 <= most && items.iter().all(|item| is_valid(&schema["items"], item))
        }),
        Some("integer") => value.as_i64().is_some_and(|n| {
            schema["minimum"].as_i64().is_none_or(|least| n >= least) && schema["maximum"].as_i64().is_none_or(|most| n <= most)
        }),
        Some("string") => {
            value.as_str().is_some_and(|text| schema["maxLength"].as_u64().is_none_or(|most| text.chars().count() as u64 <= most))
        }
        Some("boolean") => value.is_boolean(),
        other => other.is_none(),
    };
    kind && schema["enum"].as_array().is_none_or(|values| values.contains(value))
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "maxLength": 12 },
            "age": { "type": "integer", "minimum": 0, "maximum": 130 },
            "tags": { "type": "array", "items": { "type": "string", "enum": ["a", "b b", "ç"] }, "maxItems": 3 },
            "inner": { "type": "object", "properties": { "ok": { "type": "boolean" } }, "required": ["ok"], "additionalProperties": false },
        },
        "required": ["name", "age", "tags", "inner"],
        "additionalProperties": false,
    })
}

#[test]
fn two_hundred_answers_of_pure_chance_are_what_the_schema_says() {
    let (tokenizer, schema_text) = (tokenizer(), person());
    let grammars = Grammars::new(&tokenizer).unwrap();
    let n_vocab = tokenizer.n_tokens();
    let mut state = 7_u64;
    for seed in 0..200 {
        let mirostat = (seed % 3) as u8;
        let sampling = Sampling { temp: 1.5, min_p: 0.0, top_k: if seed % 2 == 0 { 0 } else { 40 }, mirostat, ..Sampling::default() };
        let mut sampler = Sampler::new(&sampling, seed, Some(&tokenizer));
        sampler.constrain(grammars.compile(&schema(&schema_text)).unwrap());
        let mut bytes = Vec::new();
        while !sampler.is_complete() {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f32 / (1 << 22) as f32
            };
            let logits: Vec<f32> = (0..n_vocab).map(|_| next()).collect();
            let id = sampler.sample(&logits, None).unwrap().id;
            if id == EOS {
                break;
            }
            sampler.accept(id).unwrap();
            bytes.extend_from_slice(tokenizer.piece(id, false));
        }
        let text = String::from_utf8(bytes).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert!(is_valid(&schema_text, &value), "{text}");
    }
}

#[test]
fn a_refused_token_is_drawn_again_among_the_allowed() {
    let tokenizer = tokenizer();
    let grammars = Grammars::new(&tokenizer).unwrap();
    let mut sampler = Sampler::new(&Sampling { temp: 0.0, ..Sampling::default() }, 1, None);
    sampler.constrain(grammars.compile(&Grammar::Text("start: \"yes\" | \"no\"".to_owned())).unwrap());
    let mut logits = vec![0.0; tokenizer.n_tokens()];
    logits[EOS as usize] = 9.0;
    logits[(FIRST_BYTE + u32::from(b'n')) as usize] = 1.0;
    let out = sampler.sample(&logits, Some(1)).unwrap();
    assert_eq!(out.id, FIRST_BYTE + u32::from(b'n'));
    assert_eq!(out.top[0].id, EOS, "what the model held likely is told as it is");
    assert!(out.logprob.unwrap() < -8.0);
    // Nothing that the grammar asks for is possible any more.
    sampler.accept(out.id).unwrap();
    logits.fill(f32::NEG_INFINITY);
    logits[0] = 0.0;
    assert_eq!(sampler.sample(&logits, None).unwrap_err(), SamplerError::Nothing);
}

#[test]
fn an_object_has_the_properties_it_names_alone_unless_the_schema_says_so() {
    let grammars = grammars();
    let named = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let more = r#"{"n":1,"m":2}"#;
    assert!(takes(&grammars, &schema(&named), r#"{"n":1}"#));
    assert!(!takes(&grammars, &schema(&named), more));
    let mut open = named.clone();
    open["additionalProperties"] = json!(true);
    assert!(takes(&grammars, &schema(&open), more));
    let nested = json!({ "type": "array", "items": named });
    assert!(!takes(&grammars, &schema(&nested), &format!("[{more}]")));
    // Each part of a meeting names but its own.
    let met = json!({ "allOf": [named, { "type": "object", "properties": { "m": { "type": "integer" } } }] });
    assert!(takes(&grammars, &schema(&met), more));
}

#[test]
fn a_schema_that_is_refused_says_where() {
    let grammars = grammars();
    let refused = |value: Value| grammars.compile(&schema(&value)).err().map(|error| error.to_string()).unwrap_or_default();
    for (value, path, what) in [
        (json!({ "type": "foo" }), "#", "Invalid type: foo"),
        (json!({ "properties": { "a/b": { "type": "strin" } } }), "#/properties/a~1b", "Invalid type: strin"),
        (json!({ "items": { "anyOf": [{ "type": "null" }, { "not": {} }] } }), "#/items/anyOf/1", "Unimplemented keys: [\"not\"]"),
        (json!({ "properties": { "a": { "type": "string", "pattern": "(?=x)" } } }), "#/properties/a", "look-around"),
        (json!({ "$defs": { "x": { "format": "zz", "type": "string" } }, "$ref": "#/$defs/x" }), "#/$defs/x", "Unknown format: zz"),
        (json!({ "properties": { "a": { "$ref": "https://example.org/a" } } }), "#/properties/a", "leads out of the schema"),
        (json!({ "$ref": "#/$defs/none" }), "#", "not found"),
    ] {
        let said = refused(value);
        assert!(said.starts_with(&format!("the JSON schema is refused at {path}: ")) && said.contains(what), "{said}");
    }
    let compiled = |text: String| grammars.compile(&Grammar::JsonSchema(text)).err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(compiled(" ".repeat((256 << 10) + 1)), "the JSON schema is 262145 bytes long, at most 262144 are taken");
    assert!(compiled("{".to_owned()).starts_with("the JSON schema is no JSON: EOF"));
    let deep = |n: usize| format!("{}{{}}{}", r#"{"items":"#.repeat(n), "}".repeat(n));
    assert!(compiled(deep(64)).contains("nested more than 64 deep"));
    assert_eq!(compiled(deep(40)), "");
}

#[test]
fn what_names_itself_in_a_long_row_does_not_overflow() {
    let deep = std::thread::Builder::new().stack_size(COMPILE_STACK).spawn(|| {
        let grammars = grammars();
        let mut definitions = serde_json::Map::new();
        for i in 0..1_900 {
            definitions.insert(format!("d{i}"), json!({ "properties": { "a": { "$ref": format!("#/$defs/d{}", i + 1) } } }));
        }
        definitions.insert("d1900".to_owned(), json!({ "type": "string" }));
        let long = json!({ "$defs": definitions, "$ref": "#/$defs/d0" });
        assert!(grammars.compile(&schema(&long)).is_ok());
        let rules: String = (0..1_900).map(|i| format!("r{i}: \"a\" r{} \"b\"\n", i + 1)).collect();
        let chain = Grammar::Text(format!("start: r0\n{rules}r1900: \"c\"\n"));
        assert!(grammars.compile(&chain).is_ok());
        let many = Grammar::Text((0..2_001).map(|i| format!("r{i} ::= \"a\"\n")).collect());
        assert_eq!(grammars.compile(&many).err().unwrap().to_string(), "the grammar has 2001 rules, at most 2000 are taken");
    });
    deep.unwrap().join().unwrap();
}

/// The grammar of arithmetic in llama.cpp's own words (grammars/arithmetic.gbnf), and others for each sign.
#[test]
fn gbnf_is_taken_as_llama_cpp_takes_it() {
    let grammars = grammars();
    let arithmetic = "root ::= (expr \"=\" ws term \"\\n\")+\nexpr ::= term ([-+*/] term)*\n\
        term ::= ident | num | \"(\" ws expr \")\" ws\nident ::= [a-z] [a-z0-9_]* ws\nnum ::= [0-9]+ ws\nws ::= [ \\t\\n]*";
    for (grammar, good, bad) in [
        (arithmetic, &["a+1= 2\n", "(x1 *(2 -y))=3\nz=1\n"][..], &["a+=2\n", "(a=1\n", "a+1"][..]),
        ("root ::= [a-z]+ \"end\"", &["endend", "xend"], &["end", "endx"]),
        ("root ::= \"a\"{2} | \"b\"{1,2} | \"c\"{2,} # comment\n", &["aa", "b", "bb", "cccc"], &["a", "aaa", "bbb", "c"]),
        ("root ::= \"\\x41\\u00e9\\U0001F525\" [^\\]\\n-] .", &["Aé🔥x\n", "Aé🔥é\""], &["Aé🔥]a", "Aé🔥-a", "Aé🔥\na"]),
        ("root ::= (\"a\" |\n  \"b\")? tail\ntail ::= \"/\"", &["a/", "b/", "/"], &["ab/", "a"]),
        ("root ::= \"(\" root \")\" | \"\"", &["", "()", "((()))"], &["(", "())"]),
        ("root ::= list\nlist ::= item (\", \" list)?\nitem ::= \"x\" | \"[\" list \"]\"", &["x, [x, [x]], x"], &["x,", "[x", "x, "]),
    ] {
        let compiled = Grammar::Text(grammar.to_owned());
        good.iter().for_each(|text| assert!(takes(&grammars, &compiled, text), "{grammar}: {text}"));
        bad.iter().for_each(|text| assert!(!takes(&grammars, &compiled, text), "{grammar}: {text}"));
    }
}

#[test]
fn a_grammar_that_is_refused_says_where() {
    let grammars = grammars();
    let refused = |text: &str| grammars.compile(&Grammar::Text(text.to_owned())).err().map(|error| error.to_string()).unwrap_or_default();
    for (text, expected) in [
        ("a ::= \"x\"", "the GBNF grammar is refused in line 1: there is no rule named root"),
        ("root ::= a\n\nb ::= \"x", "the GBNF grammar is refused in line 3: it ends too early"),
        ("root ::= a", "the GBNF grammar is refused in line 1: there is no rule named a"),
        ("root ::= (\"a\"", "the GBNF grammar is refused in line 1: a ( has no )"),
        ("root ::= \"a\")", "the GBNF grammar is refused in line 1: a ) has no ("),
        ("root ::= [z-a]", "the GBNF grammar is refused in line 1: a class is empty, or a range in it begins behind its end"),
        ("root ::= \"\\q\"", "the GBNF grammar is refused in line 1: \\q stands for nothing"),
        ("root ::= <think>", "the GBNF grammar is refused in line 1: tokens cannot be named"),
    ] {
        assert_eq!(refused(text), expected);
    }
    assert!(refused(&format!("root ::= {}\"a\"{}", "(".repeat(99), ")".repeat(99))).contains("nested more than 24 deep"));
    assert!(refused("start: \"a\" foo").starts_with("the grammar is refused: at 1(8): unknown name: \"foo\""));
    assert_eq!(refused(&"x".repeat(65_537)), "the grammar is 65537 bytes long, at most 65536 are taken");
}
