//! Reads a group's story out of a history: who owned, worked on and committed what, and when.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{Callback, Fact, GroupEvent, MemberEvent, WorkEvent, WorkFact, WorkOutcome};
use model::ids::{ClientId, NodeId, TopicPartition};
use model::time::Time;

use crate::history::{Event, Fault};
use crate::outcome::Outcome;

/// A partition and an offset in it.
pub(super) type Place = (TopicPartition, u64);
/// Who owns what at one moment.
pub(super) type Owners = BTreeMap<ClientId, BTreeSet<TopicPartition>>;

/// Lists what the members did.
pub(super) fn members(outcome: &Outcome) -> impl Iterator<Item = (Time, ClientId, &MemberEvent)> {
    outcome.history.iter().filter_map(|entry| match &entry.event {
        Event::Fact(Fact::Member(fact)) => Some((entry.at, fact.client, &fact.what)),
        _ => None,
    })
}

/// Lists what the coordinators did.
pub(super) fn coordinators(outcome: &Outcome) -> impl Iterator<Item = (Time, &GroupEvent)> {
    outcome.history.iter().filter_map(|entry| match &entry.event {
        Event::Fact(Fact::Group(fact)) => Some((entry.at, &fact.what)),
        _ => None,
    })
}

/// Lists what the applications did.
pub(super) fn work(outcome: &Outcome) -> impl Iterator<Item = (Time, &WorkFact)> {
    outcome.history.iter().filter_map(|entry| match &entry.event {
        Event::Fact(Fact::Work(fact)) => Some((entry.at, fact)),
        _ => None,
    })
}

/// Lists what was brought to an end so, in order.
pub(super) fn ended(outcome: &Outcome, how: WorkOutcome) -> Vec<(Time, ClientId, Place)> {
    let ended = work(outcome).filter(|(_, fact)| fact.what == WorkEvent::Ended(how));
    ended.map(|(at, fact)| (at, fact.client, (fact.partition, fact.offset.0))).collect()
}

/// Lists what was done, in order.
pub(super) fn done(outcome: &Outcome) -> Vec<(Time, ClientId, Place)> {
    ended(outcome, WorkOutcome::Done)
}

/// Counts how often each record was done.
pub(super) fn times_done(outcome: &Outcome) -> BTreeMap<Place, usize> {
    let mut times = BTreeMap::new();
    for (_, _, place) in done(outcome) {
        *times.entry(place).or_default() += 1;
    }
    times
}

/// Lists the records that were done more than once.
pub(super) fn repeated(outcome: &Outcome) -> BTreeSet<Place> {
    times_done(outcome)
        .into_iter()
        .filter(|(_, times)| 1 < *times)
        .map(|(place, _)| place)
        .collect()
}

/// Lists the records that the leaders have and nobody has done.
pub(super) fn never_done(outcome: &Outcome) -> BTreeSet<Place> {
    let done = times_done(outcome);
    records(outcome).into_iter().filter(|place| !done.contains_key(place)).collect()
}

/// Lists all records of the first topic.
pub(super) fn records(outcome: &Outcome) -> BTreeSet<Place> {
    let leaders = outcome.replicas.iter().filter(|replica| replica.leads);
    let leaders = leaders.filter(|replica| replica.partition.topic.0 == 0);
    leaders
        .flat_map(|replica| {
            let offsets = replica.start.0..replica.end.0;
            offsets.map(|offset| (replica.partition, offset))
        })
        .collect()
}

/// Lists the offsets that were written, in order.
pub(super) fn commits(outcome: &Outcome) -> Vec<(Time, Place)> {
    let written = coordinators(outcome).filter_map(|(at, what)| match what {
        GroupEvent::Committed { offsets, .. } => Some((at, offsets)),
        _ => None,
    });
    let each = written.flat_map(|(at, offsets)| offsets.iter().map(move |it| (at, it)));
    each.map(|(at, (partition, offset))| (at, (*partition, offset.0))).collect()
}

/// Returns what was committed last by then, for each partition.
pub(super) fn committed_by(outcome: &Outcome, by: Time) -> BTreeMap<TopicPartition, u64> {
    commits(outcome).into_iter().filter(|(at, _)| *at <= by).map(|(_, place)| place).collect()
}

/// Lists the commits that pass a record which nobody has finished at that moment.
pub(super) fn commits_ahead(outcome: &Outcome) -> Vec<(Time, Place)> {
    let mut done = done(outcome).into_iter().peekable();
    let mut finished = BTreeSet::new();
    // By partition: the first record that is not finished.
    let mut open: BTreeMap<TopicPartition, u64> = BTreeMap::new();
    let mut ahead = Vec::new();
    for (at, (partition, next)) in commits(outcome) {
        while let Some((_, _, place)) = done.next_if(|(when, ..)| *when <= at) {
            finished.insert(place);
        }
        let first = open.entry(partition).or_default();
        while finished.contains(&(partition, *first)) {
            *first += 1;
        }
        if *first < next {
            ahead.push((at, (partition, next)));
        }
    }
    ahead
}

/// Lists who owns what after each change, the dead owning nothing.
pub(super) fn ownership(outcome: &Outcome) -> Vec<(Time, Owners)> {
    let mut owners = Owners::new();
    let mut story = Vec::new();
    for entry in &outcome.history {
        match &entry.event {
            Event::Fact(Fact::Member(fact)) => match &fact.what {
                MemberEvent::Owns(owned) => {
                    owners.insert(fact.client, owned.iter().copied().collect());
                }
                _ => continue,
            },
            Event::Fault(
                Fault::Crashed(NodeId::Client(client)) | Fault::Exited(NodeId::Client(client)),
            ) => _ = owners.remove(client),
            _ => continue,
        }
        story.push((entry.at, owners.clone()));
    }
    story
}

/// Returns who owns what at a moment.
pub(super) fn owners_at(outcome: &Outcome, at: Time) -> Owners {
    let story = ownership(outcome);
    story.into_iter().rfind(|(when, _)| *when <= at).map(|(_, owners)| owners).unwrap_or_default()
}

/// Returns how many partitions each member owns at a moment.
pub(super) fn shares_at(outcome: &Outcome, at: Time) -> Vec<usize> {
    owners_at(outcome, at).values().map(BTreeSet::len).filter(|share| *share != 0).collect()
}

/// Lists the moments at which two members own the same partition.
pub(super) fn owned_twice(outcome: &Outcome) -> Vec<(Time, Owners)> {
    let is_shared = |owners: &Owners| {
        let all: usize = owners.values().map(BTreeSet::len).sum();
        let distinct: BTreeSet<_> = owners.values().flatten().collect();
        distinct.len() != all
    };
    ownership(outcome).into_iter().filter(|(_, owners)| is_shared(owners)).collect()
}

/// Lists records on which somebody worked who did not own them then.
pub(super) fn worked_without_owning(outcome: &Outcome) -> Vec<(Time, ClientId, Place)> {
    let mut owners = Owners::new();
    let mut strange = Vec::new();
    for entry in &outcome.history {
        match &entry.event {
            Event::Fact(Fact::Member(fact)) => {
                if let MemberEvent::Owns(owned) = &fact.what {
                    owners.insert(fact.client, owned.iter().copied().collect());
                }
            }
            Event::Fact(Fact::Work(fact)) => {
                let owned = owners.get(&fact.client);
                if !owned.is_some_and(|owned| owned.contains(&fact.partition)) {
                    strange.push((entry.at, fact.client, (fact.partition, fact.offset.0)));
                }
            }
            _ => {}
        }
    }
    strange
}

/// Lists the calls of the rebalance listener of a member with the sizes of what they tell.
pub(super) fn callbacks(outcome: &Outcome, client: ClientId) -> Vec<(Time, Callback, usize)> {
    let of_its = members(outcome).filter(|(_, who, _)| *who == client);
    of_its
        .filter_map(|(at, _, what)| match what {
            MemberEvent::Listening(callback, partitions) => Some((at, *callback, partitions.len())),
            _ => None,
        })
        .collect()
}

/// Returns when a step fired.
///
/// # Panics
/// If it did not.
pub(super) fn step(outcome: &Outcome, step: usize) -> Time {
    outcome.steps[step].expect("the step fired")
}

/// Counts coordinators' deeds.
pub(super) fn count(outcome: &Outcome, is_it: impl Fn(&GroupEvent) -> bool) -> usize {
    coordinators(outcome).filter(|(_, what)| is_it(what)).count()
}
