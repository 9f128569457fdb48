use crate::protocol::{Command, ModelFacts, ModelRef, Report};
use crate::shelf::ModelEntry;
use crate::tui::app::Action;
use crate::tui::stage::Stage;

fn entry(name: &str, quantization: &str, gib: f64, place: &'static str) -> ModelEntry {
    ModelEntry {
        reference: ModelRef::File(format!("/models/{name}-{quantization}.gguf").into()),
        name: name.to_owned(),
        origin: Some("someone".to_owned()),
        place,
        quantization: quantization.to_owned(),
        bytes: (gib * (1u64 << 30) as f64) as u64,
        facts: Some(ModelFacts {
            architecture: "llama".to_owned(),
            n_params: 3_210_000_000,
            n_ctx_train: 131_072,
            has_template: true,
            licence: Some("llama3.2".to_owned()),
            ..ModelFacts::default()
        }),
        params: crate::protocol::Settings::default(),
        problem: None,
    }
}

fn with_shelf() -> Stage {
    let mut stage = Stage::ready(80, 24);
    let mut broken = entry("Half-a-file", "", 1.2, "folder");
    broken.facts = None;
    broken.problem = Some(Report::new("Half-a-file.gguf ends inside tensor blk.3.ffn_up.weight", "Pull it again"));
    let guide = ModelEntry {
        reference: ModelRef::Guide,
        name: "guide".to_owned(),
        origin: None,
        place: "ingle itself",
        quantization: "Q8_0".to_owned(),
        bytes: 11 << 20,
        facts: None,
        params: crate::protocol::Settings::default(),
        problem: None,
    };
    stage.act(Action::Shelf(vec![
        guide,
        broken,
        entry("Llama-3.2-1B-Instruct", "Q4_K_M", 0.75, "Hugging Face"),
        entry("Llama-3.2-3B-Instruct", "Q4_K_M", 1.88, "Hugging Face"),
        entry("Llama-3.1-8B-Instruct", "Q4_K_M", 4.58, "Ollama"),
        entry("DeepSeek-R1-Distill-Llama-8B", "Q4_K_M", 4.58, "LM Studio"),
        entry("Llama-2-7B-Chat", "Q4_0", 3.56, "GPT4All"),
    ]));
    stage
}

#[test]
fn a_model_is_picked_by_a_few_letters() {
    let mut stage = with_shelf();
    stage.keys("<f2>3b ins<enter>");
    let commands = stage.commands();
    let [Command::Load { model: ModelRef::File(path), .. }] = &commands[..] else { panic!("{commands:?}") };
    assert!(path.ends_with("Llama-3.2-3B-Instruct-Q4_K_M.gguf"));
}

#[test]
fn a_broken_file_says_why() {
    let mut stage = with_shelf();
    stage.keys("<f2>half");
    let text = stage.text();
    assert!(text.contains("ends inside tensor") && text.contains("Pull it"), "{text}");
}

#[test]
fn another_answer_by_another_model() {
    let mut stage = with_shelf();
    stage.exchange("question", "answer");
    stage.keys("<ctrl-x>R2-1b<enter>");
    assert!(matches!(stage.commands()[..], [Command::Load { .. }]));
    stage.loaded("Llama-3.2-1B", "Q4_K_M");
    assert!(stage.commands().iter().any(|c| matches!(c, Command::Generate { .. })));
    assert!(stage.text().contains("‹ 2/2 ›"));
}

#[test]
fn a_load_that_was_overtaken_is_let_go() {
    let mut stage = with_shelf();
    stage.keys("/model Llama-2-7B-Chat<enter>");
    let first = stage.app.models.loading.clone().unwrap().job;
    stage.keys("/model guide<enter>");
    assert!(stage.commands().iter().any(|c| matches!(c, Command::Cancel { target, .. } if *target == first)));
}

#[test]
fn the_welcome_says_what_was_found() {
    let stage = with_shelf();
    assert!(stage.text().contains("5 models found on this machine, F2"));
}

#[test]
fn looks() {
    let mut stage = with_shelf();
    stage.screen("welcome_with_models");
    stage.keys("<f2><down><down>");
    stage.screen("models");
    stage.keys("llama 3");
    stage.screen("models_filtered");
    stage.keys("<enter>");
    let job = stage.app.models.loading.clone().unwrap().job;
    stage.engine(crate::protocol::Event::LoadProgress { job, fraction: 0.62 });
    stage.screen("models_loading");
}
