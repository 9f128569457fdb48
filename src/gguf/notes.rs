//! Oddities that are accepted, counted for `ingle show`.

/// What a person may want to know of a file that is sound all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Notes {
    pub(super) strings_not_utf8: u64,
    pub(super) strings_with_nul_end: u64,
    pub(super) nested_arrays: bool,
    pub(super) types_unknown: u64,
    pub(super) gap_bytes: u64,
    pub(super) trailing_bytes: u64,
    pub(super) other_order: bool,
    pub(super) last_not_padded: bool,
}

impl Notes {
    pub(super) fn string(&mut self, text: &[u8]) {
        if text.ends_with(b"\0") {
            self.strings_with_nul_end = self.strings_with_nul_end.saturating_add(1);
        }
        if std::str::from_utf8(text).is_err() {
            self.strings_not_utf8 = self.strings_not_utf8.saturating_add(1);
        }
    }

    /// One phrase an oddity.
    pub(super) fn phrases(&self) -> Vec<String> {
        let counted = [
            (self.strings_not_utf8, "texts in its metadata are not UTF-8"),
            (self.strings_with_nul_end, "texts in its metadata end in a NUL"),
            (self.types_unknown, "tensors have a type that this version does not know"),
            (self.gap_bytes, "bytes between its tensors belong to none"),
            (self.trailing_bytes, "bytes follow its last tensor"),
        ];
        let said = [
            (self.nested_arrays, "its metadata holds arrays in arrays"),
            (self.other_order, "its tensors' data lies in another order than their table"),
            (self.last_not_padded, "its last tensor is not padded to the alignment"),
        ];
        let counted = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        counted.chain(said.iter().filter(|(is, _)| *is).map(|(_, what)| (*what).to_owned())).collect()
    }
}
