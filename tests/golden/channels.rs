//! Thinking in real templates: what each writes of an earlier answer is split as a model's own, and what each lets one
//! choose is found.

use super::renderings::{Golden, goldens};
use ingle::prompt::{Channels, Levels, Prompter, RenderInput, Template, read_vocab};
use ingle::protocol::{Channel, Message, Reasoning, Rendering, Role};
use ingle::tokenizer::Tokenizer;
use serde_json::json;

const THINKING: &str = "Two and two make four.";
const ANSWER: &str = "It is 4.";

/// Thinking under every name that some template reads it by.
fn input(golden: &Golden, answered: bool, variables: &[(&str, serde_json::Value)]) -> RenderInput {
    let mut answer = json!({"role": "assistant", "content": ANSWER});
    for name in ["reasoning_content", "reasoning", "thinking"] {
        answer[name] = THINKING.into();
    }
    let mut messages = vec![json!({"role": "user", "content": "2+2?"})];
    messages.extend(answered.then_some(answer));
    RenderInput {
        messages: messages.into(),
        add_generation_prompt: !answered,
        kwargs: variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        ..golden.input(&golden.cases()[0])
    }
}

fn split(channels: &Channels, text: &str) -> (String, String) {
    let mut splitter = channels.splitter();
    let mut pieces = splitter.push(text);
    pieces.extend(splitter.finish());
    let of = |wanted| pieces.0.iter().filter(|(channel, _)| *channel == wanted).map(|(_, text)| text.as_str()).collect();
    (of(Channel::Thinking), of(Channel::Answer))
}

#[test]
fn what_templates_write_of_thinking_is_split_as_they_write_it() {
    let variables = [("enable_thinking", json!(true)), ("thinking", json!(true)), ("reasoning_effort", json!("high"))];
    let (mut split_ones, mut others, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for golden in goldens() {
        let template = Template::new(golden.source.as_str());
        let render = |answered| template.render(&input(&golden, answered, &variables), None);
        let (Ok(prompt), Ok(whole)) = (render(false), render(true)) else { continue };
        let Some(says) = whole.strip_prefix(prompt.as_str()).filter(|says| says.contains(THINKING)) else {
            others.push(golden.name);
            continue;
        };
        // The answer's own end is a token at which generation stops.
        let end = says.find(ANSWER).map_or(says.len(), |at| at + ANSWER.len());
        let found = split(&Channels::find(&golden.source, &prompt, false, |_| false), &says[..end]);
        match found == (THINKING.to_owned(), ANSWER.to_owned()) {
            true => split_ones.push(golden.name),
            false => wrong.push(format!("{}: {says:?} gives {found:?}", golden.name)),
        }
    }
    eprintln!("golden/templates: thinking split in {}: {}", split_ones.len(), split_ones.join(" "));
    eprintln!("which do not write it into the answer they begin: {}", others.join(" "));
    assert!(wrong.is_empty() && !split_ones.is_empty(), "{}", wrong.join("\n"));
}

fn levels(golden: &Golden) -> Vec<Reasoning> {
    let template = Template::new(golden.source.as_str());
    let render =
        |variables: &serde_json::Map<_, _>| template.render(&RenderInput { kwargs: variables.clone(), ..input(golden, false, &[]) }, None);
    Levels::find(&golden.source, render).names()
}

#[test]
fn what_a_template_lets_one_choose_of_thinking_is_found() {
    use Reasoning::{High, Low, Medium, Off, On};
    let expected: &[(&str, &[Reasoning])] = &[
        ("Qwen-Qwen3-0.6B", &[Off, On]),
        ("HuggingFaceTB-SmolLM3-3B", &[Off, On]),
        ("microsoft-Phi-3.5-mini-instruct", &[]),
        ("Qwen-Qwen2.5-7B-Instruct", &[]),
        ("openai-gpt-oss-120b", &[Low, Medium, High]),
        ("muse-glimmer", &[Low, Medium, High]),
        ("deepseek-ai-DeepSeek-V3.1", &[Off, On]),
        ("deepseek-ai-DeepSeek-V4-Flash-0731", &[Off, On, High]),
        ("GLM-4.7-Flash", &[Off, On]),
        ("google-gemma-4-31B-it", &[Off, On]),
        ("ibm-granite-granite-3.3-2B-Instruct", &[Off, On]),
        ("tencent-Hy3", &[Off, Low, High]),
        ("Kimi-K3", &[Off, On, Low, High]),
        ("MiniMax-M3", &[Off, On]),
        ("inclusionai-ling-3.0-flash", &[Off, On]),
        ("ByteDance-Seed-OSS", &[Off, On, Low, Medium, High]),
        ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", &[Off, On]),
        ("llama-cpp-deepseek-r1", &[]),
    ];
    let mut n = 0;
    for golden in goldens() {
        let found = levels(&golden);
        eprintln!("{}: {found:?}", golden.name);
        if let Some((_, wanted)) = expected.iter().find(|(name, _)| *name == golden.name) {
            assert_eq!(found, *wanted, "{}", golden.name);
            n += 1;
        }
    }
    assert!(n >= 3);
}

/// The guide's vocabulary with this template: which tokens a text has does not matter here.
fn prompter(golden: &Golden) -> Prompter {
    let vocab = read_vocab(&ingle::gguf::guide().unwrap()).unwrap();
    Prompter::of(Tokenizer::new(vocab).unwrap(), Template::new(golden.source.as_str()), None)
}

fn message(role: Role, content: &str, thinking: Option<&str>) -> Message {
    Message { thinking: thinking.map(str::to_owned), ..Message::new(role, content) }
}

#[test]
fn earlier_thinking_is_the_templates_to_keep_or_to_drop() {
    let keeps: &[(&str, bool)] = &[
        ("Qwen-Qwen3-0.6B", false),
        ("HuggingFaceTB-SmolLM3-3B", false),
        ("openai-gpt-oss-120b", false),
        ("deepseek-ai-DeepSeek-V3.1", false),
        ("GLM-4.7-Flash", false),
        ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", false),
        ("google-gemma-4-31B-it", false),
        ("muse-glimmer", true),
        ("Kimi-K3", true),
        ("Cohere2MoE", true),
    ];
    let said = [message(Role::User, "2+2?", None), message(Role::Assistant, ANSWER, Some(THINKING)), message(Role::User, "And 3+3?", None)];
    let now = jiff::civil::date(2026, 1, 2).at(3, 4, 5, 0);
    let mut n = 0;
    for golden in goldens() {
        let Some((_, keep)) = keeps.iter().find(|(name, _)| *name == golden.name) else { continue };
        let text = prompter(&golden).prompt(&said, &Rendering::default(), true, now).unwrap().text;
        assert!(text.contains(ANSWER), "{}: {text}", golden.name);
        assert_eq!(text.contains(THINKING), *keep, "{}: {text}", golden.name);
        n += 1;
        // An answer that goes on keeps what was thought before it, under the name that the template reads.
        if ["openai-gpt-oss-120b", "Qwen-Qwen3-0.6B"].contains(&golden.name.as_str()) {
            let half = [message(Role::User, "2+2?", None), message(Role::Assistant, "It is", Some(THINKING))];
            let prompt = prompter(&golden).continue_last(&half, &Rendering::default(), now).unwrap();
            assert!(prompt.text.contains(THINKING) && prompt.text.ends_with("It is"), "{}: {}", golden.name, prompt.text);
            assert_eq!(split(&prompt.channels, " 4. <think>"), (String::new(), " 4. <think>".to_owned()));
        }
    }
    assert!(n >= 2);
}
