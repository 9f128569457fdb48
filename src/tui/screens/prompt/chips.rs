//! Large pastes shown as one chip and sent in full.

/// A paste that is longer than either of these is a chip: it would push everything else off the screen.
pub const CHIP_LINES: usize = 8;
pub const CHIP_CHARS: usize = 1_000;
/// A paste beyond this is cut: a terminal that sends more is not a person pasting.
pub const PASTE_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// As it stands in the editor; unique among the prompt's chips.
    pub label: String,
    pub text: String,
}

pub fn is_long(text: &str) -> bool {
    text.lines().nth(CHIP_LINES).is_some() || text.chars().nth(CHIP_CHARS).is_some()
}

/// A chip for `text`, its label unlike those of `others`.
pub fn chip(text: String, others: &[Chip]) -> Chip {
    let n_lines = text.lines().count();
    let size = if n_lines > 1 { format!("{n_lines} lines") } else { format!("{} characters", text.chars().count()) };
    let label = (1..)
        .map(|n| if n == 1 { format!("[pasted {size}]") } else { format!("[pasted {size}, {n}]") })
        .find(|label| others.iter().all(|c| c.label != *label))
        .expect("numbers do not end");
    Chip { label, text }
}

/// The text as it is sent: each chip's label gives way to what was pasted.
pub fn expand(text: &str, chips: &[Chip]) -> String {
    // One walk, so that a paste which holds another chip's label stays as it was pasted.
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, chip)) = chips.iter().filter_map(|c| rest.find(&c.label).map(|at| (at, c))).min_by_key(|(at, _)| *at) {
        out.push_str(&rest[..at]);
        out.push_str(&chip.text);
        rest = &rest[at + chip.label.len()..];
    }
    out.push_str(rest);
    out
}

/// The chip that the cursor of a line (in characters) stands in or right behind, with the characters where it begins.
pub fn at_cursor<'a>(line: &str, cursor: usize, chips: &'a [Chip]) -> Option<(usize, &'a Chip)> {
    chips.iter().find_map(|chip| {
        line.match_indices(&chip.label).find_map(|(byte, _)| {
            let begin = line[..byte].chars().count();
            (begin < cursor && cursor <= begin + chip.label.chars().count() || begin == cursor).then_some((begin, chip))
        })
    })
}

/// The range (line and character) with every chip whole that it cuts into.
pub fn widen(lines: &[String], start: (usize, usize), end: (usize, usize), chips: &[Chip]) -> ((usize, usize), (usize, usize)) {
    let (mut wide_start, mut wide_end) = (start, end);
    let spans = |row: usize| {
        let line = lines.get(row).map_or("", String::as_str);
        let of_chip = |chip: &Chip| {
            let n_chars = chip.label.chars().count();
            let begins = line.match_indices(chip.label.as_str()).map(|(byte, _)| line[..byte].chars().count());
            begins.map(move |begin| (begin, begin + n_chars)).collect::<Vec<_>>()
        };
        chips.iter().flat_map(of_chip).collect::<Vec<_>>()
    };
    for (begin, behind) in spans(start.0) {
        if begin < start.1 && start.1 < behind {
            wide_start.1 = wide_start.1.min(begin);
        }
    }
    for (begin, behind) in spans(end.0) {
        if begin < end.1 && end.1 < behind {
            wide_end.1 = wide_end.1.max(behind);
        }
    }
    (wide_start, wide_end)
}
