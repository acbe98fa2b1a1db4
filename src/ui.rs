//! The one door to the terminal.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice, StripStream};
use reports::text::{Colour, Line, Signs, render};
use reports::words::{EN, Words};
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

/// Writes to standard output and standard error, or keeps what would go there.
pub struct Ui {
    out: Stream,
    err: Stream,
    /// Which signs texts may use.
    pub signs: Signs,
    /// The language of everything that is for people.
    pub words: &'static Words,
}

/// Where text goes.
enum Stream {
    Out(AutoStream<io::Stdout>),
    Err(AutoStream<io::Stderr>),
    /// Nowhere: it is asked for later.
    Kept(Vec<u8>),
    /// Nowhere: it is asked for later, without its colours.
    Plain(StripStream<Vec<u8>>),
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Out(stream) => stream.write(bytes),
            Stream::Err(stream) => stream.write(bytes),
            Stream::Kept(stream) => stream.write(bytes),
            Stream::Plain(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Out(stream) => stream.flush(),
            Stream::Err(stream) => stream.flush(),
            Stream::Kept(stream) => stream.flush(),
            Stream::Plain(stream) => stream.flush(),
        }
    }
}

impl Stream {
    /// Returns what was kept; nothing of what went out.
    fn text(self) -> String {
        let bytes = match self {
            Stream::Out(_) | Stream::Err(_) => Vec::new(),
            Stream::Kept(bytes) => bytes,
            Stream::Plain(stream) => stream.into_inner(),
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Ui {
    /// Opens both streams.
    pub fn new(color: Color, signs: Signs, words: &'static Words) -> Ui {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let out = Stream::Out(AutoStream::new(io::stdout(), choice));
        let err = Stream::Err(AutoStream::new(io::stderr(), choice));
        Ui { out, err, signs, words }
    }

    /// Keeps both streams, instead of opening them; with colours only if they are asked for.
    pub fn kept(color: Color, signs: Signs, words: &'static Words) -> Ui {
        let stream = || match color {
            Color::Always => Stream::Kept(Vec::new()),
            Color::Auto | Color::Never => Stream::Plain(StripStream::new(Vec::new())),
        };
        Ui { out: stream(), err: stream(), signs, words }
    }

    /// Returns what was kept of standard output and standard error.
    pub fn texts(self) -> (String, String) {
        (self.out.text(), self.err.text())
    }

    /// Returns the words of what is printed in a format: machines read English.
    pub fn words_in(&self, format: Format) -> &'static Words {
        match format {
            Format::Human => self.words,
            Format::Json => &EN,
        }
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

    /// Hands bytes over as they are: a picture is no text.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.flush()?;
        match &mut self.out {
            Stream::Out(_) => io::stdout().write_all(bytes),
            stream => stream.write_all(bytes),
        }
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
