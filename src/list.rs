//! `trial list`: the vocabulary, one line each.

use model::config::{
    BrokerConfig, ConsumerConfig, ControllerConfig, ProducerConfig, SettingInfo, TopicConfig,
};
use model::message::{ErrorCode, Remedy};
use model::mutant::Mutant;
use reports::text::{Line, Tone, WIDTH, wrap};
use reports::vocabulary::{ERRORS, FACTS, FAULTS, RULES};
use reports::words::Words;
use scenarios::vocabulary::{self, VERBS};
use scenarios::{Overrides, codes::Code, library, parse};
use serde_json::json;
use sim::verdict::{Anomaly, Claim};

use crate::error::CliError;
use crate::ui::{Format, Ui};

/// List what there is: scenarios, claims, settings …
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// What to list
    what: What,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Scenarios of the library
    Scenarios,
    /// Guarantees that a scenario can expect to hold or to break
    Claims,
    /// The evidence against claims
    Anomalies,
    /// What the world can do to nodes, links and disks
    Faults,
    /// What the steps of a scenario can do
    Verbs,
    /// Random faults: what `[nemesis]` allows
    Nemesis,
    /// Protocol eras
    Rules,
    /// Rules of the protocol broken on purpose
    Mutants,
    /// Kafka's settings that the model obeys
    Settings,
    /// What a history can hold
    Facts,
    /// Kafka's error codes
    Errors,
    /// Mistakes in scenario files
    Codes,
}

/// Prints one line per word.
pub fn list(args: &ListArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let words = words(args.what, ui.words_in(args.format));
    let width = words.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, meaning) in &words {
        match args.format {
            Format::Json => ui.json(&json!({ "v": 1, "name": name, "meaning": meaning }))?,
            Format::Human => {
                let mut head = name.as_str();
                for part in wrap(meaning, WIDTH - width - 2) {
                    let line = Line::of(Tone::Strong, format!("{head:<width$}  "));
                    ui.lines(&[line.then(Tone::Plain, part)])?;
                    head = "";
                }
            }
        }
    }
    Ok(0)
}

/// Returns the words of one kind, each with what it means.
pub fn words(what: What, told: &Words) -> Vec<(String, String)> {
    let owned = |table: &[(&str, &str)]| {
        table.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
    };
    match what {
        What::Scenarios => {
            library().iter().map(|it| (it.name.to_owned(), title(it, told))).collect()
        }
        What::Claims => named(Claim::ALL.iter().map(|it| (it.name(), (told.meaning)(*it)))),
        What::Anomalies => named(Anomaly::ALL.iter().map(|it| (it.name(), (told.anomaly)(*it)))),
        What::Faults => owned(FAULTS),
        What::Verbs => owned(VERBS),
        What::Nemesis => named(vocabulary::nemesis()),
        What::Rules => owned(RULES),
        What::Mutants => named(Mutant::ALL.iter().map(|it| (it.name(), it.meaning()))),
        What::Facts => owned(FACTS),
        What::Errors => ErrorCode::ALL.iter().map(|&code| error(code)).collect(),
        What::Codes => named(Code::ALL.iter().map(|it| (it.name(), it.title()))),
        What::Settings => settings(),
    }
}

fn named<'t>(words: impl Iterator<Item = (&'t str, &'t str)>) -> Vec<(String, String)> {
    words.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Returns an error's name, number and meaning, and what a client does about it.
fn error(code: ErrorCode) -> (String, String) {
    let known = ERRORS.iter().find(|(name, _)| *name == code.name());
    let meaning = known.map_or_else(String::new, |(_, meaning)| format!("{meaning} "));
    let remedy = match code.remedy() {
        _ if code == ErrorCode::None => "",
        Remedy::GiveUp => "Final for a client.",
        Remedy::Retry => "A client may try again.",
        Remedy::RefreshAndRetry => "A client asks for fresh metadata and tries again.",
    };
    (code.name().to_owned(), format!("Kafka's error {}. {meaning}{remedy}", code.code()))
}

fn title(entry: &scenarios::LibraryEntry, words: &Words) -> String {
    match parse(entry.name, entry.source, &Overrides::default()) {
        Ok((scenario, _)) => words.of(&scenario.title).to_owned(),
        Err(_) => "(cannot be read)".to_owned(),
    }
}

/// Returns every setting with the kind of process that has it and its default.
fn settings() -> Vec<(String, String)> {
    let named = |(kind, _, SettingInfo { name, default, doc }): (&str, _, SettingInfo)| {
        let default = if default.is_empty() { "none".to_owned() } else { default };
        (name.to_owned(), format!("{doc} ({kind}, default {default})"))
    };
    every_setting().into_iter().map(named).collect()
}

/// Returns every setting with the kind of process that has it, and who obeys it if it is set
/// where.
pub fn every_setting() -> Vec<(&'static str, &'static str, SettingInfo)> {
    let kinds: [(&str, &str, Vec<SettingInfo>); 5] = [
        ("broker", "[cluster.broker]; brokers obey it", BrokerConfig::list()),
        (
            "topic",
            "[topics.NAME] config; its leader, its followers and the controller obey it",
            TopicConfig::list(),
        ),
        ("controller", "[cluster.broker]; the controller obeys it", ControllerConfig::list()),
        ("producer", "[producers.NAME] config; the producer obeys it", ProducerConfig::list()),
        (
            "consumer",
            "[consumers.NAME], [groups.NAME] or [apps.NAME] config; the consumer obeys it",
            ConsumerConfig::list(),
        ),
    ];
    let of = |(kind, place, settings): (&'static str, &'static str, Vec<SettingInfo>)| {
        settings.into_iter().map(move |setting| (kind, place, setting))
    };
    kinds.into_iter().flat_map(of).collect()
}
