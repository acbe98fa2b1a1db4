//! Draws topics: those that producers write, and those that applications write to.

use std::sync::Arc;

use model::config::TopicConfig;
use model::ids::{BrokerId, TopicId};
use model::message::cluster::TopicLayout;
use model::time::Duration;
use sim::plan::{Created, TopicPlan};

use crate::search::any::Scale;
use crate::search::any::dice::Dice;
use crate::search::any::groups::Wish;

/// Names of topics that producers write.
const NAMES: [&str; 2] = ["orders", "payments"];

/// Topics that applications write to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Further {
    /// Where records go that nobody can process.
    pub dead_letters: Option<TopicId>,
    /// Where results go.
    pub results: Option<TopicId>,
}

/// Draws the topics that producers write.
pub(crate) fn draw(seed: u64, scale: &Scale) -> Vec<TopicPlan> {
    let names = NAMES.iter().take(usize::from(scale.topics));
    names.map(|name| topic(seed, scale, name)).collect()
}

/// Numbers the topics that groups wish for.
pub(crate) fn further(wishes: &[Wish], topics: usize) -> Further {
    let (mut further, mut next) = (Further::default(), topics as u16);
    let mut number = || {
        next += 1;
        TopicId(next - 1)
    };
    if wishes.iter().any(|wish| wish.dead_letters) {
        further.dead_letters = Some(number());
    }
    if wishes.iter().any(|wish| wish.output) {
        further.results = Some(number());
    }
    further
}

/// Draws the topics that groups wish for, in the order of their numbers.
pub(crate) fn for_results(seed: u64, scale: &Scale, wishes: &[Wish]) -> Vec<TopicPlan> {
    let further = further(wishes, 0);
    let names = [further.dead_letters.map(|_| "orders-dlq"), further.results.map(|_| "results")];
    names.into_iter().flatten().map(|name| topic(seed, scale, name)).collect()
}

fn topic(seed: u64, scale: &Scale, name: &str) -> TopicPlan {
    let mut dice = Dice::of(seed, &format!("topic/{name}"));
    let partitions = dice.number(1, u64::from(scale.partitions)) as u16;
    let most = u64::from(scale.brokers);
    // A topic on every broker is the usual case of a tiny cluster.
    let replicas = if dice.one_in(4) { dice.number(1, most) } else { most.min(3) } as u16;
    let layout = match dice.one_in(4) {
        true => TopicLayout::Counts { partitions: Some(partitions), replicas: Some(replicas) },
        false => TopicLayout::Manual((0..partitions).map(|at| row(at, replicas, scale)).collect()),
    };
    let config = config(seed, name, replicas);
    TopicPlan { name: Arc::from(name), layout, config, created: Created::AtStart }
}

/// Places one partition, its preferred leader next to that of the partition before.
fn row(at: u16, replicas: u16, scale: &Scale) -> Vec<BrokerId> {
    let brokers = u16::from(scale.brokers);
    (0..replicas).map(|nth| BrokerId(((at + nth) % brokers) as u8 + 1)).collect()
}

fn config(seed: u64, name: &str, replicas: u16) -> TopicConfig {
    let mut dice = Dice::of(seed, &format!("topic/{name}/config"));
    TopicConfig {
        min_insync_replicas: dice.number(1, u64::from(replicas)) as u16,
        // One for the whole cluster: a promise holds for all topics or for none.
        unclean_leader_election: Dice::of(seed, "unclean").one_in(6),
        segment_bytes: dice.pick(&[1_073_741_824, 1_073_741_824, 2_000]),
        flush_messages: dice.pick(&[u64::MAX, u64::MAX, u64::MAX, 1, 2]),
        flush_age_max: dice.pick(&[Duration::MAX, Duration::MAX, Duration::from_millis(500)]),
        ..TopicConfig::default()
    }
}
