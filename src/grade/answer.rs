//! What a student hands in: files that are read as data, and never followed or run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use reports::text::{fill, grouped};
use reports::words::Words;
use toml::{Table, Value};

use super::exercise::{Exercise, On, What};

/// The file with settings, numbers and choices.
pub const ANSWER: &str = "answer.toml";
/// No file of an answer has more bytes than this.
const BYTES_MAX: u64 = 64 * 1_024;

/// What a student hands in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Settings, as `--set` takes them.
    pub set: Vec<(String, String)>,
    /// Numbers, by name.
    pub numbers: BTreeMap<String, u64>,
    /// Options that were chosen, by the name of the choice.
    pub choices: BTreeMap<String, BTreeSet<String>>,
    /// The texts of scenario files, by name; a missing one is not there.
    pub files: BTreeMap<String, String>,
}

/// Says whether an exercise asks for `answer.toml`.
pub fn has_sheet(exercise: &Exercise) -> bool {
    let asks = |what: &What| match what {
        What::Number { .. } | What::Choice { .. } => true,
        What::Test(test) => matches!(test.setup.on, On::Story(_)),
        What::Kill { .. } => false,
    };
    exercise.lines.iter().any(|line| asks(&line.what))
}

/// Says whether a folder is one student's answer, and not a class.
pub fn is_one(folder: &Path, exercise: &Exercise) -> bool {
    let has = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
    has(ANSWER) || exercise.wanted.files.iter().any(|file| has(file))
}

/// Reads an answer.
///
/// # Errors
/// Why it earns nothing at all, in words.
pub fn read(folder: &Path, exercise: &Exercise, words: &Words) -> Result<Answer, String> {
    let mut answer = Answer::default();
    if has_sheet(exercise) {
        let Some(text) = text(folder, ANSWER, words)? else {
            return Err(fill(words.grade.missing, &[ANSWER]));
        };
        sheet(&text, exercise, &mut answer, words)?;
    }
    for name in &exercise.wanted.files {
        if let Some(text) = text(folder, name, words)? {
            answer.files.insert(name.clone(), text);
        }
    }
    Ok(answer)
}

/// Reads a file; `None` if there is none.
fn text(folder: &Path, name: &str, words: &Words) -> Result<Option<String>, String> {
    let grade = &words.grade;
    let path = folder.join(name);
    let Ok(about) = fs::symlink_metadata(&path) else { return Ok(None) };
    if !about.file_type().is_file() {
        return Err(fill(grade.link, &[name]));
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(&path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| fill(grade.unreadable, &[name, &error.kind().to_string()]))?;
    if BYTES_MAX < read as u64 {
        return Err(fill(grade.huge, &[name, &grouped(BYTES_MAX)]));
    }
    let text = String::from_utf8(bytes).map_err(|_| fill(grade.not_text, &[name]))?;
    Ok(Some(text))
}

fn sheet(
    text: &str,
    exercise: &Exercise,
    answer: &mut Answer,
    words: &Words,
) -> Result<(), String> {
    let table: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        fill(words.grade.bad_toml, &[ANSWER, &clean(error.message())])
    })?;
    let (mut numbers, mut choices) = (Vec::new(), Vec::new());
    for line in &exercise.lines {
        match &line.what {
            What::Number { name, .. } => numbers.push(name.as_str()),
            What::Choice { name, .. } => choices.push(name.as_str()),
            What::Test(_) | What::Kill { .. } => {}
        }
    }
    let may_set = exercise.wanted.may_set.iter().map(String::as_str).collect::<Vec<_>>();
    let known = [("set", &may_set), ("numbers", &numbers), ("choices", &choices)];
    for (key, value) in table {
        let of = known.iter().find(|(name, names)| *name == key && !names.is_empty());
        let Some((_, names)) = of else {
            let asked = known.iter().filter(|(_, names)| !names.is_empty());
            let asked = asked.map(|(name, _)| format!("[{name}]")).collect::<Vec<_>>();
            return Err(fill(words.grade.unknown_key, &[&clean(&key), &asked.join(", ")]));
        };
        let mut flat = Vec::new();
        flatten(String::new(), value, &mut flat);
        for (name, value) in flat {
            let name = name.replace(['\'', '"'], "");
            if !names.contains(&name.as_str()) {
                let template =
                    if key == "set" { words.grade.forbidden } else { words.grade.unknown_key };
                return Err(fill(template, &[&clean(&name), &names.join(", ")]));
            }
            take(answer, &key, (name, value), words)?;
        }
    }
    Ok(())
}

/// Takes in one value of `[set]`, `[numbers]` or `[choices]`.
fn take(
    answer: &mut Answer,
    key: &str,
    (name, value): (String, Value),
    words: &Words,
) -> Result<(), String> {
    let bad = || fill(words.grade.bad_value, &[&name]);
    match (key, value) {
        ("set", Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_))
            if answer.set.iter().any(|(path, _)| *path == name) =>
        {
            return Err(bad());
        }
        (
            "set",
            value @ (Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_)),
        ) => answer.set.push((name, value.to_string())),
        ("numbers", Value::Integer(number)) => {
            let number = u64::try_from(number).map_err(|_| bad())?;
            answer.numbers.insert(name, number);
        }
        ("choices", Value::String(one)) => {
            answer.choices.insert(name, BTreeSet::from([one]));
        }
        ("choices", Value::Array(many)) => {
            let text = |value: Value| value.as_str().map(str::to_owned);
            let chosen: Option<BTreeSet<String>> = many.into_iter().map(text).collect();
            answer.choices.insert(name.clone(), chosen.ok_or_else(bad)?);
        }
        _ => return Err(bad()),
    }
    Ok(())
}

/// Writes tables within tables as paths.
fn flatten(path: String, value: Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(path, value, into);
            }
        }
        value => into.push((path, value)),
    }
}

/// Makes a text of somebody else fit to be shown: short, and without control characters.
pub fn clean(text: &str) -> String {
    const LETTERS_MAX: usize = 160;
    let plain = |letter: char| if letter.is_control() { '?' } else { letter };
    text.chars().take(LETTERS_MAX).map(plain).collect()
}
