//! What a history of clients is made of: operations that begin and end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A key or a value: a number, or whatever else stands for one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A number.
    Number(i64),
    /// A text.
    Text(Arc<str>),
}

/// The beginning or the end of something that a client did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Whether it begins or ends, and how.
    pub kind: Kind,
    /// When, in nanoseconds; `None` if nobody noted it.
    pub time: Option<u64>,
    /// Who did it.
    pub process: Process,
    /// What was done.
    pub function: Function,
    /// Keys that were assigned, revoked or lost meanwhile.
    pub rebalanced: Vec<Atom>,
}

/// Whether an operation begins or ends, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It begins.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody can tell.
    Info,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// A client, one operation at a time.
    Client(u64),
    /// Somebody else, such as the one who brings the faults.
    Other,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Function {
    /// Values were sent.
    Send(Vec<Step>),
    /// Values were read.
    Poll(Vec<Step>),
    /// Both, at once.
    Txn(Vec<Step>),
    /// The process reads these keys from here on, of its own choice.
    Assign(Vec<Atom>),
    /// The process reads what its group gives it.
    Subscribe(Vec<Atom>),
    /// Something that nobody judges.
    Other,
}

/// One step of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A value was sent.
    Send {
        /// The key: a partition.
        key: Atom,
        /// Where it lies, if the sender knows.
        offset: Option<u64>,
        /// The value, unique in its key.
        value: Atom,
    },
    /// Values were returned: for each key, in order, with their offsets.
    Poll(Vec<(Atom, Vec<Placed>)>),
}

/// A value with its offset, if that is known.
pub type Placed = (Option<u64>, Atom);

/// Values by key, in order.
pub(super) type ByKey<'h> = BTreeMap<&'h Atom, Vec<&'h Atom>>;

impl Operation {
    /// Returns the steps of a send, a poll or a transaction.
    pub fn steps(&self) -> &[Step] {
        match &self.function {
            Function::Send(steps) | Function::Poll(steps) | Function::Txn(steps) => steps,
            Function::Assign(_) | Function::Subscribe(_) | Function::Other => &[],
        }
    }

    /// Says whether it sends or reads.
    pub fn is_transactional(&self) -> bool {
        match self.function {
            Function::Send(_) | Function::Poll(_) | Function::Txn(_) => true,
            Function::Assign(_) | Function::Subscribe(_) | Function::Other => false,
        }
    }

    /// Returns the values sent, by key.
    pub(super) fn writes(&self) -> ByKey<'_> {
        let mut writes = ByKey::new();
        if let Function::Send(steps) | Function::Txn(steps) = &self.function {
            for step in steps {
                if let Step::Send { key, value, .. } = step {
                    writes.entry(key).or_default().push(value);
                }
            }
        }
        writes
    }

    /// Returns the values read, by key; a key may have none.
    pub(super) fn reads(&self) -> ByKey<'_> {
        let mut reads = ByKey::new();
        if let Function::Poll(steps) | Function::Txn(steps) = &self.function {
            for step in steps {
                let Step::Poll(keys) = step else { continue };
                for (key, pairs) in keys {
                    reads.entry(key).or_default().extend(pairs.iter().map(|(_, value)| value));
                }
            }
        }
        reads
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Number(number) => write!(f, "{number}"),
            Atom::Text(text) => f.write_str(text),
        }
    }
}
