//! What is promised, and what takes a promise away.

use sim::verdict::Claim;

use super::promised;
use crate::{Overrides, parse};

const CALM: &str = r#"
schema = 1
title  = "calm"
kafka  = "4.0"
seed   = 1

[cluster]
brokers = 3

[topics.orders]
TOPIC

[producers.p1]
topic   = "orders"
records = 10
starts  = "1s"
STEP

[[expect]]
claim = "no-acknowledged-loss"
"#;

const TWO: &str = "placement = [[1, 2]]";
const THREE: &str = "placement = [[1, 2, 3]]";

fn promises(claim: Claim, topic: &str, step: &str) -> bool {
    let text = CALM.replace("TOPIC", topic).replace("STEP", step);
    let parsed = parse("calm", &text, &Overrides::default()).expect("it is well-formed");
    promised(&parsed.0.cases[0].plan).holds.iter().any(|(it, _)| *it == claim)
}

/// The first batch of a producer may be larger than a segment; the second one is then taken.
#[test]
fn numbers_follow_each_other_where_no_batch_can_be_refused() {
    let promises = |topic: &str, step: &str| {
        promises(Claim::IdempotentNoDuplicates, &format!("{TWO}\n{topic}"), step)
    };
    let jump = |length: &str| {
        format!("[[step]]\nat = \"1s\"\nclock = {{ client = \"p1\", jump = \"{length}\" }}")
    };

    assert!(promises("", ""));
    assert!(promises("", &jump("1s")));
    assert!(!promises("config = { \"segment.bytes\" = 2_000 }", ""));
    assert!(!promises("config = { \"max.message.bytes\" = 2_000 }", ""));
    assert!(!promises("", &jump("1h")));
}

/// The lesson `missed-epoch-commits-alone` loses a record by it.
#[test]
fn a_leader_that_may_miss_an_epoch_promises_nothing_about_what_it_commits() {
    const ELECT: &str =
        "[[step]]\nat = \"2s\"\nelect = { partition = \"orders-0\", kind = \"preferred\" }";
    const CUT: &str = "[[step]]\nat = \"1s\"\ncut = { from = \"broker-1\", to = \"controller\" }";
    let both = format!("{ELECT}\n{CUT}");
    let promises = |topic: &str, step: &str| promises(Claim::NoAcknowledgedLoss, topic, step);

    assert!(promises(THREE, ELECT) && promises(THREE, CUT));
    assert!(promises(TWO, &both));
    assert!(!promises(THREE, &both));
}

/// The lesson `old-news-drops-a-proposal` loses a record by it.
#[test]
fn a_leader_that_may_hear_old_news_promises_nothing_about_what_it_commits() {
    const LATE: &str = "[[step]]\nat = \"1s\"\nrule = { hold = \"FetchMetadataRequest\", from = \"broker-1\", to = \"controller\" TIMES }";
    let (late, once) = (LATE.replace("TIMES", ""), LATE.replace("TIMES", ", times = 1"));
    let claims = [
        Claim::NoAcknowledgedLoss,
        Claim::NoCommittedLoss,
        Claim::HighWatermarkMonotonic,
        Claim::IsrCoversHighWatermark,
    ];

    assert!(claims.iter().all(|&claim| promises(claim, TWO, "")));
    assert!(claims.iter().all(|&claim| promises(claim, TWO, &once)));
    assert!(claims.iter().all(|&claim| !promises(claim, TWO, &late)));
}

/// Two connections of one link part only where the times of its messages lie far apart.
#[test]
fn old_news_comes_over_uneven_links_only() {
    const UNEVEN: &str = r#"{ shape = "uniform", from = "1ms", to = "200ms" }"#;
    let slow = |latency: &str| {
        format!(
            "[[step]]\nat = \"1s\"\nslow = {{ from = \"broker-1\", to = \"controller\", latency = {latency} }}"
        )
    };
    let link = |latency: &str| {
        format!("[[network.link]]\nbetween = [\"broker-1\", \"broker-2\"]\nlatency = {latency}")
    };
    let net = |latency: &str| format!("[network]\nlatency = {latency}");
    let even = r#"{ shape = "uniform", from = "1ms", to = "50ms" }"#;

    for place in [&slow as &dyn Fn(&str) -> String, &link, &net] {
        for (latency, is_promised) in [("\"400ms\"", true), (even, true), (UNEVEN, false)] {
            let step = place(latency);
            let promised = promises(Claim::NoCommittedLoss, TWO, &step);
            assert_eq!(promised, is_promised, "{step}");
        }
    }
}

const BY_SEQUENCE: &str = "{ then = \"commit-async\", retry-async = \"by-sequence\" }";
const GROUP: &str = "[groups.g1]\ntopics = \"orders\"\nmembers = MEMBERS\nhandling = HANDLING\n\
    config = { \"auto.offset.reset\" = \"earliest\" }\n";

fn of_group(claim: Claim, members: u8, handling: &str, every: &str) -> bool {
    let group = GROUP.replace("MEMBERS", &members.to_string()).replace("HANDLING", handling);
    promises(claim, TWO, &format!("every = {every}\n{group}"))
}

/// A record that comes in the last seconds waits for a round that is not in time.
#[test]
fn a_group_drains_if_a_commit_follows_the_last_record() {
    let drains = |every: &str| of_group(Claim::GroupDrains, 1, "{ then = \"auto\" }", every);
    let other = |interval: &str| {
        let config = format!(
            "{{ \"auto.commit.interval.ms\" = {interval}, \"auto.offset.reset\" = \"earliest\" }}"
        );
        format!(
            "\"100ms\"\n[sim]\nfaults-for = \"30s\"\nsettle = \"60s\"\n[groups.g2]\n\
             topics = \"orders\"\nhandling = {{ then = \"auto\" }}\nconfig = {config}"
        )
    };

    assert!(drains("\"100ms\"") && drains(&other("20_000")));
    // A fault may hold everything up to the end of the faults.
    assert!(!drains(&other("70_000")));
    assert!(!drains("{ shape = \"exponential\", floor = \"1ms\", mean = \"2s\", cap = \"100s\" }"));
}

/// A commit that is sent again may come when its partition is another member's.
#[test]
fn commits_that_are_repeated_move_forward_where_nobody_takes_over() {
    let forward = |members: u8, retry: &str| {
        let handling = BY_SEQUENCE.replace("by-sequence", retry);
        of_group(Claim::CommitsMoveForward, members, &handling, "\"100ms\"")
    };

    let pause = "[[step]]\nat = \"2s\"\nfor = \"6s\"\npause = \"broker-1\"";
    let with_a_fault = format!("\"100ms\"\n{pause}");

    assert!(forward(1, "by-sequence") && forward(2, "never"));
    assert!(!forward(2, "by-sequence") && !forward(1, "naive"));
    // It may be thrown out, come back, begin earlier, and repeat what it has sent before that.
    assert!(!of_group(Claim::CommitsMoveForward, 1, BY_SEQUENCE, &with_a_fault));
    assert!(of_group(Claim::CommitsMoveForward, 1, "{ then = \"commit-async\" }", &with_a_fault));
}

/// Whoever never comes back in time copies the same records until the end.
#[test]
fn replicas_catch_up_where_copies_come_to_an_end() {
    let caught_up = |takes: &str, failing: &str| {
        let app = format!(
            "[topics.results]\n{TWO}\n[apps.copier]\ntopics = \"orders\"\nto = \"results\"\n\
             handling = {{ takes = \"{takes}\", {failing} }}\n\
             config = {{ \"max.poll.interval.ms\" = 20_000 }}"
        );
        promises(Claim::ReplicasCatchUp, TWO, &app)
    };

    assert!(caught_up("1ms", "then = \"commit-after\""));
    assert!(!caught_up("1s", "then = \"commit-after\""));
    assert!(!caught_up("1ms", "fails = 0.1, on-poison = \"crash\""));
    assert!(caught_up("1ms", "fails = 0.1, on-poison = \"skip\""));
}

/// The registration of the process that dies second arrives after that of its successor.
#[test]
fn brokers_come_back_if_no_registration_can_be_late() {
    let comes_back = |times: &[&str], latency: &str| {
        let crash = |(second, down): (usize, &&str)| {
            format!("[[step]]\nat = \"{second}s\"\ncrash = \"broker-1\"\nfor = \"{down}\"\n")
        };
        let steps: String = (2..).zip(times).map(crash).collect();
        let world = format!("[sim]\nsettle = \"600s\"\n[network]\nlatency = {latency}\n{steps}");
        promises(Claim::ReplicasCatchUp, TWO, &world)
    };
    const UNEVEN: &str =
        r#"{ shape = "two-humped", usual = "1ms", rare = "20ms", rare-share = 0.05 }"#;

    assert!(comes_back(&["1ms"], UNEVEN));
    assert!(comes_back(&["1s", "20ms"], UNEVEN));
    assert!(!comes_back(&["1s", "19ms"], UNEVEN));
    assert!(comes_back(&["1s", "19ms"], "\"1ms\""));
    assert!(!comes_back(
        &["1s", "1s"],
        r#"{ shape = "two-humped", usual = "1ms", rare = "21ms", rare-share = 0.05 }"#
    ));
}

/// The leader has forgotten the batch by the time it is repeated.
#[test]
fn a_swallowed_answer_holds_up_who_has_more_in_flight() {
    let resume = |what: &str, in_flight: u8| {
        let world = format!(
            "config = {{ \"max.in.flight.requests.per.connection\" = {in_flight} }}\n\
             [sim]\nsettle = \"600s\"\n[[step]]\nat = \"2s\"\n\
             rule = {{ {what} = \"ProduceResponse\", to = \"p1\", times = 1 }}"
        );
        promises(Claim::WritesResume, TWO, &world)
    };

    assert!(!resume("drop", 5));
    assert!(resume("drop", 1));
}

/// Heartbeats wait behind commits on the coordinator's connection.
#[test]
fn a_group_stabilises_if_its_commits_end_before_the_next() {
    let stable = |protocol: &str, interval: &str| {
        let world = format!(
            "[groups.g1]\ntopics = \"orders\"\nhandling = {{ then = \"auto\" }}\n\
             [groups.g1.config]\n\"group.protocol\" = \"{protocol}\"\n\
             \"auto.commit.interval.ms\" = {interval}\n\
             [network]\nlatency = \"100ms\"\n[sim]\nsettle = \"60s\""
        );
        promises(Claim::GroupStabilises, TWO, &world)
    };

    assert!(stable("classic", "400") && stable("consumer", "399"));
    assert!(!stable("classic", "399"));
}
