//! Who gets a lane, and what is true along it.

use crate::trace::{ActorKind, Arrow, FactKind, Trace};

/// Lanes of a picture, at most.
const LANES_MAX: usize = 6;

/// A stretch of a lane in which something is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub what: Along,
    /// The place of the actor.
    pub actor: usize,
    pub from: u64,
    pub to: u64,
}

/// What is true along a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// It leads in this epoch.
    Leads(i64),
    /// It is in the ISR.
    InSync,
    /// It owns the partition.
    Owns,
}

/// Returns the places of the actors that get a lane, in order: those that matter most for a
/// partition.
pub(super) fn lanes(trace: &Trace, partition: usize, window: (u64, u64)) -> Vec<usize> {
    let story = |actor: usize| {
        let entries = || {
            let losses = trace.judged.losses.iter().take(1);
            let moments = losses.flat_map(|loss| loss.moments.iter().map(|&(_, entry)| entry));
            moments.chain(trace.judged.mishaps.iter().take(1).map(|mishap| mishap.moment.1))
        };
        let of = |fact: &crate::trace::TraceFact| fact.actor == actor as i64;
        trace.facts.iter().any(|fact| of(fact) && entries().any(|entry| entry == fact.entry))
    };
    let busy = |actor: usize| {
        let here = trace.facts.iter().filter(|fact| fact.actor == actor as i64);
        let here = here.filter(|it| it.partition == partition as i64);
        here.filter(|it| window.0 <= it.at && it.at <= window.1).count()
    };
    let talks = |actor: usize| {
        let sent =
            trace.messages.iter().filter(|it| it.from == actor && it.arrow == Arrow::Produce);
        let mut here = sent.filter(|it| it.partition == Some(partition));
        here.any(|it| window.0 <= it.at && it.at <= window.1)
    };
    let kind = |actor: usize| trace.actors[actor].kind;
    let replicas = trace.partitions.get(partition).map_or(&[][..], |it| it.replicas.as_slice());
    let is_about_groups = trace.judged.losses.is_empty() && !trace.groups.is_empty();
    let rank = |actor: usize| match kind(actor) {
        _ if story(actor) => 0,
        ActorKind::Broker if !replicas.contains(&actor) => 5,
        ActorKind::Broker if is_about_groups && replicas.first() != Some(&actor) => 4,
        ActorKind::Broker => 1,
        // Members matter for what they do to each other, wherever they read.
        ActorKind::Consumer if is_about_groups && trace.actors[actor].group.is_some() => 1,
        ActorKind::Producer | ActorKind::Consumer if busy(actor) == 0 && !talks(actor) => 6,
        ActorKind::Producer | ActorKind::Consumer => 2,
        ActorKind::Controller => 3,
    };
    let mut ranked: Vec<_> = (0..trace.actors.len())
        .map(|actor| (rank(actor), std::cmp::Reverse(busy(actor)), actor))
        .filter(|&(rank, ..)| rank < 6)
        .collect();
    ranked.sort_unstable();
    ranked.truncate(LANES_MAX);
    let mut lanes: Vec<usize> = ranked.into_iter().map(|(.., actor)| actor).collect();
    lanes.sort_unstable();
    lanes
}

/// Finds who leads, is in the ISR or owns a partition, and from when to when.
pub(super) fn stretches(trace: &Trace, partition: usize) -> Vec<Stretch> {
    let mut done: Vec<Stretch> = Vec::new();
    let mut open: Vec<Stretch> = Vec::new();
    for fact in trace.facts.iter().filter(|fact| fact.partition == partition as i64) {
        let actor = usize::try_from(fact.actor);
        let (what, begins) = match (fact.kind, actor) {
            (FactKind::Leader, Ok(_)) => (Along::Leads(fact.value), true),
            (FactKind::Leader, Err(_)) => (Along::Leads(fact.value), false),
            (FactKind::Isr, Ok(_)) => (Along::InSync, fact.value == 1),
            (FactKind::Own, Ok(_)) => (Along::Owns, fact.value == 1),
            _ => continue,
        };
        let next = Stretch { what, actor: actor.unwrap_or(0), from: fact.at, to: trace.end };
        let same = |it: &Stretch| it.what == next.what && it.actor == next.actor;
        if begins && open.iter().any(same) {
            continue;
        }
        let leads = |it: &Stretch| matches!(it.what, Along::Leads(_));
        let ends = |it: &Stretch| if leads(&next) { leads(it) } else { same(it) };
        done.extend(open.iter().filter(|it| ends(it)).map(|it| Stretch { to: fact.at, ..*it }));
        open.retain(|it| !ends(it));
        if begins {
            open.push(next);
        }
    }
    done.extend(open);
    done
}
