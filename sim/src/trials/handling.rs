//! What reaches sinks, what follows failures, and what is sent on.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{CopyPurpose, EffectOutcome, WorkEvent, WorkOutcome};
use model::ids::BrokerId;
use model::ids::{Key, NodeId, TopicId, TopicPartition};
use model::message::cluster::TopicLayout;
use model::time::{Duration, Time};

use super::story;
use super::styles::{handling, killed, lone};
use super::{ORDERS, at, bare, faults, step};
use crate::history::Fault;
use crate::outcome::Outcome;
use crate::plan::{
    Action, ClientRole, CommitStyle, Keys, OnFailure, Output, OutputKeys, Plan, Poison, Selector,
    Shape, Sink, Spread, WorkerCommits, Workers,
};
use crate::testing;

/// The member dies in the middle of offset 25, having committed 20.
#[test]
fn each_sink_makes_something_else_of_records_that_come_again() {
    let again = 20..25;
    for (sink, commit, twice, refused, taken, lost) in [
        (Sink::Append, CommitStyle::After, again.clone(), 0, 0, 0..0),
        (Sink::UniqueKey, CommitStyle::After, 0..0, 5, 0, 0..0),
        (Sink::VersionCheck, CommitStyle::After, 0..0, 5, 0, 0..0),
        (Sink::SetnxAfter, CommitStyle::After, 0..0, 0, 5, 0..0),
        // The mark of 25 was set, its work was not done.
        (Sink::SetnxBefore, CommitStyle::After, 0..0, 0, 6, 25..26),
        (Sink::WithOffsets, CommitStyle::Never, 0..0, 0, 0, 0..0),
        (Sink::Bloom { lies_millionths: 0 }, CommitStyle::After, 0..0, 0, 5, 0..0),
    ] {
        let mut plan = killed();
        (handling(&mut plan).sink, handling(&mut plan).commit) = (sink, commit);

        let outcome = bare(&plan);

        let applied = effects(&outcome, EffectOutcome::Applied);
        let missing = (0..100).filter(|offset| !applied.contains_key(offset));
        let doubled = applied.iter().filter(|(_, times)| 1 < **times).map(|(offset, _)| *offset);
        let doubts = story::ended(&outcome, WorkOutcome::TakenForRepeat);
        assert_eq!(doubled.collect::<Vec<_>>(), twice.collect::<Vec<_>>(), "{sink:?}");
        assert_eq!(effects(&outcome, EffectOutcome::Refused).len(), refused, "{sink:?}");
        assert_eq!(doubts.len(), taken, "{sink:?}");
        assert_eq!(missing.collect::<Vec<_>>(), lost.collect::<Vec<_>>(), "{sink:?}");
    }
}

/// Offsets that are stored with the results are where a member goes on, whatever Kafka has.
#[test]
fn offsets_stored_with_the_results_make_effects_exactly_once() {
    let mut plan = killed();
    (handling(&mut plan).sink, handling(&mut plan).commit) =
        (Sink::WithOffsets, CommitStyle::Never);

    let outcome = bare(&plan);

    let died = story::step(&outcome, 0);
    let first = story::work(&outcome).find(|(at, _)| died < *at).expect("it goes on");
    assert_eq!(first.1.offset.0, 25);
    assert_eq!(story::commits(&outcome), []);
    assert_eq!(effects(&outcome, EffectOutcome::Applied), once(0..100));
}

/// Somewhere between five and fifteen of 1,000 at 1 %: three standard deviations.
#[test]
fn a_bloom_filter_drops_unseen_records_at_its_stated_rate() {
    let dropped = |lies_millionths| {
        let mut plan = lone();
        plan.faults_for = Duration::from_secs(15);
        if let ClientRole::Producer(producer) = &mut plan.clients[0].role {
            producer.records = 1_000;
        }
        testing::member_configs(&mut plan).for_each(|config| config.poll_records_max = 500);
        let it = handling(&mut plan);
        it.takes = Shape::Fixed(Duration::from_millis(1));
        it.sink = Sink::Bloom { lies_millionths };
        let outcome = bare(&plan);
        let dropped = story::ended(&outcome, WorkOutcome::TakenForRepeat).len();
        assert_eq!(story::never_done(&outcome).len(), dropped);
        assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 1_000);
        dropped
    };

    assert_eq!(dropped(0), 0);
    let (rare, often) = (dropped(10_000), dropped(200_000));
    assert!((1..=19).contains(&rare), "{rare}");
    assert!((162..=238).contains(&often), "{often}");
}

#[test]
fn a_poison_record_that_stops_or_kills_its_member_blocks_the_partition() {
    for on_failure in [OnFailure::Stop, OnFailure::Crash] {
        let mut plan = poisoned(on_failure);
        plan.settle = Duration::from_secs(60);

        let outcome = bare(&plan);

        let orderly =
            faults(&outcome, |fault| matches!(fault, Fault::Exited(node) if is_client(*node)));
        let killed =
            faults(&outcome, |fault| matches!(fault, Fault::Crashed(node) if is_client(*node)));
        let failed = story::ended(&outcome, WorkOutcome::Failed);
        assert!(failed.iter().all(|(_, _, place)| *place == (ORDERS, 12)), "{on_failure:?}");
        assert_eq!((orderly + killed, failed.len()), (failed.len(), failed.len()));
        assert!(2 <= failed.len(), "it meets it again in its next life: {on_failure:?}");
        assert_eq!(orderly == 0, on_failure == OnFailure::Crash, "{on_failure:?}");
        assert_eq!(offsets(story::never_done(&outcome)), (12..100).collect(), "{on_failure:?}");
        assert_eq!(offsets(story::repeated(&outcome)), (10..12).collect(), "{on_failure:?}");
        assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 10, "{on_failure:?}");
    }
}

#[test]
fn skipping_a_poison_record_loses_it_and_nothing_else() {
    let outcome = bare(&poisoned(OnFailure::Skip));

    let skipped: Vec<_> = story::ended(&outcome, WorkOutcome::Skipped);
    assert_eq!(skipped.iter().map(|it| it.2.1).collect::<Vec<_>>(), [12]);
    assert_eq!(offsets(story::never_done(&outcome)), BTreeSet::from([12]));
    assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 100);
    assert_eq!(effects(&outcome, EffectOutcome::Applied).len(), 99);
}

#[test]
fn retrying_a_poison_record_for_ever_blocks_what_lies_behind_it() {
    let pause = Duration::from_secs(2);
    let outcome = bare(&poisoned(OnFailure::Retry(pause)));

    let failed = story::ended(&outcome, WorkOutcome::Failed);
    let gaps = failed.iter().zip(failed.iter().skip(1)).map(|(one, next)| next.0 - one.0);
    assert!(gaps.clone().all(|gap| gap == pause + Duration::from_millis(50)), "{failed:?}");
    assert!(30 < gaps.count());
    assert_eq!(offsets(story::never_done(&outcome)), (12..100).collect());
    assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 10);
}

#[test]
fn a_dead_letter_is_acknowledged_before_anything_behind_it_is_committed() {
    let mut plan = poisoned(OnFailure::DeadLetter { topic: TopicId(1), attempts: 3 });
    plan.topics.push(testing::topic("dead", 3));

    let outcome = bare(&plan);

    let attempts = story::ended(&outcome, WorkOutcome::Failed).len();
    let parked = story::ended(&outcome, WorkOutcome::Parked);
    let passed = story::commits(&outcome).into_iter().find(|(_, (_, next))| 12 < *next);
    let copies = copies(&outcome, CopyPurpose::DeadLetter);
    assert_eq!((attempts, parked.len(), copies.len()), (2, 1, 1));
    assert_eq!(parked[0].2, (ORDERS, 12));
    assert!(copies[0].0 < parked[0].0, "the acknowledgement takes its time");
    assert!(parked[0].0 <= passed.expect("it is passed").0);
    assert_eq!(offsets(story::never_done(&outcome)), BTreeSet::from([12]));
    assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 100);
    assert_eq!(log_of(&outcome, partition(1, 0)).len(), 1);
}

#[test]
fn a_dead_letter_topic_that_takes_nothing_holds_the_partition_up() {
    let mut plan = poisoned(OnFailure::DeadLetter { topic: TopicId(1), attempts: 1 });
    plan.topics.push(testing::topic("dead", 3));
    // Its only replica is gone until the faults are healed.
    let third = BrokerId(3);
    plan.topics[1].layout = TopicLayout::Manual(vec![vec![third]]);
    plan.steps = vec![step(at(2_000), Action::Crash(vec![Selector::Node(NodeId::Broker(third))]))];

    let outcome = bare(&plan);

    let parked = story::ended(&outcome, WorkOutcome::Parked);
    assert_eq!(parked.len(), 1);
    assert!(outcome.healed_at < parked[0].0);
    assert_eq!(story::committed_by(&outcome, outcome.healed_at)[&ORDERS], 10);
    assert!(story::work(&outcome).all(|(when, it)| it.offset.0 <= 12 || parked[0].0 <= when));
    assert_eq!(offsets(story::never_done(&outcome)), BTreeSet::from([12]));
}

#[test]
fn a_dispatcher_commits_only_what_the_next_topic_has_acknowledged() {
    for (keys, spread) in [(OutputKeys::Kept, 4), (OutputKeys::RoundRobin, 0)] {
        let outcome = bare(&dispatching(lone(), keys));

        let handed: BTreeMap<u64, Time> = story::ended(&outcome, WorkOutcome::HandedOn)
            .into_iter()
            .map(|(at, _, place)| (place.1, at))
            .collect();
        let commits = story::commits(&outcome);
        assert_eq!(handed.len(), 100, "{keys:?}");
        assert!(!commits.is_empty());
        for (at, (_, next)) in commits {
            assert!((0..next).all(|offset| handed[&offset] <= at), "{keys:?} {next}");
        }
        assert_eq!(copies(&outcome, CopyPurpose::Output).len(), 100);
        // The application has no other result.
        assert_eq!(effects(&outcome, EffectOutcome::Applied), BTreeMap::new());

        let logs: Vec<Vec<Key>> = (0..3).map(|it| log_of(&outcome, partition(1, it))).collect();
        let homes = |key: &Key| logs.iter().filter(|log| log.contains(key)).count();
        let keys_with_a_home = logs
            .iter()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter(|key| homes(key) == 1)
            .count();
        assert_eq!(keys_with_a_home, spread, "{keys:?}");
        assert_eq!(logs.iter().map(Vec::len).sum::<usize>(), 100, "{keys:?}");
        if keys == OutputKeys::RoundRobin {
            assert!(logs.iter().all(|log| (33..=34).contains(&log.len())));
        }
    }
}

/// The copies of what was not committed are sent again: each life is a producer of its own.
#[test]
fn a_dispatcher_that_dies_sends_some_copies_twice() {
    let outcome = bare(&dispatching(killed(), OutputKeys::Kept));

    let died = story::step(&outcome, 0);
    let committed = story::committed_by(&outcome, died)[&ORDERS];
    let sent: Vec<u64> =
        copies(&outcome, CopyPurpose::Output).into_iter().map(|(_, offset)| offset).collect();
    let twice: BTreeSet<u64> = sent
        .iter()
        .copied()
        .filter(|it| 1 < sent.iter().filter(|other| *other == it).count())
        .collect();
    assert_eq!(committed, 20);
    assert_eq!(twice, (20..25).collect());
    let total: usize = (0..3).map(|it| log_of(&outcome, partition(1, it)).len()).sum();
    assert_eq!(total, 105);
}

#[test]
fn what_lies_too_far_behind_is_shed_unseen_and_committed() {
    for shed_above in [20, 99, 100] {
        let mut plan = lone();
        handling(&mut plan).shed_above = Some(shed_above);

        let outcome = bare(&plan);

        let shed = story::ended(&outcome, WorkOutcome::Shed);
        let shed: BTreeSet<u64> = shed.into_iter().map(|(_, _, place)| place.1).collect();
        // A record at offset n has a lag of 100 - n, itself included.
        assert_eq!(shed, (0..100 - shed_above).collect(), "{shed_above}");
        assert_eq!(offsets(story::never_done(&outcome)), shed, "{shed_above}");
        let begun = story::work(&outcome).filter(|(_, it)| it.what == WorkEvent::Began(0));
        assert_eq!(begun.count() as u64, shed_above);
        assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 100);
    }
}

/// A worker on its own tries again while the others go on.
#[test]
fn a_poison_record_blocks_one_worker_and_contiguous_commits() {
    let mut plan = poisoned(OnFailure::Retry(Duration::from_secs(1)));
    let (spread, commits) = (Spread::Anybody, WorkerCommits::Contiguous);
    handling(&mut plan).workers = Some(Workers { threads: 2, spread, queue: None, commits });

    let outcome = bare(&plan);

    assert_eq!(offsets(story::never_done(&outcome)), BTreeSet::from([12]));
    assert_eq!(story::committed_by(&outcome, Time::MAX)[&ORDERS], 12);
    let retried = story::ended(&outcome, WorkOutcome::Failed);
    assert!(50 < retried.len());
}

// -- Helpers --

fn poisoned(on_failure: OnFailure) -> Plan {
    let mut plan = lone();
    handling(&mut plan).poison = Some(Poison::AtOffset(12));
    handling(&mut plan).on_failure = on_failure;
    plan
}

fn dispatching(mut plan: Plan, keys: OutputKeys) -> Plan {
    if let ClientRole::Producer(producer) = &mut plan.clients[0].role {
        producer.keys = Keys::RoundRobin(4);
    }
    plan.topics.push(testing::topic("next", 3));
    plan.topics[1].layout = TopicLayout::Manual(vec![(1..=3).map(BrokerId).collect(); 3]);
    handling(&mut plan).output =
        Some(Output { topic: TopicId(1), keys, config: Default::default() });
    plan
}

/// Counts the effects of each offset that ended so.
fn effects(outcome: &Outcome, how: EffectOutcome) -> BTreeMap<u64, usize> {
    let mut effects = BTreeMap::new();
    for (_, fact) in story::work(outcome).filter(|(_, fact)| fact.what == WorkEvent::Effect(how)) {
        *effects.entry(fact.offset.0).or_default() += 1;
    }
    effects
}

fn once(offsets: std::ops::Range<u64>) -> BTreeMap<u64, usize> {
    offsets.map(|offset| (offset, 1)).collect()
}

/// Lists the offsets because of which something was sent.
fn copies(outcome: &Outcome, why: CopyPurpose) -> Vec<(Time, u64)> {
    let sent = story::work(outcome).filter_map(|(at, fact)| match fact.what {
        WorkEvent::CopySent { purpose, .. } if purpose == why => Some((at, fact.offset.0)),
        _ => None,
    });
    sent.collect()
}

fn offsets(places: BTreeSet<story::Place>) -> BTreeSet<u64> {
    places.into_iter().map(|(_, offset)| offset).collect()
}

/// Lists the keys in the leader's log of a partition.
fn log_of(outcome: &Outcome, partition: TopicPartition) -> Vec<Key> {
    let leader = outcome.replicas.iter().find(|it| it.leads && it.partition == partition);
    let batches = &leader.expect("it has a leader").batches;
    let records = batches.iter().flat_map(|batch| batch.records.list());
    records.map(|record| record.key.clone().expect("copies keep their keys")).collect()
}

fn partition(topic: u16, partition: u16) -> TopicPartition {
    TopicPartition { topic: TopicId(topic), partition }
}

fn is_client(node: model::ids::NodeId) -> bool {
    matches!(node, model::ids::NodeId::Client(_))
}
