use std::collections::BTreeSet;

use sim::outcome::Outcome;
use sim::verdict::{Claim, Verdict};
use sim::{Host, KeepHistory, Options, run};

use model::mutant::Mutant;

use super::*;

/// How many plans each run of the suite tries.
const SEEDS: u64 = 300;
/// How many plans are drawn to find one that promises a claim and puts it at risk.
const DRAWS: u64 = 20_000;

#[test]
fn kafkas_rules_keep_their_promises() {
    let broken: Vec<String> = (0..SEEDS).filter_map(broken).collect();

    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn trials_end_the_same_under_both_hosts() {
    for seed in 0..8 {
        let plan = any(seed).plan;
        let digest = |host| {
            run(&plan, Options { keep_history: KeepHistory::No, host, ..Options::default() }).digest
        };

        assert_eq!(digest(Host::Bare), digest(Host::Madsim), "seed {seed}");
    }
}

#[test]
fn a_seed_always_draws_the_same_plan_and_another_one_another() {
    for seed in 0..100 {
        assert_eq!(any(seed), any(seed), "seed {seed}");
        assert_ne!(any(seed).plan, Plan { seed, ..any(seed + 1).plan }, "seed {seed}");
    }
}

#[test]
fn rules_change_neither_the_plan_nor_what_it_promises() {
    let rules = Rules { mutants: Mutant::AckBeforeIsr.into(), ..Rules::default() };
    for seed in 0..100 {
        let (plain, mutated) = (any(seed), AnySource { rules }.draw(seed));

        assert_eq!(plain.oracle, mutated.oracle, "seed {seed}");
        assert_eq!(Plan { rules, ..plain.plan }, mutated.plan, "seed {seed}");
    }
}

/// A promise that no plan puts at risk promises nothing.
#[test]
fn every_promise_is_put_at_risk_by_some_plan() {
    let promises = |seed| any(seed).oracle.holds.into_iter().map(|(claim, _)| claim);
    let mut safe: BTreeSet<Claim> = (0..1_000).flat_map(promises).collect();
    let ever = safe.clone();

    for seed in 0..DRAWS {
        let subject = any(seed);
        if subject.oracle.holds.iter().any(|(claim, _)| safe.contains(claim)) {
            let outcome = subject.run();
            for (claim, _) in subject.oracle.holds {
                if is_at_risk(claim, &outcome) {
                    safe.remove(&claim);
                }
            }
        }
        if safe.is_empty() {
            break;
        }
    }

    assert!(safe.is_empty(), "never at risk: {safe:?}");
    let never: Vec<&Claim> = Claim::ALL.iter().filter(|claim| !ever.contains(claim)).collect();
    assert_eq!(never, [&Claim::NothingDroppedSilently]);
}

#[test]
fn most_plans_are_tiny_and_over_soon() {
    let plans: Vec<Subject> = (0..SEEDS).map(any).collect();

    let tiny = plans.iter().filter(|it| it.plan.brokers.len() <= 3 && it.plan.topics.len() == 1);
    let (tiny, all) = (tiny.count() as u64, plans.len() as u64);
    let events: u64 = plans.iter().map(|it| it.run().totals.events).sum();
    assert!(all * 5 <= tiny * 10, "{tiny} of {all}");
    assert!(events / all < 8_000, "{} events in a trial", events / all);
}

/// Three members without an id of their own are refused and started again for seven minutes.
#[test]
fn a_long_trial_is_no_livelock() {
    assert_eq!(broken(6_447_241_845_945_227), None);
}

#[test]
fn features_come_and_go() {
    let plans: Vec<Plan> = (0..SEEDS).map(|seed| any(seed).plan).collect();
    let share = |has: fn(&Plan) -> bool| plans.iter().filter(|plan| has(plan)).count() as u64;

    for (feature, has) in FEATURES {
        let share = share(*has);
        assert!(SEEDS / 100 < share && share < SEEDS * 95 / 100, "{feature}: {share} of {SEEDS}");
    }
}

/// Says whether a plan has a feature.
type Feature = (&'static str, fn(&Plan) -> bool);

const FEATURES: &[Feature] = &[
    ("groups", |plan| !plan.groups.is_empty()),
    ("racks", |plan| plan.brokers[0].rack.is_some()),
    ("wrong clocks", |plan| !plan.clocks.is_empty()),
    ("workers", |plan| plan.groups.iter().any(|it| it.handling.workers.is_some())),
    ("results", |plan| plan.groups.iter().any(|it| it.handling.output.is_some())),
    ("lost packets", |plan| plan.network.loss_millionths != 0),
    ("unclean elections", |plan| plan.topics[0].config.unclean_leader_election),
];

fn any(seed: u64) -> Subject {
    AnySource::default().draw(seed)
}

fn is_at_risk(claim: Claim, outcome: &Outcome) -> bool {
    let mut findings = outcome.judgement.findings.iter();
    findings.any(|it| it.claim == claim && !matches!(it.verdict, Verdict::Untested(_)))
}

/// Says what a plan broke that it must not break.
fn broken(seed: u64) -> Option<String> {
    let violations = any(seed).violations();
    (!violations.is_empty()).then(|| format!("seed {seed}: {violations:?}"))
}
