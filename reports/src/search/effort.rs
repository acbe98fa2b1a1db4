//! How hard a campaign has looked.

use scenarios::search::campaign::Seeds;
use scenarios::search::looked::Looked;

use crate::stats::CONFIDENCE;
use crate::stats::share::Share;
use crate::stats::words::percent;
use crate::text::{Line, Tone, WIDTH, counted, fill, grouped, padded, wrap};
use crate::words::Words;

/// Columns of what a line is about.
const HEAD: usize = 18;

/// A campaign that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Effort<'a> {
    /// What its trials came from.
    pub name: &'a str,
    /// Which seeds its runs had.
    pub seeds: Seeds,
    /// What its runs put at risk and covered.
    pub looked: &'a Looked,
    /// Different findings.
    pub findings: u64,
    /// Findings that were known, or too many to be looked into.
    pub alike: u64,
    /// Why it ended.
    pub ended: Ended,
}

/// Why a campaign ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All of its runs were run, or its time was up.
    Through,
    /// It had enough findings.
    Enough,
    /// Somebody stopped it.
    Interrupted,
}

impl Effort<'_> {
    /// Returns the share of runs with which something is wrong; `None` if the search stopped
    /// because of one: then the share would be that of a lucky moment.
    pub fn share(&self) -> Option<Share> {
        let share = Share { hits: self.looked.broken, of: self.looked.runs };
        match self.ended {
            Ended::Through | Ended::Interrupted => Some(share),
            Ended::Enough => None,
        }
    }

    /// Returns the share of runs that alone have shown an abstract state: an estimate of how
    /// likely the next run shows a new one.
    pub fn novelty(&self) -> Share {
        Share { hits: self.looked.states.novel_runs(), of: self.looked.runs }
    }
}

/// Draws what a campaign has found and how hard it has looked.
pub fn lines(effort: &Effort<'_>, words: &Words) -> Vec<Line> {
    let (says, looked) = (&words.fuzz, effort.looked);
    let mut lines = vec![head(effort, words)];
    if looked.runs == 0 {
        return lines;
    }
    let mut about = |tone, name: &str, text: &str| {
        for (at, part) in wrap(text, WIDTH - HEAD - 2).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            let head = format!("  {}", padded(name, HEAD));
            lines.push(Line::of(Tone::Quiet, head).then(tone, part));
        }
    };
    about(Tone::Plain, says.share, &share(effort, words));
    let claims = |at_risk: bool| {
        let promised = looked.promised.keys();
        let wanted = promised.filter(move |claim| looked.at_risk.contains_key(claim) == at_risk);
        let named = wanted.map(|claim| match looked.at_risk.get(claim) {
            Some(runs) => fill(says.of_claim, &[claim.name(), &grouped(*runs)]),
            None => claim.name().to_owned(),
        });
        named.collect::<Vec<_>>().join(says.joint)
    };
    let (tested, never) = (claims(true), claims(false));
    if looked.promised.is_empty() {
        about(Tone::Risk, says.at_risk, says.no_promise);
    }
    if !tested.is_empty() {
        about(Tone::Plain, says.at_risk, &tested);
    }
    if !never.is_empty() {
        about(Tone::Risk, says.never, &never);
    }
    about(Tone::Plain, says.covered, &covered(looked, words));
    if let Seeds::Of(_) = effort.seeds {
        about(Tone::Plain, "", &next(effort.novelty(), words));
    }
    lines.extend(
        wrap(says.meaning, WIDTH - 2)
            .into_iter()
            .map(|text| Line::of(Tone::Quiet, format!("  {text}"))),
    );
    lines
}

fn head(effort: &Effort<'_>, words: &Words) -> Line {
    let says = &words.fuzz;
    let head = match effort.ended {
        Ended::Through | Ended::Enough => says.head,
        Ended::Interrupted => says.head_interrupted,
    };
    let runs = counted(effort.looked.runs, says.runs);
    let seeds = match effort.seeds {
        Seeds::Of(campaign) => fill(says.of_campaign, &[&campaign.to_string()]),
        Seeds::Only(seed) => fill(says.of_seed, &[&seed.to_string()]),
    };
    let head = fill(head, &[&runs, effort.name, &seeds]);
    let line = Line::of(Tone::Strong, head);
    if effort.findings == 0 && effort.looked.broken == 0 {
        return match effort.looked.tested {
            // What was never at risk is not green.
            0 => line.then(Tone::Risk, says.untested),
            _ => line.then(Tone::Committed, says.nothing),
        };
    }
    let mut found = counted(effort.findings, says.findings);
    if 0 < effort.alike {
        found = format!("{found}{}{}", says.joint, counted(effort.alike, says.alike));
    }
    line.then(Tone::Lost, found)
}

fn share(effort: &Effort<'_>, words: &Words) -> String {
    let says = &words.fuzz;
    let [broken, runs] = [effort.looked.broken, effort.looked.runs].map(grouped);
    let Some(share) = effort.share() else {
        return fill(says.no_share, &[&broken, &runs]);
    };
    let interval = share.exact(CONFIDENCE);
    let (low, high) = (percent(interval.low), percent(interval.high));
    match share.hits {
        0 => fill(says.share_none, &[&broken, &runs, &high]),
        _ => fill(says.share_some, &[&broken, &runs, &percent(share.value()), &low, &high]),
    }
}

fn next(novelty: Share, words: &Words) -> String {
    match novelty.hits {
        0 => fill(words.fuzz.next_rare, &[&percent(novelty.exact(CONFIDENCE).high)]),
        _ => fill(words.fuzz.next, &[&percent(novelty.value())]),
    }
}

fn covered(looked: &Looked, words: &Words) -> String {
    let says = &words.fuzz;
    let states = counted(looked.states.distinct(), says.states);
    let edges = counted(looked.edges.distinct(), says.edges);
    [states, edges].join(says.joint)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sim::coverage::{Coverage, State};
    use sim::verdict::Claim;

    use scenarios::search::campaign::Run;

    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::text::{Colour, Signs, render};
    use crate::words::{EN, ZH};

    fn looked(runs: u64) -> Looked {
        let mut looked = Looked::default();
        for number in 0..runs {
            // Every tenth run shows a state of its own.
            let own = State(if number.is_multiple_of(10) { number as u32 } else { 1 });
            let states = BTreeSet::from([own]);
            looked.take(&Run {
                number,
                seed: number,
                events: 100,
                promised: vec![Claim::NoAcknowledgedLoss, Claim::WritesResume],
                at_risk: vec![Claim::NoAcknowledgedLoss],
                coverage: Coverage { states, edges: BTreeSet::new() },
                broken: None,
            });
        }
        looked
    }

    fn told(looked: &Looked, ended: Ended, words: &Words) -> String {
        let seeds = Seeds::Of(7);
        let effort = Effort { name: "orders", seeds, looked, findings: 0, alike: 0, ended };
        render(&lines(&effort, words), Signs::Unicode, Colour::Plain)
    }

    #[test]
    fn a_search_without_a_finding_says_how_hard_it_looked() {
        let text = told(&looked(10_000), Ended::Through, &EN);

        assert!(text.starts_with("10,000 runs of orders, campaign 7: nothing is broken\n"));
        for part in [
            "broken runs       0 of 10,000: below 0.037 %",
            "put to the test   no-acknowledged-loss in 10,000",
            "never at risk     writes-resume",
            "1,001 abstract states",
            "the next run has about 10.0 % chance of a new state",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_search_that_put_nothing_to_the_test_says_so() {
        let mut untested = Looked::default();
        untested.take(&Run {
            number: 0,
            seed: 0,
            events: 100,
            promised: vec![Claim::NoAcknowledgedLoss],
            at_risk: Vec::new(),
            coverage: Coverage::default(),
            broken: None,
        });

        let text = told(&untested, Ended::Through, &EN);
        let none = told(&looked(0), Ended::Interrupted, &EN);

        assert!(text.starts_with("1 run of orders, campaign 7: nothing was put to the test\n"));
        assert_eq!(
            none,
            "0 runs of orders, campaign 7, interrupted: nothing was put to the test\n"
        );
    }

    #[test]
    fn a_search_that_stopped_at_a_finding_tells_no_share() {
        let text = told(&looked(20), Ended::Enough, &EN);

        assert!(text.contains("no time to tell a share") && !text.contains("below"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_report() {
        for words in [&EN, &ZH] {
            let text = told(&looked(20), Ended::Interrupted, words);
            assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        }
    }
}
