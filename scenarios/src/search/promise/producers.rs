//! What the settings of producers promise: loss, phantoms, repeats and order.

use model::config::{Idempotence, ProducerConfig};
use model::message::data::Acks;
use model::message::{Api, Half};
use model::time::Duration;
use sim::plan::{Action, ClientRole, MessageFate, OnFailure, Plan};
use sim::verdict::Claim;

use crate::search::promise::course::Course;
use crate::search::promise::recovery::is_impatient;

/// Longer `delivery.timeout.ms` than this is not waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Returns the settings of everything that sends records.
pub(crate) fn senders(plan: &Plan) -> Vec<ProducerConfig> {
    let mut all: Vec<ProducerConfig> = Vec::new();
    for client in &plan.clients {
        if let ClientRole::Producer(producer) = &client.role {
            all.push(producer.config.clone());
        }
    }
    for group in &plan.groups {
        match (&group.handling.output, group.handling.on_failure) {
            (Some(output), _) => all.push(output.config.clone()),
            (None, OnFailure::DeadLetter { .. }) => all.push(ProducerConfig::default()),
            (None, _) => {}
        }
    }
    all
}

/// Returns what is promised about the records in the logs.
///
/// Of `nothing-dropped-silently` nothing is said: it is at risk only where it is not promised,
/// under `acks=0` and where a producer's process ends.
pub(crate) fn of_producers(plan: &Plan, course: &Course) -> Vec<Claim> {
    let senders = senders(plan);
    let mut claims = vec![Claim::NoPhantom];
    let all = |is: &dyn Fn(&ProducerConfig) -> bool| senders.iter().all(is);
    if !course.is_survivable() {
        return claims;
    }
    if all(&|it| it.acks == Acks::All) && course.keeps_committed() {
        claims.push(Claim::NoAcknowledgedLoss);
    }
    // Producers that number nothing cannot break this one.
    if all(&|it| !is_idempotent(it) || leaves_out_none(it, plan, course)) {
        claims.push(Claim::IdempotentNoDuplicates);
    }
    if repeats_nothing(plan, course) {
        claims.push(Claim::NoDuplicates);
    }
    if keeps_order(plan, course) {
        claims.push(Claim::OrderPerPartition);
    }
    claims
}

/// Says whether the records of each producer session lie in the order of sending.
pub(crate) fn keeps_order(plan: &Plan, course: &Course) -> bool {
    // Without numbers a batch may still lie behind another one that was sent later, if the
    // producer has given it up while it was on its way.
    let waits = |it: &ProducerConfig| {
        it.acks == Acks::All && it.in_flight_max == 1 && never_gives_up(it, plan)
    };
    let keeps = |it: &ProducerConfig| match is_idempotent(it) {
        true => renumbers_none(it, plan, course),
        false => waits(it),
    };
    course.is_survivable() && senders(plan).iter().all(keeps)
}

/// Says whether a producer numbers its batches.
///
/// Source: `ProducerConfig.postProcessAndValidateIdempotenceConfigs`, Kafka 4.0.
pub(crate) fn is_idempotent(config: &ProducerConfig) -> bool {
    let conflicts = config.acks != Acks::All || config.retries == 0 || 5 < config.in_flight_max;
    match config.idempotence {
        Idempotence::On => true,
        Idempotence::Unset => !conflicts,
        Idempotence::Off => false,
    }
}

/// Says whether no record lies in a log twice.
pub(crate) fn repeats_nothing(plan: &Plan, course: &Course) -> bool {
    let keeps = |it: &ProducerConfig| is_idempotent(it) && renumbers_none(it, plan, course);
    course.is_survivable() && !sends_again(plan) && senders(plan).iter().all(keeps)
}

/// Says whether an idempotent producer never sends a batch that may be in the log already under
/// other numbers.
///
/// With several batches in flight a new producer epoch renumbers those that wait for their
/// answers. It begins when a batch expires, when a broker that has come back remembers only the
/// last batch of a producer, when a leader refuses a batch for good, and when a leader that has
/// never heard of the producer refuses its first batch and takes the second, since it accepts
/// any number as the first.
///
/// Source: `TransactionManager.bumpIdempotentProducerEpoch`, `ProducerStateManager`,
/// `ProducerAppendInfo.checkSequence`, Kafka 4.0.
fn renumbers_none(config: &ProducerConfig, plan: &Plan, course: &Course) -> bool {
    let takes_all = !refuses_some(config, plan) && course.keeps_leaders;
    config.in_flight_max == 1 || (never_gives_up(config, plan) && takes_all)
}

/// Says whether a leader may refuse a batch of a producer for good: it is larger than the topic
/// allows, or the clocks of the two are too far apart.
///
/// Source: `UnifiedLog.append`, `LogValidator`, Kafka 4.0.
fn refuses_some(config: &ProducerConfig, plan: &Plan) -> bool {
    /// What a batch has besides the values of its records, and clocks besides their jumps.
    const HEADERS: u32 = 200;
    const DRIFT: Duration = Duration::from_secs(60);
    let values = plan.clients.iter().map(|client| match &client.role {
        ClientRole::Producer(producer) => producer.value_bytes,
        ClientRole::Consumer(_) | ClientRole::Member(_) => 0,
    });
    let largest = values.max().unwrap_or_default().max(config.batch_bytes).saturating_add(HEADERS);
    let jumps = plan.steps.iter().map(|step| match step.action {
        Action::ClockJump(_, micros) => micros.unsigned_abs(),
        _ => 0,
    });
    let apart = DRIFT + Duration(jumps.sum());
    plan.topics.iter().any(|topic| {
        let topic = &topic.config;
        let stretch = topic.timestamp_before_max.min(topic.timestamp_after_max);
        topic.segment_bytes.min(topic.message_bytes_max) < largest || stretch < apart
    })
}

/// Says whether an idempotent producer leaves out no number, as its leaders see it.
///
/// A batch that expires while its first attempt is under way does not begin a new epoch: the
/// next one follows it by number, also at a leader that has never heard of the producer.
///
/// Source: `Sender.sendProducerData`, `ProducerAppendInfo.checkSequence`, Kafka 4.0.
fn leaves_out_none(config: &ProducerConfig, plan: &Plan, course: &Course) -> bool {
    never_gives_up(config, plan) && renumbers_none(config, plan, course)
}

/// Says whether some producer may try a batch again and again for longer than anybody waits:
/// its leader refuses it for its number, or answers only after the producer has given up on it.
pub(crate) fn gets_stuck(plan: &Plan, course: &Course) -> bool {
    senders(plan).iter().any(|it| {
        let is_forgotten = 1 < it.in_flight_max && swallows_answers(plan);
        let is_refused = is_idempotent(it) && (is_forgotten || !renumbers_none(it, plan, course));
        PATIENCE < it.delivery_timeout && (is_refused || is_impatient(it.request_timeout, plan))
    })
}

/// Says whether a producer may miss an answer and hear later ones. Its leader remembers its last
/// five batches only, so that one that is repeated after five more is out of order to it.
///
/// Source: `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`, Kafka 4.0.
fn swallows_answers(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match &step.action {
        Action::Rule(rule) => {
            let is_answer = rule.kind.api == Api::Produce && rule.kind.half == Half::Response;
            is_answer && rule.fate == MessageFate::Drop
        }
        _ => false,
    })
}

/// Says whether no batch of a producer can expire, or run out of retries, in a trial.
fn never_gives_up(config: &ProducerConfig, plan: &Plan) -> bool {
    let whole = plan.faults_for + plan.settle;
    whole <= config.delivery_timeout && config.retries == ProducerConfig::default().retries
}

/// Says whether applications send records again that they have sent before.
fn sends_again(plan: &Plan) -> bool {
    plan.clients.iter().any(|client| match &client.role {
        ClientRole::Producer(producer) => producer.checkpoint.is_some(),
        ClientRole::Consumer(_) | ClientRole::Member(_) => false,
    })
}
