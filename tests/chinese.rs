//! Everything for people is told in Chinese, too.

use reports::text::{Line, WIDTH};
use scenarios::{LibraryEntry, Overrides, Scenario, Text, library};

use crate::cli::shown;

#[test]
fn every_text_of_the_library_is_in_both_languages() {
    let mut missing = Vec::new();
    for entry in library() {
        for text in texts(&read(entry)) {
            if text.zh.as_ref().is_none_or(|zh| !has_chinese(zh)) {
                missing.push(format!("{}: {}", entry.name, text.en));
            }
        }
    }

    assert!(missing.is_empty(), "{missing:#?}");
}

/// Long runs of Latin words would be a sentence that nobody has translated.
#[test]
fn no_chinese_text_of_the_library_has_an_english_sentence_in_it() {
    for entry in library() {
        for zh in texts(&read(entry)).into_iter().filter_map(|text| text.zh) {
            let english = |word: &&str| {
                1 < word.len() && word.chars().all(|letter| letter.is_ascii_alphabetic())
            };
            let runs = zh.split(|letter: char| !letter.is_ascii() || ",;:=".contains(letter));
            let longest = runs.map(|run| run.split(' ').filter(english).count()).max();
            assert!(longest.is_none_or(|words| words <= 3), "{}: {zh}", entry.name);
        }
    }
}

#[test]
fn some_scenarios_are_asked_about_before_they_are_shown() {
    let asked = library().iter().filter_map(|entry| read(entry).ask);

    for question in asked.clone() {
        assert!(question.answer < question.options.len(), "{}", question.question.en);
    }
    assert!(18 <= asked.count());
}

#[test]
fn a_loss_is_told_in_chinese() {
    insta::assert_snapshot!(shown(&["run", "acks1-leader-crash", "--lang", "zh"]));
}

#[test]
fn a_rebalance_is_told_in_chinese() {
    insta::assert_snapshot!(shown(&["run", "zombie-consumer-long-gc", "--lang", "zh"]));
}

#[test]
fn lists_and_totals_are_told_in_chinese() {
    let calls: [&[&str]; 4] = [
        &["run", "acks1-leader-crash", "acks-all-leader-crash", "--lang", "zh"],
        &["run", "acks1-leader-crash", "--seeds", "0..3", "--quiet", "--lang", "zh"],
        &["list", "claims", "--lang", "zh"],
        &["explain", "acked-lost", "--lang", "zh"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn no_chinese_line_is_wider_than_a_report() {
    for name in ["acks1-leader-crash", "zombie-consumer-long-gc", "kip320-zombie-follower"] {
        for line in shown(&["run", name, "--lang", "zh"]).lines() {
            assert!(Line::plain(line).width() <= WIDTH, "{line}");
        }
    }
}

#[test]
fn machines_read_english_in_every_language() {
    let run = |lang| {
        let shown = shown(&["run", "acks1-leader-crash", "--format", "json", "--lang", lang]);
        shown.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };

    assert_eq!(run("zh"), run("en"));
}

fn read(entry: &LibraryEntry) -> Scenario {
    match scenarios::parse(entry.name, entry.source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}: {problems:#?}", entry.name),
    }
}

/// The texts of a scenario that a reader sees.
fn texts(scenario: &Scenario) -> Vec<Text> {
    let mut texts = vec![scenario.title.clone()];
    texts.extend(scenario.teaches.clone());
    if let Some(ask) = &scenario.ask {
        texts.extend([ask.question.clone(), ask.because.clone()]);
        texts.extend(ask.options.iter().cloned());
    }
    let steps = scenario.cases.iter().flat_map(|case| &case.steps);
    texts.extend(steps.filter_map(|step| step.say.clone()));
    texts
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}
