//! One line of a timeline before it is drawn. Everybody is a place in `Trace::actors`.

use std::collections::BTreeMap;

use model::ids::Uid;
use model::time::Time;

use crate::story::record_names;
use crate::text::{Tone, fill};

/// How much a row matters when a timeline gets too long; the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// One of the rounds that every record makes.
    Routine,
    /// Something that recurs while something else is wrong.
    Lesser,
    /// A refusal, a retry, a repeat.
    Notable,
    /// A fault, an election, a change of the ISR, a cut.
    Key,
    /// What a step says of itself.
    Caption,
    /// One of the four moments, or evidence.
    Moment,
}

/// What folded rows are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// Records that a leader appended.
    Written,
    /// Records that a producer was told of.
    Acknowledged,
    /// Records that a consumer was given.
    Read,
    /// Records that an application has finished.
    Processed,
    /// Commits that were written.
    Committed,
    /// Sendings that reached nobody.
    SendLost,
    /// Requests that a broker refused.
    Refused,
    /// Batches that are sent again.
    Retried,
    /// Anything else but copies and high watermarks.
    Other,
}

/// What rows of one kind that follow each other have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The sentence, with the records as `{0}`.
    pub(crate) sentence: &'static str,
    pub(crate) first: Uid,
    pub(crate) last: Uid,
    /// How many batches more than the first.
    pub(crate) more: u64,
    /// Whether records are left out between the first and the last.
    pub(crate) gaps: bool,
}

/// What a routine row is, so that equal rounds are seen to be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Beat {
    /// A leader appended what this producer sent.
    Append(usize),
    /// The producer was told.
    Ack(usize),
    /// A follower copied.
    Copy(usize),
    /// A high watermark moved.
    Watermark(usize),
    /// A consumer read.
    Read(usize),
    /// An application worked.
    Work(usize),
    /// A coordinator wrote offsets.
    Commit(usize),
}

/// How a lane's line looks from some row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stem {
    /// The process runs.
    Up,
    /// It does not.
    Down,
    /// It is frozen.
    Frozen,
}

/// An arrow from one lane to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) label: String,
    pub(crate) tone: Tone,
    /// Whether it gets there.
    pub(crate) end: ArrowEnd,
}

/// Whether what an arrow stands for arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrowEnd {
    /// It did.
    Arrives,
    /// It was lost on the way.
    Lost,
}

/// Text in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) actor: usize,
    pub(crate) text: String,
    pub(crate) tone: Tone,
    /// Stands in the place of the lane's line.
    pub(crate) sign: Option<char>,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) at: Time,
    /// The entries of the history that it shows.
    pub(crate) entries: Vec<usize>,
    pub(crate) weight: Weight,
    pub(crate) beat: Option<Beat>,
    /// The first records of the batches that a routine row is about.
    pub(crate) batches: Vec<Uid>,
    pub(crate) arrow: Option<Arrow>,
    pub(crate) cells: Vec<Cell>,
    /// Text across all lanes.
    pub(crate) band: Option<String>,
    pub(crate) margin: String,
    /// Lanes that look otherwise from here on.
    pub(crate) stems: Vec<(usize, Stem)>,
    pub(crate) watermarks: Vec<(usize, i64)>,
    pub(crate) counts: Vec<(Counted, u64)>,
    pub(crate) run: Option<Run>,
}

/// Rows that were folded into one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) from: Time,
    pub(crate) to: Time,
    /// Where it stands among the rows.
    pub(crate) place: usize,
    /// The batches, as first and last record of the first and last one, and how many; only
    /// for rounds that all look alike.
    pub(crate) rounds: Option<(Uid, Uid, usize)>,
    pub(crate) watermarks: BTreeMap<usize, i64>,
    pub(crate) counts: BTreeMap<Counted, u64>,
    pub(crate) stems: Vec<(usize, Stem)>,
}

/// A line to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Row(Row),
    Fold(Fold),
}

impl Row {
    /// Makes an empty row for one entry.
    pub(crate) fn new(at: Time, entry: usize, weight: Weight) -> Row {
        Row {
            at,
            entries: vec![entry],
            weight,
            beat: None,
            batches: Vec::new(),
            arrow: None,
            cells: Vec::new(),
            band: None,
            margin: String::new(),
            stems: Vec::new(),
            watermarks: Vec::new(),
            counts: Vec::new(),
            run: None,
        }
    }

    pub(crate) fn count(mut self, what: Counted, number: u64) -> Row {
        self.counts.push((what, number));
        self
    }

    pub(crate) fn run(mut self, sentence: &'static str, first: Uid, last: Uid) -> Row {
        self.run = Some(Run { sentence, first, last, more: 0, gaps: false });
        self
    }

    /// Takes in a row that says the same of other records; returns it if it does not.
    ///
    /// Work goes on for a time; everything else belongs together only at one instant.
    pub(crate) fn join(&mut self, next: Row, gap: &str) -> Option<Row> {
        let place = |row: &Row| {
            let arrow = row.arrow.as_ref().map(|arrow| (arrow.from, arrow.to, arrow.end));
            let cells: Vec<_> = row.cells.iter().map(|cell| cell.actor).collect();
            let at = match row.beat {
                Some(Beat::Work(_)) => 0,
                _ => row.at.0 / 1_000,
            };
            (at, arrow, cells, row.margin.clone())
        };
        let same =
            self.run.as_ref().map(|run| run.sentence) == next.run.as_ref().map(|it| it.sentence);
        let (true, Some(run), Some(later)) =
            (same && place(self) == place(&next), &mut self.run, &next.run)
        else {
            return Some(next);
        };
        run.gaps |= later.first.0 != run.last.0.saturating_add(1);
        run.last = later.last;
        run.more += 1;
        let names = match run.gaps {
            true => fill(gap, &[&record_names(run.first, run.first), &run.more.to_string()]),
            false => record_names(run.first, run.last),
        };
        let text = fill(run.sentence, &[&names]);
        match (&mut self.arrow, self.cells.first_mut()) {
            (Some(arrow), _) => arrow.label = text,
            (None, Some(cell)) => cell.text = text,
            (None, None) => {}
        }
        self.entries.extend(next.entries);
        self.batches.extend(next.batches);
        self.counts.extend(next.counts);
        None
    }

    pub(crate) fn beat(mut self, beat: Beat, batches: Vec<Uid>) -> Row {
        self.beat = Some(beat);
        self.batches = batches;
        self
    }

    pub(crate) fn cell(mut self, actor: usize, tone: Tone, text: impl Into<String>) -> Row {
        self.cells.push(Cell { actor, text: text.into(), tone, sign: None });
        self
    }

    pub(crate) fn signed(
        mut self,
        actor: usize,
        tone: Tone,
        (sign, text): (char, impl Into<String>),
    ) -> Row {
        self.cells.push(Cell { actor, text: text.into(), tone, sign: Some(sign) });
        self
    }

    pub(crate) fn arrow(mut self, arrow: Arrow) -> Row {
        self.arrow = Some(arrow);
        self
    }

    pub(crate) fn margin(mut self, margin: impl Into<String>) -> Row {
        self.margin = margin.into();
        self
    }

    pub(crate) fn stem(mut self, actor: usize, stem: Stem) -> Row {
        self.stems.push((actor, stem));
        self
    }

    pub(crate) fn band(mut self, band: impl Into<String>) -> Row {
        self.band = Some(band.into());
        self
    }
}

impl Fold {
    /// Folds rows into one line; `rows` has at least one.
    ///
    /// # Panics
    /// If `rows` is empty.
    pub(crate) fn of(rows: &[Row], rounds: Option<(Uid, Uid, usize)>) -> Fold {
        let first = rows.first().expect("a fold has rows");
        let mut fold = Fold {
            from: first.at,
            to: first.at,
            place: 0,
            rounds,
            watermarks: BTreeMap::new(),
            counts: BTreeMap::new(),
            stems: Vec::new(),
        };
        for row in rows {
            fold.take(row);
        }
        fold
    }

    /// Takes one more row in.
    pub(crate) fn take(&mut self, row: &Row) {
        self.from = self.from.min(row.at);
        self.to = self.to.max(row.at);
        self.place = self.place.max(row.entries[0]);
        self.watermarks.extend(row.watermarks.iter().copied());
        for &(what, number) in &row.counts {
            *self.counts.entry(what).or_default() += number;
        }
        if row.counts.is_empty() && row.beat.is_none() {
            *self.counts.entry(Counted::Other).or_default() += 1;
        }
        self.stems.extend_from_slice(&row.stems);
    }

    /// Takes in another fold that follows.
    pub(crate) fn join(&mut self, later: &Fold) {
        self.from = self.from.min(later.from);
        self.to = self.to.max(later.to);
        self.place = self.place.max(later.place);
        self.rounds = None;
        self.watermarks.extend(later.watermarks.iter().map(|(&broker, &offset)| (broker, offset)));
        for (&what, &number) in &later.counts {
            *self.counts.entry(what).or_default() += number;
        }
        self.stems.extend_from_slice(&later.stems);
    }
}
