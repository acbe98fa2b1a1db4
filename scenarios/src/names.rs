//! The names that a file defines, for everything that refers to them.

use std::sync::Arc;

use model::ids::{BrokerId, ClientId, TopicId, TopicPartition};
use sim::plan::GroupIndex;

use crate::codes::Code;
use crate::problems::{Problems, Span, nearest};

/// The name of the topic that coordinators write.
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// What a file defines.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The brokers.
    pub brokers: Vec<BrokerId>,
    /// The racks.
    pub racks: Vec<Arc<str>>,
    /// The topics, by id, with their numbers of partitions.
    pub topics: Vec<(Arc<str>, u16)>,
    /// How many partitions `__consumer_offsets` has once a group needs it.
    pub offsets_partitions: u16,
    /// The clients, by id.
    pub clients: Vec<(Arc<str>, ClientKind)>,
    /// The groups and applications, by index.
    pub groups: Vec<GroupName>,
    /// The markers that steps set.
    pub markers: Vec<String>,
}

/// A group's name and what others refer to.
#[derive(Debug)]
pub(crate) struct GroupName {
    /// Its name.
    pub name: Arc<str>,
    /// Its members, in order.
    pub members: Vec<ClientId>,
    /// The topics that it or one of its members names.
    pub topics: Vec<TopicId>,
}

/// What kind of client a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    /// `[producers.NAME]`
    Producer,
    /// `[consumers.NAME]`
    Consumer,
    /// A member of `[groups.NAME]` or `[apps.NAME]`.
    Member,
}

impl ClientKind {
    fn word(self) -> &'static str {
        match self {
            ClientKind::Producer => "producer",
            ClientKind::Consumer => "consumer",
            ClientKind::Member => "member",
        }
    }

    fn definition(self, name: &str) -> String {
        match self {
            ClientKind::Producer | ClientKind::Consumer => {
                format!("Define it under [{}s.{name}].", self.word())
            }
            ClientKind::Member => {
                "Members are called after their group: g1-1, g1-2 and so on.".to_owned()
            }
        }
    }
}

impl Names {
    /// Finds a topic.
    pub fn topic(&self, name: &str, span: Span, problems: &mut Problems<'_>) -> Option<TopicId> {
        if let Some(at) = self.topics.iter().position(|(topic, _)| **topic == *name) {
            return Some(TopicId(at as u16));
        }
        let message = format!("topic `{name}` is not defined");
        let problem = problems.error(Code::UnknownTopic, span, message);
        match nearest(name, self.topics.iter().map(|(topic, _)| &**topic)) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help(format!("Define it under [topics.{name}].")),
        };
        None
    }

    /// Finds a partition: `orders-0`.
    pub fn partition(
        &self,
        name: &str,
        span: Span,
        problems: &mut Problems<'_>,
    ) -> Option<TopicPartition> {
        let split = name
            .rsplit_once('-')
            .and_then(|(topic, number)| number.parse::<u16>().ok().map(|number| (topic, number)));
        let Some((topic, partition)) = split else {
            problems
                .error(Code::UnknownTopic, span, format!("`{name}` names no partition"))
                .help("Write the topic and the partition's number: `orders-0`.");
            return None;
        };
        let topic = self.topic(topic, span, problems)?;
        self.check_partition(topic, partition, span, problems)
    }

    /// Finds a partition that conditions look at: also one of `__consumer_offsets`, if there
    /// are groups.
    pub fn any_partition(
        &self,
        name: &str,
        span: Span,
        problems: &mut Problems<'_>,
    ) -> Option<TopicPartition> {
        let number = name.strip_prefix(CONSUMER_OFFSETS).and_then(|rest| rest.strip_prefix('-'));
        let number = number.filter(|_| !self.groups.is_empty());
        match number.and_then(|number| number.parse::<u16>().ok()) {
            Some(partition) if partition < self.offsets_partitions => {
                Some(TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition })
            }
            Some(_) | None => self.partition(name, span, problems),
        }
    }

    /// Checks that a topic has such a partition.
    pub fn check_partition(
        &self,
        topic: TopicId,
        partition: u16,
        span: Span,
        problems: &mut Problems<'_>,
    ) -> Option<TopicPartition> {
        let (name, partitions) = &self.topics[usize::from(topic.0)];
        if partition < *partitions {
            return Some(TopicPartition { topic, partition });
        }
        let message = format!("topic `{name}` has no partition {partition}");
        let last = partitions.saturating_sub(1);
        problems
            .error(Code::UnknownTopic, span, message)
            .help(format!("Its partitions are numbered from 0 to {last}."));
        None
    }

    /// Finds a broker by its number.
    pub fn broker(&self, id: u64, span: Span, problems: &mut Problems<'_>) -> Option<BrokerId> {
        if let Some(found) = self.brokers.iter().find(|broker| u64::from(broker.0) == id) {
            return Some(*found);
        }
        let known: Vec<String> = self.brokers.iter().map(BrokerId::to_string).collect();
        problems
            .error(Code::UnknownBroker, span, format!("there is no broker {id}"))
            .help(format!("The cluster has the brokers {}.", known.join(", ")));
        None
    }

    /// Finds a broker by its name in selectors: `broker-2`.
    pub fn broker_named(
        &self,
        name: &str,
        span: Span,
        problems: &mut Problems<'_>,
    ) -> Option<BrokerId> {
        match name.strip_prefix("broker-").and_then(|id| id.parse().ok()) {
            Some(id) => self.broker(id, span, problems),
            None => {
                let message = format!("`{name}` is no broker");
                problems.error(Code::UnknownBroker, span, message).help("Write `broker-1`.");
                None
            }
        }
    }

    /// Finds a rack.
    pub fn rack(&self, name: &str, span: Span, problems: &mut Problems<'_>) -> Option<Arc<str>> {
        if let Some(found) = self.racks.iter().find(|rack| ***rack == *name) {
            return Some(found.clone());
        }
        let problem =
            problems.error(Code::UnknownBroker, span, format!("there is no rack `{name}`"));
        match nearest(name, self.racks.iter().map(|rack| &**rack)) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help("Give each broker its rack: cluster.racks = [\"a\", \"b\"]."),
        };
        None
    }

    /// Finds a client of any kind without complaining.
    pub fn any_client(&self, name: &str) -> Option<ClientId> {
        let at = self.clients.iter().position(|(client, _)| **client == *name)?;
        Some(ClientId(at as u16))
    }

    /// Finds a client of one of some kinds.
    pub fn client(
        &self,
        kinds: &[ClientKind],
        name: &str,
        span: Span,
        problems: &mut Problems<'_>,
    ) -> Option<ClientId> {
        let found = self.clients.iter().position(|it| *it.0 == *name && kinds.contains(&it.1));
        if let Some(at) = found {
            return Some(ClientId(at as u16));
        }
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        let message = format!("{} `{name}` is not defined", words.join(" or "));
        let problem = problems.error(Code::UnknownClient, span, message);
        let others = self.clients.iter().filter(|it| kinds.contains(&it.1)).map(|it| &*it.0);
        match nearest(name, others) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => {
                let ways: Vec<String> = kinds.iter().map(|kind| kind.definition(name)).collect();
                problem.help(ways.join(" "))
            }
        };
        None
    }

    /// Returns what kind of client this is.
    pub fn kind(&self, client: ClientId) -> Option<ClientKind> {
        self.clients.get(usize::from(client.0)).map(|(_, kind)| *kind)
    }

    /// Finds a group without complaining.
    pub fn any_group(&self, name: &str) -> Option<GroupIndex> {
        let at = self.groups.iter().position(|group| *group.name == *name)?;
        Some(GroupIndex(at as u16))
    }

    /// Finds a group.
    pub fn group(&self, name: &str, span: Span, problems: &mut Problems<'_>) -> Option<GroupIndex> {
        if let Some(found) = self.any_group(name) {
            return Some(found);
        }
        let message = format!("group `{name}` is not defined");
        let problem = problems.error(Code::UnknownClient, span, message);
        match nearest(name, self.groups.iter().map(|group| &*group.name)) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help(format!("Define it under [groups.{name}].")),
        };
        None
    }

    /// Returns a group's names.
    pub fn group_at(&self, group: GroupIndex) -> &GroupName {
        &self.groups[usize::from(group.0)]
    }

    /// Finds a member of a group by its name.
    pub fn member_of(
        &self,
        group: GroupIndex,
        name: &str,
        span: Span,
        problems: &mut Problems<'_>,
    ) -> Option<ClientId> {
        let client = self.client(&[ClientKind::Member], name, span, problems)?;
        let of = self.group_at(group);
        if !of.members.contains(&client) {
            let message = format!("`{name}` is no member of `{}`", of.name);
            problems.error(Code::UnknownClient, span, message);
            return None;
        }
        Some(client)
    }
}

/// Says whether a name follows Kafka's rule for topics.
///
/// Source: `Topic.validate`, Kafka 4.0.
pub(crate) fn is_legal(name: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.chars().all(legal)
}
