//! The text of a policy file, and where its lines are.

use super::span::Span;

/// The text of a policy file under the name that its readers know.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    name: Box<str>,
    text: Box<str>,
    /// The byte at which each line starts.
    lines: Vec<u32>,
}

/// A place as editors count: both from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

// === impl Source ===

impl Source {
    /// A text under its file's name.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        for (at, &byte) in bytes.iter().enumerate() {
            // YAML 1.2, section 5.4: LF, CR LF and CR alone each end a line.
            let ends = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                lines.push(offset(at + 1));
            }
        }
        Self {
            name: name.into(),
            text: text.into(),
            lines,
        }
    }

    /// The file's name.
    #[must_use]
    pub const fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub const fn text(&self) -> &str {
        &self.text
    }

    /// Where a byte is, as editors count. A byte inside a character counts as that character's
    /// first; one behind the end, as the end.
    #[must_use]
    pub fn position(&self, at: u32) -> Position {
        let index = self
            .lines
            .partition_point(|&start| start <= at)
            .saturating_sub(1);
        let line = self.line(index + 1);
        let within = at.saturating_sub(self.lines[index]) as usize;
        let column = line
            .char_indices()
            .take_while(|(start, _)| *start < within)
            .count();
        Position {
            line: index + 1,
            column: column + 1,
        }
    }

    /// How many lines there are.
    #[must_use]
    pub const fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// A line, counted from 1, without its end; empty when there is no such line.
    #[must_use]
    pub fn line(&self, number: usize) -> &str {
        let span = self.line_span(number);
        &self.text[span.start as usize..span.end as usize]
    }

    /// The bytes of a line, counted from 1, without its end.
    #[must_use]
    pub fn line_span(&self, number: usize) -> Span {
        let end = offset(self.text.len());
        let begin = |index: usize| self.lines.get(index).copied().unwrap_or(end);
        let Some(index) = number.checked_sub(1) else {
            return Span { start: 0, end: 0 };
        };
        let (start, next) = (begin(index), begin(index + 1));
        let line = &self.text[start as usize..next as usize];
        Span {
            start,
            end: start + offset(line.trim_end_matches(['\r', '\n']).len()),
        }
    }
}

/// A file is at most [`FILE_BYTES_MAX`](super::limits::FILE_BYTES_MAX) long, so this never saturates.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_editors_do() {
        let source = Source::new("a.yaml", "ab\nÄöc\r\nd\re");
        for (at, line, column) in [
            (0, 1, 1),
            (1, 1, 2),
            (2, 1, 3),
            (3, 2, 1),
            (5, 2, 2),
            (7, 2, 3),
            (10, 3, 1),
            (12, 4, 1),
            (13, 4, 2),
            (99, 4, 2),
        ] {
            assert_eq!(source.position(at), Position { line, column }, "byte {at}");
        }
        let lines: Vec<_> = (0..6).map(|number| source.line(number)).collect();
        assert_eq!(lines, ["", "ab", "Äöc", "d", "e", ""]);
    }
}
