//! What a scenario file expects and says, as a report shows it.

use scenarios::{Case, Class, Hope, Standing, StepInfo, Trial, ranged};
use sim::clause::{Clause, ClauseKind, Sentence, Value};

use crate::verdict::{Came, Expected};
use crate::words::Words;

/// Returns what each step says; empty where it says nothing.
pub fn says(case: &Case, words: &Words) -> Vec<String> {
    let say = |step: &StepInfo| step.say.as_ref().map(|say| words.of(say).to_owned());
    case.steps.iter().map(|step| say(step).unwrap_or_default()).collect()
}

/// One thing that a trial was held against: an expectation, or a note that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What should be: `breaks no-acknowledged-loss`.
    pub text: Sentence,
    /// Why it is not so; `None` if it is.
    pub why: Option<Sentence>,
    /// Whether it came so.
    pub came: Came,
    /// The line of the file that says it; `None` if none does.
    pub line: Option<usize>,
}

/// Returns the expectations, each with what came.
pub fn expected(case: &Case, trial: &Trial) -> Vec<Expected> {
    let checks = checks(case, trial).into_iter();
    checks
        .map(|it| {
            let text = match it.why {
                None => it.text,
                Some(why) => Sentence::of(ClauseKind::ButSo, [it.text.into(), why.into()]),
            };
            Expected { text, came: it.came }
        })
        .collect()
}

/// Returns everything that a trial was held against, expectations first.
pub fn checks(case: &Case, trial: &Trial) -> Vec<Check> {
    let mut checks = Vec::new();
    for (at, standing) in &trial.expectations {
        let expect = &case.expects[*at];
        let (came, why) = match standing {
            Standing::Met => (Came::True, None),
            Standing::Failed(why) => (Came::False, Some(why.clone())),
            Standing::Untested(why) => (Came::Untested, Some(why.clone())),
        };
        let text = Sentence(vec![hope(&expect.what)]);
        checks.push(Check { text, why, came, line: Some(expect.line) });
    }
    for note in &trial.notes {
        let came = match note.class {
            Class::AsExpected => Came::True,
            Class::Untested => Came::Untested,
            Class::Unexpected | Class::ToolFault => Came::False,
        };
        let text = note.text.clone();
        let text = match note.line {
            Some(line) => Sentence::of(ClauseKind::AtLine, [(line as u64).into(), text.into()]),
            None => text,
        };
        checks.push(Check { text, why: None, came, line: note.line });
    }
    checks
}

fn hope(what: &scenarios::Expected) -> Clause {
    match what {
        scenarios::Expected::Claim { claim, hope, count, within } => {
            let kind = match hope {
                Hope::Holds => ClauseKind::HopeHolds,
                Hope::Breaks => ClauseKind::HopeBreaks,
                Hope::Untested => ClauseKind::HopeUntested,
            };
            let part = |kind, value| Value::from(Clause::new(kind, [value]));
            let nothing = || Value::List(Vec::new());
            let count = count.map(|count| part(ClauseKind::HopeCount, ranged(count)));
            let within = within.map(|it| part(ClauseKind::HopeWithin, it.to_string().into()));
            let name = Value::from(claim.name());
            Clause::new(kind, [name, count.unwrap_or_else(nothing), within.unwrap_or_else(nothing)])
        }
        scenarios::Expected::Anomaly { anomaly, count } => {
            Clause::new(ClauseKind::HopeSeen, [anomaly.name().into(), ranged(*count)])
        }
        scenarios::Expected::Reaches { text, .. } => {
            Clause::new(ClauseKind::HopeReaches, [text.as_str().into()])
        }
    }
}
