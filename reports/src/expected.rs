//! What a scenario file expects and says, as a report shows it.

use scenarios::{Case, Class, Hope, Standing, StepInfo, Trial};

use crate::verdict::{Came, Expected};

/// Returns what each step says; empty where it says nothing.
pub fn says(case: &Case) -> Vec<String> {
    let say = |step: &StepInfo| step.say.as_ref().map(|say| say.en.clone());
    case.steps.iter().map(|step| say(step).unwrap_or_default()).collect()
}

/// Returns the expectations in words, each with what came.
pub fn expected(case: &Case, trial: &Trial) -> Vec<Expected> {
    let mut expected = Vec::new();
    for (at, standing) in &trial.expectations {
        let text = hope(&case.expects[*at].what);
        let (came, why) = match standing {
            Standing::Met => (Came::True, String::new()),
            Standing::Failed(why) => (Came::False, format!(" ({why})")),
            Standing::Untested(why) => (Came::Untested, format!(" ({why})")),
        };
        expected.push(Expected { text: format!("{text}{why}"), came });
    }
    for note in &trial.notes {
        let came = match note.class {
            Class::AsExpected => Came::True,
            Class::Untested => Came::Untested,
            Class::Unexpected | Class::ToolFault => Came::False,
        };
        let line = note.line.map_or_else(String::new, |line| format!("line {line}: "));
        expected.push(Expected { text: format!("{line}{}", note.text), came });
    }
    expected
}

fn hope(what: &scenarios::Expected) -> String {
    match what {
        scenarios::Expected::Claim { claim, hope, count, within } => {
            let word = match hope {
                Hope::Holds => "holds",
                Hope::Breaks => "breaks",
                Hope::Untested => "untested",
            };
            let count = count.map_or_else(String::new, |count| format!(" for {count}"));
            let within = within.map_or_else(String::new, |within| format!(" within {within}"));
            format!("{word} {}{count}{within}", claim.name())
        }
        scenarios::Expected::Anomaly { anomaly, count } => {
            format!("{} seen {count} times", anomaly.name())
        }
        scenarios::Expected::Reaches { text, .. } => format!("reaches {text}"),
    }
}
