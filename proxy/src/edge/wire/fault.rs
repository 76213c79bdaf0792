//! Why an upstream's answer is refused by its bytes alone: a closed list.
//!
//! The client hears 502 and nothing else (hardening, A42); the reason is for the log. The upstream's
//! connection closes after each of them.

use super::refusal::Refusal;

/// Why an answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerFault {
    /// The first line is not `version SP status SP reason` (RFC 9112, section 4).
    MalformedStatusLine,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    UnsupportedHttpVersion,
    /// The status is not within 100 and 599 (RFC 9110, section 15).
    InvalidStatus,
    /// `101 Switching Protocols`, which nobody asked for (hardening, P10).
    UnaskedSwitch,
    /// A body behind a status that has none (RFC 9112, section 6.1; RFC 9110, section 8.6).
    ForbiddenBody,
    /// A line, the field lines, or their size, with what a request would be refused for.
    Head(Refusal),
    /// The framing of the body, with what a request would be refused for.
    Framing(Refusal),
    /// The body's chunks, with what a request would be refused for.
    Body(Refusal),
}

impl AnswerFault {
    /// The reason, for the log and the metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::MalformedStatusLine => "malformed_status_line",
            Self::UnsupportedHttpVersion => "unsupported_http_version",
            Self::InvalidStatus => "invalid_status",
            Self::UnaskedSwitch => "unasked_switch",
            Self::ForbiddenBody => "forbidden_body",
            Self::Head(refusal) | Self::Framing(refusal) | Self::Body(refusal) => refusal.reason(),
        }
    }
}
