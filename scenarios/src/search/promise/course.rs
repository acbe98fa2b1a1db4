//! What the steps of a plan may do, and to whom.

use model::ids::{ClientId, NodeId};
use model::message::cluster::{ElectionKind, TopicLayout};
use model::message::{Api, Half, MessageKind};
use model::time::{Duration, Time};
use sim::plan::{Action, ClientRole, FlushPolicy, MessageFate, Plan, Selector, Unsynced};

use crate::search::promise::recovery::{slowest_link, spread};

/// A link that is as slow as this may bring what a dead process has sent after what the next
/// one sends.
const OVERTAKES: Duration = Duration::from_millis(20);

/// By then every broker knows what it leads.
const HEARD_AFTER: Duration = Duration::from_millis(500);

/// What may happen in a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    /// Whether bytes may be lost that were not flushed.
    pub loses_bytes: bool,
    /// Whether a replica may be elected that is not in sync.
    pub elects_uncleanly: bool,
    /// Whether every partition keeps the leader that it has when its producers begin, and that
    /// leader takes whatever reaches it.
    pub keeps_leaders: bool,
    /// Whether processes of producers may end.
    pub ends_producers: bool,
    /// Whether a request may reach its server after later ones: its client has given up on it
    /// and connected anew, while it was on a link that a cut or a slow network held up.
    pub delays_requests: bool,
    /// Whether the registration of a dead process may reach the controller after that of the
    /// next one, which is then heard no more: a broker has died twice, and messages are late,
    /// or take longer than it is down.
    ///
    /// Source: `ClusterControlManager.registerBroker`, which takes any registration while the
    /// one before has sent no heartbeat, Kafka 4.0.
    pub revives_registrations: bool,
    /// Whether a leader may lose its office and be elected again before it hears of either: it
    /// then still counts what followers had, and has acknowledged alone what one of them has cut
    /// off meanwhile to match a leader with a shorter log. It must stay in sync all the while, so
    /// it loses its office to a preferred leader, and there must be a third replica.
    ///
    /// Source: `Partition.makeLeader` and `Replica.resetReplicaState`, which forget followers
    /// only if the broker was none in between; brokers see the last state of what a fetch of
    /// the metadata brings: `MetadataLoader.handleCommit`, Kafka 4.0.
    pub misses_epochs: bool,
    /// Whether a leader may hear from the metadata log of its last ISR change when it has already
    /// proposed the next one. It takes the same registration over once more and forgets its
    /// proposal, and even the controller's answer; the controller does not. Until it hears of
    /// that in the log, too, it commits without whom it has let in, who may be elected.
    ///
    /// Source: `Partition.makeLeader`, which takes any partition epoch that is not lower,
    /// `Partition.updateAssignmentAndIsr` and `Partition.submitAlterPartition`, Kafka 4.0.
    pub forgets_proposals: bool,
    /// Whether positions or offsets are set by hand, or records deleted.
    pub moves_positions: bool,
    /// Whether topics get more partitions.
    pub adds_partitions: bool,
}

impl Course {
    /// Looks through the steps and settings of a plan.
    pub fn of(plan: &Plan) -> Course {
        let actions = || plan.steps.iter().map(|step| &step.action);
        let ends_producers = actions().any(|action| match action {
            Action::Crash(who) | Action::Shutdown(who) | Action::PowerLoss(who, _) => {
                who.iter().any(|selector| kinds(selector, plan).contains(&Kind::Producer))
            }
            _ => false,
        });
        let moves_positions = actions().any(|action| {
            matches!(
                action,
                Action::Seek(..)
                    | Action::SeekToTime(..)
                    | Action::CommitOffsets(_)
                    | Action::DeleteRecords(..)
                    | Action::PollElsewhere(_)
            )
        });
        let delays_requests = plan.network.loss_millionths != 0
            || actions().any(|action| match action {
                Action::Cut { .. } | Action::Slow { .. } | Action::DiskSlow(..) => true,
                Action::DiskStall(_) => true,
                Action::Rule(rule) => rule.fate != MessageFate::Drop,
                _ => false,
            });
        let ends_brokers = || {
            plan.steps.iter().filter(|step| match &step.action {
                Action::Crash(who) | Action::Shutdown(who) | Action::PowerLoss(who, _) => {
                    who.iter().any(|selector| kinds(selector, plan).contains(&Kind::Broker))
                }
                _ => false,
            })
        };
        // Whoever is down without an end may be started again at once by another step.
        let downtimes = ends_brokers().map(|step| step.undo_after.unwrap_or_default());
        let overtaken = downtimes.fold(OVERTAKES, Duration::min) < slowest_link(plan);
        Course {
            revives_registrations: (delays_requests || overtaken) && 1 < ends_brokers().count(),
            forgets_proposals: reads_old_news(plan),
            misses_epochs: has_three(plan) && elects_preferred(plan) && hears_late(plan),
            delays_requests,
            loses_bytes: loses_bytes(plan),
            elects_uncleanly: elects_uncleanly(plan),
            keeps_leaders: keeps_leaders(plan),
            ends_producers,
            moves_positions,
            adds_partitions: actions().any(|it| matches!(it, Action::AddPartitions(..))),
        }
    }

    /// Says whether no byte is lost that was flushed or copied, and only members of the ISR lead.
    pub fn is_survivable(&self) -> bool {
        !self.loses_bytes && !self.elects_uncleanly
    }

    /// Says whether what leaders commit must stay.
    pub fn keeps_committed(&self) -> bool {
        self.is_survivable() && !self.misses_epochs && !self.forgets_proposals
    }
}

/// Says whether no leader ever moves or refuses: faults hit clients and messages that move no leader, one copy
/// is enough, and producers leave the brokers time to hear of the topics.
fn keeps_leaders(plan: &Plan) -> bool {
    let harmless = plan.steps.iter().all(|step| match &step.action {
        Action::Crash(who) | Action::PowerLoss(who, _) | Action::Pause(who) => {
            who.iter().all(|it| {
                let hits = kinds(it, plan);
                !hits.contains(&Kind::Broker) && !hits.contains(&Kind::Controller)
            })
        }
        Action::Rule(rule) => moves_no_leader(rule.kind),
        Action::Produce(..)
        | Action::Release
        | Action::Join(_)
        | Action::Leave(_)
        | Action::ClockJump(..)
        | Action::ClockDrift(..)
        | Action::Mark(_) => true,
        _ => false,
    });
    let late = plan.clients.iter().all(|client| match &client.role {
        ClientRole::Producer(producer) => HEARD_AFTER <= producer.start.since(Time::ZERO),
        ClientRole::Consumer(_) => true,
        // Its producer begins whenever there is something to send.
        ClientRole::Member(member) => {
            plan.groups[usize::from(member.group.0)].handling.output.is_none()
        }
    });
    let one = plan.topics.iter().all(|topic| topic.config.min_insync_replicas <= 1);
    harmless && late && one
}

/// Says whether some partition has more than two replicas.
pub(crate) fn has_three(plan: &Plan) -> bool {
    plan.topics.iter().any(|topic| match &topic.layout {
        TopicLayout::Manual(rows) => rows.iter().any(|row| 2 < row.len()),
        TopicLayout::Counts { replicas, .. } => {
            2 < replicas.unwrap_or(plan.controller.config.default_replication_factor)
        }
    })
}

/// Says whether a leader that is well may have to go because another one is preferred.
fn elects_preferred(plan: &Plan) -> bool {
    let config = &plan.controller.config;
    let interval = Duration::from_secs(config.leader_imbalance_check_interval.0);
    let asks = |action: &Action| matches!(action, Action::Elect(_, ElectionKind::Preferred));
    plan.steps.iter().any(|step| asks(&step.action))
        || (config.auto_leader_rebalance && interval < plan.faults_for + plan.settle)
}

/// Says whether a broker that lives may hear late of what the controller has decided.
fn hears_late(plan: &Plan) -> bool {
    /// Two elections hardly follow each other within this.
    const SOON: Duration = Duration::from_millis(100);
    let is_late = |action: &Action| match action {
        Action::Cut { .. } | Action::Slow { .. } => true,
        Action::DiskSlow(..) | Action::DiskStall(_) => true,
        Action::Pause(who) => who.iter().any(|it| kinds(it, plan).contains(&Kind::Broker)),
        Action::Rule(rule) => rule.kind.api == Api::FetchMetadata,
        _ => false,
    };
    plan.steps.iter().any(|step| is_late(&step.action)) || SOON < slowest_link(plan)
}

/// Says whether what a broker hears from the metadata log may be older than what the controller
/// has answered it, by more than the time that a proposal takes: two connections of one link
/// that are not equally slow. The news after that must be late, too: else the leader hears
/// within a round trip whom it has let in. What may be lost in that round trip is not counted.
fn reads_old_news(plan: &Plan) -> bool {
    /// A proposal and its answer take less.
    const SOON: Duration = Duration::from_millis(100);
    let is_late = |action: &Action| match action {
        Action::Slow { latency, .. } => SOON < spread(*latency),
        Action::Rule(rule) => rule.kind.api == Api::FetchMetadata && rule.times != Some(1),
        _ => false,
    };
    let network = &plan.network;
    let links = network.links.iter().map(|(_, _, latency)| *latency);
    links.chain([network.latency]).any(|latency| SOON < spread(latency))
        || plan.steps.iter().any(|step| is_late(&step.action))
}

/// Says whether leaders stay, and take what reaches them in order, however late this message is.
/// Followers may leave the ISR, where one copy is enough.
fn moves_no_leader(kind: MessageKind) -> bool {
    match kind.api {
        Api::Produce => kind.half == Half::Response,
        Api::Metadata
        | Api::InitProducerId
        | Api::AllocateProducerIds
        | Api::Fetch
        | Api::ListOffsets
        | Api::OffsetForLeaderEpoch
        | Api::AlterPartition
        | Api::FindCoordinator
        | Api::JoinGroup
        | Api::SyncGroup
        | Api::Heartbeat
        | Api::LeaveGroup
        | Api::OffsetCommit
        | Api::OffsetFetch
        | Api::ConsumerGroupHeartbeat => true,
        // The controller takes a broker for dead that it does not hear.
        _ => false,
    }
}

/// What a selector may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Broker,
    Controller,
    Producer,
    Consumer,
    Member,
}

/// Lists what a selector may name.
fn kinds(selector: &Selector, plan: &Plan) -> Vec<Kind> {
    let kind = |client: ClientId| match &plan.clients[usize::from(client.0)].role {
        ClientRole::Producer(_) => Kind::Producer,
        ClientRole::Consumer(_) => Kind::Consumer,
        ClientRole::Member(_) => Kind::Member,
    };
    match selector {
        Selector::Node(NodeId::Client(client)) => vec![kind(*client)],
        Selector::Node(NodeId::Controller(_)) | Selector::Controller => vec![Kind::Controller],
        Selector::Node(NodeId::Broker(_))
        | Selector::Leader(_)
        | Selector::Followers(_)
        | Selector::Isr(_)
        | Selector::Follower(..)
        | Selector::Rack(_)
        | Selector::AnyBroker
        | Selector::AllBrokers
        | Selector::Coordinator(_) => vec![Kind::Broker],
        Selector::AllClients => vec![Kind::Producer, Kind::Consumer, Kind::Member],
        Selector::Member(..)
        | Selector::Members(_)
        | Selector::Owner(..)
        | Selector::GroupLeader(_) => vec![Kind::Member],
        Selector::LastCrashed | Selector::AllDown => {
            vec![Kind::Broker, Kind::Controller, Kind::Producer, Kind::Consumer, Kind::Member]
        }
    }
}

fn loses_bytes(plan: &Plan) -> bool {
    let flushes = plan.brokers.iter().all(|it| it.disk.flush == FlushPolicy::EveryWrite);
    let cuts = plan.steps.iter().any(|step| match step.action {
        Action::PowerLoss(_, unsynced) => unsynced != Unsynced::Kept,
        _ => false,
    });
    cuts && !flushes
}

fn elects_uncleanly(plan: &Plan) -> bool {
    let asked = plan.steps.iter().any(|step| match &step.action {
        Action::Elect(_, ElectionKind::Unclean) => true,
        Action::AlterTopic(_, config) => config.unclean_leader_election,
        _ => false,
    });
    asked || plan.topics.iter().any(|topic| topic.config.unclean_leader_election)
}
