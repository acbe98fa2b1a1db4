//! Who owns what, over time, in groups of both protocols.

use std::collections::BTreeSet;

use model::fact::{Callback, CommitError, CommitKind, GroupEvent, LeaveCause, MemberEvent};
use model::ids::{BrokerId, ClientId, NodeId, TopicPartition};
use model::time::{Duration, Time};

use super::story::{self, Owners};
use super::{at, bare, step};
use crate::outcome::{Ended, Outcome};
use crate::plan::{Action, ClientRole, CommitStyle, GroupIndex, Plan, Selector, Shape, Start};
use crate::testing::{self, Protocol};

#[test]
fn two_members_share_three_partitions_and_each_record_is_done_by_its_owner() {
    for protocol in Protocol::ALL {
        let outcome = bare(&steady(2, protocol));

        assert_sound(&outcome, protocol);
        assert_eq!(story::shares_at(&outcome, Time(20_000_000)).len(), 2, "{protocol:?}");
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_eq!(story::owned_twice(&outcome), [], "{protocol:?}");
        assert_everything_is_committed(&outcome, protocol);
    }
}

#[test]
fn a_third_member_takes_one_partition_and_nothing_is_done_twice() {
    for protocol in Protocol::ALL {
        let outcome = bare(&joined_by_a_third(protocol));

        let joined = story::step(&outcome, 0);
        let before = story::shares_at(&outcome, joined);
        let after = story::shares_at(&outcome, joined + seconds(20));
        assert_sound(&outcome, protocol);
        assert_eq!(BTreeSet::from_iter(before), BTreeSet::from([1, 2]), "{protocol:?}");
        assert_eq!(after, [1, 1, 1], "{protocol:?}");
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_eq!(story::owned_twice(&outcome), [], "{protocol:?}");
        assert_everything_is_committed(&outcome, protocol);
    }
}

/// What stays with its member is given up by eager members only.
#[test]
fn only_an_eager_group_stops_the_world() {
    for protocol in Protocol::ALL {
        let outcome = bare(&joined_by_a_third(protocol));

        let joined = story::step(&outcome, 0);
        let before = story::owners_at(&outcome, joined);
        let after = story::owners_at(&outcome, joined + seconds(20));
        let kept: Owners = before
            .iter()
            .map(|(client, owned)| (*client, owned & &after[client]))
            .filter(|(_, kept)| !kept.is_empty())
            .collect();
        let meanwhile: Vec<Owners> = story::ownership(&outcome)
            .into_iter()
            .filter(|(when, _)| joined < *when)
            .map(|(_, owners)| owners)
            .collect();
        let is_interrupted = |client: &ClientId, kept: &BTreeSet<TopicPartition>| {
            meanwhile.iter().any(|owners| !kept.is_subset(&owners[client]))
        };
        let interrupted = kept.iter().filter(|(client, kept)| is_interrupted(client, kept)).count();
        let everybody_stopped =
            meanwhile.iter().any(|owners| owners.values().all(BTreeSet::is_empty));
        let is_eager = protocol == Protocol::Eager;
        assert!(!kept.is_empty(), "{protocol:?}");
        assert_eq!(interrupted, if is_eager { kept.len() } else { 0 }, "{protocol:?}");
        assert_eq!(everybody_stopped, is_eager, "{protocol:?}");
    }
}

/// Cooperative members need a second rebalance to hand over what the first one took.
#[test]
fn a_partition_that_moves_is_given_back_before_somebody_else_has_it() {
    for (protocol, generations) in [(Protocol::Eager, 1), (Protocol::Cooperative, 2)] {
        let outcome = bare(&joined_by_a_third(protocol));

        let joined = story::step(&outcome, 0);
        let assigned = story::coordinators(&outcome)
            .filter(|(when, what)| joined < *when && matches!(what, GroupEvent::Assigned { .. }));
        assert_eq!(assigned.count(), generations, "{protocol:?}");
    }
    for protocol in Protocol::ALL {
        let outcome = bare(&joined_by_a_third(protocol));

        let joined = story::step(&outcome, 0);
        let taken = first_time(&outcome, ClientId(3), joined);
        let moved: BTreeSet<TopicPartition> =
            story::owners_at(&outcome, taken)[&ClientId(3)].clone();
        let giver = story::owners_at(&outcome, joined)
            .into_iter()
            .find(|(_, owned)| moved.is_subset(owned))
            .expect("somebody had it");
        let revoked = story::callbacks(&outcome, giver.0)
            .into_iter()
            .rfind(|(when, callback, _)| *when <= taken && *callback == Callback::Revoked)
            .expect("its listener was called");
        let expected = if protocol == Protocol::Eager { giver.1.len() } else { 1 };
        assert!(joined < revoked.0, "{protocol:?}");
        assert_eq!(revoked.2, expected, "{protocol:?}");
    }
}

/// A coordinator whose follower is far takes longer for a commit than the interval lasts.
#[test]
fn the_new_protocol_has_one_automatic_commit_in_flight_and_the_classic_one_has_many() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        for (one, other) in [(1, 2), (1, 3), (2, 3)] {
            let far = Shape::Fixed(Duration::from_millis(100));
            let [one, other] = [one, other].map(|id| NodeId::Broker(BrokerId(id)));
            plan.network.links.push((one, other, far));
        }
        plan.groups[0].handling.commit = CommitStyle::Auto;
        for config in testing::member_configs(&mut plan) {
            (config.auto_commit, config.auto_commit_interval) = (true, Duration::from_millis(50));
        }

        let outcome = bare(&plan);

        let (mut open, mut most, mut ended) = (0, 0, 0);
        for (_, _, what) in story::members(&outcome) {
            match what {
                MemberEvent::CommitSent { kind: CommitKind::Auto, .. } => open += 1,
                MemberEvent::CommitEnded { .. } if 0 < open => {
                    (open, ended) = (open - 1, ended + 1)
                }
                _ => {}
            }
            most = most.max(open);
        }
        assert!(20 < ended, "{protocol:?}: {ended} commits");
        assert_eq!(most == 1, protocol == Protocol::Native, "{protocol:?}: {most} in flight");
    }
}

/// Session timeouts are 45 s in both protocols; until then nobody reads what the dead owned.
#[test]
fn what_a_dead_member_owned_waits_for_its_session_to_end() {
    for protocol in Protocol::ALL {
        let mut plan = steady(2, protocol);
        plan.clients[1].role = slow(&plan.clients[1].role);
        plan.groups[0].handling.takes = Shape::Fixed(Duration::from_millis(40));
        plan.steps = vec![step(at(20_000), Action::Crash(vec![member(1)]))];

        let outcome = bare(&plan);

        let died = story::step(&outcome, 0);
        let orphans = story::owners_at(&outcome, Time(died.0 - 1))[&ClientId(1)].clone();
        let until = story::work(&outcome)
            .find(|(when, fact)| died < *when && orphans.contains(&fact.partition))
            .map(|(when, _)| when)
            .expect("somebody takes over");
        let expired = |what: &GroupEvent| {
            matches!(what, GroupEvent::MemberLeft { cause: LeaveCause::SessionExpired, .. })
        };
        assert!(!orphans.is_empty(), "{protocol:?}");
        assert!((seconds(41)..seconds(52)).contains(&(until - died)), "{protocol:?} {until}");
        assert_eq!(story::count(&outcome, expired), 1, "{protocol:?}");
        assert_sound(&outcome, protocol);
        assert!(
            story::work(&outcome).all(|(when, fact)| fact.client != ClientId(1) || when <= died)
        );
        assert_repeats_are_what_was_not_committed(&outcome, died, protocol);
    }
}

#[test]
fn who_leaves_is_replaced_within_seconds_and_leaves_nothing_undone() {
    for protocol in Protocol::ALL {
        let mut plan = steady(2, protocol);
        plan.steps = vec![step(at(20_000), Action::Leave(vec![member(1)]))];

        let outcome = bare(&plan);

        let left = story::step(&outcome, 0);
        let orphans = story::owners_at(&outcome, left)[&ClientId(1)].clone();
        let taken = story::ownership(&outcome)
            .into_iter()
            .find(|(when, owners)| left <= *when && owners[&ClientId(2)].is_superset(&orphans))
            .map(|(when, _)| when)
            .expect("somebody takes over");
        let told = |what: &GroupEvent| {
            matches!(what, GroupEvent::MemberLeft { cause: LeaveCause::Left, .. })
        };
        assert!(taken - left < seconds(7), "{protocol:?} {taken}");
        assert_eq!(story::count(&outcome, told), 1, "{protocol:?}");
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_sound(&outcome, protocol);
        assert_everything_is_committed(&outcome, protocol);
    }
}

/// A frozen member is expelled and learns of it only when it goes on: until then two work on
/// the same partitions, and what the frozen one commits is refused.
#[test]
fn a_frozen_member_comes_back_as_a_zombie_whose_commit_is_refused() {
    for protocol in Protocol::ALL {
        let mut plan = steady(2, protocol);
        plan.groups[0].handling.takes = Shape::Fixed(Duration::from_millis(200));
        plan.faults_for = seconds(150);
        let undo_after = Some(seconds(60));
        let pause = step(at(18_000), Action::Pause(vec![member(1)]));
        plan.steps = vec![crate::plan::Step { undo_after, ..pause }];

        let outcome = bare(&plan);

        let failed = story::members(&outcome).filter_map(|(_, who, what)| match what {
            MemberEvent::CommitEnded { outcome: Err(error), .. } if who == ClientId(1) => {
                Some(*error)
            }
            _ => None,
        });
        let failed: Vec<_> = failed.collect();
        let lost = |(_, callback, _): &(Time, Callback, usize)| *callback == Callback::Lost;
        assert_sound(&outcome, protocol);
        assert_eq!(failed, [CommitError::CommitFailed], "{protocol:?}");
        assert_ne!(story::owned_twice(&outcome), [], "{protocol:?}");
        assert!(story::callbacks(&outcome, ClientId(1)).iter().any(lost), "{protocol:?}");
        assert_ne!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_eq!(story::shares_at(&outcome, Time::MAX).len(), 2, "{protocol:?}");
    }
}

/// Whatever is thrown at a group that commits after its work: no commit passes a record that
/// nobody has done, and in the end everything is done.
#[test]
fn random_faults_never_let_a_commit_after_the_work_run_ahead() {
    for seed in 0..18 {
        let protocol = Protocol::ALL[seed as usize % 3];
        let outcome = bare(&troubled(seed, protocol));

        assert_eq!(outcome.ended, Ended::InTime, "seed {seed}");
        assert_eq!(story::commits_ahead(&outcome), [], "seed {seed} {protocol:?}");
        assert_eq!(story::never_done(&outcome), BTreeSet::new(), "seed {seed} {protocol:?}");
        assert_eq!(story::worked_without_owning(&outcome), [], "seed {seed} {protocol:?}");
    }
}

/// Draws crashes, pauses, leaves and cuts for a group of three.
fn troubled(seed: u64, protocol: Protocol) -> Plan {
    let mut rng = model::chance::Rng::fork(seed, "troubled group");
    let mut plan = steady(3, protocol);
    plan.seed = seed;
    plan.faults_for = seconds(100);
    plan.settle = seconds(120);
    plan.groups[0].handling.takes = Shape::Fixed(Duration::from_millis(1 + rng.below(60)));
    for _ in 0..6 {
        let who = vec![member(1 + rng.below(3) as u16)];
        let action = match rng.below(7) {
            0 | 1 => Action::Crash(who),
            2 => Action::Leave(who),
            3 => Action::Pause(who),
            4 => Action::Crash(vec![Selector::Coordinator(GroupIndex(0))]),
            5 => Action::Join(vec![Selector::Members(GroupIndex(0))]),
            _ => Action::Cut {
                from: who,
                to: vec![Selector::Coordinator(GroupIndex(0))],
                direction: crate::plan::Direction::Both,
            },
        };
        let trigger = at(5_000 + rng.below(60_000));
        let undo_after = Some(Duration::from_millis(1_000 + rng.below(59_000)));
        let optional = crate::plan::Required::No;
        plan.steps.push(crate::plan::Step { trigger, action, undo_after, required: optional });
    }
    plan
}

// -- Helpers --

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Makes a group that is fed for a minute.
pub(super) fn steady(members: u16, protocol: Protocol) -> Plan {
    let mut plan = testing::group_plan(members, protocol);
    plan.faults_for = seconds(80);
    plan.settle = seconds(60);
    plan.clients[0].role = slow(&plan.clients[0].role);
    plan
}

/// Lets a producer send 600 records, ten a second.
fn slow(role: &ClientRole) -> ClientRole {
    let mut role = role.clone();
    if let ClientRole::Producer(producer) = &mut role {
        (producer.records, producer.every) = (600, Shape::Fixed(Duration::from_millis(100)));
    }
    role
}

fn joined_by_a_third(protocol: Protocol) -> Plan {
    let mut plan = steady(3, protocol);
    if let ClientRole::Member(third) = &mut plan.clients[3].role {
        third.start = Start::ByStep;
    }
    plan.steps = vec![step(at(20_000), Action::Join(vec![member(3)]))];
    plan
}

pub(super) fn member(ordinal: u16) -> Selector {
    Selector::Member(GroupIndex(0), ordinal)
}

/// Checks what holds of every group that commits after its work.
pub(super) fn assert_sound(outcome: &Outcome, protocol: Protocol) {
    assert_eq!(outcome.ended, Ended::InTime, "{protocol:?}");
    assert_eq!(story::records(outcome).len(), 600, "{protocol:?}");
    assert_eq!(story::never_done(outcome), BTreeSet::new(), "{protocol:?}");
    assert_eq!(story::commits_ahead(outcome), [], "{protocol:?}");
    assert_eq!(story::worked_without_owning(outcome), [], "{protocol:?}");
}

fn assert_everything_is_committed(outcome: &Outcome, protocol: Protocol) {
    let committed = story::committed_by(outcome, Time::MAX);
    let leaders = outcome.replicas.iter().filter(|it| it.leads && it.partition.topic.0 == 0);
    for leader in leaders {
        assert_eq!(committed.get(&leader.partition), Some(&leader.end.0), "{protocol:?}");
    }
    let commits = story::commits(outcome);
    for pair in commits.iter().zip(commits.iter().skip(1)).filter(|(a, b)| a.1.0 == b.1.0) {
        assert!(pair.0.1.1 <= pair.1.1.1, "a commit moved back: {pair:?} {protocol:?}");
    }
}

/// Checks that exactly those records were done again that a dead member had done, or begun
/// to, above what was committed.
fn assert_repeats_are_what_was_not_committed(outcome: &Outcome, died: Time, protocol: Protocol) {
    let committed = story::committed_by(outcome, died);
    let before = story::done(outcome).into_iter().filter(|(when, ..)| *when <= died);
    let its = before.filter(|(_, client, _)| *client == ClientId(1));
    let open: BTreeSet<_> = its
        .map(|(_, _, place)| place)
        .filter(|(partition, offset)| committed.get(partition).is_none_or(|next| next <= offset))
        .collect();
    assert_eq!(story::repeated(outcome), open, "{protocol:?}");
}

/// Returns when a member first owns something after a moment.
fn first_time(outcome: &Outcome, client: ClientId, after: Time) -> Time {
    story::members(outcome)
        .find(|(when, who, what)| {
            let owns = matches!(what, MemberEvent::Owns(owned) if !owned.is_empty());
            after < *when && *who == client && owns
        })
        .map(|(when, ..)| when)
        .expect("it comes to own something")
}
