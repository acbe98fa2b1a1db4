//! Members against real coordinators: static ones, those whose coordinator dies, patterns.

use std::collections::BTreeSet;

use model::fact::{CommitKind, GroupEvent, MemberEvent};
use model::ids::{ClientId, InstanceId, TopicId};
use model::message::{Api, Half, MessageKind};
use model::time::Time;

use super::protocols::{assert_sound, member, seconds, steady};
use super::story::{self, Owners};
use super::{after, at, bare, step};
use crate::outcome::{Ended, Outcome};
use crate::plan::{
    ALL_MILLIONTHS, Action, ClientRole, Condition, Created, GroupIndex, MessageFate, MessageRule,
    Plan, Selector, Subscribed, Trigger,
};
use crate::testing::{self, Protocol};

/// A static member that comes back within its session finds its partitions: nobody rebalances
/// and nobody else is interrupted (KIP-345). The leader comes back too: it is told to keep the
/// assignment that the coordinator has.
#[test]
fn static_members_of_a_classic_group_come_back_without_a_rebalance() {
    for protocol in [Protocol::Eager, Protocol::Cooperative] {
        for ordinal in [1, 2] {
            let mut plan = fixed(protocol);
            plan.steps = vec![
                step(at(20_000), Action::Crash(vec![member(ordinal)])),
                step(after(5_000), Action::Restart(vec![member(ordinal)])),
            ];

            let outcome = bare(&plan);

            let died = story::step(&outcome, 0);
            assert_back(&outcome, protocol);
            let since = |is_it: fn(&GroupEvent) -> bool| {
                let later = story::coordinators(&outcome).filter(|(when, _)| died < *when);
                later.filter(|(_, what)| is_it(what)).count()
            };
            assert_eq!(since(|it| matches!(it, GroupEvent::MemberReplaced { .. })), 1);
            assert_eq!(since(|it| matches!(it, GroupEvent::State { .. })), 0, "{protocol:?}");
            assert_eq!(since(|it| matches!(it, GroupEvent::MemberLeft { .. })), 0, "{protocol:?}");
            let other = ClientId(3 - ordinal);
            let interrupted = story::callbacks(&outcome, other).into_iter();
            assert_eq!(interrupted.filter(|(when, ..)| died < *when).count(), 0, "{protocol:?}");
        }
    }
}

#[test]
fn a_static_member_that_closes_keeps_its_place_for_its_session() {
    for protocol in Protocol::ALL {
        let mut plan = fixed(protocol);
        plan.steps = vec![
            step(at(20_000), Action::Leave(vec![member(1)])),
            step(after(10_000), Action::Join(vec![member(1)])),
        ];

        let outcome = bare(&plan);

        assert_back(&outcome, protocol);
        let left = story::step(&outcome, 0);
        let second: BTreeSet<_> = story::ownership(&outcome)
            .into_iter()
            .filter(|(when, _)| left <= *when)
            .map(|(_, owners)| owners[&ClientId(2)].clone())
            .collect();
        assert_eq!(second.len(), 1, "nobody took its place: {protocol:?}");
    }
}

/// KIP-848 refuses a second member with an instance that is in use, and a crash does not
/// release it: the newcomer's `poll()` throws, until the session of the dead one is over.
#[test]
fn a_static_member_of_a_consumer_group_that_crashes_comes_back_after_its_session() {
    let mut plan = fixed(Protocol::Native);
    plan.faults_for = seconds(100);
    plan.steps = vec![
        step(at(20_000), Action::Crash(vec![member(1)])),
        step(after(5_000), Action::Restart(vec![member(1)])),
        step(at(75_000), Action::Restart(vec![member(1)])),
    ];

    let outcome = bare(&plan);

    let threw: Vec<_> = story::members(&outcome)
        .filter_map(|(when, who, what)| match what {
            MemberEvent::Threw(error) if who == ClientId(1) => Some((when, *error)),
            _ => None,
        })
        .collect();
    let error = model::message::ErrorCode::UnreleasedInstanceId;
    assert_eq!(threw.len(), 1, "{threw:?}");
    assert_eq!(threw[0].1, model::fact::GroupError::Fatal(error));
    assert!(threw[0].0 < Time(30_000_000));
    assert_sound(&outcome, Protocol::Native);
    assert_eq!(story::shares_at(&outcome, Time(95_000_000)).len(), 2);
}

/// The commit was written, its answer is lost with the coordinator: it is sent again to the
/// next one, which has it already. The generation lives on.
#[test]
fn a_commit_survives_the_death_of_its_coordinator() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        let rule = MessageRule {
            fate: MessageFate::Drop,
            kind: MessageKind { api: Api::OffsetCommit, half: Half::Response },
            from: Vec::new(),
            to: vec![member(1)],
            skip: 0,
            times: Some(1),
            share_millionths: ALL_MILLIONTHS,
        };
        let coordinator = vec![Selector::Coordinator(GroupIndex(0))];
        plan.steps = vec![
            step(at(20_000), Action::Rule(rule)),
            step(after(500), Action::Crash(coordinator)),
        ];

        let outcome = bare(&plan);

        let died = story::step(&outcome, 1);
        let pending = open_commits(&outcome, died);
        let [(commit, CommitKind::Sync)] = pending[..] else { panic!("{protocol:?} {pending:?}") };
        let ended = story::members(&outcome).find_map(|(when, _, what)| match what {
            MemberEvent::CommitEnded { commit: it, outcome } if *it == commit => {
                Some((when, *outcome))
            }
            _ => None,
        });
        let (ended, result) = ended.expect("it ends");
        assert_eq!(result, Ok(()), "{protocol:?}");
        assert!(died + seconds(1) < ended && ended < died + seconds(20), "{protocol:?} {ended}");
        assert_sound(&outcome, protocol);
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        let expelled = story::members(&outcome)
            .filter(|(_, _, what)| matches!(what, MemberEvent::Expelled(_)));
        assert_eq!(expelled.count(), 0, "{protocol:?}");
        let loaded = story::coordinators(&outcome).find_map(|(when, what)| match what {
            GroupEvent::Loaded { members, offsets, .. } if died < when => {
                Some((members.len(), offsets.len()))
            }
            _ => None,
        });
        assert_eq!(loaded, Some((1, 3)), "{protocol:?}");
    }
}

#[test]
fn a_pattern_finds_topics_that_are_created_later_and_no_others() {
    for protocol in Protocol::ALL {
        let mut plan = steady(2, protocol);
        plan.groups[0].topics = Subscribed::Pattern("orders.*".into());
        for (name, topic) in [("orders-eu", 1), ("payments", 2)] {
            plan.topics.push(crate::plan::TopicPlan {
                created: Created::ByStep,
                ..testing::topic(name, 3)
            });
            let mut producer = testing::producer(name);
            if let ClientRole::Producer(it) = &mut producer.role {
                it.topic = TopicId(topic);
            }
            plan.clients.push(producer);
        }
        for config in testing::member_configs(&mut plan) {
            config.metadata_age_max = seconds(5);
        }
        plan.steps = vec![
            step(at(20_000), Action::CreateTopic(TopicId(1))),
            step(after(1_000), Action::CreateTopic(TopicId(2))),
        ];

        let outcome = bare(&plan);

        let created = story::step(&outcome, 0);
        let topics = |when| {
            let owners = story::owners_at(&outcome, when);
            owners.values().flatten().map(|tp| tp.topic.0).collect::<BTreeSet<_>>()
        };
        assert_eq!(topics(created), BTreeSet::from([0]), "{protocol:?}");
        assert_eq!(topics(created + seconds(20)), BTreeSet::from([0, 1]), "{protocol:?}");
        let later: BTreeSet<u64> = story::done(&outcome)
            .into_iter()
            .filter(|(_, _, place)| place.0.topic == TopicId(1))
            .map(|(_, _, place)| place.1)
            .collect();
        assert_eq!(later, (0..50).collect(), "{protocol:?}");
        assert_sound(&outcome, protocol);
    }
}

/// The coordinator that is shut down in order hands over; nobody rejoins by that.
#[test]
fn a_coordinator_that_moves_keeps_the_generation() {
    for protocol in Protocol::ALL {
        let mut plan = steady(2, protocol);
        let coordinator = vec![Selector::Coordinator(GroupIndex(0))];
        plan.steps = vec![step(at(20_000), Action::Shutdown(coordinator))];

        let outcome = bare(&plan);

        let moved = story::step(&outcome, 0);
        let assigned = story::coordinators(&outcome)
            .filter(|(when, what)| moved < *when && matches!(what, GroupEvent::Assigned { .. }));
        let before = story::owners_at(&outcome, moved);
        assert_eq!(assigned.count(), 0, "{protocol:?}");
        assert_eq!(story::owners_at(&outcome, Time::MAX), before, "{protocol:?}");
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_sound(&outcome, protocol);
    }
}

/// Two processes under one instance: the older one is fenced, and its application hears of it.
#[test]
fn two_processes_with_one_instance_fence_each_other() {
    let mut plan = fixed(Protocol::Eager);
    for config in testing::member_configs(&mut plan) {
        config.instance = Some(InstanceId::from("twin"));
    }
    if let ClientRole::Member(second) = &mut plan.clients[2].role {
        second.start = crate::plan::Start::ByStep;
    }
    let alone = Trigger::When(
        Condition::StateIs(
            GroupIndex(0),
            crate::plan::Comparison::Equal,
            model::fact::GroupPhase::Stable,
        ),
        seconds(5),
    );
    plan.steps = vec![step(alone, Action::Join(vec![member(2)]))];

    let outcome = bare(&plan);

    let joined = story::step(&outcome, 0);
    let threw: Vec<_> = story::members(&outcome)
        .filter_map(|(when, who, what)| match what {
            MemberEvent::Threw(error) => Some((when, who, *error)),
            _ => None,
        })
        .collect();
    let error = model::message::ErrorCode::FencedInstanceId;
    let first = threw.first().expect("somebody is fenced");
    assert_eq!((first.1, first.2), (ClientId(1), model::fact::GroupError::Fatal(error)));
    assert!(joined < first.0 && first.0 < joined + seconds(6));
}

// -- Helpers --

/// Makes a group of two static members.
fn fixed(protocol: Protocol) -> Plan {
    let mut plan = steady(2, protocol);
    for (number, config) in testing::member_configs(&mut plan).enumerate() {
        config.instance = Some(InstanceId::from(format!("instance-{number}").as_str()));
    }
    plan
}

/// Checks that everybody owns in the end what they owned before the first step.
fn assert_back(outcome: &Outcome, protocol: Protocol) {
    let before = story::owners_at(outcome, Time(story::step(outcome, 0).0 - 1));
    let after: Owners = story::owners_at(outcome, story::step(outcome, 1) + seconds(15));
    assert_eq!(outcome.ended, Ended::InTime);
    assert_eq!(before.len(), 2, "{protocol:?}");
    assert_eq!(after, before, "{protocol:?}");
    assert_eq!(story::owned_twice(outcome), [], "{protocol:?}");
    assert_sound(outcome, protocol);
}

/// Lists the commits that are on their way at a moment.
fn open_commits(outcome: &Outcome, at: Time) -> Vec<(model::fact::CommitId, CommitKind)> {
    let mut open = Vec::new();
    for (_, _, what) in story::members(outcome).take_while(|(when, ..)| *when <= at) {
        match what {
            MemberEvent::CommitSent { commit, kind, .. } => open.push((*commit, *kind)),
            MemberEvent::CommitEnded { commit, .. } => open.retain(|(it, _)| it != commit),
            _ => {}
        }
    }
    open
}
