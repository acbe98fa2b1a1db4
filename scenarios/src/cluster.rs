//! Reads `[cluster]`: brokers, racks, the controller, settings of servers, protocol rules.

use std::sync::Arc;

use model::config::{BrokerConfig, LogDefault, Misfit, RawSetting};
use model::ids::{BrokerId, TopicId};
use model::mutant::Mutant;
use model::rules::{FetchFencing, Rules, Truncation};
use sim::plan::{BrokerPlan, ControllerKind, ControllerPlan, DiskPlan};

use crate::codes::Code;
use crate::environment;
use crate::problems::{Problems, nearest};
use crate::section::{Section, items, listed, named};
use crate::settings::ServerSettings;
use crate::topics::Topic;
use crate::tree::{Entry, Node, Value};
use crate::values::{text, whole, word, wrong_type};

/// More brokers than this would teach nothing and take long.
const BROKERS_MAX: u64 = 100;

/// What `[cluster]` says.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub brokers: Vec<BrokerPlan>,
    pub racks: Vec<Arc<str>>,
    pub controller: ControllerPlan,
    pub rules: Rules,
    pub settings: ServerSettings,
    /// What single brokers have as defaults of topics' settings.
    pub defaults: Vec<OwnDefault>,
}

/// One broker's default of a topic's setting.
#[derive(Clone, Debug)]
pub(crate) struct OwnDefault {
    pub broker: BrokerId,
    /// The topic's name of the setting.
    pub name: &'static str,
    pub value: RawSetting,
}

/// Reads the table; `disk` is how disks behave unless a broker's own says otherwise.
pub(crate) fn read(node: &Node, disk: &DiskPlan, problems: &mut Problems<'_>) -> Option<Cluster> {
    let mut section = Section::open(node, "`cluster`", problems)?;
    let brokers = section.need("brokers", "`[cluster]`", problems);
    let ids = brokers.map(|node| broker_ids(node, problems)).unwrap_or_default();
    let kind = match section.take("controllers") {
        None => ControllerKind::Single,
        Some(node) => controllers(node, problems),
    };
    let racks = section.take("racks").map(|node| racks(node, ids.len(), problems));
    let racks = racks.unwrap_or_default();
    let mut settings = ServerSettings::default();
    let shared = section.take("broker");
    if let Some(node) = shared {
        settings.read(node, problems);
        check_fit(&settings.broker, &[node], problems);
    }
    let rules = section.take("rules").map(|node| rules(node, problems)).unwrap_or_default();
    let mut brokers: Vec<BrokerPlan> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| BrokerPlan {
            id: *id,
            // "" is a broker without rack among others that have one.
            rack: racks.get(at).filter(|rack| !rack.is_empty()).cloned(),
            config: settings.broker.clone(),
            log_defaults: Vec::new(),
            disk: disk.clone(),
        })
        .collect();
    let mut defaults = Vec::new();
    if let Some(node) = section.take("only") {
        for entry in named(node, "`cluster.only`", problems) {
            only(entry, (&mut brokers, &mut defaults), shared, problems);
        }
    }
    section.finish(problems);
    let controller = ControllerPlan { kind, config: settings.controller.clone() };
    Some(Cluster { brokers, racks, controller, rules, settings, defaults })
}

impl Cluster {
    /// Returns the brokers, each with its own defaults of the topics that leave the choice to
    /// it. A topic's own setting beats a broker's default.
    pub fn brokers_for(&self, topics: &[Topic]) -> Vec<BrokerPlan> {
        let mut brokers = self.brokers.clone();
        for (topic, it) in (0..).map(TopicId).zip(topics) {
            for OwnDefault { broker, name, value } in &self.defaults {
                let Some(broker) = brokers.iter_mut().find(|it| it.id == *broker) else { continue };
                if !it.own.iter().any(|own| own == name) {
                    broker.log_defaults.push(LogDefault { topic, name, value: value.clone() });
                }
            }
        }
        for broker in &mut brokers {
            let defaults = self.offsets_defaults(broker.id);
            broker.log_defaults.extend(defaults);
        }
        brokers
    }

    /// Returns what a broker has as defaults of `__consumer_offsets`, its own last: they win.
    ///
    /// Source: `GroupCoordinatorService.groupMetadataTopicConfigs`, Kafka 4.0.
    fn offsets_defaults(&self, broker: BrokerId) -> impl Iterator<Item = LogDefault> {
        let own = self.defaults.iter().filter(move |it| it.broker == broker);
        let own = own.map(|it| (it.name, &it.value));
        let shared = self.settings.defaults.iter().map(|(name, value)| (*name, value));
        // `offsets.topic.segment.bytes` is a setting of the topic itself.
        let unset = shared.chain(own).filter(|(name, _)| *name != "segment.bytes");
        let topic = TopicId::CONSUMER_OFFSETS;
        unset.map(move |(name, value)| LogDefault { topic, name, value: value.clone() })
    }
}

/// Reads `brokers`: how many, or their ids.
fn broker_ids(node: &Node, problems: &mut Problems<'_>) -> Vec<BrokerId> {
    let Value::List(list) = &node.value else {
        let count = whole(node, 1..=BROKERS_MAX, problems).unwrap_or(0);
        return (1..=count).map(|id| BrokerId(id as u8)).collect();
    };
    if list.is_empty() || BROKERS_MAX < list.len() as u64 {
        let message = format!("a cluster has 1 to {BROKERS_MAX} brokers");
        problems.error(Code::OutOfRange, node.span, message);
    }
    let mut ids = Vec::new();
    for item in list {
        let Some(id) = whole(item, 1..=127, problems) else { continue };
        let id = BrokerId(id as u8);
        if ids.contains(&id) {
            problems.error(Code::BadName, item.span, format!("broker {id} is listed twice"));
        } else {
            ids.push(id);
        }
    }
    ids
}

fn controllers(node: &Node, problems: &mut Problems<'_>) -> ControllerKind {
    match whole(node, 0..=5, problems) {
        Some(1) => ControllerKind::Single,
        Some(2 | 4) => {
            problems.error(Code::OutOfRange, node.span, "expected 0, 1, 3 or 5 controllers");
            ControllerKind::Infallible
        }
        Some(3 | 5) => {
            problems
                .not_yet(node.span, "a quorum of controllers")
                .help("Write 0 for a controller that never fails, or 1 for one that can.");
            ControllerKind::Infallible
        }
        _ => ControllerKind::Infallible,
    }
}

fn racks(node: &Node, brokers: usize, problems: &mut Problems<'_>) -> Vec<Arc<str>> {
    let racks: Vec<Arc<str>> =
        items(node).iter().filter_map(|item| text(item, problems)).map(Arc::from).collect();
    if brokers != 0 && racks.len() != brokers {
        let message = format!("{} racks for {brokers} brokers", racks.len());
        problems
            .error(Code::OutOfRange, node.span, message)
            .help("Name the rack of each broker, in order: [\"a\", \"b\", \"a\"].");
    }
    racks
}

fn only(
    entry: &Entry,
    (brokers, defaults): (&mut [BrokerPlan], &mut Vec<OwnDefault>),
    shared: Option<&Node>,
    problems: &mut Problems<'_>,
) {
    let id = entry.name.parse::<u8>().ok();
    let Some(broker) = brokers.iter_mut().find(|broker| Some(broker.id.0) == id) else {
        let message = format!("there is no broker `{}`", entry.name);
        problems.error(Code::UnknownBroker, entry.name_span, message);
        return;
    };
    let Some(mut section) = Section::open(&entry.node, "`cluster.only`", problems) else { return };
    if let Some(node) = section.take("broker") {
        for (name, value) in ServerSettings::read_only(&mut broker.config, node, problems) {
            defaults.push(OwnDefault { broker: broker.id, name, value });
        }
        let tables: Vec<&Node> = [Some(node), shared].into_iter().flatten().collect();
        check_fit(&broker.config, &tables, problems);
    }
    if let Some(node) = section.take("disk") {
        broker.disk = environment::disk(node, &broker.disk, problems);
    }
    section.finish(problems);
}

/// Refuses a broker whose settings contradict each other, at the first of the tables that has
/// one of them.
fn check_fit(config: &BrokerConfig, tables: &[&Node], problems: &mut Problems<'_>) {
    let Err(misfit) = config.check() else { return };
    let Misfit { smaller, larger } = misfit;
    let places = tables.iter().flat_map(|table| [table.get(smaller), table.get(larger)]);
    let span = places.flatten().next().unwrap_or(tables[0]).span;
    let message = format!("IllegalArgumentException: `{smaller}` must be at most `{larger}`");
    problems
        .error(Code::ConfigConflict, span, message)
        .label("a broker with this would not start")
        .help(format!("Lower `{smaller}` or raise `{larger}`; unset, each has Kafka's default."));
}

fn rules(node: &Node, problems: &mut Problems<'_>) -> Rules {
    const KNOWN: [&str; 3] = ["truncation", "fetch-fencing", "mutant"];
    let mut rules = Rules::default();
    for entry in named(node, "`cluster.rules`", problems) {
        match entry.name.as_str() {
            "truncation" => {
                let choices = [
                    ("to-high-watermark", Truncation::ToHighWatermark),
                    ("by-epoch-once", Truncation::ByEpochOnce),
                    ("by-epoch", Truncation::ByEpoch),
                ];
                if let Some(choice) = word(&entry.node, &choices, problems) {
                    rules.truncation = choice;
                }
            }
            "fetch-fencing" => {
                let choices = [("none", FetchFencing::None), ("by-epoch", FetchFencing::ByEpoch)];
                if let Some(choice) = word(&entry.node, &choices, problems) {
                    rules.fetch_fencing = choice;
                }
            }
            "mutant" => {
                let planted = items(&entry.node).iter();
                rules.mutants = planted.filter_map(|node| mutant(node, problems)).collect();
            }
            other => {
                let message = format!("unknown rule `{other}`");
                let problem = problems.error(Code::UnknownRule, entry.name_span, message);
                match nearest(other, KNOWN) {
                    Some(near) => problem.label(format!("did you mean `{near}`?")),
                    None => problem.help(format!("Rules are {}.", listed(&KNOWN))),
                };
            }
        }
    }
    rules
}

/// Reads the name of a mutant.
fn mutant(node: &Node, problems: &mut Problems<'_>) -> Option<Mutant> {
    let name = text(node, problems)?;
    let found = Mutant::by_name(name);
    if found.is_none() {
        let message = format!("unknown mutant `{name}`");
        let problem = problems.error(Code::UnknownRule, node.span, message);
        match nearest(name, Mutant::ALL.iter().map(|it| it.name())) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help("`trial list mutants` prints them."),
        };
    }
    found
}

/// Puts what `[rules]` says into `cluster.rules`, for which it is short; it wins.
pub(crate) fn gather_rules(root: &mut Node) {
    let Value::Table(file) = &mut root.value else { return };
    let Some(at) = file.iter().position(|entry| entry.name == "rules") else { return };
    let Some(cluster) = file.iter().position(|entry| entry.name == "cluster") else { return };
    let entry = file[at].clone();
    let Value::Table(cluster) = &mut file[cluster].node.value else { return };
    match (cluster.iter_mut().find(|it| it.name == "rules"), entry.node.value) {
        (None, value) => {
            let node = Node { value, ..entry.node };
            cluster.push(Entry { node, ..entry });
        }
        (
            Some(Entry { node: Node { value: Value::Table(rules), .. }, .. }),
            Value::Table(short),
        ) => {
            rules.retain(|old| !short.iter().any(|new| new.name == old.name));
            rules.extend(short);
        }
        (Some(_), _) => return,
    }
    file.remove(at);
}

/// Reads `kafka`: the release whose behaviour and defaults apply.
pub(crate) fn profile(node: &Node, problems: &mut Problems<'_>) {
    match &node.value {
        Value::Text(release) if release == "4.0" => {}
        Value::Text(release) => {
            problems.not_yet(node.span, &format!("the behaviour of Kafka {release}")).help(
                "Write kafka = \"4.0\"; single rules of older releases are in `cluster.rules`.",
            );
        }
        _ => wrong_type(node, "a release in quotes: \"4.0\"", problems),
    }
}
