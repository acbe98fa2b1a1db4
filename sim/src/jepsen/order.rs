//! Rules about order: do reads and sends go forward through the log, without holes?

use std::collections::BTreeMap;

use super::index::Index;
use super::operation::{Atom, Function, Kind, Operation, Process};
use super::{Anomaly, Instance};

/// A pair of values of one key with the operations that they belong to.
struct Pair<'h> {
    key: &'h Atom,
    values: [Option<&'h Atom>; 2],
    operations: Vec<usize>,
}

/// Applies every rule of this family.
pub(super) fn judge(index: &Index<'_>, found: &mut BTreeMap<Anomaly, Vec<Instance>>) {
    for &(at, operation) in &index.operations {
        within(index, at, operation, found);
    }
    let mut processes: BTreeMap<Process, Vec<(usize, &Operation)>> = BTreeMap::new();
    for &(at, operation) in &index.operations {
        processes.entry(operation.process).or_default().push((at, operation));
    }
    for operations in processes.values() {
        reads_of_process(index, operations, found);
        sends_of_process(index, operations, found);
    }
}

/// Looks at neighbours within one operation.
fn within(
    index: &Index<'_>,
    at: usize,
    operation: &Operation,
    found: &mut BTreeMap<Anomaly, Vec<Instance>>,
) {
    let rebalanced = |key: &Atom| operation.rebalanced.contains(key);
    for (key, values) in operation.reads().iter().filter(|(key, _)| !rebalanced(key)) {
        for pair in values.windows(2) {
            let values = [Some(pair[0]), Some(pair[1])];
            let names = (Some(Anomaly::IntPollSkip), Anomaly::IntNonmonotonicPoll);
            note(index, Pair { key, values, operations: vec![at] }, names, found);
        }
    }
    if operation.kind == Kind::Invoke {
        return;
    }
    for (key, values) in &operation.writes() {
        for pair in values.windows(2) {
            let values = [Some(pair[0]), Some(pair[1])];
            let names = (Some(Anomaly::IntSendSkip), Anomaly::IntNonmonotonicSend);
            note(index, Pair { key, values, operations: vec![at] }, names, found);
        }
    }
}

/// Compares what a process read last of a key with what it reads next.
///
/// Only operations that ended well move it: a transaction that failed must be followed by a
/// return to where it began.
fn reads_of_process<'h>(
    index: &Index<'h>,
    operations: &[(usize, &'h Operation)],
    found: &mut BTreeMap<Anomaly, Vec<Instance>>,
) {
    let mut last: BTreeMap<&Atom, (usize, Option<&Atom>)> = BTreeMap::new();
    for &(at, operation) in operations {
        keep_assigned(&mut last, operation);
        for (key, values) in operation.reads() {
            if let Some(&(before, value)) = last.get(key) {
                let values = [value, values.first().copied()];
                let names = (Some(Anomaly::PollSkip), Anomaly::NonmonotonicPoll);
                note(index, Pair { key, values, operations: vec![before, at] }, names, found);
            }
            if operation.kind == Kind::Ok {
                last.insert(key, (at, values.last().copied()));
            }
        }
    }
}

/// Compares what a process sent last to a key with what it sends next.
fn sends_of_process<'h>(
    index: &Index<'h>,
    operations: &[(usize, &'h Operation)],
    found: &mut BTreeMap<Anomaly, Vec<Instance>>,
) {
    let mut last: BTreeMap<&Atom, (usize, Option<&Atom>)> = BTreeMap::new();
    let counts = |kind| matches!(kind, Kind::Ok | Kind::Info);
    for &(at, operation) in operations.iter().filter(|(_, it)| counts(it.kind)) {
        keep_assigned(&mut last, operation);
        for (key, values) in operation.writes() {
            if let Some(&(before, value)) = last.get(key) {
                let values = [value, values.first().copied()];
                let names = (None, Anomaly::NonmonotonicSend);
                note(index, Pair { key, values, operations: vec![before, at] }, names, found);
            }
            last.insert(key, (at, values.last().copied()));
        }
    }
}

/// Forgets the keys that a process gave up.
fn keep_assigned<'h>(
    last: &mut BTreeMap<&'h Atom, (usize, Option<&'h Atom>)>,
    operation: &Operation,
) {
    match &operation.function {
        Function::Assign(keys) | Function::Subscribe(keys) => match operation.kind {
            Kind::Ok | Kind::Info => last.retain(|key, _| keys.contains(key)),
            Kind::Invoke | Kind::Fail => {}
        },
        Function::Send(_) | Function::Poll(_) | Function::Txn(_) | Function::Other => {}
    }
}

fn note(
    index: &Index<'_>,
    pair: Pair<'_>,
    (skip, back): (Option<Anomaly>, Anomaly),
    found: &mut BTreeMap<Anomaly, Vec<Instance>>,
) {
    let Some(log) = index.logs.get(pair.key) else { return };
    let Some((first, second)) = log.places(pair.values[0], pair.values[1]) else { return };
    let (anomaly, between) = match second {
        _ if first + 1 < second => (skip, first + 1..second),
        _ if second <= first => (Some(back), 0..0),
        _ => return,
    };
    let Some(anomaly) = anomaly else { return };
    let [before, after] = pair.values;
    let between = log.by_place[between].iter().copied();
    let values = before.into_iter().chain(between).chain(after).cloned().collect();
    let Pair { key, operations, .. } = pair;
    let key = Some(key.clone());
    found.entry(anomaly).or_default().push(Instance { key, values, operations, offsets: vec![] });
}
