//! Random clusters, clients and faults: nothing panics, both hosts agree, and Kafka's rules
//! keep what they promise.

mod draw;
mod promise;

use sim::outcome::Ended;
use sim::{Host, KeepHistory, Options, run};

/// How many random plans each run of the suite tries.
const SEEDS: u64 = 36;

#[test]
fn kafkas_rules_keep_their_promises_under_random_faults() {
    let broken: Vec<String> = (0..SEEDS).filter_map(broken).collect();

    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn random_plans_end_the_same_under_both_hosts() {
    for seed in 0..SEEDS / 4 {
        let plan = draw::plan(seed);
        let digest = |host| run(&plan, Options { keep_history: KeepHistory::No, host }).digest;

        assert_eq!(digest(Host::Bare), digest(Host::Madsim), "seed {seed}");
    }
}

/// The drawn plans put to the test what they are there for.
#[test]
fn random_plans_put_every_promise_at_risk() {
    let promised: Vec<_> = (0..SEEDS).map(|seed| promise::promised(&draw::plan(seed))).collect();

    for claim in promise::EVER {
        assert!(promised.iter().any(|claims| claims.contains(claim)), "{}", claim.name());
    }
}

/// Says what a drawn plan broke that it must not break.
fn broken(seed: u64) -> Option<String> {
    let plan = draw::plan(seed);
    let outcome = run(&plan, Options { keep_history: KeepHistory::No, host: Host::Bare });
    if outcome.ended != Ended::InTime {
        return Some(format!("seed {seed}: {:?}", outcome.ended));
    }
    let broken = promise::broken(&plan, &outcome);
    (!broken.is_empty()).then(|| format!("seed {seed}: {}", broken.join("; ")))
}
