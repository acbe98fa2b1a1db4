//! Texts that keep apart: each takes its place, and what comes later goes elsewhere.

use super::Tenths;
use super::pen::{Anchor, Area, Pen, width};

/// The height of a line of text.
const LINE: Tenths = 150;

/// The places that are taken.
#[derive(Default)]
pub(super) struct Labels {
    taken: Vec<Area>,
}

impl Labels {
    /// Keeps a place free of texts.
    pub fn keep(&mut self, area: Area) {
        self.taken.push(area);
    }

    /// Takes the first free one of some places for a text whose baseline begins there.
    pub fn place(&mut self, text: &str, places: &[(Tenths, Tenths)]) -> Option<(Tenths, Tenths)> {
        let wide = width(text) + 40;
        let area = |&(x, y): &(Tenths, Tenths)| Area { x, y: y - 120, wide, high: LINE };
        let free = places.iter().find(|place| {
            let area = area(place);
            self.taken.iter().all(|other| !overlap(&area, other))
        })?;
        self.taken.push(area(free));
        Some(*free)
    }

    /// Writes a text at the first free place, if there is one.
    pub fn write(
        &mut self,
        pen: &mut Pen,
        class: &str,
        text: &str,
        places: &[(Tenths, Tenths)],
    ) -> bool {
        let place = self.place(text, places);
        if let Some(place) = place {
            pen.text(class, place, Anchor::Start, text);
        }
        place.is_some()
    }
}

fn overlap(one: &Area, other: &Area) -> bool {
    one.x < other.x + other.wide
        && other.x < one.x + one.wide
        && one.y < other.y + other.high
        && other.y < one.y + one.high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_whose_places_are_taken_is_left_out() {
        let mut labels = Labels::default();

        assert_eq!(labels.place("r9", &[(0, 0)]), Some((0, 0)));
        assert_eq!(labels.place("r10", &[(10, 0), (0, 400)]), Some((0, 400)));
        assert_eq!(labels.place("r11", &[(10, 0), (0, 400)]), None);
    }
}
