//! Fetch sessions: what the leader remembers of a follower's fetches (KIP-227).
//!
//! A follower names only what has changed since its previous fetch; the session knows the
//! rest. A partition rests in it once its follower has everything and knows everything: until
//! something happens to it, each fetch says the same of it again, and only the time of the
//! last one matters.
//!
//! Source: `FetchSession`, `IncrementalFetchContext`, Kafka 4.0.
// Simplified: a session lives and dies with its connection. Kafka numbers sessions and their
// requests and keeps a bounded cache of them: an evicted session costs one full fetch.

use crate::broker::Broker;
use crate::ids::{BrokerEpoch, BrokerId, ConnectionId, TopicPartition};
use crate::message::data::{FetchPartition, FetchRequest};
use crate::partition::Role;
use crate::table::place_by;
use crate::time::Time;

/// What one follower fetches over one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    connection: ConnectionId,
    follower: (BrokerId, BrokerEpoch),
    /// When it fetched last.
    fetched_at: Time,
    /// What it wants; with the request, while one is served or parked.
    ///
    /// Invariant: in order of partition, each once. So are the two lists below, and every
    /// partition wanted is in one of them.
    wanted: Vec<FetchPartition>,
    /// Those to look at with the next fetch.
    awake: Vec<TopicPartition>,
    /// Those of which the next fetch will say what the last one said.
    resting: Vec<TopicPartition>,
}

impl Session {
    fn new(connection: ConnectionId, follower: (BrokerId, BrokerEpoch), now: Time) -> Session {
        let (awake, resting) = (Vec::new(), Vec::new());
        Session { connection, follower, fetched_at: now, wanted: Vec::new(), awake, resting }
    }

    /// Takes in what a request changes.
    fn change(&mut self, changed: Vec<FetchPartition>, forgotten: &[TopicPartition]) {
        for &partition in forgotten {
            if let Ok(place) = place_of(&self.wanted, partition) {
                self.wanted.remove(place);
            }
            remove(&mut self.awake, partition);
        }
        for wanted in changed {
            insert(&mut self.awake, wanted.partition);
            match place_of(&self.wanted, wanted.partition) {
                Ok(place) => self.wanted[place] = wanted,
                Err(place) => self.wanted.insert(place, wanted),
            }
        }
    }
}

impl Broker {
    /// Completes a follower's request with what its session knows; returns the places of the
    /// partitions to look at.
    pub(super) fn complete_fetch(
        &mut self,
        connection: ConnectionId,
        request: &mut FetchRequest,
        now: Time,
    ) -> Vec<usize> {
        let (Some(forgotten), Some(follower)) = (request.forgotten.take(), request.replica) else {
            return (0..request.partitions.len()).collect();
        };
        let known = self.sessions.iter().position(|session| session.connection == connection);
        let session = known.unwrap_or_else(|| {
            self.sessions.push(Session::new(connection, follower, now));
            self.sessions.len() - 1
        });
        if self.sessions[session].follower != follower {
            self.wake_all(session);
            self.sessions[session].follower = follower;
        }
        let changed = std::mem::take(&mut request.partitions);
        for partition in forgotten.iter().copied().chain(changed.iter().map(|it| it.partition)) {
            self.wake_in(session, partition);
        }
        self.sessions[session].change(changed, &forgotten);
        self.wake_elsewhere(session);
        let session = &mut self.sessions[session];
        session.fetched_at = now;
        request.partitions = std::mem::take(&mut session.wanted);
        let place = |&partition: &TopicPartition| place_of(&request.partitions, partition).ok();
        session.awake.iter().filter_map(place).collect()
    }

    /// Gives back what the session of an answered request wants.
    pub(super) fn keep_wanted(&mut self, connection: ConnectionId, wanted: Vec<FetchPartition>) {
        if let Some(session) = self.sessions.iter_mut().find(|it| it.connection == connection) {
            session.wanted = wanted;
        }
    }

    /// Lets those partitions of a session rest that its follower knows everything about.
    pub(super) fn let_rest(&mut self, connection: ConnectionId, settled: &[TopicPartition]) {
        if let Some(session) = self.sessions.iter_mut().find(|it| it.connection == connection) {
            for &partition in settled {
                remove(&mut session.awake, partition);
                insert(&mut session.resting, partition);
            }
        }
    }

    /// Has every session look at a partition again.
    pub(super) fn wake(&mut self, partition: TopicPartition) {
        for session in 0..self.sessions.len() {
            self.wake_in(session, partition);
        }
    }

    /// Has every session look at everything again.
    pub(super) fn wake_sessions(&mut self) {
        for session in 0..self.sessions.len() {
            self.wake_all(session);
        }
    }

    /// Ends the session of a connection that was closed.
    pub(super) fn end_session(&mut self, connection: ConnectionId) {
        if let Some(session) = self.sessions.iter().position(|it| it.connection == connection) {
            self.wake_all(session);
            self.sessions.remove(session);
        }
    }

    /// Has other sessions of the same follower look again at what this one looks at: a request
    /// that was held up on an old connection can say something else than those of a newer one.
    fn wake_elsewhere(&mut self, session: usize) {
        let (follower, _) = self.sessions[session].follower;
        for other in 0..self.sessions.len() {
            if other != session && self.sessions[other].follower.0 == follower {
                for partition in self.sessions[session].awake.clone() {
                    self.wake_in(other, partition);
                }
            }
        }
    }

    fn wake_all(&mut self, session: usize) {
        let mut resting = std::mem::take(&mut self.sessions[session].resting);
        for &partition in &resting {
            self.hear_again(session, partition);
        }
        let awake = &mut self.sessions[session].awake;
        awake.append(&mut resting);
        awake.sort_unstable();
    }

    fn wake_in(&mut self, session: usize, partition: TopicPartition) {
        if remove(&mut self.sessions[session].resting, partition) {
            self.hear_again(session, partition);
            insert(&mut self.sessions[session].awake, partition);
        }
    }

    /// Tells a leader when its follower last said what it had said before.
    fn hear_again(&mut self, session: usize, partition: TopicPartition) {
        let Session { follower: (follower, _), fetched_at, .. } = self.sessions[session];
        let Some(replica) = self.partitions.get_mut(&partition) else { return };
        if let Role::Leader(leader) = &mut replica.role {
            leader.on_repeated_fetch(follower, fetched_at);
        }
    }
}

fn place_of(wanted: &[FetchPartition], partition: TopicPartition) -> Result<usize, usize> {
    place_by(wanted, &partition, |it| &it.partition)
}

fn insert(list: &mut Vec<TopicPartition>, partition: TopicPartition) {
    if let Err(place) = place_by(list, &partition, |it| it) {
        list.insert(place, partition);
    }
}

/// Says whether it was there.
fn remove(list: &mut Vec<TopicPartition>, partition: TopicPartition) -> bool {
    let place = place_by(list, &partition, |it| it);
    if let Ok(place) = place {
        list.remove(place);
    }
    place.is_ok()
}
