//! The command line: every command's output, every error, every exit code.

use std::process::{Command, Output};

/// Calls the tool in an environment without any of its variables.
pub fn trial(words: &[&str]) -> Output {
    command(words).output().expect("the binary was built with the tests")
}

/// Prepares a call of the tool.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trial"));
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CI", "TRIAL_JOBS", "TRIAL_OUT", "TRIAL_SECRET"] {
        command.env_remove(name);
    }
    command.args(words);
    command
}

/// Exit code, standard output and standard error as one text.
pub fn shown(words: &[&str]) -> String {
    let output = trial(words);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    format!(
        "$ trial {}\n{}{}exit {code}\n",
        words.join(" "),
        text(&output.stdout),
        text(&output.stderr)
    )
}

#[test]
fn mistakes_on_the_command_line_are_errors_with_hints() {
    let calls: [&[&str]; 23] = [
        &["run"],
        &["run", "acks1-leader-crush"],
        &["run", "no/such/folder/"],
        &["run", "src"],
        &["run", "acks1-leader-crash", "--seed", "-1"],
        &["run", "acks1-leader-crash", "--seeds", "5..1"],
        &["run", "acks1-leader-crash", "--jobs", "0"],
        &["run", "-0"],
        &["run", "acks1-leader-crash", "--set", "seed"],
        &["run", "acks1-leader-crash", "--case", "acks=all"],
        &["explain", "no-acknowleged-loss"],
        &["explain", "crahs"],
        &["fuzz"],
        &["run", "acks1-leader-crash", "--seed", "0xzz"],
        &["run", "acks1-leader-crash", "--seeds", "5..5"],
        &["run", "acks1-leader-crash", "--seeds", "0..18446744073709551615"],
        &["run", "acks1-leader-crash", "--jobs", "100000"],
        &["run", "acks1-leader-crash", "--case", "nonsense"],
        &["run", "acks1-leader-crash", "--set", "nonsense=1"],
        &["run", "acks1-leader-crash", "--rules", "truncation=never"],
        &["run", "acks1-leader-crash", "--set", "rules.mutant=ack-before-irs"],
        &["run", "acks1-leader-crash", "--max-events", "0"],
        &["run", "acks1-leader-crash", "--out", "/dev/null/out"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    for text in &all {
        assert!(text.ends_with("exit 2\n"), "{text}");
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_page_shows_one_scenario_and_one_seed() {
    let calls: [&[&str]; 7] = [
        &["run", "acks1-leader-crash", "--report", "no/such/folder/out.html"],
        &["run", "acks1-leader-crash", "acks-all-leader-crash", "--report", "no/out.html"],
        &["run", "acks1-leader-crash", "--seeds", "1..9", "--report", "no/out.html"],
        &["run", "acks1-leader-crash", "--vary", "producers.p1.config.acks=0,1"],
        &[
            "run",
            "acks1-leader-crash",
            "--vary",
            "producers.p1.records=30,31,32,33,34",
            "--report",
            "no/out.html",
        ],
        &["run", "acks1-leader-crash", "--vary", "records", "--report", "no/out.html"],
        &[
            "run",
            "acks1-leader-crash",
            "--vary",
            "producers.p1.nonsense=1",
            "--report",
            "no/out.html",
        ],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    for text in &all {
        assert!(text.ends_with("exit 2\n"), "{text}");
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn words_are_listed_and_explained() {
    let calls: [&[&str]; 16] = [
        &["list", "claims"],
        &["list", "rules", "--format", "json"],
        &["list", "faults"],
        &["explain", "acked-lost"],
        &["explain", "74"],
        &["explain", "T016"],
        &["explain", "min.insync.replicas"],
        &["explain", "by-epoch-once"],
        &["list", "verbs"],
        &["list", "codes"],
        &["explain", "crash"],
        &["explain", "compression.type"],
        &["explain", "log.flush.interval.ms"],
        &["explain", "acks1-leader-crash"],
        &["list", "mutants"],
        &["explain", "commit-any-generation"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_report_says_which_mutant_is_planted() {
    let text = shown(&["run", "acks-all-leader-crash", "--set", "rules.mutant=ack-before-isr"]);

    assert!(text.contains("rules: mutant=ack-before-isr"), "{text}");
    assert!(text.ends_with("exit 1\n"), "{text}");
}

#[test]
fn the_same_seed_prints_the_same_bytes_whatever_the_jobs() {
    let call = |jobs| shown(&["run", "acks1-leader-crash", "--seeds", "1..6", "--jobs", jobs]);

    assert_eq!(
        call("1").lines().skip(1).collect::<Vec<_>>(),
        call("4").lines().skip(1).collect::<Vec<_>>()
    );
}

#[test]
fn no_line_of_a_report_is_wider_than_a_hundred_columns() {
    for signs in [&["run", "acks1-leader-crash"][..], &["--ascii", "run", "acks1-leader-crash"]] {
        let output = trial(signs);
        let text = String::from_utf8(output.stdout).expect("reports are UTF-8");

        assert!(!text.is_empty(), "nothing was printed for {signs:?}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(signs[0] != "--ascii" || text.is_ascii(), "{text}");
    }
}

#[test]
fn two_processes_have_the_same_histories() {
    let text = shown(&["twice", "acks1-leader-crash", "--seeds", "1..4"]);

    assert!(text.ends_with("exit 0\n"), "{text}");
}

#[test]
fn json_lines_are_objects_with_a_version() {
    let output = trial(&["run", "acks1-leader-crash", "--format", "json"]);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect();

    assert!(objects.iter().all(|object| object["v"] == 1), "{text}");
    assert_eq!(objects.first().map(|object| &object["event"]), Some(&"run-started".into()));
    assert_eq!(objects.last().map(|object| &object["event"]), Some(&"summary".into()));
}
