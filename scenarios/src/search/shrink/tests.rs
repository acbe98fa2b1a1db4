//! Lessons of the library, made small.

use std::sync::atomic::{AtomicU64, Ordering};

use sim::verdict::Claim;

use super::surgery::with_steps;
use super::*;
use crate::overrides::Overrides;
use crate::parse;
use crate::scenario::{Expected, Hope};
use crate::search::file::FileSource;
use crate::search::subject::Source;
use crate::search::violation::Oracle;
use crate::written::{self, Heading};

/// A lesson, and the claim that it breaks.
fn lesson(name: &str) -> (Subject, Claim) {
    let entry = crate::library::find(name).expect("it is in the library");
    let (scenario, _) = parse(name, entry.source, &Overrides::default()).expect("it is sound");
    let case = &scenario.cases[0];
    let broken = case.expects.iter().find_map(|expect| match &expect.what {
        Expected::Claim { claim, hope: Hope::Breaks, within, .. } => Some((*claim, *within)),
        _ => None,
    });
    let (claim, within) = broken.expect("it breaks a claim");
    let mut oracle = Oracle::of(case);
    oracle.holds.push((claim, within));
    (Subject { plan: case.plan.clone(), oracle, case: 0 }, claim)
}

fn small(name: &str) -> Shrunk {
    let (subject, claim) = lesson(name);
    shrink(&subject, &Violation::Claim(claim), Budget::runs(2_000), 1)
}

/// Says which steps of a finding could go, by trying each.
fn spare_steps(shrunk: &Shrunk, violation: &Violation) -> Vec<usize> {
    let plan = &shrunk.subject.plan;
    let can_go = |place: &usize| {
        let others: Vec<usize> = (0..plan.steps.len()).filter(|it| it != place).collect();
        with_steps(plan, &others).is_some_and(|plan| {
            let subject = Subject { plan, ..shrunk.subject.clone() };
            subject.violations().contains(violation)
        })
    };
    (0..plan.steps.len()).filter(can_go).collect()
}

#[test]
fn no_step_of_what_is_left_can_go() {
    let table = [
        ("acks1-leader-crash", 1),
        ("kip101-scenario-2-divergence", 3),
        ("consumer-truncation-reset", 3),
        ("unclean-election-breaks-sequences", 2),
        ("commit-before-process", 1),
    ];
    for (name, steps) in table {
        let (_, claim) = lesson(name);
        let shrunk = small(name);

        assert_eq!(shrunk.ended, Ended::Smallest, "{name}");
        assert_eq!(spare_steps(&shrunk, &Violation::Claim(claim)), Vec::<usize>::new(), "{name}");
        assert_eq!(shrunk.after.steps, steps, "{name}");
        let holds = |it: &Necessity| it.without == necessity::Without::Holds;
        let mut of_steps = shrunk.necessity.iter().take(steps);
        assert!(of_steps.all(holds), "{name}: {:?}", shrunk.necessity);
    }
}

#[test]
fn a_detour_leads_on_where_no_single_step_can_go() {
    let entry =
        crate::library::find("safe-defaults-everything-at-once").expect("it is in the library");
    let knob = "topics.orders.config.'unclean.leader.election.enable'=true";
    let set = Overrides::split(knob).into_iter().collect();
    let overrides = Overrides { set, ..Overrides::default() };
    let (scenario, _) = parse("unclean", entry.source, &overrides).expect("it is sound");
    let subject = FileSource::new(&scenario, vec![0]).draw(4_071_854_898_274_986);
    let violation = Violation::Claim(Claim::NoAcknowledgedLoss);

    let shrunk = shrink(&subject, &violation, Budget::runs(3_000), 2);

    // The passes alone come to rest at six steps, of which none can go either.
    assert_eq!((shrunk.before.steps, shrunk.after.steps), (22, 3));
    assert_eq!(shrunk.ended, Ended::Smallest);
    assert_eq!(spare_steps(&shrunk, &violation), Vec::<usize>::new());
}

#[test]
fn the_setting_that_matters_stays_and_the_promise_is_no_smaller() {
    let shrunk = small("acks1-leader-crash");

    let settings = settings::changed(&shrunk.subject.plan);
    assert_eq!(settings.len(), 1, "{settings:?}");
    assert_eq!((settings[0].name, settings[0].value.as_str()), ("acks", "1"));
    assert_eq!(shrunk.after.brokers, 2, "one broker would be no replication");
}

#[test]
fn a_file_says_what_is_left() {
    let (_, claim) = lesson("kip279-fast-failover-divergence");
    let shrunk = small("kip279-fast-failover-divergence");
    let what = Expected::Claim { claim, hope: Hope::Breaks, count: None, within: None };
    let heading = Heading { expects: vec![what], ..Heading::default() };

    let text = written::scenario(&shrunk.subject.plan, &heading);

    let (again, _) = parse("again", &text, &Overrides::default()).expect("it is sound");
    assert_eq!(again.cases[0].plan, shrunk.subject.plan);
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let (subject, claim) = lesson("ack-lost-retry-duplicates");
    let violation = Violation::Claim(claim);

    let [one, three] = [1, 3].map(|jobs| shrink(&subject, &violation, Budget::runs(2_000), jobs));
    let [few, also_few] = [1, 3].map(|jobs| shrink(&subject, &violation, Budget::runs(30), jobs));

    assert_eq!(one, three);
    assert_eq!(few, also_few);
    assert_eq!((few.runs, few.ended), (30, Ended::OutOfRuns));
}

#[test]
fn a_search_that_is_stopped_says_so() {
    let (subject, claim) = lesson("acks1-leader-crash");
    let asked = AtomicU64::new(0);
    let stop = || 20 < asked.fetch_add(1, Ordering::SeqCst);
    let budget = Budget { runs: 2_000, stop: &stop };

    let shrunk = shrink(&subject, &Violation::Claim(claim), budget, 1);

    assert_eq!(shrunk.ended, Ended::Stopped);
    assert!(shrunk.subject.violations().contains(&Violation::Claim(claim)));
}

#[test]
fn what_holds_is_not_made_small() {
    let (subject, _) = lesson("acks1-leader-crash");
    let violation = Violation::Claim(Claim::ReplicasAgree);

    let shrunk = shrink(&subject, &violation, Budget::runs(2_000), 1);

    assert_eq!((shrunk.ended, shrunk.runs), (Ended::NotBroken, 1));
    assert_eq!(shrunk.subject, subject);
}

#[test]
fn another_violation_is_a_finding_of_its_own() {
    let shrunk = small("retry-reorder-inflight-5");

    let [other] = shrunk.others.as_slice() else { panic!("{:?}", shrunk.others) };
    assert_eq!(other.violation.name(), "no-duplicates");
    assert!(other.subject.violations().contains(&other.violation));
}

#[test]
fn a_panic_of_the_model_is_an_answer() {
    let (subject, _) = lesson("acks1-leader-crash");
    let wanted = Violation::Assertion("no such thing".to_owned());
    let judge = |_: &Plan| -> Vec<Violation> { panic!("no such thing") };
    let mut court = Court::new((&subject, &wanted), &judge, Budget::runs(9), 1);

    assert!(court.is_broken());
}
