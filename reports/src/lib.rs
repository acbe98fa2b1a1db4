//! How a trial is shown: pure functions from what happened to text and JSON.
//!
//! Nothing here runs a trial, reads a clock or knows a terminal. In reading order:
//! - [`text`]: styled lines; [`words`]: labels; [`story`]: what a report is about
//! - [`entry`]: single entries of a history; [`vocabulary`]: their kinds
//! - [`timeline`]: the picture of one trial; [`logs`], [`groups`], [`fates`]: how it ended
//! - [`why`], [`verdict`], [`expected`]: what it means; [`summary`]: one line per trial
//! - [`report`]: all of it together, and the golden text; [`json`]: for machines

pub mod entry;
pub mod expected;
pub mod fates;
pub mod groups;
pub mod json;
pub mod logs;
pub mod report;
pub mod story;
pub mod summary;
mod tell;
pub mod text;
pub mod timeline;
pub mod verdict;
pub mod vocabulary;
pub mod why;
pub mod words;
