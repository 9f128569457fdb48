//! Links on their way from a line to the terminal.
//!
//! A cell of the frame has no place for an address. It has bits for the terminal's attributes, and of those some stand
//! for none: a link's number rides there. So the comparison of two frames that decides what is written sees another
//! address as another cell, and whatever is drawn over a link takes the link away with it. [`Links`] knows which address
//! a number means; the backend writes it.

use crate::text::HttpUrl;
use ratatui::buffer::Cell;
use ratatui::style::Modifier;

/// The bits above all that mean something.
const SHIFT: u32 = 9;
const _: () = assert!(Modifier::all().bits() >> SHIFT == 0);
/// Addresses on one screen; further links are plain text.
const LINKS_MAX: usize = (u16::MAX >> SHIFT) as usize;

/// The addresses of the links in this frame and in the one before, which is on the screen.
#[derive(Debug)]
pub struct Links {
    on: bool,
    /// A link's number is its place here and one.
    known: Vec<Known>,
    /// Counts frames.
    frame: u64,
}

#[derive(Debug)]
struct Known {
    url: HttpUrl,
    /// The last frame it was in.
    frame: u64,
}

impl Links {
    /// `on`: the terminal knows links and the person wants them.
    pub fn new(on: bool) -> Self {
        Self { on, known: Vec::new(), frame: 0 }
    }

    pub fn begin_frame(&mut self) {
        self.frame = self.frame.saturating_add(1);
    }

    /// What makes a cell part of a link to `url`; absent where there is no number left for it.
    pub fn mark(&mut self, url: &HttpUrl) -> Option<Modifier> {
        if !self.on {
            return None;
        }
        let at = match self.known.iter().position(|known| known.url == *url) {
            Some(at) => at,
            None => self.free_place()?,
        };
        let known = Known { url: url.clone(), frame: self.frame };
        match self.known.get_mut(at) {
            Some(place) => *place = known,
            None => self.known.push(known),
        }
        let number = u16::try_from(at).ok()?.saturating_add(1);
        Some(Modifier::from_bits_retain(number << SHIFT))
    }

    /// A number keeps its address while it is on the screen: there a change of address must be a change of number.
    fn free_place(&self) -> Option<usize> {
        let gone = self.known.iter().position(|known| known.frame.saturating_add(1) < self.frame);
        gone.or((self.known.len() < LINKS_MAX).then_some(self.known.len()))
    }

    /// Where a cell leads.
    pub fn target(&self, cell: &Cell) -> Option<&HttpUrl> {
        let at = number(cell).checked_sub(1)?;
        self.known.get(usize::from(at)).map(|known| &known.url)
    }
}

/// Neighbours of one number are one link; 0 is none.
pub fn number(cell: &Cell) -> u16 {
    cell.modifier.bits() >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(n: usize) -> HttpUrl {
        HttpUrl::parse(&format!("https://example.org/{n}")).expect("an address")
    }

    fn cell(links: &mut Links, url: &HttpUrl) -> Option<Cell> {
        let mut cell = Cell::new("x");
        cell.modifier |= links.mark(url)?;
        Some(cell)
    }

    #[test]
    fn a_number_leads_to_its_address_as_long_as_it_is_on_the_screen() {
        let mut links = Links::new(true);
        links.begin_frame();
        let first: Vec<Cell> = (0..LINKS_MAX).filter_map(|n| cell(&mut links, &url(n))).collect();
        assert_eq!(first.len(), LINKS_MAX);
        assert!((0..LINKS_MAX).all(|n| links.target(&first[n]) == Some(&url(n))));
        assert_eq!(cell(&mut links, &url(LINKS_MAX)), None, "no number is left");
        links.begin_frame();
        assert_eq!(cell(&mut links, &url(0)), Some(first[0].clone()), "the same address is the same cell");
        assert_eq!(cell(&mut links, &url(LINKS_MAX)), None, "the others are still on the screen");
        links.begin_frame();
        let new = cell(&mut links, &url(LINKS_MAX)).expect("a number that nothing shows any more");
        assert_ne!(new, first[0], "address 0 is still on the screen");
        assert_eq!(links.target(&new), Some(&url(LINKS_MAX)));
        assert_eq!(links.target(&Cell::new("x")), None);
    }

    #[test]
    fn no_link_is_made_where_none_are_wanted() {
        let mut links = Links::new(false);
        links.begin_frame();
        assert_eq!(links.mark(&url(0)), None);
    }
}
