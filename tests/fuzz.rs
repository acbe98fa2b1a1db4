//! Searches: what they find, how they end, and that nothing but their input decides it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cli::{command, shown, trial};

/// Three brokers, acks=all and a minimum of two: nothing that faults do takes a record away.
const SAFE: &str = "tests/data/search/orders.toml";
const LEADER_ONLY: [&str; 2] = ["--set", "producers.p1.config={acks=\"1\"}"];

#[test]
fn a_search_without_a_finding_says_how_hard_it_looked() {
    insta::assert_snapshot!(shown(&["fuzz", SAFE, "--runs", "60"]));
}

#[test]
fn one_knob_turned_is_found_made_small_and_written_down() {
    let out = temporary("fuzz-knob");
    let text = shown(&words(&["fuzz", SAFE, "--runs", "1000", "--out", &out], &LEADER_ONLY));
    let repro = replayed(&text);
    let file = fs::read_to_string(&repro).expect("the file was written");
    let again = shown(&["run", &repro, "-q"]);

    assert!(file.contains("[found]") && file.matches("[[step]]").count() <= 5, "{file}");
    assert!(again.contains("BREAKS no-acknowledged-loss"), "{again}");
    assert!(again.ends_with("exit 0\n"), "{again}");
    insta::assert_snapshot!(text.replace(&out, "OUT"));
    insta::assert_snapshot!("finding_in_chinese", {
        let zh = ["--runs", "1000", "--lang", "zh", "--no-shrink", "--out", &out];
        let text = shown(&words(&words(&["fuzz", SAFE], &zh), &LEADER_ONLY));
        text.replace(&out, "OUT")
    });
}

#[test]
fn what_is_found_does_not_depend_on_threads() {
    let search = |jobs: &str, out: &str| {
        let out = temporary(out);
        let flags = ["--runs", "80", "--stop-after", "3", "--jobs", jobs, "--out", &out];
        let output = trial(&words(&words(&["fuzz", SAFE], &flags), &LEADER_ONLY));
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stdout).replace(&out, "OUT")
    };

    let alone = search("1", "fuzz-alone");

    assert!(alone.contains("BROKEN"), "{alone}");
    assert_eq!(search("3", "fuzz-three"), alone);
}

#[test]
fn one_seed_draws_one_finding_again() {
    let out = temporary("fuzz-seed");
    let flags = ["--runs", "1000", "--out", &out];
    let first = shown(&words(&words(&["fuzz", SAFE], &flags), &LEADER_ONLY));
    let line = first.lines().find_map(|line| line.strip_prefix("or"));
    let again = line.expect("it says how to draw it again").trim();
    let seed = again.split("--seed ").nth(1).and_then(|it| it.split(' ').next());
    let seed = seed.expect("it names the seed");

    let flags = ["--seed", seed, "--out", &out];
    let text = shown(&words(&words(&["fuzz", SAFE], &flags), &LEADER_ONLY));

    assert_eq!(replayed(&text), replayed(&first));
    let head = text.lines().find(|line| line.starts_with("1 run of orders"));
    assert!(head.is_some_and(|head| head.contains(&format!(", seed {seed}: "))), "{text}");
}

#[test]
fn a_finding_tells_faults_and_not_marks_and_a_command_that_can_be_typed() {
    let out = temporary("fuzz o'dir");
    let knob = "topics.orders.config.'min.insync.replicas'=1";
    let seed = ["--seed", "5975181115053330", "--set", knob, "--no-shrink", "--out", &out];
    let text = shown(&words(&["fuzz", "safe-defaults-everything-at-once"], &seed));

    let replay = text.lines().find_map(|line| line.strip_prefix("replay")).expect("it says how");
    assert!(replay.contains("fuzz o'\\''dir/safe-defaults-everything-at-once/"), "{replay}");
    assert!(text.contains("not shrunk: 36 steps") && text.contains("and 28 steps more"), "{text}");
    assert!(!text.contains("-is-over") && !text.contains("Cut-"), "{text}");
}

#[test]
fn machines_are_told_every_finding_and_how_hard_it_was_looked() {
    let out = temporary("fuzz-json");
    let flags = ["--runs", "1000", "--format", "json", "--no-shrink", "--out", &out];
    let output = trial(&words(&words(&["fuzz", SAFE], &flags), &LEADER_ONLY));
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let objects = text.lines().map(|line| serde_json::from_str(line).expect("it is an object"));
    let objects: Vec<Value> = objects.collect();

    let events: Vec<&str> = objects.iter().filter_map(|it| it["event"].as_str()).collect();
    assert_eq!(events, ["run-started", "finding", "run-finished", "summary"]);
    assert!(objects.iter().all(|it| it["v"] == 1));
    assert!(objects[0]["campaign"] == 0 && objects[0]["seed"].is_null());
    assert_eq!(objects[1]["check"], "no-acknowledged-loss");
    assert_eq!(objects[2]["ended"], "enough");
    assert_eq!(objects[3]["broken"], 1);
}

#[test]
fn a_search_ends_with_the_code_of_what_it_found() {
    let lost = temporary("fuzz-lost.toml");
    let source = fs::read_to_string(SAFE).expect("the file is there");
    let careless = source.replace("claim =", "untested = true\nclaim =");
    fs::write(&lost, careless).expect("the file can be written");
    let calls: [(&[&str], i32); 7] = [
        (&["fuzz", SAFE, "--runs", "5"], 0),
        (&["fuzz", &lost, "--runs", "5"], 3),
        (&["fuzz"], 2),
        (&["fuzz", SAFE, "--any"], 2),
        (&["fuzz", "--any", "--set", "seed=3"], 2),
        (&["fuzz", SAFE, "--runs", "5", "--for", "5s"], 2),
        (&["fuzz", "--any", "--rules", "truncation=never"], 2),
    ];

    for (words, code) in calls {
        let output = trial(words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    }
}

#[test]
fn an_interrupt_keeps_what_was_found() {
    let out = temporary("fuzz-interrupt");
    let flags = ["--runs", "10000000", "--stop-after", "1000000", "--no-shrink", "--out", &out];
    let words = words(&words(&["fuzz", SAFE, "--format", "json"], &flags), &LEADER_ONLY);
    let mut child = command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("\"finding\"") {
        line.clear();
        lines.read_line(&mut line).expect("there is a line");
    }

    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("the output is UTF-8");
    let code = child.wait().expect("it ends").code();

    assert!(sent.expect("there is a kill").success());
    assert!(rest.lines().last().is_some_and(|line| line.contains("\"summary\"")), "{rest}");
    let finding: Value = serde_json::from_str(&line).expect("it is an object");
    assert!(fs::exists(finding["repro"].as_str().expect("a path")).is_ok_and(|it| it));
    assert_eq!(code, Some(130));
}

#[test]
fn a_reader_of_a_search_that_goes_away_is_no_error() {
    let out = temporary("fuzz-pipe");
    let flags = ["--runs", "300", "--stop-after", "1000000", "--no-shrink", "--out", &out];
    let words = words(&words(&["fuzz", SAFE], &flags), &LEADER_ONLY);
    let mut child = command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut first = String::new();
    let pipe = child.stdout.take().expect("it is piped");

    BufReader::new(pipe).read_line(&mut first).expect("there is a line");
    let output = child.wait_with_output().expect("it ends");

    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_corpus_has_each_story_once_and_says_which_ones_still_break() {
    let (out, corpus) = (temporary("fuzz-corpus-out"), temporary("fuzz-corpus"));
    drop(fs::remove_dir_all(&corpus));
    let flags = ["--runs", "1000", "--out", &out];
    let repro = replayed(&shown(&words(&words(&["fuzz", SAFE], &flags), &LEADER_ONLY)));
    let call = |what: &[&str]| {
        let text = shown(&words(&words(&["corpus"], what), &["--corpus", &corpus]));
        text.replace(&out, "OUT").replace(&corpus, "CORPUS")
    };

    let told = [
        call(&["add", &repro]),
        call(&["add", &repro]),
        call(&["add", SAFE]),
        call(&["list"]),
        call(&["list", "--lang", "zh"]),
        call(&["minimise", "--dry-run"]),
        call(&["minimise"]),
        call(&["list", "--format", "json"]),
    ];

    insta::assert_snapshot!(told.join("\n"));
    let known = ["--runs", "40", "--out", &out, "--corpus", &corpus];
    let text = shown(&words(&words(&["fuzz", SAFE], &known), &LEADER_ONLY));
    let stories = fs::read_dir(PathBuf::from(&corpus).join("no-acknowledged-loss"));
    let more = text.matches("BROKEN").count();
    assert_eq!(stories.expect("there is a folder").count(), 1 + more, "{text}");
}

#[test]
fn two_files_of_one_name_keep_their_findings_apart() {
    let out = temporary("fuzz-twins");
    let [one, other] = ["fuzz-twin-a", "fuzz-twin-b"].map(|folder| {
        let folder = temporary(folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        let file = format!("{folder}/twin.toml");
        fs::copy(SAFE, &file).expect("the file can be copied");
        file
    });
    let flags = ["--runs", "1000", "--no-shrink", "--out", &out];

    let text = shown(&words(&words(&["fuzz", &one, &other], &flags), &LEADER_ONLY));

    let repros: Vec<&str> = text.lines().filter(|line| line.starts_with("replay")).collect();
    assert_eq!(repros.len(), 2, "{text}");
    assert!(repros[0].contains("/twin/") && repros[1].contains("/twin-2/"), "{text}");
}

#[test]
fn an_empty_corpus_is_one_and_a_file_is_none() {
    let (empty, file) = (temporary("corpus-empty"), temporary("corpus-file"));
    let (missing, out) = (temporary("corpus-missing/below"), temporary("corpus-out"));
    fs::create_dir_all(&empty).expect("the folder can be made");
    fs::write(&file, "").expect("the file can be written");
    let calls: [(&[&str], i32); 8] = [
        (&["corpus", "list", "--corpus", &empty], 0),
        (&["corpus", "minimise", "--corpus", &empty], 0),
        (&["fuzz", SAFE, "--runs", "5", "--corpus", &empty], 0),
        (&["fuzz", SAFE, "--runs", "5", "--corpus", &missing, "--out", &out], 0),
        (&["corpus", "list", "--corpus", &missing], 2),
        (&["corpus", "list", "--corpus", "acks1-leader-crash"], 2),
        (&["corpus", "list", "--corpus", &file], 2),
        (&["fuzz", SAFE, "--runs", "5", "--corpus", &file], 2),
    ];

    for (words, code) in calls {
        let output = trial(words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    }
    // Nobody has found anything, so that nothing is left behind.
    assert!(!fs::exists(temporary("corpus-missing")).expect("it can be seen"));
    assert!(!fs::exists(out).expect("it can be seen"));
}

#[test]
fn what_cannot_be_written_is_known_before_anything_runs() {
    let place = temporary("no-such-folder/file.svg");
    let toml = temporary("no-such-folder/file.toml");
    let calls: [&[&str]; 2] = [
        &["odds", "acks1-leader-crash", "--plot", &place],
        &["shrink", "acks1-leader-crash", "--as-scenario", &toml],
    ];

    for words in calls {
        let text = shown(words);
        assert!(text.contains("error: cannot write ") && text.ends_with("exit 2\n"), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}

/// Returns the file that a finding can be replayed from.
fn replayed(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("replay"));
    let command = line.unwrap_or_else(|| panic!("something is found: {text}"));
    command.trim().strip_prefix("trial replay ").expect("it is a command").to_owned()
}

fn words<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
    one.iter().chain(other).copied().collect()
}

fn temporary(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    path.to_str().expect("the path is UTF-8").to_owned()
}
