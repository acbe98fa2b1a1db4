//! A client's link to the cluster: one connection per broker, and the metadata requests
//! that keep the client informed.
//!
//! Metadata goes first: while an update is due, no broker counts as ready. It is asked of
//! the least loaded broker; every lost connection asks for an update.
//!
//! Source: `NetworkClient`, `NetworkClient.DefaultMetadataUpdater`, Kafka 4.0.

use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::client::metadata::{Metadata, Update};
use crate::config::{ConsumerConfig, ProducerConfig};
use crate::fact::Fact;
use crate::ids::{BrokerId, ClientId, ConnectionId, NodeId, ReplicaSet, TopicId};
use crate::message::{Message, Request, Response};
use crate::table::Table;
use crate::time::{Duration, Time, earliest, sooner};
use crate::turn::{ConnectionEvent, Turn};

/// How a link behaves; each client fills it from its own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// How each connection behaves.
    pub channel: ChannelConfig,
    /// How long one request may take: `request.timeout.ms`.
    pub request_timeout: Duration,
    /// The pause between requests for metadata: `retry.backoff.ms` and its maximum.
    pub retry: Backoff,
    /// Age at which metadata is fetched again: `metadata.max.age.ms`.
    pub metadata_age_max: Duration,
}

/// A client's connections and its metadata. `T` is what the owner wants back with a response.
#[derive(Clone, Debug, PartialEq)]
pub struct Link<T> {
    client: ClientId,
    config: LinkConfig,
    bootstrap: ReplicaSet,
    metadata: Metadata,
    peers: Table<BrokerId, Peer<T>>,
    /// Brokers that the owner wants to reach as soon as their back-off is over.
    wanted: ReplicaSet,
}

/// A broker to which this client has ever connected.
#[derive(Clone, Debug, PartialEq)]
struct Peer<T> {
    channel: Channel<Tag<T>>,
    /// The last attempt to connect.
    attempted_at: Time,
}

/// Whose request it is.
#[derive(Clone, Debug, PartialEq)]
enum Tag<T> {
    Metadata,
    Owner(T),
}

/// What a link tells its owner.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent<T> {
    /// The connection to this broker is open.
    Ready(BrokerId),
    /// A broker answered the request tagged so.
    Response(BrokerId, T, Response),
    /// The connection to `broker` is gone.
    Lost {
        /// The broker.
        broker: BrokerId,
        /// The requests that were in flight, oldest first.
        requests: Vec<T>,
        /// Why.
        cause: LostCause,
    },
    /// The metadata may have changed.
    MetadataUpdated,
}

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LostCause {
    /// A request was not answered in time. All others in flight share its fate.
    TimedOut,
    /// The broker closed it, did not accept it, or did not answer the attempt.
    Disconnected,
}

/// How far a broker is from taking a request.
enum Reach {
    Ready,
    /// Open, with as many requests in flight as there may be.
    Busy,
    Connecting,
    /// No connection; one may be tried.
    Connectable,
    /// No connection, and none may be tried yet.
    HeldBack,
}

impl From<&ProducerConfig> for LinkConfig {
    fn from(config: &ProducerConfig) -> LinkConfig {
        LinkConfig {
            channel: ChannelConfig {
                reconnect: Backoff {
                    first: config.reconnect_backoff,
                    max: config.reconnect_backoff_max,
                },
                setup: Backoff {
                    first: config.connection_setup_timeout,
                    max: config.connection_setup_timeout_max,
                },
                in_flight_max: config.in_flight_max as usize,
            },
            request_timeout: config.request_timeout,
            retry: Backoff { first: config.retry_backoff, max: config.retry_backoff_max },
            metadata_age_max: config.metadata_age_max,
        }
    }
}

impl From<&ConsumerConfig> for LinkConfig {
    fn from(config: &ConsumerConfig) -> LinkConfig {
        const IN_FLIGHT_MAX: usize = 100; // fixed in `ConsumerUtils`
        LinkConfig {
            channel: ChannelConfig {
                reconnect: Backoff {
                    first: config.reconnect_backoff,
                    max: config.reconnect_backoff_max,
                },
                setup: Backoff {
                    first: config.connection_setup_timeout,
                    max: config.connection_setup_timeout_max,
                },
                in_flight_max: IN_FLIGHT_MAX,
            },
            request_timeout: config.request_timeout,
            retry: Backoff { first: config.retry_backoff, max: config.retry_backoff_max },
            metadata_age_max: config.metadata_age_max,
        }
    }
}

impl<T> Link<T> {
    /// Makes the link of a client that knows nothing but its `bootstrap.servers`.
    pub fn new(client: ClientId, config: LinkConfig, bootstrap: Vec<BrokerId>) -> Link<T> {
        let bootstrap: ReplicaSet = bootstrap.into_iter().collect();
        Link {
            client,
            config,
            bootstrap,
            metadata: Metadata::new(bootstrap, config.retry, config.metadata_age_max),
            peers: Table::new(),
            wanted: ReplicaSet::EMPTY,
        }
    }

    /// Returns whose link this is.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// Returns what the client knows of the cluster.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns what the client knows of the cluster, to learn more.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Follows a topic from here on. If it is new, its metadata is due at once.
    pub fn add_topic(&mut self, topic: TopicId) {
        self.metadata.add_topic(topic);
    }

    /// Asks for an update of all topics as soon as the back-offs allow.
    pub fn request_update(&mut self) {
        self.metadata.request_update();
    }

    /// Says whether a request may be sent right away: the connection is open, has room for
    /// one more, and no metadata update is due, which goes first.
    ///
    /// Source: `NetworkClient.isReady`, Kafka 4.0.
    pub fn is_ready(&self, broker: BrokerId, now: Time) -> bool {
        !self.metadata.is_due(now) && self.can_send(broker)
    }

    /// Opens a connection unless it is open or being opened. While the broker is held back
    /// the wish is kept and granted when the back-off is over.
    pub fn connect(&mut self, broker: BrokerId, turn: &mut Turn<'_>) {
        match self.reach(broker, turn.now) {
            Reach::Ready | Reach::Busy | Reach::Connecting => {}
            Reach::Connectable => self.open(broker, turn),
            Reach::HeldBack => self.wanted = self.wanted.with(broker),
        }
    }

    /// Sends a request and expects its response within `request.timeout.ms`.
    ///
    /// # Panics
    /// If the connection is not open.
    pub fn send(&mut self, broker: BrokerId, request: Request, tag: T, turn: &mut Turn<'_>) {
        let timeout = self.config.request_timeout;
        self.open_channel(broker).send(request, timeout, Tag::Owner(tag), turn);
    }

    /// Sends a request that nobody answers (`acks=0`).
    ///
    /// # Panics
    /// If the connection is not open.
    pub fn send_without_answer(&mut self, broker: BrokerId, request: Request, turn: &mut Turn<'_>) {
        self.open_channel(broker).send_without_answer(request, turn);
    }

    /// Returns how many requests to this broker are in flight, those for metadata included.
    pub fn in_flight(&self, broker: BrokerId) -> usize {
        self.peers.get(&broker).map_or(0, |peer| peer.channel.in_flight())
    }

    /// Returns the tags of the owner's requests in flight to this broker, oldest first.
    pub fn pending(&self, broker: BrokerId) -> impl Iterator<Item = &T> {
        self.peers.get(&broker).into_iter().flat_map(|peer| peer.channel.pending()).filter_map(
            |tag| match tag {
                Tag::Metadata => None,
                Tag::Owner(tag) => Some(tag),
            },
        )
    }

    /// Chooses a broker for a request that may go anywhere: a ready one with the fewest
    /// requests in flight, else one that is connecting, else the one whose last attempt to
    /// connect is the oldest. The search starts at a random broker.
    ///
    /// Source: `NetworkClient.leastLoadedNode`, Kafka 4.0.
    pub fn least_loaded(&self, turn: &mut Turn<'_>) -> Option<BrokerId> {
        self.least_loaded_of(self.metadata.brokers(), turn)
    }

    /// Asks for metadata for the first time.
    pub fn start(&mut self, turn: &mut Turn<'_>) {
        self.update_metadata(turn);
    }

    /// Takes in what happened to a connection; `None` if it is no news.
    pub fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) -> Option<LinkEvent<T>> {
        let NodeId::Broker(broker) = connection.server else { return None };
        let event = self.peers.get_mut(&broker)?.channel.on_connection(connection, event, turn)?;
        let event = self.take_in(broker, event, LostCause::Disconnected, turn);
        self.update_metadata(turn);
        event
    }

    /// Says whether this is a connection of the link's.
    pub fn owns(&self, connection: ConnectionId) -> bool {
        let NodeId::Broker(broker) = connection.server else { return false };
        self.peers.get(&broker).is_some_and(|peer| peer.channel.owns(connection))
    }

    /// Takes in a message; `None` if it is late or concerns only the link.
    pub fn on_message(
        &mut self,
        connection: ConnectionId,
        message: Message,
        turn: &mut Turn<'_>,
    ) -> Option<LinkEvent<T>> {
        let NodeId::Broker(broker) = connection.server else { return None };
        let Message::Response(correlation, response) = message else { return None };
        let channel = &mut self.peers.get_mut(&broker)?.channel;
        let event = channel.on_response(connection, correlation, response)?;
        let event = self.take_in(broker, event, LostCause::Disconnected, turn);
        self.update_metadata(turn);
        event
    }

    /// Expires requests and attempts to connect, connects where a back-off is over and asks
    /// for metadata if that is due.
    pub fn on_deadline(&mut self, turn: &mut Turn<'_>) -> Vec<LinkEvent<T>> {
        let mut events = Vec::new();
        for (&broker, peer) in &mut self.peers {
            let cause = match peer.channel.is_open() {
                true => LostCause::TimedOut,
                false => LostCause::Disconnected,
            };
            let event = peer.channel.on_deadline(turn);
            events.extend(event.map(|event| (broker, event, cause)));
        }
        let events = events
            .into_iter()
            .filter_map(|(broker, event, cause)| self.take_in(broker, event, cause, turn))
            .collect();
        self.grant_wishes(turn);
        self.update_metadata(turn);
        events
    }

    /// Closes all connections for good; the link is not used afterwards.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        for peer in self.peers.values_mut() {
            // Nobody waits for the requests in flight any more.
            peer.channel.disconnect(turn);
        }
    }

    /// Returns when the link wants to be woken. May lie in the past: then at once.
    pub fn next_deadline(&self) -> Option<Time> {
        let mut first = Time::MAX;
        for peer in self.peers.values() {
            first = sooner(first, peer.channel.next_deadline());
        }
        if !self.wanted.is_empty() {
            let wishes = self.wanted.iter().map(|broker| self.connectable_at(broker)).min();
            first = sooner(first, wishes);
        }
        // An update never comes before it is due, so this spares much looking for whom to ask.
        let update = self.metadata.due_at().filter(|at| *at < first);
        earliest([Some(first), update.and_then(|at| self.metadata_deadline(at))])
    }

    fn take_in(
        &mut self,
        broker: BrokerId,
        event: ChannelEvent<Tag<T>>,
        cause: LostCause,
        turn: &mut Turn<'_>,
    ) -> Option<LinkEvent<T>> {
        match event {
            ChannelEvent::Ready => Some(LinkEvent::Ready(broker)),
            ChannelEvent::Response(Tag::Owner(tag), response) => {
                Some(LinkEvent::Response(broker, tag, response))
            }
            ChannelEvent::Response(Tag::Metadata, response) => self.on_metadata(response, turn),
            ChannelEvent::Lost(tags) => Some(self.on_lost(broker, tags, cause, turn)),
        }
    }

    fn on_metadata(&mut self, response: Response, turn: &mut Turn<'_>) -> Option<LinkEvent<T>> {
        let Response::Metadata(reply) = response else {
            panic!("a metadata request is answered with metadata");
        };
        match self.metadata.on_reply(reply, turn.now, turn.rng) {
            Update::Applied => Some(LinkEvent::MetadataUpdated),
            Update::Ignored => None,
        }
    }

    fn on_lost(
        &mut self,
        broker: BrokerId,
        tags: Vec<Tag<T>>,
        cause: LostCause,
        turn: &mut Turn<'_>,
    ) -> LinkEvent<T> {
        if cause == LostCause::TimedOut {
            turn.note(Fact::RequestTimedOut { client: self.client, broker });
        }
        // Stale metadata may be why the client talked to this broker at all.
        self.metadata.request_update();
        let mut requests = Vec::with_capacity(tags.len());
        for tag in tags {
            match tag {
                Tag::Metadata => self.metadata.on_failure(turn.now, turn.rng),
                Tag::Owner(tag) => requests.push(tag),
            }
        }
        LinkEvent::Lost { broker, requests, cause }
    }

    /// Asks for metadata if that is due, or connects to somebody who can be asked.
    ///
    /// Source: `DefaultMetadataUpdater.maybeUpdate`, Kafka 4.0.
    fn update_metadata(&mut self, turn: &mut Turn<'_>) {
        if !self.metadata.is_due(turn.now) {
            return;
        }
        let Some(broker) = self.least_loaded_of(self.askable(), turn) else { return };
        if self.can_send(broker) {
            let request = Request::Metadata(self.metadata.ask(turn.now));
            let timeout = self.config.request_timeout;
            self.open_channel(broker).send(request, timeout, Tag::Metadata, turn);
        } else if !self.is_connecting() {
            self.open(broker, turn);
        }
    }

    fn grant_wishes(&mut self, turn: &mut Turn<'_>) {
        for broker in self.wanted.iter() {
            match self.reach(broker, turn.now) {
                Reach::Ready | Reach::Busy | Reach::Connecting => {}
                Reach::Connectable => self.open(broker, turn),
                Reach::HeldBack => continue,
            }
            self.wanted = self.wanted.without(broker);
        }
    }

    /// Returns when an update that is due at `due_at` can be asked for; not before that.
    fn metadata_deadline(&self, due_at: Time) -> Option<Time> {
        // Whoever is known and can be asked is askable, whoever else is.
        let known = self.metadata.brokers();
        let is_ready = |(&broker, peer): (&BrokerId, &Peer<T>)| {
            peer.channel.is_ready() && known.contains(broker)
        };
        if self.peers.iter().any(is_ready) {
            return Some(due_at);
        }
        let brokers = self.askable();
        if brokers.iter().any(|broker| self.can_send(broker)) {
            return Some(due_at);
        }
        if self.is_connecting() {
            return None; // the outcome of that attempt comes first
        }
        let closed = brokers.iter().filter(|&broker| !self.is_open(broker));
        closed.map(|broker| self.connectable_at(broker)).min().map(|at| due_at.max(at))
    }

    /// Returns whom to ask for metadata: the brokers known, and those of `bootstrap.servers`
    /// if none of them is connected.
    fn askable(&self) -> ReplicaSet {
        // Simplified: `metadata.recovery.strategy=rebootstrap` (KIP-899) forgets all metadata
        // when no known broker can be reached. Here the bootstrap brokers join the known ones,
        // so a client finds its way back, and what it knows stays until it is replaced.
        let known = self.metadata.brokers();
        let is_lost = !known.iter().any(|broker| self.is_open(broker));
        if !is_lost {
            return known;
        }
        self.bootstrap.iter().fold(known, ReplicaSet::with)
    }

    fn least_loaded_of(&self, brokers: ReplicaSet, turn: &mut Turn<'_>) -> Option<BrokerId> {
        if brokers.is_empty() {
            return None;
        }
        let start = turn.rng.below(brokers.len() as u64) as usize;
        let mut ready: Option<(usize, BrokerId)> = None;
        let mut connecting = None;
        let mut connectable: Option<(Time, BrokerId)> = None;
        for broker in brokers.iter().skip(start).chain(brokers.iter().take(start)) {
            match self.reach(broker, turn.now) {
                Reach::Ready => {
                    let load = self.in_flight(broker);
                    if ready.is_none_or(|(least, _)| load < least) {
                        ready = Some((load, broker));
                    }
                }
                Reach::Connecting => connecting = Some(broker),
                Reach::Connectable => {
                    let attempted_at = self.attempted_at(broker);
                    if connectable.is_none_or(|(oldest, _)| attempted_at < oldest) {
                        connectable = Some((attempted_at, broker));
                    }
                }
                Reach::Busy | Reach::HeldBack => {}
            }
        }
        let ready = ready.map(|(_, broker)| broker);
        ready.or(connecting).or(connectable.map(|(_, broker)| broker))
    }

    fn reach(&self, broker: BrokerId, now: Time) -> Reach {
        let Some(Peer { channel, .. }) = self.peers.get(&broker) else {
            return Reach::Connectable;
        };
        if channel.is_ready() {
            return Reach::Ready;
        }
        if channel.is_connecting() {
            return Reach::Connecting;
        }
        if channel.is_open() {
            return Reach::Busy;
        }
        match channel.backing_off_until(now) {
            Some(_) => Reach::HeldBack,
            None => Reach::Connectable,
        }
    }

    fn can_send(&self, broker: BrokerId) -> bool {
        self.peers.get(&broker).is_some_and(|peer| peer.channel.is_ready())
    }

    fn is_open(&self, broker: BrokerId) -> bool {
        self.peers.get(&broker).is_some_and(|peer| peer.channel.is_open())
    }

    fn is_connecting(&self) -> bool {
        self.peers.values().any(|peer| peer.channel.is_connecting())
    }

    fn attempted_at(&self, broker: BrokerId) -> Time {
        self.peers.get(&broker).map_or(Time::ZERO, |peer| peer.attempted_at)
    }

    /// Returns when an attempt to connect is or was allowed.
    fn connectable_at(&self, broker: BrokerId) -> Time {
        let peer = self.peers.get(&broker);
        peer.and_then(|peer| peer.channel.backing_off_until(Time::ZERO)).unwrap_or(Time::ZERO)
    }

    fn open(&mut self, broker: BrokerId, turn: &mut Turn<'_>) {
        let config = self.config.channel;
        let peer = self.peers.get_or_insert_with(broker, || Peer {
            channel: Channel::new(NodeId::Broker(broker), config),
            attempted_at: Time::ZERO,
        });
        peer.attempted_at = turn.now;
        peer.channel.connect(turn);
    }

    fn open_channel(&mut self, broker: BrokerId) -> &mut Channel<Tag<T>> {
        let peer = self.peers.get_mut(&broker).expect("a request needs an open connection");
        &mut peer.channel
    }
}

#[cfg(test)]
mod tests;
