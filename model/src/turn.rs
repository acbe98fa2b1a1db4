//! The only door between a machine and the world: events come in, effects go out.
//!
//! A machine is told one event at a time. Everything it may know of the outside is in its
//! [`Turn`]; everything it does to the outside goes through it.

use std::sync::Arc;

use crate::chance::Rng;
use crate::fact::{Callback, CommitError, CommitId, Fact};
use crate::ids::{ConnectionId, NodeId, Offset, TopicPartition, Uid};
use crate::log::batch::Batch;
use crate::message::Message;
use crate::message::group::Assignment;
use crate::rules::Rules;
use crate::time::{Time, Timestamp};

/// A simulated process: broker, controller or client.
///
/// Its state is a plain value; the driver asks for the next deadline after each turn and
/// never sets or cancels a timer.
pub trait Node {
    /// The process has just started.
    fn on_start(&mut self, turn: &mut Turn<'_>);

    /// A connection was opened or closed under this node.
    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    );

    /// A message arrived. Messages of one connection arrive in the order in which they were sent.
    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>);

    /// The moment that `next_deadline` named has come (or has passed, after a pause).
    fn on_deadline(&mut self, turn: &mut Turn<'_>);

    /// Returns when this node wants to be woken, or `None` if only a message can move it.
    fn next_deadline(&self) -> Option<Time>;
}

/// What can happen to a connection, as one of its ends sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionEvent {
    /// The server accepted it; only the client's end is told.
    Opened,
    /// Nobody listens at the server's port; only the client's end is told.
    Refused,
    /// The other end closed it, or its process died and the operating system did.
    Closed,
}

/// What a turn asks of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open a connection.
    Connect(ConnectionId),
    /// Send a message to the other end of a connection, after those sent before; boxed, because
    /// effects are moved a lot.
    Send(ConnectionId, Box<Message>),
    /// Close a connection; the other end is told.
    Close(ConnectionId),
    /// Use the disk: whatever this turn sends afterwards leaves when the disk is done.
    Disk(DiskWork),
    /// Tell the application that owns this client something.
    Return(Returned),
    /// End this process, its files closed in order (the end of a controlled shutdown).
    Exit,
}

/// A use of the disk, for its duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskWork {
    /// Bytes written into the page cache.
    Write(u32),
    /// An fsync.
    Flush,
}

/// What a client tells its application.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// A `send()` that had to wait for metadata or memory has returned.
    Unblocked(Uid),
    /// The records of one batch are decided: acknowledged, failed or unknown.
    /// The records are those of the batch, first to last.
    Completed(Vec<Uid>, Completion),
    /// `flush()` has returned.
    Flushed,
    /// `close()` has returned.
    Closed,
    /// `poll()` has returned these records; none if its time was over.
    Polled(Vec<Delivery>),
    /// `poll()` has thrown; what, is in the facts.
    Threw,
    /// The rebalance listener is called: `Consumer::listened` must follow.
    Listen(Callback, Assignment),
    /// `commitSync` has returned or thrown, or the callback of `commitAsync` is called.
    Committed(CommitId, Result<(), CommitError>),
    /// `offsetsForTimes` has returned the first offset at or after each time.
    Times(Vec<(TopicPartition, Option<Offset>)>),
}

/// Records of one partition that `poll()` returned: those of `batch` from `from` to `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The partition.
    pub partition: TopicPartition,
    /// The batch they lie in.
    pub batch: Arc<Batch>,
    /// The first offset.
    pub from: Offset,
    /// The offset after the last one.
    pub to: Offset,
    /// The high watermark that came with them.
    pub high_watermark: Offset,
}

/// How a `send()` ended, as the producer's user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completion {
    /// Acknowledged; without an offset under `acks=0`.
    Ok(Option<Offset>),
    /// Ended with an error; `Fact::Completed` says whether absence is certain.
    Error(crate::message::ErrorCode),
}

/// One event's view of the world.
#[derive(Debug)]
pub struct Turn<'a> {
    /// True time: what monotonic clocks measure.
    pub now: Time,
    /// What this node's wall clock shows.
    pub wall: Timestamp,
    /// The rules that the world plays by.
    pub rules: Rules,
    /// This node's own random stream.
    pub rng: &'a mut Rng,
    /// What leaves the node.
    pub out: &'a mut Outbox,
}

/// What a node's turns leave behind, until the world collects it.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// The node whose outbox this is.
    pub node: NodeId,
    /// Effects, in the order in which they were asked for.
    pub effects: Vec<Effect>,
    /// Facts, in the order in which they became true.
    pub facts: Vec<Fact>,
    connections_opened: u32,
}

impl Outbox {
    /// Makes the outbox of a node that has never opened a connection.
    pub fn new(node: NodeId) -> Outbox {
        Outbox { node, effects: Vec::new(), facts: Vec::new(), connections_opened: 0 }
    }
}

impl Turn<'_> {
    /// Opens a connection to `server` and returns its name; the outcome arrives as a
    /// [`ConnectionEvent`], or never if the other host does not answer.
    pub fn connect(&mut self, server: NodeId) -> ConnectionId {
        let connection =
            ConnectionId { client: self.out.node, server, ordinal: self.out.connections_opened };
        self.out.connections_opened += 1;
        self.out.effects.push(Effect::Connect(connection));
        connection
    }

    /// Sends `message` to the other end.
    pub fn send(&mut self, connection: ConnectionId, message: Message) {
        self.out.effects.push(Effect::Send(connection, Box::new(message)));
    }

    /// Closes a connection; what was sent before still arrives.
    pub fn close(&mut self, connection: ConnectionId) {
        self.out.effects.push(Effect::Close(connection));
    }

    /// Uses the disk.
    pub fn disk(&mut self, work: DiskWork) {
        self.out.effects.push(Effect::Disk(work));
    }

    /// Tells the application something.
    pub fn return_to_application(&mut self, returned: Returned) {
        self.out.effects.push(Effect::Return(returned));
    }

    /// Ends this process.
    pub fn exit(&mut self) {
        self.out.effects.push(Effect::Exit);
    }

    /// Writes a fact into the history.
    pub fn note(&mut self, fact: Fact) {
        self.out.facts.push(fact);
    }
}
