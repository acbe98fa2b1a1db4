//! What a report is about: one trial with the texts of its file, and names for everybody.

use model::ids::{BrokerId, ClientId, NodeId, ReplicaSet, TopicId, TopicPartition, Uid};
use scenarios::Question;
use sim::outcome::Outcome;
use sim::plan::{ClientRole, GroupIndex, Plan};

use crate::text::fill;
use crate::trace::Trace;
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
    /// What came out.
    pub outcome: &'a Outcome,
    /// What happened, as all pictures and stories see it.
    pub trace: &'a Trace,
    /// What each step says; empty where it says nothing.
    pub says: &'a [String],
    /// What to ask before the trial is shown, in every language.
    pub ask: Option<&'a Question>,
    /// The language of the report.
    pub words: &'static Words,
}

/// Which trial a report is about, in nobody's language.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The matrix case; empty if the file has no matrix.
    pub case: &'a str,
    /// The seed of the trial.
    pub seed: u64,
    /// The command that runs it again.
    pub again: &'a str,
    /// What was decided before.
    pub plan: &'a Plan,
    /// What came out, with its history.
    pub outcome: &'a Outcome,
}

/// The names that a file gives to everybody.
#[derive(Clone, Copy)]
pub struct Names<'a>(pub &'a Plan);

impl Names<'_> {
    /// Returns the name of a node: `b1`, `ctl`, or a client's name in the file.
    pub fn node(self, node: NodeId) -> String {
        match node {
            NodeId::Controller(1) => "ctl".to_owned(),
            NodeId::Controller(other) => format!("k{other}"),
            NodeId::Broker(broker) => broker_name(broker),
            NodeId::Client(client) => self.client(client),
        }
    }

    /// Returns a client's name in the file.
    pub fn client(self, client: ClientId) -> String {
        match self.0.clients.get(usize::from(client.0)) {
            Some(plan) => plan.name.to_string(),
            None => format!("client-{client}"),
        }
    }

    /// Returns a partition's name: `orders-0`.
    pub fn partition(self, partition: TopicPartition) -> String {
        if partition.topic == TopicId::CONSUMER_OFFSETS {
            return format!("__consumer_offsets-{}", partition.partition);
        }
        match self.0.topics.get(usize::from(partition.topic.0)) {
            Some(topic) => format!("{}-{}", topic.name, partition.partition),
            None => format!("topic-{}-{}", partition.topic, partition.partition),
        }
    }

    /// Returns the producers' settings that matter most, in a few words.
    pub fn promises(self) -> String {
        let mut promises: Vec<String> = Vec::new();
        for client in &self.0.clients {
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

impl Story<'_> {
    /// Returns the names that the file gives to everybody.
    pub fn names(&self) -> Names<'_> {
        Names(self.plan)
    }

    /// Returns the name of a node: `b1`, `ctl`, or a client's name in the file.
    pub fn node(&self, node: NodeId) -> String {
        self.names().node(node)
    }

    /// Returns a client's name in the file.
    pub fn client(&self, client: ClientId) -> String {
        self.names().client(client)
    }

    /// Returns a partition's name: `orders-0`.
    pub fn partition(&self, partition: TopicPartition) -> String {
        self.names().partition(partition)
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

    /// Returns a group's name in the file.
    pub fn group(&self, group: GroupIndex) -> String {
        match self.plan.groups.get(usize::from(group.0)) {
            Some(plan) => plan.name.to_string(),
            None => format!("group-{}", group.0),
        }
    }

    /// Returns the partition that the pictures show: that of the first loss, else that of
    /// the first evidence with a record, else the first one.
    pub fn focus(&self) -> TopicPartition {
        let shown = self.trace.partitions.get(self.trace.focus);
        shown.map_or_else(TopicPartition::default, |it| it.id)
    }

    /// Returns how many partitions there are.
    pub fn partitions(&self) -> usize {
        self.trace.partitions.len().max(1)
    }

    /// Returns the producers' settings that matter most, in a few words.
    pub fn promises(&self) -> String {
        self.names().promises()
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
