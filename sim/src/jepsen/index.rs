//! What all rules share: who wrote and who read each value, and where it lies.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Atom, Kind, Operation, Process, Step};

/// A history of clients, looked up.
pub(super) struct Index<'h> {
    /// The operations of clients with their places in the history, in order.
    pub operations: Vec<(usize, &'h Operation)>,
    /// The place of the operation that ended, and had sent it, last.
    pub writers: BTreeMap<&'h Atom, BTreeMap<&'h Atom, usize>>,
    /// The places of the operations that ended and had read it.
    pub readers: BTreeMap<&'h Atom, BTreeMap<&'h Atom, Vec<usize>>>,
    /// The values that operations which ended well have read.
    pub read: BTreeMap<&'h Atom, BTreeSet<&'h Atom>>,
    /// The values of operations that failed.
    pub failed: BTreeMap<&'h Atom, BTreeSet<&'h Atom>>,
    /// What lies where.
    pub logs: BTreeMap<&'h Atom, Log<'h>>,
    history: &'h [Operation],
}

/// What observers saw of one key's log.
#[derive(Default)]
pub(super) struct Log<'h> {
    /// The values that were seen at each offset: more than one is a conflict.
    pub offsets: BTreeMap<u64, BTreeSet<&'h Atom>>,
    /// One value for each offset that has any. Holes, as of transaction markers, close.
    pub by_place: Vec<&'h Atom>,
    /// The last place of each of these values.
    pub by_value: BTreeMap<&'h Atom, usize>,
    /// The first place at which each value was seen.
    pub first_places: BTreeMap<&'h Atom, usize>,
    /// The last place at which each value was seen.
    pub last_places: BTreeMap<&'h Atom, usize>,
}

impl<'h> Index<'h> {
    /// Looks everything up.
    pub fn of(history: &'h [Operation]) -> Index<'h> {
        let is_client = |operation: &Operation| matches!(operation.process, Process::Client(_));
        let operations = history.iter().enumerate().filter(|(_, it)| is_client(it)).collect();
        let mut index = Index {
            operations,
            writers: BTreeMap::new(),
            readers: BTreeMap::new(),
            read: BTreeMap::new(),
            failed: BTreeMap::new(),
            logs: BTreeMap::new(),
            history,
        };
        index.look_up_observers();
        index.lay_out_logs();
        index
    }

    /// Returns an operation by its place.
    pub fn operation(&self, at: usize) -> &'h Operation {
        &self.history[at]
    }

    fn look_up_observers(&mut self) {
        for &(at, operation) in &self.operations {
            if operation.kind == Kind::Invoke {
                continue;
            }
            for (key, values) in operation.writes() {
                if operation.kind == Kind::Fail {
                    self.failed.entry(key).or_default().extend(&values);
                }
                let writers = self.writers.entry(key).or_default();
                writers.extend(values.into_iter().map(|value| (value, at)));
            }
            for (key, values) in operation.reads() {
                if operation.kind == Kind::Ok {
                    self.read.entry(key).or_default().extend(&values);
                }
                let readers = self.readers.entry(key).or_default();
                for value in values {
                    readers.entry(value).or_default().push(at);
                }
            }
        }
    }

    /// Says whether an operation has certainly had its effect: it ended well, or one of its
    /// values was read.
    pub fn must_have_committed(&self, operation: &Operation) -> bool {
        match operation.kind {
            Kind::Ok => true,
            Kind::Info => operation.writes().iter().any(|(key, values)| {
                let read = self.read.get(key);
                read.is_some_and(|read| values.iter().any(|value| read.contains(value)))
            }),
            Kind::Invoke | Kind::Fail => false,
        }
    }

    /// Sends count if they must have committed. Polls always count: a consumer may never give
    /// out wrong data, whatever becomes of the transaction that it is used in.
    fn lay_out_logs(&mut self) {
        let mut logs: BTreeMap<&'h Atom, Log<'h>> = BTreeMap::new();
        let mut seen = |key, offset, value| {
            let log: &mut Log<'h> = logs.entry(key).or_default();
            log.offsets.entry(offset).or_default().insert(value);
        };
        for &(_, operation) in &self.operations {
            let committed = self.must_have_committed(operation);
            for step in operation.steps() {
                match step {
                    Step::Send { key, offset: Some(offset), value } if committed => {
                        seen(key, *offset, value);
                    }
                    Step::Send { .. } => {}
                    Step::Poll(keys) => {
                        for (key, pairs) in keys {
                            for (offset, value) in pairs {
                                offset.iter().for_each(|offset| seen(key, *offset, value));
                            }
                        }
                    }
                }
            }
        }
        logs.values_mut().for_each(Log::number);
        self.logs = logs;
    }
}

impl<'h> Log<'h> {
    fn number(&mut self) {
        for (place, values) in self.offsets.values().enumerate() {
            // Where values conflict, any of them stands for the place.
            if let Some(first) = values.first() {
                self.by_place.push(first);
                self.by_value.insert(first, place);
            }
            for value in values {
                self.first_places.entry(value).or_insert(place);
                self.last_places.insert(value, place);
            }
        }
    }

    /// Returns where two values lie; `None` if nobody knows.
    pub fn places(&self, first: Option<&Atom>, second: Option<&Atom>) -> Option<(usize, usize)> {
        Some((*self.by_value.get(first?)?, *self.by_value.get(second?)?))
    }

    /// Returns the offsets at which a value was seen.
    pub fn offsets_of(&self, value: &Atom) -> Vec<u64> {
        let at = self.offsets.iter().filter(|(_, values)| values.contains(value));
        at.map(|(offset, _)| *offset).collect()
    }
}
