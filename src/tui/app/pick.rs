//! What taking a row of a list does.

use super::{App, Effect, Env, Focus, Overlay, Read};
use crate::history::Write;
use crate::protocol::{Command, ConversationId, Role};
use crate::tui::commands;
use crate::tui::keymap::Intent;
use crate::tui::screens::list::{Done, Kind, Pick};
use crate::tui::screens::{ask, conversation, conversations, facts, models, settings, themes};

/// Carries out what a key in the topmost list came to.
pub fn done(app: &mut App, done: Done, env: &Env) -> Vec<Effect> {
    let Some(Overlay::List(list)) = app.overlays.last() else { return Vec::new() };
    let kind = list.kind;
    match done {
        Done::Stay | Done::Pass => Vec::new(),
        Done::Chosen => {
            if kind == Kind::Themes {
                themes::preview(app);
            }
            Vec::new()
        }
        Done::Close => {
            app.overlays.pop();
            if kind == Kind::Themes {
                themes::restore(app);
            }
            Vec::new()
        }
        Done::Take(pick) => {
            app.overlays.clear();
            take(app, kind, pick, env)
        }
        Done::Letter(intent, pick) => letter(app, intent, pick, env),
    }
}

fn take(app: &mut App, kind: Kind, pick: Pick, env: &Env) -> Vec<Effect> {
    match pick {
        Pick::Nothing => Vec::new(),
        Pick::Intent(intent) => app.perform(intent, env),
        Pick::Command(name) => commands::from_palette(app, name, env),
        Pick::Model(reference) => {
            let turn = app.conversation.meant(Role::User).map(|n| n.id).filter(|_| kind == Kind::RegenerateWith);
            models::choose(app, reference, turn, env)
        }
        Pick::Conversation(id) => open(app, id, env),
        Pick::Found(id, node) => {
            conversations::look_for(app, node);
            open(app, id, env)
        }
        Pick::Turn(id) => conversation::branch::edit(app, Some(id), env),
        Pick::Theme(name) => themes::take(app, &name, env),
        Pick::Prompt(text) => {
            app.prompt.set(&text);
            app.focus = Focus::Prompt;
            Vec::new()
        }
        Pick::Setting(name) => settings::edit(app, name),
        Pick::Copy(text) => vec![Effect::Copy(text.to_string())],
    }
}

fn open(app: &mut App, id: ConversationId, env: &Env) -> Vec<Effect> {
    if id == app.conversation.id {
        conversations::go_to_found(app);
        return Vec::new();
    }
    let mut effects = conversation::branch::leave(app, env);
    effects.push(Effect::Read(Read::Conversation(id)));
    effects
}

/// Letters of a table.
fn letter(app: &mut App, intent: Intent, pick: Pick, env: &Env) -> Vec<Effect> {
    match (intent, pick) {
        (Intent::Star, Pick::Conversation(id)) => conversations::star(app, id, env),
        (Intent::Delete, Pick::Conversation(id)) => {
            let name = conversations::name_of(app, id);
            app.overlays.push(Overlay::Ask(ask::State::delete(id, &name)));
            Vec::new()
        }
        (Intent::Unload, Pick::Model(reference)) if app.models.current.as_ref().is_some_and(|c| c.reference == reference) => {
            models::unload(app, env)
        }
        (Intent::Details, Pick::Model(reference)) => facts::show(app, Some(reference), facts::Part::Info),
        (Intent::Unload, Pick::Model(_)) => app.toasts.say("this model is not loaded", env),
        _ => Vec::new(),
    }
}

/// Yes to a question.
pub fn answered(app: &mut App, answer: ask::Answer, env: &Env) -> Vec<Effect> {
    match answer {
        ask::Answer::DeleteConversation(id) => {
            let forget = Command::Forget { job: app.job(), conversation: id };
            let mut effects = vec![Effect::Store(Write::Delete { conversation: id }), Effect::Send(forget)];
            if id == app.conversation.id {
                // What the engine still tells of it belongs nowhere any more.
                effects.splice(0..0, conversation::answer::stop(app));
                app.conversation.running = None;
                app.conversation.queue.clear();
                app.prompt.clear();
                app.prompt.unsent = None;
                app.prompt.saved.clear();
                effects.extend(conversation::branch::new(app, env));
            }
            conversations::gone(app, id);
            effects
        }
    }
}
