//! A conversation's name until a person gives it one: the first words of its first message.

const TITLE_CHARS_MAX: usize = 60;

/// The first line with words in it, cut after a whole word.
pub fn of(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("");
    let mut title = String::new();
    for word in line.split_whitespace() {
        let n = title.chars().count();
        if n > 0 && n + 1 + word.chars().count() > TITLE_CHARS_MAX {
            title.push('…');
            break;
        }
        if n > 0 {
            title.push(' ');
        }
        title.extend(word.chars().take(TITLE_CHARS_MAX));
    }
    title
}
