//! Marks in text that comes in pieces.

/// What a text is made of, for whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Char(char),
    Mark(&'static str),
}

/// Finds marks and holds back what may become one. No mark is the beginning of another.
#[derive(Debug, Clone)]
pub struct Lexer {
    marks: Vec<&'static str>,
    held: String,
}

impl Lexer {
    pub fn new(marks: impl Iterator<Item = &'static str>) -> Self {
        Self { marks: marks.filter(|mark| !mark.is_empty()).collect(), held: String::new() }
    }

    /// The mark that is spelled so.
    pub fn find(&self, text: &[u8]) -> Option<&'static str> {
        self.marks.iter().copied().find(|mark| mark.as_bytes() == text)
    }

    pub fn push(&mut self, text: &str, each: &mut impl FnMut(Item)) {
        for c in text.chars() {
            self.held.push(c);
            self.let_go(each);
        }
    }

    /// Gives away from the front what can be part of no mark.
    fn let_go(&mut self, each: &mut impl FnMut(Item)) {
        while let Some(first) = self.held.chars().next() {
            if let Some(mark) = self.find(self.held.as_bytes()) {
                self.held.clear();
                return each(Item::Mark(mark));
            }
            if self.marks.iter().any(|mark| mark.starts_with(&self.held)) {
                return;
            }
            self.held.remove(0);
            each(Item::Char(first));
        }
    }

    /// No text follows that what is held could go on with.
    pub fn flush(&mut self, each: &mut impl FnMut(Item)) {
        std::mem::take(&mut self.held).chars().for_each(|c| each(Item::Char(c)));
    }
}
