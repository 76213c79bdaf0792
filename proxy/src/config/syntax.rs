//! What a YAML parser says, in words that help.

use super::limits::DEPTH_MAX;
use super::source::Source;
use super::span::Span;
use granit_parser::ErrorKind;

/// What is wrong, where we know better words than the parser, and what to do.
pub(super) fn explain(
    kind: &ErrorKind,
    source: &Source,
    at: Span,
) -> (Option<String>, &'static str) {
    let line = source.line(source.position(at.start).line);
    let (problem, hint) = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => (
            "a tab where only spaces may stand",
            "indent with spaces, two a level",
        ),
        ErrorKind::UnknownAnchor => (
            "an alias whose anchor stands nowhere above",
            "quote a text that begins with `*`",
        ),
        ErrorKind::UndeclaredTagHandle => ("a tag", "quote a text that begins with `!`"),
        ErrorKind::DirectiveDisallowed => ("a directive", "remove the line that begins with `%`"),
        ErrorKind::RecursionLimitExceeded => {
            let deep = "found values nested too deeply, expected at most";
            return (Some(format!("{deep} {DEPTH_MAX} levels")), "");
        }
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => (
            "a quoted text without its closing quote",
            "look for the quote that opens it above",
        ),
        ErrorKind::InvalidColonPlacement
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::ExpectedFlowMappingSeparator => {
            return (
                None,
                "look for a bracket above that is not closed, or a comma that is missing",
            );
        }
        ErrorKind::UnclosedFlowCollection { open: '[' } => {
            ("a `[` that is never closed", "add `]`")
        }
        ErrorKind::UnclosedFlowCollection { .. } => ("a `{` that is never closed", "add `}`"),
        ErrorKind::UnexpectedCharacter {
            character: '@' | '`',
        } => (
            "a text that YAML does not allow unquoted",
            "put it in quotes",
        ),
        ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidIndentation
        | ErrorKind::MappingValueNotAllowed
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed => {
            let hint = if line.contains('\t') {
                "indent with spaces, not with tabs"
            } else {
                "look at the colon and the indentation of this line and of the one above"
            };
            return (None, hint);
        }
        _ => return (None, ""),
    };
    (Some(problem.to_owned()), hint)
}
