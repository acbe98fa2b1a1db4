//! What processes do to the network and the disk, and what reaches them.

use std::ops::ControlFlow;

use model::ids::ConnectionId;
use model::message::Message;
use model::time::{Duration, Time};
use model::turn::{ConnectionEvent, Effect};

use crate::history::{Fault, RuleFate};
use crate::network::{EndState, Handle, Heading, Load, Packet, Side};
use crate::nodes::{Departure, Inbound, Power, State};
use crate::plan::MessageFate;
use crate::queue::{Kind, Place};
use crate::rules;
use crate::world::{World, disk_stream};

impl World {
    // -- Effects --

    /// Does what a process asked for; breaks off if its process ends with that.
    pub(crate) fn carry_out(
        &mut self,
        place: Place,
        effect: Effect,
        leaves: &mut Time,
    ) -> ControlFlow<()> {
        match effect {
            Effect::Connect(id) => {
                let server = self.place(id.server);
                let handle = self.network.open(id, place, server);
                let heading = self.network.connection(handle).heading(Side::Server);
                self.depart(heading, Load::Syn { repeats: 0 }, *leaves);
            }
            Effect::Send(id, message) => {
                let handle = self.handle(id);
                let side = self.side(handle, place);
                let connection = self.network.find(handle);
                let connection = connection.filter(|it| it.end(side).state == EndState::Open);
                if let Some(connection) = connection {
                    let heading = connection.heading(side.other());
                    self.depart(heading, Load::Message(message), *leaves);
                }
            }
            Effect::Close(id) => {
                let handle = self.handle(id);
                let side = self.side(handle, place);
                let connection = self.network.find_mut(handle);
                let connection = connection.filter(|it| it.end(side).state != EndState::Closed);
                if let Some(connection) = connection {
                    connection.end_mut(side).state = EndState::Closed;
                    let heading = connection.heading(side.other());
                    self.depart(heading, Load::Closed, *leaves);
                }
            }
            Effect::Disk(work) => {
                let (seed, now) = (self.plan.seed, self.now);
                let computer = self.computer_mut(place);
                let id = computer.id;
                *leaves = computer.disk.work(work, now, seed, || disk_stream(id));
            }
            Effect::Return(returned) => return self.on_returned(place, returned),
            Effect::Exit => {
                self.exit(place);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn handle(&self, id: ConnectionId) -> Handle {
        Handle { client: self.place(id.client), ordinal: id.ordinal }
    }

    fn side(&self, handle: Handle, place: Place) -> Side {
        if handle.client == place { Side::Client } else { Side::Server }
    }

    /// Sends something at `leaves`, and not before what left earlier on this connection.
    fn depart(&mut self, heading: Heading, load: Load, leaves: Time) {
        let (from, _) = heading.route;
        let end = self.network.connection_mut(heading.connection).end_mut(heading.to.other());
        if leaves <= self.now && end.departing == 0 {
            self.put_on_wire(heading, load);
            return;
        }
        end.departing += 1;
        let departures = &mut self.computers[from.index()].departures;
        let at = departures.back().map_or(leaves, |last| last.at.max(leaves));
        if departures.is_empty() {
            self.queue.alarms.set(Kind::Departure, from, Some(at));
        }
        departures.push_back(Departure { at, heading, load });
    }

    /// Sends what the disk has let go, unless the process is frozen.
    pub(crate) fn on_departure(&mut self, place: Place) {
        let now = self.now;
        if !self.computer(place).is_up() {
            return;
        }
        let is_due = |next: &Departure| next.at <= now;
        while self.computer(place).departures.front().is_some_and(is_due) {
            let Some(next) = self.computer_mut(place).departures.pop_front() else { return };
            let Heading { connection, to, .. } = next.heading;
            self.network.connection_mut(connection).end_mut(to.other()).departing -= 1;
            self.put_on_wire(next.heading, next.load);
        }
        let next = self.computer(place).departures.front().map(|next| next.at);
        self.queue.alarms.set(Kind::Departure, place, next);
    }

    pub(crate) fn put_on_wire(&mut self, heading: Heading, load: Load) {
        let mut late = Duration::ZERO;
        let mut packet = Packet::new(heading, self.now, load);
        if let Load::Message(message) = &packet.load {
            self.messages += 1;
            let (from, to) = packet.route;
            let ends = (self.id(from), self.id(to));
            packet.flight = self.flights.leaves(message, ends, self.now, self.ledger.count());
            if !self.rules.is_empty() {
                match self.apply_rules(&packet, message) {
                    Some(MessageFate::Drop) => return,
                    Some(MessageFate::Hold) => return self.network.hold(packet),
                    Some(MessageFate::Delay(by)) => late = by,
                    None => {}
                }
            }
        }
        self.network.send(packet, late, &mut self.queue);
    }

    fn apply_rules(&mut self, packet: &Packet, message: &Message) -> Option<MessageFate> {
        let (from, to) = packet.route;
        let kind = message.kind();
        let (step, fate) = rules::apply(&mut self.rules, kind, (from, to), self.plan.seed)?;
        self.script.rule_applied(step);
        let (from, to) = (self.id(from), self.id(to));
        let seen = match fate {
            MessageFate::Drop => RuleFate::Dropped,
            MessageFate::Hold => RuleFate::Held,
            MessageFate::Delay(by) => RuleFate::Delayed(by),
        };
        self.note_fault(Fault::RuleApplied { step, kind, from, to, fate: seen });
        Some(fate)
    }

    // -- Arrivals --

    pub(crate) fn on_packet(&mut self, packet: Packet) {
        let Some(packet) = self.network.arrive(packet, self.now, &mut self.queue) else { return };
        let handle = packet.connection;
        self.take_off_wire(packet);
        self.network.forget_if_over(handle);
    }

    fn take_off_wire(&mut self, packet: Packet) {
        let (handle, to) = (packet.connection, packet.to);
        let place = packet.route.1;
        if self.computer(place).power == Power::Off {
            self.swallow(packet);
            return;
        }
        let is_listening = self.computer(place).process().is_some();
        let connection = self.network.connection_mut(handle);
        let (id, back) = (connection.id, connection.heading(to.other()));
        let end = connection.end_mut(to);
        match (packet.load, end.state) {
            (Load::Syn { .. }, EndState::Opening) if is_listening => {
                end.state = EndState::Open;
                self.put_on_wire(back, Load::Accepted);
            }
            (Load::Syn { .. }, _) => self.put_on_wire(back, Load::Refused),
            (Load::Accepted, EndState::Opening) => {
                end.state = EndState::Open;
                self.deliver(place, Inbound::Event(id, ConnectionEvent::Opened));
            }
            (Load::Refused, EndState::Opening) => {
                end.state = EndState::Closed;
                self.deliver(place, Inbound::Event(id, ConnectionEvent::Refused));
            }
            (Load::Message(message), EndState::Open) => {
                self.flights.arrives(packet.flight, self.now);
                self.deliver(place, Inbound::Message(id, message));
            }
            (Load::Closed, EndState::Open | EndState::Opening) => {
                end.state = EndState::Closed;
                if to == Side::Client || is_listening {
                    self.deliver(place, Inbound::Event(id, ConnectionEvent::Closed));
                }
            }
            // The other end is told that nobody is here any more.
            (Load::Accepted | Load::Message(_), EndState::Closed) => {
                self.put_on_wire(back, Load::Closed);
            }
            (Load::Accepted | Load::Refused | Load::Closed | Load::Message(_), _) => {}
        }
    }

    /// A host without power answers nothing; TCP at the other end keeps trying.
    fn swallow(&mut self, packet: Packet) {
        let connection = self.network.connection_mut(packet.connection);
        match packet.load {
            Load::Syn { repeats } => {
                if connection.end(Side::Client).state == EndState::Opening {
                    self.network.repeat_syn(packet, repeats, &mut self.queue);
                }
            }
            Load::Message(_) | Load::Closed => {
                connection.end_mut(packet.to).unanswered_since.get_or_insert(packet.left);
            }
            Load::Accepted | Load::Refused => {}
        }
    }

    fn deliver(&mut self, place: Place, inbound: Inbound) {
        match &mut self.computer_mut(place).state {
            State::Up(_) => {
                self.turn(place, |process, turn| process.take_in(inbound, turn));
            }
            State::Paused(_, inbox) => inbox.push_back(inbound),
            State::Unborn | State::Down(_) => {}
        }
    }
}
