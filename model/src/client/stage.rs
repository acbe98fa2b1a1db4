//! A stage for tests: stands in for the world around one client, one turn at a time.

use crate::chance::Rng;
use crate::fact::Fact;
use crate::ids::{BrokerId, ClientId, ConnectionId, NodeId};
use crate::message::{Correlation, Message, Request};
use crate::rules::Rules;
use crate::time::{Time, Timestamp};
use crate::turn::{Effect, Outbox, Turn};

/// Virtual time, chance and everything that left the client.
pub(crate) struct Stage {
    pub(crate) now: Time,
    rng: Rng,
    out: Outbox,
}

/// A request that left the client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) connection: ConnectionId,
    pub(crate) correlation: Correlation,
    pub(crate) request: Request,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let out = Outbox::new(NodeId::Client(ClientId(1)));
        Stage { now: Time::ZERO, rng: Rng::fork(1, "stage"), out }
    }

    pub(crate) fn turn(&mut self) -> Turn<'_> {
        let wall = Timestamp(self.now.0 as i64 / 1_000);
        Turn {
            now: self.now,
            wall,
            rules: Rules::default(),
            rng: &mut self.rng,
            out: &mut self.out,
        }
    }

    /// Takes what the client asked of the world since the last time.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.out.effects)
    }

    /// Takes the facts noted since the last time.
    pub(crate) fn facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.out.facts)
    }

    /// Takes the connections asked for since the last time, by broker.
    pub(crate) fn connects(&mut self) -> Vec<ConnectionId> {
        let connects = self.effects().into_iter().filter_map(|effect| match effect {
            Effect::Connect(connection) => Some(connection),
            _ => None,
        });
        connects.collect()
    }

    /// Takes the requests sent since the last time.
    pub(crate) fn requests(&mut self) -> Vec<Sent> {
        let requests = self.effects().into_iter().filter_map(|effect| match effect {
            Effect::Send(connection, message) => match *message {
                Message::Request(correlation, request) => {
                    Some(Sent { connection, correlation, request })
                }
                Message::Response(..) => None,
            },
            _ => None,
        });
        requests.collect()
    }
}

impl Sent {
    pub(crate) fn broker(&self) -> BrokerId {
        let NodeId::Broker(broker) = self.connection.server else {
            panic!("clients talk to brokers only");
        };
        broker
    }
}
