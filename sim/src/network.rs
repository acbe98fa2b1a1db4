//! Connections over links: in order, nothing lost, nothing twice. What a fault does is
//! delay, stall, reset or refuse.
//!
//! Simplified: a cut one way stalls the data that goes that way and nothing else. TCP would
//! soon stall the other way as well, because its acknowledgements are data of the first one;
//! but what has been received has been received, and that is what a lesson sees.

mod link;

use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;

use model::ids::ConnectionId;
use model::message::Message;
use model::time::{Duration, Time};

use crate::flights::FlightNumber;
use crate::network::link::{Link, Medium};
use crate::plan::{InFlight, NetworkPlan, Shape};
use crate::queue::{Place, Queue};

/// TCP's first retransmission timeout; it doubles.
const DATA_TIMEOUT: Duration = Duration::from_millis(200);
/// The same for a connection attempt.
const SYN_TIMEOUT: Duration = Duration::from_secs(1);
/// TCP's longest retransmission timeout.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// Why a look-up of a connection cannot fail.
const OVER: &str = "nothing refers to a connection that is over";

/// A connection by the end that opened it and the ordinal there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub(crate) client: Place,
    pub(crate) ordinal: u32,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(crate) fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// Something on its way to one end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) connection: Handle,
    pub(crate) to: Side,
    /// From which computer to which: the ends of the connection.
    pub(crate) route: (Place, Place),
    /// When it was put on the wire, last.
    pub(crate) left: Time,
    pub(crate) load: Load,
    pub(crate) flight: FlightNumber,
}

/// Where something goes: to one end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heading {
    pub(crate) connection: Handle,
    pub(crate) to: Side,
    pub(crate) route: (Place, Place),
}

impl Packet {
    /// Makes a packet that is put on the wire at `left`.
    pub(crate) fn new(heading: Heading, left: Time, load: Load) -> Packet {
        let Heading { connection, to, route } = heading;
        Packet { connection, to, route, left, load, flight: FlightNumber::default() }
    }
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Load {
    /// "May I connect?", for the how-many-eth time after the first.
    Syn { repeats: u32 },
    /// "You are connected."
    Accepted,
    /// "Nobody listens here."
    Refused,
    /// A message of the protocol; boxed, because packets are moved a lot.
    Message(Box<Message>),
    /// "I have closed this", or "I know nothing of this".
    Closed,
}

/// How an end of a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndState {
    /// Not yet connected.
    Opening,
    Open,
    Closed,
}

/// One end of a connection; times and marks are about what is on its way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) state: EndState,
    /// Nothing may arrive before this: TCP keeps the order.
    in_order_from: Time,
    /// Since when TCP has been repeating what a cut stopped.
    stalled_since: Option<Time>,
    /// Since when TCP has been repeating what a host without power did not answer.
    pub(crate) unanswered_since: Option<Time>,
    /// A rule holds a message for this end; all others wait behind it.
    is_held: bool,
    /// What waits for this end's own disk before it leaves.
    pub(crate) departing: u32,
}

impl End {
    /// Returns when something is there that would be there at `arrival` if nothing went before it.
    fn in_order(&mut self, arrival: Time) -> Time {
        self.in_order_from = self.in_order_from.max(arrival);
        self.in_order_from
    }
}

const NEW_END: End = End {
    state: EndState::Opening,
    in_order_from: Time::ZERO,
    stalled_since: None,
    unanswered_since: None,
    is_held: false,
    departing: 0,
};

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) client: Place,
    pub(crate) server: Place,
    ends: [End; 2],
    /// Packets on their way to one of the ends, held ones and parked ones included.
    travelling: u32,
}

impl Connection {
    pub(crate) fn place(&self, side: Side) -> Place {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// Returns the way to one end.
    pub(crate) fn heading(&self, to: Side) -> Heading {
        let connection = Handle { client: self.client, ordinal: self.id.ordinal };
        Heading { connection, to, route: (self.place(to.other()), self.place(to)) }
    }

    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[side as usize]
    }

    pub(crate) fn end_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    /// Says whether nothing can ever happen on it again: its client has closed it, its server
    /// has closed it or never got to know it, and nothing is left that could reach one of them.
    fn is_over(&self) -> bool {
        let is_still = |end: &End| end.departing == 0 && end.unanswered_since.is_none();
        self.travelling == 0
            && self.end(Side::Client).state == EndState::Closed
            && self.end(Side::Server).state != EndState::Open
            && self.ends.iter().all(is_still)
    }
}

/// The connections that one computer has opened and that are not over.
#[derive(Clone, Debug, Default)]
struct Opened {
    /// The ordinal of the first place in the list.
    first: u32,
    /// By ordinal from there on; empty where a connection is over.
    ///
    /// Invariant: the first place is not empty.
    list: VecDeque<Option<Box<Connection>>>,
}

impl Opened {
    fn get(&self, ordinal: u32) -> Option<&Connection> {
        self.list.get(ordinal.checked_sub(self.first)? as usize)?.as_deref()
    }

    fn get_mut(&mut self, ordinal: u32) -> Option<&mut Connection> {
        self.list.get_mut(ordinal.checked_sub(self.first)? as usize)?.as_deref_mut()
    }

    fn push(&mut self, connection: Connection) {
        let ordinal = connection.id.ordinal;
        if self.list.is_empty() {
            self.first = ordinal;
        }
        // What a process asks for after its end is not done, but counted.
        let skipped = ((ordinal - self.first) as usize).checked_sub(self.list.len());
        let skipped = skipped.expect("connections are opened in order");
        self.list.extend(iter::repeat_with(|| None).take(skipped));
        self.list.push_back(Some(Box::new(connection)));
    }

    fn remove(&mut self, ordinal: u32) {
        self.list[(ordinal - self.first) as usize] = None;
        while let Some(None) = self.list.front() {
            self.list.pop_front();
            self.first += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.list.iter().filter_map(|it| it.as_deref())
    }
}

/// All links and connections.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    medium: Medium,
    in_flight: InFlight,
    /// From `a` to `b` at `a * computers + b`.
    links: Vec<Link>,
    /// By the place that opened them.
    connections: Vec<Opened>,
    /// What rules hold, in order.
    held: Vec<Packet>,
}

impl Network {
    /// Draws what comes from another seed's streams.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.medium.seed = seed;
    }

    /// Makes the network between the computers called `names`.
    pub(crate) fn new(seed: u64, names: Vec<Arc<str>>, plan: &NetworkPlan) -> Network {
        let medium = Medium {
            seed,
            names,
            bandwidth: plan.bandwidth,
            loss_millionths: plan.loss_millionths,
        };
        let count = medium.names.len();
        Network {
            medium,
            in_flight: plan.in_flight,
            links: vec![Link::new(plan.latency); count * count],
            connections: vec![Opened::default(); count],
            held: Vec::new(),
        }
    }

    /// Sets the usual latency between two computers, both ways.
    pub(crate) fn set_usual(&mut self, a: Place, b: Place, latency: Shape) {
        self.link_mut(a, b).usual = latency;
        self.link_mut(b, a).usual = latency;
    }

    /// Gives a link another latency than usual.
    pub(crate) fn slow(&mut self, from: Place, to: Place, latency: Shape) {
        self.link_mut(from, to).slow = Some(latency);
    }

    /// Gives a link its usual latency; says whether it had another one.
    pub(crate) fn unslow(&mut self, from: Place, to: Place) -> bool {
        self.link_mut(from, to).slow.take().is_some()
    }

    /// Registers a connection that `client` opens.
    pub(crate) fn open(&mut self, id: ConnectionId, client: Place, server: Place) -> Handle {
        let connection = Connection { id, client, server, ends: [NEW_END; 2], travelling: 0 };
        self.connections[client.index()].push(connection);
        Handle { client, ordinal: id.ordinal }
    }

    /// Returns a connection that is not over.
    ///
    /// # Panics
    /// If it is over.
    pub(crate) fn connection(&self, handle: Handle) -> &Connection {
        self.find(handle).expect(OVER)
    }

    /// Returns a connection that is not over, to be changed.
    ///
    /// # Panics
    /// If it is over.
    pub(crate) fn connection_mut(&mut self, handle: Handle) -> &mut Connection {
        self.find_mut(handle).expect(OVER)
    }

    /// Returns a connection, unless it is over.
    pub(crate) fn find(&self, handle: Handle) -> Option<&Connection> {
        self.connections[handle.client.index()].get(handle.ordinal)
    }

    /// Returns a connection to be changed, unless it is over.
    pub(crate) fn find_mut(&mut self, handle: Handle) -> Option<&mut Connection> {
        self.connections[handle.client.index()].get_mut(handle.ordinal)
    }

    /// Frees a connection if it is over.
    pub(crate) fn forget_if_over(&mut self, handle: Handle) {
        if self.find(handle).is_some_and(Connection::is_over) {
            self.connections[handle.client.index()].remove(handle.ordinal);
        }
    }

    /// Takes down that a packet has left the network.
    fn leaves(&mut self, packet: &Packet) {
        self.connection_mut(packet.connection).travelling -= 1;
    }

    /// Lists the connections that have an end at `place`, each with that end.
    pub(crate) fn ends_at(&self, place: Place) -> Vec<(Handle, Side)> {
        let all = self.connections.iter().flat_map(Opened::iter);
        all.filter_map(|connection| {
            let side = match (connection.client == place, connection.server == place) {
                (true, _) => Side::Client,
                (_, true) => Side::Server,
                _ => return None,
            };
            let handle = Handle { client: connection.client, ordinal: connection.id.ordinal };
            Some((handle, side))
        })
        .collect()
    }

    /// Lists all connections that are not over.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().flat_map(Opened::iter)
    }

    /// Puts a packet on the wire; `late` is a rule's delay.
    pub(crate) fn send(&mut self, packet: Packet, late: Duration, queue: &mut Queue) {
        let (connection, link, medium) = self.way(&packet);
        connection.travelling += 1;
        let end = connection.end_mut(packet.to);
        if end.is_held {
            self.held.push(packet);
            return;
        }
        if 0 < link.cuts {
            self.park(packet);
            return;
        }
        let arrival = link.travel(&packet, medium.bytes(&packet.load), medium) + late;
        let at = end.in_order(arrival);
        queue.push_packet(link.key(at, packet.route), packet);
    }

    /// Keeps a packet, and all that follow it on its connection, until [`Network::release`].
    pub(crate) fn hold(&mut self, packet: Packet) {
        let connection = self.connection_mut(packet.connection);
        connection.travelling += 1;
        connection.end_mut(packet.to).is_held = true;
        self.held.push(packet);
    }

    /// Lets go of what rules hold; returns how many messages that are.
    pub(crate) fn release(&mut self, now: Time, queue: &mut Queue) -> u32 {
        let held = std::mem::take(&mut self.held);
        for packet in &held {
            let connection = self.connection_mut(packet.connection);
            connection.travelling -= 1;
            connection.end_mut(packet.to).is_held = false;
        }
        let count = held.iter().filter(|packet| matches!(packet.load, Load::Message(_))).count();
        for mut packet in held {
            packet.left = now;
            self.send(packet, Duration::ZERO, queue);
        }
        count as u32
    }

    /// Cuts a link; says whether it was whole.
    pub(crate) fn cut(&mut self, from: Place, to: Place, now: Time) -> bool {
        let link = self.link_mut(from, to);
        link.cuts += 1;
        if link.cuts == 1 {
            link.cut_at = Some(now);
        }
        link.cuts == 1
    }

    /// Takes back one cut of a link, or all; says whether it is whole by that.
    pub(crate) fn heal(
        &mut self,
        from: Place,
        to: Place,
        cuts: Cuts,
        now: Time,
        queue: &mut Queue,
    ) -> bool {
        let link = self.link_mut(from, to);
        if link.cuts == 0 {
            return false;
        }
        link.cuts = match cuts {
            Cuts::One => link.cuts - 1,
            Cuts::All => 0,
        };
        if 0 < link.cuts {
            return false;
        }
        let parked = std::mem::take(&mut link.parked);
        let ends: Vec<_> = parked.iter().map(|packet| (packet.connection, packet.to)).collect();
        for packet in parked {
            self.repeat(packet, now, queue);
        }
        for (connection, to) in ends {
            self.connection_mut(connection).end_mut(to).stalled_since = None;
        }
        true
    }

    /// Takes in a packet at the end of its wire. Returns it if it arrives, though its link was
    /// cut meanwhile.
    pub(crate) fn arrive(
        &mut self,
        packet: Packet,
        now: Time,
        queue: &mut Queue,
    ) -> Option<Packet> {
        let (from, to) = packet.route;
        let link = self.link(from, to);
        if link.cut_at.is_none_or(|cut_at| cut_at <= packet.left) {
            self.leaves(&packet);
            return Some(packet);
        }
        match (self.in_flight, 0 < link.cuts) {
            (InFlight::Kept, _) | (InFlight::Jammed, false) => {
                self.leaves(&packet);
                Some(packet)
            }
            (InFlight::Jammed | InFlight::Dropped, true) => {
                self.park(packet);
                None
            }
            (InFlight::Dropped, false) => {
                self.repeat(packet, now, queue);
                None
            }
        }
    }

    /// Repeats a connection attempt that a host without power did not answer.
    pub(crate) fn repeat_syn(&mut self, packet: Packet, repeats: u32, queue: &mut Queue) {
        let wait = Duration(SYN_TIMEOUT.0 << repeats.min(6));
        let left = packet.left + wait.min(TIMEOUT_MAX);
        self.connection_mut(packet.connection).travelling += 1;
        let load = Load::Syn { repeats: repeats + 1 };
        self.schedule(Packet { left, load, ..packet }, queue);
    }

    /// Returns when a peer that has repeated itself since `since` next does so.
    pub(crate) fn next_repeat(since: Time, now: Time) -> Time {
        retransmission(since, now, DATA_TIMEOUT)
    }

    /// Sends a packet that overtakes everything on its connection.
    pub(crate) fn inject(&mut self, packet: Packet, at: Time, queue: &mut Queue) {
        let (connection, link, _) = self.way(&packet);
        connection.travelling += 1;
        queue.push_packet(link.key(at, packet.route), packet);
    }

    /// Sends what a cut stopped, at the first moment at which TCP tries again.
    fn repeat(&mut self, mut packet: Packet, now: Time, queue: &mut Queue) {
        let end = self.connection(packet.connection).end(packet.to);
        let since = end.stalled_since.unwrap_or(packet.left);
        let left = match (self.in_flight, &packet.load) {
            (InFlight::Jammed, _) if packet.left < now && self.was_in_flight(&packet) => now,
            (_, Load::Syn { .. }) => retransmission(since, now, SYN_TIMEOUT),
            _ => retransmission(since, now, DATA_TIMEOUT),
        };
        packet.left = left;
        self.schedule(packet, queue);
    }

    fn was_in_flight(&self, packet: &Packet) -> bool {
        let (from, to) = packet.route;
        self.link(from, to).cut_at.is_some_and(|cut_at| packet.left < cut_at)
    }

    fn park(&mut self, packet: Packet) {
        let (from, to) = packet.route;
        self.stall(&packet, packet.left);
        self.link_mut(from, to).parked.push(packet);
    }

    fn stall(&mut self, packet: &Packet, since: Time) {
        let end = self.connection_mut(packet.connection).end_mut(packet.to);
        end.stalled_since.get_or_insert(since);
    }

    /// Has a packet travel that TCP repeats.
    fn schedule(&mut self, packet: Packet, queue: &mut Queue) {
        let (connection, link, medium) = self.way(&packet);
        let arrival = link.travel(&packet, 0, medium);
        let at = connection.end_mut(packet.to).in_order(arrival);
        queue.push_packet(link.key(at, packet.route), packet);
    }

    /// Returns what a packet meets on its way: its connection, its link, and what is the same
    /// for all links.
    fn way(&mut self, packet: &Packet) -> (&mut Connection, &mut Link, &Medium) {
        let (from, to) = packet.route;
        let at = from.index() * self.connections.len() + to.index();
        let Handle { client, ordinal } = packet.connection;
        let connection = self.connections[client.index()].get_mut(ordinal).expect(OVER);
        (connection, &mut self.links[at], &self.medium)
    }

    /// Makes a packet that goes to one end of a connection.
    pub(crate) fn packet(&self, connection: Handle, to: Side, left: Time, load: Load) -> Packet {
        Packet::new(self.connection(connection).heading(to), left, load)
    }

    fn link(&self, from: Place, to: Place) -> &Link {
        &self.links[from.index() * self.connections.len() + to.index()]
    }

    fn link_mut(&mut self, from: Place, to: Place) -> &mut Link {
        &mut self.links[from.index() * self.connections.len() + to.index()]
    }
}

/// How many cuts of a link to take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cuts {
    One,
    All,
}

/// Returns the first moment, not before `now`, at which TCP repeats what it first sent at
/// `since`.
fn retransmission(since: Time, now: Time, first: Duration) -> Time {
    let (mut at, mut timeout) = (since + first, first);
    while at < now {
        timeout = Duration(2 * timeout.0).min(TIMEOUT_MAX);
        at += timeout;
    }
    at
}

#[cfg(test)]
mod tests;
