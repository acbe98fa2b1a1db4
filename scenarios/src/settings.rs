//! Kafka's settings as users write them, under Kafka's own names.

use model::config::{
    BrokerConfig, ConsumerConfig, ControllerConfig, Idempotence, ProducerConfig, RawSetting,
    SettingError, SettingInfo, TopicConfig, is_unmodelled, topic_synonym,
};
use model::message::data::Acks;

use crate::codes::Code;
use crate::group_settings::NEED_A_GROUP;
use crate::problems::{Problems, Span, nearest};
use crate::section::named;
use crate::tree::{Entry, Node, Value};
use crate::values::text;

/// Settings that `cluster.broker` holds: a server.properties file of brokers and controllers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerSettings {
    /// Of each broker.
    pub broker: BrokerConfig,
    /// Defaults of every topic.
    pub topic: TopicConfig,
    /// Of the controller.
    pub controller: ControllerConfig,
    /// What the file itself says about defaults of topics, under the topics' names.
    pub defaults: Vec<(&'static str, RawSetting)>,
}

impl ServerSettings {
    /// Obeys the settings of all servers.
    pub fn read(&mut self, node: &Node, problems: &mut Problems<'_>) {
        for entry in named(node, "settings", problems) {
            let Some(raw) = raw(&entry.node, problems) else { continue };
            let name = entry.name.as_str();
            let result = match self.broker.set(name, &raw) {
                Err(SettingError::Unknown) => match topic_synonym(name) {
                    Some(topic) => {
                        let set = self.topic.set(topic, &raw);
                        self.defaults.extend(set.is_ok().then_some((topic, raw)));
                        set
                    }
                    None => self.controller.set(name, &raw),
                },
                set => set,
            };
            report(result, entry, &server_names(), problems);
        }
    }

    /// Obeys the settings of one broker only; returns its defaults of topics' settings.
    pub fn read_only(
        broker: &mut BrokerConfig,
        node: &Node,
        problems: &mut Problems<'_>,
    ) -> Vec<(&'static str, RawSetting)> {
        let mut defaults = Vec::new();
        for entry in named(node, "settings", problems) {
            let Some(raw) = raw(&entry.node, problems) else { continue };
            let name = entry.name.as_str();
            // Who may be elected is the controller's business (KRaft).
            let is_controllers = name == "unclean.leader.election.enable"
                || ControllerConfig::list().iter().any(|info| info.name == name);
            if is_controllers {
                let message = format!("`{name}` is obeyed by the controller, not by a broker");
                problems
                    .error(Code::BadSetting, entry.name_span, message)
                    .help("Set it for the whole cluster under `cluster.broker`, or for a topic.");
                continue;
            }
            let result = match topic_synonym(name) {
                None => broker.set(name, &raw),
                Some(topic) => {
                    let checked = TopicConfig::default().set(topic, &raw);
                    defaults.extend(checked.is_ok().then_some((topic, raw)));
                    checked
                }
            };
            let mut known = names_of(&BrokerConfig::list());
            known.extend(TOPIC_DEFAULTS);
            report(result, entry, &known, problems);
        }
        defaults
    }
}

/// Obeys the settings of a topic.
pub(crate) fn topic(config: &mut TopicConfig, node: &Node, problems: &mut Problems<'_>) {
    for entry in named(node, "settings", problems) {
        let Some(raw) = raw(&entry.node, problems) else { continue };
        let result = config.set(&entry.name, &raw);
        if let (Err(SettingError::Unknown), Some(own)) = (&result, topic_synonym(&entry.name)) {
            let message = format!("`{}` is the broker's name of this setting", entry.name);
            problems
                .error(Code::UnknownSetting, entry.name_span, message)
                .label(format!("for a topic write `{own}`"));
            continue;
        }
        report(result, entry, &names_of(&TopicConfig::list()), problems);
    }
}

/// Obeys the settings of a stand-alone consumer.
pub(crate) fn consumer(config: &mut ConsumerConfig, node: &Node, problems: &mut Problems<'_>) {
    for entry in named(node, "settings", problems) {
        let name = entry.name.as_str();
        if name == "group.id" || NEED_A_GROUP.contains(&name) {
            let message = format!("`{name}` has no effect on a consumer without a group");
            problems
                .error(Code::BadSetting, entry.name_span, message)
                .label("this needs a group")
                .help("Write [groups.NAME] instead: its members subscribe, commit and rebalance.");
            continue;
        }
        let Some(raw) = raw(&entry.node, problems) else { continue };
        let result = config.set(&entry.name, &raw);
        report(result, entry, &names_of(&ConsumerConfig::list()), problems);
    }
}

/// Obeys the settings of a group's member.
pub(crate) fn member(config: &mut ConsumerConfig, node: &Node, problems: &mut Problems<'_>) {
    for entry in named(node, "settings", problems) {
        if entry.name == "group.id" {
            let message = "the group's name is its `group.id`";
            problems
                .error(Code::BadSetting, entry.name_span, message)
                .label("leave this out")
                .help("Rename the table: [groups.NAME].");
            continue;
        }
        let raw = match entry.name.as_str() {
            "partition.assignment.strategy" => list(&entry.node, problems),
            _ => raw(&entry.node, problems),
        };
        let Some(raw) = raw else { continue };
        let result = config.set(&entry.name, &raw);
        report(result, entry, &names_of(&ConsumerConfig::list()), problems);
    }
}

/// Returns the value of a setting that Kafka takes as a list: words, or one text with commas.
fn list(node: &Node, problems: &mut Problems<'_>) -> Option<RawSetting> {
    let Value::List(items) = &node.value else { return raw(node, problems) };
    let words: Vec<_> = items.iter().map(|item| text(item, problems)).collect();
    let words: Option<Vec<&str>> = words.into_iter().collect();
    words.map(|words| RawSetting::Text(words.join(",")))
}

/// Obeys the settings of a producer and checks them as Kafka's constructor does.
///
/// Source: `ProducerConfig.postProcessAndValidateIdempotenceConfigs` and
/// `KafkaProducer.configureDeliveryTimeout`, Kafka 4.0.
pub(crate) fn producer(config: &mut ProducerConfig, node: &Node, problems: &mut Problems<'_>) {
    let entries = named(node, "settings", problems);
    for entry in entries {
        let Some(raw) = raw(&entry.node, problems) else { continue };
        let result = config.set(&entry.name, &raw);
        report(result, entry, &names_of(&ProducerConfig::list()), problems);
    }
    let span_of = |name: &str| {
        let entry = entries.iter().find(|entry| entry.name == name);
        entry.map(|entry| entry.node.span)
    };
    check_idempotence(config, &span_of, problems);
    let needed = config.linger + config.request_timeout;
    if config.delivery_timeout < needed {
        match span_of("delivery.timeout.ms") {
            None => config.delivery_timeout = needed,
            Some(span) => {
                let message = "ConfigException: `delivery.timeout.ms` is below `linger.ms` + `request.timeout.ms`";
                problems
                    .error(Code::ConfigConflict, span, message)
                    .label(format!("must be at least {}", needed.as_millis()));
            }
        }
    }
}

fn check_idempotence(
    config: &ProducerConfig,
    span_of: &dyn Fn(&str) -> Option<Span>,
    problems: &mut Problems<'_>,
) {
    if config.idempotence != Idempotence::On {
        return;
    }
    let conflicts = [
        (config.acks != Acks::All, "acks", "must be all"),
        (config.retries == 0, "retries", "must be above 0"),
        (5 < config.in_flight_max, "max.in.flight.requests.per.connection", "must be at most 5"),
    ];
    for (conflicts, name, must) in conflicts {
        if let (true, Some(span)) = (conflicts, span_of(name)) {
            let message =
                format!("ConfigException: an idempotent producer cannot have this `{name}`");
            problems
                .error(Code::ConfigConflict, span, message)
                .label(must)
                .help("Leave `enable.idempotence` out: Kafka then turns it off silently.");
        }
    }
}

/// Returns a value as a setting takes it.
fn raw(node: &Node, problems: &mut Problems<'_>) -> Option<RawSetting> {
    match &node.value {
        Value::Int(number) => Some(RawSetting::Int(*number)),
        Value::Bool(flag) => Some(RawSetting::Bool(*flag)),
        Value::Text(text) => Some(RawSetting::Text(text.clone())),
        Value::Table(_) => {
            problems
                .error(Code::WrongType, node.span, "a setting has one value, found a table")
                .help("Names with dots need quotes: \"linger.ms\" = 5.");
            None
        }
        Value::Float(_) | Value::Date(_) | Value::List(_) => {
            let message = format!("a setting has one value, found {}", node.type_name());
            problems.error(Code::WrongType, node.span, message);
            None
        }
    }
}

fn report(
    result: Result<(), SettingError>,
    entry: &Entry,
    known: &[&'static str],
    problems: &mut Problems<'_>,
) {
    let name = &entry.name;
    match result {
        Ok(()) => {}
        Err(SettingError::Invalid { expected }) => {
            problems
                .error(
                    Code::BadSetting,
                    entry.node.span,
                    format!("`{name}` cannot have this value"),
                )
                .label(format!("expected {expected}"));
        }
        Err(SettingError::Unknown)
            if name.starts_with("transactional.") || name == "transaction.timeout.ms" =>
        {
            problems.not_yet(entry.name_span, &format!("the transactional setting `{name}`"));
        }
        Err(SettingError::Unknown) if is_unmodelled(name) => {
            let message =
                format!("`{name}` exists in Kafka, but is not modelled and would have no effect");
            problems
                .error(Code::Unmodelled, entry.name_span, message)
                .help("The page model-limits of the book says what is left out, and why.");
        }
        Err(SettingError::Unknown) => {
            let message = format!("unknown setting `{name}`");
            let problem = problems.error(Code::UnknownSetting, entry.name_span, message);
            if let Some(near) = nearest(name, known.iter().copied()) {
                problem.label(format!("did you mean `{near}`?"));
            }
        }
    }
}

fn names_of(list: &[SettingInfo]) -> Vec<&'static str> {
    list.iter().map(|info| info.name).collect()
}

/// Defaults of topics under the names that brokers give them, for suggestions.
const TOPIC_DEFAULTS: [&str; 10] = [
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "log.segment.bytes",
    "log.roll.ms",
    "message.max.bytes",
    "min.insync.replicas",
    "unclean.leader.election.enable",
    "log.message.timestamp.type",
    "log.message.timestamp.before.max.ms",
    "log.message.timestamp.after.max.ms",
];

fn server_names() -> Vec<&'static str> {
    let mut names = names_of(&BrokerConfig::list());
    names.extend(names_of(&ControllerConfig::list()));
    names.extend(TOPIC_DEFAULTS);
    names
}
