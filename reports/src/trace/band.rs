//! Faults as shading: from when to when, and what they hit.

use std::collections::{BTreeMap, BTreeSet};

use super::Trace;
use super::fact::FactKind;
use crate::story::Subject;

/// A stretch of time in which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// What is wrong.
    pub kind: BandKind,
    /// From when, in microseconds.
    pub from: u64,
    /// Until when, in microseconds.
    pub to: u64,
    /// The places in `Trace::actors` of those it hits.
    pub who: Vec<usize>,
    /// For a link, the places of those at its other end; else empty.
    pub against: Vec<usize>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BandKind {
    /// A process is down.
    Crash,
    /// A process is down and its host has lost power.
    Power,
    /// A process was ended in order.
    Stopped,
    /// A process is frozen.
    Pause,
    /// Links are cut.
    Cut,
    /// Links are slow.
    Slow,
    /// A disk is slow or does not answer.
    Disk,
    /// A group is between two stable generations.
    Rebalance,
}

impl BandKind {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            BandKind::Crash => "crash",
            BandKind::Power => "power",
            BandKind::Stopped => "stopped",
            BandKind::Pause => "pause",
            BandKind::Cut => "cut",
            BandKind::Slow => "slow",
            BandKind::Disk => "disk",
            BandKind::Rebalance => "rebalance",
        }
    }
}

/// Pairs of actors by when, and by what: those that began and ended together.
type Links = BTreeMap<(u64, u64, BandKind), BTreeSet<(usize, usize)>>;

/// Finds the bands of a trial, in order of time.
pub(super) fn bands(story: &Subject<'_>, trace: &Trace) -> Vec<Band> {
    let mut bands = processes(trace);
    bands.extend(links(trace));
    bands.extend(disks(trace));
    bands.extend(rebalances(story, trace));
    bands.sort_by_key(|band| (band.from, band.kind, band.who.clone()));
    bands
}

/// Processes that do not run, or are frozen.
fn processes(trace: &Trace) -> Vec<Band> {
    let mut open: BTreeMap<i64, (BandKind, u64)> = BTreeMap::new();
    let mut bands = Vec::new();
    for fact in &trace.facts {
        let begins = match (fact.kind, fact.value) {
            (FactKind::Down, 0) => Some(BandKind::Crash),
            (FactKind::Down, 1) => Some(BandKind::Power),
            (FactKind::Down, _) => Some(BandKind::Stopped),
            (FactKind::Pause, _) => Some(BandKind::Pause),
            (FactKind::Up | FactKind::Resume, _) => None,
            _ => continue,
        };
        if let Some((kind, from)) = open.remove(&fact.actor) {
            bands.extend(one(kind, (from, fact.at), fact.actor));
        }
        if let Some(kind) = begins {
            open.insert(fact.actor, (kind, fact.at));
        }
    }
    let rest = open.into_iter();
    bands.extend(rest.filter_map(|(actor, (kind, from))| one(kind, (from, trace.end), actor)));
    bands
}

fn one(kind: BandKind, (from, to): (u64, u64), actor: i64) -> Option<Band> {
    let who = vec![usize::try_from(actor).ok()?];
    Some(Band { kind, from, to, who, against: Vec::new() })
}

/// Links that are cut or slow.
fn links(trace: &Trace) -> Vec<Band> {
    let mut open: BTreeMap<(BandKind, usize, usize), u64> = BTreeMap::new();
    let mut links = Links::new();
    for fact in &trace.facts {
        let (kind, begins) = match fact.kind {
            FactKind::LinkCut => (BandKind::Cut, true),
            FactKind::LinkHealed => (BandKind::Cut, false),
            FactKind::LinkSlow => (BandKind::Slow, true),
            FactKind::LinkUsual => (BandKind::Slow, false),
            _ => continue,
        };
        let Some((from, to)) = fact.by().zip(fact.with()) else { continue };
        match begins {
            true => _ = open.entry((kind, from, to)).or_insert(fact.at),
            false => {
                if let Some(since) = open.remove(&(kind, from, to)) {
                    links.entry((since, fact.at, kind)).or_default().insert((from, to));
                }
            }
        }
    }
    for ((kind, from, to), since) in open {
        links.entry((since, trace.end, kind)).or_default().insert((from, to));
    }
    links.into_iter().flat_map(|((from, to, kind), pairs)| sides(kind, from, to, &pairs)).collect()
}

/// Draws pairs as one band with two sides if that says the same, else each for itself.
fn sides(kind: BandKind, from: u64, to: u64, pairs: &BTreeSet<(usize, usize)>) -> Vec<Band> {
    let whole: BTreeSet<(usize, usize)> =
        pairs.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
    let Some(&(first, _)) = whole.first() else { return Vec::new() };
    let partners = |of: usize| -> BTreeSet<usize> {
        let met = whole.iter().filter(|&&(a, b)| a == of || b == of);
        met.map(|&(a, b)| if a == of { b } else { a }).collect()
    };
    let against = partners(first);
    let who = against.first().map(|&other| partners(other)).unwrap_or_default();
    if who.len() * against.len() == whole.len() && who.is_disjoint(&against) {
        let (who, against) = (who.into_iter().collect(), against.into_iter().collect());
        return vec![Band { kind, from, to, who, against }];
    }
    let each = |&(a, b): &(usize, usize)| Band { kind, from, to, who: vec![a], against: vec![b] };
    whole.iter().map(each).collect()
}

/// Disks that are slow or do not answer.
fn disks(trace: &Trace) -> Vec<Band> {
    let mut open: BTreeMap<usize, u64> = BTreeMap::new();
    let mut bands = Vec::new();
    let band = |from, to, who| Band {
        kind: BandKind::Disk,
        from,
        to,
        who: vec![who],
        against: Vec::new(),
    };
    for fact in &trace.facts {
        let Some(who) = fact.by() else { continue };
        match fact.kind {
            FactKind::DiskSlow | FactKind::DiskStalled => _ = open.entry(who).or_insert(fact.at),
            FactKind::DiskUsual => {
                bands.extend(open.remove(&who).map(|since| band(since, fact.at, who)));
            }
            _ => {}
        }
    }
    bands.extend(open.into_iter().map(|(who, since)| band(since, trace.end, who)));
    bands
}

/// Groups between two stable generations.
fn rebalances(story: &Subject<'_>, trace: &Trace) -> Vec<Band> {
    let mut bands = Vec::new();
    for group in &story.outcome.judgement.groups {
        let Some(members) = trace.groups.get(usize::from(group.group.0)) else { continue };
        for rebalance in &group.rebalances {
            let to = rebalance.ended.map_or(trace.end, |at| at.0);
            let (who, from) = (members.members.clone(), rebalance.began.0.0);
            bands.push(Band { kind: BandKind::Rebalance, from, to, who, against: Vec::new() });
        }
    }
    bands
}
