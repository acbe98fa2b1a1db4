//! Rules about single messages; the first that matches applies.

use model::message::MessageKind;

use crate::plan::{ALL_MILLIONTHS, MessageFate};
use crate::queue::Place;
use crate::shape::Stream;

/// A rule in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ActiveRule {
    /// The step that set it.
    pub(crate) step: usize,
    pub(crate) fate: MessageFate,
    pub(crate) kind: MessageKind,
    /// Empty means anybody.
    pub(crate) from: Vec<Place>,
    /// Empty means anybody.
    pub(crate) to: Vec<Place>,
    /// Matching messages that still pass before it takes hold.
    pub(crate) skip: u32,
    /// Messages that it still applies to; `None` is all.
    pub(crate) times: Option<u32>,
    /// Of a million matching messages, to how many it applies.
    pub(crate) share_millionths: u32,
    /// What decides that, if not all.
    pub(crate) luck: Stream,
}

impl ActiveRule {
    fn matches(&self, kind: MessageKind, from: Place, to: Place) -> bool {
        let names = |list: &[Place], place| list.is_empty() || list.contains(&place);
        self.kind == kind && names(&self.from, from) && names(&self.to, to)
    }

    /// Decides whether it applies to one more message that matches.
    fn strikes(&mut self, seed: u64) -> bool {
        let Self { share_millionths, step, .. } = *self;
        share_millionths == ALL_MILLIONTHS
            || self.luck.get(seed, || format!("rule/{step}")).chance(share_millionths)
    }
}

/// Finds the rule that applies to a message and counts that; a rule that is used up goes.
pub(crate) fn apply(
    rules: &mut Vec<ActiveRule>,
    kind: MessageKind,
    (from, to): (Place, Place),
    seed: u64,
) -> Option<(usize, MessageFate)> {
    let at = rules.iter().position(|rule| rule.matches(kind, from, to))?;
    let rule = &mut rules[at];
    if 0 < rule.skip {
        rule.skip -= 1;
        return None;
    }
    if !rule.strikes(seed) {
        return None;
    }
    let applied = (rule.step, rule.fate);
    if let Some(times) = &mut rule.times {
        *times -= 1;
        if *times == 0 {
            rules.remove(at);
        }
    }
    Some(applied)
}

#[cfg(test)]
mod tests {
    use model::message::{Api, Half};

    use super::*;

    const FETCH: MessageKind = MessageKind { api: Api::Fetch, half: Half::Response };
    const PRODUCE: MessageKind = MessageKind { api: Api::Produce, half: Half::Request };
    const A: Place = Place(1);
    const B: Place = Place(2);

    #[test]
    fn a_rule_skips_applies_so_many_times_and_goes() {
        let mut rules = vec![ActiveRule { skip: 1, times: Some(2), ..rule(0) }];

        let applied: Vec<bool> =
            (0..4).map(|_| apply(&mut rules, FETCH, (A, B), 7).is_some()).collect();

        assert_eq!(applied, [false, true, true, false]);
        assert!(rules.is_empty());
    }

    #[test]
    fn the_first_rule_that_matches_kind_and_ends_applies() {
        let only_from_b = ActiveRule { from: vec![B], ..rule(0) };
        let mut rules = vec![only_from_b, rule(1), rule(2)];

        assert_eq!(apply(&mut rules, FETCH, (A, B), 7), Some((1, MessageFate::Drop)));
        assert_eq!(apply(&mut rules, FETCH, (B, A), 7), Some((0, MessageFate::Drop)));
        assert_eq!(apply(&mut rules, PRODUCE, (B, A), 7), None);
    }

    #[test]
    fn a_rule_with_a_share_strikes_that_often() {
        let mut rules = vec![ActiveRule { share_millionths: 250_000, ..rule(0) }];

        let hits = (0..4_000).filter(|_| apply(&mut rules, FETCH, (A, B), 7).is_some()).count();

        assert!((900..1_100).contains(&hits), "{hits} of 4,000");
    }

    fn rule(step: usize) -> ActiveRule {
        let (from, to) = (Vec::new(), Vec::new());
        let (fate, kind, skip, times) = (MessageFate::Drop, FETCH, 0, None);
        let (share_millionths, luck) = (ALL_MILLIONTHS, Stream::default());
        ActiveRule { step, fate, kind, from, to, skip, times, share_millionths, luck }
    }
}
