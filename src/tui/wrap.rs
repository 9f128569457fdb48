//! Plain text in lines of at most so many columns.

use crate::text::width;
use unicode_segmentation::UnicodeSegmentation;

/// Breaks at spaces, and inside a word only where it is longer than a line. The spaces a line begins with stay: they
/// are somebody's indentation.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    text.split('\n').flat_map(|line| wrap_line(line, columns)).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<String> {
    if width(line) <= columns {
        return vec![line.to_owned()];
    }
    let mut out = Vec::new();
    let (mut current, mut used) = (String::new(), 0);
    for word in line.split_word_bounds() {
        let word_columns = width(word);
        if used + word_columns <= columns {
            current.push_str(word);
            used += word_columns;
            continue;
        }
        // A space that no longer fits is the break itself.
        if word.chars().all(char::is_whitespace) {
            out.push(std::mem::take(&mut current));
            used = 0;
            continue;
        }
        if used > 0 {
            out.push(std::mem::take(&mut current).trim_end().to_owned());
            used = 0;
        }
        for grapheme in word.graphemes(true) {
            let grapheme_columns = width(grapheme);
            if used + grapheme_columns > columns && used > 0 {
                out.push(std::mem::take(&mut current));
                used = 0;
            }
            current.push_str(grapheme);
            used += grapheme_columns;
        }
    }
    out.push(current);
    out
}
