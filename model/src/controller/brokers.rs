//! Brokers as the controller sees them: registrations, sessions, heartbeats, shutdowns.
//!
//! Source: `ClusterControlManager`, `BrokerHeartbeatManager`, `ReplicationControlManager`,
//! Kafka 4.0. Left out: cluster ids, listeners, features, log directories, unregistering.

use std::collections::BTreeMap;

use crate::controller::ledger::{Decision, Ledger};
use crate::fact::ChangeCause;
use crate::ids::{BrokerEpoch, BrokerId, MetadataOffset};
use crate::image::{BrokerRegistration, MetadataRecord};
use crate::message::ErrorCode;
use crate::message::cluster::{HeartbeatRequest, HeartbeatState, RegisterRequest};
use crate::time::Time;

/// What a broker is to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BrokerState {
    /// It may neither lead nor be in sync.
    Fenced,
    /// It serves.
    Unfenced,
    /// It is leaving, and others may not all know.
    ControlledShutdown,
    /// It may end.
    ShutdownNow,
}

/// What the next state of a broker depends on besides its heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its present state.
    pub state: BrokerState,
    /// The offset of its registration record.
    pub registered_at: MetadataOffset,
    /// It leads some partition.
    pub is_leading: bool,
    /// Every active broker has applied the record with which its shutdown began.
    pub is_shutdown_known: bool,
}

/// Until when brokers count as living.
///
/// Source: `BrokerHeartbeatManager`, `BrokerHeartbeatTracker`, Kafka 4.0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    /// Those of the brokers that are not fenced.
    open: BTreeMap<BrokerId, Session>,
    /// Those of fenced brokers that were heard of: nothing happens when they run out, but until
    /// then nobody else may register (KAFKA-17793).
    fenced: BTreeMap<BrokerId, Time>,
}

#[derive(Clone, Debug, PartialEq)]
struct Session {
    deadline: Time,
    /// How far the broker has applied the metadata log, as it last said.
    metadata_offset: Option<MetadataOffset>,
    /// The last record of the batch that began its controlled shutdown.
    shutdown_offset: Option<MetadataOffset>,
}

impl Sessions {
    /// Prolongs the session of a broker that is not fenced, or begins it.
    pub fn touch(
        &mut self,
        broker: BrokerId,
        metadata_offset: Option<MetadataOffset>,
        deadline: Time,
    ) {
        self.fenced.remove(&broker);
        let session = self.open.entry(broker).or_insert(Session {
            deadline,
            metadata_offset,
            shutdown_offset: None,
        });
        session.deadline = deadline;
        session.metadata_offset = metadata_offset;
    }

    /// Prolongs the session of a broker that is fenced, or begins it.
    pub fn touch_fenced(&mut self, broker: BrokerId, deadline: Time) {
        self.fenced.insert(broker, deadline);
    }

    /// Notes that the batch ending at `offset` began the shutdown of a broker; only the
    /// first one counts.
    ///
    /// Source: `BrokerHeartbeatManager.maybeUpdateControlledShutdownOffset`, Kafka 4.0.
    pub fn begin_shutdown(&mut self, broker: BrokerId, offset: MetadataOffset) {
        if let Some(session) = self.open.get_mut(&broker) {
            session.shutdown_offset.get_or_insert(offset);
        }
    }

    /// Ends the session of a broker.
    pub fn end(&mut self, broker: BrokerId) {
        self.open.remove(&broker);
        self.fenced.remove(&broker);
    }

    /// Returns when the next session runs out.
    pub fn next_deadline(&self) -> Option<Time> {
        self.open.values().map(|session| session.deadline).min()
    }

    /// Returns the first broker whose session has run out.
    pub fn first_expired(&self, now: Time) -> Option<BrokerId> {
        let mut sessions = self.open.iter();
        sessions.find(|(_, session)| session.deadline <= now).map(|(&broker, _)| broker)
    }

    /// Says whether the broker has been heard of in time.
    fn is_alive(&self, broker: BrokerId, now: Time) -> bool {
        let open = self.open.get(&broker).map(|session| session.deadline);
        open.or(self.fenced.get(&broker).copied()).is_some_and(|deadline| now < deadline)
    }

    fn state(&self, broker: BrokerId) -> BrokerState {
        match self.open.get(&broker) {
            None => BrokerState::Fenced,
            Some(Session { shutdown_offset: Some(_), .. }) => BrokerState::ControlledShutdown,
            Some(Session { shutdown_offset: None, .. }) => BrokerState::Unfenced,
        }
    }

    fn is_shutdown_known(&self, broker: BrokerId) -> bool {
        let begun_at = self.open.get(&broker).and_then(|session| session.shutdown_offset);
        let mut active = self.open.values().filter(|session| session.shutdown_offset.is_none());
        active.all(|session| begun_at <= session.metadata_offset)
    }
}

/// Returns the state that a heartbeat leads to.
///
/// Source: `BrokerHeartbeatManager.calculateNextBrokerState`, Kafka 4.0.
pub fn next_state(standing: Standing, heartbeat: &HeartbeatRequest) -> BrokerState {
    let HeartbeatRequest { want_fence, want_shutdown, .. } = *heartbeat;
    match standing.state {
        BrokerState::Fenced if want_shutdown => BrokerState::ShutdownNow,
        BrokerState::Fenced => {
            let has_registration = Some(standing.registered_at) <= heartbeat.metadata_offset;
            if !want_fence && has_registration {
                BrokerState::Unfenced
            } else {
                BrokerState::Fenced
            }
        }
        BrokerState::Unfenced => match (want_fence, want_shutdown) {
            (true, true) => BrokerState::ShutdownNow,
            (true, false) => BrokerState::Fenced,
            (false, true) if standing.is_leading => BrokerState::ControlledShutdown,
            (false, true) => BrokerState::ShutdownNow,
            (false, false) => BrokerState::Unfenced,
        },
        BrokerState::ControlledShutdown => {
            if !standing.is_leading && standing.is_shutdown_known {
                BrokerState::ShutdownNow
            } else {
                BrokerState::ControlledShutdown
            }
        }
        BrokerState::ShutdownNow => BrokerState::ShutdownNow,
    }
}

impl Ledger {
    /// Registers a broker's new life.
    ///
    /// # Errors
    /// `DUPLICATE_BROKER_REGISTRATION` while the session of another life lasts: a broker that
    /// was killed and restarted has to wait for up to `broker.session.timeout.ms`.
    ///
    /// Which of two lives is the younger one the controller cannot tell: until the first
    /// heartbeat begins a session, whoever registers last is the broker, even if it is dead.
    ///
    /// Source: `ClusterControlManager.registerBroker`, Kafka 4.0.
    // Simplified: 4.0.0 also keeps the session of a broker that has left in order, so that it
    // must wait before it comes back (mended by KAFKA-19047).
    pub fn register(
        &self,
        request: &RegisterRequest,
        now: Time,
    ) -> Result<Decision<BrokerEpoch>, ErrorCode> {
        let broker = request.broker;
        let mut records = Vec::new();
        if let Some(existing) = self.image.brokers.get(&broker) {
            if existing.incarnation == request.incarnation {
                // Simplified: nothing else in a registration can differ, so no record is written.
                return Ok(Decision::unchanged(existing.epoch));
            }
            if self.sessions.is_alive(broker, now) {
                return Err(ErrorCode::DuplicateBrokerRegistration);
            }
            records.extend(self.fence_records(broker, existing));
        }
        let epoch = BrokerEpoch(self.image.next.0 + records.len() as u64);
        records.push(MetadataRecord::RegisterBroker {
            broker,
            incarnation: request.incarnation,
            rack: request.rack.clone(),
        });
        Ok(Decision { records, cause: Some(ChangeCause::Fenced(broker)), reply: epoch })
    }

    /// Takes in a heartbeat: fences, unfences or lets a broker go. The host then prolongs
    /// the session.
    ///
    /// # Errors
    /// `STALE_BROKER_EPOCH` if it comes from another registration.
    ///
    /// Source: `ReplicationControlManager.processBrokerHeartbeat`, Kafka 4.0.
    pub fn heartbeat(
        &self,
        request: &HeartbeatRequest,
    ) -> Result<Decision<HeartbeatState>, ErrorCode> {
        let broker = request.broker;
        self.check_epoch(broker, request.epoch)?;
        let registration = &self.image.brokers[&broker];
        let standing = self.standing(broker, registration);
        let next = next_state(standing, request);
        let (records, cause) = match next {
            state if state == standing.state => (Vec::new(), None),
            BrokerState::Fenced | BrokerState::ShutdownNow => {
                (self.fence_records(broker, registration), Some(ChangeCause::Fenced(broker)))
            }
            BrokerState::Unfenced => {
                let mut records = vec![registration_change(broker, registration, Step::Unfence)];
                records.extend(self.with_broker(broker));
                (records, Some(ChangeCause::Unfenced(broker)))
            }
            BrokerState::ControlledShutdown => {
                let mut records = Vec::new();
                if !registration.in_controlled_shutdown {
                    records.push(registration_change(broker, registration, Step::Leave));
                }
                records.extend(self.without_broker(broker));
                (records, Some(ChangeCause::ControlledShutdown(broker)))
            }
        };
        let reply = HeartbeatState {
            is_caught_up: Some(standing.registered_at) <= request.metadata_offset,
            is_fenced: matches!(next, BrokerState::Fenced | BrokerState::ShutdownNow),
            should_shut_down: next == BrokerState::ShutdownNow,
        };
        Ok(Decision { records, cause, reply })
    }

    /// Fences the first broker whose session has run out; one per check.
    ///
    /// Source: `ReplicationControlManager.maybeFenceOneStaleBroker`, Kafka 4.0.
    pub fn fence_stale(&self, now: Time) -> Option<Decision<()>> {
        let broker = self.sessions.first_expired(now)?;
        let records = self.fence_records(broker, &self.image.brokers[&broker]);
        Some(Decision { records, cause: Some(ChangeCause::Fenced(broker)), reply: () })
    }

    /// The partitions lose the broker before it is fenced, in one batch.
    ///
    /// Source: `ReplicationControlManager.handleBrokerFenced`, Kafka 4.0.
    fn fence_records(
        &self,
        broker: BrokerId,
        registration: &BrokerRegistration,
    ) -> Vec<MetadataRecord> {
        let mut records = self.without_broker(broker);
        // A fenced broker that asks to end needs no second fence: it would say nothing.
        if !registration.fenced {
            records.push(registration_change(broker, registration, Step::Fence));
        }
        records
    }

    fn standing(&self, broker: BrokerId, registration: &BrokerRegistration) -> Standing {
        Standing {
            state: self.sessions.state(broker),
            registered_at: MetadataOffset(registration.epoch.0),
            is_leading: self.image.partitions().any(|(_, one)| one.leader == Some(broker)),
            is_shutdown_known: self.sessions.is_shutdown_known(broker),
        }
    }
}

/// What a record changes of a registration.
enum Step {
    Fence,
    Unfence,
    Leave,
}

fn registration_change(
    broker: BrokerId,
    registration: &BrokerRegistration,
    step: Step,
) -> MetadataRecord {
    let (fenced, in_controlled_shutdown) = match step {
        Step::Fence => (Some(true), None),
        Step::Unfence => (Some(false), None),
        Step::Leave => (None, Some(true)),
    };
    let epoch = registration.epoch;
    MetadataRecord::BrokerRegistrationChange { broker, epoch, fenced, in_controlled_shutdown }
}
