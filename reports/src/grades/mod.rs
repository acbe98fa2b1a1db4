//! What answers to exercises have earned: for people, as JSON, for Gradescope, as JUnit.
//!
//! Nothing here tells how long anything took: the same answer gets the same bytes twice.

mod text;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

pub use text::{class, one};

/// What an answer to an exercise has earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graded {
    /// The exercise.
    pub exercise: String,
    /// Who answers.
    pub student: String,
    /// What was drawn for that student.
    pub drawn: Vec<Own>,
    /// The commands that run what was drawn.
    pub run: Vec<String>,
    /// Why nothing is graded, if so.
    pub refused: Option<String>,
    /// What earns points, in order.
    pub lines: Vec<GradedLine>,
    /// More points, which people give.
    pub people: u64,
}

/// A value that was drawn for one student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// How the exercise calls the draw.
    pub id: String,
    /// Where the value goes, as `--set` takes it.
    pub path: String,
    /// The value.
    pub value: String,
}

/// One thing that earns points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradedLine {
    /// What it is.
    pub text: String,
    /// What was earned.
    pub points: u64,
    /// What could be.
    pub of: u64,
    /// Why not all of it.
    pub why: Vec<String>,
    /// The command that shows why.
    pub again: Option<String>,
}

impl Graded {
    /// Returns what was earned.
    pub fn points(&self) -> u64 {
        self.lines.iter().map(|line| line.points).sum()
    }

    /// Returns what could be, of what a machine gives.
    pub fn of(&self) -> u64 {
        self.lines.iter().map(|line| line.of).sum()
    }
}

impl Own {
    /// Says it: what the task calls it, and the value.
    fn said(&self) -> String {
        format!("{} = {}", self.id, self.value)
    }
}

impl GradedLine {
    /// Returns everything that is said of it, a line each.
    fn said(&self) -> String {
        let said = self.why.iter().chain(&self.again);
        said.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Returns one answer's grades as JSON.
pub fn json(graded: &Graded) -> Value {
    let line = |line: &GradedLine| {
        json!({
            "points": line.points,
            "of": line.of,
            "text": line.text,
            "why": line.why,
            "again": line.again,
        })
    };
    let own = |it: &Own| json!({ "id": it.id, "path": it.path, "value": it.value });
    json!({
        "v": 1,
        "exercise": graded.exercise,
        "student": graded.student,
        "drawn": graded.drawn.iter().map(own).collect::<Vec<_>>(),
        "run": graded.run,
        "points": graded.points(),
        "of": graded.of(),
        "people": graded.people,
        "refused": graded.refused,
        "lines": graded.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// Returns one answer's grades as Gradescope's `results.json`.
///
/// Source: Gradescope's autograder documentation, "Output Format".
pub fn gradescope(graded: &Graded) -> Value {
    let test = |line: &GradedLine| {
        json!({
            "name": line.text,
            "score": line.points,
            "max_score": line.of,
            "output": line.said(),
            "visibility": "visible",
        })
    };
    let mut results = json!({
        "visibility": "visible",
        "tests": graded.lines.iter().map(test).collect::<Vec<_>>(),
    });
    // Gradescope shows it above the tests.
    let drawn = graded.drawn.iter().map(Own::said);
    let said: Vec<String> = drawn.chain(graded.run.clone()).chain(graded.refused.clone()).collect();
    if !said.is_empty() {
        results["output"] = json!(said.join("\n"));
    }
    results
}

/// Returns grades as JUnit's XML: a suite is a student, a test case is a line that earns points.
///
/// # Errors
/// If the XML library refuses, which it has no reason for.
pub fn junit(all: &[Graded]) -> Result<String, SerializeError> {
    let mut report = Report::new("trial grade");
    for graded in all {
        let mut suite = TestSuite::new(&*graded.student);
        for own in &graded.drawn {
            suite.add_property((&*own.id, &*own.value));
        }
        for line in &graded.lines {
            let mut status = TestCaseStatus::success();
            if line.points < line.of {
                status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let refused = graded.refused.as_ref().or(line.why.first());
                status.set_message(refused.map_or("", String::as_str));
                status.set_description(line.said());
            }
            let mut test = TestCase::new(&*line.text, status);
            test.set_classname(&*graded.exercise);
            suite.add_test_case(test);
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}
