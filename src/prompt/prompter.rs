//! A conversation as the ids a model is prompted with.

use super::error::PromptError;
use super::input::RenderInput;
use super::sentinel::{Marks, break_names};
use super::template::Template;
use super::vocabulary::read_vocab;
use crate::gguf::Gguf;
use crate::protocol::Message;
use crate::tokenizer::{Part, Tokenizer};
use jiff::civil::DateTime;
use std::path::PathBuf;

/// A prompt as text and as ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// As rendered; whether the vocabulary adds a token in front shows in the ids.
    pub text: String,
    pub ids: Vec<u32>,
}

/// What turns text and conversations into a model's ids.
pub struct Prompter {
    tokenizer: Tokenizer,
    template: Template,
    child: Option<PathBuf>,
    notes: Vec<String>,
}

impl Prompter {
    /// `child`: ingle's own program file, in which templates that are not known render. Nothing here asks where it
    /// lies.
    pub fn new(gguf: &Gguf, child: Option<PathBuf>) -> Result<Self, PromptError> {
        let wrong = |source| PromptError::Vocabulary { file: gguf.name().to_owned(), source };
        let tokenizer = Tokenizer::new(read_vocab(gguf).map_err(wrong)?).map_err(wrong)?;
        Ok(Self::of(tokenizer, Template::of(gguf), child))
    }

    pub fn of(tokenizer: Tokenizer, template: Template, child: Option<PathBuf>) -> Self {
        let mut notes = tokenizer.notes().to_vec();
        if !template.is_own() {
            notes.push("the file carries no chat template; ChatML is assumed, answers may suffer".to_owned());
        }
        Self { tokenizer, template, child, notes }
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    /// SHA-256 of the template's source, hex.
    pub fn template_hash(&self) -> &str {
        self.template.hash()
    }

    /// What a person should know: a guess, an id that was passed over.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The text for anything a template can be asked, as it stands: nothing in it is kept from becoming a control
    /// token. The file's own BOS and EOS are filled in where `input` has none.
    pub fn render(&self, input: &RenderInput) -> Result<String, PromptError> {
        let text_of = |id: Option<u32>| id.map(|id| String::from_utf8_lossy(self.tokenizer.piece(id, true)).into_owned());
        let input = RenderInput {
            bos_token: input.bos_token.clone().or_else(|| text_of(self.tokenizer.bos())),
            eos_token: input.eos_token.clone().or_else(|| text_of(self.tokenizer.eos())),
            ..input.clone()
        };
        self.template.render(&input, self.child.as_deref())
    }

    /// The prompt of a conversation; with `add_generation_prompt` it ends where the answer begins. Control tokens come
    /// from the template alone: what messages say stays text. May block for a child process.
    pub fn prompt(&self, messages: &[Message], add_generation_prompt: bool, now: DateTime) -> Result<Prompt, PromptError> {
        let conversation = Conversation { prompter: self, add_generation_prompt, now };
        let marks = self.marks(messages)?;
        let text = conversation.render(messages)?;
        let marked = conversation.marked(messages, &text, marks)?;
        Ok(Prompt { ids: self.ids(&marked, marks), text })
    }

    /// The prompt that ends inside the last message, for a model to go on with it.
    pub fn continue_last(&self, messages: &[Message], now: DateTime) -> Result<Prompt, PromptError> {
        let conversation = Conversation { prompter: self, add_generation_prompt: false, now };
        let marks = self.marks(messages)?;
        let mut messages = messages.to_vec();
        messages.last_mut().ok_or(PromptError::NoContinuation)?.content.push(marks.tail);
        let text = conversation.render(&messages)?;
        let marked = conversation.marked(&messages, &text, marks)?;
        let (text, marked) = (before_tail(&text, marks)?, before_tail(&marked, marks)?);
        Ok(Prompt { ids: self.ids(marked, marks), text: text.to_owned() })
    }

    fn marks(&self, messages: &[Message]) -> Result<Marks, PromptError> {
        let texts = messages.iter().flat_map(|m| [Some(m.content.as_str()), m.thinking.as_deref()]).flatten();
        let texts = texts.chain([self.template.source()]);
        Marks::choose(texts, &self.tokenizer).ok_or_else(|| PromptError::Unstable { name: "every noncharacter of Unicode".to_owned() })
    }

    /// Ids of a rendered text with sentinels in it; one BOS, whether the template or the vocabulary gives it.
    fn ids(&self, marked: &str, marks: Marks) -> Vec<u32> {
        let without = |part: Part<'_>| match part {
            Part::Text(text) => Part::Text(marks.without(&text).into_owned().into()),
            Part::Token(id) => Part::Token(id),
        };
        let parts: Vec<Part<'_>> = self.tokenizer.cut(marked).into_iter().map(without).collect();
        let bos = self.tokenizer.bos().map(Part::Token);
        let given = parts.iter().take_while(|part| Some(*part) == bos.as_ref()).count();
        let wanted = given > 0 || self.tokenizer.add_bos();
        let parts: Vec<Part<'_>> = bos.filter(|_| wanted).into_iter().chain(parts.into_iter().skip(given)).collect();
        self.tokenizer.encode_parts(&parts)
    }
}

/// The text up to the mark, which must be there once.
fn before_tail(text: &str, marks: Marks) -> Result<&str, PromptError> {
    match text.split_once(marks.tail) {
        Some((before, after)) if !after.contains(marks.tail) => Ok(before),
        _ => Err(PromptError::NoContinuation),
    }
}

/// One way to render.
struct Conversation<'p> {
    prompter: &'p Prompter,
    add_generation_prompt: bool,
    now: DateTime,
}

impl Conversation<'_> {
    fn render(&self, messages: &[Message]) -> Result<String, PromptError> {
        self.prompter.render(&RenderInput::of(messages, self.add_generation_prompt, self.now))
    }

    /// `text` with sentinels in the control tokens' names that messages hold.
    fn marked(&self, messages: &[Message], text: &str, marks: Marks) -> Result<String, PromptError> {
        let tokenizer = &self.prompter.tokenizer;
        let Some(all) = break_names(messages, tokenizer, marks, true) else { return Ok(text.to_owned()) };
        // Templates look for names in answers (`</think>`), so those may have to stay; what people wrote never may.
        let others = break_names(messages, tokenizer, marks, false);
        let others = others.unwrap_or_else(|| messages.to_vec());
        for attempt in [&all, &others] {
            let marked = self.render(attempt)?;
            if marks.without(&marked) == text {
                return Ok(marked);
            }
        }
        Err(PromptError::Unstable { name: self.first_name(messages) })
    }

    /// The first control token's name in a message.
    fn first_name(&self, messages: &[Message]) -> String {
        let name = |message: &Message| {
            let start = *self.prompter.tokenizer.control_starts(&message.content).first()?;
            let parts = self.prompter.tokenizer.cut(message.content.get(start..)?);
            parts.into_iter().find_map(|part| match part {
                Part::Token(id) => Some(String::from_utf8_lossy(self.prompter.tokenizer.piece(id, true)).into_owned()),
                Part::Text(_) => None,
            })
        };
        messages.iter().find_map(name).unwrap_or_default()
    }
}
