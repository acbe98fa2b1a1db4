//! Settings of the members of groups, checked as Kafka's consumer and coordinator check them.

use model::config::{ConsumerConfig, GroupProtocolKind};
use model::group::assignor::server::ServerAssignor;
use sim::plan::{BrokerPlan, CommitStyle};

use crate::codes::Code;
use crate::problems::{Problems, Span, nearest};
use crate::section::listed;
use crate::settings;
use crate::tree::Node;

/// Settings that have no effect on a consumer without a group.
pub(crate) const NEED_A_GROUP: [&str; 10] = [
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "enable.auto.commit",
    "auto.commit.interval.ms",
    "exclude.internal.topics",
];

/// Settings that the coordinator decides with `group.protocol=consumer`.
const CLASSIC_ONLY: [&str; 3] =
    ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"];

/// Where the settings of one member stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<'t> {
    /// The settings of its group.
    pub group: Option<&'t Node>,
    /// Its own, which win.
    pub own: Option<&'t Node>,
    /// The place of the group's name.
    pub name_span: Span,
    /// How many members the group has.
    pub members: usize,
}

impl Layers<'_> {
    /// Returns where a setting's value stands, if the file sets it.
    fn span(&self, name: &str) -> Option<Span> {
        let own = self.own.and_then(|node| node.get(name));
        own.or_else(|| self.group?.get(name)).map(|node| node.span)
    }

    /// Refuses an id for members that have one already.
    pub fn refuse_instance(&self, problems: &mut Problems<'_>) {
        if let Some(span) = self.span("group.instance.id") {
            let message = "`static = true` names each member's `group.instance.id` after it";
            problems.error(Code::Contradiction, span, message).label("keep one of the two");
        }
    }
}

/// Obeys the settings of a group, then those of the member itself.
pub(crate) fn read(config: &mut ConsumerConfig, layers: &Layers<'_>, problems: &mut Problems<'_>) {
    for node in [layers.group, layers.own].into_iter().flatten() {
        settings::member(config, node, problems);
    }
}

/// Checks what the settings of a member say together.
///
/// Source: `ConsumerConfig.postProcessParsedConfig`, `Heartbeat`,
/// `GroupCoordinatorConfig`, Kafka 4.0.
pub(crate) fn check(
    config: &ConsumerConfig,
    (layers, style): (&Layers<'_>, CommitStyle),
    brokers: &[BrokerPlan],
    problems: &mut Problems<'_>,
) {
    check_auto_commit(config, layers, style, problems);
    let shared = layers.group.and_then(|node| node.get("group.instance.id"));
    if let Some(node) = shared
        && 1 < layers.members
    {
        problems
            .warning(Code::SharedInstance, node.span, "every member has this `group.instance.id`")
            .label("each that joins fences the one before it")
            .help("Write static = true to give each member an id of its own.");
    }
    match config.group_protocol {
        GroupProtocolKind::Classic => {
            let name = "group.remote.assignor";
            if let Some(span) = layers.span(name) {
                conflict(span, name, "classic", problems);
            }
            check_timeouts(config, layers, brokers, problems);
        }
        GroupProtocolKind::Consumer => {
            for name in CLASSIC_ONLY {
                if let Some(span) = layers.span(name) {
                    conflict(span, name, "consumer", problems)
                        .help("With this protocol the coordinator decides: leave the setting out.");
                }
            }
            check_assignor(config, layers, problems);
        }
    }
}

fn conflict<'p>(
    span: Span,
    name: &str,
    protocol: &str,
    problems: &'p mut Problems<'_>,
) -> &'p mut crate::diagnostic::Diagnostic {
    let message = format!("ConfigException: `{name}` cannot be set when group.protocol={protocol}");
    problems.error(Code::ConfigConflict, span, message)
}

/// Refuses an assignor that no coordinator has; one that only this file's brokers lack is
/// theirs to refuse.
fn check_assignor(config: &ConsumerConfig, layers: &Layers<'_>, problems: &mut Problems<'_>) {
    let Some(name) = config.remote_assignor.as_deref() else { return };
    if ServerAssignor::from_name(name).is_some() {
        return;
    }
    let known = ServerAssignor::DEFAULT.map(ServerAssignor::name);
    let span = layers.span("group.remote.assignor").unwrap_or(layers.name_span);
    let message = format!("there is no assignor `{name}`: UNSUPPORTED_ASSIGNOR");
    let problem = problems.error(Code::BadSetting, span, message);
    if let Some(near) = nearest(name, known) {
        problem.label(format!("did you mean `{near}`?"));
    }
    problem.help(format!("The coordinator's assignors are {}.", listed(&known)));
}

fn check_auto_commit(
    config: &ConsumerConfig,
    layers: &Layers<'_>,
    style: CommitStyle,
    problems: &mut Problems<'_>,
) {
    let wanted = style == CommitStyle::Auto;
    let Some(span) = layers.span("enable.auto.commit") else { return };
    if config.auto_commit == wanted {
        return;
    }
    let message = match wanted {
        true => "`then = \"auto\"` needs `enable.auto.commit`",
        false => "this application commits by itself, or not at all",
    };
    problems
        .error(Code::Contradiction, span, message)
        .label("leave this out")
        .help("`handling.then` decides who commits; \"auto\" sets `enable.auto.commit` to true.");
}

fn check_timeouts(
    config: &ConsumerConfig,
    layers: &Layers<'_>,
    brokers: &[BrokerPlan],
    problems: &mut Problems<'_>,
) {
    let session = layers.span("session.timeout.ms");
    if config.session_timeout <= config.heartbeat_interval {
        let span = layers.span("heartbeat.interval.ms").or(session).unwrap_or(layers.name_span);
        let message =
            "IllegalArgumentException: `heartbeat.interval.ms` must be below `session.timeout.ms`";
        problems.error(Code::ConfigConflict, span, message).label(format!(
            "{} against a session of {}",
            config.heartbeat_interval, config.session_timeout
        ));
    }
    let refuses = |broker: &&BrokerPlan| {
        let (min, max) =
            (broker.config.group_session_timeout_min, broker.config.group_session_timeout_max);
        config.session_timeout < min || max < config.session_timeout
    };
    if let Some(broker) = brokers.iter().find(refuses) {
        let (min, max) =
            (broker.config.group_session_timeout_min, broker.config.group_session_timeout_max);
        let message = format!(
            "a session timeout of {} is refused: INVALID_SESSION_TIMEOUT",
            config.session_timeout
        );
        problems
            .warning(Code::SessionTimeout, session.unwrap_or(layers.name_span), message)
            .label(format!("broker {} takes {min} to {max}", broker.id))
            .help(
                "`group.min.session.timeout.ms` and `group.max.session.timeout.ms` are settings of brokers.",
            );
    }
}
