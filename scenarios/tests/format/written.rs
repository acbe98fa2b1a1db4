//! What is written of a plan becomes the same plan.

use proptest::prelude::*;
use scenarios::written::{Heading, scenario};
use scenarios::{Case, Expected, Hope, Overrides, library, parse};
use sim::plan::Plan;
use sim::verdict::Claim;

use crate::drawn::plans;

#[test]
fn every_case_of_the_library_is_written_and_read_again() {
    let mut cases = 0;
    for entry in library() {
        let (read, _) = parse(entry.name, entry.source, &Overrides::default()).unwrap();
        for case in &read.cases {
            let plan = case.plan.clone();
            let text = scenario(&plan, &heading(case));

            let again = read_again(&text, &format!("{} {}", entry.name, case.name));
            assert_eq!(differences(&again, &plan), [], "{text}");
            cases += 1;
        }
    }
    assert!(100 < cases, "{cases}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_written_and_read_again(plan in plans()) {
        let holds = Expected::Claim {
            claim: Claim::NoAcknowledgedLoss,
            hope: Hope::Holds,
            count: None,
            within: None,
        };
        let heading = Heading { expects: vec![holds], ..Heading::default() };

        let text = scenario(&plan, &heading);

        let read = parse("file.toml", &text, &Overrides::default());
        let (read, _) = read.map_err(|problems| {
            TestCaseError::fail(format!("{}\n{text}", problems[0].message))
        })?;
        prop_assert_eq!(differences(&read.cases[0].plan, &plan), [], "{}", text);
    }
}

/// Returns the lines in which two plans differ; they are too long to be shown whole.
fn differences(one: &Plan, other: &Plan) -> Vec<(String, String)> {
    if one == other {
        return Vec::new();
    }
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let pairs = one.lines().zip(other.lines()).filter(|(one, other)| one != other);
    pairs.take(9).map(|(one, other)| (one.to_owned(), other.to_owned())).collect()
}

/// Returns the heading of a case as it is.
fn heading(case: &Case) -> Heading {
    let says = case.steps.iter().map(|step| step.say.as_ref().map(|say| say.en.clone()));
    Heading {
        title: "a plan".to_owned(),
        says: says.collect(),
        expects: case.expects.iter().map(|expect| expect.what.clone()).collect(),
        ..Heading::default()
    }
}

/// Reads a text that nothing is wrong with.
fn read_again(text: &str, what: &str) -> Plan {
    match parse("file.toml", text, &Overrides::default()) {
        Ok((read, warnings)) => {
            assert!(warnings.is_empty(), "{what}: {warnings:?}\n{text}");
            assert_eq!(read.cases.len(), 1);
            read.cases[0].plan.clone()
        }
        Err(problems) => panic!("{what}: {problems:?}\n{text}"),
    }
}
