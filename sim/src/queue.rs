//! The world's events in order of (time, kind, sender, receiver, ordinal): by identity,
//! never by the luck of insertion.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::time::Time;

use crate::alarms::Alarms;
use crate::network::Packet;

/// A computer by its place in the world: the controller, brokers, clients, the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(crate) u16);

impl Place {
    /// Returns it as an index.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What kind of event; simultaneous ones happen in this order. A message that arrives at the
/// very moment of its timeout is in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A phase of the trial begins; the ordinal says which.
    Phase,
    /// A step fires; the ordinal says which.
    Step,
    /// A step is undone; the ordinal says which.
    Undo,
    /// A packet arrives.
    Packet,
    /// What waited for a disk leaves.
    Departure,
    /// A process wanted to be woken.
    Deadline,
    /// An application goes on.
    Application,
}

const KINDS: [Kind; 7] = [
    Kind::Phase,
    Kind::Step,
    Kind::Undo,
    Kind::Packet,
    Kind::Departure,
    Kind::Deadline,
    Kind::Application,
];

/// When an event happens and where it stands among simultaneous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// When.
    pub(crate) at: Time,
    /// Kind (4 bits), sender (14), receiver (14), ordinal (32).
    order: u64,
}

/// Computers that fit into a key.
pub(crate) const PLACES_MAX: usize = 1 << 14;

impl Key {
    /// Makes the key of an event that goes from one computer to another.
    pub(crate) fn new(at: Time, kind: Kind, from: Place, to: Place, ordinal: u32) -> Key {
        let order = (kind as u64) << 60
            | u64::from(from.0) << 46
            | u64::from(to.0) << 32
            | u64::from(ordinal);
        Key { at, order }
    }

    /// Makes the key of an event of one computer alone.
    pub(crate) fn own(at: Time, kind: Kind, place: Place) -> Key {
        Key::new(at, kind, place, place, 0)
    }

    /// Makes the key of an event of the script.
    pub(crate) fn script(at: Time, kind: Kind, ordinal: usize) -> Key {
        Key::new(at, kind, Place(0), Place(0), ordinal as u32)
    }

    /// Returns the kind.
    pub(crate) fn kind(self) -> Kind {
        KINDS[(self.order >> 60) as usize]
    }

    /// Returns the receiver.
    pub(crate) fn to(self) -> Place {
        Place((self.order >> 32) as u16 & 0x3fff)
    }

    /// Returns the ordinal.
    pub(crate) fn ordinal(self) -> usize {
        (self.order & 0xffff_ffff) as usize
    }
}

/// The events to come. Keys are small and sorted; packets lie in a slab beside them.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    /// When computers go on by themselves.
    pub(crate) alarms: Alarms,
    heap: BinaryHeap<Reverse<(Key, u32)>>,
    packets: Vec<Option<Packet>>,
    /// Empty places of `packets`.
    free: Vec<u32>,
}

/// Stands for "no packet" in the heap.
const NO_PACKET: u32 = u32::MAX;

impl Queue {
    /// Makes the queue of a world with so many computers.
    pub(crate) fn new(places: usize) -> Queue {
        let alarms = Alarms::new(places);
        Queue { alarms, heap: BinaryHeap::new(), packets: Vec::new(), free: Vec::new() }
    }

    /// Adds an event of the script.
    pub(crate) fn push(&mut self, key: Key) {
        self.heap.push(Reverse((key, NO_PACKET)));
    }

    /// Adds the arrival of a packet.
    pub(crate) fn push_packet(&mut self, key: Key, packet: Packet) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.packets.push(None);
            self.packets.len() as u32 - 1
        });
        self.packets[slot as usize] = Some(packet);
        self.heap.push(Reverse((key, slot)));
    }

    /// Returns when the next event happens; `Time::MAX` is never.
    pub(crate) fn next_at(&self) -> Time {
        self.heap.peek().map_or(Time::MAX, |Reverse((key, _))| key.at).min(self.alarms.next_at())
    }

    /// Takes the next event, with its packet if it is an arrival.
    pub(crate) fn pop(&mut self) -> Option<(Key, Option<Packet>)> {
        let at = self.next_at();
        if at == Time::MAX {
            return None;
        }
        if self.alarms.next_at() == at {
            let alarm = self.alarms.first();
            if self.heap.peek().is_none_or(|Reverse((key, _))| alarm < *key) {
                self.alarms.set(alarm.kind(), alarm.to(), None);
                return Some((alarm, None));
            }
        }
        let Reverse((key, slot)) = self.heap.pop()?;
        if slot == NO_PACKET {
            return Some((key, None));
        }
        self.free.push(slot);
        Some((key, self.packets[slot as usize].take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_depend_on_insertion() {
        let keys = [
            Key::new(Time(5), Kind::Packet, Place(1), Place(2), 7),
            Key::new(Time(5), Kind::Packet, Place(1), Place(2), 6),
            Key::new(Time(5), Kind::Packet, Place(1), Place(0), 9),
            Key::new(Time(5), Kind::Packet, Place(0), Place(9), 9),
            Key::own(Time(5), Kind::Deadline, Place(1)),
            Key::own(Time(5), Kind::Deadline, Place(0)),
            Key::own(Time(5), Kind::Application, Place(0)),
            Key::script(Time(5), Kind::Step, 3),
            Key::script(Time(5), Kind::Phase, 1),
            Key::own(Time(4), Kind::Application, Place(3)),
        ];

        let forward = drained(keys.iter());
        let backward = drained(keys.iter().rev());

        assert_eq!(forward, backward);
        assert!(forward.is_sorted());
        assert_eq!(forward.len(), keys.len());
    }

    #[test]
    fn a_key_gives_back_what_it_was_made_of() {
        let key = Key::new(Time(9), Kind::Departure, Place(16_383), Place(12_345), u32::MAX);

        assert_eq!(key.kind(), Kind::Departure);
        assert_eq!(key.to(), Place(12_345));
        assert_eq!(key.ordinal(), u32::MAX as usize);
    }

    fn drained<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<Key> {
        let mut queue = Queue::new(4);
        for key in keys {
            match key.kind() {
                kind @ (Kind::Departure | Kind::Deadline | Kind::Application) => {
                    queue.alarms.set(kind, key.to(), Some(key.at));
                }
                Kind::Phase | Kind::Step | Kind::Undo | Kind::Packet => queue.push(*key),
            }
        }
        std::iter::from_fn(|| queue.pop().map(|(key, _)| key)).collect()
    }
}
