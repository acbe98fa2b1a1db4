//! The world's events in order of (time, kind, sender, receiver, ordinal): by identity,
//! never by the luck of insertion.

use std::cmp::{Ordering, Reverse};
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

/// When an event happens and where it stands among simultaneous ones: its time (64 bits), kind
/// (4), sender (14), receiver (14) and ordinal (32) as one number, so that two are compared at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u128);

/// Computers that fit into a key.
pub(crate) const PLACES_MAX: usize = 1 << 14;

impl Key {
    /// Behind every event.
    const NEVER: Key = Key(u128::MAX);

    /// Makes the key of an event that goes from one computer to another.
    pub(crate) fn new(at: Time, kind: Kind, from: Place, to: Place, ordinal: u32) -> Key {
        let order = (kind as u64) << 60
            | u64::from(from.0) << 46
            | u64::from(to.0) << 32
            | u64::from(ordinal);
        Key(u128::from(at.0) << 64 | u128::from(order))
    }

    /// Makes the key of an event of one computer alone.
    pub(crate) fn own(at: Time, kind: Kind, place: Place) -> Key {
        Key::new(at, kind, place, place, 0)
    }

    /// Makes the key of an event of the script.
    pub(crate) fn script(at: Time, kind: Kind, ordinal: usize) -> Key {
        Key::new(at, kind, Place(0), Place(0), ordinal as u32)
    }

    /// Returns when.
    pub(crate) fn at(self) -> Time {
        Time((self.0 >> 64) as u64)
    }

    /// Returns the kind.
    pub(crate) fn kind(self) -> Kind {
        KINDS[(self.0 >> 60) as usize & 0xf]
    }

    /// Returns the receiver.
    pub(crate) fn to(self) -> Place {
        Place((self.0 >> 32) as u16 & 0x3fff)
    }

    /// Returns the ordinal.
    pub(crate) fn ordinal(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}

/// An event in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scheduled {
    key: Key,
    /// Where its packet lies.
    slot: u32,
}

impl Ord for Scheduled {
    // No two events have the same key.
    fn cmp(&self, other: &Scheduled) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Scheduled) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The events to come. Keys are small and sorted; packets lie in a slab beside them.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    /// When computers go on by themselves.
    pub(crate) alarms: Alarms,
    heap: BinaryHeap<Reverse<Scheduled>>,
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
        self.heap.push(Reverse(Scheduled { key, slot: NO_PACKET }));
    }

    /// Adds the arrival of a packet.
    pub(crate) fn push_packet(&mut self, key: Key, packet: Packet) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.packets.push(None);
            self.packets.len() as u32 - 1
        });
        self.packets[slot as usize] = Some(packet);
        self.heap.push(Reverse(Scheduled { key, slot }));
    }

    /// Returns when the next event happens; `Time::MAX` is never.
    pub(crate) fn next_at(&self) -> Time {
        self.next_scheduled().at().min(self.alarms.next_at())
    }

    fn next_scheduled(&self) -> Key {
        self.heap.peek().map_or(Key::NEVER, |Reverse(next)| next.key)
    }

    /// Takes the next event, with its packet if it is an arrival. [`Alarms::settle`] must follow
    /// once it has happened.
    pub(crate) fn pop(&mut self) -> Option<(Key, Option<Packet>)> {
        let (alarm_at, scheduled) = (self.alarms.next_at(), self.next_scheduled());
        if alarm_at.min(scheduled.at()) == Time::MAX {
            return None;
        }
        if alarm_at <= scheduled.at() {
            let alarm = self.alarms.first();
            if alarm < scheduled {
                self.alarms.go_off(alarm);
                return Some((alarm, None));
            }
        }
        let Reverse(Scheduled { key, slot }) = self.heap.pop()?;
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
                    queue.alarms.set(kind, key.to(), Some(key.at()));
                }
                Kind::Phase | Kind::Step | Kind::Undo | Kind::Packet => queue.push(*key),
            }
        }
        std::iter::from_fn(|| {
            let next = queue.pop();
            queue.alarms.settle();
            next.map(|(key, _)| key)
        })
        .collect()
    }
}
