//! What Kafka 4.0's rules promise, given the faults that a plan has.

use model::config::Idempotence;
use model::ids::TopicId;
use model::message::cluster::ElectionKind;
use model::message::data::Acks;
use sim::outcome::Outcome;
use sim::plan::{Action, ClientRole, FlushPolicy, Plan, ProducerPlan, Unsynced};
use sim::verdict::{Anomaly, Claim, Verdict};

/// Every claim that some plan promises.
pub const EVER: &[Claim] = &[
    Claim::ReplicasAgree,
    Claim::OneLeaderPerEpoch,
    Claim::IsrCoversHighWatermark,
    Claim::WritesResume,
    Claim::ReplicasCatchUp,
    Claim::HighWatermarkMonotonic,
    Claim::NoCommittedLoss,
    Claim::NoAcknowledgedLoss,
    Claim::IdempotentNoDuplicates,
    Claim::NoDuplicates,
    Claim::OrderPerPartition,
];

/// Lists the claims that must hold in every trial of a plan.
pub fn promised(plan: &Plan) -> Vec<Claim> {
    let mut claims = EVER[..5].to_vec();
    if loses_bytes(plan) || elects_uncleanly(plan) {
        return claims;
    }
    claims.extend([Claim::HighWatermarkMonotonic, Claim::NoCommittedLoss]);
    if producers(plan).all(|it| it.config.acks == Acks::All) {
        claims.push(Claim::NoAcknowledgedLoss);
    }
    claims.push(Claim::IdempotentNoDuplicates);
    // With several batches in flight a new producer epoch renumbers those that may be in the log
    // already. It begins when an older batch expires, or is refused by a broker that has come
    // back and remembers only the last batch of each producer.
    let is_safe = |it: &ProducerPlan| {
        it.config.idempotence == Idempotence::On && it.config.in_flight_max == 1
    };
    if producers(plan).all(is_safe) {
        claims.extend([Claim::NoDuplicates, Claim::OrderPerPartition]);
    }
    claims
}

/// Lists what a trial broke although it was promised.
pub fn broken(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let promised = promised(plan);
    let findings = outcome.judgement.findings.iter();
    findings
        .filter(|finding| promised.contains(&finding.claim))
        .filter_map(|finding| match &finding.verdict {
            // A producer that a leader has never heard of may begin anywhere: so does one
            // whose first batch expired while it was refused.
            Verdict::Breaks(_)
                if finding.claim == Claim::IdempotentNoDuplicates
                    && !finding.anomalies.contains_key(&Anomaly::DupSequence) =>
            {
                None
            }
            Verdict::Breaks(evidence) => {
                Some(format!("{}: {}", finding.claim.name(), evidence.because))
            }
            Verdict::Holds | Verdict::Untested(_) => None,
        })
        .collect()
}

fn producers(plan: &Plan) -> impl Iterator<Item = &ProducerPlan> {
    plan.clients.iter().filter_map(|client| match &client.role {
        ClientRole::Producer(producer) => Some(producer),
        ClientRole::Consumer(_) | ClientRole::Member(_) => None,
    })
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
    let is_unclean =
        |topic: TopicId| plan.topics[usize::from(topic.0)].config.unclean_leader_election;
    let asked = plan.steps.iter().any(|step| match &step.action {
        Action::Elect(_, ElectionKind::Unclean) => true,
        Action::AlterTopic(_, config) => config.unclean_leader_election,
        _ => false,
    });
    asked || (0..plan.topics.len()).any(|topic| is_unclean(TopicId(topic as u16)))
}
