//! `ingle render MODEL|--template FILE`: the exact text a model would see.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::input;
use crate::gguf::{self, Gguf};
use crate::prompt::{PromptError, Prompter, RenderInput, Template};
use crate::protocol::{ModelRef, Report};
use jiff::civil::DateTime;
use serde_json::json;
use std::path::PathBuf;

/// Render messages through a chat template
///
/// Standard input is JSON: `{"messages", "tools"?, "add_generation_prompt"?, "bos_token"?, "eos_token"?, "kwargs"?}`. Prints
/// the text exactly as rendered, no newline added. With --batch each line of input is such an object, and each line of
/// output `{"text"}` or `{"error"}`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(required_unless_present = "template")]
    model: Option<String>,
    /// A template in a file, instead of a model's own
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    template: Option<PathBuf>,
    /// The time that the template is told, as 2026-01-02T03:04:05; else now
    #[arg(long, value_name = "TIME")]
    now: Option<DateTime>,
    /// Each line of standard input is a request
    #[arg(long)]
    batch: bool,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let renderer = Renderer::new(&args, env)?;
    if args.batch {
        return input::each_stdin_line(|line| {
            if line.trim().is_empty() {
                return Ok(());
            }
            let answer = match renderer.render(line) {
                Ok(text) => json!({ "text": text }),
                Err(report) => json!({ "error": report.to_string() }),
            };
            env.write_bytes(format!("{answer}\n").as_bytes())
        });
    }
    let text = renderer.render(&input::stdin_text()?)?;
    if env.json { env.write_json(&json!({ "text": text })) } else { env.write_text(&text) }
}

/// Where the template comes from; a model's brings its own start and end tokens.
enum Source {
    File(Template),
    Model(Box<Prompter>),
}

struct Renderer {
    source: Source,
    now: DateTime,
    /// This same program, in which templates that nobody has read are rendered.
    program: Option<PathBuf>,
}

impl Renderer {
    fn new(args: &Arguments, env: &Env) -> Result<Self, Failure> {
        let program = std::env::current_exe().ok();
        let source = match (&args.template, &args.model) {
            (Some(path), _) => Source::File(Template::new(input::file_text(path)?)),
            (None, model) => {
                let file = match env.model(model.as_deref().unwrap_or_default())? {
                    ModelRef::Guide => gguf::guide(),
                    ModelRef::File(path) => Gguf::open(&path),
                };
                let prompter = Prompter::new(&file.map_err(Report::from)?, program.clone()).map_err(Report::from)?;
                Source::Model(Box::new(prompter))
            }
        };
        Ok(Self { source, now: args.now.unwrap_or_else(|| jiff::Zoned::now().datetime()), program })
    }

    fn render(&self, request: &str) -> Result<String, Report> {
        let mut input: RenderInput = serde_json::from_str(request).map_err(|error| {
            Report::new(format!("the request is no JSON of messages: {error}"), "Write {\"messages\": [...]}").because(&error)
        })?;
        if input.now.is_empty() {
            input.now = self.now.to_string();
        }
        let rendered: Result<String, PromptError> = match &self.source {
            Source::File(template) => template.render(&input, self.program.as_deref()),
            Source::Model(prompter) => prompter.render(&input),
        };
        Ok(rendered?)
    }
}
