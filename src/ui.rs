//! The one door to the terminal.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use reports::text::{Colour, Line, Signs, render};
use reports::words::Words;
use scenarios::{Diagnostic, Paint, render_all};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// JSON lines, versioned
    Json,
}

/// Writes to standard output and standard error.
pub struct Ui {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    /// Which signs texts may use.
    pub signs: Signs,
    /// The language of everything that is for people.
    pub words: &'static Words,
}

impl Ui {
    /// Opens both streams.
    pub fn new(color: Color, signs: Signs, words: &'static Words) -> Ui {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let (out, err) = (io::stdout(), io::stderr());
        Ui { out: AutoStream::new(out, choice), err: AutoStream::new(err, choice), signs, words }
    }

    /// Prints lines of a report.
    pub fn lines(&mut self, lines: &[Line]) -> io::Result<()> {
        let text = render(lines, self.signs, Colour::Ansi);
        self.out.write_all(text.as_bytes())
    }

    /// Prints text as it is, with a line end.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        let text = self.signs.spell(text);
        writeln!(self.out, "{text}")
    }

    /// Prints a JSON value on a line of its own.
    pub fn json(&mut self, value: &impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    /// Prints text for machines as it is, whatever the signs, with a line end.
    pub fn raw(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end())
    }

    /// Says something beside the results.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Shows what is wrong with a file.
    pub fn diagnostics(&mut self, found: &[Diagnostic], source: &str) -> io::Result<()> {
        writeln!(self.err, "{}\n", render_all(found, source, Paint::Styled))
    }

    /// Makes sure that everything is out.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
