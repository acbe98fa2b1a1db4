//! Measures of a history that are no anomalies.

use std::collections::{BTreeMap, BTreeSet};

use super::Pairs;
use super::operation::{Atom, Function, Kind, Operation, Process, Step};

/// Offsets by key; `None` is before the first one.
type Offsets<'h> = BTreeMap<&'h Atom, Option<u64>>;

/// Returns the longest time, in nanoseconds, for which a poll certainly lagged behind its log:
/// from the moment when the next offset was known to exist to the beginning of the poll.
///
/// Source: `realtime-lag` of `jepsen.tests.kafka`.
pub(super) fn worst(history: &[Operation], pairs: &Pairs) -> u64 {
    let known = known(history);
    let mut positions: BTreeMap<u64, Offsets<'_>> = BTreeMap::new();
    let mut worst = 0;
    for (at, operation) in history.iter().enumerate().filter(|(_, it)| it.kind == Kind::Ok) {
        let Process::Client(process) = operation.process else { continue };
        let position = positions.entry(process).or_default();
        match &operation.function {
            Function::Assign(keys) => {
                position.retain(|key, _| keys.contains(key));
                keys.iter().for_each(|key| {
                    position.entry(key).or_default();
                });
            }
            Function::Subscribe(_) => position.clear(),
            Function::Poll(_) | Function::Txn(_) => {
                for (key, offset) in highest(operation) {
                    let position = position.entry(key).or_default();
                    *position = (*position).max(offset);
                }
                let Some(begun) = pairs[at].and_then(|begun| history[begun].time) else { continue };
                for (key, position) in position {
                    let next = position.map_or(0, |it| it.saturating_add(1));
                    let steps = known.get(key).map_or(&[][..], Vec::as_slice);
                    let since = steps.get(steps.partition_point(|(offset, _)| *offset < next));
                    worst = worst.max(since.map_or(0, |(_, time)| begun.saturating_sub(*time)));
                }
            }
            Function::Send(_) | Function::Other => {}
        }
    }
    worst
}

/// Returns for each key, with growing offsets, since when everything up to there has existed.
fn known(history: &[Operation]) -> BTreeMap<&Atom, Vec<(u64, u64)>> {
    let mut known: BTreeMap<&Atom, Vec<(u64, u64)>> = BTreeMap::new();
    for operation in history {
        let (Process::Client(_), Some(time)) = (operation.process, operation.time) else {
            continue;
        };
        for (key, offset) in highest(operation) {
            let Some(offset) = offset else { continue };
            let steps = known.entry(key).or_default();
            if steps.last().is_none_or(|(last, _)| *last < offset) {
                steps.push((offset, time));
            }
        }
    }
    known
}

/// Returns the highest offset of each key that an operation has met.
fn highest(operation: &Operation) -> Offsets<'_> {
    let mut sent = Offsets::new();
    let mut polled = Offsets::new();
    if !matches!(operation.kind, Kind::Ok | Kind::Info) {
        return polled;
    }
    for step in operation.steps() {
        match step {
            // A send without offset makes the workload forget those before it.
            Step::Send { offset: None, .. } => sent.clear(),
            Step::Send { key, offset, .. } => {
                let known = sent.entry(key).or_default();
                *known = (*known).max(*offset);
            }
            Step::Poll(keys) => {
                for (key, pairs) in keys {
                    let known = polled.entry(key).or_default();
                    *known = pairs.iter().map(|(offset, _)| *offset).max().flatten().max(*known);
                }
            }
        }
    }
    for (key, offset) in sent {
        let known = polled.entry(key).or_default();
        *known = (*known).max(offset);
    }
    polled
}

/// Returns how many values a subscribed process read so many times.
///
/// Source: `consume-counts` of `jepsen.tests.kafka`.
pub(super) fn consume_counts(history: &[Operation]) -> BTreeMap<u64, u64> {
    let mut counts: BTreeMap<(u64, &Atom, &Atom), u64> = BTreeMap::new();
    let mut subscribed = BTreeSet::new();
    for operation in history.iter().filter(|it| it.kind == Kind::Ok) {
        let Process::Client(process) = operation.process else { continue };
        if let Function::Subscribe(_) = operation.function {
            subscribed.insert(process);
        }
        if subscribed.contains(&process) {
            for (key, values) in operation.reads() {
                for value in values {
                    *counts.entry((process, key, value)).or_default() += 1;
                }
            }
        }
    }
    let mut distribution = BTreeMap::new();
    for count in counts.into_values() {
        *distribution.entry(count).or_default() += 1;
    }
    distribution
}
