//! Selectors, resolved at the moment when a step fires.

use model::ids::{BrokerId, GroupId, NodeId, TopicId, TopicPartition};

use crate::plan::{GroupIndex, Selector};
use crate::queue::Place;
use crate::world::{CONTROLLER, World};

impl World {
    /// Resolves selectors: each computer once, in the order in which they are named.
    pub(crate) fn select(&mut self, selectors: &[Selector]) -> Vec<Place> {
        let mut places = Vec::new();
        for selector in selectors {
            for place in self.select_one(selector) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        places
    }

    /// Resolves selectors where none means everybody that faults can reach, except `except`.
    pub(crate) fn select_or_rest(
        &mut self,
        selectors: &[Selector],
        except: &[Place],
    ) -> Vec<Place> {
        if !selectors.is_empty() {
            return self.select(selectors);
        }
        let all = (0..self.computers.len() as u16).map(Place);
        all.filter(|place| !self.is_beyond_harm(*place) && !except.contains(place)).collect()
    }

    fn select_one(&mut self, selector: &Selector) -> Vec<Place> {
        match selector {
            Selector::Node(node) => vec![self.place(*node)],
            Selector::Leader(partition) => {
                let leader = self.registration(*partition).and_then(|it| it.leader);
                leader.map(|leader| self.broker(leader)).into_iter().collect()
            }
            Selector::Followers(partition) => self.followers(*partition),
            Selector::Follower(partition, nth) => {
                let nth = usize::from(*nth).checked_sub(1);
                nth.and_then(|nth| self.followers(*partition).get(nth).copied())
                    .into_iter()
                    .collect()
            }
            Selector::Isr(partition) => {
                let isr = self.registration(*partition).map(|it| it.isr).unwrap_or_default();
                isr.iter().map(|broker| self.broker(broker)).collect()
            }
            Selector::Controller => vec![CONTROLLER],
            Selector::Rack(rack) => {
                let brokers = self.plan.brokers.iter();
                let in_rack = brokers.filter(|broker| broker.rack.as_ref() == Some(rack));
                in_rack.map(|broker| self.broker(broker.id)).collect()
            }
            Selector::LastCrashed => self.last_crashed.into_iter().collect(),
            Selector::AllDown => {
                let all = (0..self.computers.len() as u16).map(Place);
                all.filter(|place| self.computer(*place).is_down()).collect()
            }
            Selector::AnyBroker => self.any_broker().into_iter().collect(),
            Selector::Coordinator(group) => self.coordinator(*group).into_iter().collect(),
            Selector::Member(group, nth) => {
                let nth = usize::from(*nth).checked_sub(1);
                let member = nth.and_then(|nth| self.group(*group).members.get(nth));
                member.map(|member| self.client(*member)).into_iter().collect()
            }
            Selector::Members(group) => {
                self.group(*group).members.iter().map(|member| self.client(*member)).collect()
            }
            Selector::Owner(group, partition) => {
                let owner = self.ledger.groups().owner(*group, *partition);
                owner.map(|owner| self.client(owner)).into_iter().collect()
            }
            Selector::GroupLeader(group) => {
                let leader = self.ledger.groups().leader(*group);
                leader.map(|leader| self.client(leader)).into_iter().collect()
            }
            Selector::AllBrokers => self.brokers().collect(),
            Selector::AllClients => {
                let is_client = |place: &Place| {
                    matches!(self.id(*place), NodeId::Client(_)) && *place != self.console()
                };
                (0..self.computers.len() as u16).map(Place).filter(is_client).collect()
            }
        }
    }

    /// Lists the followers of a partition, in order of assignment.
    fn followers(&self, partition: TopicPartition) -> Vec<Place> {
        let Some(registration) = self.registration(partition) else { return Vec::new() };
        let leads = |broker: &&BrokerId| registration.leader == Some(**broker);
        let followers = registration.replicas.iter().filter(|broker| !leads(broker));
        followers.map(|broker| self.broker(*broker)).collect()
    }

    /// Returns the broker that leads a group's partition of `__consumer_offsets`, as registered.
    pub(crate) fn coordinator(&self, group: GroupIndex) -> Option<Place> {
        let topic = TopicId::CONSUMER_OFFSETS;
        let partitions = self.image()?.topics.get(&topic)?.partitions.len() as u16;
        let name = GroupId(self.group(group).name.clone());
        let partition = model::group::partition_of(&name, partitions);
        let leader = self.registration(TopicPartition { topic, partition })?.leader?;
        Some(self.broker(leader))
    }

    fn any_broker(&mut self) -> Option<Place> {
        let up: Vec<Place> = self.brokers().filter(|place| self.computer(*place).is_up()).collect();
        if up.is_empty() {
            return None;
        }
        let rng = self.chance.get(self.plan.seed, || "faults".to_owned());
        Some(up[rng.below(up.len() as u64) as usize])
    }

    fn brokers(&self) -> impl Iterator<Item = Place> + use<> {
        (1..=self.plan.brokers.len() as u16).map(Place)
    }
}
