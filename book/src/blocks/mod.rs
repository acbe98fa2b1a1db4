//! What directives become. Every number, verdict, picture and console block is made here, by
//! running the scenario that the directive names.
//!
//! `console` (what the command prints), `hunted` (searches and what they find), `judged` (verdicts
//! and numbers), `drawn` (pictures and pages), `asked` (questions, claims of the notes, exercises),
//! `code` (rules and scenarios), `reference` (tables of words).

mod asked;
mod code;
mod console;
mod drawn;
mod hunted;
mod judged;
mod reference;

pub use code::code_page;
pub use drawn::scoped;

use crate::directive::Directive;
use crate::lang::Lang;
use crate::shop::Shop;

/// What a directive becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// HTML that stands by itself.
    Block(String),
    /// Text inside of a sentence.
    Inline(String),
    /// Markdown, with headings that the book finds.
    Markdown(String),
    /// One after the other.
    Many(Vec<Made>),
}

/// Makes what a directive stands for.
///
/// # Errors
/// If there is no such directive, or what it names does not exist or does not run.
pub fn made(directive: &Directive, lang: Lang, shop: &Shop) -> Result<Made, String> {
    match directive.name.as_str() {
        "run" => console::run(directive, lang, shop),
        "trial" => console::trial(directive, lang, shop),
        "sweep" => console::sweep(directive, lang, shop),
        "fuzz" => hunted::fuzz(directive, lang, shop),
        "found" => hunted::found(directive, lang, shop),
        "verdict" => judged::verdict(directive, lang, shop),
        "compare" => judged::compare(directive, lang, shop),
        "number" => judged::number(directive, shop),
        "picture" => drawn::picture(directive, lang, shop),
        "plot" => drawn::plot(directive, lang, shop),
        "page" => drawn::page(directive, lang, shop),
        "about" => asked::about(directive, lang),
        "predict" => asked::predict(directive, lang, shop),
        "claim" => asked::claim(directive, lang, shop),
        "claims" => asked::claims(lang, shop),
        "exercise" => asked::exercise(directive, lang, shop),
        "notes" => Ok(Made::Block(asked::notes(lang))),
        "end" => Ok(Made::Block("</details>".to_owned())),
        "rule" => code::rule(directive, lang, shop),
        "scenario" => code::scenario(directive, lang, shop),
        "reference" => reference::reference(directive, lang, shop),
        name => Err(format!("no directive is called {name:?}")),
    }
}
