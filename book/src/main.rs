//! Builds the book: `cargo run --release -p book [-- --out DIR | --bundle DIR]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use book::shop::Care;
use book::{Built, bundle};
use clap::Parser;

/// Build the book in both languages
#[derive(Debug, Parser)]
#[command(name = "book")]
struct Args {
    /// Where to write it
    #[arg(long, value_name = "DIR", default_value = "target/book")]
    out: PathBuf,
    /// Build these chapters alone, such as 05-acks, while they are written
    #[arg(long, value_name = "CHAPTER")]
    only: Vec<String>,
    /// Write a folder that runs from a USB stick: the tool, the book, pages, handouts, exercises
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    bundle: Option<PathBuf>,
}

/// Makes what was asked for; returns where the book lies.
fn made(args: &Args) -> Result<(Built, PathBuf), Vec<String>> {
    let root = book::root();
    let Some(folder) = &args.bundle else {
        let built = book::build(&root, &args.out, Care::Full, &args.only)?;
        return Ok((built, args.out.clone()));
    };
    let one = |problem| vec![problem];
    bundle::prepare(folder).map_err(one)?;
    let place = folder.join("book");
    let built = book::build(&root, &place, Care::Full, &args.only)?;
    bundle::furnish(&root, folder).map_err(one)?;
    bundle::tool(&root, folder).map_err(one)?;
    Ok((built, place))
}

fn main() -> ExitCode {
    let args = Args::parse();
    let begun = Instant::now();
    match made(&args) {
        Ok((built, place)) => {
            println!(
                "{} pages in two languages, {:.1} s: {}",
                built.pages,
                begun.elapsed().as_secs_f64(),
                place.join("index.html").display()
            );
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("error: {problem}");
            }
            ExitCode::from(2)
        }
    }
}
