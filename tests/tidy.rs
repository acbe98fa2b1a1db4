//! The house's rules that no compiler checks: floors, sizes, and a true ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 600;
const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");

#[test]
fn no_file_outgrows_its_limit() {
    for file in sources() {
        let lines = read(&file).lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", file.display());
    }
}

#[test]
fn each_floor_stands_only_on_those_below() {
    let floors = ["model", "sim", "scenarios", "reports"];
    for (height, floor) in floors.iter().enumerate() {
        let manifest = read(&root().join(floor).join("Cargo.toml"));
        for above in &floors[height..] {
            let names = manifest.lines().any(|line| line.starts_with(&format!("{above}.")));
            assert!(!names, "{floor} may not name {above}");
        }
    }
}

#[test]
fn only_the_runtime_names_madsim() {
    for file in sources() {
        let is_the_one = file.ends_with("sim/src/runtime.rs") || file.ends_with("sim/build.rs");
        let is_a_test = file.starts_with(root().join("tests"));
        let code = read(&file);
        let uses = code.lines().any(|line| {
            !line.trim_start().starts_with("//")
                && (line.contains("madsim::") || line.contains("use madsim"))
        });
        assert!(is_the_one || is_a_test || !uses, "{} names madsim", file.display());
    }
}

/// What looks into histories: the trace, and what shows their entries one by one.
const READERS: [&str; 3] = ["reports/src/trace/", "reports/src/entry/", "reports/src/json.rs"];
/// What a file that looks into a history names.
const HISTORY: [&str; 6] = [
    "sim::history",
    "model::fact::{Fact",
    "model::fact::Fact",
    ".history",
    "sim::flights",
    ".flights",
];

#[test]
fn every_picture_and_story_is_drawn_from_the_trace() {
    for file in files(&root().join("reports/src"), "rs") {
        let path = file.strip_prefix(root()).expect("it lies below").display().to_string();
        if READERS.iter().any(|reader| path.starts_with(reader)) {
            continue;
        }
        let code = read(&file);
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        for line in code.lines().filter(is_code) {
            let named: Vec<_> = HISTORY.iter().filter(|name| line.contains(**name)).collect();
            assert!(named.is_empty(), "{path} looks into a history: {}", line.trim());
        }
    }
}

#[test]
fn nothing_is_left_unfinished_or_silenced() {
    let marks = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    let attributes = ["ignore", "allow"].map(|name| format!("#[{name}"));
    for file in sources() {
        let code = read(&file);
        for mark in marks.iter().chain(&attributes) {
            assert!(!code.contains(mark.as_str()), "{} contains {mark}", file.display());
        }
    }
}

#[test]
fn the_architecture_names_files_that_exist() {
    let mut named = 0;
    for word in ARCHITECTURE.split('`').skip(1).step_by(2) {
        let is_path = word.contains('/') && !word.contains(' ') && !word.contains('*');
        if is_path {
            assert!(root().join(word).exists(), "ARCHITECTURE.md names {word}");
            named += 1;
        }
    }
    assert!(20 < named, "the code map names files");
}

#[test]
fn one_record_s_way_names_functions_that_exist() {
    let rows: Vec<_> = ARCHITECTURE
        .lines()
        .skip_while(|line| !line.starts_with("## One record's way"))
        .filter(|line| line.starts_with("| ") && line.contains(".rs`"))
        .collect();
    assert!(10 < rows.len(), "the way has its stations");

    for row in rows {
        let words: Vec<_> = row.split('`').collect();
        let (file, function) = (words[1], words[3]);
        let code = read(&root().join(file));
        assert!(code.contains(&format!("fn {function}")), "{file} has no `{function}`");
    }
}

#[test]
fn the_readme_s_commands_are_those_that_ci_runs() {
    let readme = read(&root().join("README.md"));
    let ci = read(&root().join(".ci/run"));

    assert!(readme.contains("cargo run --release -- run acks1-leader-crash"));
    assert!(readme.contains("cargo test --workspace"));
    assert!(ci.contains("cargo test --workspace"));
}

#[test]
fn no_library_file_outgrows_a_screen() {
    for file in files(&root().join("scenarios/library"), "timeline") {
        // A file has a page for each case of a matrix.
        for page in read(&file).split("\n=== \n") {
            let lines = page.lines().count();
            assert!(lines <= 60, "{} has a page of {lines} lines", file.display());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    ["model", "sim", "scenarios", "reports", "book/src", "src", "tests", "benches"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .collect()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
