//! A trial, or up to four variants of it, as one page.

use reports::page::{VARIANTS_MAX, Variant, page};
use reports::report::full;
use reports::text::{Colour, Signs, render};
use reports::trace::texts::Texts;
use reports::words::{EN, ZH};
use scenarios::Overrides;

use crate::args::Selection;
use crate::error::CliError;
use crate::load::{self, Loaded};
use crate::retold::Retold;
use crate::sweep::{choices, named};
use crate::ui::Ui;
use crate::work::Unit;

/// Whether a page says what would have helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterfactuals {
    /// It does: a few more trials are run.
    Run,
    /// It does not.
    Omitted,
}

/// One choice of what varies: the file as it reads then, and the cases to show.
struct Planned {
    varied: Vec<(String, String)>,
    overrides: Overrides,
    loaded: Vec<Loaded>,
    cases: Vec<usize>,
    seed: u64,
}

/// Runs the cases of one file, once for each choice of what varies, and draws the page.
pub fn html(
    selection: &Selection,
    vary: &[String],
    counterfactuals: Counterfactuals,
    ui: &mut Ui,
) -> Result<String, CliError> {
    let planned: Vec<Planned> =
        choices(vary)?.into_iter().map(|it| plan(selection, it, ui)).collect::<Result<_, _>>()?;
    let count: usize = planned.iter().map(|it| it.cases.len()).sum();
    if VARIANTS_MAX < count {
        let message =
            format!("a page shows {VARIANTS_MAX} variants at most, and these are {count}");
        return Err(CliError::usage(message, "Pick cases with --case, or vary less."));
    }
    let mut variants = Vec::with_capacity(count);
    for Planned { varied, overrides, loaded, cases, seed } in &planned {
        for case in cases {
            let unit = Unit { scenario: 0, case: *case, seed: *seed };
            let names = [named(varied), loaded[0].scenario.cases[*case].name.clone()];
            let name: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
            let mut retold = Retold::run(loaded, unit, selection);
            for (path, value) in varied {
                retold.again +=
                    &format!(" --set {}", crate::args::quoted(&format!("{path}={value}")));
            }
            variants.push(variant(&retold, name.join(","), overrides, counterfactuals));
        }
    }
    Ok(page(&variants, ui.words.language))
}

/// Reads the one file of a page as a choice changes it.
fn plan(
    selection: &Selection,
    varied: Vec<(String, String)>,
    ui: &mut Ui,
) -> Result<Planned, CliError> {
    let mut overrides = selection.overrides()?;
    overrides.vary.clone_from(&varied);
    let loaded = load::scenarios(&selection.files, &overrides, ui)?;
    let [file] = loaded.as_slice() else {
        let message = format!("a page shows one scenario, and these are {}", loaded.len());
        return Err(CliError::usage(message, "Name one file."));
    };
    let (cases, seed) =
        (selection.cases(&file.scenario)?, *selection.seeds(&file.scenario).start());
    Ok(Planned { varied, overrides, loaded, cases, seed })
}

fn variant(
    retold: &Retold<'_>,
    name: String,
    overrides: &Overrides,
    counterfactuals: Counterfactuals,
) -> Variant {
    let helped = match counterfactuals {
        Counterfactuals::Run => retold.helped(overrides),
        Counterfactuals::Omitted => Vec::new(),
    };
    let (expected, again) = (&retold.expected, &retold.again);
    let texts = |words| retold.tell(words, |story| Texts::of(story, expected, &helped));
    let plain = retold.tell(&EN, |story| {
        let lines = full(story, (expected, &helped), again, Signs::Unicode);
        render(&lines, Signs::Unicode, Colour::Plain)
    });
    let trace = retold.trace_as(again);
    Variant { name, trace, english: texts(&EN), chinese: texts(&ZH), plain }
}
