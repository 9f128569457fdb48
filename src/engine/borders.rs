//! Where a prompt is stopped for a copy of what can only go back to copies: where turns end.

#[cfg(test)]
mod tests;

/// Copies of one prompt.
const BORDERS_MAX: usize = 6;
/// Tokens between two of them, but for the last: to stop there costs about a token's step.
const BORDER_GAP: usize = 256;
/// The last turn's end is the last border if no more than this many tokens stand behind it: what a template says before an
/// answer begins. Answered once more, all of it is one step, and a next turn may say it otherwise.
const OPENING_MAX: usize = 16;

/// Lengths between `reused` and the prompt's, the smallest first. `ends` says which ids end a turn.
pub fn borders(ids: &[u32], reused: usize, ends: impl Fn(u32) -> bool) -> Vec<usize> {
    if ids.len() - reused <= OPENING_MAX {
        // The place where it goes on is near enough.
        return Vec::new();
    }
    let before_last = ids.len() - 1;
    let turns = (reused..before_last).rev().filter(|at| ends(ids[*at])).map(|at| at + 1);
    let opening = |turn: &usize| ids.len() - turn <= OPENING_MAX;
    let last = turns.clone().next().filter(opening).unwrap_or(before_last);
    let mut borders = vec![last];
    for turn in turns {
        let newest = *borders.last().unwrap_or(&last);
        if newest.saturating_sub(turn) >= BORDER_GAP && borders.len() < BORDERS_MAX {
            borders.push(turn);
        }
    }
    borders.retain(|border| *border > reused);
    borders.reverse();
    borders
}
