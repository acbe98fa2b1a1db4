//! The way from a member to its group's coordinator: finding it, and a connection of its own.
//!
//! Any broker tells who coordinates a group. Fetches must not delay heartbeats, so that the
//! coordinator is talked to over a second connection to the same broker. When a member stops
//! to trust its coordinator, it closes that connection; all requests on it are lost.
//!
//! Source: `AbstractCoordinator.lookupCoordinator`, `markCoordinatorUnknown`, Kafka 4.0.

use std::collections::BTreeMap;

use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::client::link::{Link, LinkConfig};
use crate::client::offsets::Ask;
use crate::fact::{Fact, MemberEvent, MemberFact};
use crate::ids::{BrokerId, ClientId, ConnectionId, GroupId, NodeId};
use crate::message::group::{FindCoordinatorReply, FindCoordinatorRequest};
use crate::message::{Message, Request};
use crate::time::{Duration, Time};
use crate::turn::{ConnectionEvent, Turn};

use super::classic::Identity;
use super::commits::Commit;
use super::modern::Heartbeat;

/// What a member has asked its coordinator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    /// To be in the next generation.
    Join,
    /// For its assignment in this generation.
    Sync(Identity),
    /// To count as alive in this generation.
    Heartbeat(Identity),
    /// To stay in a consumer group, or to be out of it (KIP-848).
    Beat(Heartbeat),
    /// To be out of the group.
    Leave,
    /// To keep these offsets.
    Commit(Commit),
    /// For committed offsets, to begin this generation with.
    Offsets(Identity),
}

/// A member's knowledge of its coordinator, and the connection to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coordinator {
    client: ClientId,
    group: GroupId,
    config: ChannelConfig,
    retry: Backoff,
    request_timeout: Duration,
    known: Option<BrokerId>,
    /// To brokers that coordinate the group, or did; never more than one is open.
    channels: BTreeMap<BrokerId, Channel<Call>>,
    is_looking: bool,
    /// When the next lookup may leave.
    look_at: Time,
    /// The last attempt to look; until the next pause, only news lead to another one.
    tried_at: Option<Time>,
    /// Failed lookups in a row.
    failures: u32,
}

impl Coordinator {
    pub(super) fn new(client: ClientId, group: GroupId, config: LinkConfig) -> Coordinator {
        Coordinator {
            client,
            group,
            config: config.channel,
            retry: config.retry,
            request_timeout: config.request_timeout,
            known: None,
            channels: BTreeMap::new(),
            is_looking: false,
            look_at: Time::ZERO,
            tried_at: None,
            failures: 0,
        }
    }

    /// Says whether the coordinator is known.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Says whether a request can be sent right away.
    pub(super) fn is_ready(&self) -> bool {
        self.known.and_then(|broker| self.channels.get(&broker)).is_some_and(Channel::is_ready)
    }

    /// Returns the requests in flight.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Call> {
        self.known
            .and_then(|broker| self.channels.get(&broker))
            .into_iter()
            .flat_map(Channel::pending)
    }

    /// Looks for the coordinator, or connects to it, if that is to be done.
    pub(super) fn approach(&mut self, link: &mut Link<Ask>, turn: &mut Turn<'_>) {
        if let Some(channel) = self.known.and_then(|broker| self.channels.get_mut(&broker)) {
            return channel.connect(turn);
        }
        if self.is_looking || turn.now < self.look_at {
            return;
        }
        self.tried_at = Some(turn.now);
        let Some(broker) = link.least_loaded(turn) else { return link.request_update() };
        if !link.is_ready(broker, turn.now) {
            return link.connect(broker, turn);
        }
        self.is_looking = true;
        let request = FindCoordinatorRequest { group: self.group.clone() };
        link.send(broker, Request::FindCoordinator(request), Ask::Coordinator, turn);
    }

    /// Takes in who coordinates the group; says whether anybody does.
    pub(super) fn on_found(&mut self, reply: FindCoordinatorReply, turn: &mut Turn<'_>) -> bool {
        let Ok(broker) = reply.coordinator else {
            self.on_lookup_failed(turn);
            return false;
        };
        (self.is_looking, self.failures) = (false, 0);
        self.known = Some(broker);
        let config = self.config;
        let channel = self.channels.entry(broker);
        channel.or_insert_with(|| Channel::new(NodeId::Broker(broker), config)).connect(turn);
        self.note(MemberEvent::CoordinatorFound(broker), turn);
        true
    }

    /// Looks again after a pause.
    pub(super) fn on_lookup_failed(&mut self, turn: &mut Turn<'_>) {
        self.is_looking = false;
        self.look_at = turn.now + self.retry.pause(self.failures, turn.rng);
        self.failures += 1;
    }

    /// Trusts the coordinator no longer; returns the requests that are lost by that.
    pub(super) fn lose(&mut self, turn: &mut Turn<'_>) -> Vec<Call> {
        let Some(broker) = self.known.take() else { return Vec::new() };
        self.note(MemberEvent::CoordinatorLost(broker), turn);
        self.look_at = self.look_at.max(turn.now + self.retry.pause(0, turn.rng));
        let channel = self.channels.get_mut(&broker).expect("whoever is known has a channel");
        if channel.reconnect_at().is_some() {
            return Vec::new();
        }
        match channel.disconnect(turn) {
            ChannelEvent::Lost(calls) => calls,
            ChannelEvent::Ready | ChannelEvent::Response(..) => Vec::new(),
        }
    }

    /// Sends a request that is to be answered within `request.timeout.ms`.
    ///
    /// # Panics
    /// If the coordinator is not ready.
    pub(super) fn send(&mut self, request: Request, call: Call, turn: &mut Turn<'_>) {
        self.send_within(self.request_timeout, request, call, turn);
    }

    /// Sends a request that may take longer than others.
    ///
    /// # Panics
    /// If the coordinator is not ready.
    pub(super) fn send_within(
        &mut self,
        timeout: Duration,
        request: Request,
        call: Call,
        turn: &mut Turn<'_>,
    ) {
        let timeout = timeout.max(self.request_timeout);
        let channel = self.known.and_then(|broker| self.channels.get_mut(&broker));
        channel.expect("the coordinator is ready").send(request, timeout, call, turn);
    }

    /// Says whether the connection is one to a coordinator.
    pub(super) fn owns(&self, connection: ConnectionId) -> bool {
        self.channels.values().any(|channel| channel.owns(connection))
    }

    /// Takes in what happened to a connection that it owns.
    pub(super) fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) -> Option<ChannelEvent<Call>> {
        self.channel_mut(connection)?.on_connection(connection, event, turn)
    }

    /// Takes in a message on a connection that it owns.
    pub(super) fn on_message(
        &mut self,
        connection: ConnectionId,
        message: Message,
    ) -> Option<ChannelEvent<Call>> {
        let Message::Response(correlation, response) = message else { return None };
        self.channel_mut(connection)?.on_response(connection, correlation, response)
    }

    /// Gives up on what takes too long.
    pub(super) fn on_deadline(&mut self, turn: &mut Turn<'_>) -> Option<ChannelEvent<Call>> {
        let broker = self.known?;
        let channel = self.channels.get_mut(&broker)?;
        let was_open = channel.is_open();
        let event = channel.on_deadline(turn);
        if was_open && event.is_some() {
            turn.note(Fact::RequestTimedOut { client: self.client, broker });
        }
        event
    }

    /// Returns when it wants to be woken; for lookups and connections only if `is_wanted`.
    pub(super) fn next_deadline(&self, is_wanted: bool) -> Option<Time> {
        match self.known.and_then(|broker| self.channels.get(&broker)) {
            None => {
                let was_tried = self.tried_at.is_some_and(|at| self.look_at <= at);
                (is_wanted && !self.is_looking && !was_tried).then_some(self.look_at)
            }
            Some(channel) => match channel.reconnect_at() {
                Some(at) => is_wanted.then_some(at),
                None => channel.next_deadline(),
            },
        }
    }

    /// Closes the connection for good.
    pub(super) fn close(&mut self, turn: &mut Turn<'_>) {
        for channel in self.channels.values_mut().filter(|it| it.reconnect_at().is_none()) {
            channel.disconnect(turn);
        }
    }

    fn channel_mut(&mut self, connection: ConnectionId) -> Option<&mut Channel<Call>> {
        self.channels.values_mut().find(|channel| channel.owns(connection))
    }

    fn note(&self, what: MemberEvent, turn: &mut Turn<'_>) {
        turn.note(Fact::Member(MemberFact { client: self.client, what }));
    }
}
