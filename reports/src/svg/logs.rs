//! The replicas' logs at one time: a row per replica, a cell per record.

use std::collections::BTreeMap;

use model::ids::Uid;

use super::pen::{About, Anchor, Area, PathEnd, Pen, width};
use super::style::mark;
use super::{Tenths, View, WIDE, concerned, head, seconds, verdict};
use crate::trace::Trace;
use crate::trace::state::{PartitionState, ReplicaState, Role, Stage, State};
use crate::trace::texts::Texts;
use crate::words::page::label;

/// Offsets side by side, at most.
const COLUMNS: i64 = 12;
/// Offsets shown before the one that matters.
const BEFORE: i64 = 3;
/// Where the first cell begins, and what is free behind the last.
const LEFT: Tenths = 1_500;
const RIGHT: Tenths = 950;
/// Where the first row begins, and how far the rows are apart.
const TOP: Tenths = 780;
const STEP: Tenths = 760;
/// The height of a cell, and of its foot.
const CELL: Tenths = 480;
const FOOT: Tenths = 180;

/// A picture under way.
struct Drawing<'t> {
    trace: &'t Trace,
    view: &'t View,
    state: &'t State,
    stages: Vec<(Stage, usize)>,
    /// The first offset that is shown, and how many.
    from: i64,
    columns: i64,
    /// The stages that were drawn.
    used: Vec<Stage>,
    /// How many times it was drawn what a leader believes.
    beliefs: usize,
    /// Where the text at the right of the head begins.
    head: Tenths,
}

/// The record at an offset, and the epoch of its leader.
type Cells = BTreeMap<i64, (Uid, u32)>;

/// Draws the logs of one partition's replicas.
pub fn logs(trace: &Trace, texts: &Texts, view: &View) -> String {
    let state = State::at(trace, view.moment(trace));
    let mut pen = Pen::new();
    let (name, rest) = head(trace, view);
    let rest = format!("{rest} · {}", seconds(state.at));
    let room = ((WIDE - 240 - width(&rest)) / 88) as usize;
    let name = crate::text::fit(&name, room, crate::text::Signs::Unicode);
    pen.text("name", (100, 200), Anchor::Start, &name);
    pen.text("mute", (WIDE - 100, 200), Anchor::End, &rest);
    let high = match state.partitions.get(view.partition) {
        Some(partition) => {
            let (from, columns) = offsets(trace, view, partition);
            let (stages, used) = (state.stages(trace), Vec::new());
            let (state, beliefs) = (&state, 0);
            let head = WIDE - 100 - width(&rest);
            let mut drawing =
                Drawing { trace, view, state, stages, from, columns, used, beliefs, head };
            drawing.draw(partition, &mut pen)
        }
        None => TOP,
    };
    let name = trace.partitions.get(view.partition).map_or("", |it| it.name.as_str());
    let title = format!("{} {name}, {}", label("logs", view.language), seconds(state.at));
    let description = verdict(trace, texts, view.language);
    pen.done(&About { title: &title, description: &description, high })
}

/// Returns which offsets to show: around the record that matters, else the last ones.
fn offsets(trace: &Trace, view: &View, partition: &PartitionState) -> (i64, i64) {
    let end = partition.replicas.values().map(|it| it.end).max().unwrap_or(0).max(1);
    let start = partition.replicas.values().map(|it| it.start).min().unwrap_or(0);
    let mut losses = trace.judged.losses.iter().filter(|it| it.partition == view.partition);
    let lost = losses.find(|loss| view.focus.is_none_or(|uid| loss.record == uid));
    let told = view.focus.or_else(|| concerned(trace).first().copied());
    let held = |replica: &ReplicaState| {
        let uid = told?;
        cells(trace, replica).into_iter().find(|(_, (it, _))| *it == uid).map(|(at, _)| at)
    };
    let place =
        lost.map(|loss| loss.offset as i64).or_else(|| partition.replicas.values().find_map(held));
    let last = (end - COLUMNS + 1).max(start);
    let from = place.map_or(last, |at| (at - BEFORE).max(start).min(last));
    (from, COLUMNS.min(end - from + 1).max(8))
}

/// Returns what lies at each offset of a log.
fn cells(trace: &Trace, replica: &ReplicaState) -> Cells {
    let mut cells = Cells::new();
    for (&number, &kept) in &replica.batches {
        let batch = &trace.batches[number as usize];
        let offsets = batch.base as i64..batch.base as i64 + kept;
        let named = offsets.zip(&batch.records).filter(|(offset, _)| replica.start <= *offset);
        cells.extend(named.map(|(offset, uid)| (offset, (*uid, batch.epoch))));
    }
    cells
}

impl Drawing<'_> {
    fn x(&self, offset: i64) -> Tenths {
        let wide = (WIDE - LEFT - RIGHT) / self.columns;
        LEFT + (offset - self.from).clamp(0, self.columns) * wide
    }

    fn shows(&self, offset: i64) -> bool {
        (self.from..self.from + self.columns).contains(&offset)
    }

    /// Draws everything; returns the height.
    fn draw(&mut self, partition: &PartitionState, pen: &mut Pen) -> Tenths {
        let replicas = &self.trace.partitions[self.view.partition].replicas;
        let wide = self.x(self.from + 1) - self.x(self.from);
        let last = format!("@{}", self.from + self.columns);
        let every = if width(&last) + 80 < wide { 1 } else { 2 };
        for offset in (self.from..self.from + self.columns).step_by(every) {
            let x = i64::midpoint(self.x(offset), self.x(offset + 1));
            pen.text("mute mono", (x, TOP - 200), Anchor::Middle, &format!("@{offset}"));
        }
        self.marks(partition, pen);
        let leader = partition.leader.and_then(|at| partition.replicas.get(&at));
        let leads = leader.map(|replica| cells(self.trace, replica));
        for (row, actor) in (0..).zip(replicas) {
            if let Some(replica) = partition.replicas.get(actor) {
                let y = TOP + row * STEP;
                self.row((partition, *actor), (replica, leads.as_ref()), y, pen);
            }
        }
        self.foot(TOP + replicas.len() as Tenths * STEP + 60, pen)
    }

    fn row(
        &mut self,
        (partition, actor): (&PartitionState, usize),
        (replica, leads): (&ReplicaState, Option<&Cells>),
        y: Tenths,
        pen: &mut Pen,
    ) {
        let language = self.view.language;
        let is_up = self.state.actors[actor].is_up;
        let is_leader = partition.leader == Some(actor);
        if !is_up {
            pen.open("isdown");
        }
        let star = if is_leader { " ★" } else { "" };
        let name = format!("{}{star}", self.trace.actors[actor].name);
        pen.text("name", (100, y + 200), Anchor::Start, &name);
        let role = match replica.role {
            _ if !is_up => label("down", language).to_owned(),
            Some((Role::Leader, epoch)) => format!("{} e{epoch}", label("leader", language)),
            Some((Role::Follower, epoch)) => format!("{} e{epoch}", label("follower", language)),
            None => label("starting", language).to_owned(),
        };
        pen.text("mute", (100, y + 370), Anchor::Start, &role);
        let isr = match partition.isr.contains(&actor) {
            true => "ISR",
            false => label("out", language),
        };
        pen.text("mute", (100, y + 530), Anchor::Start, isr);
        let own = cells(self.trace, replica);
        for (&offset, &(uid, epoch)) in own.range(self.from..self.from + self.columns) {
            let other = leads.map(|leads| leads.get(&offset));
            let differs = !is_leader && other.is_some_and(|it| it != Some(&(uid, epoch)));
            self.cell((offset, y), (uid, epoch), differs, pen);
            let before = own.get(&(offset - 1)).map(|(_, epoch)| *epoch);
            if before != Some(epoch) || offset == self.from {
                let place = (self.x(offset) + 30, y - 25);
                pen.text("mute", place, Anchor::Start, &format!("e{epoch}"));
            }
        }
        self.ends(replica, y, pen);
        let beliefs = partition.leader.filter(|_| !is_leader);
        let beliefs = beliefs.and_then(|leader| partition.replicas.get(&leader));
        if let Some(&belief) = beliefs.and_then(|leader| leader.beliefs.get(&actor))
            && self.from <= belief
            && belief <= self.from + self.columns
        {
            let (x, top) = (self.x(belief), y + CELL + 40);
            let points = [(x, top), (x - 70, top + 110), (x + 70, top + 110)];
            pen.path("belief", &points, PathEnd::Closed);
            self.beliefs += 1;
        }
        if !is_up {
            pen.close();
        }
    }

    fn cell(
        &mut self,
        (offset, y): (i64, Tenths),
        (uid, epoch): (Uid, u32),
        differs: bool,
        pen: &mut Pen,
    ) {
        let (x, end) = (self.x(offset), self.x(offset + 1));
        let (stage, copies) = self.stages[uid.0 as usize];
        let (x, wide) = (x + 15, end - x - 30);
        let frame = match (stage, differs) {
            (Stage::Lost, true) => " islost differs",
            (Stage::Lost, false) => " islost",
            (_, true) => " differs",
            (_, false) => "",
        };
        let class = format!("cell e{}{frame}", epoch % 6);
        pen.rect(&class, Area { x, y, wide, high: CELL });
        let foot = Area { x, y: y + CELL - FOOT, wide, high: FOOT };
        pen.rect(&format!("fate {}", stage.name()), foot);
        let middle = x + wide / 2;
        let name = format!("r{uid}");
        let fits = width(&name) <= wide;
        pen.text("", (middle, y + 215), Anchor::Middle, if fits { &name } else { "·" });
        let of = self.trace.partitions[self.view.partition].replicas.len();
        let sign = match stage {
            Stage::Replicated => format!("{copies}/{of}"),
            stage => mark(stage).to_owned(),
        };
        let class = format!("strong on-{}", stage.name());
        pen.text(&class, (middle, y + CELL - 40), Anchor::Middle, &sign);
        if !self.used.contains(&stage) {
            self.used.push(stage);
        }
    }

    /// Draws where a log starts and ends, and its high watermark.
    fn ends(&self, replica: &ReplicaState, y: Tenths, pen: &mut Pen) {
        if self.from < replica.start && self.shows(replica.start) {
            let x = self.x(replica.start);
            let points =
                [(x + 60, y - 40), (x, y - 40), (x, y + CELL + 40), (x + 60, y + CELL + 40)];
            pen.path("bracket", &points, PathEnd::Open);
        }
        for (offset, class) in [(replica.end, "leo"), (replica.high_watermark, "hw")] {
            if self.from <= offset && offset <= self.from + self.columns {
                let x = self.x(offset);
                pen.line(class, (x, y - 50), (x, y + CELL + 50));
            }
        }
        if replica.start.min(replica.end) < self.from {
            pen.text("mute", (LEFT - 30, y + 300), Anchor::End, "…");
        }
        if self.from + self.columns < replica.end {
            pen.text("mute", (WIDE - RIGHT + 20, y + 300), Anchor::Start, "…");
        }
        let x = WIDE - RIGHT + 180;
        let numbers = [("HW", replica.high_watermark, 200), ("LEO", replica.end, 370)];
        for (name, value, down) in numbers {
            pen.text("mono", (x, y + down), Anchor::Start, &format!("{name} {value}"));
        }
    }

    /// Draws where consumers are and what groups have committed.
    fn marks(&self, partition: &PartitionState, pen: &mut Pen) {
        let actors = partition.positions.iter();
        let mut marks: Vec<(i64, String)> = actors
            .map(|(actor, at)| (*at, format!("▲ {}", self.trace.actors[*actor].name)))
            .collect();
        for (place, group) in self.state.groups.iter().enumerate() {
            let committed = group.committed.get(&self.view.partition);
            let name = &self.trace.groups[place].name;
            marks.extend(committed.map(|at| (*at, format!("△ {name}"))));
        }
        marks.retain(|(at, _)| self.from <= *at && *at <= self.from + self.columns);
        marks.sort();
        // Texts in two rows, the upper one as far as the head leaves room; what fits into neither
        // follows the last one of the lower row.
        let mut free = [Tenths::MIN; 2];
        for (at, text) in marks {
            let long = width(&text);
            let x = self.x(at).min(WIDE - 60 - long);
            let fits = |row: usize| free[row] <= x && (row == 0 || x + long < self.head);
            let (row, x) = match (0..free.len()).find(|&row| fits(row)) {
                Some(row) => (row, x),
                None if free[0] + long < WIDE => (0, free[0]),
                None => continue,
            };
            let y = TOP - 355 - 150 * row as Tenths;
            pen.text("strong", (x - 50, y), Anchor::Start, &text);
            free[row] = x + long + 80;
        }
    }

    /// Draws what signs mean; returns the picture's height.
    fn foot(&self, top: Tenths, pen: &mut Pen) -> Tenths {
        let language = self.view.language;
        let mut at = (100, top + 160);
        let mut next = |text: &str| {
            let wide = 340 + width(text) + 180;
            if WIDE - 60 < at.0 + wide {
                at = (100, at.1 + 230);
            }
            let place = at;
            at.0 += wide;
            place
        };
        let mut used = self.used.clone();
        used.sort_unstable();
        for stage in used {
            let text = label(&format!("stage-{}", stage.name()), language);
            let (x, y) = next(text);
            let area = Area { x, y: y - 135, wide: 280, high: FOOT };
            pen.rect(&format!("fate {}", stage.name()), area);
            let class = format!("strong on-{}", stage.name());
            pen.text(&class, (x + 140, y + 5), Anchor::Middle, mark(stage));
            pen.text("mute", (x + 340, y), Anchor::Start, text);
        }
        for (class, name) in [("hw", "mark-hw"), ("leo", "mark-leo")] {
            let text = label(name, language);
            let (x, y) = next(text);
            pen.line(class, (x + 140, y - 150), (x + 140, y + 60));
            pen.text("mute", (x + 340, y), Anchor::Start, text);
        }
        if 0 < self.beliefs {
            let text = label("mark-belief", language);
            let (x, y) = next(text);
            let points = [(x + 140, y - 110), (x + 70, y), (x + 210, y)];
            pen.path("belief", &points, PathEnd::Closed);
            pen.text("mute", (x + 340, y), Anchor::Start, text);
        }
        at.1 + 150
    }
}
