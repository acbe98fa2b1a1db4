//! Rules about single values: lost, duplicated, in conflict, read although they failed.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Index, Log};
use super::operation::{Atom, Kind};
use super::{Anomaly, Instance, Unjudgeable};

/// Applies every rule of this family.
pub(super) fn judge(
    index: &Index<'_>,
    found: &mut BTreeMap<Anomaly, Vec<Instance>>,
) -> Result<(), Unjudgeable> {
    check_writers(index)?;
    let mut note = |anomaly, instances: Vec<Instance>| {
        if !instances.is_empty() {
            found.insert(anomaly, instances);
        }
    };
    note(Anomaly::Duplicate, duplicates(index));
    note(Anomaly::InconsistentOffsets, conflicts(index));
    note(Anomaly::LostWrite, lost_writes(index));
    note(Anomaly::Unseen, unseen(index));
    note(Anomaly::AbortedRead, aborted_reads(index));
    note(Anomaly::PrecommittedRead, precommitted_reads(index));
    Ok(())
}

/// Every value that was read must have been sent by somebody.
fn check_writers(index: &Index<'_>) -> Result<(), Unjudgeable> {
    for (key, values) in &index.readers {
        let writers = index.writers.get(key);
        for (value, readers) in values {
            if !writers.is_some_and(|writers| writers.contains_key(value)) {
                let (key, value) = ((*key).clone(), (*value).clone());
                return Err(Unjudgeable::NoWriter { at: readers[0], key, value });
            }
        }
    }
    Ok(())
}

fn duplicates(index: &Index<'_>) -> Vec<Instance> {
    let mut found = Vec::new();
    for (key, log) in &index.logs {
        let moved = |value: &&&Atom| log.first_places[**value] < log.last_places[**value];
        for value in log.first_places.keys().filter(moved) {
            found.push(Instance {
                offsets: log.offsets_of(value),
                operations: observers(index, key, value),
                ..instance(key, [*value])
            });
        }
    }
    found
}

fn conflicts(index: &Index<'_>) -> Vec<Instance> {
    let mut found = Vec::new();
    for (key, log) in &index.logs {
        for (offset, values) in log.offsets.iter().filter(|(_, values)| 1 < values.len()) {
            let operations = values.iter().flat_map(|value| observers(index, key, value));
            found.push(Instance {
                offsets: vec![*offset],
                operations: operations.collect::<BTreeSet<_>>().into_iter().collect(),
                ..instance(key, values.iter().copied())
            });
        }
    }
    found
}

/// Everything below the furthest value that was read must have been read by somebody.
fn lost_writes(index: &Index<'_>) -> Vec<Instance> {
    let mut found = Vec::new();
    for (key, read) in &index.read {
        let Some(log) = index.logs.get(key) else { continue };
        let places = read.iter().filter_map(|value| log.first_places.get(*value));
        let Some(bound) = places.max() else { continue };
        let is_lost = |(value, last): &(&&Atom, &usize)| {
            let writer = index.writers.get(key).and_then(|writers| writers.get(**value));
            *last <= bound
                && !read.contains(**value)
                && writer.is_some_and(|at| index.must_have_committed(index.operation(*at)))
        };
        let mut lost: Vec<_> = log.last_places.iter().filter(is_lost).collect();
        lost.sort_by_key(|(_, place)| **place);
        found.extend(lost.into_iter().map(|(value, _)| lost_write(index, (key, log), value)));
    }
    found
}

fn lost_write(index: &Index<'_>, (key, log): (&Atom, &Log<'_>), value: &Atom) -> Instance {
    let operations = index.writers[key].get(value).copied().into_iter().collect();
    Instance { offsets: log.offsets_of(value), operations, ..instance(key, [value]) }
}

/// What was acknowledged and not read, after the last operation that ended well.
///
/// A key whose values were polled before any send of it was acknowledged counts them as unseen
/// until the next operation: a quirk of the workload that histories avoid by a last empty poll.
fn unseen(index: &Index<'_>) -> Vec<Instance> {
    let mut sent: BTreeMap<&Atom, BTreeSet<&Atom>> = BTreeMap::new();
    let mut polled: BTreeMap<&Atom, BTreeSet<&Atom>> = BTreeMap::new();
    let mut quirks: Vec<&Atom> = Vec::new();
    let ended_well =
        index.operations.iter().filter(|(_, it)| it.kind == Kind::Ok && it.is_transactional());
    for (_, operation) in ended_well {
        for key in quirks.drain(..) {
            sent.insert(key, BTreeSet::new());
        }
        for (key, values) in operation.writes() {
            let seen = polled.get(key);
            let fresh = values.into_iter().filter(|it| !seen.is_some_and(|seen| seen.contains(it)));
            sent.entry(key).or_default().extend(fresh);
        }
        for (key, values) in operation.reads() {
            match sent.get_mut(key) {
                Some(sent) => values.iter().for_each(|value| {
                    sent.remove(value);
                }),
                None => quirks.push(key),
            }
            polled.entry(key).or_default().extend(values);
        }
    }
    for key in quirks {
        sent.insert(key, polled[key].clone());
    }
    let unseen = sent.into_iter().filter(|(_, values)| !values.is_empty());
    unseen.map(|(key, values)| instance(key, values)).collect()
}

fn aborted_reads(index: &Index<'_>) -> Vec<Instance> {
    let mut found = Vec::new();
    for &(at, operation) in index.operations.iter().filter(|(_, it)| it.kind == Kind::Ok) {
        for (key, values) in operation.reads() {
            let Some(failed) = index.failed.get(key) else { continue };
            for value in values.into_iter().filter(|value| failed.contains(value)) {
                let operations = vec![index.writers[key][value], at];
                found.push(Instance { operations, ..instance(key, [value]) });
            }
        }
    }
    found
}

fn precommitted_reads(index: &Index<'_>) -> Vec<Instance> {
    let mut found = Vec::new();
    for &(at, operation) in &index.operations {
        let reads = operation.reads();
        let own = operation.writes().into_iter().find_map(|(key, sent)| {
            let read = reads.get(key)?;
            sent.into_iter().find(|value| read.contains(value)).map(|value| (key, value))
        });
        if let Some((key, value)) = own {
            found.push(Instance { operations: vec![at], ..instance(key, [value]) });
        }
    }
    found
}

/// Returns the places of the operations that sent or read a value.
fn observers(index: &Index<'_>, key: &Atom, value: &Atom) -> Vec<usize> {
    let writer = index.writers.get(key).and_then(|writers| writers.get(value));
    let readers = index.readers.get(key).and_then(|readers| readers.get(value));
    writer.into_iter().chain(readers.into_iter().flatten()).copied().collect()
}

fn instance<'a>(key: &Atom, values: impl IntoIterator<Item = &'a Atom>) -> Instance {
    let values = values.into_iter().cloned().collect();
    Instance { key: Some(key.clone()), values, ..Instance::default() }
}
