use super::*;

fn found(house: &House, words: &str) -> Vec<String> {
    house.reader().search(words, 9).unwrap().into_iter().map(|h| h.snippet.replace(FOUND_START, "<").replace(FOUND_END, ">")).collect()
}

#[test]
fn words_are_found_wherever_they_stand() {
    let mut house = House::new();
    let at = house.ask("How do I keep a fire at night?");
    house.answer(at, "Bank the embers with ash; they stay hot until morning.");
    house.ask("Où est le café? 炉の火を守る人");
    assert_eq!(found(&house, "embers"), ["Bank the <embers> with ash; they stay hot until morning."]);
    assert_eq!(found(&house, "hot emb"), ["Bank the <embers> with ash; they stay <hot> until morning."], "the last as a beginning");
    assert!(found(&house, "embers water").is_empty(), "all words");
}

#[test]
fn what_was_thought_is_not_looked_through() {
    let mut house = House::new();
    let at = house.ask("How do I keep a fire?");
    let node = house.node();
    house.stored(Write::Begin(new(node, at.0, Some(at.1), Role::Assistant, "")));
    house.write(Write::Grow { node, channel: Channel::Thinking, text: "pondering ash".to_owned(), tokens: Vec::new() });
    house.write(grow(node, "Under ash."));
    house.stored(end(node));
    assert!(found(&house, "pondering").is_empty());
    assert_eq!(found(&house, "ash"), ["Under <ash>."]);
}

#[test]
fn signs_are_no_operators() {
    let mut house = House::new();
    house.ask("say \"NOT a* AND (b\" OR c:d");
    for words in ["\"", "NOT", "a* AND", "(b", "c:d", "*", "-", "^x", "NEAR(a b)", "", "   ", "'; DROP TABLE node; --"] {
        let _ = found(&house, words);
    }
    assert_eq!(found(&house, "AND").len(), 1);
}

#[test]
fn parts_of_words_and_scripts_without_spaces_are_found_by_reading() {
    let mut house = House::new();
    house.ask("Où est le café? 炉の火を守る人");
    house.ask("100% sure_thing");
    assert_eq!(found(&house, "火を"), ["Où est le café? 炉の<火を>守る人"]);
    assert_eq!(found(&house, "cafe"), ["Où est le <café>? 炉の火を守る人"], "marks do not matter");
    assert_eq!(found(&house, "0% sure_th"), ["10<0% sure_th>ing"]);
    assert_eq!(found(&house, "%"), ["100<%> sure_thing"]);
    assert!(found(&house, "absent").is_empty());
}

#[test]
fn conversations_are_found_by_id_and_title_and_listed_by_age() {
    let mut house = House::new();
    let (first, _) = house.ask("about 100% fires");
    let (second, _) = house.ask("about water");
    let titles = |rows: Vec<ConversationRow>| rows.into_iter().map(|r| r.title).collect::<Vec<_>>();
    let find = |text: &str| titles(house.reader().find(text).unwrap());
    assert_eq!(find("FIRES"), ["about 100% fires"]);
    assert_eq!(find("%"), ["about 100% fires"]);
    assert_eq!(find(&second.0.to_string()), ["about water"]);
    assert_eq!(find(&first.0.simple().to_string()[..32]), ["about 100% fires"]);
    assert!(find("nothing").is_empty());
    assert_eq!(house.reader().conversations(1).unwrap().len(), 1);
    assert_eq!(house.reader().typed(9).unwrap(), ["about water", "about 100% fires"]);
}

#[test]
fn a_title_is_the_first_words() {
    assert_eq!(title_of("\n\n  short   one \nmore"), "short one");
    assert_eq!(title_of(""), "");
    let long = "word ".repeat(40);
    assert_eq!(title_of(&long), format!("{}…", ["word"; 12].join(" ")));
    assert_eq!(title_of(&"x".repeat(200)).chars().count(), 60);
}

#[test]
fn a_conversation_is_exported_for_people_and_programs() {
    let mut house = House::new();
    let at = house.ask("What\nis it?");
    house.answer(at, "An alternative.");
    house.answer(at, "```\ncode\n```\n");
    let conversation = house.conversation(at.0);
    let text = export(&conversation, ExportFormat::Markdown);
    let wanted = "# What\n\n## you, 2026-01-01 00:00 UTC\n\nWhat\nis it?\n\n## assistant, 2026-01-01 00:00 UTC\n\n```\ncode\n```\n";
    assert_eq!(text, wanted);
    let json: serde_json::Value = serde_json::from_str(&export(&conversation, ExportFormat::Json)).unwrap();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 3, "the whole tree");
    assert_eq!(json["nodes"][1]["status"], "done");
    assert_eq!(json["conversation"]["title"], "What");
}
