//! Mistakes of a policy file, and the report that shows all of them at once.
//!
//! How a report looks is in [`render`](super::render); what must not be shown in one, in
//! [`redact`](super::redact).

use super::limits::MISTAKES_MAX;
use super::render;
use super::source::Source;
use super::span::{Path, Span};
use std::fmt;
use std::sync::Arc;

/// One mistake: where, what was found, what was expected, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where in the text; `None` when there is no text (the file is missing).
    pub span: Option<Span>,
    /// Where in the document: `routes[0].path`; empty for the whole.
    pub path: String,
    /// What was found. A full sentence when `expected` is empty.
    pub found: String,
    /// What was expected; may be empty.
    pub expected: String,
    /// What to do; may be empty.
    pub hint: String,
}

/// Mistakes while they are collected. At most [`MISTAKES_MAX`] are kept; the rest is counted.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    list: Vec<Mistake>,
    more: usize,
}

/// Whether what is reported keeps the file from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, but somebody should know.
    Warning,
}

/// Everything that is wrong with a policy file, with the lines where it stands. `Display` shows it
/// plainly, for files and pipes; [`coloured`](Self::coloured) for a terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    pub(super) source: Arc<Source>,
    pub(super) severity: Severity,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) more: usize,
    /// Values that may be secrets: no line shows them.
    pub(super) hidden: Vec<Span>,
}

// === impl Mistake ===

impl Mistake {
    /// A mistake at a place: what is wrong there.
    #[must_use]
    pub fn new(span: Span, path: &Path<'_>, found: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            path: path.to_string(),
            found: found.into(),
            expected: String::new(),
            hint: String::new(),
        }
    }

    /// A mistake of the file as a whole.
    #[must_use]
    pub fn of_file(found: impl Into<String>) -> Self {
        Self {
            span: None,
            path: String::new(),
            found: found.into(),
            expected: String::new(),
            hint: String::new(),
        }
    }

    /// The same with what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// What was found and expected, as one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.expected.is_empty() {
            return self.found.clone();
        }
        format!("found {}, expected {}", self.found, self.expected)
    }
}

// === impl Mistakes ===

impl Mistakes {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: Vec::new(),
            more: 0,
        }
    }

    /// Whether something inside the thing at `path` is wrong already.
    #[must_use]
    pub fn has_inside(&self, path: &str) -> bool {
        let inside = |mistake: &Mistake| {
            mistake
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.list.iter().any(inside)
    }

    /// Adds one. What is wrong with a stand-in is dropped: the value that it stands for was reported.
    pub fn add(&mut self, mistake: Mistake) {
        if mistake.span == Some(Span::NOWHERE) {
            return;
        }
        if self.list.len() < MISTAKES_MAX {
            self.list.push(mistake);
        } else {
            self.more += 1;
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are, those that are only counted included.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.list.len() + self.more
    }

    /// Whether further ones would only be counted.
    #[must_use]
    pub const fn are_full(&self) -> bool {
        self.list.len() >= MISTAKES_MAX
    }

    /// The report of these mistakes, in the order of the file.
    pub(super) fn report(
        mut self,
        source: Arc<Source>,
        severity: Severity,
        mut hidden: Vec<Span>,
    ) -> Report {
        self.list
            .sort_by_key(|mistake| mistake.span.map(|span| span.start));
        hidden.sort_by_key(|span| span.start);
        Report {
            source,
            severity,
            mistakes: self.list,
            more: self.more,
            hidden,
        }
    }
}

// === impl Report ===

impl Report {
    /// A report about a file that has no text.
    #[must_use]
    pub(super) fn of_file(name: &str, mistake: Mistake) -> Self {
        Self {
            source: Arc::new(Source::new(name, "")),
            severity: Severity::Error,
            mistakes: vec![mistake],
            more: 0,
            hidden: Vec::new(),
        }
    }

    /// The mistakes, in the order of the file.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// Whether there is nothing to report.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The report with colours, for a terminal.
    #[must_use]
    pub fn coloured(&self) -> String {
        render::report(self, render::Paint::Coloured)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render::report(self, render::Paint::Plain))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Report {}
