//! Rows for what the controller decided.

use model::fact::{ChangeCause, Fact};
use model::ids::{BrokerId, LeaderEpoch, NodeId, ReplicaSet, TopicId};
use model::message::ErrorCode;
use model::time::Time;

use super::error_forms;
use super::read::Reader;
use super::row::{Arrow, ArrowEnd, Row, Weight};
use crate::story::{broker_ids, broker_name};
use crate::text::{Tone, fill};

/// The controller's node.
pub(crate) const CONTROLLER: NodeId = NodeId::Controller(1);

/// Makes the row of a controller's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    let words = reader.words;
    let row = |weight| Row::new(time, at, weight);
    match fact {
        Fact::PartitionChanged { leader, leader_epoch, isr, cause, .. } => {
            if *cause == ChangeCause::Created {
                reader.leader = leader.1;
                reader.first_leader = leader.1.map(|broker| (broker, *leader_epoch));
                return None;
            }
            let changed = row(Weight::Key);
            let changed = match (leader.0 == leader.1, leader.1) {
                (false, Some(new)) => elected(reader, changed, (new, *leader_epoch), *cause),
                (false, None) => changed.cell(CONTROLLER, Tone::Risk, words.no_leader),
                (true, _) => changed,
            };
            reader.leader = leader.1;
            Some(isr_changed(reader, changed, *isr))
        }
        // Several brokers ask at once for the topic of committed offsets; one of them is first.
        Fact::AdminRefused {
            topic: TopicId::CONSUMER_OFFSETS,
            error: ErrorCode::TopicAlreadyExists,
        } => None,
        Fact::AdminRefused { error, .. } => {
            let refused = row(Weight::Key).margin(error_forms(*error, reader.words));
            Some(refused.cell(CONTROLLER, Tone::Risk, words.admin_refused))
        }
        Fact::RegistrationRefused { broker, error } => {
            let text = fill(words.not_yet, &[&broker_name(*broker)]);
            Some(
                row(Weight::Lesser)
                    .cell(CONTROLLER, Tone::Risk, text)
                    .margin(error_forms(*error, reader.words)),
            )
        }
        Fact::BrokerFenced { broker } => {
            reader.fenced = reader.fenced.with(*broker);
            let text = fill(words.fence, &[&broker_name(*broker)]);
            Some(row(Weight::Key).cell(CONTROLLER, Tone::Risk, text))
        }
        Fact::BrokerUnfenced { broker } => {
            let was_fenced = reader.fenced.contains(*broker);
            reader.fenced = reader.fenced.without(*broker);
            let text = fill(words.serves, &[&broker_name(*broker)]);
            was_fenced.then(|| row(Weight::Notable).cell(CONTROLLER, Tone::Plain, text))
        }
        Fact::ShutdownBegan { broker } => {
            let text = fill(words.leaves, &[&broker_name(*broker)]);
            Some(row(Weight::Notable).cell(CONTROLLER, Tone::Plain, text))
        }
        Fact::ControllerStarted { records } if *records != 0 => {
            Some(row(Weight::Key).cell(CONTROLLER, Tone::Plain, words.controller_back))
        }
        _ => None,
    }
}

/// Adds an election to a row.
fn elected(
    reader: &mut Reader<'_>,
    row: Row,
    (leader, epoch): (BrokerId, LeaderEpoch),
    cause: ChangeCause,
) -> Row {
    let (sentence, tone) = match cause {
        ChangeCause::UncleanElection => (reader.words.elect_unclean, Tone::Lost),
        ChangeCause::Created
        | ChangeCause::AlterPartition
        | ChangeCause::Fenced(_)
        | ChangeCause::Unfenced(_)
        | ChangeCause::ControlledShutdown(_)
        | ChangeCause::PreferredElection => (reader.words.elect, Tone::Strong),
    };
    let end = reader.end_of(leader);
    reader.elections.insert(epoch, (reader.rows.len(), end));
    let node = NodeId::Broker(leader);
    let label = fill(sentence, &[&broker_name(leader)]);
    let arrow = Arrow { from: CONTROLLER, to: node, label, tone, end: ArrowEnd::Arrives };
    let text = fill(reader.words.leads, &[&epoch.to_string(), &end.to_string()]);
    row.arrow(arrow).signed(node, Tone::Strong, ('★', text))
}

/// Adds a change of the ISR to a row: on the controller's lane if it is free, and on those
/// of the brokers concerned.
fn isr_changed(
    reader: &Reader<'_>,
    mut row: Row,
    (before, after): (ReplicaSet, ReplicaSet),
) -> Row {
    if before == after {
        return row;
    }
    let text = fill(reader.words.isr, &[&broker_ids(after)]);
    if row.arrow.is_none() && row.cells.is_empty() {
        row = row.cell(CONTROLLER, Tone::Plain, text);
    } else {
        row = row.margin(text);
    }
    for broker in after.minus(before).iter() {
        row = row.cell(NodeId::Broker(broker), Tone::Committed, reader.words.isr_again);
    }
    for broker in before.minus(after).iter() {
        row = row.cell(NodeId::Broker(broker), Tone::Risk, reader.words.isr_left);
    }
    row
}
