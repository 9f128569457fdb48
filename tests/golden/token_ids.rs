//! The vocabularies of golden/tokenizers: every id, piece, text and end token equal to llama.cpp's.

use ingle::gguf::Gguf;
use ingle::prompt::read_vocab;
use ingle::tokenizer::Tokenizer;
use serde_json::Value;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the whole folder is there, it has so many vocabularies, and so many answers were compared.
const N_FILES: usize = 117;
const N_ANSWERS: usize = 133_112;

/// Ways to turn ids into text: (remove_special, unparse_special), in the files' order.
const DETOKENIZE: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

/// Compares and remembers what differed.
#[derive(Default)]
struct Tally {
    n: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn same<T: PartialEq + Debug>(&mut self, what: impl FnOnce() -> String, found: T, expected: T) {
        self.n += 1;
        if found != expected {
            self.wrong.push(format!("{}: found {found:?}, expected {expected:?}", what()));
        }
    }
}

#[test]
fn all_ids_and_texts_are_llama_cpps() {
    let folder = super::folder("tokenizers");
    let strings: Vec<String> = serde_json::from_value(json(&folder.join("strings.json"))).unwrap();
    let (mut n_files, mut n_same, mut wrong) = (0, 0, Vec::new());
    super::head(&["vocabulary", "kind", "answers", "equal", ""]);
    for path in vocabularies(&folder) {
        let golden = json(&path);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let gguf = Gguf::open(&folder.join(golden["gguf"].as_str().unwrap())).unwrap();
        let tokenizer = read_vocab(&gguf).and_then(Tokenizer::new).unwrap_or_else(|e| panic!("{name}: {e}"));
        let tally = compare(&tokenizer, &golden, &strings);
        n_files += 1;
        let same = tally.n - tally.wrong.len();
        let verdict = if same == tally.n { "pass" } else { "FAIL" };
        super::row(&[&name, tokenizer.kind_name(), &tally.n.to_string(), &same.to_string(), verdict]);
        n_same += same;
        wrong.extend(tally.wrong.into_iter().map(|w| format!("{name}: {w}")));
    }
    eprintln!("golden/tokenizers: {n_files} vocabularies, {n_same} answers equal");
    assert!(wrong.is_empty(), "{} answers differ, the first:\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
    assert!(n_files < N_FILES || n_same == N_ANSWERS, "{n_same} answers of {n_files} vocabularies, expected {N_ANSWERS}");
}

/// The block `tokenizer` of `ingle show --json` is a file's `info`, key for key.
#[test]
fn show_says_what_llama_cpp_says() {
    let folder = super::folder("tokenizers");
    for path in vocabularies(&folder) {
        let golden = json(&path);
        let file = folder.join(golden["gguf"].as_str().unwrap());
        let output = Command::new(env!("CARGO_BIN_EXE_ingle")).args(["show", "--json"]).arg(&file).output().unwrap();
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["tokenizer"], golden["info"], "{}", file.display());
    }
}

/// The files of golden/hostile whose vocabulary is what is wrong with them: refused, and the offender named.
#[test]
fn hostile_vocabularies_are_named() {
    let folder = super::folder("hostile");
    let expected = json(&folder.join("expect.json"));
    let mut n = 0;
    for (name, file) in expected["files"].as_object().unwrap() {
        let is_about_it = file["class"] == "tokenizer" || file["load"] == "accept";
        if !is_about_it {
            continue;
        }
        n += 1;
        let gguf = Gguf::open(&folder.join(name)).unwrap();
        let made = read_vocab(&gguf).and_then(Tokenizer::new);
        if file["load"] == "accept" {
            let ids = made.unwrap_or_else(|e| panic!("{name}: {e}")).encode("a", true, true);
            assert!(!ids.is_empty(), "{name}");
            continue;
        }
        let said = made.err().unwrap_or_else(|| panic!("{name} is accepted")).report().to_string();
        for offender in file["load_names"].as_array().unwrap() {
            assert!(said.contains(offender.as_str().unwrap()), "{name}: {said}");
        }
    }
    assert!(n >= 4, "{n} files are about vocabularies");
}

fn vocabularies(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json") && !p.ends_with("strings.json"));
    paths.sort();
    paths
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn compare(tokenizer: &Tokenizer, golden: &Value, strings: &[String]) -> Tally {
    let mut tally = Tally::default();
    facts(tokenizer, &golden["info"], &mut tally);
    let tests = golden["tests"].as_array().unwrap();
    for test in tests {
        let (special, parse) = (test["add_special"].as_bool().unwrap(), test["parse_special"].as_bool().unwrap());
        let text = text_of(test, strings);
        tally.same(|| format!("{text:?}, {special}, {parse}"), tokenizer.encode(text, special, parse), ids(&test["ids"]));
    }
    for (id, hex) in golden["pieces"].as_object().into_iter().flatten() {
        let hex = hex.as_array().unwrap();
        for (special, hex) in [(false, &hex[0]), (true, &hex[hex.len() - 1])] {
            let piece = tokenizer.piece(id.parse().unwrap(), special).to_vec();
            tally.same(|| format!("piece {id}, {special}"), piece, bytes(hex.as_str().unwrap()));
        }
    }
    for entry in golden["detok"].as_array().unwrap() {
        let test = &tests[entry["test"].as_u64().unwrap() as usize];
        let text = text_of(test, strings);
        for (i, (remove, unparse)) in DETOKENIZE.into_iter().enumerate() {
            let hex = entry["hex"].as_array().map_or(&Value::Null, |all| &all[i.min(all.len() - 1)]);
            let expected = hex.as_str().map_or_else(|| text.as_bytes().to_vec(), bytes);
            tally.same(|| format!("{text:?} back"), tokenizer.decode(&ids(&test["ids"]), remove, unparse), expected);
        }
    }
    tally
}

fn facts(tokenizer: &Tokenizer, info: &Value, tally: &mut Tally) {
    let number = |id: Option<u32>| id.map_or(-1, i64::from);
    for (name, found) in [
        ("n_tokens", tokenizer.n_tokens() as i64),
        ("bos", number(tokenizer.bos())),
        ("eos", number(tokenizer.eos())),
        ("nl", number(tokenizer.nl())),
        ("pad", number(tokenizer.pad())),
        ("add_bos", tokenizer.add_bos().into()),
        ("add_eos", tokenizer.add_eos().into()),
    ] {
        tally.same(|| name.to_owned(), found, info[name].as_i64().unwrap());
    }
    tally.same(|| "type".to_owned(), tokenizer.kind_name(), info["type"].as_str().unwrap());
    tally.same(|| "eog".to_owned(), tokenizer.eog().iter().copied().collect(), ids(&info["eog"]));
}

/// A test's string: itself or its place in the shared list.
fn text_of<'t>(test: &'t Value, strings: &'t [String]) -> &'t str {
    match &test["text"] {
        Value::String(text) => text,
        place => &strings[place.as_u64().unwrap() as usize],
    }
}

fn ids(list: &Value) -> Vec<u32> {
    list.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}
