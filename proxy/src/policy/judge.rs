//! What every judge of a section needs: the file, and where to put what is wrong with it.

use super::limits::NAME_LENGTH_MAX;
use crate::config::units::Duration;
use crate::config::{Mistake, Mistakes, Path, Raw, Span, Spanned, hint};
use std::ops::RangeInclusive;
use std::time::Duration as StdDuration;

/// The file under judgement, and what was found so far.
pub(super) struct Judge<'r> {
    pub(super) raw: &'r Raw,
    pub(super) mistakes: Mistakes,
    pub(super) warnings: Mistakes,
}

impl<'r> Judge<'r> {
    pub(super) const fn new(raw: &'r Raw, mistakes: Mistakes) -> Self {
        Self {
            raw,
            mistakes,
            warnings: Mistakes::new(),
        }
    }

    /// Something is wrong at a place; `expected` and `hint` may be empty.
    pub(super) fn wrong(
        &mut self,
        span: Span,
        path: &Path<'_>,
        found: impl Into<String>,
        expected: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.mistakes.add(
            Mistake::new(span, path, found)
                .expected(expected)
                .hint(hint),
        );
    }

    /// Something is unwise at a place.
    pub(super) fn warn(
        &mut self,
        span: Span,
        path: &Path<'_>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.warnings
            .add(Mistake::new(span, path, found).hint(hint));
    }

    /// A name must be short and plain: it becomes a label of metrics and a word in logs.
    pub(super) fn name(&mut self, name: &Spanned<String>, path: &Path<'_>) {
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if name.is_empty() || name.len() > NAME_LENGTH_MAX || !plain {
            let expected = format!("1 to {NAME_LENGTH_MAX} of letters, digits, `_`, `-` and `.`");
            self.wrong(name.span, path, format!("the name `{name}`"), expected, "");
        }
    }

    /// A list may not have more than `max` entries.
    pub(super) fn count(&mut self, span: Span, path: &Path<'_>, count: usize, max: usize) {
        if count > max {
            self.wrong(
                span,
                path,
                format!("{count} entries"),
                format!("at most {max}"),
                "",
            );
        }
    }

    /// A number within bounds, or the default.
    pub(super) fn number(
        &mut self,
        value: Option<&Spanned<u32>>,
        path: &Path<'_>,
        default: u32,
        bounds: RangeInclusive<u32>,
    ) -> u32 {
        let Some(value) = value else { return default };
        if !bounds.contains(value) {
            let expected = format!("{} to {}", bounds.start(), bounds.end());
            self.wrong(
                value.span,
                path,
                format!("the number {value}"),
                expected,
                "",
            );
        }
        value.value
    }

    /// A span of time of at least a millisecond and at most `max`, or the default.
    pub(super) fn time(
        &mut self,
        value: Option<&Spanned<Duration>>,
        path: &Path<'_>,
        default: StdDuration,
        max: StdDuration,
    ) -> StdDuration {
        let Some(value) = value else { return default };
        let time = value.0;
        if time.is_zero() {
            self.wrong(value.span, path, "no time at all", "at least 1ms", "");
        } else if time > max {
            let expected = format!("at most {}s", max.as_secs());
            self.wrong(
                value.span,
                path,
                format!("{}s", time.as_secs()),
                expected,
                "",
            );
        }
        time
    }

    /// A name that refers to an entry of a section: where it is among those that could be read. `None`
    /// is said to be wrong, unless the section has the entry and that entry is what is wrong.
    pub(super) fn refer<'a>(
        &mut self,
        section: &str,
        name: &Spanned<String>,
        path: &Path<'_>,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Option<usize> {
        let index = known.clone().position(|known| known == name.value);
        if index.is_none() && !self.raw.names(section, name) {
            let kind = section.trim_end_matches('s');
            let hint = hint::did_you_mean(name, known);
            let expected = format!("one of the section `{section}`");
            self.wrong(
                name.span,
                path,
                format!("the unknown {kind} `{name}`"),
                expected,
                hint,
            );
        }
        index
    }

    /// "line 12", for a message that points to another place.
    pub(super) fn line(&self, span: Span) -> String {
        format!("line {}", self.raw.tree.source().position(span.start).line)
    }
}
