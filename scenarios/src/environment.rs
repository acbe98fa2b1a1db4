//! Reads `[network]`, `[disk]` and `[clocks]`.

use std::collections::BTreeMap;

use model::ids::NodeId;
use model::time::Duration;
use sim::plan::{ClockPlan, DiskPlan, FlushPolicy, InFlight, NetworkPlan, Selector, Shape};

use crate::codes::Code;
use crate::names::Names;
use crate::problems::{Problems, Span};
use crate::section::{Section, items, named};
use crate::selector::selectors;
use crate::tree::{Node, Value};
use crate::values::{duration, millionths, parts_per_million, rate, shape, signed_micros, word};

/// A network within one data centre.
pub(crate) fn default_network() -> NetworkPlan {
    NetworkPlan {
        latency: Shape::Exponential {
            floor: Duration::from_micros(200),
            mean: Duration::from_millis(1),
            cap: Duration::from_millis(50),
        },
        bandwidth: None,
        loss_millionths: 0,
        in_flight: InFlight::Kept,
        links: Vec::new(),
    }
}

/// A solid-state disk under Linux, which writes pages back after 30 s.
pub(crate) fn default_disk() -> DiskPlan {
    DiskPlan {
        flush: FlushPolicy::ByConfig,
        write_latency: Shape::Fixed(Duration::from_micros(20)),
        flush_latency: Shape::Fixed(Duration::from_millis(2)),
        writeback: Duration::from_secs(30),
    }
}

/// Reads `[network]`.
pub(crate) fn network(node: &Node, names: &Names, problems: &mut Problems<'_>) -> NetworkPlan {
    let mut plan = default_network();
    let Some(mut section) = Section::open(node, "`network`", problems) else { return plan };
    if let Some(read) = section.take("latency").and_then(|node| shape(node, problems)) {
        plan.latency = read;
    }
    plan.bandwidth = section.take("bandwidth").and_then(|node| rate(node, problems));
    if let Some(read) = section.take("loss").and_then(|node| millionths(node, problems)) {
        plan.loss_millionths = read;
    }
    if let Some(node) = section.take("in-flight") {
        let choices = [
            ("kept", InFlight::Kept),
            ("dropped", InFlight::Dropped),
            ("jammed", InFlight::Jammed),
        ];
        plan.in_flight = word(node, &choices, problems).unwrap_or_default();
    }
    if let Some(node) = section.take("link") {
        plan.links = items(node).iter().filter_map(|item| link(item, names, problems)).collect();
    }
    section.finish(problems);
    plan
}

fn link(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> Option<(NodeId, NodeId, Shape)> {
    let mut section = Section::open(node, "a link", problems)?;
    let between = section.need("between", "a link", problems);
    let latency = section.need("latency", "a link", problems);
    section.finish(problems);
    let latency = latency.and_then(|node| shape(node, problems));
    let between = between?;
    let ends = selectors(between, names, problems)?;
    let fixed = |end: &Selector| match end {
        Selector::Node(node) => Some(*node),
        Selector::Controller => Some(NodeId::Controller(1)),
        _ => None,
    };
    let ends: Option<Vec<NodeId>> = ends.iter().map(fixed).collect();
    let Some(&[one, other]) = ends.as_deref() else {
        problems
            .error(Code::BadSelector, between.span, "a link has two fixed ends")
            .help("Write between = [\"broker-1\", \"broker-3\"].");
        return None;
    };
    if one == other {
        problems.error(Code::BadSelector, between.span, "a link has two different ends");
        return None;
    }
    Some((one, other, latency?))
}

/// Reads `[disk]` on top of what holds without it.
pub(crate) fn disk(node: &Node, base: &DiskPlan, problems: &mut Problems<'_>) -> DiskPlan {
    let mut plan = base.clone();
    let Some(mut section) = Section::open(node, "`disk`", problems) else { return plan };
    if let Some(node) = section.take("flush") {
        let choices = [
            ("by-config", FlushPolicy::ByConfig),
            ("every-write", FlushPolicy::EveryWrite),
            ("never", FlushPolicy::Never),
        ];
        plan.flush = word(node, &choices, problems).unwrap_or_default();
    }
    if let Some(read) = section.take("write-latency").and_then(|node| shape(node, problems)) {
        plan.write_latency = read;
    }
    if let Some(read) = section.take("flush-latency").and_then(|node| shape(node, problems)) {
        plan.flush_latency = read;
    }
    if let Some(node) = section.take("writeback") {
        let never = matches!(&node.value, Value::Text(text) if text == "never");
        let read = if never { Some(Duration::MAX) } else { duration(node, problems) };
        plan.writeback = read.unwrap_or(plan.writeback);
    }
    section.finish(problems);
    plan
}

/// Reads `[clocks]`: one entry per node.
pub(crate) fn clocks(
    node: &Node,
    names: &Names,
    problems: &mut Problems<'_>,
) -> BTreeMap<NodeId, ClockPlan> {
    let mut clocks = BTreeMap::new();
    for entry in named(node, "`clocks`", problems) {
        let clock = clock(&entry.node, problems);
        if let (Some(node), Some(clock)) =
            (owner(&entry.name, entry.name_span, names, problems), clock)
        {
            clocks.insert(node, clock);
        }
    }
    clocks
}

fn owner(name: &str, span: Span, names: &Names, problems: &mut Problems<'_>) -> Option<NodeId> {
    if name == "controller" {
        return Some(NodeId::Controller(1));
    }
    match names.any_client(name) {
        Some(client) => Some(NodeId::Client(client)),
        None => names.broker_named(name, span, problems).map(NodeId::Broker),
    }
}

fn clock(node: &Node, problems: &mut Problems<'_>) -> Option<ClockPlan> {
    let mut section = Section::open(node, "a clock", problems)?;
    let mut clock = ClockPlan::default();
    if let Some(node) = section.take("ahead") {
        clock.ahead_micros = signed_micros(node, problems).unwrap_or(0);
    }
    if let Some(node) = section.take("drift-ppm") {
        clock.drift_ppm = parts_per_million(node, problems).unwrap_or(0);
    }
    section.finish(problems);
    Some(clock)
}
