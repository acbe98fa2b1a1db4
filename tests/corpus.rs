//! False alarms: each file is a trial, made small, in which a claim once broke because a rule of
//! the model or of a checker was wrong. It holds now, and its first lines tell the story.

use std::fs;
use std::path::{Path, PathBuf};

use reports::expected::expected;
use scenarios::{Class, Overrides, Scenario};
use sim::Options;

#[test]
fn what_was_a_false_alarm_is_none_any_more() {
    let mut surprises = Vec::new();
    for path in files() {
        let scenario = load(&path);
        for case in 0..scenario.cases.len() {
            let trial = scenarios::run(&scenario, case, scenario.seed, Options::default());
            if trial.class() != Class::AsExpected {
                let came = expected(&scenario.cases[case], &trial);
                surprises.push(format!("{}: {came:#?}", path.display()));
            }
        }
    }

    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn every_false_alarm_tells_its_story_and_lies_under_its_claim() {
    for path in files() {
        let text = fs::read_to_string(&path).expect("the file is there");
        let folder = path.parent().and_then(Path::file_name).expect("it lies in a folder");
        let claim = format!("= \"{}\"", folder.display());

        assert!(text.starts_with("# "), "{} has no story", path.display());
        assert!(text.contains("# Found by `trial fuzz"), "{} came from nowhere", path.display());
        assert!(text.contains(&claim), "{} is about another claim", path.display());
    }
}

fn files() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus");
    let mut files = Vec::new();
    for folder in fs::read_dir(corpus).expect("the corpus is there") {
        let folder = folder.expect("the folder can be read").path();
        for file in fs::read_dir(folder).expect("the folder can be read") {
            files.push(file.expect("the file can be read").path());
        }
    }
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    files
}

fn load(path: &Path) -> Scenario {
    let source = fs::read_to_string(path).expect("the file is there");
    match scenarios::parse("corpus", &source, &Overrides::default()) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}: {problems:#?}", path.display()),
    }
}
