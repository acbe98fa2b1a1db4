//! A plot as plain data: what is drawn where, before anybody draws it.

use crate::plots::palette::Rgb;

/// Everything that a plot shows. Coordinates are those of its axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The question that it answers; ends with a question mark.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// Tints behind everything else, each with its name.
    pub shades: Vec<Shade>,
    /// What is drawn, in order.
    pub marks: Vec<Mark>,
    /// Names of lines, written beside their right ends and moved apart.
    pub labels: Vec<Label>,
    /// Sentences below: how many runs, what the intervals are, the command.
    pub notes: Vec<String>,
}

/// One axis. A logarithmic one has logarithms as its values, and ticks that say so.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// Its first value.
    pub low: f64,
    /// Its last value.
    pub high: f64,
    /// Values that are written at it.
    pub ticks: Vec<(f64, String)>,
}

/// How a series is drawn: three signs besides the colour tell it from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colour.
    pub colour: Rgb,
    /// Marker.
    pub shape: Shape,
    /// Line.
    pub dash: Dash,
}

/// The form of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A filled circle.
    Disc,
    /// A hollow circle.
    Ring,
    /// A filled square.
    Square,
    /// A filled triangle.
    Triangle,
    /// A hollow diamond.
    Diamond,
}

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    /// Without a gap.
    Solid,
    /// Long pieces.
    Long,
    /// Short pieces.
    Short,
    /// Long and short by turns.
    Mixed,
    /// Dots.
    Dots,
}

/// A tint over some stretch of x.
#[derive(Clone, Debug, PartialEq)]
pub struct Shade {
    /// Where it begins and ends.
    pub x: (f64, f64),
    /// Its colour.
    pub colour: Rgb,
    /// What it stands for.
    pub name: String,
}

/// Something drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Straight lines from point to point.
    Line(Vec<(f64, f64)>, Look),
    /// A filled shape.
    Area(Vec<(f64, f64)>, Rgb),
    /// A marker.
    Dot((f64, f64), Look),
    /// A small pale dot: one run of many.
    Speck((f64, f64), Look),
    /// A whisker from one value of y to another.
    Whisker(f64, (f64, f64), Look),
    /// A short horizontal bar around a point.
    Bar((f64, f64), Look),
    /// A filled block with an outline, and a text in its middle if there is room for it.
    Block {
        /// Its left bottom.
        from: (f64, f64),
        /// Its right top.
        to: (f64, f64),
        /// Its fill.
        fill: Rgb,
        /// What is written on it.
        text: String,
    },
    /// A vertical line through the whole plot, with a text at its top.
    Rule(f64, String),
    /// A text above a point.
    Text((f64, f64), String),
}

/// The name of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The end of the line.
    pub at: (f64, f64),
    /// The name.
    pub text: String,
    /// How the line is drawn.
    pub look: Look,
}

impl Look {
    /// Returns the look of a plot's series by its place.
    pub fn nth(place: usize) -> Look {
        use crate::plots::palette::SERIES;
        let shapes = [Shape::Disc, Shape::Ring, Shape::Square, Shape::Triangle, Shape::Diamond];
        let dashes = [Dash::Solid, Dash::Long, Dash::Short, Dash::Mixed, Dash::Dots];
        let at = place % SERIES.len();
        Look { colour: SERIES[at], shape: shapes[at], dash: dashes[at] }
    }
}

impl Axis {
    /// Makes an axis from 0 with round ticks.
    pub fn from_zero(label: impl Into<String>, highest: f64) -> Axis {
        Axis::between(label, 0.0, highest)
    }

    /// Makes an axis with round ticks that holds both values.
    pub fn between(label: impl Into<String>, lowest: f64, highest: f64) -> Axis {
        let step = step(highest - lowest);
        let first = (lowest / step).floor();
        let last = (highest / step).ceil().max(first + 1.0);
        let mut ticks = Vec::new();
        let mut at = first;
        while at <= last {
            ticks.push((at * step, number(at * step)));
            at += 1.0;
        }
        Axis { label: label.into(), low: first * step, high: last * step, ticks }
    }

    /// Leaves out the ticks beyond its ends.
    #[must_use]
    pub fn within(mut self) -> Axis {
        self.ticks.retain(|(at, _)| self.low <= *at && *at <= self.high);
        self
    }

    /// Makes an axis of words, one at each whole number from 0.
    pub fn of_words(label: impl Into<String>, words: &[String]) -> Axis {
        let ticks = (0..).map(f64::from).zip(words.iter().cloned()).collect();
        let high = words.len() as f64 - 0.5;
        Axis { label: label.into(), low: -0.5, high, ticks }
    }

    /// Makes an axis of decades whose lowest tick stands for nothing at all; the second
    /// result maps values to it.
    pub fn decades(label: impl Into<String>, highest: f64) -> (Axis, fn(f64) -> f64) {
        let last = highest.max(10.0).log10().ceil();
        let mut ticks = vec![(-1.0, "0".to_owned())];
        let mut at = 0.0;
        while at <= last {
            ticks.push((at, number(10_f64.powf(at))));
            at += 1.0;
        }
        let place = |value: f64| value.max(0.1).log10();
        (Axis { label: label.into(), low: -1.0, high: last, ticks }, place)
    }
}

/// Returns a round step that divides a range into four to ten.
fn step(range: f64) -> f64 {
    let raw = range.max(1e-9) / 5.0;
    let decade = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| raw <= factor * decade);
    factor.unwrap_or(10.0) * decade
}

/// Writes a number as short as it is.
pub(crate) fn number(value: f64) -> String {
    if 1_000.0 <= value && value.fract() == 0.0 {
        return crate::text::grouped(value as u64);
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        let table = [(97.0, 100.0, 6), (0.9, 1.0, 6), (4_300.0, 5_000.0, 6), (0.0, 1e-9, 6)];

        for (highest, top, _) in table {
            let axis = Axis::from_zero("", highest);
            assert!((axis.high - top).abs() <= 1e-6 + 0.2 * top, "{highest}: {axis:?}");
            assert!(highest <= axis.high && axis.ticks.len() <= 11, "{axis:?}");
        }
        assert_eq!(number(12_500.0), "12,500");
        assert_eq!(number(0.25), "0.25");
    }

    #[test]
    fn on_an_axis_of_decades_nothing_has_a_place_of_its_own() {
        let (axis, place) = Axis::decades("", 350.0);

        assert_eq!((axis.low, axis.high), (-1.0, 3.0));
        assert_eq!([place(0.0), place(1.0), place(100.0)], [-1.0, 0.0, 2.0]);
    }
}
