use super::*;
use crate::protocol::Channel;
use crate::tokenizer::Assembler;
use proptest::prelude::*;

const HARMONY: &str = "<|start|>system<|message|>..<|channel|>";
const GEMMA: &str = "<|turn>model <|channel>thought <channel|>";

/// An answer as a model writes it, and what it is made of.
struct Case {
    template: &'static str,
    /// How the prompt ends.
    prompt: &'static str,
    says: &'static str,
    thinking: &'static str,
    answer: &'static str,
}

const fn case(template: &'static str, prompt: &'static str, says: &'static str, thinking: &'static str, answer: &'static str) -> Case {
    Case { template, prompt, says, thinking, answer }
}

const CASES: &[Case] = &[
    case("", "assistant\n", "Plain.", "", "Plain."),
    case("", "assistant\n", " \n Blanks stay. \n", "", " \n Blanks stay. \n"),
    case("", "assistant\n", "\n", "", "\n"),
    // Without a word of it in the template, too.
    case("", "assistant\n", "<think>\nHm.\n\nSo.\n</think>\n\nYes.", "Hm.\n\nSo.", "Yes."),
    case("", "assistant\n", " \n<think></think>Yes.", "", "Yes."),
    // The prompt has begun it, or has closed it.
    case("", "assistant\n<think>\n", "Hm.</think>Yes.", "Hm.", "Yes."),
    case("", "assistant\n<think>\n\n</think>\n\n", "\nYes.", "", "Yes."),
    case("", "assistant\n<think>\n\n</think>\n\n", "<think>Yet.</think>Yes.", "Yet.", "Yes."),
    // In the middle of an answer a mark is text; so is one of another kind.
    case("", "", "The mark <think> begins and </think> ends.", "", "The mark <think> begins and </think> ends."),
    case("", "", "```\n<think>\n```", "", "```\n<think>\n```"),
    case("", "", "[THINK]No.[/THINK]", "", "[THINK]No.[/THINK]"),
    case("[THINK]", "", "[THINK]Hm.[/THINK]Yes.", "Hm.", "Yes."),
    case("[THINK]", "", "[THINK]a [THINK] b </think> c[/THINK]Yes.", "a [THINK] b </think> c", "Yes."),
    // Quoted in code, it ends nothing.
    case("", "", "<think>It is\n```\n</think>\n```\nin code.</think>Yes.", "It is\n```\n</think>\n```\nin code.", "Yes."),
    case("", "", "<think>`</think>` ends it.</think>Yes.", "`</think>` ends it.", "Yes."),
    case("", "", "<think>Cut", "Cut", ""),
    case("", "", "<think>Cut </thi", "Cut </thi", ""),
    case("", "", "<thin", "", "<thin"),
    case("", "", "<<think>", "", "<<think>"),
    case("", "", "<think>a</think>\n<think>b</think>c", "a\n\nb", "c"),
    case("", "", "</think>Yes.", "", "Yes."),
    case("'<think{}>'", "<think:opensource>", "Hm.</think:opensource>Yes.", "Hm.", "Yes."),
    case("<think> <response>", "", "<think>Hm.</think>\n<response>Yes.</response>\n", "Hm.", "Yes."),
    case("<think> <response>", "", "<response>Yes</response> or no.", "", "Yes</response> or no."),
    case(
        "[BEGIN FINAL RESPONSE] .. [END FINAL RESPONSE]",
        "",
        "Here are my reasoning steps:\nHm.\n[BEGIN FINAL RESPONSE]\nYes.\n[END FINAL RESPONSE]\n",
        "Hm.",
        "Yes.\n",
    ),
    case("[BEGIN FINAL RESPONSE]", "Here are my reasoning steps:\n", "Hm.\n[BEGIN FINAL RESPONSE]\nYes.", "Hm.", "Yes."),
    case("<|START_THINKING|> <|START_TEXT|>", "<|START_THINKING|>", "Hm.<|END_THINKING|><|START_TEXT|>Yes.<|END_TEXT|>", "Hm.", "Yes."),
    case("◁think▷", "", "◁think▷Hm.◁/think▷Yes.", "Hm.", "Yes."),
    case("<|inner_prefix|>", "", "<|inner_prefix|>Hm.<|inner_suffix|>Yes.", "Hm.", "Yes."),
    // Messages with headers.
    case(
        HARMONY,
        "<|start|>assistant",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
        "Hm.",
        "Yes.",
    ),
    case(HARMONY, "<|start|>assistant", "<|channel|>final<|message|>Yes.<|return|>", "", "Yes."),
    case(
        HARMONY,
        "<|start|>assistant",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
        "Hm.",
        "I look.\n\nYes.",
    ),
    case(HARMONY, "<|start|>assistant", "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>", "", "{}"),
    // Nothing outside of channels is lost.
    case(HARMONY, "<|start|>assistant", "Yes.", "", "Yes."),
    case(HARMONY, "<|start|>assistant", "Yes.<|end|>And more.", "", "Yes.\n\nAnd more."),
    case(HARMONY, "<|start|>assistant", "Yes.\nIt is so.", "", "Yes.\nIt is so."),
    case(HARMONY, "<|start|>assistant", "<|channel|>anal", "", ""),
    case(HARMONY, "<|start|>assistant", "<|channel|>final<|message|>Yes.<|end|> And more.", "", "Yes.\n\nAnd more."),
    case(
        "to=self <|start|><|message|>",
        "<|start|>assistant",
        " to=self<|message|>Hm.<|eom|><|start|>assistant to=user<|message|>Yes.",
        "Hm.",
        "Yes.",
    ),
    case("<|begin|><|think|><|content|>", "<|begin|>assistant", "<|think|>Hm.<|end|><|begin|>assistant<|content|>Yes.", "Hm.", "Yes."),
    case("<|begin|><|think|><|content|>", "<|begin|>assistant<|think|><|end|><|begin|>assistant", "<|content|>Yes.", "", "Yes."),
    case(GEMMA, "<|turn>model\n", "<|channel>thought\nHm.\n<channel|>Yes.", "Hm.", "Yes."),
    case(GEMMA, "<|turn>model\n<|channel>thought\n<channel|>", "Yes.", "", "Yes."),
    case(GEMMA, "<|channel>thought\nOld.<channel|>Old.<turn|>\n<|turn>model\n", "Yes.", "", "Yes."),
    case(
        "<|open|><|close|><|sep|>",
        "<|open|>message role=\"assistant\"<|sep|><|open|>think<|sep|>",
        "Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|><|close|>message<|sep|>",
        "Hm.",
        "Yes.",
    ),
    case("<|open|><|close|><|sep|>", "<|open|>response<|sep|>", "Yes.<|close|>response<|sep|>", "", "Yes."),
];

fn joined(pieces: Pieces) -> (String, String) {
    let of = |wanted| pieces.0.iter().filter(|(channel, _)| *channel == wanted).map(|(_, text)| text.as_str()).collect();
    (of(Channel::Thinking), of(Channel::Answer))
}

/// What is made of bytes that come in such pieces.
fn split(channels: &Channels, pieces: &[&[u8]]) -> (String, String) {
    let (mut assembler, mut splitter, mut out) = (Assembler::new(&[]), channels.splitter(), Pieces::default());
    for piece in pieces {
        out.extend(splitter.push(&assembler.push(piece).text));
    }
    out.extend(splitter.push(&assembler.finish().text));
    out.extend(splitter.finish());
    joined(out)
}

fn channels(case: &Case) -> Channels {
    Channels::find(case.template, case.prompt, false, |_| false)
}

#[test]
fn thinking_is_told_from_the_answer_however_the_bytes_are_cut() {
    for case in CASES {
        let (channels, bytes) = (channels(case), case.says.as_bytes());
        let expected = (case.thinking.to_owned(), case.answer.to_owned());
        for n in 1..=bytes.len() {
            let cut: Vec<&[u8]> = bytes.chunks(n).collect();
            assert_eq!(split(&channels, &cut), expected, "{:?} in pieces of {n}", case.says);
        }
        for at in 0..=bytes.len() {
            let (before, after) = bytes.split_at(at);
            assert_eq!(split(&channels, &[before, after]), expected, "{:?} cut at {at}", case.says);
        }
    }
}

#[test]
fn text_is_given_away_as_soon_as_it_is_certain() {
    let mut splitter = Channels::find("", "", false, |_| false).splitter();
    assert_eq!(splitter.push("\n<thi").0, []);
    assert_eq!(splitter.push("nk>Hm").0, [(Channel::Thinking, "Hm".to_owned())]);
    assert_eq!(splitter.channel(), Channel::Thinking);
    assert_eq!(splitter.push(". </").0, [(Channel::Thinking, ".".to_owned())]);
    assert_eq!(splitter.push("b>").0, [(Channel::Thinking, " </b>".to_owned())]);
    assert_eq!(splitter.push("</think>\n\nYes").0, [(Channel::Answer, "Yes".to_owned())]);
    assert_eq!(splitter.push(" \n").0, [(Channel::Answer, " \n".to_owned())]);
}

#[test]
fn control_tokens_are_marks_whatever_stands_around_them_and_their_text_never_shows() {
    let mut splitter = Channels::find("[THINK]", "", false, |_| true).splitter();
    let mark = |splitter: &Splitter, text: &str| splitter.mark(text.as_bytes()).unwrap();
    let (open, close) = (mark(&splitter, "[THINK]"), mark(&splitter, "[/THINK]"));
    assert!(splitter.mark(b"[INST]").is_none());
    let mut out = splitter.token(open, true);
    out.extend(splitter.push("```\ncode"));
    out.extend(splitter.token(close, true));
    out.extend(splitter.push("Yes."));
    out.extend(splitter.token(open, true));
    out.extend(splitter.push(" So."));
    out.extend(splitter.finish());
    assert_eq!(joined(out), ("```\ncode".to_owned(), "Yes. So.".to_owned()));
}

#[test]
fn what_messages_spell_is_text_where_the_vocabulary_has_tokens_for_it() {
    let mut splitter = Channels::find(HARMONY, "<|start|>assistant", false, |_| true).splitter();
    let mut out = Pieces::default();
    for mark in ["<|channel|>", "<|message|>"] {
        let token = splitter.mark(mark.as_bytes()).unwrap();
        out.extend(splitter.token(token, true));
        out.extend(splitter.push(if mark == "<|channel|>" { "final" } else { "A header: <|channel|>analysis<|message|>" }));
    }
    out.extend(splitter.finish());
    assert_eq!(joined(out), (String::new(), "A header: <|channel|>analysis<|message|>".to_owned()));
}

#[test]
fn an_answer_that_is_gone_on_with_has_no_marks() {
    for template in ["", HARMONY, GEMMA] {
        let mut splitter = Channels::find(template, "assistant said <think>", true, |_| true).splitter();
        let mut out = splitter.push(" <think>more");
        out.extend(splitter.finish());
        assert_eq!(out.0, [(Channel::Answer, " <think>more".to_owned())], "{template}");
    }
}

#[test]
fn no_mark_is_the_beginning_of_another() {
    let pairs = PAIRS.iter().flat_map(|p| [p.open, p.close]).chain(WRAPS.iter().flat_map(|w| [w.open, w.close]));
    let pairs: Vec<&str> = pairs.filter(|mark| !mark.is_empty()).collect();
    let formats = FORMATS.iter().map(|f| f.marks.iter().map(|(mark, _)| *mark).collect::<Vec<_>>());
    for marks in formats.chain([pairs]) {
        for (at, mark) in marks.iter().enumerate() {
            assert!(marks.iter().enumerate().all(|(other, m)| other == at || !m.starts_with(mark)), "{mark}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No text of marks and their halves comes out differently for being cut differently, and but for marks and white space
    /// at the edges nothing is lost where thinking comes first.
    #[test]
    fn how_text_is_cut_never_matters(
        template in proptest::sample::select(vec!["", "[THINK]<response>", HARMONY, GEMMA]),
        prompt in proptest::sample::select(vec!["", "<think>\n", "</think>", "<|start|>assistant", "<|channel>thought\n"]),
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "<think>", "</think>", "[THINK]", "[/THINK]", "<response>", "</response>", "<|channel|>", "<|message|>", "<|start|>", "<|end|>",
            "<|channel>", "<channel|>", "analysis", "final", "thought", "<", "</", "<|", ">", "`", "```", "\n", " ", "a", "é", "🎉", "◁think▷"]), 0..12),
        cuts in proptest::collection::vec(1usize..5, 1..20),
    ) {
        let channels = Channels::find(template, prompt, false, |_| false);
        let text = parts.concat();
        let (mut rest, mut pieces, mut cuts) = (text.as_bytes(), Vec::new(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let whole = split(&channels, &[text.as_bytes()]);
        prop_assert_eq!(&split(&channels, &pieces), &whole);
        // What stands in a message's header is the marks'.
        if template == HARMONY || template == GEMMA {
            return Ok(());
        }
        let letters = |text: &str| text.chars().filter(|c| matches!(c, 'é' | '🎉')).count();
        prop_assert_eq!(letters(&whole.0) + letters(&whole.1), letters(&text));
    }
}
