//! From the trace of a run to its plots: the numbers over time, folded once.

use std::collections::BTreeMap;

use crate::plots::PlotError;
use crate::plots::figure::Figure;
use crate::plots::run::{
    self, Owned, Spell, SpellKind, Steps, Told, lag, latency, offsets, owners, retention,
};
use crate::plots::words::WATERMARK;
use crate::trace::state::{PartitionState, State};
use crate::trace::{BandKind, FactKind, Trace};

/// P04: how long records took to be acknowledged, one line per trace.
///
/// # Errors
/// No trace has an acknowledged record.
pub fn latencies(traces: &[(String, Trace)], told: &Told) -> Result<Figure, PlotError> {
    let samples: Vec<(String, Vec<f64>)> =
        traces.iter().map(|(name, trace)| (name.clone(), milliseconds(trace))).collect();
    if samples.iter().all(|(_, sample)| sample.is_empty()) {
        return Err(PlotError::Nothing("no record was acknowledged"));
    }
    Ok(latency(&samples, told))
}

/// P06: how far each group is behind.
///
/// # Errors
/// The trace has no group.
pub fn group_lag(trace: &Trace, told: &Told) -> Result<Figure, PlotError> {
    if trace.groups.is_empty() {
        return Err(PlotError::Nothing("there is no group"));
    }
    let name = |group: usize| trace.groups[group].name.clone();
    let mut lines: Vec<Steps> =
        (0..trace.groups.len()).map(|it| Steps { name: name(it), points: Vec::new() }).collect();
    let mut read: Vec<BTreeMap<usize, i64>> = vec![BTreeMap::new(); trace.groups.len()];
    each(trace, |seconds, state| {
        for (group, line) in lines.iter_mut().enumerate() {
            let members = &trace.groups[group].members;
            for (place, partition) in state.partitions.iter().enumerate() {
                let own = partition.positions.iter().filter(|(at, _)| members.contains(at));
                // Between two owners a group is where the last one was.
                if let Some(furthest) = own.map(|(_, position)| *position).max() {
                    read[group].insert(place, furthest);
                }
            }
            let behind = |(place, position): (&usize, &i64)| {
                let end = log_end(&state.partitions[*place]).unwrap_or(*position);
                (end - position).max(0)
            };
            let total: i64 = read[group].iter().map(behind).sum();
            put(line, seconds, total as f64);
        }
    });
    let spells = spells(trace, &[BandKind::Rebalance, BandKind::Crash]);
    let until = until(trace, &lines, &spells);
    Ok(lag(&lines, &spells, until, told))
}

/// P07: who owns which partition.
///
/// # Errors
/// No member of a group ever owned a partition.
pub fn ownership(trace: &Trace, told: &Told) -> Result<Figure, PlotError> {
    let members: Vec<usize> =
        trace.groups.iter().flat_map(|group| group.members.iter().copied()).collect();
    let read: Vec<usize> = owned_ever(trace);
    if read.is_empty() {
        return Err(PlotError::Nothing("no group ever owned a partition"));
    }
    let mut open: Vec<Option<(f64, Option<usize>)>> = vec![None; read.len()];
    let mut blocks: Vec<Owned> = Vec::new();
    let owner = |at: Option<usize>| {
        let at = at?;
        let place = members.iter().position(|member| *member == at).unwrap_or(0);
        Some((place, trace.actors[at].name.clone()))
    };
    each(trace, |seconds, state| {
        for (row, &partition) in read.iter().enumerate() {
            let now = state.partitions[partition].owners.first().copied();
            match open[row] {
                Some((_, before)) if before == now => continue,
                Some((since, before)) => {
                    blocks.push(Owned { row, time: (since, seconds), owner: owner(before) });
                }
                // Before its first owner a partition is nobody's by right.
                None if now.is_none() => continue,
                None => {}
            }
            open[row] = Some((seconds, now));
        }
    });
    for (row, since) in open.iter().enumerate() {
        if let Some((since, last)) = since {
            blocks.push(Owned { row, time: (*since, end(trace)), owner: owner(*last) });
        }
    }
    let names: Vec<String> = read.iter().map(|&it| trace.partitions[it].name.clone()).collect();
    let changes = blocks.iter().map(|it| it.time.0).fold(0.0, f64::max);
    Ok(owners(&names, &blocks, (shown_until(trace, changes), told)))
}

/// P08: the logs' ends and the leader's high watermark of the partition in focus.
///
/// # Errors
/// The trace has no partition.
pub fn replicas(trace: &Trace, told: &Told) -> Result<Figure, PlotError> {
    let partition = trace.partitions.get(trace.focus);
    let partition = partition.ok_or(PlotError::Nothing("there is no partition"))?;
    let mut ends: Vec<Steps> = partition
        .replicas
        .iter()
        .map(|&at| Steps { name: trace.actors[at].name.clone(), points: Vec::new() })
        .collect();
    let name = WATERMARK.of(told.language).to_owned();
    let mut watermark = Steps { name, points: Vec::new() };
    each(trace, |seconds, state| {
        let now = &state.partitions[trace.focus];
        for (line, at) in ends.iter_mut().zip(&partition.replicas) {
            if let Some(replica) = now.replicas.get(at).filter(|_| state.actors[*at].is_up) {
                put(line, seconds, replica.end as f64);
            }
        }
        let leader = now.leader.and_then(|at| now.replicas.get(&at));
        if let Some(leader) = leader {
            put(&mut watermark, seconds, leader.high_watermark as f64);
        }
    });
    let spells = spells(trace, &[BandKind::Crash, BandKind::Power]);
    let until = until(trace, &ends, &spells);
    let in_sync: Vec<_> = in_sync(trace, &partition.replicas);
    Ok(offsets((&ends, &watermark), &in_sync, &spells, (until, told)))
}

/// Returns when each replica of the partition in focus was in the registered ISR.
fn in_sync(trace: &Trace, replicas: &[usize]) -> Vec<(String, Vec<(f64, f64)>)> {
    let mut found: Vec<(String, Vec<(f64, f64)>)> =
        replicas.iter().map(|&at| (trace.actors[at].name.clone(), Vec::new())).collect();
    each(trace, |seconds, state| {
        let isr = &state.partitions[trace.focus].isr;
        for ((_, spells), at) in found.iter_mut().zip(replicas) {
            let open = spells.last_mut().filter(|spell| spell.1.is_infinite());
            match (open, isr.contains(at)) {
                (Some(spell), false) => spell.1 = seconds,
                (None, true) => spells.push((seconds, f64::INFINITY)),
                (Some(_), true) | (None, false) => {}
            }
        }
    });
    found
}

/// P19: where the log in focus starts and ends, and where its readers are.
///
/// # Errors
/// Nobody read a record of it.
pub fn race(trace: &Trace, told: &Told) -> Result<Figure, PlotError> {
    let [mut first, mut last, mut position] =
        [const { Steps { name: String::new(), points: Vec::new() } }; 3];
    each(trace, |seconds, state| {
        let Some(now) = state.partitions.get(trace.focus) else { return };
        if let Some(leader) = now.leader.and_then(|at| now.replicas.get(&at)) {
            put(&mut first, seconds, leader.start as f64);
            put(&mut last, seconds, leader.end as f64);
        }
        if let Some(furthest) = now.positions.values().max() {
            put(&mut position, seconds, *furthest as f64);
        }
    });
    if position.points.is_empty() {
        return Err(PlotError::Nothing("nobody read the partition"));
    }
    let lines = [first, last, position];
    let until = until(trace, &lines, &[]);
    let [first, last, position] = &lines;
    Ok(retention((first, last, position), until, told))
}

/// Folds a trace and looks at it after each time at which something became true.
fn each(trace: &Trace, mut look: impl FnMut(f64, &State)) {
    let mut state = State::new(trace);
    for facts in trace.facts.chunk_by(|one, other| one.at == other.at) {
        let at = facts[0].at;
        state.go_to(trace, at);
        look(at as f64 / 1e6, &state);
    }
}

fn end(trace: &Trace) -> f64 {
    trace.end as f64 / 1e6
}

/// Returns until when a plot goes: some time after the last thing that changes, since most
/// runs end with a long quiet time.
fn until(trace: &Trace, lines: &[Steps], spells: &[Spell]) -> f64 {
    let changes = lines.iter().flat_map(|line| &line.points).map(|point| point.0);
    let ends = spells.iter().map(|spell| spell.time.1);
    shown_until(trace, changes.chain(ends).fold(0.0, f64::max))
}

fn shown_until(trace: &Trace, last: f64) -> f64 {
    (1.1 * last).ceil().clamp(1.0, end(trace).max(1.0))
}

/// Notes a number, if it has changed.
fn put(line: &mut Steps, seconds: f64, value: f64) {
    if line.points.last().is_none_or(|(_, before)| *before != value) {
        line.points.push((seconds, value));
    }
}

fn log_end(partition: &PartitionState) -> Option<i64> {
    let leader = partition.leader.and_then(|at| partition.replicas.get(&at));
    leader.map(|replica| replica.end)
}

/// Lists the partitions that some member of a group ever owned.
fn owned_ever(trace: &Trace) -> Vec<usize> {
    let owns = trace.facts.iter().filter(|fact| fact.kind == FactKind::Own && fact.value == 1);
    let mut places: Vec<usize> =
        owns.filter_map(|fact| usize::try_from(fact.partition).ok()).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Returns from each `send()` to its acknowledgement, in milliseconds.
fn milliseconds(trace: &Trace) -> Vec<f64> {
    let mut sent: BTreeMap<i64, u64> = BTreeMap::new();
    let mut times = Vec::new();
    for fact in &trace.facts {
        match fact.kind {
            FactKind::Send => {
                sent.insert(fact.value, fact.at);
            }
            FactKind::Ack => {
                let records = fact.value..fact.value + fact.other;
                let took = records.filter_map(|record| sent.get(&record));
                times.extend(took.map(|since| (fact.at - since) as f64 / 1e3));
            }
            _ => {}
        }
    }
    times
}

fn spells(trace: &Trace, kinds: &[BandKind]) -> Vec<run::Spell> {
    let bands = trace.bands.iter().filter(|band| kinds.contains(&band.kind));
    bands
        .map(|band| {
            let kind = match band.kind {
                BandKind::Rebalance => SpellKind::Rebalance,
                _ => SpellKind::Crash,
            };
            let who = match kind {
                // One group needs no name: the question of the plot is about it.
                SpellKind::Rebalance if trace.groups.len() < 2 => String::new(),
                SpellKind::Rebalance => {
                    let group = trace.groups.iter().find(|group| group.members == band.who);
                    group.map_or(String::new(), |group| group.name.clone())
                }
                SpellKind::Crash => {
                    let name = |&at: &usize| trace.actors[at].name.clone();
                    band.who.iter().map(name).collect::<Vec<_>>().join(" ")
                }
            };
            Spell { time: (band.from as f64 / 1e6, band.to as f64 / 1e6), kind, who }
        })
        .collect()
}
