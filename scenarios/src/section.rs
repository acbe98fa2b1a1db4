//! One table of a file while it is read: fields are taken by name, and what nobody took
//! is an error in the end.

use crate::codes::Code;
use crate::problems::{Problems, Span, nearest};
use crate::tree::{Entry, Node, Value};

/// A table that is being read.
#[derive(Debug)]
pub(crate) struct Section<'t> {
    /// The whole table.
    pub span: Span,
    entries: &'t [Entry],
    known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// Begins to read a table; anything else is an error.
    pub fn open(node: &'t Node, what: &str, problems: &mut Problems<'_>) -> Option<Section<'t>> {
        match &node.value {
            Value::Table(entries) => Some(Section { span: node.span, entries, known: Vec::new() }),
            _ => {
                let message = format!("{what} must be a table, found {}", node.type_name());
                problems.error(Code::WrongType, node.span, message);
                None
            }
        }
    }

    /// Takes a field, if it is there.
    pub fn take(&mut self, name: &'static str) -> Option<&'t Node> {
        self.take_entry(name).map(|entry| &entry.node)
    }

    /// Takes a field with its name's place, if it is there.
    pub fn take_entry(&mut self, name: &'static str) -> Option<&'t Entry> {
        self.known.push(name);
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Says whether a field is there, without taking it.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Takes a field that must be there.
    pub fn need(
        &mut self,
        name: &'static str,
        what: &str,
        problems: &mut Problems<'_>,
    ) -> Option<&'t Node> {
        let found = self.take(name);
        if found.is_none() {
            problems.error(Code::Missing, self.span, format!("{what} needs `{name}`"));
        }
        found
    }

    /// Refuses a field that the format knows and the model does not.
    pub fn refuse(&mut self, name: &'static str, what: &str, problems: &mut Problems<'_>) {
        if let Some(entry) = self.take_entry(name) {
            problems.not_yet(entry.name_span, what);
        }
    }

    /// Reports the fields that nobody took.
    pub fn finish(self, problems: &mut Problems<'_>) {
        for entry in self.entries {
            if self.known.contains(&entry.name.as_str()) {
                continue;
            }
            let message = format!("unknown field `{}`", entry.name);
            let problem = problems.error(Code::UnknownField, entry.name_span, message);
            match nearest(&entry.name, self.known.iter().copied()) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem.help(format!("Known here: {}.", listed(&self.known))),
            };
        }
    }
}

/// Returns the entries of a table whose names the user chose.
pub(crate) fn named<'t>(node: &'t Node, what: &str, problems: &mut Problems<'_>) -> &'t [Entry] {
    match &node.value {
        Value::Table(entries) => entries,
        _ => {
            let message = format!("{what} must be a table, found {}", node.type_name());
            problems.error(Code::WrongType, node.span, message);
            &[]
        }
    }
}

/// Returns the items of a list; a lone value counts as a list of one.
pub(crate) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Lists words for a sentence.
pub(crate) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
