//! Every replica's log at the end: leader epochs, high watermark, log end, ISR; and where
//! groups stand in it.

use std::collections::BTreeMap;

use model::ids::{LeaderEpoch, Offset, Uid};
use sim::outcome::ReplicaEnd;

use crate::groups::marks;
use crate::story::{Story, broker_name};
use crate::text::{Line, Tone, WIDTH, counted, fill, padded};

/// Columns for the offsets of one replica.
const OFFSETS: usize = 64;
/// Epochs side by side; older ones fold into the first.
const EPOCHS_MAX: usize = 5;

/// A stretch of a log with one leader epoch.
struct Stretch {
    epoch: LeaderEpoch,
    first: Offset,
    last: Offset,
}

/// Draws the logs of the partition that the timeline shows.
pub fn logs(story: &Story<'_>) -> Vec<Line> {
    let focus = story.focus();
    let replicas: Vec<_> =
        story.outcome.replicas.iter().filter(|replica| replica.partition == focus).collect();
    let leader = replicas.iter().find(|replica| replica.leads).copied();
    let ends: Vec<Line> = replicas.iter().map(|replica| end(story, replica, leader)).collect();
    let room = WIDTH - ends.iter().map(Line::width).max().unwrap_or(0);
    let room = room.min(OFFSETS + 4);
    let names = replicas.iter().map(|replica| broker_name(replica.broker).len());
    let widths = (names.max().unwrap_or(0), room);
    let mut lines: Vec<Line> =
        replicas.iter().zip(ends).map(|(replica, end)| line(story, replica, end, widths)).collect();
    lines.extend(marks(story));
    let others = story.partitions() - 1;
    if !lines.is_empty() && 0 < others {
        let others = counted(others as u64, story.words.partitions);
        let text = fill(story.words.other_logs, &[&story.partition(focus), &others]);
        lines.push(Line::of(Tone::Quiet, format!(" {text}")));
    }
    lines
}

/// Draws where a log ends and how it stands to its leader's.
fn end(story: &Story<'_>, replica: &ReplicaEnd, leader: Option<&ReplicaEnd>) -> Line {
    let mut line = Line::plain(format!(" HW {}  LEO {}  ", replica.high_watermark, replica.end));
    match replica.in_isr {
        true => line.push(Tone::Committed, story.words.in_sync),
        false => line.push(Tone::Risk, story.words.out),
    }
    if let Some(at) = leader.and_then(|leader| first_difference(replica, leader)) {
        line.push(Tone::Lost, format!("  {}", fill(story.words.differs, &[&at.to_string()])));
    }
    line
}

/// Draws a log in `room` columns, of which `name` are for its broker's name, and its end.
fn line(story: &Story<'_>, replica: &ReplicaEnd, end: Line, (name, room): (usize, usize)) -> Line {
    let star = if replica.leads { "★" } else { " " };
    let broker = padded(&format!("{}{star}", broker_name(replica.broker)), name + 1);
    let mut line = Line::of(Tone::Strong, format!(" {broker} "));
    let mut stretches = stretches(replica);
    let folded = stretches.len().saturating_sub(EPOCHS_MAX);
    if 0 < folded {
        line.push(Tone::Quiet, format!("{} ", counted(folded as u64, story.words.older_epochs)));
        stretches.drain(..folded);
    }
    let each = room.saturating_sub(line.width()) / stretches.len().max(1);
    for stretch in &stretches {
        line.push(Tone::Strong, format!("e{} ", stretch.epoch));
        line.push(
            Tone::Plain,
            format!("│{}│ ", offsets(stretch, each.saturating_sub(6 + epoch_width(stretch)))),
        );
    }
    if stretches.is_empty() {
        line.push(Tone::Quiet, story.words.empty);
    }
    line.pad(room);
    line.append(end);
    line
}

fn epoch_width(stretch: &Stretch) -> usize {
    stretch.epoch.to_string().len()
}

fn stretches(replica: &ReplicaEnd) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for batch in &replica.batches {
        match stretches.last_mut() {
            Some(last) if last.epoch == batch.leader_epoch => last.last = batch.last_offset(),
            _ => stretches.push(Stretch {
                epoch: batch.leader_epoch,
                first: batch.base_offset,
                last: batch.last_offset(),
            }),
        }
    }
    stretches
}

/// Writes the offsets one by one if they fit, else the first and the last ones.
fn offsets(stretch: &Stretch, room: usize) -> String {
    let count = stretch.last - stretch.first + 1;
    if count as usize <= room {
        let all: Vec<_> = (stretch.first.0..=stretch.last.0).map(|it| it.to_string()).collect();
        let all = all.join(" ");
        if all.len() <= room {
            return all;
        }
    }
    let mut tail = stretch.last.to_string();
    let mut next = stretch.last.0;
    // The last few, and what lies before them folded.
    while stretch.first.0 + 1 < next {
        let longer = format!("{} {tail}", next - 1);
        let folded = format!("{}…{} {longer}", stretch.first, next - 2);
        if room < folded.chars().count() || 8 < longer.split(' ').count() {
            break;
        }
        tail = longer;
        next -= 1;
    }
    if next == stretch.last.0 {
        return format!("{}…{}", stretch.first, stretch.last);
    }
    format!("{}…{} {tail}", stretch.first, next - 1)
}

/// Returns the first offset at which two replicas hold different records.
fn first_difference(replica: &ReplicaEnd, leader: &ReplicaEnd) -> Option<Offset> {
    let theirs = records(leader);
    records(replica)
        .into_iter()
        .find(|(offset, record)| theirs.get(offset) != Some(record))
        .map(|(offset, _)| offset)
}

fn records(replica: &ReplicaEnd) -> BTreeMap<Offset, (LeaderEpoch, Uid)> {
    let batches = replica.batches.iter();
    batches
        .flat_map(|batch| {
            let epoch = batch.leader_epoch;
            batch.records_from(batch.base_offset).map(move |(at, it)| (at, (epoch, it.uid)))
        })
        .collect()
}
