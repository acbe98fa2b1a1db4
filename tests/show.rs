//! Everything that shows one trial: pictures, tables, stories, lessons.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;

use model::time::Time;
use reports::lesson::{Step, steps};
use reports::svg::{View, concerned, logs, spacetime};
use reports::table::rows;
use reports::text::Signs;
use reports::trace::cone::Cone;
use reports::trace::texts::Texts;
use reports::trace::{FactKind, Trace};
use scenarios::Language;

use crate::cli::{command, shown, trial};
use crate::trace::each;

/// A loss, a repeat, a network that is cut: what the golden pictures show.
const PICTURES: [&str; 3] =
    ["acks1-leader-crash", "zombie-consumer-long-gc", "kip101-scenario-1-hw-truncation"];

#[test]
fn pictures_are_their_golden_ones() {
    for scenario in PICTURES {
        for form in ["svg", "logs"] {
            let output = trial(&["show", scenario, "--as", form]);
            let text = String::from_utf8(output.stdout).expect("SVG is UTF-8");

            assert_eq!(output.status.code(), Some(0), "{scenario}");
            insta::assert_snapshot!(format!("{scenario}.{form}"), text);
        }
    }
}

#[test]
fn stories_and_lessons_are_as_they_were() {
    let calls: [&[&str]; 8] = [
        &["show", "acks1-leader-crash", "--focus", "r22"],
        &["--ascii", "show", "acks1-leader-crash", "--window", "13s..13.1s"],
        &["why", "acks1-leader-crash"],
        &["why", "acks1-leader-crash", "r3"],
        &["why", "zombie-consumer-long-gc"],
        &["why", "acks-all-leader-crash"],
        &["--lang", "zh", "why", "acks1-leader-crash", "r22"],
        &["demo"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    for text in &all {
        assert!(text.ends_with("exit 0\n"), "{text}");
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_copy_and_a_swap_are_told_as_chains() {
    let chains: [(&str, &[&str]); 3] = [
        (
            "ack-lost-retry-duplicates",
            &[
                "r101, r102, r103 and r104 went the same way",
                "b1 appended r100 at @100",
                "p1 heard no answer",
                "p1 sent r100 to b2, attempt 2",
                "b2 leads since e1",
                "b2 appended r100 at @109",
                "enable.idempotence=false",
            ],
        ),
        ("producer-restart-new-pid", &["b1 appended r300", "as r350", "b1 appended r350"]),
        ("retry-reorder-inflight-5", &["p1 sent r73", "b1 appended r74", "b1 appended r73"]),
    ];

    for (scenario, parts) in chains {
        let text = shown(&["run", scenario, "--no-counterfactuals"]);
        let mut rest = text.as_str();
        for part in parts {
            let found = rest.split_once(part);
            rest = found.unwrap_or_else(|| panic!("{scenario}: no `{part}` here: {text}")).1;
        }
    }
}

#[test]
fn data_begins_as_other_programs_expect() {
    let calls = [
        ("json", "{\""),
        ("perfetto", "{\"displayTimeUnit\""),
        ("csv", "time_us,partition,series,of,value"),
        ("html", "<!doctype html>"),
        ("table", "  time"),
    ];

    for (form, begin) in calls {
        let output = trial(&["show", "acks1-leader-crash", "--as", form]);
        let text = String::from_utf8_lossy(&output.stdout);

        assert!(text.to_lowercase().starts_with(&begin.to_lowercase()), "{form}: {:.80}", text);
    }
}

#[test]
fn a_lesson_asks_before_it_tells() {
    let text = told(&["demo", "acks1-leader-crash"], "\n\nb\n\n\n\n2\n\n\n\n\n\n\n\n\n");
    let question = text.find("What becomes of the six?").expect("it asks");
    let elected = text.find("elect b2").expect("it goes on");
    let answer = text.find("No, it is 3").expect("it answers");
    let end = text.find("VERDICT").expect("it ends");

    assert!(question < answer && answer < elected && elected < end, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_lesson_can_be_left_at_any_time() {
    for keys in ["", "q\n", "\nq\n", "\n\n\n\nq\n"] {
        let text = told(&["demo", "acks1-leader-crash"], keys);

        assert!(!text.contains("VERDICT") && text.ends_with("exit 0\n"), "{keys:?}: {text}");
    }
}

#[test]
fn a_run_that_asks_goes_on_after_the_answer() {
    let words = ["run", "acks1-leader-crash", "--ask", "--no-counterfactuals"];
    let plain = shown(&["run", "acks1-leader-crash", "--no-counterfactuals"]);

    let right = told(&words, "nonsense\n9\n3\n");
    let silent = told(&words, "");
    let left = told(&words, "q\n");

    assert!(left.ends_with("exit 0\n") && !left.contains("elect b2"), "{left}");
    assert!(right.contains("Right, it is 3") && right.ends_with("exit 0\n"), "{right}");
    for line in plain.lines().filter(|line| !line.starts_with("$ ")) {
        assert!(right.contains(line), "{line} is missing");
    }
    assert!(silent.contains("standard input is closed"), "{silent}");
    assert!(silent.ends_with("exit 2\n") && !silent.contains("elect b2"), "{silent}");
}

#[test]
fn a_trace_counts_steps_as_users_do() {
    let text = shown(&["run", "acks1-leader-crash", "--no-counterfactuals", "--trace=step"]);

    let steps = text.lines().filter_map(|line| line.split_once(" – ")).map(|(_, step)| step);
    assert_eq!(steps.collect::<Vec<_>>(), ["step 1", "step 2", "step 3", "step 4"]);
}

#[test]
fn what_cannot_be_shown_is_an_error_with_a_hint() {
    let calls: [&[&str]; 16] = [
        &["show", "acks1-leader-crush"],
        &["show", "acks1-leader-crash", "--as", "picture"],
        &["show", "acks1-leader-crash", "--at", "99h"],
        &["show", "acks1-leader-crash", "--at", "-1s"],
        &["show", "acks1-leader-crash", "--window", "4s..1s"],
        &["show", "acks1-leader-crash", "--window", "99h..100h"],
        &["show", "acks1-leader-crash", "--partition", "order-0"],
        &["show", "acks1-leader-crash", "--focus", "r40"],
        &["show", "acks1-leader-crash", "--focus", "nine"],
        &["show", "acks1-leader-crash", "-o", "/dev/null/picture.svg"],
        &["show", "scenarios/library/group"],
        &["why", "acks1-leader-crash", "r99999999999"],
        &["why", "acks1-leader-crash", "r40"],
        &["demo", "no-such-lesson"],
        &["run", "acks1-leader-crash", "--ask", "--format", "json"],
        &["run", "a-silent-follower-with-everything-stays", "--ask"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();

    for text in &all {
        assert!(text.ends_with("exit 2\n"), "{text}");
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn the_name_of_the_output_says_what_is_drawn() {
    let folder = temporary("named");
    let path = |name: &str| folder.join(name).display().to_string();
    let written = |name: &str, words: &[&str]| {
        let file = path(name);
        let output = trial(&[&["show", "acks1-leader-crash", "-o", &file], words].concat());
        assert_eq!(output.status.code(), Some(0), "{name}");
        fs::read_to_string(file).expect("it was written")
    };

    assert!(written("run.svg", &[]).starts_with("<svg"));
    assert!(written("run.html", &[]).starts_with("<!doctype html>"));
    assert!(written("run.json", &[]).starts_with('{'));
    assert!(written("run.txt", &[]).starts_with("  time  who"));
    assert!(written("logs.svg", &["--as", "table"]).starts_with("  time  who"));
}

#[test]
fn a_folder_that_a_run_wrote_is_shown_as_the_run() {
    let folder = temporary("stored");
    let name = folder.to_str().expect("the path is UTF-8");
    trial(&[
        "run",
        "acks1-leader-crash",
        "--seed",
        "9",
        "--set",
        "producers.p1.records=30",
        "--out",
        name,
    ]);
    let stored = folder.join("acks1-leader-crash/default/9");
    let stored = stored.to_str().expect("the path is UTF-8");
    let words = ["--seed", "9", "--set", "producers.p1.records=30"];

    let by_folder = trial(&["show", stored]);
    let by_name = trial(&[&["show", "acks1-leader-crash"][..], &words].concat());
    fs::write(folder.join("verdict.json"), "{}").expect("the file can be written");
    let odd = shown(&["show", name]);

    assert_eq!(String::from_utf8_lossy(&by_folder.stderr), "");
    assert!(!by_folder.stdout.is_empty() && by_folder.stdout == by_name.stdout);
    assert!(odd.contains("does not say how to replay it") && odd.ends_with("exit 2\n"), "{odd}");
}

#[test]
fn a_reader_who_goes_away_is_no_mistake() {
    for form in ["table", "svg", "json", "perfetto"] {
        let mut command = command(&["show", "zombie-consumer-long-gc", "--as", form]);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = piped.expect("the binary runs");
        drop(child.stdout.take());
        let mut said = String::new();
        let mut errors = child.stderr.take().expect("it is piped");
        errors.read_to_string(&mut said).expect("it is UTF-8");

        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{form}: {said}");
        assert_eq!(said, "", "{form}");
    }
}

#[test]
fn every_fact_is_in_the_table_exactly_once() {
    each(|story, trace| {
        let shown = rows(trace, &view(trace));
        assert_eq!(shown.len(), trace.facts.len(), "{}", story.scenario);
        for (row, fact) in shown.iter().zip(&trace.facts) {
            let kind = row.what.split(' ').next();
            let at = Time(fact.at).to_string();

            assert_eq!((kind, &row.at), (Some(fact.kind.name()), &at), "{}", story.scenario);
        }
        let mut sends: Vec<&str> = shown.iter().map(|row| row.what.as_str()).collect();
        sends.retain(|what| what.starts_with("send "));
        let count = sends.len();
        sends.sort_unstable();
        sends.dedup();

        assert_eq!(sends.len(), count, "{}: a record is sent once", story.scenario);
    });
}

#[test]
fn every_trial_of_the_library_can_be_drawn() {
    each(|story, trace| {
        let texts = Texts::of(story, &[], &[]);
        let followed = concerned(trace).first().copied();
        for focus in [None, followed] {
            let view = View { focus, ..view(trace) };
            for picture in [spacetime(trace, &texts, &view), logs(trace, &texts, &view)] {
                let name = story.scenario;

                assert_eq!(
                    picture.matches("<g ").count(),
                    picture.matches("</g>").count(),
                    "{name}"
                );
                assert!(picture.len() < 200_000, "{name}: {} bytes", picture.len());
                assert!(well_formed(&picture), "{name}");
            }
        }
    });
}

#[test]
fn a_cone_begins_with_the_send_and_knows_every_promise() {
    each(|story, trace| {
        for loss in &trace.judged.losses {
            let cone = Cone::of(trace, loss.record);
            let kinds: Vec<_> = cone.facts.iter().map(|at| trace.facts[*at].kind).collect();

            assert_eq!(kinds.first(), Some(&FactKind::Send), "{}", story.scenario);
            assert!(kinds.contains(&FactKind::Append), "{}", story.scenario);
        }
    });
}

#[test]
fn a_lesson_shows_each_line_once_and_ends() {
    each(|story, _| {
        let texts = Texts::of(story, &[], &[]);
        let steps = steps(story, &texts, Signs::Unicode);
        let questions = steps.iter().filter(|step| **step == Step::Question).count();

        assert_eq!(steps.last(), Some(&Step::End), "{}", story.scenario);
        assert_eq!(questions, usize::from(story.ask.is_some()), "{}", story.scenario);
    });
}

fn view(trace: &Trace) -> View {
    let (window, at) = (None, None);
    View { partition: trace.focus, focus: None, window, at, language: Language::English }
}

/// Says whether every tag that opens is closed, in order.
fn well_formed(text: &str) -> bool {
    let mut open = Vec::new();
    for part in text.split('<').skip(1) {
        let Some((tag, _)) = part.split_once('>') else { return false };
        let name = tag.split([' ', '/']).next().unwrap_or("");
        match tag.strip_prefix('/') {
            Some(closed) if open.pop() != Some(closed) => return false,
            Some(_) => {}
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    open.is_empty()
}

/// Calls the tool with something on its standard input.
fn told(words: &[&str], input: &str) -> String {
    let mut command = command(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // Who left early does not read the rest.
    drop(child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    format!("{}{}exit {code}\n", text(&output.stdout), text(&output.stderr))
}

fn temporary(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("show").join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}
