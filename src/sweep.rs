//! `trial sweep`: many seeds of many settings, told as odds.

use std::path::{Path, PathBuf};
use std::{fs, io};

use reports::json;
use reports::sweep::chance::{Judged, judge, told};
use reports::sweep::text::{report, sentences};
use reports::sweep::{Setting, Sweep, VERSION};
use reports::text::{Line, Tone, fill};
use reports::words::Words;
use scenarios::search::campaign::of_campaign;
use scenarios::{Class, Overrides};
use sim::outcome::Outcome;
use sim::verdict::{Claim, Verdict};
use sim::{KeepHistory, Options};

use crate::args::{Selection, quoted, split, typed};
use crate::artefacts;
use crate::error::CliError;
use crate::load::{self, Loaded};
use crate::progress::Progress;
use crate::seeds::{Jobs, Runs, Seed};
use crate::ui::{Format, Ui};
use crate::work::{self, Next, Unit};

/// Runs of one call.
const RUNS_MAX: u64 = 10_000_000;
/// Settings of one call.
const SETTINGS_MAX: usize = 1_000;
/// Exit code of a history that does not come again.
const NOT_DETERMINISTIC: u8 = 4;
/// Exit code after ^C.
const INTERRUPTED: u8 = 130;

/// Run many seeds of many settings and say how often each claim breaks
#[derive(Debug, clap::Args)]
pub struct SweepArgs {
    /// Scenario files, folders of them, or names from the library
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Runs of each setting; fix it beforehand: stopping when it looks good is how intervals lie
    #[arg(long, value_name = "N", required = true, allow_negative_numbers = true)]
    runs: Runs,
    /// Run with each of these values: a path and values; several flags multiply
    #[arg(long, value_name = "PATH=A,B,C")]
    vary: Vec<String>,
    /// Seed that the seeds of all runs come from [default: the first scenario's own]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<Seed>,
    /// Change anything in the file: a path and a value
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Change a rule of the protocol
    #[arg(long, value_name = "NAME=VALUE")]
    rules: Vec<String>,
    /// Only the matrix cases with this setting
    #[arg(long, value_name = "KEY=VALUE")]
    case: Vec<String>,
    /// Events after which a trial is stopped
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_events: Option<u64>,
    /// Trials at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "TRIAL_JOBS", allow_negative_numbers = true)]
    jobs: Option<Jobs>,
    /// Write sweep.json, which `trial plot` draws, into this folder
    #[arg(long, value_name = "DIR", env = "TRIAL_OUT")]
    out: Option<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// One setting: which file and case it is.
#[derive(Clone, Copy)]
struct Place {
    loaded: usize,
    case: usize,
    is_own: IsOwn,
}

/// Whether a setting is what the file itself says. What a file expects of a chance is about
/// that, and not about what `--vary` makes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IsOwn {
    Yes,
    No,
}

/// What is to be run, and where what it comes to is kept; a place per setting.
type Prepared = (Vec<Loaded>, Vec<Place>, Vec<Setting>);

/// A seed that the report names, to be run once more.
struct Named {
    setting: usize,
    claim: Claim,
    seed: u64,
    count: u64,
}

/// Returns 1 if a chance is not as expected, 3 if that is not certain.
pub fn sweep(args: &SweepArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let (loaded, places, settings) = prepared(args, ui)?;
    if let Some(folder) = &args.out {
        artefacts::prepare(folder)?;
    }
    let own = loaded.first().map_or(1, |file| file.scenario.seed);
    let campaign = args.seed.map_or(own, |seed| seed.0);
    let runs = args.runs.0;
    let total = runs.checked_mul(places.len() as u64).filter(|total| *total <= RUNS_MAX);
    let Some(total) = total else {
        let message = format!("{runs} runs of {} settings are too many", places.len());
        return Err(CliError::usage(message, "A sweep has at most 10,000,000 runs."));
    };
    let seeds: Vec<u64> = (0..runs).map(|run| of_campaign(campaign, run)).collect();
    let again = again(args, campaign);
    let mut sweep = Sweep { v: VERSION, campaign, runs, again, seeds, settings };
    work::watch_interrupts();
    let mut progress = Progress::new("sweep", total);
    run_all(args, (&loaded, &places), &mut sweep, &mut progress)?;
    progress.finish();
    let interrupted = work::interrupted();
    if let Some(folder) = &args.out {
        write(folder, &sweep)?;
    }
    let chances = chances(&loaded, &places, &sweep, ui.words_in(args.format));
    match args.format {
        Format::Human => print(&sweep, &chances, ui)?,
        Format::Json => print_json(&sweep, &chances, ui)?,
    }
    if interrupted {
        ui.note(ui.words.sweep.cut_short)?;
        return Ok(INTERRUPTED);
    }
    if !verified(&loaded, &places, &sweep, ui)? {
        return Ok(NOT_DETERMINISTIC);
    }
    if args.format == Format::Human {
        ui.lines(&sentences(ui.words.sweep.came_again))?;
    }
    let unfinished = sweep.settings.iter().any(|setting| 0 < setting.unfinished);
    let worst = chances.iter().map(|(judged, _)| *judged).max();
    Ok(match worst {
        Some(Judged::Failed) => Class::Unexpected.exit_code(),
        _ if unfinished => Class::Unexpected.exit_code(),
        Some(Judged::Undecided) => Class::Untested.exit_code(),
        Some(Judged::Met) | None => 0,
    })
}

/// Reads every file once for each choice of what varies.
fn prepared(args: &SweepArgs, ui: &mut Ui) -> Result<Prepared, CliError> {
    let (mut loaded, mut places, mut settings) = (Vec::new(), Vec::new(), Vec::new());
    let choices = choices(&args.vary)?;
    for file in &args.files {
        let mut own = Vec::new();
        let plain = load::scenarios(std::slice::from_ref(file), &selection_overrides(args)?, ui)?;
        for varied in &choices {
            let selection = selection(args, varied);
            let mut overrides = selection_overrides(args)?;
            overrides.vary.clone_from(varied);
            let read = load::scenarios(std::slice::from_ref(file), &overrides, ui)?;
            own.extend(read.into_iter().enumerate().map(|it| (it, selection.clone(), varied)));
        }
        // A folder holds several scenarios: all settings of one before those of the next.
        own.sort_by_key(|((place, _), ..)| *place);
        for ((place, file), selection, varied) in own {
            for case in selection.cases(&file.scenario)? {
                let settings_of = &file.scenario.cases[case];
                let mut values = varied.clone();
                values.extend(settings_of.settings.iter().cloned());
                let names = [named(varied), settings_of.name.clone()];
                let name = names.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>();
                let mut again = vec!["trial run".to_owned(), quoted(&file.given)];
                again.extend(selection.flags(&settings_of.settings));
                let (again, name) = (again.join(" "), name.join(","));
                settings.push(Setting::new(&file.scenario.name, &name, values, again));
                let mut own = plain[place].scenario.cases.iter();
                let is_own = match own.any(|it| it.plan == settings_of.plan) {
                    true => IsOwn::Yes,
                    false => IsOwn::No,
                };
                places.push(Place { loaded: loaded.len(), case, is_own });
            }
            loaded.push(file);
        }
    }
    if SETTINGS_MAX < places.len() {
        let message = format!("{} settings are too many", places.len());
        return Err(CliError::usage(message, "Vary fewer values at a time."));
    }
    Ok((loaded, places, settings))
}

/// Returns every combination of the values of `--vary`, the last flag changing fastest.
pub fn choices(vary: &[String]) -> Result<Vec<Vec<(String, String)>>, CliError> {
    let mut choices = vec![Vec::new()];
    for text in vary {
        let (path, values) = split("--vary", text)?;
        let values = Overrides::alternatives(&values);
        if values.iter().any(String::is_empty) {
            let message = format!("--vary {text:?} has an empty value");
            return Err(CliError::usage(message, "Write --vary path=a,b,c."));
        }
        let longer = choices.iter().flat_map(|choice: &Vec<(String, String)>| {
            values.iter().map(|value| {
                let mut longer = choice.clone();
                longer.push((path.clone(), value.clone()));
                longer
            })
        });
        choices = longer.collect();
        if SETTINGS_MAX < choices.len() {
            let message = format!("--vary makes more than {SETTINGS_MAX} settings");
            return Err(CliError::usage(message, "Vary fewer values at a time."));
        }
    }
    Ok(choices)
}

/// Names a choice: the end of each path, and its value.
pub fn named(varied: &[(String, String)]) -> String {
    let ends: Vec<String> =
        varied.iter().map(|(path, _)| Overrides::name_of(path).unwrap_or_default()).collect();
    let name = |(at, (path, value)): (usize, &(String, String))| {
        let is_alone = ends.iter().filter(|end| **end == ends[at]).count() == 1;
        format!("{}={value}", if is_alone { &ends[at] } else { path })
    };
    varied.iter().enumerate().map(name).collect::<Vec<_>>().join(",")
}

/// Returns the flags that `trial run` needs for one choice.
fn selection(args: &SweepArgs, varied: &[(String, String)]) -> Selection {
    let mut set = args.set.clone();
    set.extend(varied.iter().map(|(path, value)| format!("{path}={value}")));
    Selection {
        files: args.files.clone(),
        seed: None,
        seeds: None,
        set,
        rules: args.rules.clone(),
        case: args.case.clone(),
        max_events: args.max_events,
        jobs: args.jobs,
    }
}

fn selection_overrides(args: &SweepArgs) -> Result<Overrides, CliError> {
    selection(args, &[]).overrides()
}

/// Returns the command that makes the sweep again.
fn again(args: &SweepArgs, campaign: u64) -> String {
    let mut words = vec!["trial sweep".to_owned()];
    words.extend(args.files.iter().map(|file| quoted(&typed(file))));
    words.push(format!("--runs {} --seed {campaign}", args.runs.0));
    words.extend(args.vary.iter().map(|vary| format!("--vary {}", quoted(vary))));
    words.extend(args.case.iter().map(|case| format!("--case {}", quoted(case))));
    words.extend(selection(args, &[]).flags(&[]));
    words.join(" ")
}

/// Runs every setting with every seed. All settings get a seed before the next seed begins,
/// so that what an interrupt leaves is still in pairs.
fn run_all(
    args: &SweepArgs,
    (loaded, places): (&[Loaded], &[Place]),
    sweep: &mut Sweep,
    progress: &mut Progress,
) -> Result<(), CliError> {
    let unit =
        |seed: u64| move |place: &Place| Unit { scenario: place.loaded, case: place.case, seed };
    let units: Vec<Unit> =
        sweep.seeds.iter().flat_map(|&seed| places.iter().map(unit(seed))).collect();
    let mut next = 0;
    let jobs = selection(args, &[]).jobs();
    work::all(loaded, &units, (jobs, options()), |_, trial, _| {
        let settings = sweep.settings.len();
        sweep.settings[next % settings].take(&trial.outcome);
        next += 1;
        progress.take();
        Ok::<Next, CliError>(Next::More)
    })
}

fn options() -> Options {
    Options { keep_history: KeepHistory::No, ..Options::default() }
}

fn write(folder: &Path, sweep: &Sweep) -> Result<(), CliError> {
    let text = serde_json::to_string(sweep).map_err(io::Error::from)?;
    fs::write(folder.join("sweep.json"), text + "\n")?;
    Ok(())
}

/// Judges the chances that files expect.
fn chances(
    loaded: &[Loaded],
    places: &[Place],
    sweep: &Sweep,
    words: &Words,
) -> Vec<(Judged, String)> {
    let mut judged = Vec::new();
    let own = |(place, _): &(&Place, _)| place.is_own == IsOwn::Yes;
    for (place, setting) in places.iter().zip(&sweep.settings).filter(own) {
        let file = &loaded[place.loaded];
        for chance in &file.scenario.cases[place.case].chances {
            let broken = setting.odds(chance.claim).broken;
            let place = match setting.name.as_str() {
                "" => setting.scenario.clone(),
                name => format!("{} [{name}]", setting.scenario),
            };
            let (line, text) = (chance.line.to_string(), told(chance, broken, &words.sweep));
            let text = fill(words.sweep.at_line, &[&place, &line, &text]);
            judged.push((judge(chance, broken), text));
        }
    }
    judged
}

fn print(sweep: &Sweep, chances: &[(Judged, String)], ui: &mut Ui) -> Result<(), CliError> {
    ui.lines(&report(sweep, ui.words))?;
    if !chances.is_empty() {
        ui.lines(&[Line::default(), Line::of(Tone::Strong, ui.words.sweep.chances)])?;
    }
    for (_, text) in chances {
        ui.lines(&sentences(text))?;
    }
    Ok(())
}

fn print_json(sweep: &Sweep, chances: &[(Judged, String)], ui: &mut Ui) -> Result<(), CliError> {
    for setting in &sweep.settings {
        ui.json(&json::odds(sweep, setting))?;
    }
    for (judged, text) in chances {
        ui.json(&json::chance(*judged, text))?;
    }
    ui.json(&json::sweep_summary(sweep))?;
    Ok(())
}

/// Runs the seeds that the report names once more, and says if one came otherwise.
fn verified(
    loaded: &[Loaded],
    places: &[Place],
    sweep: &Sweep,
    ui: &mut Ui,
) -> Result<bool, CliError> {
    let mut all_same = true;
    for Named { setting, claim, seed, count } in named_seeds(sweep) {
        let Place { loaded: file, case, .. } = places[setting];
        let unit = Unit { scenario: file, case, seed };
        let outcome = work::trial(loaded, unit, options()).outcome;
        if broken(&outcome, claim) != count {
            all_same = false;
            let again = &sweep.settings[setting].again;
            let text = format!("error: {again} --seed {seed} broke {} otherwise", claim.name());
            ui.note(&text)?;
        }
    }
    Ok(all_same)
}

fn named_seeds(sweep: &Sweep) -> Vec<Named> {
    let mut named = Vec::new();
    for (at, setting) in sweep.settings.iter().enumerate() {
        for &claim in Claim::ALL {
            let Some((first, worst)) = setting.odds(claim).first_and_worst else { continue };
            for run in [first, worst] {
                let count = setting.counts(claim)[run].unwrap_or_default();
                named.push(Named { setting: at, claim, seed: sweep.seeds[run], count });
            }
        }
    }
    named.dedup_by_key(|it| (it.setting, it.claim, it.seed));
    named
}

fn broken(outcome: &Outcome, claim: Claim) -> u64 {
    let finding = outcome.judgement.findings.iter().find(|finding| finding.claim == claim);
    match finding.map(|finding| &finding.verdict) {
        Some(Verdict::Breaks(evidence)) => evidence.count,
        Some(Verdict::Holds | Verdict::Untested(_)) | None => 0,
    }
}
