//! The simulated computers and the process that each runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::broker::{Broker, BrokerDisk};
use model::chance::Rng;
use model::client::admin::Admin;
use model::client::consumer::Consumer;
use model::client::producer::Producer;
use model::controller::{Controller, MetadataLog};
use model::ids::{ConnectionId, NodeId, Offset, TopicPartition};
use model::image::Image;
use model::message::Message;
use model::rules::Rules;
use model::time::Time;
use model::turn::{ConnectionEvent, Node, Outbox, Turn};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::network::{Heading, Load};
use crate::worker::Worker;

/// A computer: one process, one disk, one wall clock, one power supply.
#[derive(Clone, Debug)]
pub(crate) struct Computer {
    pub(crate) id: NodeId,
    pub(crate) name: Arc<str>,
    /// The rules that the world plays by.
    pub(crate) rules: Rules,
    pub(crate) state: State,
    pub(crate) power: Power,
    /// Lives so far.
    pub(crate) incarnation: u32,
    pub(crate) outbox: Outbox,
    pub(crate) rng: Rng,
    pub(crate) clock: Clock,
    pub(crate) disk: Disk,
    /// What waits for the disk before it leaves, in order.
    pub(crate) departures: VecDeque<Departure>,
    /// What a power cut certainly leaves, on a disk that is never flushed.
    pub(crate) on_platter: BTreeMap<TopicPartition, Offset>,
}

/// Whether a computer can answer at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Off,
}

/// Something that leaves when the disk is done.
#[derive(Clone, Debug)]
pub(crate) struct Departure {
    pub(crate) at: Time,
    pub(crate) heading: Heading,
    pub(crate) load: Load,
}

/// How a process stands.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// It has not been started yet.
    Unborn,
    Up(Box<Process>),
    /// Frozen, with what has arrived since.
    Paused(Box<Process>, VecDeque<Inbound>),
    /// Ended; this outlived it.
    Down(Remains),
}

/// Something that reaches a process through a connection.
#[derive(Clone, Debug)]
pub(crate) enum Inbound {
    Message(ConnectionId, Box<Message>),
    Event(ConnectionId, ConnectionEvent),
}

/// A process.
#[derive(Clone, Debug)]
pub(crate) enum Process {
    Controller(Controller),
    Broker(Box<Broker>),
    Producer(Producer),
    Consumer(Consumer),
    Worker(Box<Worker>),
    Admin(Admin),
}

/// What outlives a process.
#[derive(Clone, Debug)]
pub(crate) enum Remains {
    /// The metadata log, and what it adds up to.
    Controller(MetadataLog, Image),
    Broker(BrokerDisk),
    Nothing,
}

impl Process {
    fn node(&mut self) -> &mut dyn Node {
        match self {
            Process::Controller(node) => node,
            Process::Broker(node) => &mut **node,
            Process::Producer(node) => node,
            Process::Consumer(node) => node,
            Process::Worker(node) => node.as_mut(),
            Process::Admin(node) => node,
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        match self {
            Process::Controller(node) => node.next_deadline(),
            Process::Broker(node) => node.next_deadline(),
            Process::Producer(node) => node.next_deadline(),
            Process::Consumer(node) => node.next_deadline(),
            Process::Worker(node) => node.next_deadline(),
            Process::Admin(node) => node.next_deadline(),
        }
    }

    /// Tells the process what has reached it.
    pub(crate) fn take_in(&mut self, inbound: Inbound, turn: &mut Turn<'_>) {
        match inbound {
            Inbound::Message(connection, message) => {
                self.node().on_message(connection, *message, turn);
            }
            Inbound::Event(connection, event) => {
                self.node().on_connection(connection, event, turn);
            }
        }
    }

    pub(crate) fn on_start(&mut self, turn: &mut Turn<'_>) {
        self.node().on_start(turn);
    }

    pub(crate) fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        self.node().on_deadline(turn);
    }

    /// Returns the consumer in this process.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn consumer(&mut self) -> &mut Consumer {
        match self {
            Process::Consumer(consumer) => consumer,
            Process::Worker(worker) => &mut worker.consumer,
            _ => panic!("this process has no consumer"),
        }
    }

    /// Returns the producer in this process.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn producer(&mut self) -> &mut Producer {
        match self {
            Process::Producer(producer) => producer,
            Process::Worker(worker) => &mut worker.producer,
            _ => panic!("this process has no producer"),
        }
    }

    /// Ends the process: what is left.
    pub(crate) fn into_remains(self) -> Remains {
        match self {
            Process::Controller(controller) => {
                let image = controller.image().clone();
                Remains::Controller(controller.into_log(), image)
            }
            Process::Broker(broker) => Remains::Broker(broker.into_disk()),
            Process::Producer(_)
            | Process::Consumer(_)
            | Process::Worker(_)
            | Process::Admin(_) => Remains::Nothing,
        }
    }
}

impl Computer {
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    pub(crate) fn is_down(&self) -> bool {
        matches!(self.state, State::Down(_))
    }

    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.state, State::Paused(..))
    }

    /// Returns the process, running or frozen.
    pub(crate) fn process(&self) -> Option<&Process> {
        match &self.state {
            State::Up(process) | State::Paused(process, _) => Some(process),
            State::Unborn | State::Down(_) => None,
        }
    }

    /// Returns when the process wants to be woken; `None` while it is frozen.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        match &self.state {
            State::Up(process) => process.next_deadline(),
            State::Unborn | State::Paused(..) | State::Down(_) => None,
        }
    }

    /// Lets the process act, if it runs; returns what `act` returned.
    pub(crate) fn turn<T>(
        &mut self,
        now: Time,
        act: impl FnOnce(&mut Process, &mut Turn<'_>) -> T,
    ) -> Option<T> {
        let State::Up(process) = &mut self.state else { return None };
        let wall = self.clock.read(now);
        let rules = self.rules;
        let mut turn = Turn { now, wall, rules, rng: &mut self.rng, out: &mut self.outbox };
        Some(act(process, &mut turn))
    }

    /// Returns a partition's log, also that of a broker that is down.
    pub(crate) fn log(&self, partition: TopicPartition) -> Option<&model::log::Log> {
        match &self.state {
            State::Up(process) | State::Paused(process, _) => match process.as_ref() {
                Process::Broker(broker) => broker.log(partition),
                _ => None,
            },
            State::Down(Remains::Broker(disk)) => disk.logs.get(&partition),
            State::Unborn | State::Down(_) => None,
        }
    }
}
