//! Selectors and conditions in the words that scenario files have for them.

use model::ids::{BrokerId, ClientId, NodeId, TopicId, TopicPartition};
use sim::plan::{Comparison, Condition, GroupIndex, Plan, Quantity, Selector};

use super::layout::Value;
use crate::names::CONSUMER_OFFSETS;

/// The names of everything in a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'p> {
    plan: &'p Plan,
}

impl<'p> Names<'p> {
    /// Takes them from a plan.
    pub fn of(plan: &'p Plan) -> Names<'p> {
        Names { plan }
    }

    /// Returns a topic's name.
    ///
    /// # Panics
    /// If the plan has no such topic.
    pub fn topic(&self, topic: TopicId) -> &'p str {
        match topic {
            TopicId::CONSUMER_OFFSETS => CONSUMER_OFFSETS,
            topic => &self.plan.topics[usize::from(topic.0)].name,
        }
    }

    /// Returns a partition's name: `orders-0`.
    pub fn partition(&self, of: TopicPartition) -> String {
        format!("{}-{}", self.topic(of.topic), of.partition)
    }

    /// Returns a client's name.
    ///
    /// # Panics
    /// If the plan has no such client.
    pub fn client(&self, client: ClientId) -> &'p str {
        &self.plan.clients[usize::from(client.0)].name
    }

    /// Returns a group's name.
    ///
    /// # Panics
    /// If the plan has no such group.
    pub fn group(&self, group: GroupIndex) -> &'p str {
        &self.plan.groups[usize::from(group.0)].name
    }

    /// Returns a node's name.
    pub fn node(&self, node: NodeId) -> String {
        match node {
            NodeId::Controller(number) => format!("controller-{number}"),
            NodeId::Broker(id) => broker(id),
            NodeId::Client(client) => self.client(client).to_owned(),
        }
    }

    /// Writes a selector.
    pub fn selector(&self, selector: &Selector) -> String {
        match selector {
            Selector::Node(node) => self.node(*node),
            Selector::Leader(of) => format!("leader({})", self.partition(*of)),
            Selector::Followers(of) => format!("followers({})", self.partition(*of)),
            Selector::Isr(of) => format!("isr({})", self.partition(*of)),
            Selector::Follower(of, place) => format!("follower({}, {place})", self.partition(*of)),
            Selector::Controller => "controller".to_owned(),
            Selector::Rack(rack) => format!("rack({rack})"),
            Selector::LastCrashed => "last-crashed".to_owned(),
            Selector::AllDown => "all-down".to_owned(),
            Selector::AnyBroker => "any-broker".to_owned(),
            Selector::AllBrokers => "all-brokers".to_owned(),
            Selector::AllClients => "all-clients".to_owned(),
            Selector::Coordinator(group) => format!("coordinator({})", self.group(*group)),
            Selector::Member(group, ordinal) => {
                format!("member({}, {ordinal})", self.group(*group))
            }
            Selector::Members(group) => format!("members({})", self.group(*group)),
            Selector::Owner(group, of) => {
                format!("owner({}, {})", self.group(*group), self.partition(*of))
            }
            Selector::GroupLeader(group) => format!("group-leader({})", self.group(*group)),
        }
    }

    /// Writes one selector as a text, several as a list.
    pub fn selectors(&self, selectors: &[Selector]) -> Value {
        match selectors {
            [one] => Value::from(self.selector(one)),
            many => Value::from(many.iter().map(|it| self.selector(it)).collect::<Vec<_>>()),
        }
    }

    /// Writes a condition.
    pub fn condition(&self, condition: &Condition) -> String {
        match condition {
            Condition::Compare(quantity, sign, number) => {
                format!("{} {} {number}", self.quantity(*quantity), symbol(*sign))
            }
            Condition::LeaderIs(of, sign, id) => {
                let leader = id.map_or_else(|| "none".to_owned(), broker);
                format!("leader({}) {} {leader}", self.partition(*of), symbol(*sign))
            }
            Condition::StateIs(group, sign, phase) => {
                format!("state({}) {} {}", self.group(*group), symbol(*sign), phase.name())
            }
            Condition::OwnerIs(group, of, sign, client) => {
                let owner = client.map_or("none", |client| self.client(client));
                let (group, of) = (self.group(*group), self.partition(*of));
                format!("owner({group}, {of}) {} {owner}", symbol(*sign))
            }
            Condition::Seen(marker) => format!("seen({marker})"),
            // Both words bind to the left: `a and b and c` is `(a and b) and c`.
            Condition::And(left, right) => {
                let left = match **left {
                    Condition::Or(..) => self.bracketed(left),
                    _ => self.condition(left),
                };
                format!("{left} and {}", self.term(right))
            }
            Condition::Or(left, right) => {
                let right = match **right {
                    Condition::Or(..) => self.bracketed(right),
                    _ => self.condition(right),
                };
                format!("{} or {right}", self.condition(left))
            }
            Condition::Not(inner) => format!("not {}", self.term(inner)),
        }
    }

    /// Writes a condition so that it holds together.
    fn term(&self, condition: &Condition) -> String {
        match condition {
            Condition::And(..) | Condition::Or(..) => self.bracketed(condition),
            _ => self.condition(condition),
        }
    }

    fn bracketed(&self, condition: &Condition) -> String {
        format!("({})", self.condition(condition))
    }

    fn quantity(&self, quantity: Quantity) -> String {
        let partition = |of| self.partition(of);
        match quantity {
            Quantity::Isr(of) => format!("isr({})", partition(of)),
            Quantity::HighWatermark(of, id) => format!("hw({}, {})", partition(of), broker(id)),
            Quantity::LogEnd(of, id) => format!("leo({}, {})", partition(of), broker(id)),
            Quantity::Epoch(of) => format!("epoch({})", partition(of)),
            Quantity::Acknowledged(client) => format!("acknowledged({})", self.client(client)),
            Quantity::InDoubt(client) => format!("in-doubt({})", self.client(client)),
            Quantity::Sent(client) => format!("sent({})", self.client(client)),
            Quantity::Polled(client) => format!("polled({})", self.client(client)),
            Quantity::Threw(client) => format!("threw({})", self.client(client)),
            Quantity::Unfenced => "unfenced".to_owned(),
            Quantity::Generation(group) => format!("generation({})", self.group(group)),
            Quantity::Members(group) => format!("members({})", self.group(group)),
            Quantity::Committed(group, of) => {
                format!("committed({}, {})", self.group(group), partition(of))
            }
            Quantity::Lag(group, None) => format!("lag({})", self.group(group)),
            Quantity::Lag(group, Some(of)) => {
                format!("lag({}, {})", self.group(group), partition(of))
            }
            Quantity::Processed(group) => format!("processed({})", self.group(group)),
            Quantity::ProcessedBy(client) => format!("processed({})", self.client(client)),
            Quantity::Owned(client) => format!("owned({})", self.client(client)),
        }
    }
}

/// Returns a broker's name: `broker-2`.
pub(super) fn broker(id: BrokerId) -> String {
    format!("broker-{id}")
}

fn symbol(sign: Comparison) -> &'static str {
    match sign {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::Greater => ">",
        Comparison::AtLeast => ">=",
    }
}
