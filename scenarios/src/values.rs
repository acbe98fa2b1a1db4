//! Reads single values: durations and sizes with units, probabilities, distributions, words.

use std::time::UNIX_EPOCH;

use model::time::{Duration, Timestamp};
use sim::plan::Shape;

use crate::codes::Code;
use crate::problems::{Problems, Span, nearest};
use crate::section::{Section, listed};
use crate::tree::{Node, Value};

/// The longest duration that a file may name: beyond it virtual time could overflow.
const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Reports a value of the wrong type.
pub(crate) fn wrong_type(node: &Node, expected: &str, problems: &mut Problems<'_>) {
    let message = format!("expected {expected}, found {}", node.type_name());
    problems.error(Code::WrongType, node.span, message);
}

/// Reads a text.
pub(crate) fn text<'t>(node: &'t Node, problems: &mut Problems<'_>) -> Option<&'t str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => {
            wrong_type(node, "a text in quotes", problems);
            None
        }
    }
}

/// Reads true or false.
pub(crate) fn flag(node: &Node, problems: &mut Problems<'_>) -> Option<bool> {
    match node.value {
        Value::Bool(flag) => Some(flag),
        _ => {
            wrong_type(node, "true or false", problems);
            None
        }
    }
}

/// Reads a whole number within a range.
pub(crate) fn whole(
    node: &Node,
    range: std::ops::RangeInclusive<u64>,
    problems: &mut Problems<'_>,
) -> Option<u64> {
    let Value::Int(number) = node.value else {
        wrong_type(node, "a whole number", problems);
        return None;
    };
    match u64::try_from(number) {
        Ok(number) if range.contains(&number) => Some(number),
        _ => {
            let message =
                format!("{number} is out of range: expected {} to {}", range.start(), range.end());
            problems.error(Code::OutOfRange, node.span, message);
            None
        }
    }
}

/// Reads a seed. Those that are too large for a number of TOML stand in quotes.
pub(crate) fn seed(node: &Node, problems: &mut Problems<'_>) -> Option<u64> {
    let Value::Text(text) = &node.value else {
        return whole(node, 0..=i64::MAX as u64, problems);
    };
    let plain = text.replace('_', "");
    let read = match plain.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    if read.is_err() {
        problems
            .error(Code::OutOfRange, node.span, format!("`{text}` is no seed"))
            .help("A seed is a number from 0 to 2^64-1, decimal or 0x; quotes are for large ones.");
    }
    read.ok()
}

/// Reads a share from 0 to 1 as millionths.
pub(crate) fn millionths(node: &Node, problems: &mut Problems<'_>) -> Option<u32> {
    let share = match node.value {
        Value::Float(share) => share,
        Value::Int(number) => number as f64,
        _ => {
            wrong_type(node, "a number from 0 to 1", problems);
            return None;
        }
    };
    if (0.0..=1.0).contains(&share) {
        return Some((share * 1e6).round() as u32);
    }
    let problem = problems.error(Code::BadShare, node.span, format!("{share} is no probability"));
    problem.label("expected a number from 0 to 1");
    if (1.0..=100.0).contains(&share) {
        problem.help(format!("Write {} for {share} percent.", share / 100.0));
    }
    None
}

/// Reads one of a few words.
pub(crate) fn word<T: Copy>(
    node: &Node,
    choices: &[(&'static str, T)],
    problems: &mut Problems<'_>,
) -> Option<T> {
    let word = text(node, problems)?;
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == word) {
        return Some(*choice);
    }
    unknown_word(
        word,
        node.span,
        &choices.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        problems,
    );
    None
}

/// Reports a word that is none of the choices.
pub(crate) fn unknown_word(word: &str, span: Span, choices: &[&str], problems: &mut Problems<'_>) {
    let problem = problems.error(Code::UnknownWord, span, format!("unknown word `{word}`"));
    if let Some(near) = nearest(word, choices.iter().copied()) {
        problem.label(format!("did you mean `{near}`?"));
    }
    problem.help(format!("Expected one of {}.", listed(choices)));
}

/// Reads a duration with its unit.
pub(crate) fn duration(node: &Node, problems: &mut Problems<'_>) -> Option<Duration> {
    let text = with_unit(node, "duration", "ms", problems)?;
    let micros = match humantime::parse_duration(text.trim()) {
        Ok(length) => length.as_nanos().div_ceil(1_000),
        Err(error) => {
            let message = format!("`{text}` is no duration: {error}");
            problems
                .error(Code::BadDuration, node.span, message)
                .help("Write a number and a unit: \"500us\", \"20ms\", \"1.5s\", \"2m\".");
            return None;
        }
    };
    match u64::try_from(micros) {
        Ok(micros) if micros <= DURATION_MAX.0 => Some(Duration(micros)),
        _ => {
            problems.error(Code::BadDuration, node.span, format!("`{text}` is longer than a year"));
            None
        }
    }
}

/// Reads a duration that may be negative, as microseconds: `"+5s"`, `"-250ms"`.
pub(crate) fn signed_micros(node: &Node, problems: &mut Problems<'_>) -> Option<i64> {
    let text = with_unit(node, "duration", "ms", problems)?.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let plain = Node { span: node.span, value: Value::Text(rest.trim().to_owned()) };
    Some(sign * duration(&plain, problems)?.0 as i64)
}

/// Reads a moment of real time, in quotes or as TOML's own date.
pub(crate) fn moment(node: &Node, problems: &mut Problems<'_>) -> Option<Timestamp> {
    let (Value::Text(text) | Value::Date(text)) = &node.value else {
        wrong_type(node, "a moment such as \"2030-01-01T00:00:00Z\"", problems);
        return None;
    };
    let moment = humantime::parse_rfc3339_weak(text).ok();
    let since = moment.and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
    let millis = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    if millis.is_none() {
        problems
            .error(Code::BadDuration, node.span, format!("`{text}` is no moment"))
            .help("Write \"2030-01-01T00:00:00Z\".");
    }
    millis.map(Timestamp)
}

/// Reads a number of bytes.
pub(crate) fn bytes(node: &Node, problems: &mut Problems<'_>) -> Option<u64> {
    let text = with_unit(node, "size", "B", problems)?;
    let units = [
        ("B", 1),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    let size = scaled(text, &units);
    if size.is_none() {
        problems
            .error(Code::BadDuration, node.span, format!("`{text}` is no size"))
            .help("Write a number and a unit: \"100B\", \"64KiB\", \"1MB\".");
    }
    size
}

/// Reads a bandwidth as bytes per second.
pub(crate) fn rate(node: &Node, problems: &mut Problems<'_>) -> Option<u64> {
    let text = with_unit(node, "rate", "MB/s", problems)?;
    let units = [
        ("kbit/s", 125),
        ("Kbit/s", 125),
        ("Mbit/s", 125_000),
        ("Gbit/s", 125_000_000),
        ("B/s", 1),
        ("kB/s", 1_000),
        ("KB/s", 1_000),
        ("MB/s", 1_000_000),
        ("GB/s", 1_000_000_000),
        ("KiB/s", 1 << 10),
        ("MiB/s", 1 << 20),
        ("GiB/s", 1 << 30),
    ];
    let rate = scaled(text, &units).filter(|rate| 0 < *rate);
    if rate.is_none() {
        problems
            .error(Code::BadDuration, node.span, format!("`{text}` is no rate"))
            .help("Write a number and a unit: \"100Mbit/s\", \"1Gbit/s\", \"10MB/s\".");
    }
    rate
}

/// Reads a plain duration or a table that spells out a distribution.
pub(crate) fn shape(node: &Node, problems: &mut Problems<'_>) -> Option<Shape> {
    if !matches!(node.value, Value::Table(_)) {
        return duration(node, problems).map(Shape::Fixed);
    }
    let mut section = Section::open(node, "a distribution", problems)?;
    let name = section.need("shape", "a distribution", problems)?;
    let mut length = |field: &'static str, problems: &mut Problems<'_>| {
        section.need(field, "this distribution", problems).and_then(|node| duration(node, problems))
    };
    let shape = match text(name, problems)? {
        "fixed" => Shape::Fixed(length("at", problems)?),
        "uniform" => {
            let (from, to) = (length("from", problems), length("to", problems));
            Shape::Uniform(from?, to?)
        }
        "exponential" => {
            let mean = length("mean", problems);
            let mut bound = |field, usual, problems: &mut Problems<'_>| {
                section.take(field).map_or(Some(usual), |node| duration(node, problems))
            };
            let floor = bound("floor", Duration::ZERO, problems);
            let cap = bound("cap", DURATION_MAX, problems);
            Shape::Exponential { floor: floor?, mean: mean?, cap: cap? }
        }
        "two-humped" => {
            let (usual, rare) = (length("usual", problems), length("rare", problems));
            let share = section.need("rare-share", "this distribution", problems)?;
            let rare_millionths = millionths(share, problems)?;
            Shape::TwoHumped { usual: usual?, rare: rare?, rare_millionths }
        }
        other => {
            let choices = ["fixed", "uniform", "exponential", "two-humped"];
            let problem =
                problems.error(Code::BadShape, name.span, format!("unknown shape `{other}`"));
            if let Some(near) = nearest(other, choices) {
                problem.label(format!("did you mean `{near}`?"));
            }
            problem.help(format!("Expected one of {}.", listed(&choices)));
            return None;
        }
    };
    section.finish(problems);
    check_shape(shape, node.span, problems)
}

/// Refuses distributions whose lengths contradict each other.
fn check_shape(shape: Shape, span: Span, problems: &mut Problems<'_>) -> Option<Shape> {
    let wrong = match shape {
        Shape::Uniform(from, to) if to < from => "`to` is shorter than `from`",
        Shape::Exponential { floor, mean, .. } if mean < floor => "`mean` is shorter than `floor`",
        Shape::Exponential { mean, cap, .. } if cap < mean => "`cap` is shorter than `mean`",
        _ => return Some(shape),
    };
    problems.error(Code::BadShape, span, wrong);
    None
}

/// Returns the text of a value that needs a unit.
fn with_unit<'t>(
    node: &'t Node,
    what: &str,
    unit: &str,
    problems: &mut Problems<'_>,
) -> Option<&'t str> {
    match &node.value {
        Value::Text(text) => Some(text),
        Value::Int(_) | Value::Float(_) => {
            let number = match node.value {
                Value::Int(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                _ => String::new(),
            };
            problems
                .error(Code::BareNumber, node.span, format!("a {what} needs a unit"))
                .label(format!("write \"{number}{unit}\""));
            None
        }
        _ => {
            wrong_type(node, &format!("a {what} such as \"20{unit}\""), problems);
            None
        }
    }
}

/// Reads a number followed by one of the units.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '_')?;
    let number: u64 = text[..digits].replace('_', "").parse().ok()?;
    let unit = text[digits..].trim();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

/// Reads how many microseconds per second a clock gains; negative is loses.
pub(crate) fn parts_per_million(node: &Node, problems: &mut Problems<'_>) -> Option<i64> {
    match node.value {
        Value::Int(ppm @ -100_000..=100_000) => Some(ppm),
        Value::Int(ppm) => {
            let message = format!("{ppm} is out of range: expected -100000 to 100000");
            problems.error(Code::OutOfRange, node.span, message);
            None
        }
        _ => {
            wrong_type(node, "a whole number of microseconds per second", problems);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(value: Value) -> Node {
        Node { span: Span::default(), value }
    }

    #[test]
    fn durations_have_units() {
        let table = [
            ("500us", Some(500)),
            ("20ms", Some(20_000)),
            ("1.5s", Some(1_500_000)),
            ("2m 30s", Some(150_000_000)),
            ("5", None),
            ("", None),
            ("-5s", None),
            ("900000000000years", None),
        ];

        for (text, micros) in table {
            let mut problems = Problems::new("", "");
            let read = duration(&node(Value::Text(text.to_owned())), &mut problems);

            assert_eq!(read.map(|length| length.0), micros, "{text}");
            assert_eq!(problems.has_errors(), micros.is_none(), "{text}");
        }
    }

    #[test]
    fn sizes_and_rates_have_units() {
        let table =
            [("100B", Some(100)), ("64KiB", Some(65_536)), ("1MB", Some(1_000_000)), ("7", None)];
        for (text, size) in table {
            let mut problems = Problems::new("", "");
            assert_eq!(bytes(&node(Value::Text(text.to_owned())), &mut problems), size, "{text}");
        }

        let mut problems = Problems::new("", "");
        let gigabit = node(Value::Text("1Gbit/s".to_owned()));
        assert_eq!(rate(&gigabit, &mut problems), Some(125_000_000));
    }

    #[test]
    fn a_bare_number_is_an_error_with_a_fix() {
        let mut problems = Problems::new("", "");

        assert_eq!(duration(&node(Value::Int(5)), &mut problems), None);

        let found = problems.sorted();
        assert_eq!(found[0].code, Code::BareNumber);
        assert_eq!(found[0].label.as_deref(), Some("write \"5ms\""));
    }

    #[test]
    fn jumps_have_a_sign() {
        for (text, micros) in [("+5s", 5_000_000), ("-250ms", -250_000), ("1ms", 1_000)] {
            let mut problems = Problems::new("", "");
            let read = signed_micros(&node(Value::Text(text.to_owned())), &mut problems);

            assert_eq!(read, Some(micros), "{text}");
        }
    }
}
