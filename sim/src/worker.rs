//! A process with two clients of Kafka: a consumer, and a producer for what follows from what
//! it reads.

use model::client::consumer::Consumer;
use model::client::producer::Producer;
use model::ids::ConnectionId;
use model::message::Message;
use model::time::{Time, earliest};
use model::turn::{ConnectionEvent, Node, Turn};

/// A consumer and a producer in one process.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) consumer: Consumer,
    pub(crate) producer: Producer,
}

impl Worker {
    /// Returns the client that has opened a connection.
    fn owner(&mut self, connection: ConnectionId) -> &mut dyn Node {
        if self.producer.owns(connection) { &mut self.producer } else { &mut self.consumer }
    }
}

impl Node for Worker {
    fn on_start(&mut self, turn: &mut Turn<'_>) {
        self.consumer.on_start(turn);
        self.producer.on_start(turn);
    }

    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) {
        self.owner(connection).on_connection(connection, event, turn);
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        self.owner(connection).on_message(connection, message, turn);
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        let is_due = |node: &dyn Node| node.next_deadline().is_some_and(|at| at <= turn.now);
        let (consumer, producer) = (is_due(&self.consumer), is_due(&self.producer));
        if consumer {
            self.consumer.on_deadline(turn);
        }
        if producer {
            self.producer.on_deadline(turn);
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        earliest([self.consumer.next_deadline(), self.producer.next_deadline()])
    }
}
