//! The end of a head that arrives in pieces, looked for once over each byte.
//!
//! Reading a head anew with every piece would cost the square of its length, which a client that sends
//! single bytes decides. The scan keeps its place between calls and lets a head be read only when that
//! must lead to a verdict (at its end, at a bare CR or LF or a NUL, beyond a limit) and now and then
//! before: with the first bytes, behind the first line, and whenever the head has doubled. So what is
//! malformed early is mostly refused early, and the cost stays linear.

use super::fault::AnswerFault;
use super::limits::{HEAD_BYTES_CEILING, HeadLimits, METHOD_BYTES_MAX};
use super::parse::Parse;
use super::refusal::Refusal;
use super::request::{RequestHead, parse_request};
use super::response::{ResponseHead, parse_response};

/// How far a head has been looked through.
///
/// One for each head, used with the same buffer as it grows: its start must stay the head's first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadScan {
    /// Bytes that were looked at.
    scanned: usize,
    /// Where the current line begins.
    line: usize,
    /// Whether a line with content has ended.
    has_first_line: bool,
    /// Whether the one empty line before a request was skipped.
    has_skipped: bool,
    /// Whether a verdict was found to be due.
    is_due: bool,
    /// Bytes at which the head is read next, due or not.
    read_next: usize,
}

/// Which message a head begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    Request,
    Response,
}

// === impl HeadScan ===

impl HeadScan {
    /// The scan of a head of which nothing was seen.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            scanned: 0,
            line: 0,
            has_first_line: false,
            has_skipped: false,
            is_due: false,
            read_next: 0,
        }
    }

    /// Reads a request's head as [`parse_request`] does, at a cost that is linear over all calls.
    ///
    /// A fault is told when its head ends, at the latest, not always with the byte that brings it.
    #[must_use]
    pub fn parse_request<'b>(
        &mut self,
        buffer: &'b [u8],
        limits: &HeadLimits,
    ) -> Parse<RequestHead<'b>, Refusal> {
        self.parse(buffer, limits, Message::Request, |buffer| {
            parse_request(buffer, limits)
        })
    }

    /// The same into the head's place, as [`ResponseHead::read`] does.
    #[must_use]
    pub fn read_response<'b>(
        &mut self,
        head: &mut ResponseHead<'b>,
        buffer: &'b [u8],
        limits: &HeadLimits,
    ) -> Parse<(), AnswerFault> {
        self.parse(buffer, limits, Message::Response, |buffer| {
            head.read(buffer, limits)
        })
    }

    /// Reads a response's head as [`parse_response`] does, at a cost that is linear over all calls.
    #[must_use]
    pub fn parse_response<'b>(
        &mut self,
        buffer: &'b [u8],
        limits: &HeadLimits,
    ) -> Parse<ResponseHead<'b>, AnswerFault> {
        self.parse(buffer, limits, Message::Response, |buffer| {
            parse_response(buffer, limits)
        })
    }

    #[inline]
    fn parse<'b, T, E>(
        &mut self,
        buffer: &'b [u8],
        limits: &HeadLimits,
        message: Message,
        read: impl FnOnce(&'b [u8]) -> Parse<T, E>,
    ) -> Parse<T, E> {
        // Most heads come whole: they are read at once, and nothing is scanned.
        if self.read_next > 0 {
            self.advance(buffer, limits, message);
        }
        if !self.is_due && buffer.len() < self.read_next {
            return Parse::Partial;
        }
        let outcome = read(buffer);
        if matches!(outcome, Parse::Partial) {
            self.advance(buffer, limits, message);
            self.read_next = (2 * buffer.len()).max(1);
        }
        outcome
    }

    /// Looks at the bytes that are new.
    fn advance(&mut self, buffer: &[u8], limits: &HeadLimits, message: Message) {
        let head_bytes_max = limits.head_bytes_max.min(HEAD_BYTES_CEILING);
        while !self.is_due
            && let Some(&byte) = buffer.get(self.scanned)
        {
            let at = self.scanned;
            self.scanned += 1;
            let after_return = at > 0 && buffer[at - 1] == b'\r';
            self.is_due = match byte {
                b'\n' if after_return => self.ends_with_line(at, message),
                b'\n' | 0 => true,
                // A carriage return, and no line feed behind it.
                _ if after_return => true,
                _ => at - self.line > self.line_bytes_max(limits, message),
            } || self.scanned >= head_bytes_max;
        }
    }

    /// Takes the line that ends at `at`; whether the head ends with it.
    fn ends_with_line(&mut self, at: usize, message: Message) -> bool {
        let is_empty = at == self.line + 1;
        self.line = at + 1;
        if !is_empty {
            if !self.has_first_line {
                self.has_first_line = true;
                self.read_next = self.line;
            }
            return false;
        }
        let may_skip = message == Message::Request && !self.has_first_line && !self.has_skipped;
        self.has_skipped = true;
        !may_skip
    }

    /// Bytes of the current line, its carriage return included, that may still be good.
    fn line_bytes_max(&self, limits: &HeadLimits, message: Message) -> usize {
        if self.has_first_line || message == Message::Response {
            return limits.field_bytes_max.saturating_add(1);
        }
        // Method, space, target, space, version, carriage return.
        limits
            .target_bytes_max
            .saturating_add(METHOD_BYTES_MAX + 11)
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::{FIELD_BYTES_MAX, HEAD_BYTES_MAX, TARGET_BYTES_MAX};
    use super::*;

    /// No power of two, at which a head is read in any case.
    const LIMITS: HeadLimits = HeadLimits {
        head_bytes_max: HEAD_BYTES_MAX - 1_000,
        ..HeadLimits::STANDARD
    };

    /// Drips a message byte by byte: at which byte the verdict came, and how many bytes all reads saw.
    fn drip(message: &str) -> (usize, usize) {
        let bytes = message.as_bytes();
        let mut scan = HeadScan::new();
        let seen = std::cell::Cell::new(0);
        for end in 1..=bytes.len() {
            let outcome = scan.parse(&bytes[..end], &LIMITS, Message::Request, |buffer| {
                seen.set(seen.get() + buffer.len());
                parse_request(buffer, &LIMITS)
            });
            if !matches!(outcome, Parse::Partial) {
                return (end, seen.get());
            }
        }
        panic!("no verdict after {} bytes", bytes.len());
    }

    #[test]
    fn a_dripping_head_costs_in_proportion_to_its_length() {
        let start = "GET / HTTP/1.1\r\n";
        let target = "a".repeat(TARGET_BYTES_MAX);
        let value = "a".repeat(FIELD_BYTES_MAX);
        for (message, at_most) in [
            (format!("{start}X: {}\r\n\r\n", &value[..16_000]), 16_023),
            (format!("{start}{}\r\n", "X: a\r\n".repeat(100)), 618),
            (format!("{start}{}\r\n", "X: a\r\n".repeat(5_000)), 1_200),
            (format!("GET /{target}{value}"), TARGET_BYTES_MAX + 64),
            (format!("{start}X: {value}{value}"), FIELD_BYTES_MAX + 64),
            (format!("{start}{value}{value}"), FIELD_BYTES_MAX + 64),
            (
                format!(
                    "{start}{}{value}",
                    format!("X: {}\r\n", &value[..8_000]).repeat(4)
                ),
                LIMITS.head_bytes_max,
            ),
            (format!("\r\n\r\n{value}"), 4),
            (format!("{start}X: a\n{value}"), 21),
            (format!("{start}X: \0{value}"), 20),
            // What is malformed in the first line is told behind it.
            (format!("GET / HTTP/1.1 \r\n{value}"), 17),
            ("GET / HTTP/2.0\r\n".to_owned(), 16),
            ("\u{16}\u{3}\u{1}\u{2}".to_owned(), 1),
        ] {
            let (end, seen) = drip(&message);
            let shown = &message[..message.len().min(30)];
            assert!(end <= at_most, "{shown:?}: verdict after {end}");
            assert!(
                seen <= 4 * end + 32,
                "{shown:?}: {seen} bytes read of {end}"
            );
        }
    }
}
