//! Pass 7: nothing is left to chance that need not be.

use model::time::Duration;
use sim::plan::{InFlight, Plan, Shape};

use super::court::Court;
use super::exhaust;

/// A latency that nobody has to think about.
const LATENCY: Duration = Duration::from_millis(1);
/// The seed of files that name none.
const SEED: u64 = 1;
/// Seeds below this are tried.
const SEEDS: u64 = 64;

/// Makes latencies constant, clocks right, and the seed small.
pub(super) fn pin(court: &mut Court<'_>, plan: Plan) -> Plan {
    let plan = exhaust(court, plan, |plan| Box::new(plainer(&plan).into_iter()));
    let seeds = [SEED].into_iter().chain((0..SEEDS).filter(|seed| *seed != SEED));
    let better = seeds.take_while(|seed| *seed != plan.seed);
    let candidates = better.map(|seed| Plan { seed, ..plan.clone() });
    court.first(candidates).map_or_else(|| plan.clone(), |(_, plan)| plan)
}

fn plainer(plan: &Plan) -> Vec<Plan> {
    let mut list = Vec::new();
    let mut add = |change: &dyn Fn(&mut Plan)| {
        let mut new = plan.clone();
        change(&mut new);
        if new != *plan {
            list.push(new);
        }
    };
    add(&|plan| {
        plan.network.latency = Shape::Fixed(LATENCY);
        plan.network.links.clear();
        plan.network.loss_millionths = 0;
        plan.network.bandwidth = None;
    });
    add(&|plan| plan.network.latency = Shape::Fixed(LATENCY));
    add(&|plan| plan.network.links.clear());
    for at in 0..plan.network.links.len() {
        add(&|plan| {
            plan.network.links.remove(at);
        });
    }
    add(&|plan| plan.network.loss_millionths = 0);
    add(&|plan| plan.network.bandwidth = None);
    add(&|plan| plan.network.in_flight = InFlight::Kept);
    add(&|plan| plan.clocks.clear());
    for node in plan.clocks.keys() {
        add(&|plan| {
            plan.clocks.remove(node);
        });
    }
    list
}
