use super::*;
use crate::gauges::{Gpu, Machine};
use crate::tui::app::{Action, Effect};
use crate::tui::keymap::Intent;
use crate::tui::stage::Stage;
use std::collections::HashSet;

fn machine() -> Machine {
    let mut machine = Machine::default();
    machine.process.resident_bytes = Some(1_224_065_679);
    machine.process.mapped_bytes = Some(805_306_368);
    machine.system.memory_available_bytes = Some(23_500_000_000);
    machine.system.memory_total_bytes = Some(33_500_000_000);
    machine.system.cpu_percent = Some(74.0);
    machine.gpus.push(Gpu {
        name: "NVIDIA GeForce RTX 4090".to_owned(),
        load_percent: Some(64),
        vram_total_bytes: Some(24 << 30),
        vram_used_bytes: Some(7_730_941_132),
        power_w: Some(181.0),
        temperature_c: Some(61),
        ..Gpu::default()
    });
    machine
}

#[test]
fn rows_are_sound() {
    let mut ids = HashSet::new();
    for gauge in GAUGES {
        assert!(ids.insert(gauge.id), "{} stands twice", gauge.id);
        assert!(!gauge.meaning.is_empty() && !gauge.meaning.ends_with('.'), "{}", gauge.id);
    }
}

#[test]
fn the_type_of_the_cache_is_said_where_it_is_not_the_usual_one() {
    use crate::protocol::{CacheType, Ledger};
    let said = |k, v| Ledger { cache_type_k: k, cache_type_v: v, ..Ledger::default() }.unusual_cache();
    assert_eq!(said(CacheType::F16, CacheType::F16), None);
    assert_eq!(said(CacheType::Q8_0, CacheType::Q8_0).as_deref(), Some("q8_0"));
    assert_eq!(said(CacheType::Q8_0, CacheType::F16).as_deref(), Some("q8_0/f16"));
    let mut stage = Stage::ready(160, 50);
    let model = stage.app.models.current.as_ref().unwrap().id;
    let ledger = Ledger { kv: 1 << 20, cache_type_k: CacheType::Q8_0, cache_type_v: CacheType::Q8_0, ..Ledger::default() };
    stage.engine(crate::protocol::Event::Ledger { model, ledger });
    stage.wait(1_000);
    assert!(stage.text().contains("KV q8_0"), "{}", stage.text());
}

#[test]
fn rates_count_the_last_second_and_the_whole_answer() {
    let mut rate = Rate::default();
    assert_eq!((rate.now(0), rate.mean()), (None, None));
    for token in 0..41 {
        rate.add(1, 1_000 + token * 50);
    }
    assert_eq!(rate.now(3_000), Some(20.0));
    assert_eq!(rate.mean(), Some(20.0), "(n - 1) over first to last");
    assert_eq!(rate.now(3_500), Some(10.0), "it falls while nothing comes");
    assert_eq!(rate.now(9_000), Some(0.0));
    assert_eq!(rate.spark().collect::<Vec<_>>(), [20.0, 20.0]);
}

#[test]
fn figures_change_at_most_four_times_a_second() {
    let mut stage = Stage::ready(160, 50);
    stage.say("hi");
    let mut seen = Vec::new();
    for _ in 0..20 {
        stage.tokens("word ");
        seen.push(stage.app.gauges.shown.decode_mean);
    }
    seen.dedup();
    assert!(seen.len() <= 6, "a second of tokens showed {} figures", seen.len());
}

#[test]
fn the_parts_of_memory_add_up_to_what_is_resident() {
    let mut stage = Stage::ready(160, 50);
    stage.act(Action::Machine(Box::new(machine())));
    let text = stage.text();
    let gib = |name: &str| -> f64 {
        let line = text.lines().find(|l| l.contains(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit_once(" GiB").and_then(|(l, _)| l.rsplit(' ').next()).and_then(|n| n.parse().ok()).expect("a figure")
    };
    let sum = gib("weights Q8_0") + gib("KV") + gib("scratch") + gib("other");
    assert!((sum - gib("memory")).abs() < 0.03, "{sum}");
}

#[test]
fn levels_go_round_and_the_panel_can_be_frozen() {
    let mut stage = Stage::ready(160, 50);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(stage.app.layout().level);
        stage.keys("<ctrl-t>");
    }
    assert_eq!(
        seen,
        [crate::tui::app::Level::Panel, crate::tui::app::Level::Full, crate::tui::app::Level::Line, crate::tui::app::Level::Strip]
    );
    let env = crate::tui::app::Env::new(9_000, 0, 0, 1);
    stage.app.perform(Intent::Freeze, &env);
    stage.act(Action::Machine(Box::new(machine())));
    assert_eq!(stage.app.gauges.shown.machine, Machine::default());
}

#[test]
fn the_machine_is_looked_at_only_while_somebody_sees_it() {
    let mut stage = Stage::ready(80, 24);
    assert!(!stage.app.watching, "a status line alone, and nothing runs");
    stage.say("hi");
    assert!(stage.app.watching);
    stage.finish(crate::protocol::FinishReason::Done);
    assert!(!stage.app.watching);
    stage.keys("<ctrl-t>");
    assert!(stage.app.watching);
    stage.act(Action::Focused(false));
    assert!(!stage.app.watching);
}

/// Nothing runs and nobody touches it: no reading, no wake-up, and the panel says that its figures are old.
#[test]
fn left_alone_the_gauges_rest_until_something_happens() {
    let mut stage = Stage::ready(160, 50);
    stage.act(Action::Machine(Box::new(machine())));
    assert!(stage.app.watching && !stage.text().contains("at rest"));
    let at = stage.app.wake_at_ms().expect("the moment when they begin to rest");
    stage.wait(at - stage.now_ms);
    assert_eq!(stage.effects().pop(), Some(Effect::Watch(false)));
    assert_eq!(stage.app.wake_at_ms(), None);
    assert!(stage.text().contains("at rest") && stage.text().contains("64%"), "what was read last stays: {}", stage.text());
    stage.keys("x");
    assert_eq!(stage.effects().pop(), Some(Effect::Watch(true)));
    assert!(!stage.text().contains("at rest"));
}

#[test]
fn whoever_goes_to_the_panel_watches_on() {
    let mut stage = Stage::ready(160, 50);
    stage.keys("<tab>");
    stage.wait(3_600_000);
    assert!(stage.app.watching && stage.app.wake_at_ms().is_none());
    stage.keys("<tab>");
    stage.wait(3_600_000);
    assert!(!stage.app.watching);
    stage.say("hi");
    stage.wait(3_600_000);
    assert!(stage.app.watching, "an answer runs, however long it takes");
}

#[test]
fn looks() {
    let mut stage = Stage::ready(80, 24);
    stage.act(Action::Machine(Box::new(machine())));
    stage.screen("gauges_idle");
    stage.say("hi");
    let job = stage.job();
    let prefill = crate::protocol::Event::PrefillProgress { job, done: 1_204, total: 8_000, reused: 980, rate: Some(412.0) };
    stage.engine(prefill);
    stage.wait(300);
    stage.screen("gauges_prefill");
    for n in 0..60 {
        stage.tokens("word ");
        stage.now_ms += n * 2;
    }
    stage.wait(300);
    stage.screen("gauges_decode");
    stage.app.level = Some(crate::tui::app::Level::Strip);
    stage.screen("gauges_strip");
    stage.app.level = Some(crate::tui::app::Level::Full);
    stage.screen("gauges_full");
}

#[test]
fn a_level_that_is_named_is_kept_and_one_gone_to_is_not() {
    let mut stage = Stage::ready(160, 50);
    stage.keys("<ctrl-t>");
    assert!(!stage.effects().iter().any(|e| matches!(e, Effect::Keep { .. })));
    stage.keys("/gauges strip<enter>");
    assert!(stage.effects().contains(&Effect::Keep { name: "gauges", value: "strip".to_owned() }));
    stage.act(Action::Resize(crate::tui::app::Size { columns: 60, rows: 14 }));
    stage.keys("/gauges panel<enter>");
    assert!(!stage.effects().iter().any(|e| matches!(e, Effect::Keep { .. })), "there is no room for it");
}

#[test]
fn the_panels_keys_choose_freeze_and_enlarge_a_gauge() {
    let mut stage = Stage::ready(160, 50);
    stage.exchange("question", "an answer to be covered");
    stage.keys("<tab><tab>");
    assert_eq!(stage.app.focus, crate::tui::app::Focus::Panel);
    stage.keys("jjj");
    for second in 0..10 {
        let mut machine = machine();
        machine.process.resident_bytes = Some(1_000_000_000 + second * 50_000_000);
        stage.act(Action::Machine(Box::new(machine)));
    }
    let before = stage.text();
    assert!(before.contains("│›memory"), "{before}");
    stage.keys("e");
    let text = stage.text();
    assert!(text.contains("memory: Resident memory of this process") && !text.contains("an answer to be covered"), "{text}");
    stage.snapshot("gauges_enlarged");
    stage.keys("k");
    assert!(stage.text().contains("context: Tokens in the KV cache"));
    stage.keys("f");
    assert!(stage.app.gauges.frozen);
    stage.act(Action::Machine(Box::default()));
    assert!(stage.text().contains("1.35 GiB"), "frozen figures stay");
    stage.keys("f<esc>");
    assert_eq!((stage.app.enlarged(), stage.app.focus), (None, crate::tui::app::Focus::Panel), "Escape makes it small first");
    stage.keys("<enter><tab>");
    assert_eq!(stage.app.enlarged(), None, "who goes elsewhere sees the conversation");
    stage.keys("<ctrl-x>E");
    assert_eq!(stage.app.enlarged(), Some(2));
    stage.act(Action::Resize(crate::tui::app::Size { columns: 80, rows: 24 }));
    assert_eq!(stage.app.enlarged(), None, "no room for gauges");
    stage.app.level = Some(crate::tui::app::Level::Full);
    stage.keys("<ctrl-x>E");
    stage.snapshot("gauges_enlarged");
    stage.keys("<esc><esc>");
    stage.app.level = None;
    stage.keys("<ctrl-x>E");
    assert!(stage.text().contains("the gauges are not on the screen; Ctrl+T"));
}

#[test]
fn guesses_that_came_true_are_told_while_they_come() {
    let mut stage = Stage::ready(132, 38);
    stage.say("hi");
    let job = stage.job();
    assert!(!stage.text().contains("spec"), "nothing was guessed: {}", stage.text());
    stage.engine(crate::protocol::Event::Drafted { job, drafted: 168, accepted: 120 });
    stage.wait(300);
    assert_eq!(stage.text().matches("spec 71%").count(), 2, "in the panel and in the status line: {}", stage.text());
}
