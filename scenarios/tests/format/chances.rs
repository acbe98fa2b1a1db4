//! What a file leaves to chance, and what it expects of one.

use std::collections::BTreeSet;

use model::time::Duration;
use scenarios::{Chance, Overrides, Scenario, parse};
use sim::plan::{Action, Plan, Trigger};
use sim::verdict::Claim;

const FILE: &str = r#"
schema = 1
[cluster]
brokers = 3
[topics.orders]
replication-factor = 3
[producers.p1]
topic = "orders"
[[step]]
when = "acknowledged(p1) >= 10"
wait = { shape = "uniform", from = "1s", to = "9s" }
for  = { shape = "uniform", from = "100ms", to = "2s" }
pause = "broker-1"
[[step]]
after = "3s"
rule = { drop = "FetchResponse", share = 0.25 }
[[expect]]
chance = { of = "no-acknowledged-loss", broken-at-least = 0.1, broken-at-most = 0.9, confidence = 0.99 }
[matrix]
"producers.p1.config.acks" = ["1", "all"]
[[matrix.expect]]
where = { "producers.p1.config.acks" = "all" }
chance = { of = "no-acknowledged-loss", broken-at-most = 0.01 }
"#;

#[test]
fn what_a_step_leaves_to_chance_is_drawn_for_each_seed() {
    let scenario = read(FILE);
    let pauses: BTreeSet<Duration> =
        (0..50).map(|seed| pause(&scenario.cases[0].drawn(seed).plan)).collect();

    let (low, high) = (Duration::from_secs(1), Duration::from_secs(9));
    assert!(pauses.iter().all(|it| (low..=high).contains(it)), "{pauses:?}");
    assert!(45 < pauses.len(), "{pauses:?}");
}

#[test]
fn a_seed_draws_the_same_in_every_case_and_in_the_plan_of_its_own() {
    let scenario = read(FILE);

    let [one, other] = [0, 1].map(|case: usize| scenario.cases[case].drawn(5).plan);

    assert_eq!(one.steps, other.steps);
    assert_eq!(scenario.cases[0].drawn(scenario.seed).plan, scenario.cases[0].plan);
    assert_eq!(one.steps[1].trigger, Trigger::After(Duration::from_secs(3)));
}

#[test]
fn a_rule_strikes_a_share_of_messages_and_all_if_it_says_nothing() {
    let share = |source: &str| match &read(source).cases[0].plan.steps[1].action {
        Action::Rule(rule) => rule.share_millionths,
        other => panic!("{other:?}"),
    };

    assert_eq!(share(FILE), 250_000);
    assert_eq!(share(&FILE.replace(", share = 0.25", "")), 1_000_000);
}

#[test]
fn a_chance_of_a_case_replaces_the_one_of_the_file() {
    let scenario = read(FILE);

    let found: Vec<(f64, f64, f64)> = scenario
        .cases
        .iter()
        .flat_map(|case| &case.chances)
        .map(|&Chance { least, most, confidence, .. }| (least, most, confidence))
        .collect();

    assert_eq!(found, [(0.1, 0.9, 0.99), (0.0, 0.01, 0.95)]);
    assert_eq!(scenario.cases[0].chances[0].claim, Claim::NoAcknowledgedLoss);
    assert!(scenario.cases[0].expects.is_empty(), "a run does not look at chances");
}

#[test]
fn chances_that_make_no_sense_are_refused() {
    let table = [
        ("broken-at-most = 0.01 }", "broken-at-most = 1.5 }", "1.5 is no probability here"),
        ("broken-at-most = 0.01 }", "confidence = 0.9 }", "this says nothing about the chance"),
        ("broken-at-least = 0.1", "broken-at-least = 0.95", "is below `broken-at-least`"),
        ("confidence = 0.99", "confidence = 0.4", "0.4 is no probability here"),
        (
            "\"no-acknowledged-loss\", broken-at-most",
            "\"no-loss\", broken-at-most",
            "unknown claim",
        ),
        ("[[expect]]\n", "[[expect]]\nclaim = \"no-duplicates\"\n", "does not go with `chance`"),
        ("share = 0.25", "share = 25", "25 is no probability"),
    ];

    for (sound, wrong, message) in table {
        let source = FILE.replacen(sound, wrong, 1);
        let found = parse("file.toml", &source, &Overrides::default()).expect_err(wrong);
        assert!(found.iter().any(|it| it.message.contains(message)), "{wrong}: {found:#?}");
    }
}

#[test]
fn values_of_vary_are_split_outside_of_brackets_and_quotes() {
    let table: [(&str, &[&str]); 4] = [
        ("0,1,all", &["0", "1", "all"]),
        ("[1, 2],[2, 3]", &["[1, 2]", "[2, 3]"]),
        ("{ a = 1, b = 2 },\"x,y\"", &["{ a = 1, b = 2 }", "\"x,y\""]),
        ("1,,2", &["1", "", "2"]),
    ];

    for (text, values) in table {
        assert_eq!(Overrides::alternatives(text), values, "{text}");
    }
    let name = |path| Overrides::name_of(path).unwrap_or_default();
    assert_eq!(name("topics.orders.config.min.insync.replicas"), "min.insync.replicas");
    assert_eq!(name("step.2.rule.share"), "share");
}

fn pause(plan: &Plan) -> Duration {
    match &plan.steps[0].trigger {
        Trigger::When(_, wait) => *wait,
        other => panic!("{other:?}"),
    }
}

fn read(source: &str) -> Scenario {
    parse("file.toml", source, &Overrides::default()).expect("the file is sound").0
}
