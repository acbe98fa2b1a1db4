//! Settings that differ from their defaults, and pass 5b: all that can go back do.

use model::config::{BrokerConfig, ConsumerConfig, ControllerConfig, ProducerConfig, TopicConfig};
use model::ids::{ClientId, TopicId};
use model::rules::{FetchFencing, Rules, Truncation};
use sim::plan::{ClientRole, CommitStyle, ControllerKind, GroupIndex, Plan};

use super::court::Court;
use super::exhaust;
use super::surgery::sound::is_sound;
use crate::environment::default_disk;

/// Whose setting it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Every broker's.
    Brokers,
    /// The controller's.
    Controller,
    /// A rule of the cluster's era, or mutants.
    Rules,
    /// A topic's.
    Topic(TopicId),
    /// A producer's, or a stand-alone consumer's.
    Client(ClientId),
    /// That of all members of a group.
    Group(GroupIndex),
    /// That of the producer in an application.
    Output(GroupIndex),
}

/// A setting that differs from its default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// Whose it is.
    pub of: Owner,
    /// Its name, as files have it.
    pub name: &'static str,
    /// Its value, as a user would write it.
    pub value: String,
}

/// What a group's way to commit decides, so that nobody sets it.
const DECIDED: &str = "enable.auto.commit";

/// Lists the settings of a plan that differ from their defaults, each once per owner.
pub fn changed(plan: &Plan) -> Vec<Setting> {
    let mut list = Vec::new();
    for broker in &plan.brokers {
        add(&mut list, Owner::Brokers, broker.config.differing_from(&BrokerConfig::default()));
    }
    add(
        &mut list,
        Owner::Controller,
        plan.controller.config.differing_from(&ControllerConfig::default()),
    );
    add(&mut list, Owner::Rules, rules(&plan.rules));
    for (id, topic) in (0..).map(TopicId).zip(&plan.topics) {
        add(&mut list, Owner::Topic(id), topic.config.differing_from(&TopicConfig::default()));
    }
    for (id, client) in (0..).map(ClientId).zip(&plan.clients) {
        match &client.role {
            ClientRole::Producer(it) => add(&mut list, Owner::Client(id), of_producer(&it.config)),
            ClientRole::Consumer(it) => add(&mut list, Owner::Client(id), of_consumer(&it.config)),
            ClientRole::Member(it) => {
                let mut set = of_consumer(&it.config);
                set.retain(|(name, _)| *name != DECIDED);
                add(&mut list, Owner::Group(it.group), set);
            }
        }
    }
    for (index, group) in (0..).map(GroupIndex).zip(&plan.groups) {
        if let Some(output) = &group.handling.output {
            add(&mut list, Owner::Output(index), of_producer(&output.config));
        }
    }
    list
}

fn of_producer(config: &ProducerConfig) -> Vec<(&'static str, String)> {
    config.differing_from(&ProducerConfig::default())
}

fn of_consumer(config: &ConsumerConfig) -> Vec<(&'static str, String)> {
    config.differing_from(&ConsumerConfig::default())
}

fn add(list: &mut Vec<Setting>, of: Owner, set: Vec<(&'static str, String)>) {
    for (name, value) in set {
        if !list.iter().any(|it| it.of == of && it.name == name) {
            list.push(Setting { of, name, value });
        }
    }
}

fn rules(rules: &Rules) -> Vec<(&'static str, String)> {
    let mut set = Vec::new();
    match rules.truncation {
        Truncation::ByEpoch => {}
        Truncation::ByEpochOnce => set.push(("truncation", "by-epoch-once".to_owned())),
        Truncation::ToHighWatermark => set.push(("truncation", "to-high-watermark".to_owned())),
    }
    match rules.fetch_fencing {
        FetchFencing::ByEpoch => {}
        FetchFencing::None => set.push(("fetch-fencing", "none".to_owned())),
    }
    let planted: Vec<&str> = rules.mutants.iter().map(|mutant| mutant.name()).collect();
    if !planted.is_empty() {
        set.push(("mutant", planted.join(", ")));
    }
    set
}

/// Returns the plan with one setting at its default; `None` if that fits nothing else.
pub(super) fn without(plan: &Plan, of: Owner, name: &str) -> Option<Plan> {
    let mut new = plan.clone();
    match of {
        Owner::Brokers => new.brokers.iter_mut().for_each(|broker| broker.config.reset(name)),
        Owner::Controller => new.controller.config.reset(name),
        Owner::Rules => match name {
            "truncation" => new.rules.truncation = Truncation::default(),
            "fetch-fencing" => new.rules.fetch_fencing = FetchFencing::default(),
            _ => new.rules.mutants = Rules::default().mutants,
        },
        Owner::Topic(id) => new.topics[usize::from(id.0)].config.reset(name),
        Owner::Client(id) => match &mut new.clients[usize::from(id.0)].role {
            ClientRole::Producer(it) => it.config.reset(name),
            ClientRole::Consumer(it) => it.config.reset(name),
            ClientRole::Member(_) => {}
        },
        Owner::Group(index) => {
            let auto = new.groups[usize::from(index.0)].handling.commit == CommitStyle::Auto;
            for client in &mut new.clients {
                if let ClientRole::Member(it) = &mut client.role
                    && it.group == index
                {
                    it.config.reset(name);
                    it.config.auto_commit = auto;
                }
            }
        }
        Owner::Output(index) => {
            if let Some(output) = &mut new.groups[usize::from(index.0)].handling.output {
                output.config.reset(name);
            }
        }
    }
    is_sound(&new).then_some(new)
}

/// Takes settings back to their defaults: all of an owner, then one by one.
pub(super) fn reset(court: &mut Court<'_>, plan: Plan) -> Plan {
    let plan = exhaust(court, plan, |plan| {
        let set = changed(&plan);
        let mut owners: Vec<Owner> = set.iter().map(|setting| setting.of).collect();
        owners.dedup();
        let all = owners.into_iter().filter_map({
            let (plan, set) = (plan.clone(), set.clone());
            move |owner| {
                let mut names = set.iter().filter(|it| it.of == owner);
                names.try_fold(plan.clone(), |plan, it| without(&plan, owner, it.name))
            }
        });
        let plan_of_one = plan.clone();
        let one = set.into_iter().filter_map(move |it| without(&plan_of_one, it.of, it.name));
        Box::new(all.chain(one))
    });
    exhaust(court, plan, |plan| Box::new(plainer(&plan).into_iter().filter(is_sound)))
}

/// Lists plans with a cluster like any other: no racks, no broker and no disk of its own kind.
fn plainer(plan: &Plan) -> Vec<Plan> {
    let mut list = Vec::new();
    let mut add = |change: &dyn Fn(&mut Plan)| {
        let mut new = plan.clone();
        change(&mut new);
        if new != *plan {
            list.push(new);
        }
    };
    add(&|plan| plan.brokers.iter_mut().for_each(|broker| broker.rack = None));
    add(&|plan| plan.brokers.iter_mut().for_each(|broker| broker.log_defaults.clear()));
    add(&|plan| {
        plan.disk = default_disk();
        plan.brokers.iter_mut().for_each(|broker| broker.disk = default_disk());
    });
    add(&|plan| {
        let first = plan.brokers[0].config.clone();
        plan.brokers.iter_mut().for_each(|broker| broker.config = first.clone());
    });
    add(&|plan| plan.controller.kind = ControllerKind::Single);
    list
}
