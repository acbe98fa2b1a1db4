//! Pass 6: short lengths and round moments.

use model::time::{Duration, Time};
use sim::plan::{Action, ClientRole, MessageFate, Plan, Shape, Start, Step, Trigger};

use super::court::Court;
use super::ending::{healed_after, is_a_deadline};
use super::exhaust;
use super::surgery::sound::is_sound;
use super::weaker::with_step;

/// Lengths that people choose, in milliseconds.
const CHOSEN: [u64; 20] = [
    0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 15_000, 20_000,
    30_000, 60_000, 120_000,
];

/// No story is told sooner.
pub(super) const FAULTS_FOR_MIN: Duration = Duration::from_secs(1);

/// What a time may be rounded to, in microseconds.
const GRAINS: [u64; 6] = [5_000_000, 1_000_000, 500_000, 100_000, 10_000, 1_000];

/// Lists lengths that read better than one: shorter ones, then rounder ones nearby.
pub(super) fn round_lengths(length: Duration) -> impl Iterator<Item = Duration> {
    let shorter = CHOSEN.into_iter().map(Duration::from_millis);
    shorter.take_while(move |it| *it < length).chain(rounder(length))
}

/// Lists lengths nearby with fewer digits.
fn rounder(length: Duration) -> impl Iterator<Item = Duration> {
    let grains = GRAINS.into_iter().filter(move |grain| {
        // Nothing is round that differs by half of itself.
        !length.0.is_multiple_of(*grain) && grain * 2 <= length.0
    });
    grains.flat_map(move |grain| {
        let below = length.0 / grain * grain;
        [Duration(below), Duration(below + grain)]
    })
}

/// Shortens lengths and rounds moments.
pub(super) fn shorten(court: &mut Court<'_>, plan: Plan) -> Plan {
    let plan = exhaust(court, plan, |plan| {
        Box::new((0..plan.steps.len()).flat_map(move |place| {
            let steps = timed(&plan.steps[place]);
            let plan = plan.clone();
            steps.into_iter().map(move |step| with_step(&plan, place, step)).filter(is_sound)
        }))
    });
    // A deadline counts from the heal: it stays where it is then.
    let may_heal_sooner = !is_a_deadline(court.wanted());
    let plan = exhaust(court, plan, |plan| {
        let lengths = round_lengths(plan.faults_for);
        let lengths = lengths.filter(move |it| may_heal_sooner && FAULTS_FOR_MIN <= *it);
        Box::new(lengths.map(move |it| healed_after(&plan, it)).filter(is_sound))
    });
    exhaust(court, plan, |plan| {
        let usual = usual(&plan).into_iter().chain(usual_groups(&plan));
        Box::new(usual.filter(is_sound))
    })
}

/// Lists a step at better times.
fn timed(step: &Step) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(triggers(&step.trigger).map(|trigger| Step { trigger, ..step.clone() }));
    if let Some(length) = step.undo_after {
        let lengths = round_lengths(length).filter(|it| !it.is_zero());
        steps.extend(lengths.map(|it| Step { undo_after: Some(it), ..step.clone() }));
    }
    steps.extend(actions(&step.action).into_iter().map(|action| Step { action, ..step.clone() }));
    steps
}

fn triggers(trigger: &Trigger) -> Box<dyn Iterator<Item = Trigger> + '_> {
    match trigger {
        Trigger::At(at) => {
            let lengths = round_lengths(at.since(Time::ZERO));
            Box::new(lengths.map(|it| Trigger::At(Time::ZERO + it)))
        }
        Trigger::After(pause) => Box::new(round_lengths(*pause).map(Trigger::After)),
        Trigger::When(condition, wait) => {
            Box::new(round_lengths(*wait).map(|it| Trigger::When(condition.clone(), it)))
        }
    }
}

/// Lists an action with better lengths.
fn actions(action: &Action) -> Vec<Action> {
    let lengths = |shape: &Shape| match shape {
        Shape::Fixed(length) => round_lengths(*length).collect(),
        Shape::Uniform(..) | Shape::Exponential { .. } | Shape::TwoHumped { .. } => Vec::new(),
    };
    match action {
        Action::Slow { from, to, latency } => {
            let with = |it| (from.clone(), to.clone(), Shape::Fixed(it));
            let with = |it| {
                let (from, to, latency) = with(it);
                Action::Slow { from, to, latency }
            };
            lengths(latency).into_iter().map(with).collect()
        }
        Action::DiskSlow(hit, latency) => {
            let with = |it| Action::DiskSlow(hit.clone(), Shape::Fixed(it));
            lengths(latency).into_iter().map(with).collect()
        }
        Action::Rule(rule) => match rule.fate {
            MessageFate::Delay(length) => round_lengths(length)
                .map(|it| {
                    let mut rule = rule.clone();
                    rule.fate = MessageFate::Delay(it);
                    Action::Rule(rule)
                })
                .collect(),
            MessageFate::Drop | MessageFate::Hold => Vec::new(),
        },
        Action::ClockJump(hit, by) => round_lengths(Duration(by.unsigned_abs()))
            .map(|it| Action::ClockJump(hit.clone(), it.0 as i64 * by.signum()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Lists plans in which a client's pace and start are what files leave out, or at least round.
fn usual(plan: &Plan) -> Vec<Plan> {
    let mut list = Vec::new();
    let mut add = |change: &dyn Fn(&mut Plan)| {
        let mut new = plan.clone();
        change(&mut new);
        if new != *plan {
            list.push(new);
        }
    };
    let millis = |millis| Shape::Fixed(Duration::from_millis(millis));
    for (at, client) in plan.clients.iter().enumerate() {
        match &client.role {
            ClientRole::Producer(it) => {
                for every in [millis(10)].into_iter().chain(rounder_shapes(it.every)) {
                    add(&|plan| {
                        if let ClientRole::Producer(it) = &mut plan.clients[at].role {
                            it.every = every;
                        }
                    });
                }
                for start in round_lengths(it.start.since(Time::ZERO)) {
                    add(&|plan| {
                        if let ClientRole::Producer(it) = &mut plan.clients[at].role {
                            it.start = Time::ZERO + start;
                        }
                    });
                }
            }
            ClientRole::Consumer(it) => {
                for start in round_lengths(it.start.since(Time::ZERO)) {
                    add(&|plan| {
                        if let ClientRole::Consumer(it) = &mut plan.clients[at].role {
                            it.start = Time::ZERO + start;
                        }
                    });
                }
                add(&|plan| {
                    if let ClientRole::Consumer(it) = &mut plan.clients[at].role {
                        (it.takes, it.poll_timeout) = (millis(1), Duration::from_millis(500));
                    }
                });
            }
            ClientRole::Member(it) => {
                let Start::At(begun) = it.start else { continue };
                for start in round_lengths(begun.since(Time::ZERO)) {
                    add(&|plan| {
                        if let ClientRole::Member(it) = &mut plan.clients[at].role {
                            it.start = Start::At(Time::ZERO + start);
                        }
                    });
                }
            }
        }
    }
    list
}

/// Lists plans in which a group works and polls at the usual pace.
fn usual_groups(plan: &Plan) -> Vec<Plan> {
    let mut list = Vec::new();
    let mut add = |change: &dyn Fn(&mut Plan)| {
        let mut new = plan.clone();
        change(&mut new);
        if new != *plan {
            list.push(new);
        }
    };
    let millis = |millis| Shape::Fixed(Duration::from_millis(millis));
    for (at, group) in plan.groups.iter().enumerate() {
        for takes in [millis(1)].into_iter().chain(rounder_shapes(group.handling.takes)) {
            add(&|plan| plan.groups[at].handling.takes = takes);
        }
        add(&|plan| plan.groups[at].poll_timeout = Duration::from_millis(500));
    }
    list
}

fn rounder_shapes(shape: Shape) -> impl Iterator<Item = Shape> {
    let length = match shape {
        Shape::Fixed(length) => Some(length),
        Shape::Uniform(..) | Shape::Exponential { .. } | Shape::TwoHumped { .. } => None,
    };
    length.into_iter().flat_map(rounder).map(Shape::Fixed)
}
