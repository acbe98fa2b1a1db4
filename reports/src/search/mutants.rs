//! Who notices rules that are broken on purpose, and how soon: tables, and JSON lines.

use std::collections::{BTreeMap, BTreeSet};

use scenarios::search::mutants::{Chased, Deviation, Kill, Notice, runs_until, view};
use scenarios::search::violation::Violation;
use serde_json::{Value, json};
use sim::verdict::{Claim, View};

use crate::json::VERSION;
use crate::text::{Line, Tone, WIDTH, counted, fill, flush_right, grouped, padded, wrap};
use crate::words::{Mutants, Words};

/// Columns of a rule's name.
const RULE: usize = 28;
/// Columns of a number.
const NUMBER: usize = 8;
/// Columns of a claim in the matrix.
const CELL: usize = 2;
/// Shares of the campaigns whose runs are told, in percent.
const SHARES: [usize; 2] = [50, 90];

/// What was found out about one broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The rule.
    pub deviation: Deviation,
    /// The scenarios of the library that notice.
    pub notices: Vec<Notice>,
    /// How the campaigns went, by source.
    pub chased: Vec<Vec<Chased>>,
}

/// What was found out about all of them.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    /// The names of the sources.
    pub sources: &'a [String],
    /// Where the seeds of the first campaign came from; the others count on.
    pub campaign: u64,
    /// Campaigns of each source, at least 1.
    pub campaigns: u64,
    /// Runs of a campaign, at most.
    pub runs: u64,
    /// One for each rule, in order.
    pub tried: &'a [Tried],
    /// Whether the scenarios that notice are listed one by one.
    pub lists_scenarios: bool,
    /// Whether somebody stopped it before all rules were tried.
    pub cut_short: bool,
}

impl Tried {
    /// Says whether some search noticed.
    pub fn is_killed(&self) -> bool {
        self.all().any(|chased| chased.killed.is_some())
    }

    /// Says whether some search noticed by what applications know.
    pub fn is_seen(&self) -> bool {
        self.all().any(|chased| chased.seen.is_some())
    }

    fn all(&self) -> impl Iterator<Item = &Chased> {
        self.chased.iter().flatten()
    }

    /// Returns what broke in the runs that killed, all campaigns together.
    fn violations(&self) -> BTreeSet<&Violation> {
        let kills = self.all().flat_map(|chased| [&chased.killed, &chased.seen]);
        kills.flatten().flat_map(|kill| &kill.violations).collect()
    }

    /// Returns the claims of scenarios that came out otherwise.
    fn claims(&self) -> BTreeSet<Claim> {
        self.notices.iter().flat_map(|notice| &notice.claims).copied().collect()
    }
}

impl Tally<'_> {
    /// Returns the rules that survive: nobody notices them, or no search does.
    pub fn survivors(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|it| it.notices.is_empty() || !it.is_killed())
    }
}

/// Draws everything that was found out.
pub fn lines(tally: &Tally<'_>, words: &Words) -> Vec<Line> {
    let says = &words.mutants;
    let mut lines = vec![head(tally, says)];
    for (at, source) in tally.sources.iter().enumerate() {
        lines.push(Line::default());
        lines.extend(table(tally, (at, source), says));
    }
    lines.push(Line::default());
    lines.extend(matrix(tally, says));
    lines.push(Line::default());
    lines.extend(gaps(tally, says));
    if tally.lists_scenarios {
        for tried in tally.tried {
            lines.push(Line::default());
            lines.extend(notices(tried, says));
        }
    }
    lines.push(Line::default());
    let about = |text| wrap(text, WIDTH).into_iter().map(|text| Line::of(Tone::Quiet, text));
    lines.extend(about(says.meaning));
    if tally.tried.iter().any(|it| it.deviation.is_canary() && !it.is_killed()) {
        lines.push(Line::of(Tone::Lost, says.canary));
    }
    if tally.cut_short {
        lines.push(Line::of(Tone::Risk, says.cut_short));
    }
    lines
}

fn head(tally: &Tally<'_>, says: &Mutants) -> Line {
    let count = |is_so: fn(&Tried) -> bool| {
        let count = tally.tried.iter().filter(|it| is_so(it)).count() as u64;
        let tone = if count == tally.tried.len() as u64 { Tone::Committed } else { Tone::Lost };
        (tone, grouped(count))
    };
    let (noticed, killed) = (count(|it| !it.notices.is_empty()), count(Tried::is_killed));
    Line::of(Tone::Strong, counted(tally.tried.len() as u64, says.head))
        .then(noticed.0, fill(says.noticed, &[&noticed.1]))
        .then(Tone::Plain, says.joint)
        .then(killed.0, fill(says.killed, &[&killed.1]))
}

/// Draws how soon the campaigns of one source noticed.
fn table(tally: &Tally<'_>, (at, source): (usize, &str), says: &Mutants) -> Vec<Line> {
    let campaigns = counted(tally.campaigns, says.campaigns);
    let runs = counted(tally.runs, says.runs);
    let title = fill(says.source, &[source, &campaigns, &runs]);
    let [median, most] = says.columns;
    let group = |name: &str| padded(&format!("  {name}"), 2 + 3 * NUMBER);
    let heads = format!("{}{}{}", padded("", RULE), group(says.by_any), group(says.by_clients));
    let numbers = |first: &str| [first, median, most].map(right).concat();
    let columns = format!("{}{}  {}", padded(says.rule, RULE), numbers(""), numbers(""));
    let mut lines = vec![
        Line::of(Tone::Strong, title),
        Line::of(Tone::Quiet, heads.trim_end()),
        Line::of(Tone::Quiet, columns.trim_end()),
    ];
    lines.extend(tally.tried.iter().map(|tried| {
        let chased = &tried.chased[at];
        let mut line = Line::plain(padded(&tried.deviation.id(), RULE));
        let killed: Vec<_> = chased.iter().map(|it| it.killed.as_ref()).collect();
        let seen: Vec<_> = chased.iter().map(|it| it.seen.as_ref()).collect();
        for (gap, kills) in [("", killed), ("  ", seen)] {
            line.push(Tone::Plain, gap);
            let (tone, text) = soon(&kills);
            line.push(tone, text);
        }
        line
    }));
    lines
}

/// Writes how many campaigns noticed, and after how many runs.
fn soon(kills: &[Option<&Kill>]) -> (Tone, String) {
    let hits = kills.iter().flatten().count();
    let tone = if hits == kills.len() { Tone::Plain } else { Tone::Risk };
    let tone = if hits == 0 { Tone::Lost } else { tone };
    let runs = SHARES.map(|share| match kills {
        [] => right("–"),
        kills => right(&runs_until(share, kills).map_or("–".to_owned(), grouped)),
    });
    (tone, format!("{}{}", right(&format!("{hits}/{}", kills.len())), runs.concat()))
}

fn right(text: &str) -> String {
    flush_right(text, NUMBER)
}

/// Draws which claims notice which rule.
fn matrix(tally: &Tally<'_>, says: &Mutants) -> Vec<Line> {
    let mut columns: Vec<(&str, View)> =
        Claim::ALL.iter().map(|claim| (claim.name(), claim.view())).collect();
    columns.push((Violation::Livelock.name(), view(&Violation::Livelock)));
    let assertion = Violation::Assertion(String::new());
    columns.push((assertion.name(), view(&assertion)));
    let mut used = BTreeSet::new();
    let rows = tally.tried.iter().map(|tried| {
        let found: BTreeSet<&str> = tried.violations().iter().map(|it| it.name()).collect();
        let played: BTreeSet<&str> = tried.claims().iter().map(|it| it.name()).collect();
        let mut line = Line::plain(padded(&tried.deviation.id(), RULE));
        line.push(Tone::Plain, right(&grouped(tried.notices.len() as u64)));
        for (name, _) in &columns {
            let (tone, sign) = match (played.contains(name), found.contains(name)) {
                (true, true) => (Tone::Strong, "#"),
                (true, false) => (Tone::Plain, "L"),
                (false, true) => (Tone::Plain, "F"),
                (false, false) => (Tone::Quiet, "·"),
            };
            if sign != "·" {
                used.insert(*name);
            }
            line.push(tone, format!("{sign:>CELL$}"));
        }
        line
    });
    let rows: Vec<Line> = rows.collect();
    let letters: Vec<char> = ('a'..='z').take(columns.len()).collect();
    let heads = letters.iter().map(|letter| format!("{letter:>CELL$}"));
    let library = right(says.library);
    let heads = format!("{}{library}{}", padded("", RULE), heads.collect::<String>());
    let title = Line::of(Tone::Strong, says.matrix);
    let mut lines = vec![title.then(Tone::Quiet, format!("  ({})", says.signs))];
    lines.push(Line::of(Tone::Quiet, heads));
    lines.extend(rows);
    lines.extend(letters.iter().zip(&columns).map(|(letter, (name, view))| {
        let who = match view {
            View::Clients => says.clients,
            View::Truth => says.truth,
        };
        let mut line = Line::of(Tone::Quiet, format!("  {letter}  "));
        line.push(Tone::Plain, padded(name, RULE));
        line.push(Tone::Quiet, who);
        if !used.contains(name) {
            line.push(Tone::Risk, format!("{}{}", says.joint, says.idle));
        }
        line
    }));
    lines
}

/// Lists what nobody noticed; survivors are never hidden.
fn gaps(tally: &Tally<'_>, says: &Mutants) -> Vec<Line> {
    let ids = |is_so: fn(&Tried) -> bool| {
        let such = tally.tried.iter().filter(|it| is_so(it));
        such.map(|it| it.deviation.id()).collect::<Vec<String>>()
    };
    let kinds = [
        (says.unnoticed, ids(|it| it.notices.is_empty())),
        (says.survivors, ids(|it| !it.is_killed())),
        (says.unseen, ids(|it| !it.is_seen())),
    ];
    let mut lines = Vec::new();
    for (name, ids) in kinds {
        let (tone, text) = match ids.is_empty() {
            true => (Tone::Committed, says.none.to_owned()),
            false => (Tone::Risk, ids.join(" ")),
        };
        for (at, part) in wrap(&text, WIDTH - RULE).into_iter().enumerate() {
            let head = if at == 0 { name } else { "" };
            lines.push(Line::of(Tone::Quiet, padded(head, RULE)).then(tone, part));
        }
    }
    lines
}

/// Lists the scenarios that notice one rule.
fn notices(tried: &Tried, says: &Mutants) -> Vec<Line> {
    let id = tried.deviation.id();
    let mut lines = vec![Line::of(Tone::Strong, fill(says.notices, &[&id]))];
    if tried.notices.is_empty() {
        lines.push(Line::of(Tone::Risk, format!("  {}", says.none)));
    }
    // The cases of a scenario that notice by the same claims are one line.
    let mut scenarios: BTreeMap<(&str, &BTreeSet<Claim>), u64> = BTreeMap::new();
    for notice in &tried.notices {
        *scenarios.entry((&notice.scenario, &notice.claims)).or_default() += 1;
    }
    for ((scenario, claims), cases) in scenarios {
        let claims: Vec<&str> = claims.iter().map(|it| it.name()).collect();
        let text = if claims.is_empty() { says.no_claim.to_owned() } else { claims.join(" ") };
        let times = if cases == 1 { String::new() } else { format!(" ×{cases}") };
        lines.push(Line::plain(format!("  {scenario}{times}")));
        let wrapped = wrap(&text, WIDTH - 6).into_iter();
        lines.extend(wrapped.map(|part| Line::of(Tone::Quiet, format!("      {part}"))));
    }
    lines
}

/// Tells about one broken rule.
pub fn json(tried: &Tried, tally: &Tally<'_>) -> Value {
    let library = tried.notices.iter().map(|notice| {
        json!({
            "scenario": notice.scenario,
            "case": notice.case,
            "claims": notice.claims.iter().map(|claim| claim.name()).collect::<Vec<_>>(),
            "cut-short": notice.cut_short,
        })
    });
    let fuzz = tally.sources.iter().zip(&tried.chased).map(|(source, chased)| {
        let campaigns = (tally.campaign..).zip(chased).map(|(campaign, chased)| {
            json!({
                "campaign": campaign,
                "runs": chased.runs,
                "killed": chased.killed.as_ref().map(kill),
                "seen-by-clients": chased.seen.as_ref().map(kill),
            })
        });
        let killed: Vec<_> = chased.iter().map(|it| it.killed.as_ref()).collect();
        let seen: Vec<_> = chased.iter().map(|it| it.seen.as_ref()).collect();
        json!({
            "source": source,
            "killed": times(&killed),
            "seen-by-clients": times(&seen),
            "campaigns": campaigns.collect::<Vec<_>>(),
        })
    });
    let deviation = tried.deviation;
    let (rule, choice) = deviation.rule();
    json!({
        "v": VERSION,
        "event": "mutant",
        "id": deviation.id(),
        "rule": format!("{rule}={choice}"),
        "canary": deviation.is_canary(),
        "library": library.collect::<Vec<_>>(),
        "fuzz": fuzz.collect::<Vec<_>>(),
    })
}

fn times(kills: &[Option<&Kill>]) -> Value {
    let [median, most] = SHARES.map(|share| match kills {
        [] => None,
        kills => runs_until(share, kills),
    });
    let count = kills.iter().flatten().count();
    json!({ "campaigns": count, "of": kills.len(), "median": median, "p90": most })
}

fn kill(kill: &Kill) -> Value {
    let violations = kill
        .violations
        .iter()
        .map(|violation| json!({ "check": violation.name(), "view": view(violation).name() }));
    json!({
        "runs": kill.runs,
        "seed": kill.seed,
        "violations": violations.collect::<Vec<_>>(),
    })
}

/// Tells about all of them.
pub fn json_summary(tally: &Tally<'_>) -> Value {
    let ids = |is_so: fn(&Tried) -> bool| {
        let wanted = tally.tried.iter().filter(|it| is_so(it));
        wanted.map(|it| it.deviation.id()).collect::<Vec<_>>()
    };
    json!({
        "v": VERSION,
        "event": "summary",
        "sources": tally.sources,
        "campaign": tally.campaign,
        "campaigns": tally.campaigns,
        "runs": tally.runs,
        "mutants": tally.tried.len(),
        "unnoticed": ids(|it| it.notices.is_empty()),
        "survivors": ids(|it| !it.is_killed()),
        "unseen": ids(|it| !it.is_seen()),
        "interrupted": tally.cut_short,
    })
}

#[cfg(test)]
mod tests {
    use model::mutant::Mutant;
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::text::{Colour, Signs, render};
    use crate::words::{EN, ZH};

    fn kill(runs: u64, claim: Claim) -> Kill {
        Kill { runs, seed: 7, violations: vec![Violation::Claim(claim)] }
    }

    fn told(tried: &[Tried], words: &Words) -> String {
        let sources = ["any".to_owned()];
        let tally = Tally {
            sources: &sources,
            campaign: 0,
            campaigns: 2,
            runs: 2_000,
            tried,
            lists_scenarios: true,
            cut_short: true,
        };
        render(&lines(&tally, words), Signs::Unicode, Colour::Plain)
    }

    fn survivor() -> Tried {
        let chased = Chased { runs: 2_000, killed: None, seen: None };
        Tried {
            deviation: Deviation::Mutant(Mutant::CanaryAlways),
            notices: Vec::new(),
            chased: vec![vec![chased.clone(), chased]],
        }
    }

    fn killed() -> Tried {
        let inside =
            Chased { runs: 2_000, killed: Some(kill(1_234, Claim::ReplicasAgree)), seen: None };
        let outside = Chased {
            runs: 40,
            killed: Some(kill(5, Claim::ReplicasAgree)),
            seen: Some(kill(40, Claim::NoAcknowledgedLoss)),
        };
        let claims: BTreeSet<Claim> = [Claim::NoAcknowledgedLoss].into();
        let notice = |case: &str| Notice {
            scenario: "acks-all-leader-crash".to_owned(),
            case: case.to_owned(),
            claims: claims.clone(),
            cut_short: false,
        };
        Tried {
            deviation: Deviation::Mutant(Mutant::AckBeforeIsr),
            notices: vec![notice("a=1"), notice("a=2")],
            chased: vec![vec![inside, outside]],
        }
    }

    #[test]
    fn survivors_are_named_and_a_surviving_canary_is_told_loudly() {
        let text = told(&[survivor()], &EN);

        for part in [
            "1 rule broken on purpose: the library notices 0, searches kill 0",
            "not noticed by the library  canary-always",
            "survives all searches       canary-always",
            "A canary survived",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_tables_say_how_soon_by_what_and_who_could_see_it() {
        let text = told(&[killed()], &EN);

        for part in [
            "ack-before-isr                   2/2       5   1,234       1/2      40       –",
            "ack-before-isr                     2 # ·",
            "  i  replicas-agree              only who sees inside\n",
            "  a  no-acknowledged-loss        clients could prove it\n",
            "  acks-all-leader-crash ×2\n      no-acknowledged-loss",
            "never seen by clients       none",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_report() {
        for words in [&EN, &ZH] {
            let text = told(&[survivor(), killed()], words);
            assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        }
    }
}
