//! From the text of a file to a scenario, or to everything that is wrong with it.

use std::path::Path;
use std::sync::Arc;

use crate::cluster;
use crate::diagnostic::Diagnostic;
use crate::lower::{self, Header};
use crate::matrix::Matrix;
use crate::overrides::Overrides;
use crate::problems::Problems;
use crate::scenario::{Case, Scenario, Text};
use crate::tree;
use crate::words;

/// Reads a scenario. `file` is its name in messages; the second result are warnings.
///
/// # Errors
/// Everything that is wrong with the file, sorted by position, warnings included.
///
/// Source: ours.
pub fn parse(
    file: &str,
    source: &str,
    overrides: &Overrides,
) -> Result<(Scenario, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut problems = Problems::new(file, source);
    let mut root = tree::read(source, &mut problems);
    // After a syntax error the rest of the file means nothing.
    if problems.has_errors() {
        return Err(problems.sorted());
    }
    overrides.apply(&mut root, &mut problems);
    lower::check_schema(&root, &mut problems);
    let table = root.get("matrix");
    let matrix = table.map(|node| Matrix::read(node, (&root, overrides), &mut problems));
    let matrix = matrix.unwrap_or_default();
    let span = table.map_or(root.span, |node| node.span);
    let mut header: Option<Header> = None;
    let mut cases: Vec<Case> = Vec::new();
    let cells = matrix.cells(span, &mut problems);
    problems.cases = cells.iter().map(|cell| matrix.name(cell)).collect();
    for (at, cell) in cells.into_iter().enumerate() {
        problems.case = Some(at);
        let mut tree = root.clone();
        matrix.apply(&cell, &mut tree, &mut problems);
        if !cell.is_empty() && !problems.has_errors() {
            overrides.apply(&mut tree, &mut problems); // they change the cases, too
        }
        cluster::gather_rules(&mut tree);
        if let Some((read, case)) = lower::case(&tree, &matrix, &cell, &mut problems) {
            header = Some(header.unwrap_or(read));
            cases.push(case);
        }
    }
    problems.case = None;
    if !problems.has_errors() {
        words::check_languages(&root, &mut problems);
    }
    let Some(header) = header.filter(|_| !problems.has_errors()) else {
        return Err(problems.sorted());
    };
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_default();
    let scenario = Scenario {
        title: header.title.unwrap_or_else(|| Text { en: name.clone(), zh: None }),
        name,
        path: Some(file.to_owned()),
        source: Arc::from(source),
        teaches: header.teaches,
        ask: header.ask,
        tags: header.tags,
        seed: header.seed,
        found: header.found,
        cases,
    };
    Ok((scenario, problems.sorted()))
}
