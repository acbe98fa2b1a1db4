//! `trial why`: what befell one record, and what led to it.

use reports::cause::cause;

use crate::chosen::{Chosen, ChosenArgs};
use crate::error::CliError;
use crate::show::{Record, known};
use crate::ui::Ui;

/// Say what befell a record, from its send to the end
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// A scenario as for `run`, or a folder OUT/SCENARIO/CASE/SEED that `run --out` wrote
    #[arg(value_name = "FILE")]
    file: String,
    /// The record, such as r9 [default: the first one that something befell]
    #[arg(value_name = "RECORD")]
    record: Option<Record>,
    #[command(flatten)]
    chosen: ChosenArgs,
}

/// Returns 0 whatever befell it: to ask why is no test.
pub fn why(args: &WhyArgs, ui: &mut Ui) -> Result<u8, CliError> {
    let chosen = Chosen::read(&args.file, &args.chosen, ui)?;
    let retold = chosen.run(ui)?;
    let lines = retold.tell(ui.words, |story| {
        let uid = args.record.map(|record| record.0);
        if let Some(uid) = uid {
            known(story.trace, uid)?;
        }
        Ok::<_, CliError>(cause(story, uid, ui.signs))
    })?;
    ui.lines(&lines)?;
    Ok(0)
}
