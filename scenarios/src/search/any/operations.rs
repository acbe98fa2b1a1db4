//! Draws what people do to a cluster while it runs: no faults, and yet the moments at which
//! protocols have to prove themselves.

use model::ids::{ClientId, NodeId, TopicId, TopicPartition};
use model::message::cluster::ElectionKind;
use model::time::{Duration, Time};
use sim::plan::{Action, ClientRole, Plan, Required, Selector, Step, Trigger};

use crate::search::any::clients::partitions;
use crate::search::any::dice::Dice;

/// Adds up to three operations to a plan, in order of time.
pub(crate) fn add(seed: u64, plan: &mut Plan) {
    let mut dice = Dice::of(seed, "operations");
    let count = dice.pick(&[0, 0, 0, 1, 1, 2, 3]);
    let mut steps: Vec<Step> = Vec::new();
    for nth in 0..count {
        let mut dice = Dice::of(seed, &format!("operation/{nth}"));
        let at = Duration::from_millis(dice.number(1, plan.faults_for.as_millis() - 1));
        for (later, action) in operation(&mut dice, plan) {
            let at = Time::ZERO + at + later;
            if at < Time::ZERO + plan.faults_for {
                let trigger = Trigger::At(at);
                steps.push(Step { trigger, action, undo_after: None, required: Required::No });
            }
        }
    }
    steps.sort_by_key(|step| match step.trigger {
        Trigger::At(at) => at,
        Trigger::After(_) | Trigger::When(..) => Time::MAX,
    });
    // Each must make a topic larger, so one for each topic will do.
    let mut grown: Vec<TopicId> = Vec::new();
    steps.retain(|step| match step.action {
        Action::AddPartitions(topic, _) if grown.contains(&topic) => false,
        Action::AddPartitions(topic, _) => {
            grown.push(topic);
            true
        }
        _ => true,
    });
    plan.steps.extend(steps);
}

/// Draws one, with what belongs to it and how much later that happens.
fn operation(dice: &mut Dice, plan: &Plan) -> Vec<(Duration, Action)> {
    let now = |action| vec![(Duration::ZERO, action)];
    let of_kind = |is: fn(&ClientRole) -> bool| {
        let all = (0..).map(ClientId).zip(&plan.clients);
        all.filter(|(_, client)| is(&client.role)).map(|it| it.0).collect::<Vec<_>>()
    };
    let producers = of_kind(|role| matches!(role, ClientRole::Producer(_)));
    let members = of_kind(|role| matches!(role, ClientRole::Member(_)));
    let topic = dice.number(0, plan.topics.len() as u64 - 1) as u16;
    let last = u64::from(partitions(&plan.topics[usize::from(topic)])) - 1;
    let partition =
        TopicPartition { topic: TopicId(topic), partition: dice.number(0, last) as u16 };
    match dice.number(0, 7) {
        0..=2 => now(Action::Elect(partition, ElectionKind::Preferred)),
        3 | 4 => now(Action::Produce(dice.pick(&producers), dice.round(1, 5) as u32)),
        5 | 6 if !members.is_empty() => {
            let member = vec![Selector::Node(NodeId::Client(dice.pick(&members)))];
            let back = dice.millis(100, 5_000);
            vec![(Duration::ZERO, Action::Leave(member.clone())), (back, Action::Join(member))]
        }
        5 | 6 => now(Action::Elect(partition, ElectionKind::Preferred)),
        _ if dice.one_in(4) => now(Action::Elect(partition, ElectionKind::Unclean)),
        _ => now(Action::AddPartitions(partition.topic, last as u16 + 2)),
    }
}
