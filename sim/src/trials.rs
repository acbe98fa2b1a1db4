//! Tests of whole trials.
//!
//! In reading order: the world (here), [`protocols`] (who owns what), [`styles`] (what is
//! committed when), [`handling`] (sinks, failures, copies), [`steps`] (what they do to members),
//! [`membership`] (static members, coordinators that die, patterns).

mod handling;
mod membership;
mod protocols;
mod steps;
mod story;
mod styles;

use model::chance::Rng;
use model::fact::Fact;
use model::ids::{ClientId, NodeId, Offset, TopicId, TopicPartition};
use model::message::{Api, Half, MessageKind};
use model::time::{Duration, Time};

use crate::history::{Entry, Event, Fault};
use crate::outcome::{Ended, Outcome};
use crate::plan::{
    ALL_MILLIONTHS, Action, ClientRole, Comparison, Condition, Direction, FlushPolicy, InFlight,
    MessageFate, MessageRule, Plan, Quantity, Required, Selector, Shape, Step, Trigger, Unsynced,
};
use crate::runtime::{Host, Options, run};
use crate::testing;
use crate::world::World;

const ORDERS: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };

#[test]
fn without_faults_every_record_is_on_every_replica() {
    let outcome = bare(&testing::plan(3));

    let ends: Vec<u64> = outcome.replicas.iter().map(|replica| replica.end.0).collect();
    assert_eq!(outcome.ended, Ended::InTime);
    assert_eq!(ends, [50, 50, 50]);
    assert_eq!(count(&outcome, is_send), 50);
}

#[test]
fn topics_exist_long_before_the_first_second_is_over() {
    let outcome = bare(&testing::plan(3));

    let created = outcome.history.iter().find(|entry| is_fact(entry, is_topic_created));

    assert!(created.expect("the topic is created").at < Time(500_000));
}

/// What brokers and the controller do does not depend on who else is watching.
#[test]
fn an_idle_consumer_changes_nothing_between_the_brokers() {
    let mut alone = testing::plan(3);
    alone.topics.push(testing::topic("idle", 3));
    let mut watched = alone.clone();
    watched.clients.push(testing::consumer("idle", 1));

    let (alone, watched) = (bare(&alone), bare(&watched));

    assert_ne!(alone.totals.messages, watched.totals.messages);
    assert_eq!(cluster_facts(&alone), cluster_facts(&watched));
}

#[test]
fn a_power_cut_takes_what_was_not_flushed_and_a_crash_does_not() {
    let ending = |action| {
        let mut plan = testing::plan(1);
        plan.steps = vec![step(at(900), action), step(after(100), Action::Restart(last()))];
        let outcome = bare(&plan);
        let lost = faults(&outcome, |fault| matches!(fault, Fault::UnsyncedLost { .. }));
        (lost, outcome.replicas[0].end)
    };

    let (lost_by_crash, crashed) = ending(Action::Crash(leader()));
    let (lost_by_power, powerless) = ending(Action::PowerLoss(leader(), Unsynced::Lost));
    let (lost_by_luck, lucky) = ending(Action::PowerLoss(leader(), Unsynced::Kept));

    assert_eq!((lost_by_crash, lost_by_power, lost_by_luck), (0, 1, 0));
    assert!(powerless < crashed);
    assert_eq!(lucky, crashed);
}

/// The peers of a process that dies hear of it at once; those of a host that dies do not.
#[test]
fn a_crash_resets_connections_and_a_power_cut_leaves_a_black_hole() {
    let retried = |action| {
        let mut plan = testing::plan(3);
        plan.steps = vec![step(at(500), action)];
        let first = |entry: &&Entry| is_fact(entry, |it| matches!(it, Fact::BatchRetried { .. }));
        bare(&plan).history.iter().find(first).map(|entry| entry.at)
    };

    let after_crash = retried(Action::Crash(leader())).expect("the batch in flight is retried");
    let after_power_cut = retried(Action::PowerLoss(leader(), Unsynced::Lost));

    assert!(after_crash < Time(600_000));
    assert!(after_power_cut.is_none_or(|at| Time(5_000_000) < at));
}

#[test]
fn a_frozen_process_does_nothing_until_it_goes_on() {
    let mut plan = testing::plan(3);
    let producer = vec![Selector::Node(NodeId::Client(ClientId(0)))];
    plan.steps = vec![Step {
        undo_after: Some(Duration::from_secs(2)),
        ..step(at(500), Action::Pause(producer))
    }];

    let outcome = bare(&plan);

    let sends = outcome.history.iter().filter(|entry| is_fact(entry, is_send));
    let (from, to) = (Time(500_000), Time(2_500_000));
    assert!(sends.clone().all(|entry| entry.at <= from || to <= entry.at));
    assert_eq!(sends.count(), 50);
}

/// What waits for a disk in trouble leaves as soon as the disk is well, however much there is.
#[test]
fn a_disk_in_trouble_holds_answers_back_until_it_is_well() {
    let second = Shape::Fixed(Duration::from_secs(1));
    for trouble in [Action::DiskStall(leader()), Action::DiskSlow(leader(), second)] {
        let mut plan = testing::plan(1);
        let undo_after = Some(Duration::from_secs(3));
        plan.steps = vec![Step { undo_after, ..step(at(800), trouble.clone()) }];

        let outcome = bare(&plan);

        let answered = |from: Time, to: Time| {
            let completed =
                |entry: &&Entry| is_fact(entry, |it| matches!(it, Fact::Completed { .. }));
            let within = |entry: &&Entry| from <= entry.at && entry.at < to;
            outcome.history.iter().filter(completed).filter(within).count()
        };
        assert!(answered(Time(900_000), Time(3_800_000)) <= 3, "{trouble:?}");
        assert!(3 < answered(Time(3_800_000), Time(4_000_000)), "{trouble:?}");
        assert_eq!(answered(Time(4_000_000), Time::MAX), 0, "{trouble:?}");
    }
}

#[test]
fn a_producer_that_dies_leaves_records_undecided_and_goes_on_in_its_next_life() {
    let mut plan = testing::plan(3);
    let producer = vec![Selector::Node(NodeId::Client(ClientId(0)))];
    let restart = step(after(100), Action::Restart(last()));
    // Everything sent so far waits for a producer id.
    plan.steps = vec![step(at(200), Action::Crash(producer)), restart];

    let outcome = bare(&plan);

    assert_eq!(count(&outcome, |fact| matches!(fact, Fact::Abandoned { .. })), 1);
    assert_eq!(count(&outcome, is_send), 50);
}

#[test]
fn a_disk_that_flushes_every_write_loses_nothing_and_one_that_never_does_loses_all() {
    let lost = |flush| {
        let mut plan = testing::plan(1);
        plan.brokers[0].disk.flush = flush;
        plan.brokers[0].disk.writeback = Duration::ZERO;
        plan.steps = vec![step(at(900), Action::PowerLoss(leader(), Unsynced::Lost))];
        let of = |entry: &Entry| match &entry.event {
            Event::Fault(Fault::UnsyncedLost { to, .. }) => Some(*to),
            _ => None,
        };
        bare(&plan).history.iter().find_map(of)
    };

    assert_eq!(lost(FlushPolicy::EveryWrite), None);
    assert_eq!(lost(FlushPolicy::ByConfig), None, "the operating system wrote it back");
    assert_eq!(lost(FlushPolicy::Never), Some(Offset::ZERO));
}

#[test]
fn a_step_hangs_on_a_condition_and_a_watch_sees_it() {
    let mut plan = testing::plan(3);
    let enough = |client: fn(ClientId) -> Quantity| {
        Condition::Compare(client(ClientId(0)), Comparison::AtLeast, 20)
    };
    let trigger = Trigger::When(enough(Quantity::Acknowledged), Duration::from_millis(7));
    plan.steps = vec![step(trigger, Action::Mark(Some("there".into())))];
    plan.watches = vec![Condition::Seen("there".into()), enough(Quantity::InDoubt)];

    let outcome = bare(&plan);

    assert!(outcome.steps[0].is_some());
    assert_eq!(outcome.watches[0], outcome.steps[0]);
    assert_eq!(outcome.watches[1], None);
}

#[test]
fn a_rule_drops_as_many_messages_as_it_says() {
    let mut plan = testing::plan(3);
    let rule = MessageRule {
        fate: MessageFate::Drop,
        kind: MessageKind { api: Api::Fetch, half: Half::Response },
        from: leader(),
        to: Vec::new(),
        skip: 3,
        times: Some(2),
        share_millionths: ALL_MILLIONTHS,
    };
    plan.steps = vec![step(at(500), Action::Rule(rule))];

    let outcome = bare(&plan);

    assert_eq!(outcome.rules_applied, [2]);
    assert_eq!(faults(&outcome, |fault| matches!(fault, Fault::RuleApplied { .. })), 2);
}

/// However often somebody tries to connect, what is over takes no room.
#[test]
fn a_long_outage_of_the_controller_leaves_no_connections_behind() {
    let mut plan = testing::plan(3);
    plan.faults_for = Duration::from_secs(600);
    plan.steps = vec![step(at(5_000), Action::Crash(vec![Selector::Controller]))];
    let mut world = World::new(&plan);
    let (mut most, mut tried) = (0, 0);

    while world.step().is_some_and(|now| now < Time(600_000_000)) {
        let connections = || world.network.connections();
        most = most.max(connections().count());
        tried = tried.max(connections().map(|it| it.id.ordinal).max().unwrap_or(0));
    }

    assert!(1_000 < tried, "{tried} connections were tried");
    assert!(most <= 30, "{most} connections at once");
}

#[test]
fn a_trial_that_never_rests_is_stopped() {
    let mut plan = testing::plan(3);
    plan.events_max = 100;

    let outcome = bare(&plan);

    assert_eq!(outcome.ended, Ended::TooManyEvents);
    assert_eq!(outcome.totals.events, 100);
}

#[test]
fn a_panic_becomes_a_finding_with_its_history() {
    let mut plan = testing::plan(1);
    // A consumer cannot be told to produce; a loader would have refused this.
    plan.steps = vec![step(at(700), Action::Produce(ClientId(1), 1))];

    let outcome = run(&plan, Options::default());

    assert!(matches!(outcome.ended, Ended::Panicked(_)));
    assert!(!outcome.history.is_empty());
}

/// Whatever happens, in whatever order: it is the same with and without madsim, and after
/// the faults are healed everybody is up again.
#[test]
fn random_faults_break_nothing_in_the_world_itself() {
    for seed in 0..60 {
        let plan = random_plan(seed);

        let outcome = bare(&plan);

        assert_eq!(outcome.ended, Ended::InTime, "seed {seed}");
        if seed % 10 == 0 {
            assert_eq!(run(&plan, Options::default()), outcome, "seed {seed}");
        }
    }
}

fn random_plan(seed: u64) -> Plan {
    let mut rng = Rng::fork(seed, "random plan");
    let mut plan = testing::plan(3);
    plan.seed = seed;
    plan.faults_for = Duration::from_secs(30);
    plan.settle = Duration::from_secs(40);
    plan.network.in_flight =
        [InFlight::Kept, InFlight::Dropped, InFlight::Jammed][rng.below(3) as usize];
    plan.network.loss_millionths = [0, 10_000][rng.below(2) as usize];
    plan.network.bandwidth = [None, Some(125_000)][rng.below(2) as usize];
    for client in &mut plan.clients {
        if let ClientRole::Producer(producer) = &mut client.role {
            producer.records = 500;
        }
    }
    for _ in 0..8 {
        let trigger = Trigger::After(Duration::from_millis(rng.below(3_000)));
        let action = random_action(&mut rng);
        let undo_after = rng.chance(500_000).then(|| Duration::from_millis(rng.below(8_000)));
        plan.steps.push(Step { undo_after, ..step(trigger, action) });
    }
    plan
}

fn random_action(rng: &mut Rng) -> Action {
    let selectors = [
        Selector::AnyBroker,
        Selector::Leader(ORDERS),
        Selector::Followers(ORDERS),
        Selector::Controller,
        Selector::Isr(ORDERS),
        Selector::LastCrashed,
        Selector::AllClients,
    ];
    let mut any = || vec![selectors[rng.below(selectors.len() as u64) as usize].clone()];
    let (who, other) = (any(), any());
    let unsynced = [Unsynced::Lost, Unsynced::Kept, Unsynced::Prefix, Unsynced::Torn];
    let slow = Shape::Uniform(Duration(100), Duration::from_millis(300));
    let rule = |fate| MessageRule {
        fate,
        kind: MessageKind { api: Api::Fetch, half: Half::Response },
        from: who.clone(),
        to: Vec::new(),
        skip: 0,
        times: Some(3),
        share_millionths: ALL_MILLIONTHS,
    };
    match rng.below(14) {
        0 => Action::Crash(who),
        1 => Action::PowerLoss(who, unsynced[rng.below(4) as usize]),
        2 => Action::Pause(who),
        3 => Action::Cut { from: who, to: other, direction: Direction::Both },
        4 => Action::Cut { from: who, to: Vec::new(), direction: Direction::OneWay },
        5 => Action::Slow { from: who, to: Vec::new(), latency: slow },
        6 => Action::Shutdown(who),
        7 => Action::DiskSlow(who, slow),
        8 => Action::Rule(rule(MessageFate::Hold)),
        9 => Action::Rule(rule(MessageFate::Delay(Duration::from_secs(1)))),
        10 => Action::Restart(vec![Selector::AllDown]),
        11 => Action::Reset(who, Vec::new()),
        12 => Action::Heal(who),
        _ => Action::ClockJump(who, 5_000_000),
    }
}

fn bare(plan: &Plan) -> Outcome {
    run(plan, Options { host: Host::Bare, ..Options::default() })
}

fn step(trigger: Trigger, action: Action) -> Step {
    Step { trigger, action, undo_after: None, required: Required::Yes }
}

fn at(millis: u64) -> Trigger {
    Trigger::At(Time(millis * 1_000))
}

fn after(millis: u64) -> Trigger {
    Trigger::After(Duration::from_millis(millis))
}

fn leader() -> Vec<Selector> {
    vec![Selector::Leader(ORDERS)]
}

fn last() -> Vec<Selector> {
    vec![Selector::LastCrashed]
}

fn is_fact(entry: &Entry, is_it: fn(&Fact) -> bool) -> bool {
    matches!(&entry.event, Event::Fact(fact) if is_it(fact))
}

fn is_topic_created(fact: &Fact) -> bool {
    matches!(fact, Fact::TopicCreated { .. })
}

fn is_send(fact: &Fact) -> bool {
    matches!(fact, Fact::SendCalled { .. })
}

fn count(outcome: &Outcome, is_it: fn(&Fact) -> bool) -> usize {
    outcome.history.iter().filter(|entry| is_fact(entry, is_it)).count()
}

fn faults(outcome: &Outcome, is_it: fn(&Fault) -> bool) -> usize {
    let is_it = |entry: &&Entry| matches!(&entry.event, Event::Fault(fault) if is_it(fault));
    outcome.history.iter().filter(is_it).count()
}

/// Lists what brokers and the controller did, except for answers to the idle consumer.
fn cluster_facts(outcome: &Outcome) -> Vec<&Entry> {
    let idle = ClientId(2);
    let is_about_it = |entry: &&Entry| match &entry.event {
        Event::Fault(Fault::Started { node, .. }) => *node != NodeId::Client(idle),
        Event::Fact(Fact::OffsetListed { partition, .. }) => partition.topic == TopicId(0),
        Event::Fact(Fact::PositionReset { client, .. }) => *client != idle,
        _ => true,
    };
    outcome.history.iter().filter(is_about_it).collect()
}
