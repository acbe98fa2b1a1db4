//! Two tables of words say the same.

use std::collections::{BTreeMap, BTreeSet};

use reports::words::{EN, Words, ZH};
use serde_json::Value;
use sim::clause::ClauseKind;
use sim::verdict::{Anomaly, Claim};

/// Words that are the same in both languages: signs, and names of people and of Kafka's own.
const NAMES: [&str; 31] = [
    "answer",
    "toml",
    "ISR",
    "HW",
    "LEO",
    "id",
    "ppm",
    "acks",
    "broker",
    "Kafka",
    "poll",
    "interval",
    "max",
    "min",
    "insync",
    "replicas",
    "events",
    "seek",
    "send",
    "all",
    "re",
    "out",
    "of",
    "e",
    "auto",
    "offset",
    "reset",
    "enable",
    "idempotence",
    "Clopper",
    "Pearson",
];

#[test]
fn both_tables_have_the_same_values_in_every_entry() {
    let (english, chinese) = (entries(&EN), entries(&ZH));

    for (name, text) in &english {
        let other = &chinese[name];
        let forms = |text: &str| text.split('|').count();
        let mut expected = places(text);
        if places(other).contains(&'0') && text.contains('1') {
            expected.insert('0'); // the form for one writes its number out
        }
        assert_eq!(expected, places(other), "{name}: {text} / {other}");
        assert!(forms(other) <= forms(text), "{name}: {text} / {other}");
    }
    assert_eq!(english.len(), chinese.len());
}

#[test]
fn every_clause_has_the_same_values_in_both_languages() {
    let mut missing = Vec::new();
    for &kind in ClauseKind::ALL {
        let (english, chinese) = (kind.english(), (ZH.grammar.template)(kind));
        assert_eq!(places(english), places(chinese), "{kind:?}: {chinese}");
        if !has_letters(chinese) {
            missing.push(kind);
        }
    }

    let names = [ClauseKind::Broker, ClauseKind::ButSo, ClauseKind::AboutClaim];
    assert_eq!(missing, names);
}

#[test]
fn nothing_chinese_is_left_in_english() {
    let mut texts: Vec<String> = entries(&ZH).into_values().collect();
    texts.extend(Claim::ALL.iter().map(|&claim| (ZH.meaning)(claim).to_owned()));
    texts.extend(Anomaly::ALL.iter().map(|&anomaly| (ZH.anomaly)(anomaly).to_owned()));
    texts.extend(ClauseKind::ALL.iter().map(|&kind| (ZH.grammar.template)(kind).to_owned()));

    for text in texts {
        let words = text.split(|letter: char| !letter.is_ascii_alphabetic());
        let strange: Vec<_> = words.filter(|it| 1 < it.len() && !NAMES.contains(it)).collect();
        let sentence =
            strange.len() < 2 || text.chars().all(|it| it.is_ascii_uppercase() || it == '_');
        assert!(sentence, "{text}: {strange:?}");
    }
}

/// Every text of a table by its path; names of errors are no texts.
fn entries(words: &Words) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    let table = serde_json::to_value(words).expect("words are texts");
    collect(String::new(), &table, &mut entries);
    entries
}

fn collect(path: String, value: &Value, entries: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            entries.insert(path, text.clone());
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                collect(format!("{path}.{at}"), value, entries);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(format!("{path}.{name}"), value, entries);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => panic!("{path}: {value}"),
    }
}

/// The values that any form of a text names.
fn places(text: &str) -> BTreeSet<char> {
    let mut places = BTreeSet::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        places.extend(after.chars().next());
        rest = after;
    }
    places
}

fn has_letters(text: &str) -> bool {
    text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}
