//! Scenario files in, plans out, and expectations judged.
//!
//! In reading order:
//! - [`scenario`]: what a scenario is; [`parse()`]: from a text to it
//! - `tree`, `section`, `values`: a file as values with places, read field by field
//! - `lower`: one case, made of `cluster`, `topics`, `clients`, `groups`, `handling`,
//!   `environment`, `steps`, `verbs`, `group_verbs`, `settings`, `group_settings`
//! - `expression`, `selector`, `condition`: the little languages inside of texts
//! - [`matrix`], [`overrides`]: many cases from one file, changes from outside
//! - [`diagnostic`], [`codes`]: what is wrong with a file
//! - [`mod@run`], [`expect`]: a case is run and its expectations are judged
//! - [`mod@library`]: the scenarios that come with Trial; [`vocabulary`]: the verbs of steps

mod clients;
mod cluster;
pub mod codes;
mod condition;
pub mod diagnostic;
mod environment;
pub mod expect;
mod expression;
mod group_settings;
mod group_verbs;
mod groups;
mod handling;
pub mod library;
mod lower;
pub mod matrix;
mod names;
pub mod overrides;
mod parse;
mod problems;
pub mod run;
pub mod scenario;
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

pub use diagnostic::{Diagnostic, Paint, Severity, render_all};
pub use expect::Standing;
pub use library::{LibraryEntry, library};
pub use overrides::Overrides;
pub use parse::parse;
pub use run::{Class, Note, Trial, run, run_with};
pub use scenario::{Ask, Case, CountRange, Expect, Expected, Hope, Scenario, StepInfo, Text};
