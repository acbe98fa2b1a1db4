//! From text to forms, one at a time.
//!
//! Source: the EDN format, <https://github.com/edn-format/edn>, and what Clojure prints beyond
//! it (`##NaN`, `#:prefix{…}`).

use super::EdnError;
use super::form::{Edn, Form};
use crate::diagnostic::Place;

/// No value lies deeper than this.
const DEPTH_MAX: usize = 200;

/// Reads the forms of a text in order.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// The result of reading.
type Read<T> = Result<T, EdnError>;

impl<'t> Reader<'t> {
    /// Begins to read.
    pub fn new(text: &'t str) -> Reader<'t> {
        Reader { text, at: 0, depth: 0 }
    }

    /// Returns the next form; `None` at the end of the text.
    pub fn next(&mut self) -> Read<Option<Form>> {
        self.skip_blanks()?;
        if self.rest().is_empty() {
            return Ok(None);
        }
        self.form().map(Some)
    }

    /// Makes an error about a place of the text.
    pub fn error(
        &self,
        at: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> EdnError {
        let place = Place::of(self.text, at);
        EdnError { place, message: message.into(), hint: hint.into() }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    /// Skips white space, commas, comments and discarded forms.
    fn skip_blanks(&mut self) -> Read<()> {
        loop {
            let rest = self.rest();
            let blanks = rest
                .trim_start_matches(|it: char| it.is_whitespace() || it == ',' || it == '\u{feff}');
            self.at += rest.len() - blanks.len();
            if blanks.starts_with(';') {
                self.at += blanks.find('\n').unwrap_or(blanks.len());
            } else if blanks.starts_with("#_") {
                self.at += 2;
                self.form()?;
            } else {
                return Ok(());
            }
        }
    }

    fn form(&mut self) -> Read<Form> {
        self.skip_blanks()?;
        let start = self.at;
        if DEPTH_MAX <= self.depth {
            let hint = format!("At most {DEPTH_MAX} levels are read.");
            return Err(self.error(start, "this is nested too deeply", hint));
        }
        self.depth += 1;
        let value = self.value(start)?;
        self.depth -= 1;
        Ok(Form { span: start..self.at, value })
    }

    fn value(&mut self, start: usize) -> Read<Edn> {
        match self.peek() {
            None => Err(self.error(start, "the text ends where a value should be", "")),
            Some('(') => self.items(start, ')').map(Edn::Sequence),
            Some('[') => self.items(start, ']').map(Edn::Sequence),
            Some('{') => self.map(start),
            Some('"') => self.string(start).map(Edn::Text),
            Some('\\') => self.character(),
            Some('#') => self.dispatched(start),
            Some(letter @ (')' | ']' | '}')) => {
                Err(self.error(start, format!("`{letter}` closes nothing"), ""))
            }
            Some(_) => self.word(start),
        }
    }

    /// Reads forms up to a closing bracket; the opening one lies ahead.
    fn items(&mut self, start: usize, close: char) -> Read<Vec<Form>> {
        self.take();
        let mut items = Vec::new();
        loop {
            self.skip_blanks()?;
            match self.peek() {
                Some(letter) if letter == close => {
                    self.take();
                    return Ok(items);
                }
                None => {
                    let message = format!("the text ends before this is closed by `{close}`");
                    return Err(self.error(start, message, "Is the file complete?"));
                }
                Some(_) => items.push(self.form()?),
            }
        }
    }

    fn map(&mut self, start: usize) -> Read<Edn> {
        let items = self.items(start, '}')?;
        if items.len() % 2 != 0 {
            return Err(self.error(start, "this map has a key without a value", ""));
        }
        let mut entries = Vec::with_capacity(items.len() / 2);
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(Edn::Map(entries))
    }

    fn string(&mut self, start: usize) -> Read<String> {
        self.take();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.take() {
                None => {
                    return Err(self.error(start, "the text ends before this string does", ""));
                }
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape(at)?),
                Some(letter) => text.push(letter),
            }
        }
    }

    fn escape(&mut self, at: usize) -> Read<char> {
        Ok(match self.take() {
            Some('t') => '\t',
            Some('r') => '\r',
            Some('n') => '\n',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(letter @ ('\\' | '"')) => letter,
            Some('u') => {
                let code = self.rest().get(..4).and_then(|it| u32::from_str_radix(it, 16).ok());
                let Some(code) = code else {
                    return Err(self.error(at, "`\\u` needs four hexadecimal digits", ""));
                };
                self.at += 4;
                // Half a surrogate pair is no character.
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.error(at, "this escape is unknown", "")),
        })
    }

    fn character(&mut self) -> Read<Edn> {
        let start = self.at;
        self.take();
        if self.take().is_none() {
            return Err(self.error(start, "the text ends where a character should be", ""));
        }
        self.skip_word();
        Ok(Edn::Symbol(self.text[start..self.at].to_owned()))
    }

    /// Reads what begins with `#`: a set, a symbolic number, or a tagged value.
    fn dispatched(&mut self, start: usize) -> Read<Edn> {
        self.take();
        match self.peek() {
            Some('{') => self.items(start, '}').map(Edn::Sequence),
            Some('#') => {
                self.take();
                self.skip_word();
                Ok(Edn::Number(self.text[start..self.at].to_owned()))
            }
            Some(letter) if letter.is_alphabetic() || letter == ':' => {
                self.skip_word();
                self.form().map(|form| form.value)
            }
            _ => Err(self.error(start, "`#` stands before nothing that can be read", "")),
        }
    }

    fn skip_word(&mut self) {
        let rest = self.rest();
        let ends = |it: char| it.is_whitespace() || "()[]{}\",;".contains(it);
        self.at += rest.find(ends).unwrap_or(rest.len());
    }

    fn word(&mut self, start: usize) -> Read<Edn> {
        self.skip_word();
        let word = &self.text[start..self.at];
        let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
        Ok(match word {
            "nil" => Edn::Nil,
            "true" => Edn::Bool(true),
            "false" => Edn::Bool(false),
            _ if digits.starts_with(|it: char| it.is_ascii_digit()) => self.number(start, word)?,
            _ => match word.strip_prefix(':') {
                Some("") => return Err(self.error(start, "this keyword has no name", "")),
                Some(name) => Edn::Keyword(name.to_owned()),
                None => Edn::Symbol(word.to_owned()),
            },
        })
    }

    fn number(&self, start: usize, word: &str) -> Read<Edn> {
        let plain = word.strip_suffix('N').unwrap_or(word);
        if let Ok(number) = plain.parse() {
            return Ok(Edn::Integer(number));
        }
        let is_number = |it: char| it.is_ascii_digit() || "+-.eEMN/xabcdefABCDEF".contains(it);
        match word.chars().all(is_number) {
            true => Ok(Edn::Number(word.to_owned())),
            false => Err(self.error(start, format!("`{word}` is no number"), "")),
        }
    }
}
