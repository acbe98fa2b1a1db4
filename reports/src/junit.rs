//! Many trials as JUnit's XML: a suite is a scenario, a test case is a check in a matrix case.
//!
//! Times are wall times, the only thing here that differs from run to run.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use crate::json::digest;
use crate::verdict::Came;

/// A scenario, and how it fared.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// Its name.
    pub scenario: String,
    /// Its file, if it is one.
    pub file: Option<String>,
    /// Its checks, case by case.
    pub checks: Vec<Checked>,
    /// How long its trials took.
    pub took: Duration,
}

/// A check in one matrix case, over all seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What should be, in words.
    pub text: String,
    /// The matrix case; empty if there is none.
    pub case: String,
    /// The line of the file that says it.
    pub line: Option<usize>,
    /// The worst that came.
    pub came: Came,
    /// The first trial in which that came.
    pub first: Seen,
    /// Further trials in which it came, the first few.
    pub others: Vec<Seen>,
    /// In how many trials that came.
    pub count: u64,
    /// How many trials there were.
    pub trials: u64,
    /// How long they took.
    pub took: Duration,
}

/// One trial of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its seed.
    pub seed: u64,
    /// Its digest.
    pub digest: u64,
    /// Why it came as it did; empty where there is nothing to say.
    pub why: String,
    /// The command that runs it again.
    pub again: String,
}

/// Writes the suites as one document.
///
/// # Errors
/// If the XML library refuses, which it has no reason for.
pub fn junit(suites: &[Suite]) -> Result<String, SerializeError> {
    let mut report = Report::new("trial");
    report.set_time(suites.iter().map(|suite| suite.took).sum());
    for suite in suites {
        let mut cases = TestSuite::new(&*suite.scenario);
        cases.set_time(suite.took);
        cases.add_test_cases(suite.checks.iter().map(|check| test_case(suite, check)));
        report.add_test_suite(cases);
    }
    report.to_string()
}

fn test_case(suite: &Suite, check: &Checked) -> TestCase {
    let name = match check.case.as_str() {
        "" => check.text.clone(),
        case => format!("{} [{case}]", check.text),
    };
    let mut test = TestCase::new(name, status(check));
    test.set_classname(&*suite.scenario).set_time(check.took);
    if let Some(file) = &suite.file {
        test.extra.insert("file".into(), file.as_str().into());
        if let Some(line) = check.line {
            test.extra.insert("line".into(), line.to_string().into());
        }
    }
    test.add_property(Property::new("seed", check.first.seed.to_string()));
    test.add_property(Property::new("digest", digest(check.first.digest)));
    if 1 < check.trials {
        test.add_property(Property::new("trials", check.trials.to_string()));
    }
    test
}

fn status(check: &Checked) -> TestCaseStatus {
    let mut status = match check.came {
        Came::True => return TestCaseStatus::success(),
        Came::Untested => TestCaseStatus::skipped(),
        Came::False => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("not-as-expected");
            status
        }
    };
    status.set_message(check.message()).set_description(check.replays());
    status
}

impl Checked {
    /// Returns why it came so, and in how many trials.
    pub fn message(&self) -> String {
        let why = if self.first.why.is_empty() { &self.text } else { &self.first.why };
        match self.trials {
            0 | 1 => why.clone(),
            trials => format!("{why} (in {} of {trials} trials)", self.count),
        }
    }

    /// Returns the commands that show it again, one in a line.
    pub fn replays(&self) -> String {
        let seen = [&self.first].into_iter().chain(&self.others);
        seen.map(|it| it.again.as_str()).collect::<Vec<_>>().join("\n")
    }
}
