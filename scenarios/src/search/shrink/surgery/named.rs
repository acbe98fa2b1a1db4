//! What steps and conditions name, after something has been taken out of a plan.

use model::ids::TopicPartition;
use sim::plan::{Action, CommitOrder, Condition, MessageRule, Quantity, SeekTo, Selector};

use super::moves::Moves;

impl Moves {
    /// Returns the selectors that still name somebody; `None` if none is left of some.
    fn selectors(&self, selectors: &[Selector]) -> Option<Vec<Selector>> {
        let left: Vec<Selector> = selectors.iter().filter_map(|it| self.selector(it)).collect();
        // An empty list may mean everybody.
        (selectors.is_empty() || !left.is_empty()).then_some(left)
    }

    fn selector(&self, selector: &Selector) -> Option<Selector> {
        Some(match selector {
            Selector::Node(node) => Selector::Node(self.node(*node)?),
            Selector::Leader(at) => Selector::Leader(self.partition(*at)?),
            Selector::Followers(at) => Selector::Followers(self.partition(*at)?),
            Selector::Isr(at) => Selector::Isr(self.partition(*at)?),
            Selector::Follower(at, nth) => Selector::Follower(self.partition(*at)?, *nth),
            Selector::Coordinator(group) => Selector::Coordinator(self.group(*group)?),
            Selector::Member(group, ordinal) => {
                Selector::Member(self.group(*group)?, self.ordinal(*group, *ordinal)?)
            }
            Selector::Members(group) => Selector::Members(self.group(*group)?),
            Selector::Owner(group, at) => {
                Selector::Owner(self.group(*group)?, self.partition(*at)?)
            }
            Selector::GroupLeader(group) => Selector::GroupLeader(self.group(*group)?),
            Selector::Controller
            | Selector::Rack(_)
            | Selector::LastCrashed
            | Selector::AllDown
            | Selector::AnyBroker
            | Selector::AllBrokers
            | Selector::AllClients => selector.clone(),
        })
    }

    /// Returns a condition about those who stay; `None` if it is about nobody else.
    pub fn condition(&self, condition: &Condition) -> Option<Condition> {
        Some(match condition {
            Condition::Compare(quantity, comparison, number) => {
                Condition::Compare(self.quantity(*quantity)?, *comparison, *number)
            }
            Condition::LeaderIs(at, comparison, broker) => {
                let broker = match broker {
                    None => None,
                    Some(broker) => Some(self.broker(*broker)?),
                };
                Condition::LeaderIs(self.partition(*at)?, *comparison, broker)
            }
            Condition::StateIs(group, comparison, phase) => {
                Condition::StateIs(self.group(*group)?, *comparison, *phase)
            }
            Condition::OwnerIs(group, at, comparison, client) => {
                let client = match client {
                    None => None,
                    Some(client) => Some(self.client(*client)?),
                };
                let (group, at) = (self.group(*group)?, self.partition(*at)?);
                Condition::OwnerIs(group, at, *comparison, client)
            }
            Condition::Seen(_) => condition.clone(),
            Condition::And(left, right) => self.either(left, right, Condition::And)?,
            Condition::Or(left, right) => self.either(left, right, Condition::Or)?,
            Condition::Not(inner) => Condition::Not(Box::new(self.condition(inner)?)),
        })
    }

    fn either(
        &self,
        left: &Condition,
        right: &Condition,
        join: fn(Box<Condition>, Box<Condition>) -> Condition,
    ) -> Option<Condition> {
        match (self.condition(left), self.condition(right)) {
            (Some(left), Some(right)) => Some(join(Box::new(left), Box::new(right))),
            (left, right) => left.or(right),
        }
    }

    fn quantity(&self, quantity: Quantity) -> Option<Quantity> {
        Some(match quantity {
            Quantity::Isr(at) => Quantity::Isr(self.partition(at)?),
            Quantity::HighWatermark(at, broker) => {
                Quantity::HighWatermark(self.partition(at)?, self.broker(broker)?)
            }
            Quantity::LogEnd(at, broker) => {
                Quantity::LogEnd(self.partition(at)?, self.broker(broker)?)
            }
            Quantity::Epoch(at) => Quantity::Epoch(self.partition(at)?),
            Quantity::Acknowledged(client) => Quantity::Acknowledged(self.client(client)?),
            Quantity::InDoubt(client) => Quantity::InDoubt(self.client(client)?),
            Quantity::Sent(client) => Quantity::Sent(self.client(client)?),
            Quantity::Polled(client) => Quantity::Polled(self.client(client)?),
            Quantity::Threw(client) => Quantity::Threw(self.client(client)?),
            Quantity::Unfenced => Quantity::Unfenced,
            Quantity::Generation(group) => Quantity::Generation(self.group(group)?),
            Quantity::Members(group) => Quantity::Members(self.group(group)?),
            Quantity::Committed(group, at) => {
                Quantity::Committed(self.group(group)?, self.partition(at)?)
            }
            Quantity::Lag(group, None) => Quantity::Lag(self.group(group)?, None),
            Quantity::Lag(group, Some(at)) => {
                Quantity::Lag(self.group(group)?, Some(self.partition(at)?))
            }
            Quantity::Processed(group) => Quantity::Processed(self.group(group)?),
            Quantity::ProcessedBy(client) => Quantity::ProcessedBy(self.client(client)?),
            Quantity::Owned(client) => Quantity::Owned(self.client(client)?),
        })
    }

    /// Returns what is left of an action; `None` if it would do nothing any more.
    pub fn action(&self, action: &Action) -> Option<Action> {
        let who = |selectors: &[Selector]| self.selectors(selectors);
        Some(match action {
            Action::Crash(hit) => Action::Crash(who(hit)?),
            Action::Restart(hit) => Action::Restart(who(hit)?),
            Action::Shutdown(hit) => Action::Shutdown(who(hit)?),
            Action::PowerLoss(hit, unsynced) => Action::PowerLoss(who(hit)?, *unsynced),
            Action::Pause(hit) => Action::Pause(who(hit)?),
            Action::Resume(hit) => Action::Resume(who(hit)?),
            Action::Cut { from, to, direction } => {
                Action::Cut { from: who(from)?, to: who(to)?, direction: *direction }
            }
            Action::Heal(hit) => Action::Heal(who(hit)?),
            Action::Slow { from, to, latency } => {
                Action::Slow { from: who(from)?, to: who(to)?, latency: *latency }
            }
            Action::Rule(rule) => {
                let (from, to) = (who(&rule.from)?, who(&rule.to)?);
                Action::Rule(MessageRule { from, to, ..rule.clone() })
            }
            Action::Reset(one, other) => Action::Reset(who(one)?, who(other)?),
            Action::DiskSlow(hit, latency) => Action::DiskSlow(who(hit)?, *latency),
            Action::DiskStall(hit) => Action::DiskStall(who(hit)?),
            Action::ClockJump(hit, by) => Action::ClockJump(who(hit)?, *by),
            Action::ClockDrift(hit, ppm) => Action::ClockDrift(who(hit)?, *ppm),
            Action::Elect(at, kind) => Action::Elect(self.partition(*at)?, *kind),
            Action::CreateTopic(topic) => Action::CreateTopic(self.topic(*topic)?),
            Action::AlterTopic(topic, config) => {
                Action::AlterTopic(self.topic(*topic)?, config.clone())
            }
            Action::Produce(client, records) => Action::Produce(self.client(*client)?, *records),
            Action::Seek(client, at, to) => {
                Action::Seek(self.client(*client)?, self.partition(*at)?, *to)
            }
            Action::Join(hit) => Action::Join(who(hit)?),
            Action::Leave(hit) => Action::Leave(who(hit)?),
            Action::PollElsewhere(hit) => Action::PollElsewhere(who(hit)?),
            Action::Wakeup(hit) => Action::Wakeup(who(hit)?),
            Action::PauseFetching(hit, at) => {
                Action::PauseFetching(who(hit)?, self.partitions(at)?)
            }
            Action::ResumeFetching(hit, at) => {
                Action::ResumeFetching(who(hit)?, self.partitions(at)?)
            }
            Action::CommitOffsets(order) => Action::CommitOffsets(self.commit(order)?),
            Action::SeekToTime(client, at) => Action::SeekToTime(self.client(*client)?, *at),
            Action::AddPartitions(topic, count) => {
                Action::AddPartitions(self.topic(*topic)?, *count)
            }
            Action::DeleteRecords(at, below) => Action::DeleteRecords(self.partition(*at)?, *below),
            Action::HealAll | Action::Release | Action::Mark(_) => action.clone(),
        })
    }

    fn partitions(&self, at: &[TopicPartition]) -> Option<Vec<TopicPartition>> {
        let left: Vec<TopicPartition> = at.iter().filter_map(|it| self.partition(*it)).collect();
        (at.is_empty() || !left.is_empty()).then_some(left)
    }

    fn commit(&self, order: &CommitOrder) -> Option<CommitOrder> {
        let member = match order.member {
            None => None,
            Some(member) => Some(self.client(member)?),
        };
        let place = |(at, to): &(TopicPartition, SeekTo)| Some((self.partition(*at)?, *to));
        let offsets: Vec<_> = order.offsets.iter().filter_map(place).collect();
        let group = self.group(order.group)?;
        (!offsets.is_empty()).then_some(CommitOrder { group, member, offsets })
    }
}
