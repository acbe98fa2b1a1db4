//! The story of a loss in four moments, of what groups skip and repeat (`mishaps`, with what
//! led to it in `course`), of records that lie in a log twice or too late (`repeats`), and of
//! other breaks by their evidence.

mod course;
mod mishaps;
mod repeats;

use model::config::SettingValue;
use model::ids::{ClientId, NodeId, Uid};
use model::time::Time;
use sim::outcome::Judgement;
use sim::plan::ClientRole;
use sim::verdict::{Claim, Evidence, Loss, LossCause, Moment, MomentKind, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::story::{Story, broker_name, record_list};
use crate::tell::tell;
use crate::text::{Line, Signs, Tone, counted, fill, wrap};
use crate::timeline::MOMENTS;
use crate::trace::{FactKind, Trace, TraceFact};
use crate::words::Words;

/// Columns of what happened, at most.
const LEFT: usize = 40;
/// Columns of the whole story.
const WHOLE: usize = 92;
/// Places of evidence that are told.
const EVIDENCE_SHOWN: usize = 6;

/// One line of a story: when, what happened, and what that means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// ① to ④ for the moments of a loss, else empty.
    pub sign: &'static str,
    /// When, as text; empty if it is not about one moment.
    pub at: String,
    /// The same as a time.
    pub time: Option<Time>,
    /// What happened.
    pub what: String,
    /// What that means; may be empty.
    pub means: String,
    /// Whether all is still well: nobody who reads this knows yet how it ends.
    pub is_prelude: bool,
}

/// Why a trial's first broken claim is broken: a title and the lines below it.
pub fn why(story: &Story<'_>, signs: Signs) -> Option<(String, Vec<Line>)> {
    let (title, lines) = told(story)?;
    Some((title, columns(lines, signs)))
}

/// Tells why a trial's first broken claim is broken: a title and what happened, in order.
pub fn told(story: &Story<'_>) -> Option<(String, Vec<Told>)> {
    let judgement = &story.outcome.judgement;
    if let Some(loss) = judgement.losses.first() {
        return Some((loss_title(judgement, loss, story.words), loss_story(story, loss)));
    }
    let (claim, evidence) = judgement.findings.iter().find_map(|it| match &it.verdict {
        Verdict::Breaks(evidence) => Some((it.claim, evidence)),
        Verdict::Holds | Verdict::Untested(_) => None,
    })?;
    if let Some(repeats) = repeats::told(story, claim, evidence) {
        return Some(repeats);
    }
    Some((evidence_title(claim, evidence, story.words), evidence_story(story, claim, evidence)))
}

/// Tells what befell one record: a title and what happened, in order; `None` if nothing did.
pub fn told_of(story: &Story<'_>, uid: Uid) -> Option<(String, Vec<Told>)> {
    let judgement = &story.outcome.judgement;
    let title = || fill(story.words.why.title, &[&format!("r{uid}")]);
    if let Some(loss) = judgement.losses.iter().find(|loss| loss.uid == uid) {
        return Some((title(), loss_story(story, loss)));
    }
    let of_groups = mishaps::mishaps_of(story, uid);
    if !of_groups.is_empty() {
        return Some((title(), of_groups));
    }
    judgement.findings.iter().find_map(|it| match &it.verdict {
        Verdict::Breaks(evidence) if evidence.records.contains(&uid) => {
            let lines = repeats::told_of(story, it.claim, uid);
            Some((title(), lines.unwrap_or_else(|| evidence_story(story, it.claim, evidence))))
        }
        Verdict::Breaks(_) | Verdict::Holds | Verdict::Untested(_) => None,
    })
}

/// Names the record whose story is told, and those that went the same way.
fn loss_title(judgement: &Judgement, told: &Loss, words: &Words) -> String {
    let decided = |loss: &Loss| (loss.cause, loss.decided.what);
    let same = |loss: &&Loss| loss.uid != told.uid && decided(loss) == decided(told);
    let others: Vec<Uid> = judgement.losses.iter().filter(same).map(|loss| loss.uid).collect();
    let elsewhere = judgement.losses.len() - 1 - others.len();
    let mut title = format!("r{}", told.uid);
    if !others.is_empty() {
        title += &fill(words.why.same_way, &[&record_list(&others, words)]);
    }
    if 0 < elsewhere {
        title += &fill(words.why.otherwise, &[&elsewhere.to_string()]);
    }
    fill(words.why.title, &[&title])
}

fn loss_story(story: &Story<'_>, loss: &Loss) -> Vec<Told> {
    let moments = [Some(loss.promise), Some(loss.at_risk), Some(loss.decided), loss.gone];
    let mut lines = Vec::new();
    for (sign, moment) in MOMENTS.into_iter().zip(moments) {
        if let Some(moment) = moment {
            let at = fill(story.words.why.seconds, &[&moment.at.to_string()]);
            let (what, means) = moment_told(story, loss, moment);
            let time = Some(moment.at);
            lines.push(Told { sign, at, time, what, means, ..Told::default() });
        }
    }
    if loss.gone.is_none() {
        let (at, what) = (story.words.why.never.to_owned(), String::new());
        let means = match loss.cause {
            LossCause::HolderGone => story.words.why.never_means,
            LossCause::CleanElection
            | LossCause::UncleanElection
            | LossCause::PowerLoss
            | LossCause::TruncationRule => story.words.why.never_cut,
        };
        let (sign, means) = (MOMENTS[3], means.to_owned());
        lines.push(Told { sign, at, what, means, ..Told::default() });
    }
    lines
}

/// Lays the parts of each line below each other, with times that end in one column.
pub fn columns(mut story: Vec<Told>, signs: Signs) -> Vec<Line> {
    for told in &mut story {
        for text in [&mut told.what, &mut told.means] {
            *text = signs.spell(text).into_owned();
        }
    }
    let at_width = story.iter().map(|told| told.at.width()).max().unwrap_or(0);
    let has_means = story.iter().any(|told| !told.means.is_empty());
    let widest = story.iter().map(|told| told.what.width()).max().unwrap_or(0);
    let room = if has_means { widest.min(LEFT) } else { WHOLE };
    let mut lines = Vec::new();
    for told in &story {
        let sign = if told.sign.is_empty() { String::new() } else { format!("{} ", told.sign) };
        let before = " ".repeat(at_width - told.at.width());
        let mut head = format!("{sign}{before}{}  ", told.at);
        let indent = head.width();
        let what_room = room.min(WHOLE - indent);
        let means_room = WHOLE.saturating_sub(indent + what_room + 2).max(1);
        let (what, means) = (wrap(&told.what, what_room), wrap(&told.means, means_room));
        for at in 0..what.len().max(means.len()) {
            let mut line = Line::of(Tone::Strong, head);
            line.push(Tone::Plain, what.get(at).cloned().unwrap_or_default());
            if let Some(means) = means.get(at).filter(|it| !it.is_empty()) {
                line.pad(indent + what_room + 2);
                line.push(Tone::Quiet, means.clone());
            }
            lines.push(line);
            head = " ".repeat(indent);
        }
    }
    lines
}

/// Tells what a moment was and what it means.
fn moment_told(story: &Story<'_>, loss: &Loss, moment: Moment) -> (String, String) {
    let (words, record) = (&story.words.why, format!("r{}", loss.uid));
    match moment.what {
        MomentKind::Acknowledged { broker, copies, isr } => {
            let what = fill(words.acknowledged, &[&broker_name(broker), &record]);
            (what, promised(&acks(story, loss), (copies, isr), story.words))
        }
        MomentKind::HolderDown(broker) => {
            let name = broker_name(broker);
            let means = match loss.promise.what {
                MomentKind::Acknowledged { copies, .. } if 1 < copies => words.no_copy_runs,
                _ => words.only_copy,
            };
            (fill(words.stopped, &[&name]), fill(means, &[&name]))
        }
        MomentKind::HolderDeposed(broker) => {
            let name = broker_name(broker);
            (fill(words.deposed, &[&name]), fill(words.only_deposed, &[&name]))
        }
        MomentKind::OnlyInPageCache(broker) => {
            (fill(words.unflushed, &[&broker_name(broker)]), words.flushing.to_owned())
        }
        MomentKind::Elected { broker, epoch, end, clean } => {
            let name = broker_name(broker);
            let means = if clean { words.elected_clean } else { words.elected_unclean };
            let what = fill(words.elected, &[&name, &epoch.to_string()]);
            (what, fill(means, &[&name, &end.to_string()]))
        }
        MomentKind::PowerCut(broker) => {
            let what = fill(words.power, &[&broker_name(broker), &record]);
            (what, words.power_means.to_owned())
        }
        MomentKind::Truncated { broker, from, to } => {
            let (from, to) = (from.to_string(), to.to_string());
            let what = fill(words.truncated, &[&broker_name(broker), &from, &to]);
            (what, cut_because(loss.cause, story.words).to_owned())
        }
    }
}

/// Returns what the producer of the lost record asks for.
fn acks(story: &Story<'_>, loss: &Loss) -> String {
    let told = story.trace.entry(loss.promise.entry).iter().find(|it| it.kind == FactKind::Ack);
    let node = told.and_then(|fact| Some(story.trace.actors[fact.by()?].node));
    let Some(NodeId::Client(client)) = node else { return story.promises() };
    match story.plan.clients.get(usize::from(client.0)).map(|client| &client.role) {
        Some(ClientRole::Producer(producer)) => producer.config.acks.show(),
        Some(ClientRole::Consumer(_) | ClientRole::Member(_)) | None => story.promises(),
    }
}

/// Says what the acknowledgement was worth.
fn promised(acks: &str, (copies, isr): (u16, u16), words: &Words) -> String {
    let words = &words.why;
    let on = counted(u64::from(copies), words.copies);
    match acks {
        "1" if copies == 1 => words.one_asked.to_owned(),
        "1" => fill(words.one_had_more, &[&copies.to_string()]),
        "all" if isr == 1 => words.isr_alone.to_owned(),
        "all" => fill(words.isr_asked, &[&counted(u64::from(isr), words.members), &on]),
        acks => fill(words.some_asked, &[acks, &on, &isr.to_string()]),
    }
}

fn cut_because(cause: LossCause, words: &Words) -> &'static str {
    let place = match cause {
        LossCause::CleanElection => 0,
        LossCause::UncleanElection => 1,
        LossCause::PowerLoss => 2,
        LossCause::TruncationRule => 3,
        LossCause::HolderGone => 4,
    };
    words.why.cut_because[place]
}

fn evidence_title(claim: Claim, evidence: &Evidence, words: &Words) -> String {
    match evidence.records.as_slice() {
        [] => fill(words.why.title, &[claim.name()]),
        records => fill(words.why.title, &[&record_list(records, words)]),
    }
}

fn evidence_story(story: &Story<'_>, claim: Claim, evidence: &Evidence) -> Vec<Told> {
    let mishaps = mishaps::mishaps(story, claim);
    if !mishaps.is_empty() {
        return mishaps;
    }
    let trace = story.trace;
    let mut places: Vec<usize> = evidence.entries.clone();
    places.extend(evidence.entries.iter().filter_map(|&at| commit_undone(trace, at)));
    places.sort_unstable();
    places.dedup();
    let known = places.into_iter().filter_map(|at| Some((at, Time(trace.entry(at).first()?.at))));
    let mut lines: Vec<Told> = known
        .take(EVIDENCE_SHOWN)
        .map(|(entry, time)| Told {
            at: fill(story.words.why.seconds, &[&time.to_string()]),
            time: Some(time),
            what: tell(story, entry),
            ..Told::default()
        })
        .collect();
    if lines.is_empty() {
        let (at, what) = (String::new(), (story.words.meaning)(claim).to_owned());
        lines.push(Told { at, what, ..Told::default() });
    }
    lines
}

/// Returns the place of a client among the actors.
fn place(story: &Story<'_>, client: ClientId) -> Option<usize> {
    story.trace.actor(NodeId::Client(client))
}

/// Finds the last commit of the same group before a commit that lay further than that one.
fn commit_undone(trace: &Trace, at: usize) -> Option<usize> {
    let now: Vec<_> = trace.entry(at).iter().filter(|it| trace.is_commit(it)).collect();
    let commit = now.first()?;
    let before = &trace.facts[..trace.facts.partition_point(|fact| fact.entry < at)];
    let further = before.iter().rev().find(|earlier| {
        let further =
            |it: &&&TraceFact| it.partition == earlier.partition && it.value < earlier.value;
        let same = (earlier.kind, earlier.other) == (FactKind::Commit, commit.other);
        same && now.iter().any(|it| further(&it)) && trace.is_commit(earlier)
    });
    further.map(|fact| fact.entry)
}
