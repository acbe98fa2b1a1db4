//! Changes to a file from outside of it: `--set path=value`, `--rules name=choice`.

use crate::codes::Code;
use crate::matrix::{HEADER, short};
use crate::problems::{Problems, Span};
use crate::tree::{Entry, Node, Value, read_assignment};

/// What the command line changes in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Paths and values, as typed.
    pub set: Vec<(String, String)>,
    /// Protocol rules and choices, as typed.
    pub rules: Vec<(String, String)>,
    /// Paths and values of one setting of a sweep (`--vary`); they come last.
    pub vary: Vec<(String, String)>,
}

impl Overrides {
    /// Splits `path=value` as typed.
    pub fn split(text: &str) -> Option<(String, String)> {
        let (path, value) = text.split_once('=')?;
        Some((path.trim().to_owned(), value.trim().to_owned()))
    }

    /// Splits the values of `--vary path=a,b,c`: at commas outside of brackets and quotes.
    pub fn alternatives(text: &str) -> Vec<String> {
        let (mut found, mut depth, mut quote) = (vec![String::new()], 0_usize, None);
        for letter in text.chars() {
            match (letter, quote) {
                ('"' | '\'', None) => quote = Some(letter),
                (_, Some(open)) if letter == open => quote = None,
                ('[' | '{', None) => depth += 1,
                (']' | '}', None) => depth = depth.saturating_sub(1),
                _ => {}
            }
            match found.last_mut() {
                Some(last) if letter != ',' || 0 < depth || quote.is_some() => last.push(letter),
                _ => found.push(String::new()),
            }
        }
        found.into_iter().map(|value| value.trim().to_owned()).collect()
    }

    /// Returns the end of a path by which a setting is named: Kafka's whole name for one of
    /// its settings. `None` if the text is no path.
    pub fn name_of(path: &str) -> Option<String> {
        path_of(path).map(|path| short(&path))
    }

    /// Says whether they change the value at a path, or one that it lies in.
    pub(crate) fn change(&self, path: &[String]) -> bool {
        let set = self.set.iter().chain(&self.vary).filter_map(|(path, _)| path_of(path));
        let rules = self.rules.iter().filter_map(|(name, _)| rule_path(name));
        set.chain(rules).any(|changed| path.starts_with(&changed))
    }

    /// Changes the tree.
    pub(crate) fn apply(&self, root: &mut Node, problems: &mut Problems<'_>) {
        let set = self
            .set
            .iter()
            .map(|(path, value)| (format!("--set {path}={value}"), path.clone(), value));
        let rules = self.rules.iter().map(|(name, value)| {
            (format!("--rules {name}={value}"), format!("cluster.rules.{name}"), value)
        });
        let vary = self
            .vary
            .iter()
            .map(|(path, value)| (format!("--vary {path}={value}"), path.clone(), value));
        for (origin, path, value) in set.chain(rules).chain(vary) {
            problems.origins.push(origin);
            let origin = Some(problems.origins.len() - 1);
            let span = Span { start: 0, end: 0, origin };
            let Some(path) = path_of(&path) else {
                problems.error(Code::BadOverride, span, format!("`{path}` is no path"));
                continue;
            };
            let is_varied = problems.origins.last().is_some_and(|it| it.starts_with("--vary"));
            if let Some(name) = path.first().filter(|it| is_varied && HEADER.contains(&it.as_str()))
            {
                let message = format!("`{name}` cannot be varied");
                problems.error(Code::BadOverride, span, message).help(match name.as_str() {
                    "seed" => "Each run has a seed of its own: say how many with --runs.",
                    _ => "It changes no run: leave this --vary out.",
                });
                continue;
            }
            let node = Node { span, value: value_of(value) };
            if let Err(reason) = put(root, &path, node) {
                problems.error(Code::BadOverride, span, reason);
            }
        }
    }
}

/// Reads a dotted path; keys with other letters than TOML's bare ones are quoted. What lies in
/// a table of Kafka's settings is one part, with quotes or without.
pub(crate) fn path_of(text: &str) -> Option<Vec<String>> {
    let (mut path, _) = read_assignment(&format!("{text} = 0"))?;
    if let Some(at) = (0..path.len()).find(|at| holds_settings(&path, *at))
        && at + 1 < path.len()
    {
        let setting = path.split_off(at + 1).join(".");
        path.push(setting);
    }
    Some(path)
}

fn rule_path(name: &str) -> Option<Vec<String>> {
    path_of(&format!("cluster.rules.{name}"))
}

/// Returns what lies at a path.
pub(crate) fn value_at<'t>(root: &'t Node, path: &[String]) -> Option<&'t Node> {
    path.iter().try_fold(root, |here, name| match &here.value {
        Value::List(items) => items.get(name.parse::<usize>().ok()?.checked_sub(1)?),
        _ => here.get(name),
    })
}

/// Reads a value as TOML would, and what is no TOML as a text.
fn value_of(text: &str) -> Value {
    match read_assignment(&format!("value = {text}")) {
        Some((path, value)) if path.len() == 1 => value,
        _ => Value::Text(text.to_owned()),
    }
}

/// Says whether a path's part names a table whose keys are Kafka's settings: what is left of
/// the path is one key there.
pub(crate) fn holds_settings(path: &[String], at: usize) -> bool {
    match path[at].as_str() {
        "config" | "broker" => true,
        "producer" => at == 2 && path[0] == "apps",
        _ => false,
    }
}

/// Puts a value at a path, making the tables on the way.
///
/// A value without a place of its own (a `--set`) takes the place of what it replaces.
pub(crate) fn put(root: &mut Node, path: &[String], node: Node) -> Result<(), String> {
    let Some((last, way)) = path.split_last() else { return Err("an empty path".to_owned()) };
    let mut here = root;
    for (depth, name) in way.iter().enumerate() {
        let place = Span { origin: node.span.origin, ..here.span };
        here = child(here, name, place)?;
        if holds_settings(path, depth) {
            return set(here, &path[depth + 1..].join("."), node);
        }
    }
    set(here, last, node)
}

fn set(table: &mut Node, name: &str, mut node: Node) -> Result<(), String> {
    let place = Span { origin: node.span.origin, ..table.span };
    if let Value::List(items) = &mut table.value {
        let item = item(items, name)?;
        settle(&mut node, item.span);
        *item = node;
        return Ok(());
    }
    let Value::Table(entries) = &mut table.value else {
        return Err(format!("`{name}` does not lie in a table"));
    };
    match entries.iter_mut().find(|entry| entry.name == name) {
        Some(entry) => {
            settle(&mut node, entry.node.span);
            entry.node = node;
        }
        None => {
            settle(&mut node, place);
            let name_span = node.span;
            entries.push(Entry { name: name.to_owned(), name_span, node });
        }
    }
    Ok(())
}

/// Gives a value from outside of the file the place of what it replaces.
fn settle(node: &mut Node, place: Span) {
    if node.span.origin.is_some() {
        node.move_to(Span { origin: node.span.origin, ..place });
    }
}

fn child<'t>(here: &'t mut Node, name: &str, place: Span) -> Result<&'t mut Node, String> {
    match &mut here.value {
        Value::List(items) => item(items, name),
        Value::Table(entries) => {
            let at = match entries.iter().position(|entry| entry.name == name) {
                Some(at) => at,
                None => {
                    let node = Node { span: place, value: Value::Table(Vec::new()) };
                    entries.push(Entry { name: name.to_owned(), name_span: place, node });
                    entries.len() - 1
                }
            };
            Ok(&mut entries[at].node)
        }
        _ => Err(format!("`{name}` does not lie in a table")),
    }
}

fn item<'t>(items: &'t mut [Node], name: &str) -> Result<&'t mut Node, String> {
    let length = items.len();
    let at = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    at.and_then(|at| items.get_mut(at))
        .ok_or_else(|| format!("`{name}` is no item of this list: expected 1 to {length}"))
}
