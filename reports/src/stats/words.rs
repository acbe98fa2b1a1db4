//! How shares and differences are written, the same in every report and plot.

use crate::stats::pairs::Pairs;
use crate::stats::share::Share;
use crate::stats::{CONFIDENCE, Interval};
use crate::text::{fill, grouped};
use crate::words::SweepWords;

/// Writes a share with its exact interval: `37 of 200 runs, 18.5 % (13.4–24.6 %), about 1 in 5`.
///
/// What was never seen is written with its bound: it may be rare, and it is not impossible.
pub fn odds(share: Share, words: &SweepWords) -> String {
    let Interval { low, high } = share.exact(CONFIDENCE);
    let (hits, of) = (grouped(share.hits), grouped(share.of));
    if share.of == 0 {
        return words.no_runs.to_owned();
    }
    if share.hits == 0 {
        return fill(words.none, &[&hits, &of, &percent(high)]);
    }
    if share.hits == share.of {
        return fill(words.all, &[&hits, &of, &percent(low)]);
    }
    let (value, low, high) = (percent(share.value()), percent_bare(low), percent(high));
    fill(words.some, &[&hits, &of, &value, &low, &high, &about(share.value(), words)])
}

/// Writes a share of runs in a few letters: `18.5 %`, or `< 0.92 %` for what was never seen.
pub fn short(share: Share) -> String {
    if share.hits == 0 {
        return format!("< {}", percent(share.exact(CONFIDENCE).high));
    }
    percent(share.value())
}

/// Writes a difference of shares in points with its interval, and how likely chance alone
/// gives such a one: `-88.0 points (-90.9 to -84.3), p < 0.0001`.
pub fn difference(pairs: Pairs, words: &SweepWords) -> String {
    let [middle, low, high] = points(pairs);
    fill(words.difference, &[&middle, &low, &high, &significance(pairs.significance())])
}

/// Returns a difference of shares in points, and the ends of its interval.
pub fn points(pairs: Pairs) -> [String; 3] {
    let Interval { low, high } = pairs.interval(CONFIDENCE);
    [pairs.difference(), low, high].map(|share| signed(100.0 * share))
}

fn significance(chance: f64) -> String {
    if chance < 0.000_1 {
        return "p < 0.0001".to_owned();
    }
    format!("p = {chance:.4}")
}

/// Writes a share in percent, with as many digits as say something.
pub fn percent(share: f64) -> String {
    format!("{} %", percent_bare(share))
}

fn percent_bare(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if percent <= 0.0 => "0".to_owned(),
        _ if 100.0 <= percent => "100".to_owned(),
        _ if percent < 0.95 => significant(percent),
        // Towards 100 it is the rest that says something.
        _ if 99.05 < percent => {
            let rest = significant(100.0 - percent);
            let digits = rest.split_once('.').map_or(0, |(_, digits)| digits.len());
            format!("{percent:.digits$}")
        }
        _ => format!("{percent:.1}"),
    }
}

/// Writes a number below 1 with two digits that count.
fn significant(number: f64) -> String {
    let digits = (1.0 - number.log10().floor()).clamp(1.0, 12.0) as usize;
    let text = format!("{number:.digits$}");
    text.trim_end_matches('0').to_owned()
}

fn signed(points: f64) -> String {
    let text = format!("{points:+.1}");
    if text == "-0.0" || text == "+0.0" { "0.0".to_owned() } else { text }
}

/// Writes a share as people say it: `about 1 in 5`, `about 9 in 10`, `all but 1 in 50`.
fn about(share: f64, words: &SweepWords) -> String {
    let one_in = |share: f64| {
        let runs = 1.0 / share;
        let step = 10_f64.powf((runs.log10().floor() - 1.0).max(0.0));
        grouped(((runs / step).round() * step) as u64)
    };
    let tenths = (10.0 * share).round() as u64;
    match tenths {
        _ if share <= 0.45 => fill(words.one_in, &[&one_in(share)]),
        5 => words.every_other.to_owned(),
        10 => fill(words.all_but, &[&one_in(1.0 - share)]),
        _ => fill(words.in_ten, &[&tenths.to_string()]),
    }
}

#[cfg(test)]
mod tests {
    use crate::words::{EN, ZH};

    use super::*;

    #[test]
    fn shares_are_written_with_their_intervals() {
        let table = [
            (37, 200, "37 of 200 runs, 18.5 % (13.4–24.6 %), about 1 in 5"),
            (0, 400, "0 of 400, below 0.92 %"),
            (0, 1_000, "0 of 1,000, below 0.37 %"),
            (0, 10_000, "0 of 10,000, below 0.037 %"),
            (200, 200, "200 of 200, above 98.2 %"),
            (3, 1_000, "3 of 1,000 runs, 0.3 % (0.062–0.87 %), about 1 in 330"),
            (352, 400, "352 of 400 runs, 88.0 % (84.4–91.0 %), about 9 in 10"),
            (198, 400, "198 of 400 runs, 49.5 % (44.5–54.5 %), about every other"),
            (399, 400, "399 of 400 runs, 99.75 % (98.6–99.9937 %), all but 1 in 400"),
            (0, 0, "no runs"),
        ];

        for (hits, of, text) in table {
            assert_eq!(odds(Share { hits, of }, &EN.sweep), text);
        }
    }

    #[test]
    fn shares_are_written_in_chinese_too() {
        let table = [
            (37, 200, "200 次中 37 次，18.5 %（13.4–24.6 %），约每 5 次 1 次"),
            (0, 400, "400 次中 0 次，低于 0.92 %"),
            (200, 200, "200 次中 200 次，高于 98.2 %"),
            (352, 400, "400 次中 352 次，88.0 %（84.4–91.0 %），约每 10 次 9 次"),
            (198, 400, "400 次中 198 次，49.5 %（44.5–54.5 %），约每两次 1 次"),
            (399, 400, "400 次中 399 次，99.75 %（98.6–99.9937 %），约每 400 次只有 1 次例外"),
            (0, 0, "没有运行"),
        ];

        for (hits, of, text) in table {
            assert_eq!(odds(Share { hits, of }, &ZH.sweep), text);
        }
    }

    #[test]
    fn a_difference_is_written_in_points() {
        let pairs = Pairs { both: 0, first_only: 352, second_only: 0, neither: 48 };

        let (en, zh) = (difference(pairs, &EN.sweep), difference(pairs, &ZH.sweep));

        assert_eq!(en, "-88.0 points (-90.9 to -84.3), p < 0.0001");
        assert_eq!(zh, "-88.0 个百分点（-90.9 至 -84.3），p < 0.0001");
        assert_eq!(significance(0.0625), "p = 0.0625");
        assert_eq!(
            difference(Pairs { both: 9, ..Pairs::default() }, &EN.sweep).split(' ').next(),
            Some("0.0")
        );
    }
}
