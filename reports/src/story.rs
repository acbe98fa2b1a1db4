//! What a report is about: one trial with the texts of its file, and names for everybody.

use model::fact::{Fact, GroupEvent, GroupFact, MemberEvent, MemberFact};
use model::ids::{BrokerId, ClientId, MemberId, NodeId, ReplicaSet, TopicId, TopicPartition, Uid};
use scenarios::Question;
use sim::history::Event;
use sim::outcome::Outcome;
use sim::plan::{ClientRole, GroupIndex, Plan};
use sim::verdict::Verdict;

use crate::text::fill;
use crate::words::Words;

/// One trial, as reports see it.
#[derive(Clone, Copy)]
pub struct Story<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// Its lesson in a sentence.
    pub title: &'a str,
    /// The matrix case; empty if the file has no matrix.
    pub case: &'a str,
    /// The seed of the trial.
    pub seed: u64,
    /// What was decided before.
    pub plan: &'a Plan,
    /// What came out, with its history.
    pub outcome: &'a Outcome,
    /// What each step says; empty where it says nothing.
    pub says: &'a [String],
    /// What to ask before the trial is shown, in every language.
    pub ask: Option<&'a Question>,
    /// The language of the report.
    pub words: &'static Words,
}

impl Story<'_> {
    /// Returns the name of a node: `b1`, `ctl`, or a client's name in the file.
    pub fn node(&self, node: NodeId) -> String {
        match node {
            NodeId::Controller(1) => "ctl".to_owned(),
            NodeId::Controller(other) => format!("k{other}"),
            NodeId::Broker(broker) => broker_name(broker),
            NodeId::Client(client) => self.client(client),
        }
    }

    /// Returns a client's name in the file.
    pub fn client(&self, client: ClientId) -> String {
        match self.plan.clients.get(usize::from(client.0)) {
            Some(plan) => plan.name.to_string(),
            None => format!("client-{client}"),
        }
    }

    /// Returns a partition's name: `orders-0`.
    pub fn partition(&self, partition: TopicPartition) -> String {
        if partition.topic == TopicId::CONSUMER_OFFSETS {
            return format!("__consumer_offsets-{}", partition.partition);
        }
        match self.plan.topics.get(usize::from(partition.topic.0)) {
            Some(topic) => format!("{}-{}", topic.name, partition.partition),
            None => format!("topic-{}-{}", partition.topic, partition.partition),
        }
    }

    /// Returns the names of partitions, each topic once: `orders-0,1 refunds-2`.
    pub fn partition_list(&self, partitions: &[TopicPartition]) -> String {
        let mut text = String::new();
        let mut last = None;
        for &it in partitions {
            match last == Some(it.topic) {
                true => text += &format!(",{}", it.partition),
                false if text.is_empty() => text = self.partition(it),
                false => text += &format!(" {}", self.partition(it)),
            }
            last = Some(it.topic);
        }
        if text.is_empty() { self.words.groups.nothing.to_owned() } else { text }
    }

    /// Returns the group that a client is a member of.
    pub fn group_of(&self, client: ClientId) -> Option<GroupIndex> {
        match &self.plan.clients.get(usize::from(client.0))?.role {
            ClientRole::Member(member) => Some(member.group),
            ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
        }
    }

    /// Returns a group's name in the file.
    pub fn group(&self, group: GroupIndex) -> String {
        match self.plan.groups.get(usize::from(group.0)) {
            Some(plan) => plan.name.to_string(),
            None => format!("group-{}", group.0),
        }
    }

    /// Returns the name of a member: that of its client where it can be told.
    ///
    /// Coordinators name members after their `client.id`; a member that names itself
    /// (KIP-848) is known by what it said when it joined.
    pub fn member(&self, member: &MemberId) -> String {
        self.member_client(member).map_or_else(|| member.to_string(), |client| self.client(client))
    }

    /// Returns the client that is, or was, the member of this id.
    pub fn member_client(&self, member: &MemberId) -> Option<ClientId> {
        let mut facts = self.outcome.history.iter().filter_map(|entry| match &entry.event {
            Event::Fact(fact) => Some(fact),
            Event::Fault(_) | Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => None,
        });
        let named = |name: &str| {
            let place = self.plan.clients.iter().position(|it| &*it.name == name)?;
            u16::try_from(place).ok().map(ClientId)
        };
        facts.find_map(|fact| match fact {
            Fact::Group(GroupFact {
                what: GroupEvent::MemberJoined { member: id, client_id, .. },
                ..
            }) if id == member => named(client_id),
            Fact::Member(MemberFact { client, what: MemberEvent::Joined { member: id, .. } })
                if id == member =>
            {
                Some(*client)
            }
            _ => None,
        })
    }

    /// Returns the partition that the pictures show: that of the first loss, else that of
    /// the first evidence with a record, else the first one.
    pub fn focus(&self) -> TopicPartition {
        let judgement = &self.outcome.judgement;
        if let Some(loss) = judgement.losses.first() {
            return loss.partition;
        }
        let evidence = judgement.findings.iter().find_map(|finding| match &finding.verdict {
            Verdict::Breaks(evidence) => Some(evidence),
            Verdict::Holds | Verdict::Untested(_) => None,
        });
        let shown = evidence.and_then(|evidence| {
            let events = evidence.entries.iter().filter_map(|&at| self.outcome.history.get(at));
            let mut partitions = events.filter_map(crate::entry::partition);
            partitions.find(|it| it.topic != TopicId::CONSUMER_OFFSETS)
        });
        shown.unwrap_or_else(|| {
            self.outcome.replicas.first().map_or_else(TopicPartition::default, |it| it.partition)
        })
    }

    /// Returns how many partitions there are.
    pub fn partitions(&self) -> usize {
        let all = self.outcome.replicas.iter().map(|it| it.partition);
        let mut all: Vec<_> = all.filter(|it| it.topic != TopicId::CONSUMER_OFFSETS).collect();
        all.sort();
        all.dedup();
        all.len().max(1)
    }

    /// Returns the producers' settings that matter most, in a few words.
    pub fn promises(&self) -> String {
        let mut promises: Vec<String> = Vec::new();
        for client in &self.plan.clients {
            if let ClientRole::Producer(producer) = &client.role {
                let acks = model::config::SettingValue::show(&producer.config.acks);
                if !promises.contains(&acks) {
                    promises.push(acks);
                }
            }
        }
        promises.join("/")
    }
}

/// Returns a broker's name: `b1`.
pub fn broker_name(broker: BrokerId) -> String {
    format!("b{broker}")
}

/// Returns the names of brokers: `b1 b2 b3`.
pub fn broker_names(brokers: ReplicaSet) -> String {
    brokers.iter().map(broker_name).collect::<Vec<_>>().join(" ")
}

/// Returns the ids of brokers in little space: `1 2 3`.
pub fn broker_ids(brokers: ReplicaSet) -> String {
    if brokers.is_empty() {
        return "–".to_owned();
    }
    brokers.iter().map(|broker| broker.to_string()).collect::<Vec<_>>().join(" ")
}

/// Returns the name of a run of records: `r9`, `r9-r11`.
pub fn record_names(first: Uid, last: Uid) -> String {
    if first == last {
        return format!("r{first}");
    }
    format!("r{first}–r{last}")
}

/// Names records one by one as long as they are few: `r9, r10 and r11`.
pub fn record_list(uids: &[Uid], words: &Words) -> String {
    const SHOWN: usize = 5;
    let named = |uid: &Uid| format!("r{uid}");
    match uids {
        [] => String::new(),
        [one] => named(one),
        many if many.len() <= SHOWN => {
            let (last, before) = many.split_last().expect("there are at least two");
            let before: Vec<_> = before.iter().map(named).collect();
            fill(words.why.and, &[&before.join(words.grammar.list), &named(last)])
        }
        many => {
            let before: Vec<_> = many[..SHOWN - 1].iter().map(named).collect();
            let rest = crate::text::grouped((many.len() - before.len()) as u64);
            fill(words.why.more, &[&before.join(words.grammar.list), &rest])
        }
    }
}
