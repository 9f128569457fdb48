//! llama.cpp's short options of several letters, spelt out before clap sees them (it would read `-ctk` as `-c tk`).

use std::ffi::OsString;

/// What people's hands and scripts write, and the long option it stands for.
pub(crate) const SHORT_FORMS: &[(&str, &str)] = &[
    ("-ngl", "--gpu-layers"),
    ("-ctk", "--cache-type-k"),
    ("-ctv", "--cache-type-v"),
    ("-tb", "--threads-batch"),
    ("-ub", "--ubatch-size"),
    ("-fa", "--flash-attn"),
    ("-pg", "--prompt-gen"),
    ("-sys", "--system-prompt"),
    ("-hf", "--hf-repo"),
    ("-md", "--model-draft"),
    ("-jf", "--json-schema"),
];

/// Replaces each short form, alone or with `=value`, up to `--`.
pub(crate) fn spell_out(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut options = true;
    arguments
        .into_iter()
        .map(|argument| {
            options &= argument != "--";
            if !options {
                return argument;
            }
            argument.to_str().and_then(long_form).map_or(argument, OsString::from)
        })
        .collect()
}

fn long_form(argument: &str) -> Option<String> {
    let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
    let (_, long) = SHORT_FORMS.iter().find(|(short, _)| *short == name)?;
    Some(value.map_or_else(|| (*long).to_owned(), |value| format!("{long}={value}")))
}
