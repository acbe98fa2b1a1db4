//! Delivery order as depth: each link gets a latency of its own, and a few change later, so that
//! messages overtake each other as random latencies rarely let them.

use model::ids::NodeId;
use model::time::{Duration, Time};
use sim::plan::{Action, ControllerKind, Selector, Shape, Step, Trigger};

use super::Keep;
use super::chance::{pick, stream};
use super::faults::{Scene, step};

/// Every fifth plan has it.
const SHARE_MILLIONTHS: u32 = 200_000;
/// More links than this would be more slow links than anything else.
const LINKS_MAX: usize = 24;
/// Half a millisecond, doubled up to so many times.
const DOUBLINGS: u64 = 9;
const CHANGES_MAX: u64 = 3;

/// Draws the steps that order links; mostly none.
pub(super) fn steps(scene: &Scene<'_>, seed: u64) -> Vec<Step> {
    if !stream(seed, "order").chance(SHARE_MILLIONTHS) {
        return Vec::new();
    }
    let links = links(scene);
    let rank = |what: &str, at: usize| {
        let doublings = stream(seed, &format!("order/{what}/{at}")).below(DOUBLINGS + 1);
        Shape::Fixed(Duration(500 << doublings))
    };
    let slow = |(a, b): &(Selector, Selector), latency, at| {
        let (from, to) = (vec![a.clone()], vec![b.clone()]);
        step(Trigger::At(at), Action::Slow { from, to, latency }, None)
    };
    let first = links.iter().enumerate();
    let mut steps: Vec<Step> =
        first.map(|(at, link)| slow(link, rank("link", at), Time::ZERO)).collect();
    let rng = &mut stream(seed, "order/changes");
    for change in 0..1 + rng.below(CHANGES_MAX) as usize {
        let Some(link) = pick(&links, rng) else { break };
        let at = rng.below(scene.stage.faults_for.0.max(1)) / 1_000 * 1_000;
        steps.push(slow(&link, rank("change", change), Time(at)));
    }
    steps
}

fn links(scene: &Scene<'_>) -> Vec<(Selector, Selector)> {
    let stage = scene.stage;
    let brokers = stage.brokers.iter().map(|id| Selector::Node(NodeId::Broker(*id)));
    let brokers: Vec<Selector> = brokers.collect();
    let mut links = Vec::new();
    for (place, broker) in brokers.iter().enumerate() {
        links.extend(brokers[place + 1..].iter().map(|other| (broker.clone(), other.clone())));
    }
    for client in stage.clients() {
        links.extend(brokers.iter().map(|broker| (client.clone(), broker.clone())));
    }
    if stage.controller == ControllerKind::Single && scene.keep != Keep::ControllerMajority {
        links.extend(brokers.iter().map(|broker| (broker.clone(), Selector::Controller)));
    }
    links.truncate(LINKS_MAX);
    links
}
