//! Kafka's settings under Kafka's own names, as far as they are not as they would be anyhow.

use model::config::RawSetting;

use super::layout::{Table, Value};

/// A setting that differs: its name, and its value as `set` takes it.
pub(super) type Setting = (&'static str, String);

/// Returns the table of some settings.
pub(super) fn table(settings: Vec<Setting>) -> Table {
    let mut table = Table::default();
    for (name, value) in settings {
        table.set(name, of_text(&value));
    }
    table
}

/// Returns the settings that every one of several processes has.
pub(super) fn shared(mut all: impl Iterator<Item = Vec<Setting>>) -> Vec<Setting> {
    let mut shared = all.next().unwrap_or_default();
    for other in all {
        shared.retain(|setting| other.contains(setting));
    }
    shared
}

/// Returns the one of several values that occurs most often, the first of those that do.
pub(super) fn usual<T: PartialEq>(values: &[T]) -> Option<&T> {
    let count = |value: &T| values.iter().filter(|other| *other == value).count();
    let first_of_most = |best: Option<&'_ T>, value: &T| match best {
        Some(best) => count(best) < count(value),
        None => true,
    };
    let mut usual = None;
    for value in values {
        if first_of_most(usual, value) {
            usual = Some(value);
        }
    }
    usual
}

/// Writes a value as it stood in a file.
pub(super) fn of_raw(value: &RawSetting) -> Value {
    match value {
        RawSetting::Int(number) => Value::from(*number),
        RawSetting::Bool(flag) => Value::from(*flag),
        RawSetting::Text(text) => Value::from(text.as_str()),
    }
}

/// Writes a number or a flag without quotes.
fn of_text(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Value::from(number),
        _ => match text {
            "true" => Value::from(true),
            "false" => Value::from(false),
            text => Value::from(text),
        },
    }
}
