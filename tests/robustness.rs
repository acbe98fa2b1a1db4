//! What people and machines do to a command line: bad files, broken streams, signals.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cli::{command, shown, trial};

const SCENARIO: &str = "acks1-leader-crash";

#[test]
fn no_file_makes_it_panic_and_each_gets_an_error() {
    let source = library();
    let long = format!("{source}{}", "# one more line of a comment\n".repeat(180_000));
    let endless = format!("{source}{}", "#".repeat(17 << 20));
    let wrong = source.replace("records", "recrods").replace("\"10ms\"", "10");
    let files: [(&str, &[u8], i32, &str); 8] = [
        ("empty", b"", 2, "schema"),
        ("binary", b"\x7fELF\x02\xff\xfe\x00", 2, "is not UTF-8"),
        ("zeros", b"\0\0\0\0", 2, "error"),
        ("wrong", wrong.as_bytes(), 2, "did you mean `records`"),
        ("half", &source.as_bytes()[..600], 2, "error"),
        ("huge", b"schema = 1\nseed = 99999999999999999999999", 2, "too large"),
        ("long", long.as_bytes(), 0, ""),
        ("endless", endless.as_bytes(), 2, "16,777,216 bytes"),
    ];

    for (name, content, code, says) in files {
        let path = temporary(&format!("{name}.toml"));
        fs::write(&path, content).expect("the file can be written");
        let output = trial(&["check", path.to_str().expect("the path is UTF-8")]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();

        assert_eq!(output.status.code(), Some(code), "{name}: {text}");
        assert!(text.contains(says) && !text.contains("panicked"), "{name}: {text}");
    }
}

#[test]
fn a_folder_named_like_a_file_and_a_path_that_is_no_utf_8_are_errors() {
    let folder = temporary("folder.toml");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let mut odd = command(&["run"]);
    odd.arg(OsStr::from_bytes(b"\xff\xfe.toml"));

    let empty = shown(&["run", folder.to_str().expect("the path is UTF-8")]);
    let odd = odd.output().expect("the binary runs");

    assert!(empty.contains("error: no scenarios in") && empty.ends_with("exit 2\n"), "{empty}");
    assert_eq!(odd.status.code(), Some(2));
}

#[test]
fn a_trial_that_is_stopped_is_a_finding_with_its_seed() {
    let text = shown(&["run", SCENARIO, "--max-events", "500"]);

    assert!(text.contains("STOPPED") && text.ends_with("exit 1\n"), "{text}");
    assert!(text.contains("--seed 7 --max-events 500"), "{text}");
}

#[test]
fn the_last_seed_of_all_is_a_seed() {
    let text = shown(&["run", SCENARIO, "-q", "--seed", "18446744073709551615"]);

    assert!(text.contains("seed 18446744073709551615: BREAKS"), "{text}");
}

#[test]
fn a_full_disk_is_an_error() {
    for words in [&["run", SCENARIO][..], &["list", "claims"], &["--help"]] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = command(words).stdout(full).output().expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();

        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["run", SCENARIO, "--trace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut first = String::new();
    let out = child.stdout.take().expect("it is piped");

    // The reader goes with its pipe once it has one line.
    BufReader::new(out).read_line(&mut first).expect("there is a line");
    let output = child.wait_with_output().expect("it ends");

    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_interrupt_finishes_what_runs_and_prints_the_summary() {
    let words = ["run", SCENARIO, "--seeds", "1000000", "--format", "json", "--jobs", "2"];
    let mut child = command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut first = String::new();
    out.read_line(&mut first).expect("there is a line");

    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("the output is UTF-8");
    let code = child.wait().expect("it ends").code();

    assert!(sent.expect("there is a kill").success());
    assert!(rest.lines().last().is_some_and(|line| line.contains("\"summary\"")), "{rest}");
    assert_eq!(code, Some(130));
}

#[test]
fn the_environment_decides_about_colours_and_jobs() {
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(Variables, &[&str], bool); 5] = [
        (&[], &[], false),
        (&[("CLICOLOR_FORCE", "1")], &[], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[], false),
        (&[("NO_COLOR", "1")], &["--color", "always"], true),
        (&[("CLICOLOR_FORCE", "1")], &["--color", "never"], false),
    ];
    for (variables, more, coloured) in cases {
        let mut call = command(&["run", SCENARIO, "-q"]);
        let output =
            call.args(more).envs(variables.iter().copied()).output().expect("the binary runs");

        assert_eq!(output.stdout.contains(&b'\x1b'), coloured, "{variables:?} {more:?}");
    }

    let output =
        command(&["run", SCENARIO]).env("TRIAL_JOBS", "abc").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("TRIAL_JOBS"));
}

#[test]
fn artefacts_lie_in_a_folder_per_trial() {
    let folder = temporary("out");
    let out = folder.to_str().expect("the path is UTF-8");

    let text = shown(&["run", SCENARIO, "-q", "--out", out]);

    assert!(text.ends_with("exit 0\n"), "{text}");
    for name in ["timeline.txt", "history.jsonl", "verdict.json"] {
        let file = folder.join(SCENARIO).join("default/7").join(name);
        assert!(fs::metadata(&file).is_ok_and(|it| 0 < it.len()), "{}", file.display());
    }
}

#[test]
fn two_files_of_one_name_keep_their_trials_apart() {
    let (out, source) = (temporary("out-twins"), library());
    let [one, other] = ["out-twin-a", "out-twin-b"].map(|folder| {
        let file = temporary(folder).join("twin.toml");
        fs::create_dir_all(temporary(folder)).expect("the folder can be made");
        fs::write(&file, source).expect("the file can be written");
        file
    });
    let [one, other, out_text] =
        [&one, &other, &out].map(|path| path.to_str().expect("the path is UTF-8"));

    let text = shown(&["run", one, other, "--out", out_text]);

    assert!(text.ends_with("exit 0\n"), "{text}");
    for (folder, file) in [("twin", one), ("twin-2", other)] {
        let verdict = fs::read_to_string(out.join(folder).join("default/7/verdict.json"));
        assert!(verdict.is_ok_and(|it| it.contains(file)), "{folder} is not about {file}");
    }
}

#[test]
fn no_name_of_a_file_leads_out_of_the_folder_of_trials() {
    let folder = temporary("out-dots");
    // Less its ending, the name of this file is that of the folder above.
    let (file, out) = (folder.join("...toml"), folder.join("below/out"));
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(&file, library()).expect("the file can be written");
    let [file, out_text] = [&file, &out].map(|path| path.to_str().expect("the path is UTF-8"));

    let text = shown(&["run", file, "-q", "--out", out_text]);

    assert!(text.ends_with("exit 0\n"), "{text}");
    assert!(out.join("--/default/7/verdict.json").is_file(), "{text}");
    assert!(!folder.join("below/default").exists(), "{text}");
}

#[test]
fn what_would_have_helped_is_what_a_user_can_type() {
    let output = trial(&["run", SCENARIO, "--format", "json"]);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let mut objects = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line is an object"));
    let finished = objects.rfind(|it| it["event"] == "run-finished");
    let finished = finished.expect("the run is finished");
    let helped = finished["helped"].as_array().expect("there is a list");

    assert!(2 < helped.len(), "{finished}");
    for change in helped {
        let set = change["set"].as_array().expect("there is a list").iter();
        let set: Vec<&str> = set.map(|it| it.as_str().expect("a text")).collect();
        let mut words = vec!["run", SCENARIO, "-q"];
        words.extend(set.iter().flat_map(|set| ["--set", set]));
        let broken = shown(&words).contains("BREAKS no-acknowledged-loss");

        assert_eq!(broken, change["result"] == "breaks", "{change}");
    }
}

/// A scenario with a seed of its own, 7.
fn library() -> &'static str {
    include_str!("../scenarios/library/partition/acks1-leader-crash.toml")
}

fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}
