//! How a trial is shown: pure functions from what happened to text and JSON.
//!
//! Nothing here runs a trial, reads a clock or knows a terminal. In reading order:
//! - [`text`]: styled lines; [`words`]: labels; [`story`]: what a report is about
//! - [`entry`]: single entries of a history; [`vocabulary`]: their kinds
//! - [`timeline`]: the picture of one trial; [`logs`], [`groups`], [`fates`]: how it ended
//! - [`why`], [`verdict`], [`expected`]: what it means; [`summary`]: one line per trial
//! - [`stats`]: what numbers from many seeds are worth
//! - [`sweep`]: many seeds of many settings; [`search`]: what is found in many plans
//! - [`plots`]: what sweeps and runs look like
//! - [`svg`]: pictures of one trial for a page; [`table`]: its facts
//! - [`search`]: what a search has found, and made small
//! - [`cause`]: one record's story; [`lesson`]: a trial step by step
//! - [`report`]: all of it together, and the golden text; [`json`]: for machines
//! - [`mod@replay`]: whether a finding is still the same
//! - [`junit`], [`github`]: for those who watch over builds
//! - [`grades`], [`handout`]: for those who teach
//! - [`series`], [`csv`], [`perfetto`]: numbers over time, for other programs
//! - [`edn`]: what clients saw, as Jepsen records it; [`judged`]: what such a history is worth

pub mod cause;
pub mod csv;
pub mod edn;
pub mod entry;
pub mod expected;
pub mod fates;
pub mod github;
pub mod grades;
pub mod groups;
pub mod handout;
pub mod json;
pub mod judged;
pub mod junit;
pub mod lesson;
pub mod logs;
pub mod page;
pub mod perfetto;
pub mod plots;
pub mod replay;
pub mod report;
pub mod search;
pub mod series;
pub mod stats;
pub mod story;
pub mod summary;
pub mod svg;
pub mod sweep;
pub mod table;
mod tell;
pub mod text;
pub mod timeline;
pub mod trace;
pub mod verdict;
pub mod vocabulary;
pub mod why;
pub mod words;
