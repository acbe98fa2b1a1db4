//! Which setting of a sweep is which: values by the ends of their paths.

use scenarios::Language;

use crate::plots::PlotError;
use crate::plots::words::{NONE_SEEN, RUNS};
use crate::stats::CONFIDENCE;
use crate::stats::share::Share;
use crate::stats::words::percent;
use crate::sweep::{Setting, Sweep};
use crate::text::{fill, grouped};

/// Returns what a setting has at a path that ends like this.
pub(crate) fn value<'s>(setting: &'s Setting, key: &str) -> Option<&'s str> {
    let ends = |path: &str| {
        let plain = path.replace(['\'', '"'], "");
        plain == key || plain.ends_with(&format!(".{key}"))
    };
    let found = setting.values.iter().find(|(path, _)| ends(path));
    found.map(|(_, value)| value.trim_matches('"'))
}

/// Returns the values of a key over all settings, in order of their first appearance.
///
/// # Errors
/// If no setting has it.
pub(crate) fn values<'s>(sweep: &'s Sweep, key: &'static str) -> Result<Vec<&'s str>, PlotError> {
    let mut found = Vec::new();
    for value in sweep.settings.iter().filter_map(|setting| value(setting, key)) {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    if found.is_empty() { Err(PlotError::NotVaried(key)) } else { Ok(found) }
}

/// Returns the values of a key as numbers, in order of size.
///
/// # Errors
/// If no setting has it, or one has no number there.
pub(crate) fn numbers(sweep: &Sweep, key: &'static str) -> Result<Vec<f64>, PlotError> {
    let read = |text: &str| match number(text) {
        Some(number) => Ok(number),
        None => Err(PlotError::NoNumber(key, text.to_owned())),
    };
    let mut found = values(sweep, key)?.into_iter().map(read).collect::<Result<Vec<f64>, _>>()?;
    found.sort_by(f64::total_cmp);
    Ok(found)
}

/// Reads a number as scenario files have it.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns the settings whose key has this value.
pub(crate) fn at<'s>(sweep: &'s Sweep, key: &str, at: f64) -> impl Iterator<Item = &'s Setting> {
    sweep.settings.iter().filter(move |it| value(it, key).and_then(number) == Some(at))
}

/// Says how many runs each point has, and which seeds.
pub(crate) fn runs(sweep: &Sweep, language: Language) -> String {
    let most = sweep.settings.iter().map(Setting::runs).max().unwrap_or(0) as u64;
    fill(RUNS.of(language), &[&grouped(most)])
}

/// Says what no run at all means.
pub(crate) fn none_seen(sweep: &Sweep, language: Language) -> String {
    let of = sweep.settings.iter().map(Setting::runs).max().unwrap_or(0) as u64;
    let bound = percent(Share { hits: 0, of }.exact(CONFIDENCE).high);
    fill(NONE_SEEN.of(language), &[&grouped(of), &bound])
}

/// Puts sentences into one note.
pub(crate) fn note(parts: &[String]) -> String {
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_the_end_of_its_path() {
        let path = "topics.orders.config.'min.insync.replicas'".to_owned();
        let values = vec![(path, "\"2\"".to_owned())];
        let setting = Setting::new("s", "", values, String::new());

        assert_eq!(value(&setting, "min.insync.replicas"), Some("2"));
        assert_eq!(value(&setting, "replicas"), Some("2"));
        assert_eq!(value(&setting, "acks"), None);
        assert_eq!(number("10_000"), Some(10_000.0));
    }
}
