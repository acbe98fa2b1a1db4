//! Which batches never reached the broker that they were sent to.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::Uid;

use super::{FactKind, Trace};

impl Trace {
    /// Returns the entries of sendings of a partition that no broker ever handled.
    pub(crate) fn lost_sends(&self, partition: usize) -> BTreeSet<usize> {
        let mut pending: BTreeMap<(Uid, i64), Vec<usize>> = BTreeMap::new();
        for fact in self.facts.iter().filter(|fact| fact.place() == Some(partition)) {
            let (records, handled_by) = match (fact.kind, fact.other) {
                (FactKind::Sent, _) => (self.sending(fact.value), None),
                (FactKind::Append, 1) => {
                    (self.batches[fact.value as usize].records.as_slice(), Some(fact.actor))
                }
                (FactKind::Repeat | FactKind::Refuse, _) => {
                    (self.sending(fact.more), Some(fact.actor))
                }
                _ => continue,
            };
            let Some(&first) = records.first() else { continue };
            match handled_by {
                None => pending.entry((first, fact.peer)).or_default().push(fact.entry),
                // Of several attempts the last one is likeliest to have arrived.
                Some(broker) => {
                    if let Some(sent) = pending.get_mut(&(first, broker)) {
                        sent.pop();
                    }
                }
            }
        }
        pending.into_values().flatten().collect()
    }
}
