//! `ingle run [MODEL] [PROMPT]`: one answer, as plain text, for pipes and scripts.

use super::shell::client::{Client, Ended, Loaded};
use super::shell::env::Env;
use super::shell::failure::{Failure, print_warning};
use super::shell::input;
use super::shell::setting_flags::SettingFlags;
use crate::protocol::{
    Channel, Command, Effective, Event, FinishReason, Input, Message, ModelRef, Offer, Reasoning, Report, Role, Setting, Source,
    Statistics, TEMPLATE_NAMES, TEMPLATE_OWN, Value, resolve,
};
use crate::shelf;
use crate::text::Shown;
use crate::text::sanitizer::{Breaks, Sanitizer};
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Columns of a setting's value among the figures.
const VALUE_COLUMNS: usize = 60;

/// Answer a question
///
/// The question is standard input, then a blank line, then PROMPT. The answer alone goes to standard output, as it is
/// generated; thinking and figures go to standard error. Without MODEL: INGLE_MODEL, the config's model, or the guide.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    model: Option<String>,
    /// The question; `-` is standard input
    prompt: Option<String>,
    /// Print durations and rates on standard error
    #[arg(long, short)]
    verbose: bool,
    /// Print the statistics as JSON on standard error
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let question = question(args.prompt.as_deref())?;
    let reference = env.named_model(args.model.as_deref())?.unwrap_or(ModelRef::Guide);
    let per_model = env.model_settings(&reference, args.model.as_deref());
    let said = [(Source::Command, &args.settings.0), (Source::Model, &per_model), (Source::Config, &env.config().settings)];
    let params = shelf::params_beside(&reference);
    let mut client = Client::start()?;
    let at_load = resolve(&said);
    let draft = Some(at_load.text("model_draft")).filter(|text| !text.is_empty()).map(|text| env.model(text)).transpose()?;
    let loaded = client.load(reference, draft, at_load.load_options())?;
    let recommended = [(Source::Ollama, &params), (Source::File, &loaded.facts.recommended)];
    let effective = resolve(&[said.as_slice(), &recommended].concat());
    let system = Some(effective.text("system_prompt")).filter(|text| !text.is_empty());
    let mut messages: Vec<Message> = system.map(|text| Message::new(Role::System, text)).into_iter().collect();
    messages.push(Message::new(Role::User, question));
    let mut writer = Writer::new(env.json);
    let rendering = effective.rendering();
    say_notes(&args, &loaded, rendering.reasoning);
    let asked = client.ask(
        |job| Command::Generate {
            job,
            model: loaded.id,
            conversation: None,
            input: Input::Messages { messages, rendering },
            sampling: Box::new(effective.sampling()),
            limits: effective.limits(),
            logprobs: None,
        },
        |event| writer.event(&event),
    );
    let ended = asked.map_err(by_flags)?;
    writer.finish(&ended)?;
    if ended.reason == FinishReason::Context {
        let what = format!("the answer was cut: the context of {} tokens is full", loaded.facts.n_ctx);
        print_warning(&Report::new(what, "Raise it with --ctx-size"));
    }
    say_figures(&args, &loaded, &effective, ended.statistics.as_deref());
    Ok(())
}

/// What a person should know of the model before its answer; and that a wish cannot be told to it.
fn say_notes(args: &Arguments, loaded: &Loaded, reasoning: Reasoning) {
    for note in &loaded.facts.notes {
        print_warning(&Report::new(note.clone(), ""));
    }
    let offered = &loaded.facts.reasoning;
    let said = args.settings.0.0.contains_key("reasoning") && reasoning != Reasoning::Auto;
    if said && !offered.contains(&reasoning) {
        let names: Vec<&str> = offered.iter().map(|level| level.name()).collect();
        print_warning(&match names.as_slice() {
            [] => Report::new("this model's template has no switch for thinking", "--reasoning changes nothing here"),
            names => {
                let what = format!("this model's template knows thinking {}, not {}", names.join(", "), reasoning.name());
                Report::new(what, "The nearest is taken")
            }
        });
    }
}

/// The remedies that a command line has.
fn by_flags(failure: Failure) -> Failure {
    let Failure::Report(report) = failure else { return failure };
    let remedy = match report.offer.as_deref() {
        None => return Failure::Report(report),
        Some(Offer::Context { .. }) => "Raise it with --ctx-size, or ask for less".to_owned(),
        Some(Offer::Template) => {
            let names: Vec<&str> = TEMPLATE_NAMES.iter().copied().filter(|name| *name != TEMPLATE_OWN).collect();
            format!("Try --merge-system, or --chat-template with one of {}", names.join(", "))
        }
    };
    Failure::Report(Report { remedy, ..report })
}

/// What was piped in, a blank line, what was written.
fn question(prompt: Option<&str>) -> Result<String, Failure> {
    let prompt = prompt.filter(|text| *text != "-");
    let parts = [input::piped_text()?, prompt.map(str::to_owned)];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|text| !text.trim().is_empty()).collect();
    if parts.is_empty() {
        let report = Report::new("there is no question", "Write one, as `ingle run guide \"What is ingle?\"`, or pipe one in");
        return Err(Failure::Usage(report));
    }
    Ok(parts.iter().map(|part| part.trim_end_matches('\n')).collect::<Vec<_>>().join("\n\n"))
}

/// Writes an answer as it comes: as it is to a pipe, fit to be shown to a terminal, or as lines of JSON.
struct Writer {
    json: bool,
    /// For standard output and standard error where those are terminals.
    sanitizers: [Option<Sanitizer>; 2],
    ends_line: bool,
    /// Thinking stands on standard error and no line was ended after it.
    thinks: bool,
}

impl Writer {
    fn new(json: bool) -> Self {
        let sanitizer = |is_terminal: bool| is_terminal.then(|| Sanitizer::new(Breaks::Keep));
        let sanitizers = [sanitizer(io::stdout().is_terminal()), sanitizer(io::stderr().is_terminal())];
        Self { json, sanitizers, ends_line: true, thinks: false }
    }

    fn event(&mut self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Tokens { channel, text, .. } if self.json => self.line(&json!({ "channel": channel, "text": text })),
            Event::Tokens { channel: Channel::Answer, text, .. } => self.answer(text),
            Event::Tokens { channel: Channel::Thinking, text, .. } => {
                self.think(text);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn answer(&mut self, text: &str) -> Result<(), Failure> {
        if !text.is_empty() {
            self.end_thinking();
        }
        let shown = shown(&mut self.sanitizers[0], text);
        if let Some(last) = shown.chars().last() {
            self.ends_line = last == '\n';
        }
        flushed(&mut io::stdout().lock(), &shown)
    }

    /// Nobody waits for thinking: a closed standard error does not stop the answer.
    fn think(&mut self, text: &str) {
        self.thinks |= !text.is_empty();
        let shown = shown(&mut self.sanitizers[1], text);
        let _ = flushed(&mut io::stderr().lock(), &shown);
    }

    /// An empty line between what was thought and what is answered, where both are seen in one place.
    fn end_thinking(&mut self) {
        if std::mem::take(&mut self.thinks) {
            let _ = flushed(&mut io::stderr().lock(), "\n\n");
        }
    }

    fn line(&self, value: &serde_json::Value) -> Result<(), Failure> {
        flushed(&mut io::stdout().lock(), &format!("{value}\n"))
    }

    fn finish(&mut self, ended: &Ended) -> Result<(), Failure> {
        if self.json {
            return self.line(&json!({ "finished": ended.reason, "statistics": ended.statistics }));
        }
        self.end_thinking();
        let mut rest = String::new();
        if let Some(sanitizer) = &mut self.sanitizers[0] {
            sanitizer.finish(&mut rest);
        }
        if !self.ends_line || !rest.is_empty() {
            rest.push('\n');
        }
        flushed(&mut io::stdout().lock(), &rest)
    }
}

fn shown(sanitizer: &mut Option<Sanitizer>, text: &str) -> String {
    match sanitizer {
        None => text.to_owned(),
        Some(sanitizer) => {
            let mut out = String::new();
            sanitizer.push(text, &mut out);
            out
        }
    }
}

fn flushed(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::from_write(&error))
}

/// Figures on standard error: Ollama's labels for people, llama-server's names for programs.
fn say_figures(args: &Arguments, loaded: &Loaded, effective: &Effective, statistics: Option<&Statistics>) {
    let Some(statistics) = statistics else { return };
    let mut text = String::new();
    if args.verbose {
        text.push_str(&verbose(loaded.load_ms, statistics));
        text.push_str(&said(effective));
    }
    if args.stats {
        let mut all = json!(statistics);
        let setting = |(row, value, source): &(&'static Setting, Value, Source)| (row.name, json!({ "value": value, "source": source }));
        all["settings"] = effective.0.iter().map(setting).collect();
        text.push_str(&format!("{all}\n"));
    }
    let _ = flushed(&mut io::stderr().lock(), &text);
}

/// The settings that somebody said, each with who did.
fn said(effective: &Effective) -> String {
    let said = effective.0.iter().filter(|(_, _, source)| *source != Source::Default);
    said.map(|(row, value, source)| {
        let value = Shown::line(&value.to_string()).cut(VALUE_COLUMNS);
        format!("{:<22}{value} (from {})\n", format!("{}:", row.name), source.name())
    })
    .collect()
}

fn verbose(load_ms: f64, s: &Statistics) -> String {
    let duration = |ms: f64| format!("{:?}", Duration::from_secs_f64(ms.max(0.0) / 1e3));
    let rate = |tps: Option<f64>| tps.map_or_else(|| "–".to_owned(), |tps| format!("{tps:.2} tokens/s"));
    let total = load_ms + s.queue_ms + s.ttft_ms.unwrap_or(s.prompt_ms) + s.predicted_ms;
    let drafted = match s.draft_n {
        0 => "–".to_owned(),
        n => format!("{:.1} % ({} accepted / {n} drafted)", 100.0 * f64::from(s.draft_n_accepted) / f64::from(n), s.draft_n_accepted),
    };
    let lines = [
        ("total duration", duration(total)),
        ("load duration", duration(load_ms)),
        ("prompt eval count", format!("{} token(s)", s.prompt_n)),
        ("prompt eval duration", duration(s.prompt_ms)),
        ("prompt eval rate", rate(s.prompt_per_second)),
        ("eval count", format!("{} token(s)", s.predicted_n)),
        ("eval duration", duration(s.predicted_ms)),
        ("eval rate", rate(s.predicted_per_second)),
        ("draft acceptance", drafted),
        ("seed", s.seed.to_string()),
    ];
    lines.iter().map(|(label, value)| format!("{:<22}{value}\n", format!("{label}:"))).collect()
}
