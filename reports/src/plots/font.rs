//! The one font of the plots: measured for the layout, and drawn into PNGs.
//!
//! No font of the host is ever asked, so a plot has the same bytes everywhere.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, GlyphId, PxScale, ScaleFont as _};

/// A subset of Noto Sans CJK SC; see `reports/fonts/subset.sh` for how it is made.
static BYTES: &[u8] = include_bytes!("../../fonts/NotoSansCJKsc-plots.otf");

static FONT: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::try_from_slice(BYTES).expect("the embedded font is a font"));

/// Height of a capital letter, in em.
pub(crate) const CAPITAL: f32 = 0.733;

/// One letter of a text, placed.
pub(crate) struct Placed {
    /// Its place along the line, in pixels.
    pub(crate) x: f32,
    /// Its glyph.
    pub(crate) glyph: GlyphId,
}

/// Returns the font.
pub(crate) fn font() -> &'static FontRef<'static> {
    &FONT
}

/// Returns the scale of the font at which an em has so many pixels.
pub(crate) fn scale(em: f32) -> PxScale {
    let units = FONT.units_per_em().unwrap_or(1_000.0);
    PxScale::from(em * FONT.height_unscaled() / units)
}

/// Places the letters of a text; the second result is its width. Both in pixels.
pub(crate) fn placed(text: &str, em: f32) -> (Vec<Placed>, f32) {
    let scaled = FONT.as_scaled(scale(em));
    let (mut x, mut last) = (0.0, None);
    let mut letters = Vec::new();
    for letter in text.chars() {
        let glyph = scaled.glyph_id(letter);
        x += last.map_or(0.0, |last| scaled.kern(last, glyph));
        letters.push(Placed { x, glyph });
        x += scaled.h_advance(glyph);
        last = Some(glyph);
    }
    (letters, x)
}

/// Returns the width of a text in pixels, rounded up.
pub(crate) fn width(text: &str, em: i32) -> i32 {
    placed(text, em as f32).1.ceil() as i32
}

/// Breaks a text at blanks into lines of at most `room` pixels; a flag of a command stays
/// with its value.
pub(crate) fn wrapped(text: &str, em: i32, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match parts.last_mut() {
            Some(flag)
                if flag.starts_with("--") && !flag.contains(' ') && !word.starts_with("--") =>
            {
                flag.push(' ');
                flag.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
    }
    for word in &parts {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), em) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::words::ALL;

    #[test]
    fn the_font_has_every_letter_of_the_words() {
        let texts = ALL.iter().flat_map(|word| [word.en, word.zh]);
        let missing: Vec<char> = texts
            .flat_map(str::chars)
            .filter(|&letter| font().glyph_id(letter) == GlyphId(0))
            .collect();

        assert!(missing.is_empty(), "run reports/fonts/subset.sh: {missing:?}");
    }

    #[test]
    fn a_chinese_letter_is_an_em_wide() {
        assert_eq!(width("副本", 20), 40);
        assert!(width("iiii", 20) < width("mmmm", 20));
    }

    #[test]
    fn lines_are_broken_where_they_are_full() {
        let text = "how many copies do lost replies make";

        let lines = wrapped(text, 20, 160);

        assert!(lines.iter().all(|line| width(line, 20) <= 160), "{lines:?}");
        assert_eq!(lines.join(" "), text);
    }
}
