//! Why a request is refused by its bytes alone: a closed list.
//!
//! Reasons are spelled as in the product's one list of reasons, so that the gate can translate name by
//! name. After any of them the connection closes: where a message ends is in doubt (RFC 9112, 9.6).

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $message:literal;)*) => {
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

            /// One sentence that tells the client's developer what to do.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

refusals! {
    /// The request line is not `method SP target SP version` (RFC 9112, section 3).
    MalformedRequestLine = "malformed_request_line", 400,
        "the first line must be METHOD, one space, target, one space, HTTP/1.1";
    /// A field line breaks the grammar (RFC 9112, section 5).
    MalformedHeader = "malformed_header", 400,
        "send each header as name, colon, value: no space before the colon, no control characters";
    /// A line feed without carriage return, or the other way round (RFC 9112, section 2.2).
    BareLineFeed = "bare_line_feed", 400,
        "end every line with CR LF, and send neither of them alone";
    /// A line begins with white space (RFC 9112, section 5.2).
    ObsoleteLineFolding = "obsolete_line_folding", 400,
        "send each header on one line: a line must not begin with white space";
    /// The head, or one field line, is too long (RFC 6585, section 5).
    HeaderTooLarge = "header_too_large", 431,
        "the request's headers are too large: send fewer or shorter ones";
    /// Too many field lines (RFC 6585, section 5).
    TooManyHeaders = "too_many_headers", 431,
        "the request has too many headers: send fewer";
    /// The target is too long (RFC 9110, section 15.5.15).
    TargetTooLong = "target_too_long", 414,
        "the request target is too long: move data from the query to the body";
    /// The target has no known form, or bytes that no target has (RFC 9112, section 3.2).
    InvalidTarget = "invalid_target", 400,
        "send the path from its first slash on, percent-encoded, in visible ASCII and without fragment";
    /// The method is longer than any that exists (RFC 9112, section 3).
    UnknownMethod = "unknown_method", 501,
        "this method is not known here";
    /// Neither HTTP/1.0 nor HTTP/1.1 (RFC 9110, section 15.6.6).
    UnsupportedHttpVersion = "unsupported_http_version", 400,
        "send HTTP/1.1, or HTTP/2 from the connection's start";
    /// No Host, or an empty one (RFC 9112, section 3.2).
    MissingHost = "missing_host", 400,
        "send exactly one Host header";
    /// More than one Host (RFC 9112, section 3.2).
    RepeatedHost = "repeated_header", 400,
        "send the Host header exactly once";
    /// Host is no `uri-host [":" port]` (RFC 9110, section 7.2).
    InvalidHost = "invalid_host", 400,
        "send Host as one name or address, with a colon and a port if needed, and nothing else";
    /// The target's authority is not the Host (RFC 9112, section 3.2.2).
    HostConflict = "host_conflict", 400,
        "the request target and the Host header must name the same host and port";
    /// More than one length (RFC 9112, section 6.3).
    DuplicateContentLength = "duplicate_content_length", 400,
        "send Content-Length once, with one number";
    /// A length that is no number (RFC 9110, section 8.6).
    InvalidContentLength = "invalid_content_length", 400,
        "send Content-Length as decimal digits only, at most 18 of them";
    /// Both ways to frame a body at once (RFC 9112, section 6.1).
    LengthWithTransferEncoding = "length_with_transfer_encoding", 400,
        "send either Content-Length or Transfer-Encoding, never both";
    /// A transfer coding that is not `chunked` (RFC 9112, section 6.1).
    UnsupportedTransferEncoding = "unsupported_transfer_encoding", 501,
        "the only transfer coding here is chunked: compress with Content-Encoding instead";
    /// `chunked` twice, not last, with parameters, or in HTTP/1.0 (RFC 9112, section 6.3).
    InvalidTransferEncoding = "invalid_transfer_encoding", 400,
        "send Transfer-Encoding: chunked exactly once, in HTTP/1.1 only";
    /// A chunk breaks the grammar (RFC 9112, section 7.1).
    InvalidChunk = "invalid_chunk", 400,
        "send each chunk as its size in hex, CR LF, as many bytes, CR LF";
    /// The trailer section is too large (RFC 6585, section 5).
    TrailersTooLarge = "trailers_too_large", 431,
        "the trailers are too large: send fewer or shorter ones";
    /// An expectation other than `100-continue` (RFC 9110, section 10.1.1).
    ExpectationFailed = "expectation_failed", 417,
        "send Expect: 100-continue, or no Expect at all";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_name_a_status_and_a_sentence_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        let mut sentences = std::collections::BTreeSet::new();
        for &refusal in Refusal::ALL {
            let (name, message) = (refusal.reason(), refusal.message());
            assert!(names.insert(name), "{name} twice");
            assert!(sentences.insert(message), "{message} twice");
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            assert!(
                matches!(refusal.status(), 400 | 414 | 417 | 431 | 501),
                "{name}"
            );
            assert!(message.len() > 20 && !message.ends_with('.'), "{name}");
        }
    }
}
