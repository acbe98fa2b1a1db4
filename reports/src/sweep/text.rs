//! The report of a sweep: odds per setting and claim, and paired comparisons.

use sim::verdict::Claim;

use crate::stats::CONFIDENCE;
use crate::stats::pairs::Pairs;
use crate::stats::share::Share;
use crate::stats::words::{MEANING, difference, odds, percent, significance};
use crate::sweep::{Odds, Setting, Sweep};
use crate::text::{Line, Tone, WIDTH, counted, grouped, wrap};
use crate::verdict::replay;
use crate::words::EN;

/// Columns of a claim's name and the blanks around it.
const NAME: usize = 32;
/// What the numbers in brackets are.
const BRACKETS: &str =
    "In brackets and after `below` and `above`: exact 95 % intervals (Clopper–Pearson).";
/// Columns of a setting's name beside the counts of pairs, at most.
const BESIDE: usize = 20;

/// Draws everything that a sweep found.
pub fn report(sweep: &Sweep) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, settings) in sweep.scenarios() {
        if at != 0 {
            lines.push(Line::default());
        }
        lines.extend(scenario(sweep, settings));
    }
    lines.push(Line::default());
    lines.extend(sentences(BRACKETS));
    lines.extend(sentences(MEANING));
    lines
}

fn scenario(sweep: &Sweep, settings: &[Setting]) -> Vec<Line> {
    let Some(first) = settings.first() else { return Vec::new() };
    let runs = settings.iter().map(Setting::runs).max().unwrap_or(0) as u64;
    let mut head = counted(runs, ("1 run", "{0} runs"));
    if 1 < settings.len() {
        head.push_str(&format!(" of each of {} settings, the same seeds", settings.len()));
    }
    let head = format!("{head}, from seed {}", sweep.campaign);
    let title = Line::of(Tone::Strong, first.scenario.clone());
    let mut lines = match title.width() + 2 + head.len() <= WIDTH {
        true => vec![title.then(Tone::Quiet, format!("  {head}"))],
        false => vec![title, Line::of(Tone::Quiet, head)],
    };
    let (shown, quiet) = split(settings);
    for setting in settings {
        lines.push(Line::default());
        if !setting.name.is_empty() {
            lines.push(Line::of(Tone::Strong, setting.name.clone()));
        }
        for &claim in &shown {
            lines.extend(claim_lines(sweep, setting, claim));
        }
        lines.extend(again(sweep, setting));
        if 0 < setting.unfinished {
            let text = format!("{} of {runs} runs did not reach their end", setting.unfinished);
            lines.push(Line::of(Tone::Lost, format!("  {text}")));
        }
    }
    lines.push(Line::default());
    lines.extend(never_broken(settings, &quiet, runs));
    for &claim in &shown {
        lines.extend(comparison(settings, claim));
    }
    lines
}

/// Tells the claims that some run breaks from those that none does but some put to the test.
fn split(settings: &[Setting]) -> (Vec<Claim>, Vec<Claim>) {
    let odds = |claim| settings.iter().map(move |setting| setting.odds(claim));
    let tested = Claim::ALL.iter().filter(|&&claim| odds(claim).any(|it| 0 < it.tested));
    tested.partition(|&&claim| odds(claim).any(|it| 0 < it.broken.hits))
}

fn claim_lines(sweep: &Sweep, setting: &Setting, claim: Claim) -> Vec<Line> {
    let Odds { broken, tested, first_and_worst } = setting.odds(claim);
    let name = format!("  {:<width$}", claim.name(), width = NAME - 2);
    let line = Line::plain(name);
    if tested == 0 {
        return vec![line.then(Tone::Risk, "untested")];
    }
    let tone = if broken.hits == 0 { Tone::Committed } else { Tone::Lost };
    let mut line = line.then(tone, odds(broken));
    let mut lines = Vec::new();
    if tested < broken.of {
        let risk = format!("at risk in {}", grouped(tested));
        if WIDTH < line.width() + 2 + risk.len() {
            lines.push(std::mem::take(&mut line));
            line.push(Tone::Quiet, format!("{:NAME$}{risk}", ""));
        } else {
            line.push(Tone::Quiet, format!("; {risk}"));
        }
    }
    lines.push(line);
    if let Some((first, worst)) = first_and_worst {
        let seed = |run: usize| sweep.seeds.get(run).copied().unwrap_or_default();
        let count = setting.counts(claim).get(worst).copied().flatten().unwrap_or_default();
        let text = format!(
            "{:NAME$}first seed {}, worst seed {} ({})",
            "",
            seed(first),
            seed(worst),
            grouped(count)
        );
        lines.push(Line::of(Tone::Quiet, text));
    }
    lines
}

/// Tells how to see the first run that breaks something.
fn again(sweep: &Sweep, setting: &Setting) -> Vec<Line> {
    let odds = Claim::ALL.iter().map(|&claim| setting.odds(claim));
    let Some((first, _)) = odds.filter_map(|odds| odds.first_and_worst).next() else {
        return Vec::new();
    };
    let seed = sweep.seeds.get(first).copied().unwrap_or_default();
    replay(&format!("{} --seed {seed}", setting.again), 2, &EN)
}

fn never_broken(settings: &[Setting], claims: &[Claim], runs: u64) -> Vec<Line> {
    if claims.is_empty() {
        return Vec::new();
    }
    let bound = percent(Share { hits: 0, of: runs }.exact(CONFIDENCE).high);
    let each = if 1 < settings.len() { " in each setting" } else { "" };
    let names: Vec<&str> = claims.iter().map(|claim| claim.name()).collect();
    let count = grouped(runs);
    let text = format!("never broken, so below {bound}{each} (0 of {count}): {}", names.join(", "));
    wrap(&text, WIDTH).into_iter().map(|text| Line::of(Tone::Committed, text)).collect()
}

/// Compares the settings that put a claim to the test with the first of them, pair by pair.
fn comparison(settings: &[Setting], claim: Claim) -> Vec<Line> {
    let tested: Vec<&Setting> = settings.iter().filter(|it| 0 < it.odds(claim).tested).collect();
    let Some((first, others)) = tested.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return Vec::new();
    };
    let title = Line::of(Tone::Strong, claim.name());
    let title = title.then(Tone::Quiet, format!("  broken, compared with {} (A)", first.name));
    let longest = others.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
    // Long names get lines of their own.
    let width = if longest <= BESIDE { longest.max(3) } else { 3 };
    let head = format!(
        "  {:<width$}  {:>7} {:>7} {:>7} {:>7}  {}",
        "B", "both", "only A", "only B", "neither", "B less A, with 95 % interval"
    );
    let mut lines = vec![Line::default(), title, Line::of(Tone::Quiet, head)];
    for other in others {
        let beside = if longest <= BESIDE { other.name.as_str() } else { "" };
        if longest > BESIDE {
            lines.push(Line::plain(format!("  {}", other.name)));
        }
        let pairs = first.pairs(other, claim);
        let Pairs { both, first_only, second_only, neither } = pairs;
        let counts = [both, first_only, second_only, neither];
        let counts = counts.map(|it| format!("{:>7}", grouped(it)));
        lines.push(Line::plain(format!(
            "  {beside:<width$}  {}  {}, {}",
            counts.join(" "),
            difference(pairs),
            significance(pairs.significance())
        )));
    }
    lines
}

/// Breaks a paragraph into lines.
pub fn sentences(text: &str) -> Vec<Line> {
    wrap(text, WIDTH).into_iter().map(|text| Line::of(Tone::Quiet, text)).collect()
}
