//! How a report looks: for people, at 80 columns.
//!
//! ```text
//! error: conf/tidegate.yaml:12:17: chains.public[3].signature.window
//!    |
//! 12 |         window: 300
//!    |                 ^^^ found the number 300, expected a span of time with its unit
//!    = hint: write `300s`
//! ```

use super::error::{Mistake, Report, Severity};
use super::limits::{COLUMNS, MISTAKES_MAX};
use super::redact;
use super::source::offset;
use super::span::Span;

/// With colours or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// For files and pipes.
    Plain,
    /// For a terminal.
    Coloured,
}

#[derive(Clone, Copy)]
enum Ink {
    Error,
    Warning,
    Frame,
    Hint,
    Strong,
}

/// The line of a mistake as it is shown, and the columns under which carets stand.
struct Excerpt {
    text: String,
    caret: usize,
    width: usize,
}

/// The whole report, each mistake with an empty line behind it.
pub(super) fn report(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    for mistake in &report.mistakes {
        one(&mut out, report, mistake, paint);
        out.push('\n');
    }
    out.push_str(&summary(report));
    out.push('\n');
    out
}

fn summary(report: &Report) -> String {
    let count = report.mistakes.len() + report.more;
    let (one, many) = match report.severity {
        Severity::Error => ("mistake", "mistakes"),
        Severity::Warning => ("warning", "warnings"),
    };
    let noun = if count == 1 { one } else { many };
    let shown = match report.more {
        0 => String::new(),
        _ => format!(" (the first {MISTAKES_MAX} are shown)"),
    };
    format!("{}: {count} {noun}{shown}", clean(report.source.name()))
}

fn one(out: &mut String, report: &Report, mistake: &Mistake, paint: Paint) {
    let (word, ink) = match report.severity {
        Severity::Error => ("error", Ink::Error),
        Severity::Warning => ("warning", Ink::Warning),
    };
    let name = clean(report.source.name());
    let position = mistake.span.map(|span| report.source.position(span.start));
    out.push_str(&paint.with(ink, word));
    out.push_str(&paint.with(Ink::Strong, ": "));
    let place = match position {
        Some(position) => format!("{name}:{}:{}", position.line, position.column),
        None => name,
    };
    out.push_str(&paint.with(Ink::Strong, &place));
    if !mistake.path.is_empty() {
        out.push_str(": ");
        out.push_str(&paint.with(Ink::Strong, &clean(&mistake.path)));
    }
    out.push('\n');

    let number = position
        .map(|position| position.line.to_string())
        .unwrap_or_default();
    let margin = " ".repeat(number.len());
    let bar = paint.with(Ink::Frame, "|");
    let sentence = clean(&mistake.sentence());
    match (mistake.span, position) {
        (Some(span), Some(position)) => {
            let excerpt = excerpt(report, span, position.line, COLUMNS - margin.len() - 3);
            let number = paint.with(Ink::Frame, &number);
            out.push_str(&format!(
                "{margin} {bar}\n{number} {bar} {}\n",
                excerpt.text
            ));
            let carets = paint.with(ink, &"^".repeat(excerpt.width));
            let lead = " ".repeat(excerpt.caret);
            out.push_str(&format!("{margin} {bar} {lead}{carets}"));
            let used = margin.len() + 3 + excerpt.caret + excerpt.width + 1;
            if used + sentence.chars().count() <= COLUMNS {
                out.push_str(&format!(" {sentence}\n"));
            } else {
                out.push('\n');
                note(out, &margin, &paint.with(Ink::Frame, "="), "", &sentence);
            }
        }
        _ => note(out, &margin, &paint.with(Ink::Frame, "="), "", &sentence),
    }
    if !mistake.hint.is_empty() {
        let mark = format!(
            "{} {}",
            paint.with(Ink::Frame, "="),
            paint.with(Ink::Hint, "hint:")
        );
        note(out, &margin, &mark, "hint: ", &clean(&mistake.hint));
    }
}

/// A note under the excerpt, wrapped; `lead` is as wide as what `mark` adds to a plain `=`.
fn note(out: &mut String, margin: &str, mark: &str, lead: &str, text: &str) {
    let indent = margin.len() + 3 + lead.len();
    let mut prefix = format!("{margin} {mark} ");
    for line in wrap(text, COLUMNS.saturating_sub(indent).max(20)) {
        out.push_str(&prefix);
        out.push_str(&line);
        out.push('\n');
        prefix = " ".repeat(indent);
    }
}

/// Breaks at spaces; a longer word stands alone.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The line with what is secret replaced, cut to `columns` around the place.
fn excerpt(report: &Report, span: Span, line: usize, columns: usize) -> Excerpt {
    let bounds = report.source.line_span(line);
    let mut characters: Vec<char> = Vec::new();
    let mut from = None;
    let mut to = 0;
    let mut covered = 0;
    for (index, character) in report.source.line(line).char_indices() {
        let at = bounds.start + offset(index);
        if at >= span.start && from.is_none() {
            from = Some(characters.len());
        }
        match hidden_at(&report.hidden, at) {
            Some(secret) if at >= covered => {
                characters.extend(redact::INSTEAD.chars());
                covered = secret.end;
            }
            Some(_) => {}
            None => characters.push(printable(character)),
        }
        if at < span.end {
            to = characters.len();
        }
    }
    let caret = from.unwrap_or(characters.len()).min(characters.len());
    let width = to.saturating_sub(caret).max(1);
    cut(&characters, caret, width, columns)
}

/// The secret that a byte belongs to; the list is in the order of the file.
fn hidden_at(hidden: &[Span], at: u32) -> Option<Span> {
    let behind = hidden.partition_point(|span| span.start <= at);
    hidden[..behind]
        .last()
        .copied()
        .filter(|span| at < span.end)
}

/// The part of a long line around the carets, with `…` where something was left out.
fn cut(characters: &[char], caret: usize, width: usize, columns: usize) -> Excerpt {
    let width = width.min(columns / 2);
    if characters.len() <= columns {
        return Excerpt {
            text: characters.iter().collect(),
            caret,
            width,
        };
    }
    let start = (caret + width + columns / 4)
        .min(characters.len())
        .saturating_sub(columns);
    let end = (start + columns).min(characters.len());
    let mut shown: Vec<char> = characters[start..end].to_vec();
    if let Some(first) = shown.first_mut().filter(|_| start > 0) {
        *first = '…';
    }
    if let Some(last) = shown.last_mut().filter(|_| end < characters.len()) {
        *last = '…';
    }
    Excerpt {
        text: shown.iter().collect(),
        caret: caret - start,
        width,
    }
}

/// A line of ours keeps to itself: nothing in the file moves the cursor or forges a line.
fn clean(text: &str) -> String {
    text.chars().map(printable).collect()
}

fn printable(character: char) -> char {
    match character {
        '\t' => '→',
        // Direction marks would show the line in another order than it is read.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '�',
        _ if character.is_control() => '�',
        _ => character,
    }
}

// === impl Paint ===

impl Paint {
    fn with(self, ink: Ink, text: &str) -> String {
        let code = match (self, ink) {
            (Self::Plain, _) => return text.to_owned(),
            (_, Ink::Error) => "1;31",
            (_, Ink::Warning) => "1;33",
            (_, Ink::Frame) => "34",
            (_, Ink::Hint) => "1;36",
            (_, Ink::Strong) => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
