//! Keeps a search for a small story from telling another one.
//!
//! A cluster that promises less breaks more easily: take `min.insync.replicas` away from a
//! finding about acks=all, and what is left breaks for a reason that everybody knows. So no
//! candidate may promise less than the trial that it comes from; faults may only become
//! weaker, and settings only safer or of no concern.

use model::config::{Idempotence, OffsetReset, ProducerConfig, TopicConfig};
use model::message::data::Acks;
use sim::plan::{
    ClientRole, DiskPlan, FlushPolicy, GroupPlan, Handling, Plan, ProducerPlan, TopicPlan,
};

use super::surgery::replicas_of;
use crate::search::promise::promised;
use crate::search::violation::Violation;

/// Copies below which a topic is not taken: one copy is no replication.
const REPLICAS_MIN: u16 = 2;

/// Says whether a plan promises at least as much as another, as far as that concerns what is
/// looked for.
pub(super) fn keeps_promises(before: &Plan, after: &Plan, wanted: &Violation) -> bool {
    match wanted {
        // No setting allows the model to break its own rules, or never to rest.
        Violation::Assertion(_) | Violation::Livelock => return true,
        // Where the settings of the whole promise the claim, those of its parts must, too.
        Violation::Claim(claim) => {
            let promises = |plan| promised(plan).holds.iter().any(|(it, _)| it == claim);
            if promises(before) && !promises(after) {
                return false;
            }
        }
    }
    let topics = after.topics.iter().all(|topic| match named(&before.topics, topic) {
        Some(old) => keeps_topic((before, old), (after, topic)),
        None => true,
    });
    let clients = after.clients.iter().all(|client| {
        let old = before.clients.iter().find(|old| same_client(old, client));
        match (old.map(|old| &old.role), &client.role) {
            (Some(ClientRole::Producer(old)), ClientRole::Producer(new)) => {
                keeps_producer(old, new)
            }
            (Some(ClientRole::Consumer(old)), ClientRole::Consumer(new)) => {
                keeps_reset(old.config.offset_reset, new.config.offset_reset)
            }
            (Some(ClientRole::Member(old)), ClientRole::Member(new)) => {
                keeps_reset(old.config.offset_reset, new.config.offset_reset)
            }
            _ => true,
        }
    });
    let groups = after.groups.iter().all(|group| {
        let old = before.groups.iter().find(|old| old.name == group.name);
        old.is_none_or(|old| keeps_group(old, group))
    });
    let disks = after.brokers.iter().all(|broker| {
        let old = before.brokers.iter().map(|old| &old.disk);
        old.clone().any(|old| keeps_disk(old, &broker.disk))
    });
    topics && clients && groups && disks
}

fn named<'p>(topics: &'p [TopicPlan], topic: &TopicPlan) -> Option<&'p TopicPlan> {
    topics.iter().find(|old| old.name == topic.name)
}

/// Members are renamed when others go, but those of a group are alike as far as this goes.
fn same_client(old: &sim::plan::ClientPlan, new: &sim::plan::ClientPlan) -> bool {
    old.name == new.name
}

fn keeps_topic((before, old): (&Plan, &TopicPlan), (after, new): (&Plan, &TopicPlan)) -> bool {
    let (had, has) = (replicas_of(before, old), replicas_of(after, new));
    let enough = had.min(REPLICAS_MIN) <= has;
    // Nobody but producers with acks=all asks for the minimum.
    let is_asked = after.clients.iter().any(|client| match &client.role {
        ClientRole::Producer(producer) => producer.config.acks == Acks::All,
        ClientRole::Consumer(_) | ClientRole::Member(_) => false,
    });
    let is_asked = is_asked || after.groups.iter().any(|group| group.handling.output.is_some());
    let minimum = old.config.min_insync_replicas.min(has) <= new.config.min_insync_replicas;
    enough && (minimum || !is_asked) && keeps_settings(&old.config, &new.config)
}

fn keeps_settings(old: &TopicConfig, new: &TopicConfig) -> bool {
    new.unclean_leader_election <= old.unclean_leader_election
        && new.flush_messages <= old.flush_messages
        && new.flush_age_max <= old.flush_age_max
        && old.retention_age_max <= new.retention_age_max
        && old
            .retention_bytes_max
            .is_none_or(|had| new.retention_bytes_max.is_none_or(|has| had <= has))
        && (old.retention_bytes_max.is_some() || new.retention_bytes_max.is_none())
}

fn keeps_producer(old: &ProducerPlan, new: &ProducerPlan) -> bool {
    old.style == new.style && keeps_delivery(&old.config, &new.config)
}

fn keeps_delivery(old: &ProducerConfig, new: &ProducerConfig) -> bool {
    let strength = |acks: Acks| match acks {
        Acks::None => 0,
        Acks::Leader => 1,
        Acks::All => 2,
    };
    let idempotent = is_idempotent(new);
    let order = new.in_flight_max <= old.in_flight_max || idempotent;
    let repeats = new.retries <= old.retries || idempotent;
    strength(old.acks) <= strength(new.acks)
        && (idempotent || !is_idempotent(old))
        && order
        && repeats
}

/// Says whether a producer numbers its batches: by default it does, unless that conflicts.
fn is_idempotent(config: &ProducerConfig) -> bool {
    let fits = config.acks == Acks::All && 0 < config.retries && config.in_flight_max <= 5;
    match config.idempotence {
        Idempotence::Unset => fits,
        Idempotence::On => true,
        Idempotence::Off => false,
    }
}

/// Only a group that begins where records are is promised all of them.
fn keeps_reset(old: OffsetReset, new: OffsetReset) -> bool {
    old == new || new == OffsetReset::Earliest
}

fn keeps_group(old: &GroupPlan, new: &GroupPlan) -> bool {
    let kept = |handling: &Handling| (handling.commit, handling.sink);
    let output = match (&old.handling.output, &new.handling.output) {
        (Some(old), Some(new)) => keeps_delivery(&old.config, &new.config),
        (None, _) | (_, None) => true,
    };
    kept(&old.handling) == kept(&new.handling) && output
}

fn keeps_disk(old: &DiskPlan, new: &DiskPlan) -> bool {
    let strength = |policy: FlushPolicy| match policy {
        FlushPolicy::Never => 0,
        FlushPolicy::ByConfig => 1,
        FlushPolicy::EveryWrite => 2,
    };
    strength(old.flush) <= strength(new.flush) && new.writeback <= old.writeback
}
