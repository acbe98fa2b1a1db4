//! From times to places: even, but long calm gaps shrink.

use super::Tenths;

/// What a gap is drawn as wide as.
const GAP: Tenths = 420;
/// Gaps that shrink, at most.
const GAPS_MAX: usize = 5;
/// The share of the window from which on a gap is long: one in this many.
const LONG: u64 = 14;
/// Between two marks of the ruler, at least.
const APART: Tenths = 640;

/// Maps times in microseconds to places.
pub(super) struct Scale {
    /// Times and places; even between them.
    knots: Vec<(u64, Tenths)>,
    /// The stretches that were shrunk.
    pub gaps: Vec<(u64, u64)>,
    /// How long the stretches are that were not.
    even: u64,
    /// How wide these are.
    room: Tenths,
}

impl Scale {
    /// Lays a window out between two places; nothing happens between the times.
    pub fn new((from, to): (u64, u64), times: &[u64], (left, right): (Tenths, Tenths)) -> Scale {
        let mut marks: Vec<u64> =
            times.iter().copied().filter(|at| from < *at && *at < to).collect();
        marks.extend([from, to]);
        marks.sort_unstable();
        marks.dedup();
        let span = (to - from).max(1);
        let steps = marks.windows(2).map(|pair| (pair[0], pair[1]));
        let mut gaps: Vec<(u64, u64)> =
            steps.filter(|&(a, b)| span < (b - a).saturating_mul(LONG)).collect();
        gaps.sort_by_key(|&(a, b)| std::cmp::Reverse(b - a));
        gaps.truncate(GAPS_MAX);
        gaps.sort_unstable();
        let calm: u64 = gaps.iter().map(|(a, b)| b - a).sum();
        // Where nearly everything is calm, nothing needs the room that shrinking would give.
        if span.saturating_sub(calm) == 0 {
            gaps.clear();
        }
        let calm: u64 = gaps.iter().map(|(a, b)| b - a).sum();
        let (even, room) = ((span - calm).max(1), right - left - GAP * gaps.len() as Tenths);
        let mut knots = vec![(from, left)];
        let mut last = (from, left);
        for &(a, b) in &gaps {
            let begins = last.1 + part(a - last.0, even, room);
            knots.extend([(a, begins), (b, begins + GAP)]);
            last = (b, begins + GAP);
        }
        knots.push((to.max(from + 1), right));
        Scale { knots, gaps, even, room }
    }

    /// Returns the place of a time; times outside of the window lie at its ends.
    pub fn x(&self, at: u64) -> Tenths {
        let next = self.knots.partition_point(|&(time, _)| time <= at);
        let (Some(&(a, x)), Some(&(b, end))) =
            (self.knots.get(next.wrapping_sub(1)), self.knots.get(next))
        else {
            let end = if next == 0 { self.knots.first() } else { self.knots.last() };
            return end.map_or(0, |&(_, x)| x);
        };
        x + part(at - a, b - a, end - x)
    }

    /// Returns round times for the ruler, far enough from each other.
    pub fn ticks(&self) -> Vec<u64> {
        let (from, to) = (self.knots[0].0, self.knots[self.knots.len() - 1].0);
        let least = self.even.saturating_mul(APART as u64) / self.room.max(1) as u64;
        let powers = (2..12).map(|power| 10_u64.pow(power));
        let mut steps = powers.flat_map(|power| [power, 2 * power, 5 * power]);
        let step = steps.find(|step| least <= *step).unwrap_or(to.max(1));
        let mut ticks = Vec::new();
        let mut free = Tenths::MIN;
        for at in (1..).map(|n| (from / step + n) * step).take_while(|at| *at <= to) {
            let calm = self.gaps.iter().any(|&(a, b)| a < at && at < b);
            let x = self.x(at);
            if !calm && free <= x {
                ticks.push(at);
                free = x + APART - 100;
            }
        }
        ticks
    }
}

/// Returns the share `part / whole` of a length.
fn part(part: u64, whole: u64, length: Tenths) -> Tenths {
    (i128::from(part) * i128::from(length) / i128::from(whole.max(1))) as Tenths
}

/// Writes a time of the ruler: as many decimals as it needs.
pub(super) fn ruler(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    let decimals = format!("{rest:06}");
    match decimals.trim_end_matches('0') {
        "" => format!("{whole} s"),
        decimals => format!("{whole}.{decimals} s"),
    }
}

/// Writes how long something took, in short.
pub(super) fn length(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{} ms", micros / 1_000),
        _ => {
            let tenths = (micros + 50_000) / 100_000;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_calm_gap_shrinks_and_the_rest_grows() {
        let scale = Scale::new((0, 100_000), &[1_000, 2_000, 90_000], (0, 10_000));

        assert_eq!(scale.gaps, [(2_000, 90_000), (90_000, 100_000)]);
        assert_eq!(scale.x(90_000) - scale.x(2_000), GAP);
        assert_eq!((scale.x(0), scale.x(100_000)), (0, 10_000));
    }

    #[test]
    fn later_never_lies_before_earlier() {
        let scale = Scale::new((5, 1_000), &[7, 9, 300, 301, 999], (100, 7_000));
        let places: Vec<Tenths> = (0..1_200).map(|at| scale.x(at)).collect();

        assert!(places.is_sorted());
        assert_eq!((places[0], places[1_199]), (100, 7_000));
    }

    #[test]
    fn a_window_without_length_can_be_drawn() {
        let scale = Scale::new((7, 7), &[], (0, 100));

        assert_eq!(scale.x(7), 0);
        assert!(scale.ticks().len() < 3);
    }

    #[test]
    fn times_of_the_ruler_have_no_needless_decimals() {
        let cases = [(0, "0 s"), (1_900_000, "1.9 s"), (12_050_000, "12.05 s")];

        for (micros, text) in cases {
            assert_eq!(ruler(micros), text);
        }
    }
}
