//! Every sentence and label that the timeline, the verdict and the reasons use.
//!
//! One table per language (groups have a part of their own); `{0}`, `{1}` … stand for
//! values, and `|` stands between a text and its shorter forms, for places where the long
//! one does not fit. What a verdict says comes as clauses, which each table says by its
//! grammar.

mod chinese;
mod english;
pub mod fuzz;
pub mod grade;
mod groups;
pub mod judge;
pub mod mutants;
pub mod odds;
pub mod page;
mod replay;
mod shrink;
pub mod sweep;
mod twice;

pub use chinese::ZH;
pub use english::EN;
pub use fuzz::Fuzz;
pub use grade::Grade;
pub use groups::Groups;
pub use judge::JudgeWords;
pub use mutants::Mutants;
pub use odds::OddsWords;
pub use replay::Replay;
pub use shrink::{Captions, Shrink};
pub use sweep::SweepWords;
pub use twice::Twice;

use scenarios::{Language, Text};
use serde::Serialize;
use sim::clause::Grammar;
use sim::verdict::{Anomaly, Claim};

/// A counted noun: its forms for one and for many.
pub type Noun = (&'static str, &'static str);

/// The words of one language.
#[derive(Serialize)]
pub struct Words {
    /// Which language it is.
    #[serde(skip)]
    pub language: Language,
    /// How clauses are said.
    #[serde(skip)]
    pub grammar: Grammar,
    /// What a claim means.
    #[serde(skip)]
    pub meaning: fn(Claim) -> &'static str,
    /// What an anomaly means.
    #[serde(skip)]
    pub anomaly: fn(Anomaly) -> &'static str,
    /// Heads the column of times.
    pub time: &'static str,
    /// The controller chose a leader.
    pub elect: &'static str,
    /// The controller chose a leader from outside of the ISR.
    pub elect_unclean: &'static str,
    /// A partition has nobody to lead it.
    pub no_leader: &'static str,
    /// A leader's epoch and where it starts.
    pub leads: &'static str,
    /// The controller's view of the ISR.
    pub isr: &'static str,
    /// A replica joined the ISR.
    pub isr_again: &'static str,
    /// A replica left the ISR.
    pub isr_left: &'static str,
    /// A leader asks for an ISR.
    pub isr_asked: &'static str,
    /// The controller refused an ISR.
    pub isr_refused: &'static str,
    /// A process was killed.
    pub down: &'static str,
    /// A host lost power.
    pub power: &'static str,
    /// A process ended in order.
    pub exits: &'static str,
    /// A process was asked to end.
    pub stopping: &'static str,
    /// A broker started again with this log end.
    pub back_at: &'static str,
    /// A process started again.
    pub back: &'static str,
    /// A process was frozen.
    pub frozen: &'static str,
    /// A frozen process goes on.
    pub goes_on: &'static str,
    /// A log's end.
    pub log_end: &'static str,
    /// A high watermark.
    pub high_watermark: &'static str,
    /// A log was cut.
    pub cut: &'static str,
    /// A power cut took the end of a log.
    pub took: &'static str,
    /// Links were cut.
    pub link_cut: &'static str,
    /// Links work again.
    pub link_healed: &'static str,
    /// Links became slow.
    pub link_slow: &'static str,
    /// Links have their usual speed again.
    pub link_usual: &'static str,
    /// Links that are no clean cut between two sets.
    pub links: &'static str,
    /// A message was held.
    pub held: &'static str,
    /// A message is late.
    pub late: &'static str,
    /// Held messages go on.
    pub released: &'static str,
    /// A connection was reset.
    pub reset: &'static str,
    /// A disk became slow.
    pub disk_slow: &'static str,
    /// A disk stopped answering.
    pub disk_stalled: &'static str,
    /// A disk has its usual speed again.
    pub disk_usual: &'static str,
    /// A wall clock jumped.
    pub clock: &'static str,
    /// A wall clock began to drift.
    pub clock_drift: &'static str,
    /// Everything is repaired.
    pub settle: &'static str,
    /// An acknowledgement.
    pub ack: &'static str,
    /// A producer tries again.
    pub retry: &'static str,
    /// A producer's call failed.
    pub failed: &'static str,
    /// A producer cannot know.
    pub unknown: &'static str,
    /// A producer ended before it knew.
    pub abandoned: &'static str,
    /// What a leader did with a repeat, for the margin.
    pub repeat_dropped: &'static str,
    /// Short names of errors whose own name is long, for the margin.
    pub errors: &'static [(&'static str, &'static str)],
    /// A restarted application sends lines again.
    pub sent_again: &'static str,
    /// A repeat was dropped.
    pub duplicate: &'static str,
    /// An append was refused.
    pub refused: &'static str,
    /// A leader appended and could not confirm.
    pub unconfirmed: &'static str,
    /// A request timed out.
    pub timeout: &'static str,
    /// A producer has an id and epoch.
    pub identified: &'static str,
    /// A consumer's position jumped.
    pub position: &'static str,
    /// A consumer gave up.
    pub consumer_failed: &'static str,
    /// A reader was turned away.
    pub fetch_refused: &'static str,
    /// A leader told where two logs part.
    pub parts: &'static str,
    /// The controller fenced a broker.
    pub fence: &'static str,
    /// The controller unfenced a broker.
    pub serves: &'static str,
    /// The controller refused a registration.
    pub not_yet: &'static str,
    /// A broker leaves in order.
    pub leaves: &'static str,
    /// The controller is back.
    pub controller_back: &'static str,
    /// An operator's request failed.
    pub admin_refused: &'static str,
    /// The four moments, for the margin.
    pub moments: [&'static str; 4],
    /// Evidence other than a loss, for the margin.
    pub evidence: &'static str,
    /// Equal rounds in one line.
    pub rounds: &'static str,
    /// Equal rounds at one instant in one line.
    pub rounds_at: &'static str,
    /// One round that looked like the one before.
    pub one_round: &'static str,
    /// High watermarks at the end of folded rounds.
    pub rounds_end: &'static str,
    /// The first and the last record of a run that is told at length.
    pub run_span: &'static str,
    /// Heads the fates.
    pub records: &'static str,
    /// The fates that are counted, in order of `Fate`.
    pub fates: [&'static str; 8],
    /// Titles of the verdict's parts.
    pub verdict: &'static str,
    /// The part with the other trials.
    pub helped: &'static str,
    /// A claim that does not stand.
    pub breaks: &'static str,
    /// A claim that stands.
    pub holds: &'static str,
    /// A claim that nothing could have broken.
    pub untested: &'static str,
    /// Why a claim is untested.
    pub aside: &'static str,
    /// A batch lies at this offset of a log.
    pub appended: &'static str,
    /// Some records of several, and how many batches more.
    pub gap: &'static str,
    /// Heads what was folded at one instant.
    pub fold_at: &'static str,
    /// Heads what was folded over a time.
    pub fold_span: &'static str,
    /// Stands between the parts of a fold.
    pub parts_joint: &'static str,
    /// Records that were written and acknowledged.
    pub calm: Noun,
    /// Records that a leader appended.
    pub written: Noun,
    /// Records that a producer was told of.
    pub acknowledged: Noun,
    /// Nothing of it was acknowledged.
    pub unacknowledged: &'static str,
    /// Records that a consumer was given.
    pub read: Noun,
    /// Sendings that reached nobody.
    pub sends_lost: Noun,
    /// Requests that were refused.
    pub refusals: Noun,
    /// Batches that were sent again.
    pub retries: Noun,
    /// Anything else.
    pub others: Noun,
    /// Followers copy and high watermarks move.
    pub routine: &'static str,
    /// Why a position jumped, in order of `ResetCause`.
    pub reset_causes: [&'static str; 4],
    /// What `poll()` threw, in order of `ConsumerError`.
    pub consumer_errors: [&'static str; 3],
    /// The seed, in the title.
    pub seed: &'static str,
    /// The rules of the model's Kafka.
    pub era_modern: &'static str,
    /// Other rules, by name.
    pub era_older: &'static str,
    /// Heads the matrix case.
    pub case: &'static str,
    /// Explains the bar of fates.
    pub bin: &'static str,
    /// The partitions that are not drawn.
    pub other_logs: &'static str,
    /// Other partitions.
    pub partitions: Noun,
    /// Epochs that are not drawn.
    pub older_epochs: Noun,
    /// A log without records.
    pub empty: &'static str,
    /// A replica in the ISR.
    pub in_sync: &'static str,
    /// A replica outside of the ISR.
    pub out: &'static str,
    /// Where a log differs from its leader's.
    pub differs: &'static str,
    /// Heads the expectations.
    pub expected: &'static str,
    /// Heads the command that runs the trial again.
    pub again: &'static str,
    /// Whether an expectation came true: yes, no, nobody can tell.
    pub came: [&'static str; 3],
    /// A trial that never rests.
    pub stopped_title: &'static str,
    /// What that means.
    pub stopped: &'static str,
    /// A trial whose model broke an assertion of its own.
    pub fault_title: &'static str,
    /// What it said.
    pub fault: &'static str,
    /// The sentences of the story.
    pub why: Why,
    /// Trials in one line each.
    pub summary: Summary,
    /// What groups, members and applications do.
    pub groups: Groups,
    /// What searches find.
    pub fuzz: Fuzz,
    /// Who notices rules that are broken on purpose.
    pub mutants: Mutants,
    /// What graders and handouts say.
    pub grade: Grade,
    /// From which moment on a broken claim could not be saved any more.
    pub odds: OddsWords,
    /// What replaying a finding says.
    pub replay: Replay,
    /// Plans that were made small.
    pub shrink: Shrink,
    /// How often claims break in many runs.
    pub sweep: SweepWords,
    /// What a history of clients is worth.
    pub judge: JudgeWords,
    /// Whether the same trials have the same histories.
    pub twice: Twice,
}

impl Words {
    /// Returns a text of a scenario file in this language; in English if the file has no other.
    pub fn of<'t>(&self, text: &'t Text) -> &'t str {
        text.say(self.language)
    }
}

/// The sentences that tell why a claim is broken.
#[derive(Serialize)]
pub struct Why {
    /// Heads the story of a claim or of records.
    pub title: &'static str,
    /// Records of the same story.
    pub same_way: &'static str,
    /// Records of another story.
    pub otherwise: &'static str,
    /// Joins the last of a list.
    pub and: &'static str,
    /// The rest of a long list.
    pub more: &'static str,
    /// A time of the story.
    pub seconds: &'static str,
    /// ① A leader acknowledged.
    pub acknowledged: &'static str,
    /// What acks=1 was worth.
    pub one_asked: &'static str,
    /// What acks=1 was worth when there was more.
    pub one_had_more: &'static str,
    /// What acks=all is worth with an ISR of one.
    pub isr_alone: &'static str,
    /// What acks=all was worth.
    pub isr_asked: &'static str,
    /// What an acknowledgement was worth, otherwise.
    pub some_asked: &'static str,
    /// ② The last holder stopped.
    pub stopped: &'static str,
    /// What that meant.
    pub only_copy: &'static str,
    /// What that meant where other copies were down before.
    pub no_copy_runs: &'static str,
    /// ② The last holder no longer counts.
    pub deposed: &'static str,
    /// What that meant.
    pub only_deposed: &'static str,
    /// ② Copies are in memory only.
    pub unflushed: &'static str,
    /// What that meant.
    pub flushing: &'static str,
    /// ③ A leader was elected.
    pub elected: &'static str,
    /// From the ISR.
    pub elected_clean: &'static str,
    /// From outside of it.
    pub elected_unclean: &'static str,
    /// ③ A host lost power.
    pub power: &'static str,
    /// What that meant.
    pub power_means: &'static str,
    /// ④ The last copy was cut.
    pub truncated: &'static str,
    /// ④ The last holder stays away.
    pub never: &'static str,
    /// What that means.
    pub never_means: &'static str,
    /// What it means if the last holder is there and its log was never cut.
    pub never_cut: &'static str,
    /// Copies of a record.
    pub copies: Noun,
    /// Members of an ISR.
    pub members: Noun,
    /// Why the last copy was cut, in order of `LossCause`.
    pub cut_because: [&'static str; 5],
    /// Records that lie in a log twice, or too late.
    pub repeats: Repeats,
    /// Single events.
    pub events: Events,
}

/// The sentences that tell how records came to lie in a log twice, or behind later ones.
#[derive(Serialize)]
pub struct Repeats {
    /// A producer has waited for an answer in vain.
    pub unheard: &'static str,
    /// What that means.
    pub unheard_means: &'static str,
    /// Another broker leads by now.
    pub new_leader: &'static str,
    /// Nothing marks a repeat: there are no sequence numbers.
    pub unnumbered: &'static str,
    /// Sequence numbers count for one producer id only.
    pub other_id: &'static str,
    /// There were sequence numbers, and they did not help.
    pub unrecognised: &'static str,
    /// A restarted application sends a line again.
    pub from_before: &'static str,
    /// Why it does.
    pub checkpoint: &'static str,
    /// Batches behind one that comes back.
    pub in_flight: &'static str,
    /// Nobody misses a batch.
    pub not_missed: &'static str,
    /// What came of it.
    pub lies_behind: &'static str,
}

/// Trials in one line each, and many in one line.
#[derive(Serialize)]
pub struct Summary {
    /// The classes in a total, in order of `Class`.
    pub classes: [&'static str; 4],
    /// The classes at the end of a trial's line.
    pub line_classes: [&'static str; 4],
    /// The classes at the beginning of a scenario's line.
    pub scenario_classes: [&'static str; 4],
    /// Names the seed of a line.
    pub of_seed: &'static str,
    /// Not even one claim was at risk.
    pub nothing_tested: &'static str,
    /// Claims that hold.
    pub holding: Noun,
    /// Claims that are broken.
    pub broken: &'static str,
    /// Claims that a scenario breaks.
    pub breaks: &'static str,
    /// One broken claim, and how many more.
    pub broken_and: &'static str,
    /// Claims.
    pub claims: Noun,
    /// No case breaks a claim.
    pub cases_hold: &'static str,
    /// Some cases break claims.
    pub cases_broken: &'static str,
    /// A claim, and how many cases break it.
    pub in_cases: &'static str,
    /// Cases that are not told.
    pub more_cases: &'static str,
    /// Heads what many seeds did.
    pub seeds: Noun,
    /// A claim that some seeds break.
    pub seeds_broken: &'static str,
    /// No seed breaks a claim.
    pub seeds_hold: &'static str,
    /// Trials.
    pub trials: Noun,
    /// Scenarios and their trials.
    pub scenarios: &'static str,
    /// Heads a total.
    pub total: &'static str,
    /// Trials that are not told.
    pub more_trials: &'static str,
    /// Stands between the items of a line.
    pub joint: &'static str,
}

/// Single events of a history as sentences.
#[derive(Serialize)]
pub struct Events {
    /// The trial is over.
    pub trial_ended: &'static str,
    /// An application sends a record.
    pub called: &'static str,
    /// A batch left.
    pub sent: &'static str,
    /// A batch left once more.
    pub sent_again: &'static str,
    /// A batch will be sent again.
    pub retried: &'static str,
    /// The producer was told.
    pub told: &'static str,
    /// Under acks=0 nobody tells.
    pub not_told: &'static str,
    /// The producer was told that it failed.
    pub failed: &'static str,
    /// The producer does not know.
    pub unknown: &'static str,
    /// The producer died.
    pub abandoned: &'static str,
    /// A leader appended.
    pub appended: &'static str,
    /// A follower copied.
    pub copied: &'static str,
    /// A repeat was dropped.
    pub repeat: &'static str,
    /// A leader acknowledged.
    pub answered: &'static str,
    /// A high watermark moved.
    pub watermark: &'static str,
    /// A leader was registered.
    pub leads: &'static str,
    /// Nobody leads.
    pub leaderless: &'static str,
    /// A broker took over.
    pub takes_over: &'static str,
    /// A consumer read.
    pub polled: &'static str,
    /// A position jumped.
    pub jumped: &'static str,
}
