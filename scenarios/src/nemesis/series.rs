//! The same fault on successive leaders: whoever takes over is hit, too. Logs part where terms
//! are short, and where each leader knows less than the one before.

use model::message::cluster::ElectionKind;
use model::time::Duration;
use sim::plan::{Action, Selector, Step, Trigger};

use super::chance::{Dice, log_length, log_uniform, pick};
use super::faults::{self, Scene, step};
use super::kind::FaultKind;
use super::seams::{self, About};

/// Of a million faults that depose a leader, those that its successors meet, too.
const SHARE_MILLIONTHS: u32 = 300_000;
/// Successors that are hit, at most.
const FURTHER_MAX: u64 = 3;
/// The first term whose leader is hit as a successor, at most.
const TERM_MAX: u64 = 4;
/// From a leader's election to its fault, at most.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The strikes of a series.
pub(super) struct Series {
    pub first: Action,
    /// How long each of them lasts; `None` is to the end of the faults.
    pub lasts: Option<Duration>,
    /// What follows the first.
    pub further: Vec<Step>,
}

/// Draws whether a fault becomes a series, and which.
pub(super) fn draw(kind: FaultKind, scene: &Scene<'_>, dice: Dice) -> Option<Series> {
    let rng = &mut dice.stream("series");
    if !kind.deposes() || !rng.chance(SHARE_MILLIONTHS) {
        return None;
    }
    let partition = pick(&scene.stage.targets, rng)?.partition;
    let first = faults::on_brokers(kind, vec![Selector::Leader(partition)], dice)?;
    // All alike: who fell first comes back first, and meets who has not fallen yet.
    let lasts = scene.moments.outlasting(About::Brokers, rng);
    let (by_term, term) = (rng.below(2) == 0, log_uniform(1, TERM_MAX, rng));
    // Who is preferred may be called back in between.
    let calls_back = rng.below(4) == 0;
    let further = (0..1 + rng.below(FURTHER_MAX)).map(|nth| {
        let wait = match rng.below(3) {
            0 => Duration::ZERO,
            _ => log_length(Duration::from_millis(1), WAIT_MAX, rng),
        };
        let trigger = match by_term {
            true => Trigger::When(seams::term(partition, term + nth), wait),
            false => Trigger::After(scene.stage.broker_session + wait),
        };
        match calls_back && nth == 0 {
            true => step(trigger, Action::Elect(partition, ElectionKind::Preferred), None),
            false => step(trigger, first.clone(), lasts),
        }
    });
    let further = further.collect();
    Some(Series { first, lasts, further })
}
