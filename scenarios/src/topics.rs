//! Reads `[topics.NAME]`.

use std::sync::Arc;

use model::ids::BrokerId;
use model::message::cluster::TopicLayout;
use sim::plan::{Created, TopicPlan};

use crate::cluster::Cluster;
use crate::codes::Code;
use crate::names::is_legal;
use crate::problems::{Problems, Span};
use crate::section::{Section, named};
use crate::settings;
use crate::tree::{Entry, Node, Value};
use crate::values::{whole, word, wrong_type};

/// More partitions than this would teach nothing and take long.
pub(crate) const PARTITIONS_MAX: u64 = 1_000;
const TOPICS_MAX: usize = 1_000;

/// A topic and how many partitions it has.
pub(crate) struct Topic {
    pub plan: TopicPlan,
    pub partitions: u16,
    /// The settings that it has of its own.
    pub own: Vec<String>,
}

/// Reads all topics, in the order of the file.
pub(crate) fn read(node: &Node, cluster: &Cluster, problems: &mut Problems<'_>) -> Vec<Topic> {
    let entries = named(node, "`topics`", problems);
    if TOPICS_MAX < entries.len() {
        problems.error(Code::OutOfRange, node.span, format!("more than {TOPICS_MAX} topics"));
        return Vec::new();
    }
    entries.iter().filter_map(|entry| topic(entry, cluster, problems)).collect()
}

fn topic(entry: &Entry, cluster: &Cluster, problems: &mut Problems<'_>) -> Option<Topic> {
    let name = &entry.name;
    if !is_legal(name) {
        problems.error(Code::BadName, entry.name_span, format!("`{name}` cannot name a topic"));
    }
    let mut section = Section::open(&entry.node, "a topic", problems)?;
    let mut config = cluster.settings.topic.clone();
    let config_node = section.take("config");
    if let Some(node) = config_node {
        settings::topic(&mut config, node, problems);
    }
    let placement = section.take_entry("placement");
    let partitions = section.take("partitions");
    let replicas = section.take("replication-factor");
    let partitions_count = partitions.and_then(|node| whole(node, 1..=PARTITIONS_MAX, problems));
    let layout = match placement {
        Some(placement) => {
            let rows = rows(&placement.node, cluster, problems);
            if let Some(count) = partitions_count.filter(|count| *count != rows.len() as u64) {
                let message =
                    format!("`placement` has {} partitions, `partitions` says {count}", rows.len());
                problems.error(Code::BadPlacement, placement.node.span, message);
            }
            if let Some(node) = replicas {
                problems
                    .error(
                        Code::BadPlacement,
                        node.span,
                        "`placement` says already how many replicas there are",
                    )
                    .label("leave this out");
            }
            TopicLayout::Manual(rows)
        }
        None => TopicLayout::Counts {
            partitions: partitions_count.map(|count| count as u16),
            replicas: replicas.and_then(|node| replication_factor(node, cluster, problems)),
        },
    };
    // A `create-topic` step says it for the topic; without one it never exists.
    let choices = [("by-step", Created::ByStep)];
    let created = section.take("created").and_then(|node| word(node, &choices, problems));
    section.finish(problems);
    let controller = &cluster.controller.config;
    let (count, copies) = match &layout {
        TopicLayout::Manual(rows) => (rows.len() as u16, rows.first().map_or(0, Vec::len)),
        TopicLayout::Counts { partitions, replicas } => (
            partitions.unwrap_or(controller.num_partitions),
            usize::from(replicas.unwrap_or(controller.default_replication_factor)),
        ),
    };
    let span = min_isr_span(config_node).unwrap_or(entry.name_span);
    warn_min_isr(usize::from(config.min_insync_replicas), copies, span, problems);
    check_defaults((u64::from(count), copies), cluster, entry, problems);
    let created = created.unwrap_or(Created::AtStart);
    let plan = TopicPlan { name: Arc::from(name.as_str()), layout, config, created };
    let own = config_node.map(names).unwrap_or_default();
    Some(Topic { plan, partitions: count, own })
}

fn names(config: &Node) -> Vec<String> {
    match &config.value {
        Value::Table(entries) => entries.iter().map(|entry| entry.name.clone()).collect(),
        _ => Vec::new(),
    }
}

fn replication_factor(node: &Node, cluster: &Cluster, problems: &mut Problems<'_>) -> Option<u16> {
    let factor = whole(node, 1..=127, problems)?;
    let brokers = cluster.brokers.len();
    if (brokers as u64) < factor {
        let message = format!("{factor} replicas, but the cluster has {brokers} brokers");
        problems.error(Code::TooManyReplicas, node.span, message);
        return None;
    }
    Some(factor as u16)
}

/// Checks counts that came from the controller's settings instead of the topic.
fn check_defaults(
    (partitions, replicas): (u64, usize),
    cluster: &Cluster,
    entry: &Entry,
    problems: &mut Problems<'_>,
) {
    let brokers = cluster.brokers.len();
    if brokers != 0 && brokers < replicas {
        let message = format!("{replicas} replicas, but the cluster has {brokers} brokers");
        problems.error(Code::TooManyReplicas, entry.name_span, message);
    }
    if PARTITIONS_MAX < partitions {
        let message = format!("a topic has at most {PARTITIONS_MAX} partitions");
        problems.error(Code::OutOfRange, entry.name_span, message);
    }
}

/// Reads `placement`: the replicas of each partition, preferred leader first.
fn rows(node: &Node, cluster: &Cluster, problems: &mut Problems<'_>) -> Vec<Vec<BrokerId>> {
    let Value::List(list) = &node.value else {
        wrong_type(node, "a list of lists such as [[1, 2, 3]]", problems);
        return Vec::new();
    };
    if list.is_empty() || PARTITIONS_MAX < list.len() as u64 {
        let message = format!("a topic has 1 to {PARTITIONS_MAX} partitions");
        problems.error(Code::OutOfRange, node.span, message);
        return Vec::new();
    }
    let rows: Vec<Vec<BrokerId>> = list.iter().map(|item| row(item, cluster, problems)).collect();
    for (row, item) in rows.iter().zip(list) {
        if row.len() != rows[0].len() {
            problems.error(
                Code::BadPlacement,
                item.span,
                "partitions differ in their number of replicas",
            );
            break;
        }
    }
    rows
}

fn row(node: &Node, cluster: &Cluster, problems: &mut Problems<'_>) -> Vec<BrokerId> {
    let Value::List(list) = &node.value else {
        wrong_type(node, "a list of brokers such as [1, 2, 3]", problems);
        return Vec::new();
    };
    if list.is_empty() {
        problems.error(Code::BadPlacement, node.span, "a partition has at least one replica");
    }
    let mut row = Vec::new();
    for item in list {
        let Some(id) = whole(item, 1..=127, problems) else { continue };
        let id = BrokerId(id as u8);
        if !cluster.brokers.iter().any(|broker| broker.id == id) {
            problems.error(Code::UnknownBroker, item.span, format!("there is no broker {id}"));
        } else if row.contains(&id) {
            let message = format!("broker {id} holds this partition twice");
            problems.error(Code::BadPlacement, item.span, message);
        }
        row.push(id);
    }
    row
}

fn min_isr_span(config: Option<&Node>) -> Option<Span> {
    Some(config?.get("min.insync.replicas")?.span)
}

/// Warns where no acks=all write could ever succeed.
pub(crate) fn warn_min_isr(min: usize, replicas: usize, span: Span, problems: &mut Problems<'_>) {
    if replicas < min && replicas != 0 {
        let message = format!("`min.insync.replicas` is {min}, but there are {replicas} replicas");
        problems
            .warning(Code::MinIsrTooHigh, span, message)
            .label("no write with acks=all can succeed");
    }
}
