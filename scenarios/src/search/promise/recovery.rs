//! How long it takes, once all faults are over, until everything works again.

use model::config::GroupProtocolKind;
use model::message::Api;
use model::time::Duration;
use sim::plan::{Action, ClientRole, MessageFate, Plan, Shape};

use crate::search::promise::groups::records;
use crate::search::promise::producers::{PATIENCE, senders};

/// What nothing accounts for: round trips, elections, back-offs.
const SLACK: Duration = Duration::from_secs(5);

/// How long a broker waits for the controller's answer: `controller.socket.timeout.ms`.
const CONTROLLER_TIMEOUT: Duration = Duration::from_secs(30);

/// How much later a packet arrives that was lost.
const RETRANSMISSION: Duration = Duration::from_millis(400);

/// Returns a time after which everything has recovered: the timeouts that may have to pass one
/// after the other.
pub fn recovery(plan: &Plan) -> Duration {
    let slack = SLACK.max(backlog(plan));
    if plan.steps.is_empty() {
        return slack;
    }
    // What a cut has stopped is repeated after up to as long again as the cut was.
    let network = plan.faults_for;
    let brokers = plan.brokers.iter().map(|broker| {
        let config = &broker.config;
        config.replica_socket_timeout + config.replica_lag_time_max + config.replica_fetch_backoff
    });
    let session = plan.controller.config.session_timeout;
    let sends = senders(plan).into_iter().map(|config| {
        // Whoever is that patient is not waited for.
        let delivery = config.delivery_timeout.min(PATIENCE);
        delivery + config.request_timeout
    });
    let members = plan.clients.iter().map(|client| match &client.role {
        ClientRole::Member(member) => {
            let config = &member.config;
            let session = match config.group_protocol {
                GroupProtocolKind::Classic => config.session_timeout,
                GroupProtocolKind::Consumer => {
                    let brokers = plan.brokers.iter();
                    let all = brokers.map(|it| it.config.group_consumer_session_timeout);
                    all.max().unwrap_or_default()
                }
            };
            session + config.poll_interval_max + config.api_timeout + config.request_timeout
        }
        ClientRole::Producer(_) | ClientRole::Consumer(_) => Duration::ZERO,
    });
    let longest = |lengths: &mut dyn Iterator<Item = Duration>| lengths.max().unwrap_or_default();
    let swallows = plan.steps.iter().any(|step| match &step.action {
        Action::Rule(rule) => rule.fate == MessageFate::Drop && is_to_controller(rule.kind.api),
        _ => false,
    });
    let controller = if swallows { CONTROLLER_TIMEOUT } else { Duration::ZERO };
    controller
        + network
        + session
        + longest(&mut brokers.into_iter())
        + longest(&mut sends.into_iter()).max(longest(&mut members.into_iter()))
        + slack
}

/// Returns how long producers may need for all they have if each record goes alone, and waits
/// for a follower that waits for the leader.
fn backlog(plan: &Plan) -> Duration {
    Duration(replication(plan).0.saturating_mul(records(plan)))
}

/// Returns how long a write takes as a rule that waits for a follower that waits for the leader.
pub(crate) fn replication(plan: &Plan) -> Duration {
    /// Messages, one after the other.
    const HOPS: u64 = 4;
    let links = plan.network.links.iter().map(|(_, _, shape)| usual(*shape));
    let slowest = links.fold(usual(plan.network.latency), Duration::max);
    Duration(slowest.0.saturating_mul(HOPS))
}

/// Says whether brokers ask the controller with this.
fn is_to_controller(api: Api) -> bool {
    matches!(
        api,
        Api::BrokerRegistration
            | Api::BrokerHeartbeat
            | Api::AlterPartition
            | Api::FetchMetadata
            | Api::AllocateProducerIds
    )
}

/// Says whether followers keep up with their leaders when nothing is wrong, and brokers with
/// their heartbeats, so that none is taken for one that lags or is dead.
pub(crate) fn keeps_up(plan: &Plan) -> bool {
    let links = slowest_link(plan);
    plan.brokers.iter().all(|broker| {
        let config = &broker.config;
        let disk = longest(broker.disk.write_latency) + longest(broker.disk.flush_latency);
        let fetch = Duration((links + disk).0.saturating_mul(4)) + config.replica_fetch_wait_max;
        // Between two heartbeats of a broker lies an answer, and each may be late.
        let beat = config.heartbeat_interval + Duration(links.0.saturating_mul(4));
        fetch <= config.replica_lag_time_max && beat <= plan.controller.config.session_timeout
    })
}

/// Messages, one after the other, before an answer is there.
pub(crate) const HOPS: u64 = 10;

/// Says whether whoever waits for this long gives up on servers with which nothing is wrong: a
/// request may lie behind others of its connection, and each of them waits for followers.
pub(crate) fn is_impatient(timeout: Duration, plan: &Plan) -> bool {
    timeout.0 < slowest_link(plan).0.saturating_mul(HOPS)
}

/// Returns the longest latency of any link.
pub(crate) fn slowest_link(plan: &Plan) -> Duration {
    let links = plan.network.links.iter().map(|(_, _, shape)| longest(*shape));
    let slowest = links.fold(longest(plan.network.latency), Duration::max);
    // A lost packet is sent again after 200 ms, and the packets behind it wait.
    if plan.network.loss_millionths == 0 { slowest } else { slowest + RETRANSMISSION }
}

/// Returns a time that a shape draws as a rule.
fn usual(shape: Shape) -> Duration {
    match shape {
        Shape::Fixed(at) => at,
        Shape::Uniform(_, high) => high,
        Shape::Exponential { mean, .. } => mean,
        Shape::TwoHumped { usual, .. } => usual,
    }
}

/// Returns the longest time that a shape draws.
pub(crate) fn longest(shape: Shape) -> Duration {
    match shape {
        Shape::Fixed(at) => at,
        Shape::Uniform(_, high) => high,
        Shape::Exponential { cap, .. } => cap,
        Shape::TwoHumped { usual, rare, .. } => usual.max(rare),
    }
}

/// Returns how far the times that a shape draws lie apart.
pub(crate) fn spread(shape: Shape) -> Duration {
    let shortest = match shape {
        Shape::Fixed(at) => at,
        Shape::Uniform(low, _) => low,
        Shape::Exponential { floor, .. } => floor,
        Shape::TwoHumped { usual, rare, .. } => usual.min(rare),
    };
    longest(shape) - shortest
}
