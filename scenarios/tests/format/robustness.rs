//! No input makes the reader panic, and every place it names lies in the file.

use proptest::prelude::*;
use scenarios::{Diagnostic, Overrides, Paint, parse, render_all};

use crate::groups::GROUPS;
use crate::plans::LONE_LEADER;

const WORDS: [&str; 30] = [
    "\"\"",
    "0",
    "-1",
    "1e9",
    "nan",
    "true",
    "[]",
    "[[]]",
    "{}",
    "\"all\"",
    "\"5s\"",
    "\"-5s\"",
    "99999999999999999999",
    "9223372036854775807",
    "\"orders-99999\"",
    "\"leader(\"",
    "\"not not not isr(orders-0)\"",
    "\"((((((((((((((((((((((((((((((((((((((\"",
    "\"é\"",
    "[1, 1, 300]",
    "\"isr(orders-0) == 1 and\"",
    "{ shape = \"uniform\", from = \"2s\", to = \"1s\" }",
    "2030-01-01",
    "\"\\u0000\"",
    "\"members(g1)\"",
    "\"owner(g1, orders-0)\"",
    "\"g1-1\"",
    "{ every = 0 }",
    "{ members = \"g1-2\", partitions = [\"orders-1\"] }",
    "\"lag(g1) == 0 or owner(g1, orders-0) == none\"",
];

fn check(source: &str) {
    let found: Vec<Diagnostic> = match parse("file.toml", source, &Overrides::default()) {
        Ok((_, warnings)) => warnings,
        Err(errors) => errors,
    };
    for diagnostic in &found {
        assert!(diagnostic.span.start <= diagnostic.span.end, "{diagnostic:?}");
        assert!(diagnostic.span.end <= source.len(), "{diagnostic:?}");
        assert!(source.is_char_boundary(diagnostic.span.start), "{diagnostic:?}");
        assert!(source.is_char_boundary(diagnostic.span.end), "{diagnostic:?}");
        diagnostic.to_json(source);
    }
    render_all(&found, source, Paint::Styled);
}

fn file() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(LONE_LEADER), Just(GROUPS)]
}

/// Cuts a text at a byte, or near it.
fn near(source: &str, at: usize) -> usize {
    let mut at = at % (source.len() + 1);
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(source in "\\PC{0,200}") {
        check(&source);
    }

    #[test]
    fn a_cut_file_is_read(file in file(), from in any::<u16>(), length in 0usize..200) {
        let start = near(file, usize::from(from));
        let end = near(file, (start + length).min(file.len())).max(start);
        check(&file[..start]);
        check(&format!("{}{}", &file[..start], &file[end..]));
    }

    #[test]
    fn a_file_with_other_bytes_is_read(file in file(), places in proptest::collection::vec((any::<u16>(), any::<char>()), 1..4)) {
        let mut source = file.to_owned();
        for (at, letter) in places {
            let at = near(&source, usize::from(at));
            source.insert(at, letter);
        }
        check(&source);
    }

    #[test]
    fn a_file_with_other_values_is_read(file in file(), changes in proptest::collection::vec((any::<u16>(), any::<u16>(), 0usize..WORDS.len()), 1..3)) {
        let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
        let values: Vec<String> =
            lines.iter().filter_map(|line| line.split_once('=')).map(|(_, value)| value.to_owned()).collect();
        for (at, other, word) in changes {
            let count = lines.len();
            let line = &mut lines[usize::from(at) % count];
            if let Some((key, _)) = line.clone().split_once('=') {
                let value = match other % 2 {
                    0 => WORDS[word],
                    _ => &values[usize::from(other) % values.len()],
                };
                *line = format!("{key}= {value}");
            }
        }
        check(&lines.join("\n"));
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("schema = 1\nx = {}{}", "[".repeat(500), "]".repeat(500));
    check(&deep);

    let when = format!("when = \"{} isr(orders-0) == 1\"", "not ".repeat(10_000));
    check(&LONE_LEADER.replace("at   = \"2s\"", &when));
}
