//! Pass 1: whole kinds of steps, whole clients, groups and topics.

use std::mem::{Discriminant, discriminant};

use model::ids::{ClientId, TopicId};
use sim::plan::{Action, ClientRole, GroupIndex, Plan};

use super::court::Court;
use super::exhaust;
use super::surgery::{Part, with_steps, without};

/// Drops everything that can go as a whole.
pub(super) fn drop_wholes(court: &mut Court<'_>, plan: Plan) -> Plan {
    exhaust(court, plan, |plan| {
        let kinds: Vec<Plan> = kinds(&plan).collect();
        Box::new(kinds.into_iter().chain(parts(plan)))
    })
}

/// Lists plans without one kind of steps, the one without any steps first.
fn kinds(plan: &Plan) -> impl Iterator<Item = Plan> {
    let mut kinds: Vec<Discriminant<Action>> = Vec::new();
    for step in &plan.steps {
        let kind = discriminant(&step.action);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let others = |kind: Discriminant<Action>| {
        let stay = |place: &usize| discriminant(&plan.steps[*place].action) != kind;
        (0..plan.steps.len()).filter(stay).collect::<Vec<_>>()
    };
    let none = (!plan.steps.is_empty()).then(Vec::new);
    none.into_iter().chain(kinds.into_iter().map(others)).filter_map(|kept| with_steps(plan, &kept))
}

fn parts(plan: Plan) -> impl Iterator<Item = Plan> {
    let groups = (0..plan.groups.len() as u16).map(|at| Part::Group(GroupIndex(at)));
    let clients = (0..).map(ClientId).zip(&plan.clients);
    let alone = clients.filter(|(_, client)| !matches!(client.role, ClientRole::Member(_)));
    let alone: Vec<Part> = alone.map(|(id, _)| Part::Client(id)).collect();
    let topics = (0..plan.topics.len() as u16).map(|id| Part::Topic(TopicId(id)));
    let parts: Vec<Part> = topics.chain(groups).chain(alone).collect();
    parts.into_iter().rev().filter_map(move |part| without(&plan, part))
}
