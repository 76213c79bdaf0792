//! What the builder says is wrong, and where.

use super::super::error::Mistake;
use super::super::limits::DEPTH_MAX;
use super::super::source::{Source, offset};
use super::super::span::{Path, Span};
use super::super::syntax;
use super::Content;
use super::build::{Builder, Inner, Stop};
use granit_parser::ScanError;

impl Builder<'_> {
    pub(super) fn tagged(&mut self, span: Span, tag: &str) -> Content {
        let found = format!("the tag `{}`", super::shorten(tag));
        self.wrong(
            self.tag.unwrap_or(span),
            &found,
            "a plain value",
            "tags have no meaning here: remove it",
        );
        Content::Broken
    }

    pub(super) fn too_deep(&mut self, span: Span) -> Result<(), Stop> {
        let expected = format!("at most {DEPTH_MAX} levels");
        self.wrong(span, "values nested too deeply", &expected, "");
        Err(Stop)
    }

    pub(super) fn syntax(&mut self, source: &Source, error: &ScanError) {
        let start = offset(error.marker().byte_offset().unwrap_or_default());
        let end = offset(source.text().len());
        let span = Span {
            start: start.min(end),
            end: start.saturating_add(1),
        };
        let (problem, hint) = syntax::explain(error.kind(), source, span);
        let problem = problem.unwrap_or_else(|| format!("this is not YAML: {}", error.info()));
        self.mistakes
            .add(Mistake::new(span, &Path::Root, problem).hint(hint));
    }

    pub(super) fn wrong(&mut self, span: Span, found: &str, expected: &str, hint: &str) {
        let path = self.path();
        let mistake = Mistake::new(span, &Path::At(&path), found);
        self.mistakes.add(mistake.expected(expected).hint(hint));
    }

    /// Where we are, as people write it.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            match &open.inner {
                Inner::List(items) => path.push_str(&format!("[{}]", items.len())),
                Inner::Mapping { key: Some(key), .. } => {
                    if let Content::Scalar { text, .. } = &self.nodes[key.0 as usize].content {
                        let dot = if path.is_empty() { "" } else { "." };
                        path.push_str(&format!("{dot}{}", super::shorten(text)));
                    }
                }
                Inner::Mapping { .. } => {}
            }
        }
        path
    }
}
