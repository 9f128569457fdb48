//! A conversation as the ids a model is prompted with.

use super::builtin;
use super::channels::Channels;
use super::error::PromptError;
use super::input::RenderInput;
use super::reasoning::Levels;
use super::sentinel::{Marks, break_names};
use super::template::Template;
use super::vocabulary::read_vocab;
use crate::gguf::Gguf;
use crate::protocol::{Message, Reasoning, Rendering, Role};
use crate::tokenizer::{Part, Tokenizer};
use jiff::civil::DateTime;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A prompt as text and as ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// As rendered; whether the vocabulary adds a token in front shows in the ids.
    pub text: String,
    pub ids: Vec<u32>,
    /// How thinking will be told from the answer.
    pub channels: Channels,
    /// SHA-256 of the template's source, hex.
    pub template_hash: String,
}

/// What turns text and conversations into a model's ids.
pub struct Prompter {
    tokenizer: Tokenizer,
    template: Template,
    child: Option<PathBuf>,
    notes: Vec<String>,
    levels: OnceLock<Levels>,
}

impl Prompter {
    /// `child`: ingle's own program file, in which templates that are not known render. Nothing here asks where it
    /// lies.
    pub fn new(gguf: &Gguf, child: Option<PathBuf>) -> Result<Self, PromptError> {
        let wrong = |source| PromptError::Vocabulary { file: gguf.name().to_owned(), source };
        let tokenizer = Tokenizer::new(read_vocab(gguf).map_err(wrong)?).map_err(wrong)?;
        let template = Template::of(gguf).unwrap_or_else(|| Template::standing_in(&tokenizer));
        Ok(Self::of(tokenizer, template, child))
    }

    pub fn of(tokenizer: Tokenizer, template: Template, child: Option<PathBuf>) -> Self {
        let mut notes = tokenizer.notes().to_vec();
        notes.extend(template.builtin_name().map(|name| {
            match name {
                builtin::PLAIN => "the file carries no chat template and its vocabulary no marks of one: text is gone on with as it \
                 is; chat_template chooses another way"
                    .to_owned(),
                name => format!("the file carries no chat template; {name} is taken, whose marks its vocabulary has"),
            }
        }));
        Self { tokenizer, template, child, notes, levels: OnceLock::new() }
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    /// How much thinking the file's template lets one choose. The first time it is tried out, which may block for a child
    /// process or a few.
    pub fn levels(&self) -> Vec<Reasoning> {
        self.found_levels().names()
    }

    fn found_levels(&self) -> &Levels {
        self.levels.get_or_init(|| {
            let input = RenderInput::of(&[Message::new(Role::User, "Hi")], true, DateTime::constant(2026, 1, 1, 0, 0, 0, 0));
            Levels::find(self.template.source(), |variables| self.render(&RenderInput { kwargs: variables.clone(), ..input.clone() }))
        })
    }

    /// Templates of ingle's own that the vocabulary has the marks of.
    pub fn fitting_templates(&self) -> Vec<String> {
        builtin::fitting(&self.tokenizer).map(|builtin| builtin.name.to_owned()).collect()
    }

    /// What a person should know: a guess, an id that was passed over.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The text for anything a template can be asked, as it stands: nothing in it is kept from becoming a control
    /// token. The file's own BOS and EOS are filled in where `input` has none.
    pub fn render(&self, input: &RenderInput) -> Result<String, PromptError> {
        self.render_by(&self.template, input)
    }

    fn render_by(&self, template: &Template, input: &RenderInput) -> Result<String, PromptError> {
        let text_of = |id: Option<u32>| id.map(|id| String::from_utf8_lossy(self.tokenizer.piece(id, true)).into_owned());
        let input = RenderInput {
            bos_token: input.bos_token.clone().or_else(|| text_of(self.tokenizer.bos())),
            eos_token: input.eos_token.clone().or_else(|| text_of(self.tokenizer.eos())),
            ..input.clone()
        };
        template.render(&input, self.child.as_deref())
    }

    /// The prompt of a conversation; with `add_generation_prompt` it ends where the answer begins. Control tokens come
    /// from the template alone: what messages say stays text. May block for a child process.
    pub fn prompt(
        &self,
        messages: &[Message],
        rendering: &Rendering,
        add_generation_prompt: bool,
        now: DateTime,
    ) -> Result<Prompt, PromptError> {
        let conversation = Conversation::new(self, rendering, add_generation_prompt, now);
        let messages = &with_system(messages, rendering);
        let marks = conversation.marks(messages)?;
        let text = conversation.render(messages)?;
        let marked = conversation.marked(messages, &text, marks)?;
        Ok(conversation.finish(&text, &marked, marks, false))
    }

    /// The prompt that ends inside the last message, for a model to go on with it.
    pub fn continue_last(&self, messages: &[Message], rendering: &Rendering, now: DateTime) -> Result<Prompt, PromptError> {
        let conversation = Conversation::new(self, rendering, false, now);
        let mut messages = with_system(messages, rendering).into_owned();
        let marks = conversation.marks(&messages)?;
        messages.last_mut().ok_or(PromptError::NoContinuation)?.content.push(marks.tail);
        let text = conversation.render(&messages)?;
        let marked = conversation.marked(&messages, &text, marks)?;
        let (text, marked) = (before_tail(&text, marks)?, before_tail(&marked, marks)?);
        Ok(conversation.finish(text, marked, marks, true))
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

/// System text as part of the message after it, where that is wished.
fn with_system<'m>(messages: &'m [Message], rendering: &Rendering) -> Cow<'m, [Message]> {
    if !rendering.merges_system {
        return messages.into();
    }
    let (mut out, mut system) = (Vec::with_capacity(messages.len()), String::new());
    for message in messages {
        match message.role {
            Role::System => system.push_str(&format!("{}\n\n", message.content)),
            Role::User => out.push(Message::new(Role::User, std::mem::take(&mut system) + &message.content)),
            Role::Assistant | Role::Tool => out.push(message.clone()),
        }
    }
    out.extend((!system.is_empty()).then(|| Message::new(Role::User, system.trim_end())));
    out.into()
}

/// One way to render.
struct Conversation<'p> {
    prompter: &'p Prompter,
    template: Cow<'p, Template>,
    kwargs: Map<String, Value>,
    add_generation_prompt: bool,
    now: DateTime,
}

impl<'p> Conversation<'p> {
    fn new(prompter: &'p Prompter, rendering: &Rendering, add_generation_prompt: bool, now: DateTime) -> Self {
        let named = rendering.template.as_deref().and_then(builtin::find);
        let (template, kwargs) = match named {
            Some(builtin) => (Cow::Owned(Template::builtin(builtin)), Map::new()),
            None if rendering.reasoning == Reasoning::Auto => (Cow::Borrowed(&prompter.template), Map::new()),
            None => (Cow::Borrowed(&prompter.template), prompter.found_levels().variables(rendering.reasoning)),
        };
        Self { prompter, template, kwargs, add_generation_prompt, now }
    }

    fn render(&self, messages: &[Message]) -> Result<String, PromptError> {
        let input = RenderInput::of(messages, self.add_generation_prompt, self.now).with_thinking_named_for(self.template.source());
        self.prompter.render_by(&self.template, &RenderInput { kwargs: self.kwargs.clone(), ..input })
    }

    fn marks(&self, messages: &[Message]) -> Result<Marks, PromptError> {
        let texts = messages.iter().flat_map(|m| [Some(m.content.as_str()), m.thinking.as_deref()]).flatten();
        let texts = texts.chain([self.template.source()]);
        Marks::choose(texts, &self.prompter.tokenizer)
            .ok_or_else(|| PromptError::Unstable { name: "every noncharacter of Unicode".to_owned() })
    }

    /// What a person wrote has its marks broken in `marked`, so that only the template's are seen there.
    fn finish(&self, text: &str, marked: &str, marks: Marks, goes_on: bool) -> Prompt {
        let is_token = |mark: &str| builtin::is_token(&self.prompter.tokenizer, mark);
        Prompt {
            text: text.to_owned(),
            ids: self.prompter.ids(marked, marks),
            channels: Channels::find(self.template.source(), marked, goes_on, is_token),
            template_hash: self.template.hash().to_owned(),
        }
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
