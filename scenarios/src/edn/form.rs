//! EDN as values that know where they stand.

use std::ops::Range;

/// A value of EDN with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// What it is.
    pub value: Edn,
}

/// A value of EDN. Tags are dropped, what they stand before is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edn {
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// A number that fits.
    Integer(i64),
    /// Another number, as written.
    Number(String),
    /// A string.
    Text(String),
    /// A keyword without its colon.
    Keyword(String),
    /// A symbol or a character, as written.
    Symbol(String),
    /// A list, a vector or a set.
    Sequence(Vec<Form>),
    /// A map.
    Map(Vec<(Form, Form)>),
}

impl Form {
    /// Returns what kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Edn::Nil => "nil",
            Edn::Bool(_) => "a boolean",
            Edn::Integer(_) | Edn::Number(_) => "a number",
            Edn::Text(_) => "a string",
            Edn::Keyword(_) => "a keyword",
            Edn::Symbol(_) => "a symbol",
            Edn::Sequence(_) => "a sequence",
            Edn::Map(_) => "a map",
        }
    }

    /// Returns a keyword's name.
    pub fn keyword(&self) -> Option<&str> {
        match &self.value {
            Edn::Keyword(name) => Some(name),
            _ => None,
        }
    }

    /// Returns the items of a list, a vector or a set.
    pub fn items(&self) -> Option<&[Form]> {
        match &self.value {
            Edn::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the value under a keyword of a map.
    pub fn get(&self, name: &str) -> Option<&Form> {
        match &self.value {
            Edn::Map(entries) => {
                entries.iter().find(|(key, _)| key.keyword() == Some(name)).map(|(_, it)| it)
            }
            _ => None,
        }
    }
}
