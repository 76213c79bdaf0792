//! What a report must not show: values that may be secrets.
//!
//! A report prints the line of a mistake, and the mistake may be that somebody wrote a password where
//! a reference belongs. So every value under a field whose name sounds like a secret is hidden, unless
//! it is a reference (`env:…`, `file:…`); and where a file cannot be read as YAML at all, what follows
//! such a name on the same line.

use super::source::{Source, offset};
use super::span::Span;

/// What is shown instead.
pub(super) const INSTEAD: &str = "(hidden)";

const NAMES: &[&str] = &[
    "key",
    "keys",
    "secret",
    "secrets",
    "password",
    "token",
    "tokens",
    "database",
    "credentials",
];

/// Whether the value of a field of this name may be a secret: `master_keys`, `database`, `api-secret`.
pub(super) fn is_sensitive_name(name: &str) -> bool {
    name.split(['_', '-', '.', ' '])
        .any(|part| NAMES.iter().any(|n| n.eq_ignore_ascii_case(part)))
}

/// Whether a value only names the place of a secret.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

/// Whether a value is too plain to be a secret: a number, a quantity, a switch. So a slip in `poll: 10`
/// can be shown although it stands in the section `keys`.
pub(super) fn is_harmless(text: &str) -> bool {
    const QUANTITY_BYTES: usize = 10;
    let quantity = text.len() <= QUANTITY_BYTES && text.starts_with(|c: char| c.is_ascii_digit());
    quantity || matches!(text, "" | "true" | "false" | "yes" | "no" | "null" | "~")
}

/// What may be a secret on the lines of a text that is no YAML: everything after `name:` where the
/// name sounds like a secret, and the lines under it that are indented deeper.
pub(super) fn spans_of_text(source: &Source) -> Vec<Span> {
    let mut hidden = Vec::new();
    let mut under: Option<usize> = None;
    for number in 1..=source.line_count() {
        let line = source.line(number);
        let span = source.line_span(number);
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() {
            continue;
        }
        if under.is_some_and(|outer| indent > outer) {
            hidden.push(Span {
                start: span.start + offset(indent),
                end: span.end,
            });
            continue;
        }
        under = None;
        let Some(colon) = sensitive_colon(line) else {
            continue;
        };
        let value = line[colon + 1..].trim_start();
        if value.is_empty() {
            under = Some(indent);
        } else if !is_reference(value) {
            hidden.push(Span {
                start: span.end - offset(value.len()),
                end: span.end,
            });
        }
    }
    hidden
}

/// The colon behind the first name on the line that sounds like a secret.
fn sensitive_colon(line: &str) -> Option<usize> {
    line.match_indices(':').map(|(at, _)| at).find(|&at| {
        let name = line[..at]
            .rsplit(['{', ',', ' ', '\t', '"', '\''])
            .find(|n| !n.is_empty());
        name.is_some_and(is_sensitive_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_like_secrets() {
        for (name, sensitive) in [
            ("master_keys", true),
            ("database", true),
            ("key", true),
            ("API-Secret", true),
            ("keep_alive", false),
            ("monkey", false),
            ("path", false),
        ] {
            assert_eq!(is_sensitive_name(name), sensitive, "{name}");
        }
    }

    #[test]
    fn text_that_is_no_yaml_hides_what_follows_such_a_name() {
        let text = "keys: { database: postgres://u:p@h\n  poll: 1s\nmaster_keys:\n  - s3cret\na: b\n\
                    password: \"x\nkey: env:A";
        let source = Source::new("a", text);
        let shown: Vec<_> = spans_of_text(&source)
            .iter()
            .map(|span| &text[span.start as usize..span.end as usize])
            .collect();
        assert_eq!(shown, ["{ database: postgres://u:p@h", "- s3cret", "\"x"]);
    }
}
