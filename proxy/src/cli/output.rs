//! What commands print: lines on standard output, colour on a terminal only.
//!
//! A reader that goes away (`tidegate … | head`) ends the output, not in an error.

use crate::config::Report;
use anyhow::Context;
use std::io::{self, IsTerminal, Write};

/// How some words are shown on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// Good news.
    Green,
    /// Look here.
    Yellow,
    /// Bad news.
    Red,
    /// Headings.
    Bold,
    /// Less important.
    Dim,
}

/// Whether standard output is a terminal whose user did not ask for none of it (`NO_COLOR`).
#[must_use]
pub fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// These words in this style, when `colours`.
#[must_use]
pub fn paint(text: &str, style: Style, colours: bool) -> String {
    let code = match style {
        Style::Green => "32",
        Style::Yellow => "33",
        Style::Red => "31",
        Style::Bold => "1",
        Style::Dim => "2",
        Style::Plain => return text.to_owned(),
    };
    if colours {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Writes bytes to standard output as they are.
///
/// # Errors
/// When the output cannot be written, except that its reader went away.
pub fn put(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the output cannot be written"),
    }
}

/// Writes one line to standard output.
///
/// # Errors
/// As [`put`].
pub fn line(text: &str) -> anyhow::Result<()> {
    put(format!("{text}\n").as_bytes())
}

/// Tells the person at the terminal something beside the output. Nobody there: nothing happens.
pub fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells what is wrong with a policy file, with colours when somebody is there to see them.
pub fn report(report: &Report) {
    if io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) {
        tell(&report.coloured());
    } else {
        tell(&report.to_string());
    }
}

/// A text that another host sent, made harmless for a terminal: control characters but line ends and
/// tabs are shown escaped.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

/// A word as a POSIX shell takes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paint_needs_a_terminal() {
        assert_eq!(paint("ok", Style::Green, false), "ok");
        assert_eq!(paint("ok", Style::Green, true), "\x1b[32mok\x1b[0m");
        assert_eq!(paint("ok", Style::Plain, true), "ok");
    }

    #[test]
    fn words_survive_the_shell() {
        for (text, word) in [
            ("GET", "GET"),
            ("http://a/b?c=d&e", "'http://a/b?c=d&e'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME `x`", "'$HOME `x`'"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn an_answer_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\r\n\tä"), "a\\u{1b}[2Jb\\r\n\tä");
    }
}
