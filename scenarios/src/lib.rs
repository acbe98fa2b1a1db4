//! Scenario files in, plans out, and expectations judged.
//!
//! In reading order:
//! - [`scenario`]: what a scenario is; [`parse()`]: from a text to it
//! - `tree`, `section`, `values`: a file as values with places, read field by field
//! - `lower`: one case, made of `cluster`, `topics`, `clients`, `groups`, `handling`,
//!   `environment`, `steps`, `verbs`, `group_verbs`, `settings`, `group_settings`
//! - `expression`, `selector`, `condition`: the little languages inside of texts
//! - [`nemesis`]: random faults, drawn into a plan as steps
//! - `chances`: how often a claim should break over many seeds
//! - [`matrix`], [`overrides`]: many cases from one file, changes from outside
//! - [`diagnostic`], [`codes`]: what is wrong with a file
//! - [`mod@run`], [`expect`]: a case is run and its expectations are judged
//! - [`mod@edn`]: histories of clients, as Jepsen writes them
//! - [`mod@written`]: plans as files, with [`found`]: where such a file comes from
//! - [`search`]: trials are drawn until one breaks, and what breaks is made small
//! - [`mod@library`]: the scenarios that come with Trial; [`vocabulary`]: the words of files

mod chances;
mod clients;
mod cluster;
pub mod codes;
mod condition;
pub mod diagnostic;
pub mod edn;
mod environment;
pub mod expect;
mod expression;
pub mod found;
mod group_settings;
mod group_verbs;
mod groups;
mod handling;
pub mod library;
mod lower;
pub mod matrix;
mod names;
pub mod nemesis;
pub mod overrides;
mod parse;
mod problems;
pub mod run;
pub mod scenario;
pub mod search;
mod section;
mod selector;
mod settings;
mod steps;
mod topics;
mod tree;
mod values;
mod verbs;
pub mod vocabulary;
mod words;
pub mod written;

pub use diagnostic::{Diagnostic, Paint, Place, Severity, render_all};
pub use edn::EdnError;
pub use expect::{Standing, ranged};
pub use library::{LibraryEntry, library};
pub use nemesis::Nemesis;
pub use overrides::Overrides;
pub use parse::parse;
pub use run::{Class, Note, Trial, run, run_with};
pub use scenario::{
    Ask, Case, Chance, CountRange, Expect, Expected, Hope, Language, Question, Scenario, StepInfo,
    Text,
};
