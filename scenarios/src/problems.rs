//! Collects what is wrong with a file while it is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Severity, on_boundaries};

/// Which bytes of the file a value stands at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What the value came from, if not from these bytes: an index into `Problems::origins`.
    pub origin: Option<usize>,
}

/// The problems found so far.
#[derive(Debug)]
pub(crate) struct Problems<'s> {
    /// The file's name.
    pub file: Arc<str>,
    /// The file's text.
    pub source: &'s str,
    /// Where values come from that do not stand in the file: `--set path=value`.
    pub origins: Vec<String>,
    /// The names of the matrix's cases.
    pub cases: Vec<String>,
    /// The case that is being read, if one is.
    pub case: Option<usize>,
    /// Everything found, with the case that it was found in.
    found: Vec<(Diagnostic, Option<usize>)>,
}

impl<'s> Problems<'s> {
    pub fn new(file: &str, source: &'s str) -> Problems<'s> {
        Problems {
            file: Arc::from(file),
            source,
            origins: Vec::new(),
            cases: Vec::new(),
            case: None,
            found: Vec::new(),
        }
    }

    /// Reports an error.
    pub fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.report(Severity::Error, code, span, message.into())
    }

    /// Reports a warning.
    pub fn warning(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.report(Severity::Warning, code, span, message.into())
    }

    /// Refuses something that the format knows and the model does not.
    pub fn not_yet(&mut self, span: Span, what: &str) -> &mut Diagnostic {
        self.error(Code::NotYet, span, format!("{what} is not modelled yet"))
            .help("Leave it out: Trial refuses what it would have to ignore.")
    }

    /// Says whether there is any error.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|(found, _)| found.severity == Severity::Error)
    }

    /// Returns everything, each problem once, sorted by position.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|(one, _), (other, _)| {
            (one.span.start, one.span.end, one.code).cmp(&(
                other.span.start,
                other.span.end,
                other.code,
            ))
        });
        // Each case of a matrix reads the whole file and meets the same mistakes.
        let mut once: Vec<(Diagnostic, BTreeSet<usize>)> = Vec::new();
        for (found, case) in self.found {
            let mut here = once.iter_mut().rev().take_while(|(known, _)| known.span == found.span);
            match here.find(|(known, _)| *known == found) {
                Some((_, cases)) => cases.extend(case),
                None => once.push((found, case.into_iter().collect())),
            }
        }
        let named = |(mut found, cases): (Diagnostic, BTreeSet<usize>)| {
            if let Some(first) = cases.first()
                && cases.len() < self.cases.len()
            {
                let name = &self.cases[*first];
                found.message = match cases.len() {
                    1 => format!("{} (in case `{name}`)", found.message),
                    count => format!("{} (in {count} cases, such as `{name}`)", found.message),
                };
            }
            found
        };
        once.into_iter().map(named).collect()
    }

    fn report(
        &mut self,
        severity: Severity,
        code: Code,
        span: Span,
        message: String,
    ) -> &mut Diagnostic {
        let message = match span.origin.and_then(|origin| self.origins.get(origin)) {
            Some(origin) => format!("{message} (from `{origin}`)"),
            None => message,
        };
        let diagnostic = Diagnostic {
            code,
            severity,
            file: self.file.clone(),
            span: on_boundaries(self.source, &(span.start..span.end)),
            message,
            label: None,
            help: None,
        };
        self.found.push((diagnostic, self.case));
        &mut self.found.last_mut().expect("one was pushed just before").0
    }
}

/// Finds the word nearest to a misspelt one, if any is near.
pub(crate) fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let enough = (word.chars().count() / 3).max(1);
    words
        .into_iter()
        .map(|other| {
            (strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase()), other)
        })
        .filter(|(distance, _)| *distance <= enough)
        .min()
        .map(|(_, other)| other)
}
