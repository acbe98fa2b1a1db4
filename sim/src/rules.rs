//! Rules about single messages; the first that matches applies.

use model::message::MessageKind;

use crate::plan::MessageFate;
use crate::queue::Place;

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
}

impl ActiveRule {
    fn matches(&self, kind: MessageKind, from: Place, to: Place) -> bool {
        let names = |list: &[Place], place| list.is_empty() || list.contains(&place);
        self.kind == kind && names(&self.from, from) && names(&self.to, to)
    }
}

/// Finds the rule that applies to a message and counts that; a rule that is used up goes.
pub(crate) fn apply(
    rules: &mut Vec<ActiveRule>,
    kind: MessageKind,
    from: Place,
    to: Place,
) -> Option<(usize, MessageFate)> {
    let at = rules.iter().position(|rule| rule.matches(kind, from, to))?;
    let rule = &mut rules[at];
    if 0 < rule.skip {
        rule.skip -= 1;
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

        let applied: Vec<bool> = (0..4).map(|_| apply(&mut rules, FETCH, A, B).is_some()).collect();

        assert_eq!(applied, [false, true, true, false]);
        assert!(rules.is_empty());
    }

    #[test]
    fn the_first_rule_that_matches_kind_and_ends_applies() {
        let only_from_b = ActiveRule { from: vec![B], ..rule(0) };
        let mut rules = vec![only_from_b, rule(1), rule(2)];

        assert_eq!(apply(&mut rules, FETCH, A, B), Some((1, MessageFate::Drop)));
        assert_eq!(apply(&mut rules, FETCH, B, A), Some((0, MessageFate::Drop)));
        assert_eq!(apply(&mut rules, PRODUCE, B, A), None);
    }

    fn rule(step: usize) -> ActiveRule {
        let (from, to) = (Vec::new(), Vec::new());
        ActiveRule { step, fate: MessageFate::Drop, kind: FETCH, from, to, skip: 0, times: None }
    }
}
