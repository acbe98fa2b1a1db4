//! What a search has found, run again: the same, still broken, no longer broken.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use model::time::Duration;
use scenarios::found::Found;
use scenarios::written::{Heading, scenario};
use scenarios::{Expected, Hope, Overrides, parse};
use serde_json::Value;
use sim::plan::Plan;
use sim::verdict::Claim;
use sim::{KeepHistory, MODEL_VERSION, Options};

use crate::cli::command;

#[test]
fn the_same_model_has_the_same_history() {
    let repro = Repro::new("same", |_, _| {});

    let told = repro.shown(&["replay", "repro.toml"]);
    let until = repro.shown(&["replay", "repro.toml", "--until", "500ms", "--trace=p1,leader"]);
    let early = repro.shown(&["replay", "repro.toml", "--until", "3s"]);
    let chinese = repro.shown(&["replay", "repro.toml", "--trace=r9", "--lang", "zh"]);
    let json = repro.shown(&["replay", "repro.toml", "--trace=step", "--format", "json"]);

    let (told, early) = (ends(&told), ends(&early));
    insta::assert_snapshot!(format!("{told}{until}{early}{chinese}{json}"));
}

#[test]
fn the_file_reads_like_a_story_and_runs_like_any_other() {
    let repro = Repro::new("file", |_, found| found.digest = 0);

    let text = fs::read_to_string(repro.folder.join("repro.toml")).expect("the file is there");
    let run = repro.shown(&["run", "repro.toml", "--quiet"]);

    insta::assert_snapshot!(format!("{text}\n{run}"));
}

#[test]
fn another_model_is_told_by_what_it_breaks() {
    let repro = Repro::new("other", |_, found| {
        (found.model, found.digest) = (MODEL_VERSION + 1, 1);
    });
    let holds = Repro::new("holds", |plan, found| {
        (found.model, found.digest) = (MODEL_VERSION + 1, 1);
        plan.steps.clear();
    });
    let changed = Repro::new("changed", |plan, _| plan.steps.clear());

    let verdict = repro.answer(&[]);
    let chinese = repro.answer(&["--lang", "zh"]);
    let holds = format!("{}{}", holds.answer(&[]), holds.answer(&["--format", "json"]));
    let changed = format!("{}{}", changed.answer(&[]), changed.answer(&["--lang", "zh"]));

    insta::assert_snapshot!(format!("{verdict}{chinese}{holds}{changed}"));
}

#[test]
fn the_same_history_that_is_judged_otherwise_is_no_longer_broken() {
    let repro = Repro::new("judged", |_, found| {
        found.violation = Claim::ReplicasAgree.name().to_owned();
    });

    let told = repro.answer(&[]);
    let traced = repro.shown(&["replay", "repro.toml", "--trace=no-such-fact"]);

    assert!(traced.contains(NO_FACT), "{traced}");
    assert!(told.contains("no longer broken\n  replicas-agree is not broken\n"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
}

#[test]
fn a_claim_that_comes_true_too_late_is_broken() {
    let late = |heading: &mut Heading| {
        let (claim, hope) = (Claim::ReplicasCatchUp, Hope::Breaks);
        let within = Some(Duration::from_micros(1));
        heading.expects = vec![Expected::Claim { claim, hope, count: None, within }];
    };
    let repro = Repro::with("late", late, |plan, found| {
        // The leader stays down until everything is healed.
        plan.steps.truncate(2);
        found.digest = digest(plan);
        found.violation = Claim::ReplicasCatchUp.name().to_owned();
    });

    let told = repro.answer(&[]);

    assert!(told.contains("same history\n  replicas-catch-up breaks: "), "{told}");
    assert!(told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn a_livelock_and_a_plain_scenario_have_answers_too() {
    let repro = Repro::new("livelock", |plan, found| {
        plan.events_max = 1_000;
        (found.violation, found.digest) = ("livelock".to_owned(), digest(plan));
    });
    let plain = Repro::new("plain", |_, _| {});
    let path = plain.folder.join("repro.toml");
    let text = fs::read_to_string(&path).expect("the file is there");
    let (head, rest) = text.split_once("\n[found]").expect("it has the table");
    let rest = rest.split_once("\n[cluster]").expect("it has the table").1;
    fs::write(&path, format!("{head}\n[cluster]{rest}")).expect("the file can be written");

    let livelock = repro.answer(&[]);
    let refused = plain.shown(&["replay", "repro.toml"]);
    let late = repro.shown(&["replay", "repro.toml", "--until", "1h"]);

    insta::assert_snapshot!(format!("{livelock}{refused}{late}"));
}

#[test]
fn the_answer_for_machines_has_the_fields_that_others_rely_on() {
    let repro = Repro::new("json", |_, _| {});

    let output = repro.call(&["replay", "repro.toml", "--format", "json"]);
    let line = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let object: Value = serde_json::from_str(&line).expect("it is one object");

    let names = object.as_object().expect("it is an object").keys();
    let names = names.cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names, "answer because check digest ended event found model scenario seed t v");
    assert_eq!(object["answer"], "same-history");
}

/// What is said of facts that are not there.
const NO_FACT: &str = "note: no fact is about \"no-such-fact\"\n";

/// A file with a finding, in a folder of its own that goes with it.
struct Repro {
    folder: PathBuf,
}

impl Repro {
    /// Writes the lesson of acks=1 as if it had been found, after something was changed.
    fn new(name: &str, change: impl FnOnce(&mut Plan, &mut Found)) -> Repro {
        Repro::with(name, |_| {}, change)
    }

    fn with(
        name: &str,
        head: impl FnOnce(&mut Heading),
        change: impl FnOnce(&mut Plan, &mut Found),
    ) -> Repro {
        let entry = scenarios::library::find("acks1-leader-crash").expect("it is in the library");
        let read = parse(entry.name, entry.source, &Overrides::default());
        let mut plan = read.expect("the library is right").0.cases[0].plan.clone();
        plan.watches.clear();
        let claim = Claim::NoAcknowledgedLoss;
        let mut found = Found {
            by: "trial fuzz acks1-leader-crash".to_owned(),
            violation: claim.name().to_owned(),
            seed: 0x5eed_0000_0000_01f4,
            digest: digest(&plan),
            trial: "0.1.0".to_owned(),
            model: MODEL_VERSION,
        };
        change(&mut plan, &mut found);
        let expected = Expected::Claim { claim, hope: Hope::Breaks, count: None, within: None };
        let mut heading = Heading {
            title: "An acknowledged record is gone".to_owned(),
            says: vec![Some("The followers get no answers any more".to_owned())],
            expects: vec![expected],
            found: Some(found),
            ..Heading::default()
        };
        head(&mut heading);
        let folder = env::temp_dir().join(format!("trial-replay-{name}-{}", process::id()));
        fs::create_dir_all(&folder).expect("the folder can be made");
        let text = scenario(&plan, &heading);
        fs::write(folder.join("repro.toml"), text).expect("the file can be written");
        Repro { folder }
    }

    fn call(&self, words: &[&str]) -> process::Output {
        command(words).current_dir(&self.folder).output().expect("the binary runs")
    }

    fn shown(&self, words: &[&str]) -> String {
        let output = self.call(words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().expect("it was not killed");
        let (told, noted) = (text(&output.stdout), text(&output.stderr));
        format!("$ trial {}\n{told}{noted}exit {code}\n", words.join(" "))
    }

    /// Returns what comes after the story.
    fn answer(&self, flags: &[&str]) -> String {
        let told = self.shown(&[&["replay", "repro.toml", "--trace=no-such-fact"], flags].concat());
        told.replace(" --trace=no-such-fact", "").replace(NO_FACT, "")
    }
}

impl Drop for Repro {
    fn drop(&mut self) {
        let folder: &Path = &self.folder;
        // A folder that stays behind in a temporary place harms nobody.
        drop(fs::remove_dir_all(folder));
    }
}

fn digest(plan: &Plan) -> u64 {
    sim::run(plan, Options { keep_history: KeepHistory::No, ..Options::default() }).digest
}

/// Returns the first and the last lines of a long text.
fn ends(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (first, last) = (&lines[..lines.len().min(9)], &lines[lines.len().saturating_sub(9)..]);
    format!("{}\n…\n{}\n", first.join("\n"), last.join("\n"))
}
