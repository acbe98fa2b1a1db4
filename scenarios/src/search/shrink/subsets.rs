//! Which items of a list are needed: runs that double in length, then delta debugging.
//!
//! Both know nothing but places, so that they can be tested with made-up questions.

/// Returns the first of some subsets of places that still shows what is looked for.
pub(super) type First<'a> =
    dyn FnMut(&mut dyn Iterator<Item = Vec<usize>>) -> Option<Vec<usize>> + 'a;

/// Removes runs of items from the back to the front. A run that can go is followed by one of
/// twice its length, a run that cannot by one of half.
///
/// Source: ours; of all orders tried it asks least where few of many items are needed.
pub(super) fn without_runs(count: usize, first: &mut First<'_>) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..count).collect();
    let (mut end, mut length) = (count, 1);
    while 0 < end {
        // All that would be asked if nothing could go any more.
        let mut candidates = runs(end, length).map(|(from, to)| without(&kept, from, to));
        let Some(found) = first(&mut candidates) else { break };
        drop(candidates);
        let (from, gone) = difference(&kept, &found);
        (end, length) = (from, gone * 2);
        kept = found;
    }
    kept
}

/// Lists runs as `from..to`, as if none of them could go.
fn runs(end: usize, length: usize) -> impl Iterator<Item = (usize, usize)> {
    let start = (0 < end).then_some((end, length.min(end)));
    let next = |&(end, length): &(usize, usize)| match length {
        1 => (1 < end).then_some((end - 1, 1)),
        longer => Some((end, longer / 2)),
    };
    std::iter::successors(start, next).map(|(end, length)| (end - length, end))
}

/// Returns where the run began that is missing, and its length.
fn difference(before: &[usize], after: &[usize]) -> (usize, usize) {
    let from = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    (from, before.len() - after.len())
}

fn without(places: &[usize], from: usize, to: usize) -> Vec<usize> {
    [&places[..from], &places[to..]].concat()
}

/// Removes items until no single one can go.
///
/// Source: A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input".
pub(super) fn minimal(mut kept: Vec<usize>, first: &mut First<'_>) -> Vec<usize> {
    let mut parts = 2;
    while !kept.is_empty() {
        let size = kept.len().div_ceil(parts);
        let cuts =
            || (0..kept.len()).step_by(size).map(|from| (from, (from + size).min(kept.len())));
        let subsets = cuts().map(|(from, to)| kept[from..to].to_vec());
        let complements = cuts().rev().map(|(from, to)| without(&kept, from, to));
        let mut candidates = subsets.chain(complements).filter(|it| it.len() < kept.len());
        match first(&mut candidates) {
            Some(found) => {
                parts = if found.len() <= size { 2 } else { (parts - 1).max(2) };
                drop(candidates);
                kept = found;
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(kept.len()),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_needed_items_of_many_take_few_questions() {
        let needed = [17, 90, 171];
        let mut asked = 0;
        let mut first = |subsets: &mut dyn Iterator<Item = Vec<usize>>| {
            subsets.inspect(|_| asked += 1).find(|it| needed.iter().all(|item| it.contains(item)))
        };

        let kept = without_runs(200, &mut first);

        assert_eq!(kept, needed);
        assert!(asked < 80, "{asked} questions");
    }

    #[test]
    fn a_question_that_anything_answers_leaves_nothing() {
        let mut first = |subsets: &mut dyn Iterator<Item = Vec<usize>>| subsets.next();

        assert!(without_runs(9, &mut first).is_empty());
        assert!(minimal((0..9).collect(), &mut first).is_empty());
    }

    #[test]
    fn what_runs_cannot_take_single_items_can() {
        // Either half does, but not what lies across: runs from the back stop at once.
        let breaks = |it: &[usize]| it == [0, 1, 2, 3] || it == [0, 1] || it == [1];
        let mut first = |subsets: &mut dyn Iterator<Item = Vec<usize>>| found(subsets, &breaks);

        let runs = without_runs(4, &mut first);
        let kept = minimal(runs.clone(), &mut first);

        assert_eq!(runs, [0, 1, 2, 3]);
        assert_eq!(kept, [1]);
    }

    fn found(
        mut subsets: &mut dyn Iterator<Item = Vec<usize>>,
        breaks: &dyn Fn(&[usize]) -> bool,
    ) -> Option<Vec<usize>> {
        Iterator::find(&mut subsets, |it| breaks(it))
    }

    proptest! {
        /// Made-up questions: some items are needed together, and some spoil it if others are
        /// not there, so that less may show it again where more does not.
        #[test]
        fn no_single_item_can_go_of_what_is_left(
            count in 1_usize..40,
            needed in proptest::collection::btree_set(0_usize..40, 0..4),
            spoilt in proptest::collection::vec((0_usize..40, 0_usize..40), 0..6),
        ) {
            let needed: Vec<usize> = needed.into_iter().filter(|it| *it < count).collect();
            let breaks = |it: &[usize]| {
                let has = |item: &usize| it.contains(item);
                let all = it.len() == count;
                let spoils = |(item, guard): &(usize, usize)| has(item) && !has(guard);
                all || needed.iter().all(has) && !spoilt.iter().any(spoils)
            };
            let mut first =
                |subsets: &mut dyn Iterator<Item = Vec<usize>>| found(subsets, &breaks);

            let kept = minimal(without_runs(count, &mut first), &mut first);

            prop_assert!(breaks(&kept));
            for at in 0..kept.len() {
                prop_assert!(!breaks(&without(&kept, at, at + 1)), "{} can go of {kept:?}", kept[at]);
            }
        }
    }
}
