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
    let twice = ["twice", "acks1-leader-crash"];
    let calls: [&[&str]; 4] =
        [&[], &["--seeds", "1..4"], &["--lang", "zh"], &["--seeds", "1..4", "--lang", "zh"]];

    let all: Vec<_> = calls.iter().map(|more| shown(&[&twice[..], more].concat())).collect();

    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn json_lines_are_objects_with_a_version() {
    for trace in [&[][..], &["--trace=r0"]] {
        let words = [&["run", "acks1-leader-crash", "--format", "json"][..], trace].concat();
        let output = trial(&words);
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let lines = text.lines().map(serde_json::from_str);
        let objects: Vec<serde_json::Value> =
            lines.map(|line| line.expect("a line is an object")).collect();

        assert!(objects.iter().all(|object| object["v"] == 1), "{text}");
        assert_eq!(objects.first().map(|object| &object["event"]), Some(&"run-started".into()));
        assert_eq!(objects.last().map(|object| &object["event"]), Some(&"summary".into()));
        let entries = objects.iter().any(|object| object["event"] == "entry");
        assert_eq!(entries, !trace.is_empty(), "{text}");
    }
}

#[test]
fn what_is_for_builds_is_a_document_and_its_trace_stands_beside_it() {
    for format in ["junit", "github"] {
        let output = trial(&["run", "acks1-leader-crash", "--format", format, "--trace=r0"]);
        let plain = trial(&["run", "acks1-leader-crash", "--format", format]);
        let length = |text: &[u8]| String::from_utf8_lossy(text).lines().count();

        assert_eq!(length(&output.stdout), length(&plain.stdout), "{format}");
        assert!(length(&plain.stderr) < length(&output.stderr), "{format}");
    }
}

#[test]
fn a_surprise_in_few_words_says_that_it_was_expected() {
    let words = ["run", "acks1-leader-crash", "-q", "--set", "producers.p1.config.acks=all"];

    let english = shown(&words);
    let chinese = shown(&[&words[..], &["--lang", "zh"]].concat());

    for (text, expected, not) in
        [(english, "expected: ", " ✗ it did not"), (chinese, "预期：", " ✗ 并非如此")]
    {
        let head = text.lines().position(|line| line.trim_start().starts_with(expected));
        let head = head.expect("the expectation is told");
        assert!(text.lines().skip(head).any(|line| line.ends_with(not)), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_line_of_json_and_the_others_are_read() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("check-json");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let files: [(&str, &[u8]); 2] = [("binary.toml", b"\xff\xfe"), ("empty.toml", b"")];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).expect("the file can be written");
    }
    let folder = folder.to_str().expect("the path is UTF-8");

    let output = trial(&["check", "--format", "json", folder, "no-such-file.toml"]);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines = text.lines().map(serde_json::from_str);
    let objects: Vec<serde_json::Value> =
        lines.map(|line| line.expect("a line is an object")).collect();

    assert_eq!(output.status.code(), Some(2));
    assert!(objects.iter().all(|it| it["v"] == 1 && it["severity"] == "error"), "{text}");
    for name in ["binary.toml", "empty.toml", "no-such-file.toml"] {
        let is_it =
            |it: &serde_json::Value| it["file"].as_str().is_some_and(|it| it.ends_with(name));
        assert!(objects.iter().any(is_it), "{name}: {text}");
    }
    let binary = &objects[0];
    assert!(binary["message"].as_str().is_some_and(|it| it.contains("is not UTF-8")), "{text}");
    assert!(binary["help"].as_str().is_some_and(|it| !it.is_empty()), "{text}");
}

#[test]
fn a_file_that_begins_like_a_flag_is_named_so_that_it_runs_again() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashed");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let source = include_str!("../scenarios/library/partition/acks1-leader-crash.toml");
    std::fs::write(folder.join("-x.toml"), source).expect("the file can be written");
    let call = |words: &[&str]| {
        let output = command(words).current_dir(&folder).output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("reports are UTF-8")
    };

    let first = call(&["run", "--", "-x.toml"]);
    let again = call(&["run", "./-x.toml", "--seed", "7"]);

    assert!(first.contains("trial run ./-x.toml --seed 7"), "{first}");
    assert_eq!(first, again);
}
