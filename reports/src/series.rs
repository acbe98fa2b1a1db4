//! Numbers over time: where logs end, what is committed, how far readers are behind.

use std::collections::BTreeMap;

use crate::trace::Trace;
use crate::trace::state::State;

/// A number that changes over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Where a replica's log starts.
    LogStart,
    /// Where a replica's log ends.
    LogEnd,
    /// A replica's high watermark.
    HighWatermark,
    /// How many replicas are in the registered ISR.
    IsrSize,
    /// Where a consumer reads on.
    Position,
    /// How many records a consumer has not read that its leader would give it.
    Lag,
    /// A group's committed offset.
    Committed,
    /// How many records a group has not committed that the leader would give it.
    GroupLag,
}

/// Whose number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// The partition's own.
    Partition,
    /// That of a place in `Trace::actors`.
    Actor(usize),
    /// That of a place in `Trace::groups`.
    Group(usize),
}

/// A number at the moment when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in microseconds.
    pub at: u64,
    /// What it is.
    pub series: Series,
    /// The place in `Trace::partitions`.
    pub partition: usize,
    /// Whose it is.
    pub of: Of,
    /// What it is from here on; `None` is nothing any more.
    pub value: Option<i64>,
}

/// What is known at one time.
type Values = BTreeMap<(usize, Series, Of), i64>;

impl Series {
    /// Returns the name in files.
    pub fn name(self) -> &'static str {
        match self {
            Series::LogStart => "log-start",
            Series::LogEnd => "log-end",
            Series::HighWatermark => "high-watermark",
            Series::IsrSize => "isr-size",
            Series::Position => "position",
            Series::Lag => "lag",
            Series::Committed => "committed",
            Series::GroupLag => "group-lag",
        }
    }
}

impl Of {
    /// Returns a name; nothing for the partition itself.
    pub fn name(self, trace: &Trace) -> &str {
        match self {
            Of::Partition => "",
            Of::Actor(place) => &trace.actors[place].name,
            Of::Group(place) => &trace.groups[place].name,
        }
    }
}

/// Returns every change, in order of time.
pub fn samples(trace: &Trace) -> Vec<Sample> {
    let mut state = State::new(trace);
    let mut known = Values::new();
    let mut samples = Vec::new();
    for together in trace.facts.chunk_by(|one, next| one.at == next.at) {
        let at = together[0].at;
        state.go_to(trace, at);
        let now = values(&state);
        let changed = now.iter().filter(|(name, value)| known.get(name) != Some(value));
        let gone = known.keys().filter(|name| !now.contains_key(name));
        let mut changes: BTreeMap<_, _> = gone.map(|name| (*name, None)).collect();
        changes.extend(changed.map(|(name, value)| (*name, Some(*value))));
        samples.extend(changes.into_iter().map(|((partition, series, of), value)| Sample {
            at,
            series,
            partition,
            of,
            value,
        }));
        known = now;
    }
    samples
}

fn values(state: &State) -> Values {
    let mut values = Values::new();
    for (place, partition) in state.partitions.iter().enumerate() {
        let isr = partition.isr.len() as i64;
        values.insert((place, Series::IsrSize, Of::Partition), isr);
        for (&actor, replica) in &partition.replicas {
            let of = Of::Actor(actor);
            values.insert((place, Series::LogStart, of), replica.start);
            values.insert((place, Series::LogEnd, of), replica.end);
            values.insert((place, Series::HighWatermark, of), replica.high_watermark);
        }
        let leader = partition.leader.and_then(|leader| partition.replicas.get(&leader));
        let behind = |position: i64| leader.map(|it| (it.high_watermark - position).max(0));
        for (&actor, &position) in &partition.positions {
            values.insert((place, Series::Position, Of::Actor(actor)), position);
            let lag = behind(position).map(|lag| ((place, Series::Lag, Of::Actor(actor)), lag));
            values.extend(lag);
        }
        for (group, it) in state.groups.iter().enumerate() {
            let Some(&committed) = it.committed.get(&place) else { continue };
            let of = Of::Group(group);
            values.insert((place, Series::Committed, of), committed);
            values.extend(behind(committed).map(|lag| ((place, Series::GroupLag, of), lag)));
        }
    }
    values
}
