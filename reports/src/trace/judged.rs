//! What the checkers said, in the numbers of a trace.

use model::fact::RebalanceCause;
use model::ids::Uid;
use sim::verdict::{MishapKind, Moment, Verdict};

use super::Trace;
use crate::story::Subject;

/// What the checkers said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Every claim, in the order of `Claim::ALL`.
    pub claims: Vec<JudgedClaim>,
    /// Every lost record's story, in order of its number.
    pub losses: Vec<LossStory>,
    /// Records that groups skipped or repeated, in runs.
    pub mishaps: Vec<MishapStory>,
    /// The rebalances of all groups, group by group.
    pub rebalances: Vec<RebalanceStory>,
}

/// A claim and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedClaim {
    /// Its name.
    pub id: &'static str,
    /// `holds`, `breaks` or `untested`.
    pub result: &'static str,
    /// How many records or times are concerned.
    pub count: u64,
    /// When it first broke, in microseconds.
    pub first: Option<u64>,
    /// The records concerned.
    pub records: Vec<Uid>,
    /// Entries of the history that show it.
    pub entries: Vec<usize>,
}

/// The four moments of a lost record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossStory {
    /// The record.
    pub record: Uid,
    /// The place of its partition.
    pub partition: usize,
    /// Its offset there.
    pub offset: u64,
    /// ① ② ③ ④: when, in microseconds, and the entry of the history; the last may be missing.
    pub moments: Vec<(u64, usize)>,
}

/// Records that a group skipped or repeated for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MishapStory {
    /// Skipped or repeated.
    pub kind: MishapKind,
    /// The place of their partition.
    pub partition: usize,
    /// The records.
    pub records: Vec<Uid>,
    /// When that which did it happened, in microseconds, and the entry of the history.
    pub moment: (u64, usize),
}

/// One rebalance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebalanceStory {
    /// The place of the group.
    pub group: usize,
    /// From when, in microseconds.
    pub from: u64,
    /// The entry of the history with which it began.
    pub entry: usize,
    /// The members afterwards.
    pub members: u32,
    /// Until when; `None` if it never ended.
    pub to: Option<u64>,
    /// The generation that it led to.
    pub generation: u64,
    /// Why it began.
    pub cause: Option<RebalanceCause>,
    /// Partitions with another owner afterwards.
    pub moved: u32,
    /// Partitions that nobody had for a time.
    pub stopped: u32,
    /// The longest such time, in microseconds.
    pub stopped_for: u64,
}

/// Puts the checkers' words into the numbers of `trace`.
pub(super) fn judged(story: &Subject<'_>, trace: &Trace) -> Judged {
    let judgement = &story.outcome.judgement;
    let claims = judgement.findings.iter().map(|finding| {
        let mut claim = JudgedClaim {
            id: finding.claim.name(),
            result: "holds",
            count: 0,
            first: None,
            records: Vec::new(),
            entries: Vec::new(),
        };
        match &finding.verdict {
            Verdict::Holds => {}
            Verdict::Untested(_) => claim.result = "untested",
            Verdict::Breaks(evidence) => {
                claim.result = "breaks";
                claim.count = evidence.count;
                claim.first = Some(evidence.first.0);
                claim.records.clone_from(&evidence.records);
                claim.entries.clone_from(&evidence.entries);
            }
        }
        claim
    });
    Judged {
        claims: claims.collect(),
        losses: losses(story, trace),
        mishaps: mishaps(story, trace),
        rebalances: rebalances(story),
    }
}

fn losses(story: &Subject<'_>, trace: &Trace) -> Vec<LossStory> {
    let moment = |moment: Moment| (moment.at.0, moment.entry);
    let losses = story.outcome.judgement.losses.iter().filter_map(|loss| {
        let moments = [Some(loss.promise), Some(loss.at_risk), Some(loss.decided), loss.gone];
        Some(LossStory {
            record: loss.uid,
            partition: trace.partition(loss.partition)?,
            offset: loss.offset.0,
            moments: moments.into_iter().flatten().map(moment).collect(),
        })
    });
    losses.collect()
}

fn mishaps(story: &Subject<'_>, trace: &Trace) -> Vec<MishapStory> {
    let all = story.outcome.judgement.groups.iter().flat_map(|group| &group.mishaps);
    let stories = all.filter_map(|mishap| {
        Some(MishapStory {
            kind: mishap.kind,
            partition: trace.partition(mishap.partition)?,
            records: mishap.records.clone(),
            moment: (mishap.at.0, mishap.entry),
        })
    });
    stories.collect()
}

fn rebalances(story: &Subject<'_>) -> Vec<RebalanceStory> {
    let mut stories = Vec::new();
    for group in &story.outcome.judgement.groups {
        stories.extend(group.rebalances.iter().map(|rebalance| RebalanceStory {
            group: usize::from(group.group.0),
            from: rebalance.began.0.0,
            entry: rebalance.began.1,
            members: rebalance.members,
            to: rebalance.ended.map(|at| at.0),
            generation: u64::from(rebalance.generation.0),
            cause: rebalance.cause.clone(),
            moved: rebalance.moved,
            stopped: rebalance.stopped,
            stopped_for: rebalance.stopped_for.0,
        }));
    }
    stories
}
