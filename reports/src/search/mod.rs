//! How a search is shown: what it has found, and how hard it has looked.
//!
//! - [`finding`]: one finding; [`effort`]: a whole campaign; [`json`]: both for machines
//! - [`caption`]: what a step does, in plain words
//! - [`shrunk`]: how small a finding was made, and why nothing more can go
//! - [`mod@odds`]: from which moment on it was too late
//! - [`mutants`]: who notices rules that are broken on purpose
//! - [`corpus`]: findings that are kept

pub mod caption;
pub mod corpus;
pub mod effort;
pub mod finding;
pub mod json;
pub mod mutants;
pub mod odds;
pub mod shrunk;
