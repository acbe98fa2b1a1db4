//! Sweeps and their plots: what is printed, what is drawn, and that it comes again.
//!
//! `BLESS=1 cargo test sweep` draws the golden plots anew: look at them before committing.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::{env, fs};

use reports::text::{Line, WIDTH};

use crate::cli::{shown, trial};

const ACKS: &str = "producers.p1.config.acks=0,1,all";
const ISR_MIN: &str = "topics.orders.config.min.insync.replicas=1,2";

#[test]
fn a_sweep_prints_odds_pairs_and_what_they_mean() {
    let text = shown(&["sweep", "acks1-leader-crash", "--runs", "20", "--vary", ACKS]);

    insta::assert_snapshot!(text);
}

#[test]
fn a_sweep_is_told_in_chinese_and_machines_read_english() {
    let varied = ["sweep", "acks1-leader-crash", "--runs", "20", "--vary", ACKS];
    let chances = ["sweep", "followers-stall-leader-is-killed", "--runs", "5"];
    let chinese = |words: &[&str]| shown(&[words, &["--lang", "zh"]].concat());
    let json = |lang| trial(&[&chances[..], &["--format", "json", "--lang", lang]].concat()).stdout;

    let told = [chinese(&varied), chinese(&chances)].join("\n");

    for line in told.lines().filter(|line| !line.contains("trial ")) {
        assert!(Line::plain(line).width() <= WIDTH, "{line}");
    }
    insta::assert_snapshot!("sweep_in_chinese", told);
    assert_eq!(json("zh"), json("en"));
}

#[test]
fn a_sweep_prints_the_same_bytes_whatever_the_jobs() {
    let call = |jobs| {
        let words = ["sweep", "followers-stall-leader-is-killed", "--runs", "10", "--vary", ACKS];
        let output = trial(&[&words[..], &["--jobs", jobs]].concat());
        (output.status.code(), output.stdout)
    };

    let one = call("1");

    assert!(!one.1.is_empty());
    assert_eq!(one, call("3"));
    assert_eq!(one, call("1"));
}

#[test]
fn a_chance_is_judged_by_a_sweep_and_not_looked_at_by_a_run() {
    let scenario = "followers-stall-leader-is-killed";

    let run = trial(&["run", scenario]);
    let few = trial(&["sweep", scenario, "--runs", "5"]);
    let enough = trial(&["sweep", scenario, "--runs", "70"]);
    let json = trial(&["sweep", scenario, "--runs", "5", "--format", "json"]);

    assert_eq!(run.status.code(), Some(0));
    assert!(!text(&run).contains("at most 5.0 %"), "{}", text(&run));
    assert_eq!(few.status.code(), Some(3), "{}", text(&few));
    assert!(text(&few).contains("more runs would tell"), "{}", text(&few));
    assert_eq!(enough.status.code(), Some(0), "{}", text(&enough));
    assert!(text(&enough).contains("so it is (0 of 70"), "{}", text(&enough));
    assert!(text(&json).contains(r#""standing":"undecided""#), "{}", text(&json));
}

#[test]
fn what_varies_is_not_what_the_file_expects_of_a_chance() {
    let words = ["sweep", "followers-stall-leader-is-killed", "--runs", "5", "--vary"];

    let varied = trial(&[&words[..], &["producers.p1.config.acks=0,1"]].concat());

    assert_eq!(varied.status.code(), Some(0), "{}", text(&varied));
    assert!(!text(&varied).contains("Chances"), "{}", text(&varied));
}

#[test]
fn mistakes_in_a_sweep_or_a_plot_are_errors_with_hints() {
    let no_sweep = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let calls: [&[&str]; 13] = [
        &["sweep", "acks1-leader-crash"],
        &["sweep", "acks1-leader-crash", "--runs", "0"],
        &["sweep", "acks1-leader-crash", "--runs", "2", "--vary", "producers.p1.config.acks=1,two"],
        &["sweep", "acks1-leader-crash", "--runs", "2", "--vary", "producers.p9.records=1,2"],
        &["sweep", "acks1-leader-crash", "--runs", "2", "--vary", "seed"],
        &["sweep", "acks1-leader-crash", "--runs", "2", "--vary", "producers.p1.records=1,,2"],
        &["sweep", "acks1-leader-crash", "--runs", "20_000_000"],
        &["plot", "no-such.json", "--plot", "P01"],
        &["plot", "acks1-leader-crash", "--plot", "P03"],
        &["plot", "acks1-leader-crash", "--plot", "P06"],
        &["plot", "acks1-leader-crash", "--plot", "P07"],
        &["plot", "eager-stop-the-world", "--plot", "P06", "--vary", "groups.g1.members=1,2"],
        &["plot", "acks1-leader-crash", "--plot", "P19"],
    ];

    let all: Vec<_> = calls.iter().map(|words| shown(words)).collect();
    let wrong = trial(&["plot", no_sweep, "--plot", "P01"]);

    for text in &all {
        assert!(text.ends_with("exit 2\n"), "{text}");
    }
    assert_eq!(wrong.status.code(), Some(2));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn plots_of_a_sweep_are_the_golden_ones_and_come_again() {
    let promise =
        ["followers-stall-leader-is-killed", "followers-stall-leader-loses-power", "--runs", "12"];
    let disorder = ["appends-are-refused-for-an-instant", "--runs", "12"];
    let varied = [&promise[..], &["--vary", ACKS, "--vary", ISR_MIN]].concat();

    for (plot, words) in [("P01", &varied[..]), ("P10", &disorder[..])] {
        let folder = swept(plot, words);
        let file = folder.join("sweep.json").display().to_string();
        let svg = text(&trial(&["plot", &file, "--plot", plot]));
        let png = trial(&["plot", &file, "--plot", plot, "--as", "png"]).stdout;

        golden(&format!("{plot}.svg"), &svg);
        assert!(png.starts_with(b"\x89PNG"), "{plot}");
        assert_eq!(png, trial(&["plot", &file, "--plot", plot, "--as", "png"]).stdout);
    }
}

#[test]
fn a_plot_of_one_run_comes_again() {
    let calls = [
        ("P04", "acks-all-leader-crash"),
        ("P06", "eager-stop-the-world"),
        ("P07", "eager-stop-the-world"),
        ("P08", "acks1-leader-crash"),
        ("P19", "retention-deletes-unread"),
    ];

    for (plot, scenario) in calls {
        let draw = || text(&trial(&["plot", scenario, "--plot", plot]));
        let svg = draw();
        assert!(
            svg.starts_with("<svg") && svg.contains("?</") | svg.contains("?\n"),
            "{plot}: {svg}"
        );
        assert!(svg.contains(&format!("trial plot {scenario}")), "{plot}: {svg}");
        assert_eq!(svg, draw());
    }
}

/// Runs a sweep and returns the folder with its sweep.json.
fn swept(name: &str, words: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let out = folder.display().to_string();
    let output = trial(&[&["sweep"], words, &["--out", &out]].concat());
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output));
    folder
}

fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plots").join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, found).expect("the golden file can be written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == found, "{name} is stale: see BLESS=1");
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
