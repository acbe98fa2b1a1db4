//! `[producers.NAME]` and `[consumers.NAME]`.

use model::config::{ConsumerConfig, ProducerConfig};
use model::ids::TopicId;
use model::time::{Duration, Time};
use sim::plan::{ClientRole, ConsumerPlan, Keys, Plan, ProducerPlan, SendStyle};

use super::layout::{Sheet, Table, Value, key};
use super::names::Names;
use super::settings;
use crate::clients;

/// Writes all clients but the members of groups.
pub(super) fn clients(plan: &Plan, names: Names<'_>, sheet: &mut Sheet) {
    for client in &plan.clients {
        let name = key(&client.name);
        match &client.role {
            ClientRole::Producer(it) => {
                sheet.table(&format!("producers.{name}"), &producer(it, names));
            }
            ClientRole::Consumer(it) => {
                sheet.table(&format!("consumers.{name}"), &consumer(it, names));
            }
            ClientRole::Member(_) => {}
        }
    }
}

fn producer(plan: &ProducerPlan, names: Names<'_>) -> Table {
    let mut table = target(plan.topic, plan.partition, names);
    table.set_unless("records", plan.records, clients::RECORDS);
    table.set_unless("every", plan.every, clients::EVERY);
    set_start(&mut table, plan.start);
    match plan.keys {
        Keys::Null => {}
        Keys::RoundRobin(keys) => table.set("keys", keys),
        Keys::Zipf(keys) => {
            let mut zipf = Table::default();
            zipf.set("zipf", keys);
            table.set("keys", zipf);
        }
    }
    if plan.value_bytes != clients::VALUE_BYTES {
        table.set("value-size", bytes(plan.value_bytes));
    }
    let word = |style| match style {
        SendStyle::FireAndForget => "fire-and-forget",
        SendStyle::Sync => "sync",
        SendStyle::Callback => "callback",
    };
    table.set_unless("send", word(plan.style), word(SendStyle::default()));
    table.set_some("checkpoint", plan.checkpoint);
    table.set_table("config", producer_settings(&plan.config));
    table
}

/// Writes the settings of a producer.
pub(super) fn producer_settings(config: &ProducerConfig) -> Table {
    settings::table(config.differing_from(&ProducerConfig::default()))
}

fn consumer(plan: &ConsumerPlan, names: Names<'_>) -> Table {
    let mut table = target(plan.topic, plan.partition, names);
    set_start(&mut table, plan.start);
    table.set_unless("poll", plan.poll_timeout, clients::POLL);
    table.set_unless("takes", plan.takes, clients::TAKES);
    let config = settings::table(plan.config.differing_from(&ConsumerConfig::default()));
    table.set_table("config", config);
    table
}

fn target(topic: TopicId, partition: Option<u16>, names: Names<'_>) -> Table {
    let mut table = Table::default();
    table.set("topic", names.topic(topic));
    table.set_some("partition", partition);
    table
}

fn set_start(table: &mut Table, start: Time) {
    table.set_unless("starts", start.since(Time::ZERO), Duration::ZERO);
}

fn bytes(size: u32) -> Value {
    let units = [(1_000_000, "MB"), (1 << 20, "MiB"), (1_000, "kB"), (1 << 10, "KiB"), (1, "B")];
    let found = units.into_iter().find(|(unit, _)| size != 0 && size.is_multiple_of(*unit));
    let (unit, name) = found.unwrap_or((1, "B"));
    Value::from(format!("{}{name}", size / unit))
}
