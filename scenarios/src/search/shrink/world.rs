//! Pass 5: fewer brokers, replicas, partitions, members and records.

use model::ids::{ClientId, TopicId};
use model::message::cluster::TopicLayout;
use sim::plan::{ClientRole, Handling, Keys, OnFailure, Plan, ProducerPlan, Spread, Workers};

use super::court::Court;
use super::exhaust;
use super::surgery::sound::is_sound;
use super::surgery::{Part, partitions_of, replicas_of, without};
use super::weaker::fixed;

/// Shrinks the world around the steps.
pub(super) fn shrink(court: &mut Court<'_>, plan: Plan) -> Plan {
    let plan = exhaust(court, plan, |plan| Box::new(brokers(plan)));
    let plan = exhaust(court, plan, |plan| Box::new(topics(plan)));
    let plan = exhaust(court, plan, |plan| Box::new(members(plan)));
    exhaust(court, plan, |plan| Box::new(loads(plan)))
}

/// Lists plans without one broker, those with the highest ids first.
fn brokers(plan: Plan) -> impl Iterator<Item = Plan> {
    let ids: Vec<_> = plan.brokers.iter().rev().map(|broker| broker.id).collect();
    let parts = ids.into_iter().flat_map(|id| [Part::Broker(id), Part::BrokerInPlace(id)]);
    parts.filter_map(move |part| without(&plan, part))
}

/// Lists plans with fewer partitions or replicas of a topic.
fn topics(plan: Plan) -> impl Iterator<Item = Plan> {
    (0..plan.topics.len() as u16).map(TopicId).flat_map(move |id| {
        let topic = &plan.topics[usize::from(id.0)];
        let count = partitions_of(&plan, topic);
        let fewer = [1, count / 2, count.saturating_sub(1)];
        let fewer = fewer.into_iter().filter(|it| 0 < *it && *it < count);
        let fewer = fewer.filter_map(|from| without(&plan, Part::Partitions(id, from)));
        let copies = replicas_of(&plan, topic);
        let rarer = (1..copies).filter_map(|replicas| with_replicas(&plan, id, replicas));
        let plain = plainly_placed(&plan, id);
        fewer.chain(rarer).chain(plain).collect::<Vec<_>>()
    })
}

fn with_replicas(plan: &Plan, id: TopicId, replicas: u16) -> Option<Plan> {
    let mut new = plan.clone();
    let topic = &mut new.topics[usize::from(id.0)];
    match &mut topic.layout {
        TopicLayout::Counts { replicas: count, .. } => *count = Some(replicas),
        TopicLayout::Manual(rows) => {
            rows.iter_mut().for_each(|row| row.truncate(usize::from(replicas)));
        }
    }
    // What asks for more copies than there are takes no record.
    let minimum = &mut topic.config.min_insync_replicas;
    *minimum = (*minimum).min(replicas);
    is_sound(&new).then_some(new)
}

/// Lets the controller place what was placed by hand.
fn plainly_placed(plan: &Plan, id: TopicId) -> Option<Plan> {
    let mut new = plan.clone();
    let topic = &mut new.topics[usize::from(id.0)];
    let TopicLayout::Manual(rows) = &topic.layout else { return None };
    let replicas = rows.first().map(|row| row.len() as u16);
    topic.layout = TopicLayout::Counts { partitions: Some(rows.len() as u16), replicas };
    is_sound(&new).then_some(new)
}

/// Lists plans without one member of a group that has others.
fn members(plan: Plan) -> impl Iterator<Item = Plan> {
    let clients = (0..).map(ClientId).zip(&plan.clients);
    let members = clients.filter(|(_, client)| matches!(client.role, ClientRole::Member(_)));
    let members: Vec<ClientId> = members.map(|(id, _)| id).collect();
    members.into_iter().rev().filter_map(move |id| without(&plan, Part::Client(id)))
}

/// Lists plans in which clients do less, or more plainly.
fn loads(plan: Plan) -> impl Iterator<Item = Plan> {
    let of_clients = (0..plan.clients.len()).flat_map({
        let plan = plan.clone();
        move |at| {
            let roles = lighter(&plan.clients[at].role);
            let plan = plan.clone();
            roles.into_iter().map(move |role| {
                let mut new = plan.clone();
                new.clients[at].role = role;
                new
            })
        }
    });
    let of_groups = (0..plan.groups.len()).flat_map(move |at| {
        let group = &plan.groups[at];
        handlings(&group.handling)
            .into_iter()
            .map(|handling| {
                let mut new = plan.clone();
                new.groups[at].handling = handling;
                new
            })
            .collect::<Vec<_>>()
    });
    of_clients.chain(of_groups).filter(is_sound)
}

fn lighter(role: &ClientRole) -> Vec<ClientRole> {
    let ClientRole::Producer(producer) = role else { return Vec::new() };
    let mut lighter = Vec::new();
    let records = producer.records;
    let tenth = records - records / 10;
    for fewer in [1, 2, 3, 5, 10, 20, records / 4, records / 2, tenth, records.saturating_sub(1)] {
        if 0 < fewer && fewer < records {
            lighter.push(ProducerPlan { records: fewer, ..producer.clone() });
        }
    }
    if let Keys::Zipf(keys) | Keys::RoundRobin(keys) = producer.keys {
        lighter.push(ProducerPlan { keys: Keys::Null, ..producer.clone() });
        for fewer in [1, 2, keys / 2, keys.saturating_sub(1), keys] {
            let plainer = Keys::RoundRobin(fewer);
            if 0 < fewer && (fewer < keys || plainer != producer.keys && fewer == keys) {
                lighter.push(ProducerPlan { keys: plainer, ..producer.clone() });
            }
        }
    }
    if producer.value_bytes != VALUE_BYTES {
        lighter.push(ProducerPlan { value_bytes: VALUE_BYTES, ..producer.clone() });
    }
    if producer.partition.is_some() {
        lighter.push(ProducerPlan { partition: None, ..producer.clone() });
    }
    if producer.checkpoint.is_some() {
        lighter.push(ProducerPlan { checkpoint: None, ..producer.clone() });
    }
    let every = fixed(producer.every);
    lighter.extend(every.map(|every| ProducerPlan { every, ..producer.clone() }));
    lighter.into_iter().map(ClientRole::Producer).collect()
}

/// Bytes per value unless a file says otherwise.
const VALUE_BYTES: u32 = 100;

fn handlings(handling: &Handling) -> Vec<Handling> {
    let mut plainer = Vec::new();
    let mut add = |change: &dyn Fn(&mut Handling)| {
        let mut new = handling.clone();
        change(&mut new);
        if new != *handling {
            plainer.push(new);
        }
    };
    add(&|it| it.fails_millionths = 0);
    add(&|it| it.poison = None);
    if handling.fails_millionths == 0 && handling.poison.is_none() {
        // Nothing fails, so nobody asks what then.
        add(&|it| it.on_failure = OnFailure::default());
    }
    add(&|it| it.shed_above = None);
    add(&|it| it.workers = None);
    if let Some(workers) = handling.workers {
        let with = |workers: Workers| move |it: &mut Handling| it.workers = Some(workers);
        for threads in [1, 2, workers.threads / 2] {
            if 0 < threads && threads < workers.threads {
                add(&with(Workers { threads, ..workers }));
            }
        }
        add(&with(Workers { queue: None, ..workers }));
        add(&with(Workers { spread: Spread::Anybody, ..workers }));
    }
    for takes in fixed(handling.takes) {
        add(&move |it| it.takes = takes);
    }
    plainer
}
