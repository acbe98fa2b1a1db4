//! Groups: who reads what, and how far each group has got.
//!
//! In reading order: [`record`] (what is written to `__consumer_offsets`), [`decision`] (what
//! a ledger answers with), [`classic`] (join, sync, heartbeat, leave), [`offsets`] (commits),
//! [`coordinator`] (the ledger of one partition), [`shard`] (its office: loading, waiting),
//! [`reconcile`] (KIP-848: one member's way to its target), [`consumer`] (its heartbeats),
//! [`clocks`] (its timers), [`native`] (such groups at their coordinator), [`migration`] (groups
//! between the protocols), [`story`] (their facts).
//! [`assignor`] decides who shall read what, as pure functions.
//!
//! Source: `GroupMetadataManager`, `OffsetMetadataManager`, `CoordinatorRuntime`, Kafka 4.0.

pub mod assignor;
pub mod classic;
pub mod clocks;
pub mod consumer;
pub mod coordinator;
pub mod decision;
pub mod migration;
pub mod native;
pub mod offsets;
pub mod reconcile;
pub mod record;
pub mod shard;
pub mod story;

use crate::ids::GroupId;

/// Returns the partition of `__consumer_offsets` that keeps a group, of so many.
///
/// Source: `GroupCoordinatorService.partitionFor`, `Utils.abs`, Kafka 4.0.
///
/// # Panics
/// If `partitions` is 0.
pub fn partition_of(group: &GroupId, partitions: u16) -> u16 {
    let hash = java_hash(group.as_str());
    // The most negative number has no positive twin; Kafka takes 0 for it.
    let positive = hash.checked_abs().unwrap_or(0);
    (positive as u32 % u32::from(partitions)) as u16
}

/// Returns what Java's `String.hashCode` gives, over UTF-16 code units.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(unit.into()))
}
