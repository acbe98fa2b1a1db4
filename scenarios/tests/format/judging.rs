//! Expectations are held against what came out.

use std::collections::BTreeMap;

use model::ids::{TopicId, TopicPartition};
use model::time::Time;
use scenarios::{Class, Overrides, Scenario, Standing, parse, run_with};
use sim::clause::{ClauseKind, Sentence};
use sim::outcome::{Ended, Judgement, Outcome, Totals};
use sim::verdict::{Anomaly, Claim, Evidence, Finding, Verdict};

#[test]
fn a_claim_stands_as_it_was_hoped_for() {
    let holds = Verdict::Holds;
    let untested = Verdict::Untested(ClauseKind::NothingAcknowledged.into());
    let table = [
        ("", holds.clone(), Class::AsExpected),
        ("", breaks(7), Class::Unexpected),
        ("", untested.clone(), Class::Untested),
        ("breaks = true", holds.clone(), Class::Unexpected),
        ("breaks = true", breaks(7), Class::AsExpected),
        ("breaks = true\ncount = \"8..\"", breaks(7), Class::Unexpected),
        ("breaks = true\ncount = \"..=7\"", breaks(7), Class::AsExpected),
        ("breaks = true", untested.clone(), Class::Untested),
        ("untested = true", untested, Class::AsExpected),
        ("untested = true", holds, Class::Unexpected),
    ];

    for (how, verdict, class) in table {
        let scenario = scenario(&format!("claim = \"no-acknowledged-loss\"\n{how}"));
        let trial = run_with(&scenario, 0, 7, |_| outcome(verdict.clone()));

        assert_eq!(trial.class(), class, "{how}: {verdict:?} {trial:?}");
    }
}

#[test]
fn a_deadline_counts_from_the_heal_for_each_partition() {
    let table = [
        ("within = \"2s\"", 5_000_003, Class::Unexpected),
        ("within = \"5s\"", 5_000_003, Class::AsExpected),
        ("within = \"2s\"\nbreaks = true\ncount = 1", 5_000_003, Class::AsExpected),
        ("within = \"2s\"\nbreaks = true", 1_000_003, Class::Unexpected),
        ("", 59_000_000, Class::AsExpected),
    ];

    for (how, at, class) in table {
        let scenario = scenario(&format!("claim = \"replicas-catch-up\"\n{how}"));
        let trial = run_with(&scenario, 0, 7, |_| {
            let mut outcome = outcome(Verdict::Holds);
            outcome.judgement.findings[0].claim = Claim::ReplicasCatchUp;
            let partition = TopicPartition { topic: TopicId(0), partition: 0 };
            outcome.judgement.caught_up = vec![(partition, Some(Time(at)))];
            outcome
        });

        assert_eq!(trial.class(), class, "{how} {at}: {:?}", trial.expectations);
    }
}

#[test]
fn groups_have_a_deadline_for_being_stable_and_one_for_having_no_lag() {
    let (soon, late) = (Some(Time(1_000_003)), Some(Time(9_000_003)));
    let table = [
        ("group-stabilises", Claim::GroupStabilises, (soon, late), None),
        ("group-stabilises", Claim::GroupStabilises, (late, soon), Some("group-stabilises")),
        ("group-drains", Claim::GroupDrains, (soon, late), Some("group-drains")),
        ("group-drains", Claim::GroupDrains, (late, soon), None),
    ];

    for (name, claim, settled, fails) in table {
        let scenario = scenario(&format!("claim = \"{name}\"\nwithin = \"2s\""));
        let trial = run_with(&scenario, 0, 7, |_| {
            let mut outcome = outcome(Verdict::Holds);
            outcome.judgement.findings[0].claim = claim;
            outcome.judgement.groups_settled = vec![(soon, soon), settled];
            outcome
        });

        let expected = fails.map_or(Standing::Met, |name| {
            let values = [name.into(), "9 s".into(), 1.into(), 2.into(), "2 s".into()];
            Standing::Failed(Sentence::of(ClauseKind::GroupsLate, values))
        });
        assert_eq!(trial.expectations, [(0, expected)], "{settled:?}");
    }
}

/// Broker 1 flushes each message, broker 2 does not: that is what a power loss leaves.
#[test]
fn a_power_loss_keeps_what_a_brokers_own_default_has_flushed() {
    let source = r#"schema = 1
[sim]
faults-for = "10s"
[cluster]
brokers = 2
[cluster.only.1]
broker = { "log.flush.interval.messages" = 1 }
[topics.flushed]
placement = [[1]]
[topics.left]
placement = [[2]]
[topics.own]
placement = [[1]]
config = { "flush.messages" = 1_000_000 }
[producers.p1]
topic = "flushed"
records = 20
[producers.p2]
topic = "left"
records = 20
[producers.p3]
topic = "own"
records = 20
[[step]]
at = "5s"
power-loss = "all-brokers"
[[expect]]
claim = "no-acknowledged-loss"
breaks = true
count = 40
"#;
    let scenario = parse("file.toml", source, &Overrides::default()).unwrap().0;

    let trial = scenarios::run(&scenario, 0, 7, sim::Options::default());

    let ends: Vec<u64> = trial.outcome.replicas.iter().map(|replica| replica.end.0).collect();
    assert_eq!((ends, trial.class()), (vec![20, 0, 0], Class::AsExpected));
}

#[test]
fn an_anomaly_is_counted() {
    let table = [
        ("", Class::AsExpected),
        ("count = 7", Class::AsExpected),
        ("count = \"8..\"", Class::Unexpected),
        ("breaks = false", Class::Unexpected),
    ];

    for (how, class) in table {
        let scenario = scenario(&format!("anomaly = \"acked-lost\"\n{how}"));
        let trial = run_with(&scenario, 0, 7, |_| outcome(breaks(7)));

        assert_eq!(trial.class(), class, "{how}");
    }
}

#[test]
fn a_step_that_never_fired_makes_a_trial_untested() {
    let scenario = scenario("claim = \"no-acknowledged-loss\"");
    let silent = Outcome { steps: vec![None, Some(Time(1))], ..outcome(Verdict::Holds) };

    let trial = run_with(&scenario, 0, 7, |_| silent.clone());

    assert_eq!(trial.class(), Class::Untested);
    assert_eq!(trial.notes[0].line, Some(6));
    assert_eq!(trial.notes[0].text.to_string(), "the step `crash` never fired");
}

#[test]
fn a_rule_that_never_met_a_message_makes_a_trial_untested() {
    let scenario = scenario("claim = \"no-acknowledged-loss\"");
    let silent = Outcome { rules_applied: vec![0, 0], ..outcome(Verdict::Holds) };

    let trial = run_with(&scenario, 0, 7, |_| silent.clone());

    assert_eq!((trial.class(), trial.notes[0].line), (Class::Untested, Some(9)));
}

#[test]
fn a_panic_and_a_livelock_are_findings() {
    let scenario = scenario("claim = \"no-acknowledged-loss\"");
    for ended in [Ended::TooManyEvents, Ended::Panicked("isr is empty".to_owned())] {
        let trial = run_with(&scenario, 0, 7, |_| Outcome {
            ended: ended.clone(),
            ..outcome(Verdict::Holds)
        });

        assert_eq!((trial.class(), trial.class().exit_code()), (Class::Unexpected, 1));
    }
}

#[test]
fn a_condition_that_never_held_fails() {
    let scenario = scenario("reaches = \"isr(orders-0) == 1\"");
    let never = Outcome { watches: vec![None], ..outcome(Verdict::Holds) };

    let trial = run_with(&scenario, 0, 7, |_| never.clone());

    let failed =
        Standing::Failed(Sentence::of(ClauseKind::NeverHeld, ["isr(orders-0) == 1".into()]));
    assert_eq!(trial.expectations, [(0, failed)]);
}

#[test]
fn the_library_turns_out_as_expected() {
    for entry in scenarios::library() {
        let (scenario, _) = parse(entry.name, entry.source, &Overrides::default()).unwrap();
        for case in 0..scenario.cases.len() {
            let trial = scenarios::run(&scenario, case, scenario.seed, sim::Options::default());

            let seen = (&trial.expectations, &trial.notes);
            assert_eq!(trial.class(), Class::AsExpected, "{}: {seen:#?}", entry.name);
        }
    }
}

#[test]
fn the_seed_reaches_the_plan() {
    let scenario = scenario("claim = \"no-acknowledged-loss\"");

    let trial =
        run_with(&scenario, 0, 42, |plan| Outcome { digest: plan.seed, ..outcome(Verdict::Holds) });

    assert_eq!((trial.seed, trial.outcome.digest), (42, 42));
}

fn scenario(expect: &str) -> Scenario {
    let source = format!(
        r#"schema = 1
[cluster]
brokers = 3
[topics.orders]
replication-factor = 3
[[step]]
at = "1s"
crash = "broker-1"
[[step]]
after = "1s"
rule = {{ drop = "FetchResponse" }}
[[expect]]
{expect}
"#
    );
    parse("file.toml", &source, &Overrides::default()).unwrap().0
}

fn breaks(count: u64) -> Verdict {
    let because = Sentence::of(ClauseKind::AcknowledgedMissing, [count.into(), count.into()]);
    let (entries, records) = (Vec::new(), Vec::new());
    Verdict::Breaks(Evidence { because, count, first: Time(1), entries, records })
}

fn outcome(verdict: Verdict) -> Outcome {
    let anomalies = BTreeMap::from([(Anomaly::AckedLost, 7)]);
    let finding = Finding { claim: Claim::NoAcknowledgedLoss, verdict, risk: 3, anomalies };
    Outcome {
        digest: 0,
        history: Vec::new(),
        flights: Vec::new(),
        judgement: Judgement { findings: vec![finding], ..Judgement::default() },
        ended: Ended::InTime,
        steps: vec![Some(Time(1)), Some(Time(2))],
        rules_applied: vec![0, 1],
        watches: vec![Some(Time(1))],
        replicas: Vec::new(),
        healed_at: Time(3),
        totals: Totals::default(),
        coverage: sim::coverage::Coverage::default(),
    }
}
