//! What the README shows is what a run prints, and what it tells a reader to write or to
//! measure works.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use scenarios::{Class, Overrides};
use sim::Options;

const README: &str = include_str!("../README.md");

#[test]
fn the_picture_is_the_output_of_the_first_command() {
    let output = Command::new(env!("CARGO_BIN_EXE_trial"))
        .args(["run", "acks1-leader-crash"])
        .output()
        .expect("the binary can be run");
    let printed = String::from_utf8(output.stdout).expect("the output is text");
    let shown = block(README, "text");

    if env::var_os("BLESS").is_some() {
        let blessed =
            README.replacen(&format!("```text\n{shown}```"), &format!("```text\n{printed}```"), 1);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        fs::write(file, blessed).expect("the README can be written");
        return;
    }
    assert_eq!(shown, printed, "stale picture, see BLESS=1");
}

#[test]
fn the_scenario_in_the_readme_comes_as_it_expects() {
    let source = block(README, "toml");
    let scenario = match scenarios::parse("README.md", source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{problems:#?}"),
    };

    let trial = scenarios::run(&scenario, 0, scenario.seed, Options::default());

    assert_eq!(trial.class(), Class::AsExpected, "{:#?}", trial.expectations);
}

#[test]
fn the_readme_says_of_each_command_what_the_help_says() {
    let commands = trial::commands();
    let shown = commands.get_subcommands().filter(|it| !it.is_hide_set());

    let told: Vec<String> =
        shown.map(|it| it.get_about().map_or(String::new(), |it| it.to_string())).collect();
    let rows = README.lines().filter(|row| row.starts_with("| `trial "));
    let said: Vec<String> = rows
        .filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "))
        .map(|(_, says)| says.to_owned())
        .collect();

    assert_eq!(said, told);
}

#[test]
fn the_benchmark_s_workload_is_a_scenario() {
    let source = include_str!("../benches/reference.toml");

    let parsed = scenarios::parse("reference.toml", source, &Overrides::default());

    assert!(parsed.is_ok(), "{parsed:#?}");
}

/// Returns what stands between the first fences of this language.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let opening = format!("```{language}\n");
    let start = text.find(&opening).expect("the README has such a block") + opening.len();
    let length = text[start..].find("```").expect("the block ends");
    &text[start..start + length]
}
