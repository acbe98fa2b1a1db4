//! Reads `[matrix]`: the cartesian product of some values, minus exceptions.

use crate::codes::Code;
use crate::overrides::{Overrides, holds_settings, path_of, put, value_at};
use crate::problems::{Problems, Span};
use crate::scenario::Scenario;
use crate::section::{items, named};
use crate::tree::{Entry, Node, Value};

/// More cases than this are a search, not a matrix.
const CASES_MAX: usize = 1_000;

/// What a file says about itself: it is read once, whatever a case would make of it.
pub(crate) const HEADER: [&str; 9] =
    ["schema", "title", "teaches", "ask", "tags", "kafka", "seed", "found", "matrix"];

/// One path and its values.
#[derive(Clone, Debug)]
struct Axis {
    path: Vec<String>,
    values: Vec<Node>,
    cases: Cases,
}

/// Which cases a path makes.
#[derive(Clone, Copy, Debug)]
enum Cases {
    /// One for each of its values.
    Each,
    /// None of its own: the command line says the value. That is this one of the path's, if any.
    Outside(Option<usize>),
}

/// The whole matrix.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix<'t> {
    axes: Vec<Axis>,
    except: Vec<Choice>,
    /// Expectations for some cases: the tables, and which cases they are for.
    pub expects: Vec<(&'t Node, Choice)>,
}

/// Which value each of some axes has: (axis, value).
pub(crate) type Choice = Vec<(usize, usize)>;

impl<'t> Matrix<'t> {
    /// Reads the table of a file that the command line has changed already.
    pub fn read(
        node: &'t Node,
        (root, overrides): (&Node, &Overrides),
        problems: &mut Problems<'_>,
    ) -> Matrix<'t> {
        let mut matrix = Matrix::default();
        let entries = named(node, "`matrix`", problems);
        for entry in entries {
            if entry.name != "except" && entry.name != "expect" {
                matrix.axes.extend(axis(entry, problems));
            }
        }
        for axis in &mut matrix.axes {
            if overrides.change(&axis.path) {
                let now = value_at(root, &axis.path).map(shown);
                let place = axis.values.iter().position(|value| Some(shown(value)) == now);
                axis.cases = Cases::Outside(place);
            }
        }
        for entry in entries {
            for item in items(&entry.node) {
                if entry.name == "except" {
                    matrix.except.extend(matrix.choice(item, problems));
                }
                if entry.name == "expect" {
                    match item.get("where") {
                        Some(place) => {
                            let choice = matrix.choice(place, problems);
                            matrix.expects.extend(choice.map(|choice| (item, choice)));
                        }
                        None => {
                            let message = "`[[matrix.expect]]` needs `where`";
                            problems.error(Code::Missing, item.span, message);
                        }
                    }
                }
            }
        }
        matrix
    }

    /// Returns every cell that is not excepted; one empty cell if there is no matrix.
    pub fn cells(&self, span: Span, problems: &mut Problems<'_>) -> Vec<Choice> {
        let size = self.axes.iter().try_fold(1usize, |size, axis| match axis.cases {
            Cases::Each => size.checked_mul(axis.values.len()),
            Cases::Outside(_) => Some(size),
        });
        if size.is_none_or(|size| CASES_MAX < size) {
            problems.error(Code::BadMatrix, span, format!("more than {CASES_MAX} cases"));
            return Vec::new();
        }
        let mut cells: Vec<Choice> = vec![Vec::new()];
        for (at, axis) in self.axes.iter().enumerate() {
            if let Cases::Outside(value) = axis.cases {
                for cell in &mut cells {
                    cell.extend(value.map(|value| (at, value)));
                }
                continue;
            }
            let longer = cells.iter().flat_map(|cell| {
                (0..axis.values.len()).map(move |value| {
                    let mut longer = cell.clone();
                    longer.push((at, value));
                    longer
                })
            });
            cells = longer.collect();
        }
        cells.retain(|cell| !self.except.iter().any(|except| applies(except, cell)));
        if cells.is_empty() {
            problems.error(Code::BadMatrix, span, "the exceptions leave no case");
        }
        cells
    }

    /// Writes a cell's values into a tree.
    pub fn apply(&self, cell: &Choice, root: &mut Node, problems: &mut Problems<'_>) {
        for (axis, value) in self.own(cell) {
            let axis = &self.axes[*axis];
            let value = axis.values[*value].clone();
            let span = value.span;
            if let Err(reason) = put(root, &axis.path, value) {
                problems.error(Code::BadMatrix, span, reason);
            }
        }
    }

    /// Returns a cell's paths and values as texts.
    pub fn settings(&self, cell: &Choice) -> Vec<(String, String)> {
        let show = |(axis, value): &(usize, usize)| {
            let axis = &self.axes[*axis];
            (axis.path.join("."), shown(&axis.values[*value]))
        };
        self.own(cell).map(show).collect()
    }

    /// Returns the values by which a cell differs from others.
    fn own<'c>(&self, cell: &'c Choice) -> impl Iterator<Item = &'c (usize, usize)> {
        cell.iter().filter(|(axis, _)| matches!(self.axes[*axis].cases, Cases::Each))
    }

    /// Returns a cell's name: the last part of each path, and its value.
    pub fn name(&self, cell: &Choice) -> String {
        let show = |(axis, value): &(usize, usize)| {
            let axis = &self.axes[*axis];
            let name = short(&axis.path);
            let clash = self.axes.iter().filter(|other| short(&other.path) == name).count() != 1;
            let name = if clash { axis.path.join(".") } else { name };
            format!("{name}={}", shown(&axis.values[*value]))
        };
        self.own(cell).map(show).collect::<Vec<_>>().join(",")
    }

    /// Reads which value each of some paths has.
    fn choice(&self, node: &Node, problems: &mut Problems<'_>) -> Option<Choice> {
        let mut choice = Vec::new();
        for entry in named(node, "this", problems) {
            let path = path_of(&entry.name);
            let Some(axis) = self.axes.iter().position(|axis| Some(&axis.path) == path.as_ref())
            else {
                let message = format!("`{}` is not in the matrix", entry.name);
                problems.error(Code::BadMatrix, entry.name_span, message);
                return None;
            };
            let values = &self.axes[axis].values;
            let Some(value) = values.iter().position(|value| same(&value.value, &entry.node.value))
            else {
                let known: Vec<String> = values.iter().map(shown).collect();
                problems
                    .error(Code::BadMatrix, entry.node.span, "the matrix has no such value")
                    .help(format!("Its values are {}.", known.join(", ")));
                return None;
            };
            choice.push((axis, value));
        }
        if choice.is_empty() {
            problems.error(Code::BadMatrix, node.span, "this names no case");
            return None;
        }
        Some(choice)
    }
}

/// Says whether a cell has all the values of a choice.
pub(crate) fn applies(choice: &Choice, cell: &Choice) -> bool {
    choice.iter().all(|pair| cell.contains(pair))
}

/// Finds the cases that have all of these values, by short or full path.
///
/// # Errors
/// If no case of the scenario has them: a sentence that names the cases.
///
/// Source: ours.
pub fn select(scenario: &Scenario, wanted: &[(String, String)]) -> Result<Vec<usize>, String> {
    let has = |settings: &[(String, String)], (key, value): &(String, String)| {
        settings.iter().any(|(path, set)| {
            let fits = path == key || path.ends_with(&format!(".{key}"));
            fits && set == value
        })
    };
    let cases = scenario.cases.iter().enumerate();
    let found: Vec<usize> = cases
        .filter(|(_, case)| wanted.iter().all(|pair| has(&case.settings, pair)))
        .map(|(at, _)| at)
        .collect();
    if found.is_empty() {
        let names: Vec<&str> = scenario.cases.iter().map(|case| case.name.as_str()).collect();
        return Err(format!("no case has these values; cases are: {}", names.join("; ")));
    }
    Ok(found)
}

fn axis(entry: &Entry, problems: &mut Problems<'_>) -> Option<Axis> {
    let Some(path) = path_of(&entry.name) else {
        problems.error(Code::BadMatrix, entry.name_span, "this is no path").help(
            "Write the whole path in quotes: \"topics.orders.config.'min.insync.replicas'\".",
        );
        return None;
    };
    if let Some(name) = path.first().filter(|name| HEADER.contains(&name.as_str())) {
        let message = format!("a matrix cannot change `{name}`");
        problems.error(Code::BadMatrix, entry.name_span, message).help(match name.as_str() {
            "seed" => "All cases run with the same seeds: `trial run --seeds A..B`.",
            _ => "It is said once for all cases: take it out of the matrix.",
        });
        return None;
    }
    match &entry.node.value {
        Value::List(values) if !values.is_empty() => {
            Some(Axis { path, values: values.clone(), cases: Cases::Each })
        }
        _ => {
            problems
                .error(Code::BadMatrix, entry.node.span, "expected a list of values")
                .help("A path in the matrix is one key in quotes, with a list: \"sim.settle\" = [\"30s\", \"60s\"].");
            None
        }
    }
}

/// Returns the end of a path: Kafka's whole name for a setting.
pub(crate) fn short(path: &[String]) -> String {
    let settings = (0..path.len()).find(|at| holds_settings(path, *at));
    match settings {
        Some(at) if at + 1 < path.len() => path[at + 1..].join("."),
        _ => path.last().cloned().unwrap_or_default(),
    }
}

/// Shows a value as a user would type it after `=`.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Text(text) | Value::Date(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::Table(entries) => {
            let shown = |entry: &Entry| format!("{}:{}", entry.name, shown(&entry.node));
            format!("{{{}}}", entries.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) | (Value::Date(one), Value::Date(other)) => {
            one == other
        }
        (Value::Int(one), Value::Int(other)) => one == other,
        (Value::Float(one), Value::Float(other)) => one == other,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| same(&one.value, &other.value))
        }
        (Value::Table(one), Value::Table(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| {
                    one.name == other.name && same(&one.node.value, &other.node.value)
                })
        }
        _ => false,
    }
}
