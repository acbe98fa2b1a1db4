//! Keys of somebody who follows a lesson: single ones at a terminal, else lines.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Read};

use console::Term;

/// Bytes of a line that are read, at most.
const LINE_MAX: u64 = 1_024;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Go on.
    Next,
    /// Go back.
    Back,
    /// Stop.
    Quit,
    /// The option with this number, from 1.
    Option(usize),
}

/// Where keys come from.
pub struct Keys {
    /// The terminal, if there is one.
    term: Option<Term>,
}

impl Keys {
    /// Opens the terminal, if standard input is one.
    pub fn open() -> Keys {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        Keys { term: is_terminal.then(Term::stdout) }
    }

    /// Waits for the next key that means something; `None` is the end of the input.
    pub fn next(&mut self) -> io::Result<Option<Key>> {
        match &self.term {
            Some(term) => pressed(term),
            None => line(),
        }
    }
}

fn pressed(term: &Term) -> io::Result<Option<Key>> {
    loop {
        let key = match term.read_key() {
            Ok(console::Key::Char(letter)) => meant(&letter.to_string()),
            Ok(console::Key::Enter | console::Key::ArrowRight | console::Key::PageDown) => {
                Some(Key::Next)
            }
            Ok(console::Key::ArrowLeft | console::Key::PageUp | console::Key::Backspace) => {
                Some(Key::Back)
            }
            Ok(console::Key::Escape) => Some(Key::Quit),
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::Interrupted => Some(Key::Quit),
            Err(error) => return Err(error),
        };
        if key.is_some() {
            return Ok(key);
        }
    }
}

fn line() -> io::Result<Option<Key>> {
    loop {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(LINE_MAX).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        let key = meant(&String::from_utf8_lossy(&bytes));
        if key.is_some() {
            return Ok(key);
        }
    }
}

/// Says what a key or a line means; `None` is nothing.
fn meant(text: &str) -> Option<Key> {
    match text.trim() {
        "" | "n" => Some(Key::Next),
        "b" => Some(Key::Back),
        "q" => Some(Key::Quit),
        number => number.parse().ok().filter(|it| 0 < *it).map(Key::Option),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_numbers_mean_something() {
        let cases = [
            (" ", Some(Key::Next)),
            ("\n", Some(Key::Next)),
            ("b\n", Some(Key::Back)),
            ("q", Some(Key::Quit)),
            ("3\r\n", Some(Key::Option(3))),
            ("0", None),
            ("x", None),
        ];

        for (text, key) in cases {
            assert_eq!(meant(text), key, "{text:?}");
        }
    }
}
