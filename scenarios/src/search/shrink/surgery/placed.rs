//! How partitions lie on brokers.

use model::config::ControllerConfig;
use model::message::cluster::TopicLayout;
use sim::plan::{Plan, TopicPlan};

use super::moves::Moves;

/// Returns how many partitions a topic begins with.
pub(in super::super) fn partitions_of(plan: &Plan, topic: &TopicPlan) -> u16 {
    match &topic.layout {
        TopicLayout::Manual(rows) => rows.len() as u16,
        TopicLayout::Counts { partitions, .. } => {
            partitions.unwrap_or(plan.controller.config.num_partitions)
        }
    }
}

/// Returns how many replicas each partition of a topic has.
pub(in super::super) fn replicas_of(plan: &Plan, topic: &TopicPlan) -> u16 {
    match &topic.layout {
        TopicLayout::Manual(rows) => rows.first().map_or(0, |row| row.len() as u16),
        TopicLayout::Counts { replicas, .. } => {
            replicas.unwrap_or(plan.controller.config.default_replication_factor)
        }
    }
}

/// Returns a layout with the partitions below a limit on so many brokers; `None` if that cannot
/// be.
pub(super) fn layout(
    layout: &TopicLayout,
    (moves, limit): (&Moves, u16),
    (controller, brokers): (&ControllerConfig, usize),
) -> Option<TopicLayout> {
    match layout {
        TopicLayout::Manual(rows) => {
            let rows = rows.iter().take(usize::from(limit));
            let rows: Vec<Vec<_>> = rows
                .map(|row| row.iter().filter_map(|broker| moves.broker(*broker)).collect())
                .collect();
            let replicas = rows.first()?.len();
            let is_even = 0 < replicas && rows.iter().all(|row| row.len() == replicas);
            is_even.then_some(TopicLayout::Manual(rows))
        }
        TopicLayout::Counts { partitions, replicas } => {
            let count = partitions.unwrap_or(controller.num_partitions);
            let copies = replicas.unwrap_or(controller.default_replication_factor);
            let fits = usize::from(copies) <= brokers;
            Some(TopicLayout::Counts {
                partitions: if limit < count { Some(limit) } else { *partitions },
                replicas: if fits { *replicas } else { Some(brokers as u16) },
            })
        }
    }
}
