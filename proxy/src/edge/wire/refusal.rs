//! Why a request is refused by its bytes alone: a closed list.
//!
//! Reasons are spelled as in the product's one list of reasons, which has the sentences too: the gate
//! translates name by name. After any of them the connection closes: where a message ends is in doubt (RFC 9112, 9.6).

use super::limits::{FIELDS_MAX, TARGET_BYTES_MAX};

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal;)*) => {
        /// Why a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal { $($(#[$doc])* $variant,)* }

        impl Refusal {
            /// Every refusal, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The status code of the answer.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The reason as the envelope's `details.reason` spells it.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

impl Refusal {
    /// The bound that was passed, where it is one number for every request.
    #[must_use]
    pub const fn limit(self) -> Option<usize> {
        match self {
            Self::TargetTooLong => Some(TARGET_BYTES_MAX),
            Self::TooManyHeaders => Some(FIELDS_MAX),
            _ => None,
        }
    }
}

refusals! {
    /// The request line is not `method SP target SP version` (RFC 9112, section 3).
    MalformedRequestLine = "malformed_request_line", 400;
    /// A field line breaks the grammar (RFC 9112, section 5).
    MalformedHeader = "malformed_header", 400;
    /// A line feed without carriage return, or the other way round (RFC 9112, section 2.2).
    BareLineFeed = "bare_line_feed", 400;
    /// A line begins with white space (RFC 9112, section 5.2).
    ObsoleteLineFolding = "obsolete_line_folding", 400;
    /// The head, or one field line, is too long (RFC 6585, section 5).
    HeaderTooLarge = "header_too_large", 431;
    /// Too many field lines (RFC 6585, section 5).
    TooManyHeaders = "too_many_headers", 431;
    /// The target is too long (RFC 9110, section 15.5.15).
    TargetTooLong = "target_too_long", 414;
    /// The target has no known form, or bytes that no target has (RFC 9112, section 3.2).
    InvalidTarget = "invalid_target", 400;
    /// The method is longer than any that exists (RFC 9112, section 3).
    UnknownMethod = "unknown_method", 501;
    /// Neither HTTP/1.0 nor HTTP/1.1 (RFC 9110, section 15.6.6).
    UnsupportedHttpVersion = "unsupported_http_version", 400;
    /// No Host, or an empty one (RFC 9112, section 3.2).
    MissingHost = "missing_host", 400;
    /// More than one Host (RFC 9112, section 3.2).
    RepeatedHost = "repeated_header", 400;
    /// Host is no `uri-host [":" port]` (RFC 9110, section 7.2).
    InvalidHost = "invalid_host", 400;
    /// The target's authority is not the Host (RFC 9112, section 3.2.2).
    HostConflict = "host_conflict", 400;
    /// More than one length (RFC 9112, section 6.3).
    DuplicateContentLength = "duplicate_content_length", 400;
    /// A length that is no number (RFC 9110, section 8.6).
    InvalidContentLength = "invalid_content_length", 400;
    /// Both ways to frame a body at once (RFC 9112, section 6.1).
    LengthWithTransferEncoding = "length_with_transfer_encoding", 400;
    /// A transfer coding that is not `chunked` (RFC 9112, section 6.1).
    UnsupportedTransferEncoding = "unsupported_transfer_encoding", 501;
    /// `chunked` twice, not last, with parameters, or in HTTP/1.0 (RFC 9112, section 6.3).
    InvalidTransferEncoding = "invalid_transfer_encoding", 400;
    /// A chunk breaks the grammar (RFC 9112, section 7.1).
    InvalidChunk = "invalid_chunk", 400;
    /// The trailer section is too large (RFC 6585, section 5).
    TrailersTooLarge = "trailers_too_large", 431;
    /// An expectation other than `100-continue` (RFC 9110, section 10.1.1).
    ExpectationFailed = "expectation_failed", 417;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_name_and_a_status() {
        let mut names = std::collections::BTreeSet::new();
        for &refusal in Refusal::ALL {
            let name = refusal.reason();
            assert!(names.insert(name), "{name} twice");
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            assert!(
                matches!(refusal.status(), 400 | 414 | 417 | 431 | 501),
                "{name}"
            );
        }
    }
}
