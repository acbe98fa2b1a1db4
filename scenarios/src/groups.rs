//! Reads `[groups.NAME]` and `[apps.NAME]`: consumer groups, their members and what these do.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::config::{ConsumerConfig, ProducerConfig};
use model::ids::{ClientId, InstanceId, NodeId, TopicId};
use model::time::{Duration, Time};
use sim::plan::{
    Action, BrokerPlan, ClientPlan, ClientRole, CommitStyle, GroupIndex, GroupPlan, MemberPlan,
    Output, OutputKeys, Selector, Start, Step, Subscribed,
};

use crate::clients::{CLIENTS_MAX, POLL, add, check_name};
use crate::codes::Code;
use crate::group_settings::{self, Layers};
use crate::handling;
use crate::names::{ClientKind, GroupName, Names};
use crate::problems::{Problems, Span};
use crate::section::{Section, items, named};
use crate::settings;
use crate::tree::{Entry, Node};
use crate::values::{duration, flag, text, whole, word};

/// Which of the two tables a group stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// `[groups.NAME]`
    Groups,
    /// `[apps.NAME]`: what it reads, it sends on.
    Apps,
}

impl Table {
    fn what(self) -> &'static str {
        match self {
            Table::Groups => "a group",
            Table::Apps => "an application",
        }
    }
}

/// Everything about the groups of a file.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// The groups, by index.
    pub plans: Vec<GroupPlan>,
    /// Their members, in order.
    pub members: Vec<ClientPlan>,
    /// Members whose own table says when they start.
    own_start: BTreeSet<ClientId>,
}

/// Notes the names of groups and of their members, before anything refers to them.
pub(crate) fn declare(node: &Node, table: Table, names: &mut Names, problems: &mut Problems<'_>) {
    for entry in named(node, "groups", problems) {
        let name = entry.name.as_str();
        check_name(name, entry.name_span, table.what(), problems);
        if names.any_group(name).is_some() {
            let message = format!("two groups are called `{name}`");
            problems.error(Code::BadName, entry.name_span, message);
            continue;
        }
        if names.any_client(name).is_some() {
            let message = format!("a client is called `{name}`, too");
            problems.error(Code::BadName, entry.name_span, message);
        }
        let count = entry.node.get("members");
        let count = count.and_then(|node| whole(node, 1..=CLIENTS_MAX as u64, problems));
        let mut members = Vec::new();
        for ordinal in 1..=count.unwrap_or(1) {
            let member = format!("{name}-{ordinal}");
            let kind = ClientKind::Member;
            let Some(client) = add(&member, entry.name_span, kind, names, problems) else { break };
            members.push(client);
        }
        let topics = topics_of(&entry.node, names);
        names.groups.push(GroupName { name: Arc::from(name), members, topics });
    }
}

/// Returns the topics that a group or one of its members names, in order.
fn topics_of(node: &Node, names: &Names) -> Vec<TopicId> {
    let only = node.get("only").map(Node::entries).unwrap_or_default();
    let tables = std::iter::once(node).chain(only.iter().map(|entry| &entry.node));
    let mut topics: Vec<TopicId> = tables
        .filter_map(|table| table.get("topics"))
        .flat_map(items)
        .filter_map(|node| node.as_text())
        .filter_map(|name| names.topics.iter().position(|(topic, _)| **topic == *name))
        .map(|at| TopicId(at as u16))
        .collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}

impl Groups {
    /// Reads one of the two tables, in the order of the file.
    pub fn read(
        &mut self,
        node: &Node,
        table: Table,
        (names, brokers): (&Names, &[BrokerPlan]),
        problems: &mut Problems<'_>,
    ) {
        for entry in named(node, "groups", problems) {
            let Some(index) = names.any_group(&entry.name) else { continue };
            let group = Reader { entry, table, index, names, brokers };
            let plan = group.read(self, problems);
            self.plans.extend(plan);
        }
    }

    /// Leaves the start of members to the step that lets them join, if no table of their own
    /// says when they start.
    pub fn wait_for_steps(&self, clients: &mut [ClientPlan], steps: &[Step]) {
        for (client, plan) in (0..).map(ClientId).zip(clients) {
            let ClientRole::Member(member) = &mut plan.role else { continue };
            if joins_by_step(client, member, steps) && !self.own_start.contains(&client) {
                member.start = Start::ByStep;
            }
        }
    }
}

/// Says whether the first step about a member lets it join.
pub(crate) fn joins_by_step(client: ClientId, member: &MemberPlan, steps: &[Step]) -> bool {
    let first = steps.iter().find_map(|step| {
        let selectors = touched(&step.action)?;
        let hit = selectors.iter().any(|it| names_member(it, client, member));
        hit.then_some(&step.action)
    });
    matches!(first, Some(Action::Join(_)))
}

/// Returns whose process a step starts, stops or holds up.
fn touched(action: &Action) -> Option<&[Selector]> {
    match action {
        Action::Join(hit)
        | Action::Leave(hit)
        | Action::Crash(hit)
        | Action::Restart(hit)
        | Action::Shutdown(hit)
        | Action::PowerLoss(hit, _)
        | Action::Pause(hit)
        | Action::Resume(hit) => Some(hit),
        _ => None,
    }
}

/// Says whether a selector names a member, whatever happens in the trial.
fn names_member(selector: &Selector, client: ClientId, member: &MemberPlan) -> bool {
    match selector {
        Selector::Node(NodeId::Client(named)) => *named == client,
        Selector::Member(group, ordinal) => (*group, *ordinal) == (member.group, member.ordinal),
        Selector::Members(group) => *group == member.group,
        _ => false,
    }
}

/// Reads one group.
struct Reader<'t> {
    entry: &'t Entry,
    table: Table,
    index: GroupIndex,
    names: &'t Names,
    brokers: &'t [BrokerPlan],
}

/// What the members of a group have in common.
struct Common<'t> {
    style: CommitStyle,
    starts: Duration,
    stagger: Duration,
    is_static: bool,
    config: Option<&'t Node>,
}

impl<'t> Reader<'t> {
    fn read(&self, into: &mut Groups, problems: &mut Problems<'_>) -> Option<GroupPlan> {
        let mut section = Section::open(&self.entry.node, self.table.what(), problems)?;
        // Its names had to be known before.
        section.take("members");
        let span = section.span;
        let topics = self.subscription(&mut section, problems);
        if topics.is_none() && !section.has("topics") && !section.has("pattern") {
            let message = format!("{} needs `topics` or `pattern`", self.table.what());
            problems.error(Code::Missing, span, message);
        }
        let handling = handling::read(section.take("handling"), self.names, problems);
        let output = match self.table {
            Table::Groups => None,
            Table::Apps => self.output(&mut section, topics.as_ref(), problems),
        };
        let poll = section.take("poll").and_then(|node| duration(node, problems));
        let mut length = |name, problems: &mut Problems<'_>| {
            section.take(name).and_then(|node| duration(node, problems)).unwrap_or(Duration::ZERO)
        };
        let (starts, stagger) = (length("starts", problems), length("stagger", problems));
        let is_static = section.take("static").and_then(|node| flag(node, problems));
        let common = Common {
            style: handling.as_ref().map_or(CommitStyle::default(), |it| it.commit),
            starts,
            stagger,
            is_static: is_static == Some(true),
            config: section.take("config"),
        };
        let only = section.take("only");
        section.finish(problems);
        let only = only.map(|node| named(node, "`only`", problems)).unwrap_or_default();
        self.check_only(only, problems);
        let group = self.names.group_at(self.index);
        for (ordinal, client) in (1..).zip(&group.members) {
            let own = only.iter().find(|entry| entry.name.parse() == Ok(ordinal));
            let (member, starts_itself) = self.member(ordinal, &common, own, problems);
            if starts_itself {
                into.own_start.insert(*client);
            }
            let name = Arc::from(format!("{}-{ordinal}", group.name));
            into.members.push(ClientPlan { name, role: ClientRole::Member(member) });
        }
        let mut handling = handling?;
        handling.output = output;
        Some(GroupPlan {
            name: group.name.clone(),
            members: group.members.clone(),
            topics: topics?,
            handling,
            poll_timeout: poll.unwrap_or(POLL),
        })
    }

    /// Reads `topics` or `pattern`, if one of them is there.
    fn subscription(
        &self,
        section: &mut Section<'_>,
        problems: &mut Problems<'_>,
    ) -> Option<Subscribed> {
        let (topics, pattern) = (section.take_entry("topics"), section.take_entry("pattern"));
        if let (Some(_), Some(second)) = (topics, pattern) {
            let message = "a member subscribes to topics or to a pattern";
            problems
                .error(Code::Contradiction, second.name_span, message)
                .label("keep one of `topics` and `pattern`");
            return None;
        }
        if let Some(pattern) = pattern {
            let text = text(&pattern.node, problems)?;
            if text.is_empty() {
                problems.error(Code::Missing, pattern.node.span, "this pattern matches nothing");
            }
            return Some(Subscribed::Pattern(Arc::from(text)));
        }
        let node = &topics?.node;
        let mut found = Vec::new();
        for item in items(node) {
            let Some(topic) = handling::topic(item, self.names, problems) else { continue };
            if found.contains(&topic) {
                problems.error(Code::BadName, item.span, "this topic is listed twice");
            }
            found.push(topic);
        }
        if items(node).is_empty() {
            problems.error(Code::Missing, node.span, "this list names no topic");
        }
        Some(Subscribed::Topics(found))
    }

    /// Reads where an application sends what it reads.
    fn output(
        &self,
        section: &mut Section<'_>,
        topics: Option<&Subscribed>,
        problems: &mut Problems<'_>,
    ) -> Option<Output> {
        let choices = [("kept", OutputKeys::Kept), ("round-robin", OutputKeys::RoundRobin)];
        let keys = section.take("to-keys").and_then(|node| word(node, &choices, problems));
        let mut config = ProducerConfig::default();
        if let Some(node) = section.take("producer") {
            settings::producer(&mut config, node, problems);
        }
        let to = section.need("to", "an application", problems)?;
        let topic = handling::topic(to, self.names, problems)?;
        if matches!(topics, Some(Subscribed::Topics(topics)) if topics.contains(&topic)) {
            problems
                .error(Code::Contradiction, to.span, "this application would read its own output")
                .label("this is one of its own `topics`");
        }
        Some(Output { topic, keys: keys.unwrap_or_default(), config })
    }

    fn check_only(&self, only: &[Entry], problems: &mut Problems<'_>) {
        let count = self.names.group_at(self.index).members.len();
        for entry in only {
            let ordinal = entry.name.parse::<u16>().ok().map(usize::from);
            // `01` and `1` would be two tables for one member.
            let plain = ordinal.is_some_and(|it| it.to_string() == entry.name);
            if !plain || !ordinal.is_some_and(|it| (1..=count).contains(&it)) {
                let message = format!("`{}` has no member `{}`", self.entry.name, entry.name);
                problems
                    .error(Code::UnknownClient, entry.name_span, message)
                    .help(format!("Its members are numbered 1 to {count}."));
            }
        }
    }

    /// Reads one member, and says whether its own table says when it starts.
    fn member(
        &self,
        ordinal: u16,
        common: &Common<'_>,
        own: Option<&Entry>,
        problems: &mut Problems<'_>,
    ) -> (MemberPlan, bool) {
        let later = Duration(common.stagger.0 * u64::from(ordinal - 1));
        let start = Time::ZERO + common.starts + later;
        let mut member = MemberPlan {
            group: self.index,
            ordinal,
            start: Start::At(start),
            topics: None,
            config: ConsumerConfig::default(),
        };
        let mut section = own.and_then(|own| Section::open(&own.node, "a member", problems));
        let mut own_config = None;
        let mut starts_itself = false;
        if let Some(section) = &mut section {
            member.topics = self.subscription(section, problems);
            own_config = section.take("config");
            let starts = section.take("starts").and_then(|node| own_start(node, problems));
            if let Some(starts) = starts {
                member.start = starts;
                starts_itself = true;
            }
        }
        if let Some(section) = section {
            section.finish(problems);
        }
        let layers = Layers {
            group: common.config,
            own: own_config,
            name_span: self.entry.name_span,
            members: self.names.group_at(self.index).members.len(),
        };
        member.config.auto_commit = common.style == CommitStyle::Auto;
        group_settings::read(&mut member.config, &layers, problems);
        group_settings::check(&member.config, (&layers, common.style), self.brokers, problems);
        if common.is_static {
            layers.refuse_instance(problems);
            let name = format!("{}-{ordinal}", self.entry.name);
            member.config.instance = Some(InstanceId::from(name.as_str()));
        }
        (member, starts_itself)
    }
}

/// Reads when one member starts: a time, or `"by-step"`, which it is anyhow where a `join` step
/// is the first one about it.
fn own_start(node: &Node, problems: &mut Problems<'_>) -> Option<Start> {
    match node.as_text() {
        Some("by-step") => Some(Start::ByStep),
        _ => duration(node, problems).map(|starts| Start::At(Time::ZERO + starts)),
    }
}

/// Refuses a file whose groups would never find a coordinator, as the topic of their offsets
/// has more replicas than there are brokers.
pub(crate) fn check_offsets_topic(brokers: &[BrokerPlan], span: Span, problems: &mut Problems<'_>) {
    let replicas =
        brokers.iter().map(|broker| broker.config.offsets_topic_replication_factor).max();
    let count = brokers.len();
    if let Some(replicas) = replicas
        && count < usize::from(replicas)
    {
        let message = format!(
            "`__consumer_offsets` has {replicas} replicas, but the cluster has {count} brokers"
        );
        problems
            .error(Code::TooManyReplicas, span, message)
            .label("no group would ever find its coordinator")
            .help(format!(
                "Set \"offsets.topic.replication.factor\" = {count} in `cluster.broker`."
            ));
    }
}
