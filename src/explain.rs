//! `trial explain`: one word in one paragraph.

use clap::ValueEnum;
use model::config::{is_unmodelled, topic_synonym};
use model::message::ErrorCode;
use reports::text::{Line, Tone, WIDTH, wrap};
use reports::words::{EN, Words};
use scenarios::{Overrides, codes::Code, parse};

use crate::error::CliError;
use crate::list::{What, every_setting, words};
use crate::suggest::nearest;
use crate::ui::Ui;

/// Explain a claim, anomaly, verb, setting, error, rule, fact, fault, scenario or code
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A word, or the number of one of Kafka's error codes
    #[arg(allow_negative_numbers = true)]
    word: String,
}

/// Prints every meaning of the word.
pub fn explain(args: &ExplainArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let word = args.word.trim();
    let meanings = meanings(word, ui.words);
    if meanings.is_empty() {
        return Err(unknown(word));
    }
    for (head, text) in meanings {
        let mut lines = vec![Line::of(Tone::Strong, head)];
        lines.extend(
            wrap(&text, WIDTH - 4).into_iter().map(|line| Line::plain(format!("  {line}"))),
        );
        ui.lines(&lines)?;
    }
    Ok(0)
}

fn meanings(word: &str, told: &Words) -> Vec<(String, String)> {
    let mut meanings = Vec::new();
    if let Some(code) = Code::by_name(word) {
        let head = format!("{} (mistake in a scenario file): {}", code.name(), code.title());
        meanings.push((head, code.explanation().to_owned()));
    }
    let number: Option<i16> = word.parse().ok();
    let code = number.and_then(|number| ErrorCode::ALL.iter().find(|it| it.code() == number));
    let word = code.map_or(word, |code| code.name());
    if let Some(topic) = topic_synonym(word).filter(|&topic| topic != word) {
        let text = format!("The default of the topics' {topic}, as a broker calls it.");
        meanings.push((format!("{word} (setting)"), text));
    }
    if is_unmodelled(word) {
        let text = "Kafka has this setting, and no rule of the model obeys it: a scenario that sets \
                    it is refused (T016), because a setting without effect proves nothing.";
        meanings.push((format!("{word} (setting that is not modelled)"), text.to_owned()));
    }
    for (kind, place, setting) in every_setting() {
        if setting.name.eq_ignore_ascii_case(word) {
            let default = if setting.default.is_empty() { "none" } else { &setting.default };
            let text = format!("{} The default is {default}. It is set in {place}.", setting.doc);
            meanings.push((format!("{} (setting of a {kind})", setting.name), text));
        }
    }
    let elsewhere = [What::Codes, What::Settings];
    for what in What::value_variants().iter().filter(|what| !elsewhere.contains(what)) {
        for (name, text) in words(*what, told) {
            let last = name.rsplit('=').next().unwrap_or_default();
            if name.eq_ignore_ascii_case(word) || last == word {
                let text = if *what == What::Scenarios { lesson(&name, text, told) } else { text };
                meanings.push((format!("{name} ({})", kind(*what)), text));
            }
        }
    }
    meanings
}

/// Returns a library scenario's title with what it teaches.
fn lesson(name: &str, title: String, words: &Words) -> String {
    let found = scenarios::library::find(name);
    let read = found.and_then(|it| parse(it.name, it.source, &Overrides::default()).ok());
    match read.and_then(|(scenario, _)| scenario.teaches) {
        Some(teaches) => format!("{title}. {}", words.of(&teaches)),
        None => title,
    }
}

fn kind(what: What) -> &'static str {
    match what {
        What::Scenarios => "scenario",
        What::Claims => "claim",
        What::Anomalies => "anomaly",
        What::Faults => "fault",
        What::Verbs => "verb of a step",
        What::Nemesis => "random fault",
        What::Rules => "rule",
        What::Mutants => "mutant",
        What::Settings => "setting",
        What::Facts => "fact",
        What::Errors => "error",
        What::Codes => "code",
    }
}

fn unknown(word: &str) -> CliError {
    let mut known: Vec<String> = Vec::new();
    for what in What::value_variants() {
        known.extend(words(*what, &EN).into_iter().map(|(name, _)| name));
    }
    let hint = match nearest(word, known.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean {near:?}?"),
        None => "`trial list claims`, `trial list settings` … print the words.".to_owned(),
    };
    CliError::usage(format!("nothing is called {word:?}"), hint)
}
