//! Makes few lines of many rows: equal rounds fold into one, calm stretches are left out.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::Uid;

use super::row::{Beat, Fold, Item, Row, Weight};

/// A fold stands for at least so many rows; fewer are shown.
const ROWS_MIN: usize = 3;
/// Rows of the beginning and the end that stay, together.
const ENDS_MIN: usize = 8;
/// Rows beside a fault or an election that go last.
const NEIGHBOURS: usize = 3;

/// Folds rounds, then leaves out what matters least until `lines` are enough.
pub(crate) fn fold(rows: Vec<Row>, lines: usize) -> Vec<Item> {
    let mut items = rounds(rows);
    let passes = [
        (Weight::Routine, Spare::Neighbours),
        (Weight::Routine, Spare::Nothing),
        (Weight::Lesser, Spare::Nothing),
        (Weight::Notable, Spare::Neighbours),
        (Weight::Notable, Spare::Nothing),
    ];
    for (weight, spare) in passes {
        if items.len() <= lines {
            return items;
        }
        items = elide(items, |items, at| goes(items, at, weight, spare));
    }
    if lines < items.len() {
        items = keep_ends(items, lines);
    }
    items
}

/// What a pass of leaving out does not touch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spare {
    /// The rows beside something that matters more.
    Neighbours,
    /// Nothing.
    Nothing,
}

fn weight(item: &Item) -> Weight {
    match item {
        Item::Row(row) => row.weight,
        Item::Fold(_) => Weight::Routine,
    }
}

fn goes(items: &[Item], at: usize, limit: Weight, spare: Spare) -> bool {
    if limit < weight(&items[at]) {
        return false;
    }
    if spare == Spare::Nothing || matches!(items[at], Item::Fold(_)) {
        return true;
    }
    let near = at.saturating_sub(NEIGHBOURS)..items.len().min(at + NEIGHBOURS + 1);
    !items[near].iter().any(|item| Weight::Key <= weight(item))
}

/// Replaces each run of items that go by one line.
fn elide(items: Vec<Item>, goes: impl Fn(&[Item], usize) -> bool) -> Vec<Item> {
    let gone: Vec<bool> = (0..items.len()).map(|at| goes(&items, at)).collect();
    let mut kept: Vec<Item> = Vec::new();
    let mut open: Option<Fold> = None;
    let mut held: Option<Item> = None;
    for (item, gone) in items.into_iter().zip(gone) {
        if !gone {
            kept.extend(close(&mut open, &mut held));
            kept.push(item);
            continue;
        }
        let fold = match &item {
            Item::Row(row) => Fold::of(std::slice::from_ref(row), None),
            Item::Fold(fold) => fold.clone(),
        };
        match &mut open {
            Some(open) => {
                open.join(&fold);
                held = None;
            }
            None => {
                open = Some(fold);
                held = Some(item);
            }
        }
    }
    kept.extend(close(&mut open, &mut held));
    kept
}

/// Ends a run: a single item stands for itself.
fn close(open: &mut Option<Fold>, held: &mut Option<Item>) -> Option<Item> {
    let fold = open.take()?;
    Some(held.take().unwrap_or(Item::Fold(fold)))
}

/// Keeps the moments, what the steps say if there is room, and of everything else the
/// beginning and the end.
fn keep_ends(items: Vec<Item>, lines: usize) -> Vec<Item> {
    // What is kept alone takes two lines: itself, and what is left out before it.
    let taken = |kept: Weight| 2 * items.iter().filter(|item| kept <= weight(item)).count();
    let kept = match taken(Weight::Caption) + ENDS_MIN <= lines {
        true => Weight::Caption,
        false => Weight::Moment,
    };
    let half = lines.saturating_sub(taken(kept)).max(ENDS_MIN) / 2;
    let count = items.len();
    let kept =
        elide(items, |items, at| weight(&items[at]) < kept && half <= at && at + half < count);
    joined(kept)
}

/// Joins folds that follow each other.
fn joined(items: Vec<Item>) -> Vec<Item> {
    let mut joined: Vec<Item> = Vec::new();
    for item in items {
        match (joined.last_mut(), item) {
            (Some(Item::Fold(last)), Item::Fold(next))
                if last.rounds.is_none() && next.rounds.is_none() =>
            {
                last.join(&next);
            }
            (_, item) => joined.push(item),
        }
    }
    joined
}

/// Folds the rounds of each calm stretch.
fn rounds(rows: Vec<Row>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut calm = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        if row.weight == Weight::Routine {
            calm.push(row);
            continue;
        }
        items.extend(stretch(std::mem::take(&mut calm), &mut seen));
        if row.cells.iter().any(|cell| cell.sign == Some('★')) {
            seen.clear(); // the first round by way of another leader is worth a look
        }
        items.push(Item::Row(row));
    }
    items.extend(stretch(calm, &mut seen));
    items
}

/// The beats of one batch's round: equal sets look alike.
type Shape = BTreeSet<Beat>;

/// Shows the first round of each shape and folds the others.
fn stretch(rows: Vec<Row>, seen: &mut BTreeSet<Shape>) -> Vec<Item> {
    let mut shapes: BTreeMap<Uid, Shape> = BTreeMap::new();
    for row in &rows {
        for &batch in &row.batches {
            shapes.entry(batch).or_default().extend(row.beat);
        }
    }
    let mut shown: BTreeSet<Uid> = BTreeSet::new();
    for (&batch, shape) in &shapes {
        if seen.insert(shape.clone()) {
            shown.insert(batch);
        }
    }
    let (kept, folded): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| {
        row.batches.is_empty() || row.batches.iter().any(|batch| shown.contains(batch))
    });
    let mut items: Vec<Item> = merged(kept).into_iter().map(Item::Row).collect();
    for fold in between(folded, &shown) {
        items.extend(fold);
    }
    items.sort_by_key(|item| match item {
        Item::Row(row) => (row.entries[0], 0),
        Item::Fold(fold) => (fold.place, 1),
    });
    items
}

/// Cuts the folded rows at the rounds that are shown, and folds each part.
fn between(folded: Vec<Row>, shown: &BTreeSet<Uid>) -> Vec<Vec<Item>> {
    let mut parts: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for row in folded {
        let last = row.batches.last().expect("rows without a batch are shown");
        let part = shown.range(..last).count();
        parts.entry(part).or_default().push(row);
    }
    let fold = |rows: Vec<Row>| {
        let rows = merged(rows);
        if rows.len() < ROWS_MIN {
            return rows.into_iter().map(Item::Row).collect();
        }
        let batches: BTreeSet<Uid> = rows.iter().flat_map(|row| row.batches.clone()).collect();
        let ends = batches.first().zip(batches.last());
        let rounds = ends.map(|(&first, &last)| (first, last, batches.len()));
        vec![Item::Fold(Fold::of(&rows, rounds))]
    };
    parts.into_values().map(fold).collect()
}

/// Joins neighbours: the same batch on several followers, the same high watermark.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged.last_mut() {
            Some(last) if joins(last, &row) => {
                last.entries.extend(row.entries);
                last.cells.extend(row.cells);
                last.watermarks.extend(row.watermarks);
            }
            _ => merged.push(row),
        }
    }
    merged
}

fn joins(last: &Row, next: &Row) -> bool {
    let free = next.cells.iter().all(|cell| last.cells.iter().all(|it| it.actor != cell.actor));
    let alike = match (last.beat, next.beat) {
        (Some(Beat::Copy(_)), Some(Beat::Copy(_))) => last.batches == next.batches,
        (Some(Beat::Watermark(_)), Some(Beat::Watermark(_))) => {
            last.cells.first().map(|cell| &cell.text) == next.cells.first().map(|cell| &cell.text)
        }
        _ => false,
    };
    free && alike
}
