//! Lines of styled text: what every renderer makes, and the only place that knows colours.
//!
//! A line is a list of spans with a tone each; widths are measured in terminal columns.
//! Colour is added at the very end, so that the plain text of a report is the same text.

use std::borrow::Cow;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The widest line of any report, in columns.
pub const WIDTH: usize = 100;

/// What a piece of text is about; decides its colour and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Frames, lanes and other furniture.
    Quiet,
    /// Titles and leaders.
    Strong,
    /// A record on its way.
    Sent,
    /// An acknowledgement.
    Acked,
    /// Something committed, or a claim that holds.
    Committed,
    /// Something lost, or a claim that is broken.
    Lost,
    /// Something at risk, a fault, or an untested claim.
    Risk,
    /// Something that is there twice.
    Doubled,
}

/// Which signs a report may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signs {
    /// Box drawing, arrows and circled numbers.
    #[default]
    Unicode,
    /// Nothing beyond ASCII.
    Ascii,
}

/// Whether text carries escape sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// It does not.
    #[default]
    Plain,
    /// It does.
    Ansi,
}

/// One line of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    spans: Vec<(Tone, String)>,
    /// Whether it may be wider than a report.
    uncut: bool,
}

impl Tone {
    /// Returns the terminal's style for this tone.
    pub fn style(self) -> Style {
        let plain = Style::new();
        match self {
            Tone::Plain => plain,
            Tone::Quiet => plain.dimmed(),
            Tone::Strong => plain.bold(),
            Tone::Sent => plain.fg_color(Some(AnsiColor::Cyan.into())),
            Tone::Acked => plain.fg_color(Some(AnsiColor::Blue.into())),
            Tone::Committed => plain.fg_color(Some(AnsiColor::Green.into())),
            Tone::Lost => plain.bold().fg_color(Some(AnsiColor::Red.into())),
            Tone::Risk => plain.fg_color(Some(AnsiColor::Yellow.into())),
            Tone::Doubled => plain.fg_color(Some(AnsiColor::Magenta.into())),
        }
    }
}

impl Signs {
    /// Returns `text` in these signs.
    pub fn spell(self, text: &str) -> Cow<'_, str> {
        if self == Signs::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut spelled = String::with_capacity(text.len());
        for sign in text.chars() {
            match ascii(sign) {
                Some(letters) => spelled.push_str(letters),
                None => spelled.push(sign),
            }
        }
        Cow::Owned(spelled)
    }
}

/// Returns the ASCII for one of our own signs; texts of users stay as they are.
fn ascii(sign: char) -> Option<&'static str> {
    Some(match sign {
        '│' => "|",
        '─' | '–' => "-",
        '├' | '┤' | '┌' | '┐' | '└' | '┘' => "+",
        '▶' | '»' => ">",
        '◀' => "<",
        '→' => "->",
        '★' => "*",
        '✖' => "X",
        '✗' => "x",
        '╎' | '┊' => ":",
        '░' => "#",
        '┄' => "~",
        '╌' | '·' => ".",
        '◉' => "o",
        '×' => "x",
        '⇄' => "~",
        '…' => "..",
        '✓' => "ok",
        '①' => "(1)",
        '②' => "(2)",
        '③' => "(3)",
        '④' => "(4)",
        '◆' => "#",
        _ => return None,
    })
}

impl Line {
    /// Makes a line of one tone.
    pub fn of(tone: Tone, text: impl Into<String>) -> Line {
        Line { spans: vec![(tone, text.into())], uncut: false }
    }

    /// Makes a line of ordinary text.
    pub fn plain(text: impl Into<String>) -> Line {
        Line::of(Tone::Plain, text)
    }

    /// Adds text at the end.
    #[must_use]
    pub fn then(mut self, tone: Tone, text: impl Into<String>) -> Line {
        self.push(tone, text);
        self
    }

    /// Lets the line be as long as it is: for commands that somebody copies.
    #[must_use]
    pub fn uncut(mut self) -> Line {
        self.uncut = true;
        self
    }

    /// Adds text at the end.
    pub fn push(&mut self, tone: Tone, text: impl Into<String>) {
        self.spans.push((tone, text.into()));
    }

    /// Adds another line's text at the end.
    pub fn append(&mut self, other: Line) {
        self.spans.extend(other.spans);
    }

    /// Adds blanks until the line is `width` columns wide.
    pub fn pad(&mut self, width: usize) {
        let missing = width.saturating_sub(self.width());
        self.push(Tone::Plain, " ".repeat(missing));
    }

    /// Returns the width in columns.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| text.width()).sum()
    }

    /// Returns the line in other signs, cut to `columns`.
    #[must_use]
    pub fn fitted(&self, signs: Signs, columns: usize) -> Line {
        let mut fitted = Line::default();
        let mut left = columns;
        for (tone, text) in &self.spans {
            let piece = fit(&signs.spell(text), left, signs);
            left -= piece.width();
            fitted.push(*tone, piece);
        }
        fitted
    }

    /// Writes the line, without its end.
    fn write(&self, out: &mut String, signs: Signs, colour: Colour) {
        let last = self.spans.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        let shown = last.map_or(0, |last| last + 1);
        for (at, (tone, text)) in self.spans[..shown].iter().enumerate() {
            let text = if at + 1 == shown { text.trim_end() } else { text };
            let text = signs.spell(text);
            let style = tone.style();
            match colour {
                Colour::Ansi if *tone != Tone::Plain => {
                    write!(out, "{style}{text}{style:#}").expect("a string takes any text");
                }
                Colour::Plain | Colour::Ansi => out.push_str(&text),
            }
        }
    }
}

/// Writes lines as text, each with its line end and without blanks before it.
pub fn render(lines: &[Line], signs: Signs, colour: Colour) -> String {
    let mut out = String::new();
    for line in lines {
        let fits = signs == Signs::Unicode || line.fitted(signs, usize::MAX).width() <= WIDTH;
        if line.uncut || fits && line.width() <= WIDTH {
            line.write(&mut out, signs, colour);
        } else {
            line.fitted(signs, WIDTH).write(&mut out, signs, colour);
        }
        out.push('\n');
    }
    out
}

/// Cuts `text` to `columns`, with a sign of the cut.
pub fn fit(text: &str, columns: usize, signs: Signs) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let dots = signs.spell("…");
    if columns <= dots.width() {
        return dots.chars().take(columns).collect();
    }
    let mut left = columns - dots.width();
    let mut kept = String::new();
    for letter in text.chars() {
        let width = letter.width().unwrap_or(0);
        if left < width {
            break;
        }
        left -= width;
        kept.push(letter);
    }
    kept.push_str(&dots);
    kept
}

/// Chooses the longest of a text's forms (`|` between them) that fits into `columns`.
///
/// Runs of records shorten to their beginning (`r347–r399` to `r347…`) before a shorter form
/// is taken; only if no form fits is the last one cut.
pub fn squeeze(forms: &str, columns: usize, signs: Signs) -> String {
    let mut last = String::new();
    for form in forms.split('|') {
        for candidate in [form.to_owned(), shorter_runs(form)] {
            let spelled = signs.spell(&candidate).into_owned();
            if spelled.width() <= columns {
                return spelled;
            }
            last = spelled;
        }
    }
    fit(&last, columns, signs)
}

/// Writes runs of records without their ends.
fn shorter_runs(text: &str) -> String {
    let word = |word: &str| match word.split_once("–r") {
        Some((first, _)) => format!("{first}…"),
        None => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Breaks `text` at blanks into lines of at most `columns`.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        for (at, piece) in pieces(word).into_iter().enumerate() {
            let gap = usize::from(at == 0 && !line.is_empty());
            if !line.is_empty() && columns < line.width() + gap + piece.width() {
                lines.push(std::mem::take(&mut line));
            } else if gap == 1 {
                line.push(' ');
            }
            line.push_str(piece);
        }
    }
    lines.push(line);
    lines
}

/// Takes a word apart where a line may end: beside a wide letter, which needs no blank, but
/// not before what closes or after what opens.
fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut before) = (0, None);
    for (at, letter) in word.char_indices() {
        let may_end = before.is_some_and(|before| {
            let wide = |letter: char| letter.width() == Some(2);
            (wide(before) || wide(letter))
                && !"，。；：？！、）》」”’".contains(letter)
                && !"（《「“‘".contains(before)
        });
        if may_end {
            pieces.push(&word[start..at]);
            start = at;
        }
        before = Some(letter);
    }
    pieces.push(&word[start..]);
    pieces
}

/// Fills `text` up with blanks to `columns`.
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{:1$}", "", columns.saturating_sub(text.width()))
}

/// Puts `text` at the right end of `columns`.
pub fn flush_right(text: &str, columns: usize) -> String {
    format!("{:1$}{text}", "", columns.saturating_sub(text.width()))
}

/// Writes a whole number with commas between thousands: `1,400`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a number with its noun, which has a form for one and a form for many: `3 seeds`.
pub fn counted(number: u64, (one, many): (&str, &str)) -> String {
    let sentence = if number == 1 { one } else { many };
    fill(sentence, &[&grouped(number)])
}

/// Replaces `{0}`, `{1}` … in a sentence of the table of words.
pub fn fill(sentence: &str, values: &[&str]) -> String {
    let mut out = sentence.to_owned();
    for (at, value) in values.iter().enumerate() {
        out = out.replace(&format!("{{{at}}}"), value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_has_the_width_that_was_asked_for() {
        for (columns, expected) in [(9, "promise"), (6, "promi…"), (1, "…"), (0, "")] {
            assert_eq!(fit("promise", columns, Signs::Unicode), expected);
        }
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(fit("确认了", 5, Signs::Unicode), "确认…");
        assert_eq!(Line::plain("确认了").width(), 6);
    }

    #[test]
    fn a_text_takes_the_longest_form_that_fits() {
        let forms = "@198 r347–r399|@198…";

        for (columns, expected) in
            [(14, "@198 r347–r399"), (13, "@198 r347…"), (9, "@198…"), (4, "@19…")]
        {
            assert_eq!(squeeze(forms, columns, Signs::Unicode), expected);
        }
        assert_eq!(squeeze(forms, 11, Signs::Ascii), "@198 r347..");
    }

    #[test]
    fn thousands_are_set_apart() {
        let shown: Vec<_> = [7, 1_000, 1_234_567].map(grouped).to_vec();

        assert_eq!(shown, ["7", "1,000", "1,234,567"]);
    }

    #[test]
    fn ascii_output_has_only_ascii() {
        let line = Line::plain("①  b1 ★ │◀─ cut 12→9 ✗ ░ … ✓");

        assert!(render(&[line], Signs::Ascii, Colour::Plain).is_ascii());
    }
}
