//! `[cluster]` with what single brokers have of their own, and `[topics.NAME]`.

use model::config::{
    BrokerConfig, ControllerConfig, LogDefault, RawSetting, TopicConfig, broker_synonym,
};
use model::ids::{BrokerId, TopicId};
use model::message::cluster::TopicLayout;
use model::rules::{FetchFencing, Rules, Truncation};
use sim::plan::{BrokerPlan, ControllerKind, Created, Plan, TopicPlan};

use super::environment;
use super::layout::{Sheet, Table, Value, key};
use super::settings;

/// A default of topics' settings, under the topic's name.
type Default = (&'static str, RawSetting);

/// The one default of topics that does not hold for `__consumer_offsets`.
const SEGMENT_BYTES: &str = "segment.bytes";

/// The settings of servers, laid out as a file has them.
pub(super) struct Servers {
    /// Of every broker, unless its own say otherwise.
    broker: BrokerConfig,
    /// Defaults of topics that all brokers have.
    shared: Vec<Default>,
    /// Defaults of topics that single brokers have, in the order of the brokers.
    own: Vec<Vec<Default>>,
    /// What a topic has that sets nothing itself.
    topic: TopicConfig,
}

impl Servers {
    /// Finds out who says what.
    pub fn of(plan: &Plan) -> Servers {
        let configs: Vec<_> = plan.brokers.iter().map(|broker| broker.config.clone()).collect();
        let broker = settings::usual(&configs).cloned().unwrap_or_default();
        let count = shared_defaults(plan);
        let all: Vec<_> = plan.brokers.iter().map(offsets_defaults).collect();
        let mut shared = all.first().map(|first| first[..count].to_vec()).unwrap_or_default();
        shared.extend(shared_segment_bytes(plan));
        let own = plan.brokers.iter().zip(&all);
        let own = own.map(|(broker, all)| own_defaults(broker, &all[count..])).collect();
        let mut topic = TopicConfig::default();
        for (name, value) in &shared {
            topic.set(name, value).expect("it was a setting when it was read");
        }
        Servers { broker, shared, own, topic }
    }

    /// Says whether a topic has to say itself what a setting is, lest brokers of their own
    /// default of it have another.
    fn must_say(&self, plan: &Plan, topic: TopicId, name: &str) -> bool {
        let defaults = plan.brokers.iter().zip(&self.own);
        let mut defaults = defaults.filter(|(_, own)| own.iter().any(|(it, _)| *it == name));
        defaults.any(|(broker, _)| {
            !broker.log_defaults.iter().any(|it| it.topic == topic && it.name == name)
        })
    }
}

/// Returns what a broker has as defaults of `__consumer_offsets`: those of all, then its own.
fn offsets_defaults(broker: &BrokerPlan) -> Vec<Default> {
    of_topic(broker, TopicId::CONSUMER_OFFSETS).map(|it| (it.name, it.value.clone())).collect()
}

fn of_topic(broker: &BrokerPlan, topic: TopicId) -> impl Iterator<Item = &LogDefault> {
    broker.log_defaults.iter().filter(move |it| it.topic == topic)
}

/// Returns how many of the defaults of `__consumer_offsets` are those of all brokers: they
/// come first, each once, and are the same everywhere.
fn shared_defaults(plan: &Plan) -> usize {
    let all: Vec<_> = plan.brokers.iter().map(offsets_defaults).collect();
    let first = all.first().map(Vec::as_slice).unwrap_or_default();
    let is_shared = |at: &usize| {
        let (name, _) = &first[*at];
        let twice = first[..*at].iter().any(|(before, _)| before == name);
        !twice && all.iter().all(|other| other.get(*at) == first.get(*at))
    };
    let count = (0..first.len()).take_while(is_shared).count();
    // What other topics have from a broker is its own, and comes last.
    let owns = |broker: &BrokerPlan, name: &str| {
        let mut others = broker.log_defaults.iter();
        others.any(|it| it.topic != TopicId::CONSUMER_OFFSETS && it.name == name)
    };
    let begins = plan.brokers.iter().zip(&all).filter_map(|(broker, all)| {
        let last = |name: &str| all.iter().rposition(|(other, _)| *other == name);
        let own = all.iter().filter(|(name, _)| owns(broker, name));
        own.filter_map(|(name, _)| last(name)).min()
    });
    begins.min().map_or(count, |own| count.min(own))
}

/// Returns the default of `segment.bytes` where it matters: `__consumer_offsets`, which always
/// has its own, does not tell, but a topic does that has left the choice to some broker.
fn shared_segment_bytes(plan: &Plan) -> Option<Default> {
    let mut left = plan.brokers.iter().flat_map(|broker| &broker.log_defaults);
    let left = left.find(|it| it.name == SEGMENT_BYTES && it.topic != TopicId::CONSUMER_OFFSETS)?;
    let bytes = plan.topics.get(usize::from(left.topic.0))?.config.segment_bytes;
    let differs = bytes != TopicConfig::default().segment_bytes;
    differs.then_some((SEGMENT_BYTES, RawSetting::Int(i64::from(bytes))))
}

/// Returns a broker's own defaults in their order: those of `__consumer_offsets`, and
/// `segment.bytes` where topics have it from there.
fn own_defaults(broker: &BrokerPlan, of_offsets: &[Default]) -> Vec<Default> {
    let mut own = of_offsets.to_vec();
    let mut defaults = broker.log_defaults.iter().enumerate();
    let found =
        defaults.find(|(_, it)| it.name == SEGMENT_BYTES && it.topic != TopicId::CONSUMER_OFFSETS);
    if let Some((at, default)) = found {
        let after = broker.log_defaults[at + 1..].iter().filter(|it| it.topic == default.topic);
        let places = after.filter_map(|it| own.iter().position(|(name, _)| *name == it.name));
        let place = places.min().unwrap_or(own.len());
        own.insert(place, (default.name, default.value.clone()));
    }
    own
}

/// Writes the cluster.
pub(super) fn cluster(plan: &Plan, servers: &Servers, sheet: &mut Sheet) {
    let mut table = Table::default();
    table.set("brokers", brokers(plan));
    let racks: Vec<&str> =
        plan.brokers.iter().map(|broker| broker.rack.as_deref().unwrap_or_default()).collect();
    if plan.brokers.iter().any(|broker| broker.rack.is_some()) {
        table.set("racks", racks);
    }
    if plan.controller.kind == ControllerKind::Infallible {
        table.set("controllers", 0_u64);
    }
    let mut all = servers.broker.differing_from(&BrokerConfig::default());
    all.extend(plan.controller.config.differing_from(&ControllerConfig::default()));
    let mut all = settings::table(all);
    set_defaults(&mut all, &servers.shared);
    table.set_table("broker", all);
    table.set_table("rules", rules(plan.rules));
    sheet.table("cluster", &table);
    for (broker, own) in plan.brokers.iter().zip(&servers.own) {
        let mut settings = settings::table(broker.config.differing_from(&servers.broker));
        set_defaults(&mut settings, own);
        let mut table = Table::default();
        table.set_table("broker", settings);
        table.set_table("disk", environment::disk(&broker.disk, &plan.disk));
        sheet.table_if_any(&format!("cluster.only.{}", broker.id), &table);
    }
}

fn set_defaults(table: &mut Table, defaults: &[Default]) {
    for (name, value) in defaults {
        let name = broker_synonym(name).expect("brokers have a name for each default of topics");
        table.set(name, settings::of_raw(value));
    }
}

/// Writes how many brokers there are, or which.
fn brokers(plan: &Plan) -> Value {
    let ids: Vec<BrokerId> = plan.brokers.iter().map(|broker| broker.id).collect();
    if (1..).zip(&ids).all(|(place, id)| id.0 == place) {
        return Value::from(ids.len() as u64);
    }
    numbers(&ids)
}

fn numbers(ids: &[BrokerId]) -> Value {
    Value::from(ids.iter().map(|id| id.0).collect::<Vec<_>>())
}

fn rules(rules: Rules) -> Table {
    let usual = Rules::default();
    let mut table = Table::default();
    let truncation = |rule| match rule {
        Truncation::ToHighWatermark => "to-high-watermark",
        Truncation::ByEpochOnce => "by-epoch-once",
        Truncation::ByEpoch => "by-epoch",
    };
    table.set_unless("truncation", truncation(rules.truncation), truncation(usual.truncation));
    let fencing = |rule| match rule {
        FetchFencing::None => "none",
        FetchFencing::ByEpoch => "by-epoch",
    };
    table.set_unless("fetch-fencing", fencing(rules.fetch_fencing), fencing(usual.fetch_fencing));
    let mutants: Vec<&str> = rules.mutants.iter().map(|mutant| mutant.name()).collect();
    match mutants.as_slice() {
        [] => {}
        [one] => table.set("mutant", *one),
        _ => table.set("mutant", mutants),
    }
    table
}

/// Writes the topics, in the order of their ids.
pub(super) fn topics(plan: &Plan, servers: &Servers, sheet: &mut Sheet) {
    for (id, topic) in (0..).map(TopicId).zip(&plan.topics) {
        let mut table = Table::default();
        match &topic.layout {
            TopicLayout::Manual(rows) => {
                table.set("placement", Value::List(rows.iter().map(|row| numbers(row)).collect()));
            }
            TopicLayout::Counts { partitions, replicas } => {
                table.set_some("partitions", *partitions);
                table.set_some("replication-factor", *replicas);
            }
        }
        table.set_table("config", settings::table(own_settings(plan, servers, (id, topic))));
        if topic.created == Created::ByStep && !super::steps::creates(plan, id) {
            table.set("created", "by-step");
        }
        sheet.table(&format!("topics.{}", key(&topic.name)), &table);
    }
}

/// Returns the settings that a topic has to say itself.
fn own_settings(
    plan: &Plan,
    servers: &Servers,
    (id, topic): (TopicId, &TopicPlan),
) -> Vec<settings::Setting> {
    let differing = topic.config.differing_from(&servers.topic);
    let own = topic.config.values().into_iter();
    own.filter(|it| differing.contains(it) || servers.must_say(plan, id, it.0)).collect()
}
