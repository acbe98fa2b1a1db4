//! What is wrong with a scenario file, where, and what to do about it.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::json;

use crate::codes::Code;

/// One problem of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// Whether the file can be run all the same.
    pub severity: Severity,
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What stands beside the underlined text.
    pub label: Option<String>,
    /// What to do, as a sentence.
    pub help: Option<String>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be run.
    Error,
    /// The file can be run, but probably does not do what its author meant.
    Warning,
}

/// Whether a rendered diagnostic has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// It has none.
    #[default]
    Plain,
    /// It has rustc's colours, as ANSI escapes.
    Styled,
}

/// A place in a file, counted from 1 in lines and characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl Place {
    /// Finds the place of a byte.
    pub fn of(source: &str, byte: usize) -> Place {
        let before = &source.as_bytes()[..byte.min(source.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
        Place { line, column }
    }
}

impl Diagnostic {
    /// Sets what stands beside the underlined text.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// Sets what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Shows the problem in rustc's shape, without a final line break.
    pub fn render(&self, source: &str, paint: Paint) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let span = on_boundaries(source, &self.span);
        let annotation = AnnotationKind::Primary.span(span).label(self.label.as_deref());
        let mut group = Group::with_title(level.primary_title(&self.message).id(self.code.name()))
            .element(Snippet::source(source).path(&*self.file).annotation(annotation));
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = match paint {
            Paint::Plain => Renderer::plain(),
            Paint::Styled => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// Returns the problem as data: code, severity, file, line, column, end, message, help.
    pub fn to_json(&self, source: &str) -> serde_json::Value {
        let start = Place::of(source, self.span.start);
        let end = Place::of(source, self.span.end);
        json!({
            "code": self.code.name(),
            "severity": match self.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "file": &*self.file,
            "line": start.line,
            "column": start.column,
            "end": { "line": end.line, "column": end.column },
            "message": self.message,
            "label": self.label,
            "help": self.help,
        })
    }
}

/// Shows all problems of one file, a blank line between them.
pub fn render_all(diagnostics: &[Diagnostic], source: &str, paint: Paint) -> String {
    let blocks: Vec<String> =
        diagnostics.iter().map(|diagnostic| diagnostic.render(source, paint)).collect();
    blocks.join("\n\n")
}

/// Moves a span onto whole characters of the source.
pub(crate) fn on_boundaries(source: &str, span: &Range<usize>) -> Range<usize> {
    let mut start = span.start.min(source.len());
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, source.len());
    while !source.is_char_boundary(end) {
        end += 1;
    }
    start..end
}
