//! Where the replicas of a topic go when the operator does not say: striped over racks and
//! brokers, from a random start.
//!
//! Source: `StripedReplicaPlacer`, Kafka 4.0. Draws come in order of the rack's name, where
//! Kafka has the order of a hash map.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::BrokerId;
use crate::message::ErrorCode;

/// A broker that may be given replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableBroker {
    /// The broker.
    pub id: BrokerId,
    /// Its rack; brokers without one share a rack of their own.
    pub rack: Option<Arc<str>>,
    /// It gets replicas only where no live broker is left, and never leads.
    pub fenced: bool,
}

/// How many partitions and replicas are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Partitions.
    pub partitions: u16,
    /// Replicas of each.
    pub replicas: u16,
}

/// Places the replicas of each partition, the preferred leader first. `draw(n)` draws from 0
/// to `n` - 1.
///
/// # Errors
/// `INVALID_REPLICATION_FACTOR` if no replicas are wanted, more than there are brokers, or
/// every broker is fenced.
///
/// Source: `StripedReplicaPlacer.place`, Kafka 4.0.
pub fn place(
    brokers: &[UsableBroker],
    demand: Demand,
    draw: &mut dyn FnMut(usize) -> usize,
) -> Result<Vec<Vec<BrokerId>>, ErrorCode> {
    let replicas = usize::from(demand.replicas);
    let unfenced = brokers.iter().filter(|broker| !broker.fenced).count();
    if replicas == 0 || brokers.len() < replicas || unfenced == 0 {
        return Err(ErrorCode::InvalidReplicationFactor);
    }
    let mut racks = Racks::new(brokers, draw);
    Ok((0..demand.partitions).map(|_| racks.place(replicas, draw)).collect())
}

/// Brokers in a ring whose start moves on by one from epoch to epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    brokers: Vec<BrokerId>,
    epoch: usize,
    taken: usize,
    start: usize,
}

impl Ring {
    /// Makes a ring of `brokers` that starts with the one at `start`.
    pub fn new(brokers: Vec<BrokerId>, start: usize) -> Ring {
        Ring { brokers, epoch: 0, taken: 0, start }
    }

    /// Returns the next broker that `epoch` has not had, or `None` after a whole round.
    ///
    /// Source: `StripedReplicaPlacer.BrokerList.next`, Kafka 4.0.
    pub fn next(&mut self, epoch: usize) -> Option<BrokerId> {
        let size = self.brokers.len();
        if size == 0 {
            return None;
        }
        if self.epoch != epoch {
            self.epoch = epoch;
            self.taken = 0;
            self.start = (self.start + 1) % size;
        }
        if size <= self.taken {
            return None;
        }
        let broker = self.brokers[(self.taken + self.start) % size];
        self.taken += 1;
        Some(broker)
    }
}

#[derive(Clone, Debug, Default)]
struct Rack {
    fenced: Ring,
    unfenced: Ring,
}

impl Rack {
    fn next(&mut self, epoch: usize) -> Option<BrokerId> {
        self.unfenced.next(epoch).or_else(|| self.fenced.next(epoch))
    }
}

struct Racks {
    /// By name; the order in which they are drawn for and shuffled.
    racks: Vec<Rack>,
    /// The order in which partitions go round: places in `racks`.
    round: Vec<usize>,
    unfenced: usize,
    epoch: usize,
    offset: usize,
}

impl Racks {
    fn new(brokers: &[UsableBroker], draw: &mut dyn FnMut(usize) -> usize) -> Racks {
        let mut by_name: BTreeMap<&Option<Arc<str>>, Rack> = BTreeMap::new();
        for broker in brokers {
            let rack = by_name.entry(&broker.rack).or_default();
            let ring = if broker.fenced { &mut rack.fenced } else { &mut rack.unfenced };
            ring.brokers.push(broker.id);
        }
        let mut racks: Vec<Rack> = by_name.into_values().collect();
        for ring in racks.iter_mut().flat_map(|rack| [&mut rack.fenced, &mut rack.unfenced]) {
            if !ring.brokers.is_empty() {
                ring.brokers.sort_unstable();
                ring.start = draw(ring.brokers.len());
            }
        }
        let offset = draw(racks.len());
        let unfenced = brokers.iter().filter(|broker| !broker.fenced).count();
        Racks { round: (0..racks.len()).collect(), racks, unfenced, epoch: 0, offset }
    }

    /// Source: `StripedReplicaPlacer.RackList.place`, Kafka 4.0.
    fn place(&mut self, replicas: usize, draw: &mut dyn FnMut(usize) -> usize) -> Vec<BrokerId> {
        // After as many partitions as there are live brokers the stripes would repeat.
        if self.epoch == self.unfenced && 1 < self.unfenced {
            self.shuffle(draw);
            self.epoch = 0;
        }
        self.offset %= self.round.len();
        let (leaders_rack, leader) = self.next_leader();
        let mut placed = vec![leader];
        // The leader's rack misses its first turn.
        let mut skipped = Some(leaders_rack);
        let mut place = self.offset;
        while placed.len() < replicas {
            if skipped == Some(place) {
                skipped = None;
            } else {
                placed.extend(self.racks[self.round[place]].next(self.epoch));
            }
            place = (place + 1) % self.round.len();
        }
        self.epoch += 1;
        self.offset += 1;
        placed
    }

    fn next_leader(&mut self) -> (usize, BrokerId) {
        let racks = self.round.len();
        (0..racks)
            .map(|step| (self.offset + step) % racks)
            .find_map(|place| {
                let leader = self.racks[self.round[place]].unfenced.next(self.epoch)?;
                Some((place, leader))
            })
            .expect("each epoch offers every live broker, and it has had fewer partitions")
    }

    fn shuffle(&mut self, draw: &mut dyn FnMut(usize) -> usize) {
        shuffle(&mut self.round, draw);
        for rack in &mut self.racks {
            shuffle(&mut rack.fenced.brokers, draw);
            shuffle(&mut rack.unfenced.brokers, draw);
        }
    }
}

fn shuffle<T>(items: &mut [T], draw: &mut dyn FnMut(usize) -> usize) {
    for last in (1..items.len()).rev() {
        items.swap(last, draw(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_demands_are_refused() {
        let cases = [
            // (unfenced, fenced, replicas, accepted)
            (0, 2, 1, false),
            (2, 0, 3, false),
            (2, 0, 0, false),
            (0, 0, 1, false),
            (1, 1, 2, true),
        ];
        for (unfenced, fenced, replicas, is_accepted) in cases {
            let brokers: Vec<UsableBroker> = (1..=unfenced + fenced)
                .map(|id| UsableBroker { id: BrokerId(id), rack: None, fenced: unfenced < id })
                .collect();

            let placed = place(&brokers, Demand { partitions: 3, replicas }, &mut |_| 0);

            assert_eq!(placed.is_ok(), is_accepted, "{unfenced} {fenced} {replicas}");
        }
    }

    #[test]
    fn a_fenced_broker_comes_last() {
        let broker = |id, fenced| UsableBroker { id: BrokerId(id), rack: None, fenced };
        let brokers = [broker(1, true), broker(2, false)];

        let placed = place(&brokers, Demand { partitions: 2, replicas: 2 }, &mut |_| 0);

        assert_eq!(placed, Ok(vec![vec![BrokerId(2), BrokerId(1)]; 2]));
    }
}
