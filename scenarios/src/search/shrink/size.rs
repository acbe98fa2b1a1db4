//! How large a plan is.

use sim::plan::{ClientRole, Plan};

use super::surgery::partitions_of;
use model::time::Duration;

/// How large a plan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Steps.
    pub steps: usize,
    /// Brokers.
    pub brokers: usize,
    /// Partitions of all topics together, at the start.
    pub partitions: usize,
    /// Client processes.
    pub clients: usize,
    /// Records that producers send by themselves.
    pub records: u64,
    /// Both phases together.
    pub time: Duration,
}

impl Size {
    /// Measures a plan.
    pub fn of(plan: &Plan) -> Size {
        let records = plan.clients.iter().map(|client| match &client.role {
            ClientRole::Producer(producer) => u64::from(producer.records),
            ClientRole::Consumer(_) | ClientRole::Member(_) => 0,
        });
        let partitions = plan.topics.iter().map(|topic| usize::from(partitions_of(plan, topic)));
        Size {
            steps: plan.steps.len(),
            brokers: plan.brokers.len(),
            partitions: partitions.sum(),
            clients: plan.clients.len(),
            records: records.sum(),
            time: plan.faults_for + plan.settle,
        }
    }
}
