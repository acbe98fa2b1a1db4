//! The report of a sweep: odds per setting and claim, and paired comparisons.

use sim::verdict::Claim;

use crate::stats::CONFIDENCE;
use crate::stats::pairs::Pairs;
use crate::stats::share::Share;
use crate::stats::words::{difference, odds, percent};
use crate::sweep::{Odds, Setting, Sweep};
use crate::text::{Line, Tone, WIDTH, counted, fill, flush_right, grouped, wrap};
use crate::verdict::replay;
use crate::words::{SweepWords, Words};

/// Columns of a claim's name and the blanks around it.
const NAME: usize = 32;
/// Columns of a setting's name beside the counts of pairs, at most.
const BESIDE: usize = 20;
/// Columns of a count of pairs.
const COUNT: usize = 7;

/// Draws everything that a sweep found.
pub fn report(sweep: &Sweep, words: &Words) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, settings) in sweep.scenarios() {
        if at != 0 {
            lines.push(Line::default());
        }
        lines.extend(scenario(sweep, settings, words));
    }
    lines.push(Line::default());
    lines.extend(sentences(words.sweep.brackets));
    lines.extend(sentences(words.sweep.meaning));
    lines
}

fn scenario(sweep: &Sweep, settings: &[Setting], words: &Words) -> Vec<Line> {
    let Some(first) = settings.first() else { return Vec::new() };
    let runs = settings.iter().map(Setting::runs).max().unwrap_or(0) as u64;
    let says = &words.sweep;
    let mut lines = head(sweep, (first, settings.len(), runs), words);
    let (shown, quiet) = split(settings);
    for setting in settings {
        lines.push(Line::default());
        if !setting.name.is_empty() {
            lines.push(Line::of(Tone::Strong, setting.name.clone()));
        }
        for &claim in &shown {
            lines.extend(claim_lines(sweep, setting, claim, words));
        }
        lines.extend(again(sweep, setting, words));
        if 0 < setting.unfinished {
            let counts = [setting.unfinished, runs].map(|it| it.to_string());
            let text = fill(says.unfinished, &[&counts[0], &counts[1]]);
            lines.push(Line::of(Tone::Lost, format!("  {text}")));
        }
    }
    lines.push(Line::default());
    lines.extend(never_broken(settings, &quiet, runs, words));
    for &claim in &shown {
        lines.extend(comparison(settings, claim, says));
    }
    lines
}

fn head(
    sweep: &Sweep,
    (first, settings, runs): (&Setting, usize, u64),
    words: &Words,
) -> Vec<Line> {
    let says = &words.sweep;
    let form = if 1 < settings { says.head_of_many } else { says.head };
    let runs = counted(runs, words.fuzz.runs);
    let head = fill(form, &[&runs, &sweep.campaign.to_string(), &settings.to_string()]);
    let title = Line::of(Tone::Strong, first.scenario.clone());
    let beside = title.clone().then(Tone::Quiet, format!("  {head}"));
    match beside.width() <= WIDTH {
        true => vec![beside],
        false => vec![title, Line::of(Tone::Quiet, head)],
    }
}

/// Tells the claims that some run breaks from those that none does but some put to the test.
fn split(settings: &[Setting]) -> (Vec<Claim>, Vec<Claim>) {
    let odds = |claim| settings.iter().map(move |setting| setting.odds(claim));
    let tested = Claim::ALL.iter().filter(|&&claim| odds(claim).any(|it| 0 < it.tested));
    tested.partition(|&&claim| odds(claim).any(|it| 0 < it.broken.hits))
}

fn claim_lines(sweep: &Sweep, setting: &Setting, claim: Claim, words: &Words) -> Vec<Line> {
    let says = &words.sweep;
    let Odds { broken, tested, first_and_worst } = setting.odds(claim);
    let name = format!("  {:<width$}", claim.name(), width = NAME - 2);
    let line = Line::plain(name);
    if tested == 0 {
        return vec![line.then(Tone::Risk, words.untested)];
    }
    let tone = if broken.hits == 0 { Tone::Committed } else { Tone::Lost };
    let mut line = line.then(tone, odds(broken, says));
    let mut lines = Vec::new();
    if tested < broken.of {
        let risk = fill(says.at_risk, &[&grouped(tested)]);
        let beside = Line::of(Tone::Quiet, format!("{}{risk}", words.grammar.joint));
        if WIDTH < line.width() + beside.width() {
            lines.push(std::mem::take(&mut line));
            line.push(Tone::Quiet, format!("{:NAME$}{risk}", ""));
        } else {
            line.append(beside);
        }
    }
    lines.push(line);
    if let Some((first, worst)) = first_and_worst {
        let seed = |run: usize| sweep.seeds.get(run).copied().unwrap_or_default().to_string();
        let count = setting.counts(claim).get(worst).copied().flatten().unwrap_or_default();
        let text = fill(says.seeds, &[&seed(first), &seed(worst), &grouped(count)]);
        lines.push(Line::of(Tone::Quiet, format!("{:NAME$}{text}", "")));
    }
    lines
}

/// Tells how to see the first run that breaks something.
fn again(sweep: &Sweep, setting: &Setting, words: &Words) -> Vec<Line> {
    let odds = Claim::ALL.iter().map(|&claim| setting.odds(claim));
    let Some((first, _)) = odds.filter_map(|odds| odds.first_and_worst).next() else {
        return Vec::new();
    };
    let seed = sweep.seeds.get(first).copied().unwrap_or_default();
    replay(&format!("{} --seed {seed}", setting.again), 2, words)
}

fn never_broken(settings: &[Setting], claims: &[Claim], runs: u64, words: &Words) -> Vec<Line> {
    if claims.is_empty() {
        return Vec::new();
    }
    let bound = percent(Share { hits: 0, of: runs }.exact(CONFIDENCE).high);
    let says = &words.sweep;
    let form = if 1 < settings.len() { says.never_in_each } else { says.never };
    let names: Vec<&str> = claims.iter().map(|claim| claim.name()).collect();
    let text = fill(form, &[&bound, &grouped(runs), &names.join(words.grammar.list)]);
    wrap(&text, WIDTH).into_iter().map(|text| Line::of(Tone::Committed, text)).collect()
}

/// Compares the settings that put a claim to the test with the first of them, pair by pair.
fn comparison(settings: &[Setting], claim: Claim, says: &SweepWords) -> Vec<Line> {
    let tested: Vec<&Setting> = settings.iter().filter(|it| 0 < it.odds(claim).tested).collect();
    let Some((first, others)) = tested.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return Vec::new();
    };
    let title = Line::of(Tone::Strong, claim.name());
    let title = title.then(Tone::Quiet, format!("  {}", fill(says.compared, &[&first.name])));
    let longest = others.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
    // Long names get lines of their own.
    let width = if longest <= BESIDE { longest.max(3) } else { 3 };
    let columns = says.pairs.map(|it| flush_right(it, COUNT)).join(" ");
    let head = format!("  {:<width$}  {columns}  {}", says.other, says.less);
    let mut lines = vec![Line::default(), title, Line::of(Tone::Quiet, head)];
    for other in others {
        let beside = if longest <= BESIDE { other.name.as_str() } else { "" };
        if longest > BESIDE {
            lines.push(Line::plain(format!("  {}", other.name)));
        }
        let pairs = first.pairs(other, claim);
        let Pairs { both, first_only, second_only, neither } = pairs;
        let counts = [both, first_only, second_only, neither];
        let counts = counts.map(|it| flush_right(&grouped(it), COUNT)).join(" ");
        let difference = difference(pairs, says);
        lines.push(Line::plain(format!("  {beside:<width$}  {counts}  {difference}")));
    }
    lines
}

/// Breaks a paragraph into lines.
pub fn sentences(text: &str) -> Vec<Line> {
    wrap(text, WIDTH).into_iter().map(|text| Line::of(Tone::Quiet, text)).collect()
}
