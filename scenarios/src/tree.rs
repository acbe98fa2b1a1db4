//! A scenario file as a tree of values with their places.
//!
//! Matrix cases and `--set` change this tree, and every case is then read from its own
//! copy, so that there is one way to read a value wherever it comes from.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::codes::Code;
use crate::problems::{Problems, Span};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub value: Value,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Date(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// One key with its value; a table keeps them in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub name: String,
    pub name_span: Span,
    pub node: Node,
}

impl Node {
    /// Names the value's type for a message.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Int(_) => "a number",
            Value::Float(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Returns the entry of this name, if this is a table that has one.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => {
                entries.iter().find(|entry| entry.name == name).map(|entry| &entry.node)
            }
            _ => None,
        }
    }

    /// Returns the entries, if this is a table.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Gives the value and everything in it another place.
    pub fn move_to(&mut self, span: Span) {
        self.span = span;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_to(span)),
            Value::Table(entries) => {
                for entry in entries {
                    entry.name_span = span;
                    entry.node.move_to(span);
                }
            }
            Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => {}
        }
    }
}

/// Reads TOML; syntax errors go to `problems`, one per line.
pub(crate) fn read(source: &str, problems: &mut Problems<'_>) -> Node {
    let (table, errors) = DeTable::parse_recoverable(source);
    let mut lines = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = source.as_bytes()[..span.start.min(source.len())]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        // One slip makes the parser report several errors of the same line.
        if !lines.contains(&line) {
            lines.push(line);
            problems.error(Code::Syntax, place(&span), error.message().replace('\n', " "));
        }
    }
    let span = place(&table.span());
    Node { span, value: table_of(table.into_inner(), problems) }
}

/// Reads `path = value` as a chain of keys and the value at its end, if it is TOML.
pub(crate) fn read_assignment(text: &str) -> Option<(Vec<String>, Value)> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let mut problems = Problems::new("", text);
    let mut value = table_of(table, &mut problems);
    let mut path = Vec::new();
    // Only the dotted key's own chain: an inline table at its end is the value.
    let length = keys_before_equals(text)?;
    while path.len() < length {
        let Value::Table(mut entries) = value else { return None };
        if entries.len() != 1 {
            return None;
        }
        let entry = entries.pop()?;
        path.push(entry.name);
        value = entry.node.value;
    }
    if problems.has_errors() { None } else { Some((path, value)) }
}

/// Counts the parts of the dotted key before the equals sign.
fn keys_before_equals(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut count = 1;
    for letter in text.chars() {
        match (quote, letter) {
            (None, '=') => return Some(count),
            (None, '.') => count += 1,
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn place(span: &std::ops::Range<usize>) -> Span {
    Span { start: span.start, end: span.end, origin: None }
}

fn table_of(table: DeTable<'_>, problems: &mut Problems<'_>) -> Value {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, value) in table {
        let node = node_of(value, problems);
        // Tools may store notes under such names.
        if !key.get_ref().starts_with("x-") {
            let name_span = place(&key.span());
            entries.push(Entry { name: key.into_inner().into_owned(), name_span, node });
        }
    }
    entries.sort_by_key(|entry| entry.name_span.start);
    Value::Table(entries)
}

fn node_of(value: Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Node {
    let span = place(&value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => {
            match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Int(number),
                Err(_) => {
                    problems.error(Code::OutOfRange, span, "this number is too large");
                    Value::Int(0)
                }
            }
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Bool(flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| node_of(item, problems)).collect())
        }
        DeValue::Table(table) => table_of(table, problems),
    };
    Node { span, value }
}
