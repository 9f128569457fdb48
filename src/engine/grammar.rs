//! Grammars for answers: compiled beside everything else, in a thread that may go deep, for a limited time.

use crate::protocol::{Grammar, Report};
use crate::sampler::{COMPILE_STACK, Constraint, Grammars};
use crate::sys::panics::fence;
use crate::tokenizer::Tokenizer;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A grammar that takes longer is refused.
const COMPILE_MAX: Duration = Duration::from_secs(2);

/// What compiles the grammars of one open file: made when the first is wanted.
#[derive(Clone, Default)]
pub struct Compiler(Arc<OnceLock<Arc<Grammars>>>);

impl Compiler {
    /// May block for as long as the limit.
    pub fn compile(&self, tokenizer: &Tokenizer, grammar: &Grammar) -> Result<Constraint, Report> {
        let grammars = match self.0.get() {
            Some(grammars) => grammars.clone(),
            None => {
                let made = Arc::new(Grammars::new(tokenizer)?);
                self.0.get_or_init(|| made).clone()
            }
        };
        let (done, compiled) = sync_channel(1);
        let grammar = grammar.clone();
        let compile = move || {
            // Nobody listens any more where it took too long; what it holds is given back then.
            let _ = done.send(fence(|| grammars.compile(&grammar)));
        };
        let thread = std::thread::Builder::new().name("grammar".to_owned()).stack_size(COMPILE_STACK).spawn(compile);
        thread.map_err(|e| {
            Report::new("no thread could be started to compile the grammar", "Close other programs and try again").because(&e)
        })?;
        match compiled.recv_timeout(COMPILE_MAX) {
            Ok(Ok(constraint)) => Ok(constraint?),
            Ok(Err(panic)) => {
                tracing::error!(place = panic.place, "panic in a grammar");
                let what = format!("ingle made a mistake while compiling the grammar ({})", panic.place);
                Err(Report::new(what, "Please report it, and try another grammar"))
            }
            Err(_) => {
                let what = format!("the grammar was not compiled in {} s", COMPILE_MAX.as_secs());
                Err(Report::new(what, "Write a simpler one"))
            }
        }
    }
}
