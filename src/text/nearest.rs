//! The word somebody probably meant.

/// Beyond this a word is not compared: nobody mistypes a name that long.
const WORD_CHARS_MAX: usize = 64;

/// The candidate nearest to `word` by edits, if it is near enough that a person may have meant it.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
    // One edit in three letters: `thme` means `theme`, `cat` does not mean `dog`.
    let most = word.len().div_ceil(3);
    let scored = candidates.into_iter().map(|candidate| (edits(&word, candidate), candidate));
    scored.filter(|(n, _)| *n <= most).min_by_key(|(n, _)| *n).map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `word` into `other` (optimal string alignment:
/// Damerau's distance where no letters are edited twice).
fn edits(word: &[char], other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().take(WORD_CHARS_MAX).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, &w) in word.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, &o) in other.iter().enumerate() {
            let at = |line: &[usize], i: usize| line.get(i).copied().unwrap_or(usize::MAX);
            let left = column.checked_sub(1);
            let mut least = at(&last, column).saturating_add(usize::from(w != o));
            least = least.min(at(&last, column.saturating_add(1)).saturating_add(1));
            least = least.min(at(&current, column).saturating_add(1));
            if let Some(left) = left
                && previous == Some(o)
                && other.get(left) == Some(&w)
            {
                least = least.min(at(&before_last, left).saturating_add(1));
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(w);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
