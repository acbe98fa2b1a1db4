//! Writes SVG, element by element.

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthStr;

use super::{Tenths, WIDE, style};

/// What a picture is called and what it shows, for those who cannot see it.
pub(super) struct About<'a> {
    /// What the picture is.
    pub title: &'a str,
    /// How the trial ended.
    pub description: &'a str,
    /// Its height.
    pub high: Tenths,
}

/// A picture under construction.
pub(super) struct Pen {
    out: String,
}

/// A length as it is written: `12`, `12.5`.
struct Px(Tenths);

/// Text as it stands between tags and in attributes.
struct Escaped<'a>(&'a str);

/// Where a text stands beside its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It begins there.
    Start,
    /// It is around it.
    Middle,
    /// It ends there.
    End,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub x: Tenths,
    pub y: Tenths,
    pub wide: Tenths,
    pub high: Tenths,
}

impl Pen {
    /// Begins a picture; the elements follow in the order in which they are drawn.
    pub fn new() -> Pen {
        Pen { out: String::new() }
    }

    /// Ends the picture and returns it whole.
    pub fn done(self, about: &About<'_>) -> String {
        let (wide, high) = (Px(WIDE), Px(about.high));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
             viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-labelledby=\"title desc\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{}</style>\n\
             <defs><pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"8\" \
             class=\"hatch\"/></pattern></defs>\n\
             <rect class=\"paper\" width=\"{wide}\" height=\"{high}\"/>\n{}</svg>\n",
            Escaped(about.title),
            Escaped(about.description),
            style::sheet(),
            self.out,
        )
    }

    /// Draws a rectangle.
    pub fn rect(&mut self, class: &str, area: Area) {
        let Area { x, y, wide, high } = area;
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            Px(x),
            Px(y),
            Px(wide),
            Px(high)
        ));
    }

    /// Draws a straight line.
    pub fn line(&mut self, class: &str, from: (Tenths, Tenths), to: (Tenths, Tenths)) {
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            Px(from.0),
            Px(from.1),
            Px(to.0),
            Px(to.1)
        ));
    }

    /// Draws a disc.
    pub fn disc(&mut self, class: &str, (x, y): (Tenths, Tenths), radius: Tenths) {
        let (x, y, r) = (Px(x), Px(y), Px(radius));
        self.put(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>"));
    }

    /// Draws a line through several points; `closed` ones are filled by their class.
    pub fn path(&mut self, class: &str, points: &[(Tenths, Tenths)], end: PathEnd) {
        let mut way = String::new();
        for (at, &(x, y)) in points.iter().enumerate() {
            let step = if at == 0 { 'M' } else { 'L' };
            // Writing to a string does not fail.
            _ = write!(way, "{step}{} {}", Px(x), Px(y));
        }
        let end = if end == PathEnd::Closed { "z" } else { "" };
        self.put(format_args!("<path class=\"{class}\" d=\"{way}{end}\"/>"));
    }

    /// Writes a text.
    pub fn text(&mut self, class: &str, (x, y): (Tenths, Tenths), anchor: Anchor, text: &str) {
        let side = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y, text) = (Px(x), Px(y), Escaped(text));
        self.put(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{side}>{text}</text>"));
    }

    /// Opens a group of elements.
    pub fn open(&mut self, class: &str) {
        self.put(format_args!("<g class=\"{class}\">"));
    }

    /// Closes the group that was opened last.
    pub fn close(&mut self) {
        self.put(format_args!("</g>"));
    }

    fn put(&mut self, element: fmt::Arguments<'_>) {
        _ = writeln!(self.out, "{element}"); // writing to a string does not fail
    }
}

/// Whether a path leads back to where it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathEnd {
    /// It does.
    Closed,
    /// It does not.
    Open,
}

/// Returns about how wide a text is in the common size.
pub(super) fn width(text: &str) -> Tenths {
    text.width() as Tenths * 86
}

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, tenth) = (self.0.abs() / 10, self.0.abs() % 10);
        match tenth {
            0 => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{tenth}"),
        }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // XML has no way to write these.
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => f.write_char('�')?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('�')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_decimal_at_most() {
        let cases = [(0, "0"), (10, "1"), (125, "12.5"), (-5, "-0.5"), (-20, "-2")];

        for (tenths, text) in cases {
            assert_eq!(Px(tenths).to_string(), text);
        }
    }

    #[test]
    fn a_text_cannot_leave_its_element() {
        assert_eq!(Escaped("a<b>&\"\u{1}").to_string(), "a&lt;b&gt;&amp;&quot;�");
    }
}
