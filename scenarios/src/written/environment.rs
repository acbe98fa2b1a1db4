//! `[network]`, `[disk]` and `[clocks]`.

use model::ids::NodeId;
use model::time::Duration;
use sim::plan::{DiskPlan, FlushPolicy, InFlight, NetworkPlan, Plan};

use super::layout::{Sheet, Table, Value};
use super::lengths::{Share, signed};
use super::names::Names;
use crate::environment;

/// Writes what is not as usual.
pub(super) fn environment(plan: &Plan, names: Names<'_>, sheet: &mut Sheet) {
    sheet.table_if_any("network", &network(&plan.network));
    for (one, other, latency) in &plan.network.links {
        let mut link = Table::default();
        link.set("between", vec![end(*one, names), end(*other, names)]);
        link.set("latency", *latency);
        sheet.item("network.link", &link);
    }
    sheet.table_if_any("disk", &disk(&plan.disk, &environment::default_disk()));
    let mut clocks = Table::default();
    for (node, clock) in &plan.clocks {
        let mut table = Table::default();
        if clock.ahead_micros != 0 {
            table.set("ahead", signed(clock.ahead_micros));
        }
        table.set_unless("drift-ppm", clock.drift_ppm, 0);
        clocks.set(&end(*node, names), table);
    }
    sheet.table_if_any("clocks", &clocks);
}

/// Returns the name of a node that cannot be another one at another time.
fn end(node: NodeId, names: Names<'_>) -> String {
    match node {
        NodeId::Controller(1) => "controller".to_owned(),
        node => names.node(node),
    }
}

fn network(plan: &NetworkPlan) -> Table {
    let usual = environment::default_network();
    let mut table = Table::default();
    table.set_unless("latency", plan.latency, usual.latency);
    table.set_some("bandwidth", plan.bandwidth.map(rate));
    table.set_unless("loss", Share(plan.loss_millionths), Share(usual.loss_millionths));
    let word = |in_flight| match in_flight {
        InFlight::Kept => "kept",
        InFlight::Dropped => "dropped",
        InFlight::Jammed => "jammed",
    };
    table.set_unless("in-flight", word(plan.in_flight), word(usual.in_flight));
    table
}

/// Writes bytes per second: `12500000B/s` is `100Mbit/s`.
fn rate(bytes: u64) -> Value {
    let units = [(125_000_000, "Gbit/s"), (125_000, "Mbit/s"), (1_000, "kB/s"), (1, "B/s")];
    let found = units.into_iter().find(|(unit, _)| bytes.is_multiple_of(*unit));
    let (unit, name) = found.unwrap_or((1, "B/s"));
    Value::from(format!("{}{name}", bytes / unit))
}

/// Writes how a disk differs from another one.
pub(super) fn disk(plan: &DiskPlan, base: &DiskPlan) -> Table {
    let mut table = Table::default();
    let word = |flush| match flush {
        FlushPolicy::ByConfig => "by-config",
        FlushPolicy::EveryWrite => "every-write",
        FlushPolicy::Never => "never",
    };
    table.set_unless("flush", word(plan.flush), word(base.flush));
    table.set_unless("write-latency", plan.write_latency, base.write_latency);
    table.set_unless("flush-latency", plan.flush_latency, base.flush_latency);
    if plan.writeback != base.writeback {
        match plan.writeback {
            Duration::MAX => table.set("writeback", "never"),
            age => table.set("writeback", age),
        }
    }
    table
}
