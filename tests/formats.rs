//! What other machines read: JSON lines, JUnit, GitHub's annotations, and the files of `--out`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use serde_json::Value;

use crate::cli::{shown, trial};

const SCENARIO: &str = "acks1-leader-crash";
const FILE: &str = "scenarios/library/partition/acks1-leader-crash.toml";
/// With it two expectations of the scenario fail, and two hold.
const SAFE: [&str; 2] = ["--set", "producers.p1.config.acks=all"];

#[test]
fn junit_has_a_test_case_for_each_expectation() {
    let fails = shown(&["run", FILE, "--format", "junit", SAFE[0], SAFE[1], "--seeds", "0..3"]);
    let holds = shown(&["run", SCENARIO, "--format", "junit"]);

    assert!(fails.ends_with("exit 1\n") && holds.ends_with("exit 0\n"), "{fails}{holds}");
    insta::assert_snapshot!(timeless(&format!("{fails}{holds}")));
}

#[test]
fn github_is_told_the_line_of_what_was_expected() {
    let inside = shown(&["run", FILE, "--format", "github", SAFE[0], SAFE[1]]);
    let library = shown(&["run", SCENARIO, "--format", "github", SAFE[0], SAFE[1]]);
    let untested = shown(&["run", SCENARIO, "--format", "github", "--set", "sim.faults-for=1s"]);

    insta::assert_snapshot!(format!("{inside}{library}{untested}"));
}

#[test]
fn outside_of_a_repository_paths_begin_at_the_working_directory() {
    let folder = env::temp_dir().join(format!("trial-outside-{}", process::id()));
    let file = folder.join("deep/lone.toml");
    fs::create_dir_all(folder.join("deep")).expect("the folder can be made");
    fs::copy(FILE, &file).expect("the file can be copied");
    let words = ["run", "deep/lone.toml", "--format", "github", SAFE[0], SAFE[1]];
    let mut call = crate::cli::command(&words);

    let output = call.current_dir(&folder).output().expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("it is UTF-8");

    fs::remove_dir_all(&folder).expect("the folder can be removed");
    // The first expectation of the file is the one that fails under `SAFE`.
    let file = fs::read_to_string(FILE).expect("the file can be read");
    let place = file.lines().position(|line| line == "[[expect]]").expect("it expects something");
    let told = format!("::error file=deep/lone.toml,line={},", place + 1);
    assert!(text.contains(&told), "{told}: {text}");
}

#[test]
fn formats_for_builds_are_the_same_whatever_the_jobs() {
    for format in ["junit", "github"] {
        let call = |jobs| {
            let words = ["run", FILE, "--format", format, "--seeds", "5", "--jobs", jobs];
            timeless(&String::from_utf8_lossy(&trial(&[&words, &SAFE[..]].concat()).stdout))
        };
        assert_eq!(call("1"), call("3"));
    }
}

#[test]
fn what_strict_forbids_has_failed_and_else_it_is_skipped() {
    let words = ["run", SCENARIO, "--format", "junit", "--set", "sim.faults-for=1s"];

    let skipped = shown(&words);
    let failed = shown(&[&words[..], &["--strict"]].concat());

    assert!(skipped.contains("<skipped ") && skipped.ends_with("exit 1\n"), "{skipped}");
    assert!(!failed.contains("<skipped ") && failed.ends_with("exit 1\n"), "{failed}");
}

#[test]
fn the_fields_of_json_lines_are_those_that_others_rely_on() {
    let output = trial(&["run", SCENARIO, "--format", "json"]);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");

    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let object: Value = serde_json::from_str(line).expect("a line is an object");
        let names = object.as_object().expect("it is an object").keys();
        let names = names.cloned().collect::<Vec<_>>().join(" ");
        fields.insert(object["event"].to_string(), names);
    }
    insta::assert_debug_snapshot!(fields);
}

#[test]
fn a_trial_s_folder_holds_what_other_programs_read() {
    let folder = temporary("formats");
    let out = folder.to_str().expect("the path is UTF-8");
    let text = shown(&["run", SCENARIO, "-q", "--out", out]);
    assert!(text.ends_with("exit 0\n"), "{text}");
    let file = |name: &str| folder.join(SCENARIO).join("default/7").join(name);
    let read = |name: &str| fs::read_to_string(file(name)).expect("the file is there");

    insta::assert_snapshot!("history_edn", ends(&read("history.edn")));
    insta::assert_snapshot!("series_csv", ends(&read("series.csv")));
    perfetto(&read("perfetto.json"));
    let edn = file("history.edn");
    let judged = shown(&["judge", edn.to_str().expect("the path is UTF-8")]);
    let judged = judged.lines().skip(1).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("judged", judged);
}

/// Checks what Perfetto asks for: names of processes, slices that do not overlap in part, and
/// arrows with both ends.
fn perfetto(text: &str) {
    let file: Value = serde_json::from_str(text).expect("it is JSON");
    let events = file["traceEvents"].as_array().expect("there is a list");
    let mut slices: BTreeMap<(u64, u64), Vec<(u64, u64)>> = BTreeMap::new();
    let (mut starts, mut ends) = (BTreeSet::new(), BTreeSet::new());
    let mut counters = BTreeSet::new();
    for event in events {
        let number = |name: &str| event[name].as_u64().unwrap_or(0);
        match event["ph"].as_str().expect("it has a phase") {
            "X" => {
                let row = slices.entry((number("pid"), number("tid"))).or_default();
                row.push((number("ts"), number("ts") + number("dur")));
            }
            "s" => assert!(starts.insert(number("id"))),
            "f" => assert!(ends.insert(number("id"))),
            "C" => drop(counters.insert(event["name"].as_str().expect("it is a text"))),
            "M" => {}
            other => panic!("a phase {other}"),
        }
    }
    for ((process, thread), mut row) in slices {
        row.sort_by_key(|(from, to)| (*from, u64::MAX - to));
        for pair in row.windows(2) {
            let ((_, to), next) = (pair[0], pair[1]);
            let nested = to <= next.0 || next.1 <= to;
            assert!(nested, "{pair:?} overlap in process {process}, thread {thread}");
        }
    }
    assert!(!starts.is_empty() && starts == ends);
    let wanted = ["orders-0 high-watermark", "orders-0 log-end"];
    assert!(wanted.iter().all(|it| counters.contains(it)), "{counters:?}");
    insta::assert_snapshot!(
        "perfetto_begins",
        text.lines().take(30).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn what_judge_says_and_how_it_refuses() {
    let data = |name: &str| format!("tests/data/jepsen/{name}.edn");
    let cases = [
        ("v01-clean", &[][..]),
        ("v28-aborted-txn-does-not-rewind", &[]),
        ("v08-poll-skip", &["--sub-via", "subscribe"]),
        ("v15-int-send-skip", &["--ww-deps"]),
        ("v17-G1c", &["--format", "json"]),
        ("v23-poll-of-value-never-sent", &[]),
        ("v43-completion-without-invocation", &[]),
        ("v57-process-overlap", &[]),
        ("v99-not-there", &[]),
    ];

    let all: Vec<_> = cases
        .iter()
        .map(|(name, more)| shown(&[&["judge", data(name).as_str()], *more].concat()))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn judge_speaks_chinese_and_refuses_in_english() {
    let data = |name: &str| format!("tests/data/jepsen/{name}.edn");
    let cases = [
        ("v28-aborted-txn-does-not-rewind", &[][..]),
        ("v08-poll-skip", &["--sub-via", "subscribe"]),
        ("v15-int-send-skip", &["--ww-deps"]),
        ("v57-process-overlap", &[]),
    ];
    let judged = |name: &str, more: &[&str], lang: &str| {
        shown(&[&["judge", data(name).as_str(), "--lang", lang], more].concat())
    };
    let json = |lang| {
        let text = judged("v17-G1c", &["--format", "json"], lang);
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };

    let all: Vec<_> = cases.iter().map(|(name, more)| judged(name, more, "zh")).collect();

    insta::assert_snapshot!("judged_in_chinese", all.join("\n"));
    assert_eq!(json("zh"), json("en"));
}

#[test]
fn files_that_are_no_histories_are_errors() {
    let files: [(&str, &[u8], &str); 5] = [
        ("nothing", b"", "holds no operation"),
        ("comments", b"; nothing\n", "holds no operation"),
        ("binary", b"\x7fELF\x02\xff", "is not UTF-8"),
        ("half", b"{:type :ok, :process 0", "line 1, column 1"),
        ("json", b"{\"type\": \"ok\"}", "line 1, column 8: this keyword has no name"),
    ];

    for (name, content, says) in files {
        let path = temporary(&format!("{name}.edn"));
        fs::write(&path, content).expect("the file can be written");
        let text = shown(&["judge", path.to_str().expect("the path is UTF-8")]);

        assert!(text.contains(says) && text.ends_with("exit 2\n"), "{text}");
    }
}

/// Leaves wall times out.
fn timeless(text: &str) -> String {
    let mut parts = text.split(" time=\"");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_once('"').expect("the attribute ends");
        assert!(time.parse::<f64>().is_ok(), "{time} is a number of seconds");
        out += &format!(" time=\"…\"{rest}");
    }
    out
}

/// Returns the first and the last lines of a text.
fn ends(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let cut = |lines: &[&str]| {
        lines.iter().map(|it| it.chars().take(200).collect()).collect::<Vec<String>>().join("\n")
    };
    match lines.len() {
        0..=30 => cut(&lines),
        many => format!("{}\n…\n{}", cut(&lines[..16]), cut(&lines[many - 12..])),
    }
}

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
