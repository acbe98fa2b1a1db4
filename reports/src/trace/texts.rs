//! The sentences that go with a trace, in one language.

use scenarios::{Question, Text};
use serde_json::{Value, json};
use sim::verdict::{GroupStory, Verdict};

use crate::groups::fared;
use crate::story::Story;
use crate::text::fill;
use crate::timeline::rebalances_told;
use crate::verdict::{Came, Expected, Helped, HelpedStanding, is_helpless};
use crate::why::{self, Told};

/// What is said about a trial, in the language of its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// The lesson in a sentence.
    pub title: String,
    /// One sentence per claim, in the order of `Judged::claims`: what is wrong, why nothing
    /// could be, or what the claim says.
    pub claims: Vec<String>,
    /// The title of the story of the first broken claim; empty if none broke.
    pub why: String,
    /// That story, line by line.
    pub because: Vec<Told>,
    /// Where a lecture stops, in order of time.
    pub stops: Vec<Stop>,
    /// What would have helped: the change, how it stands, a remark.
    pub helped: Vec<[String; 3]>,
    /// Whether some changes were tried and none of them helps.
    pub is_helpless: bool,
    /// How each group fared.
    pub groups: Vec<Fared>,
    /// The expectations of the file, and whether each came true.
    pub expected: Vec<(String, Came)>,
    /// What to ask before anything is shown.
    pub ask: Option<Asked>,
}

/// How a group fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fared {
    /// The whole in a sentence.
    pub whole: String,
    /// Its rebalances in order: when each began, in microseconds, the same as text, and what it
    /// was about.
    pub rebalances: Vec<(u64, String, String)>,
}

/// A question with its options, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What is asked.
    pub question: String,
    /// What can be answered.
    pub options: Vec<String>,
    /// The place of the right answer among the options, from 0.
    pub answer: usize,
    /// Why it is right.
    pub because: String,
}

/// A place where a lecture stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When, in microseconds.
    pub at: u64,
    /// What kind of place it is.
    pub kind: StopKind,
    /// What is said.
    pub text: String,
}

/// Why a lecture stops somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopKind {
    /// A step of the file says something.
    Say,
    /// One of the four moments, counted from 0.
    Moment(u8),
    /// Part of a story, from before anything went wrong.
    Prelude,
    /// Something speaks against a claim.
    Evidence,
}

impl StopKind {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            StopKind::Say => "say",
            StopKind::Moment(0) => "promise",
            StopKind::Moment(1) => "risk",
            StopKind::Moment(2) => "decided",
            StopKind::Moment(_) => "gone",
            StopKind::Prelude => "prelude",
            StopKind::Evidence => "evidence",
        }
    }
}

impl Texts {
    /// Says everything about a trial.
    pub fn of(story: &Story<'_>, expected: &[Expected], helped: &[Helped]) -> Texts {
        let (why, because) = why::told(story).unwrap_or_default();
        let standing = |standing| match standing {
            HelpedStanding::Holds => story.words.holds,
            HelpedStanding::Breaks => story.words.breaks,
            HelpedStanding::Untested => story.words.untested,
        };
        let help = |it: &Helped| {
            [
                it.change.clone(),
                standing(it.standing).to_owned(),
                it.remark.say(&story.words.grammar),
            ]
        };
        Texts {
            title: story.title.to_owned(),
            claims: claims(story),
            why,
            because,
            stops: stops(story),
            helped: helped.iter().map(help).collect(),
            is_helpless: is_helpless(helped),
            groups: groups(story),
            expected: expected
                .iter()
                .map(|it| (it.text.say(&story.words.grammar), it.came))
                .collect(),
            ask: story.ask.map(|ask| asked(story, ask)),
        }
    }

    /// Returns the texts as JSON.
    pub fn json(&self) -> Value {
        let because: Vec<Value> = self
            .because
            .iter()
            .map(|line| json!([line.sign, line.at, line.what, line.means]))
            .collect();
        let stops: Vec<Value> = self
            .stops
            .iter()
            .map(|stop| json!({ "t": stop.at, "kind": stop.kind.name(), "text": stop.text }))
            .collect();
        let expected: Vec<Value> = self
            .expected
            .iter()
            .map(|(text, came)| {
                let came = match came {
                    Came::True => "met",
                    Came::False => "failed",
                    Came::Untested => "untested",
                };
                json!([text, came])
            })
            .collect();
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|group| json!({ "whole": group.whole, "rebalances": group.rebalances }))
            .collect();
        let ask = self.ask.as_ref().map(|ask| {
            json!({
                "question": ask.question, "options": ask.options, "answer": ask.answer,
                "because": ask.because,
            })
        });
        json!({
            "title": self.title, "claims": self.claims, "why": self.why, "because": because,
            "stops": stops, "helped": self.helped, "helpless": self.is_helpless,
            "groups": groups, "expected": expected, "ask": ask,
        })
    }
}

fn asked(story: &Story<'_>, ask: &Question) -> Asked {
    let say = |text: &Text| story.words.of(text).to_owned();
    Asked {
        question: say(&ask.question),
        options: ask.options.iter().map(say).collect(),
        answer: ask.answer,
        because: say(&ask.because),
    }
}

fn claims(story: &Story<'_>) -> Vec<String> {
    let findings = story.outcome.judgement.findings.iter();
    findings
        .map(|finding| match &finding.verdict {
            Verdict::Holds => (story.words.meaning)(finding.claim).to_owned(),
            Verdict::Breaks(evidence) => evidence.because.say(&story.words.grammar),
            Verdict::Untested(why) => why.say(&story.words.grammar),
        })
        .collect()
}

fn groups(story: &Story<'_>) -> Vec<Fared> {
    let fared = |group: &GroupStory| {
        let parts = fared(story, group).join(story.words.grammar.joint);
        let rebalances = rebalances_told(story, usize::from(group.group.0))
            .into_iter()
            .map(|(at, told)| (at.0, fill(story.words.why.seconds, &[&at.to_string()]), told));
        Fared {
            whole: format!("{}: {parts}", story.group(group.group)),
            rebalances: rebalances.collect(),
        }
    };
    story.outcome.judgement.groups.iter().map(fared).collect()
}

/// Finds where to stop: what steps say, then the story of the first broken claim.
fn stops(story: &Story<'_>) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for (say, fired) in story.says.iter().zip(&story.outcome.steps) {
        if let (false, Some(at)) = (say.is_empty(), fired) {
            stops.push(Stop { at: at.0, kind: StopKind::Say, text: say.clone() });
        }
    }
    let kind = |line: &Told| {
        let place = crate::timeline::MOMENTS.iter().position(|it| *it == line.sign);
        match place {
            Some(place) => StopKind::Moment(place as u8),
            None if line.is_prelude => StopKind::Prelude,
            None => StopKind::Evidence,
        }
    };
    for line in why::told(story).map(|(_, lines)| lines).unwrap_or_default() {
        let Some(at) = line.time else { continue };
        let kind = kind(&line);
        let text = [line.what, line.means].join(" ").trim().to_owned();
        stops.push(Stop { at: at.0, kind, text });
    }
    stops.sort_by_key(|stop| (stop.at, stop.kind));
    stops
}
