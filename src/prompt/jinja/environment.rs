//! The environment that a template renders in, and its bounds.

use super::super::input::RenderInput;
use super::{filters, methods, source, text, values};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};
use std::io;

/// Steps that a rendering may take: known templates need tens to a few hundred for each message. A double loop that
/// would never end is over after 50 ms.
const FUEL: u64 = 1_000_000;

/// Longest template source, bytes.
const SOURCE_MAX_BYTES: usize = 1 << 20;

/// Longest rendered text, bytes.
const OUTPUT_MAX_BYTES: usize = 16 << 20;

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Fault {
    #[error("it is {bytes} bytes long, expected at most {SOURCE_MAX_BYTES}")]
    SourceTooLong { bytes: usize },
    #[error("it wrote more than {OUTPUT_MAX_BYTES} bytes")]
    OutputTooLong,
    #[error("it takes more than {FUEL} steps")]
    OutOfFuel,
    #[error("the time {now} is none, expected one like 2026-01-02T03:04:05")]
    Time { now: String },
    /// The template itself refuses the conversation (`raise_exception`).
    #[error("it refuses this conversation: {reason}")]
    Raised { reason: String },
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
    #[error("{reason}")]
    Other { reason: String },
}

/// What `raise_exception` was called with, on its way out of the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(e) = next {
            if let Some(raised) = e.downcast_ref::<Raised>() {
                return Fault::Raised { reason: raised.0.clone() };
            }
            if e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::FileTooLarge) {
                return Fault::OutputTooLong;
            }
            next = e.source();
        }
        let reason = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        match (error.kind(), error.line()) {
            (ErrorKind::OutOfFuel, _) => Fault::OutOfFuel,
            (_, Some(line)) => Fault::Line { line, reason },
            (_, None) => Fault::Other { reason },
        }
    }
}

/// Renders a template's source.
pub fn render(template: &str, input: &RenderInput) -> Result<String, Fault> {
    if template.len() > SOURCE_MAX_BYTES {
        return Err(Fault::SourceTooLong { bytes: template.len() });
    }
    let source = source::prepare(template);
    let env = environment(input)?;
    let mut out = Bounded(Vec::new());
    env.template_from_str(&source)?.render_captured_to(globals(input), &mut out)?;
    // What a template writes is text.
    String::from_utf8(out.0).map_err(|e| Fault::Other { reason: e.to_string() })
}

fn environment(input: &RenderInput) -> Result<Environment<'static>, Fault> {
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    env.set_syntax(syntax);
    env.set_fuel(Some(FUEL));
    env.set_debug(false);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_formatter(|out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value| Ok(out.write_str(&text::of(value))?));
    env.set_unknown_method_callback(methods::call);
    filters::add_to(&mut env);
    env.add_function("raise_exception", |reason: Value| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, "raise_exception").with_source(Raised(text::of(&reason))))
    });
    let now = input.now()?;
    env.add_function("strftime_now", move |format: &str| {
        let tm = jiff::fmt::strtime::BrokenDownTime::from(now);
        tm.to_string(format).map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {e}")))
    });
    Ok(env)
}

fn globals(input: &RenderInput) -> Value {
    let own = [
        ("messages", values::from_json(&input.messages)),
        ("tools", values::from_json(&input.tools)),
        ("documents", Value::from(())),
        ("add_generation_prompt", Value::from(input.add_generation_prompt)),
        ("bos_token", Value::from(input.bos_token.as_deref().unwrap_or(""))),
        ("eos_token", Value::from(input.eos_token.as_deref().unwrap_or(""))),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::from_pairs(own.chain(input.kwargs.iter().map(|(name, value)| (name.clone(), values::from_json(value)))))
}

/// Takes text up to the bound.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
