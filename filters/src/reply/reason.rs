//! The closed lists of codes and reasons.
//!
//! Every reason has its status, its code, one sentence, a documentation page under
//! `docs/errors/`, and a test.

/// `error.code` of the envelope (contract, section 6; FR-025).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 400, 413, 414, 415, 417, 421, 422, 431 and 501.
    Validation,
    /// 401.
    Authentication,
    /// 403.
    Authorization,
    /// 404, 405, 410.
    NotFound,
    /// 409, 412.
    Conflict,
    /// 429.
    RateLimitExceeded,
    /// 500.
    Internal,
    /// 502, 503, 504.
    Unavailable,
}

impl ErrorCode {
    /// The code as the envelope spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "VALIDATION_ERROR",
            Self::Authentication => "AUTHENTICATION_ERROR",
            Self::Authorization => "AUTHORIZATION_ERROR",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::Internal => "INTERNAL_ERROR",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $code:ident, $message:literal;)*) => {
        /// `error.details.reason` of the envelope: why, from a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The reason as the envelope and the documentation spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The usual status of a refusal for this reason.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The envelope's code.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self { $(Self::$variant => ErrorCode::$code,)* }
            }

            /// One sentence for the client that says what to do.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

reasons! {
    // --- the message itself: RFC 9112 -----------------------------------------------------------
    /// The request line breaks the grammar.
    MalformedRequestLine = "malformed_request_line", 400, Validation, "the request line is malformed: send METHOD SP target SP HTTP/1.1";
    /// A field line breaks the grammar.
    MalformedHeader = "malformed_header", 400, Validation, "a header line is malformed: send name, colon, value, without control characters";
    /// A line ended in a bare LF or CR.
    BareLineFeed = "bare_line_feed", 400, Validation, "lines of a request head end in CR LF";
    /// A field line was folded (RFC 9112, section 5.2).
    ObsoleteLineFolding = "obsolete_line_folding", 400, Validation, "header lines must not be folded";
    /// The head is larger than allowed.
    HeaderTooLarge = "header_too_large", 431, Validation, "the request head is too large: send fewer or shorter headers";
    /// The head has more field lines than allowed.
    TooManyHeaders = "too_many_headers", 431, Validation, "the request has too many headers: send fewer";
    /// The target is longer than allowed.
    TargetTooLong = "target_too_long", 414, Validation, "the request target is too long: move data from the query to the body";
    /// The target has a form or a byte that is refused.
    InvalidTarget = "invalid_target", 400, Validation, "the request target is not allowed: send a plain path without dot segments, empty segments, or escaped separators";
    /// No Host, or an empty one (RFC 9112, section 3.2).
    MissingHost = "missing_host", 400, Validation, "exactly one Host header is required";
    /// Host is no host and port.
    InvalidHost = "invalid_host", 400, Validation, "the Host header must be a host name or address with an optional port";
    /// The target's authority and Host differ.
    HostConflict = "host_conflict", 400, Validation, "the request target and the Host header name different hosts";
    /// The host is none that we serve.
    UnknownHost = "unknown_host", 421, Validation, "this host is not served here";
    /// `Content-Length` came twice.
    DuplicateContentLength = "duplicate_content_length", 400, Validation, "send Content-Length once, with one number";
    /// `Content-Length` is no number of 1 to 18 digits.
    InvalidContentLength = "invalid_content_length", 400, Validation, "Content-Length must be a plain decimal number";
    /// `Content-Length` beside `Transfer-Encoding`.
    LengthWithTransferEncoding = "length_with_transfer_encoding", 400, Validation, "send either Content-Length or Transfer-Encoding, not both";
    /// A transfer coding other than chunked.
    UnsupportedTransferEncoding = "unsupported_transfer_encoding", 501, Validation, "the only transfer coding here is chunked";
    /// `Transfer-Encoding` is not exactly one `chunked`.
    InvalidTransferEncoding = "invalid_transfer_encoding", 400, Validation, "Transfer-Encoding must be exactly one chunked, on HTTP/1.1";
    /// A version that we do not speak.
    UnsupportedHttpVersion = "unsupported_http_version", 400, Validation, "speak HTTP/1.1 or HTTP/2";
    /// The chunked body breaks the grammar.
    InvalidChunk = "invalid_chunk", 400, Validation, "the chunked body is malformed";
    /// More trailers than allowed, or trailers where none can be passed on.
    TrailersTooLarge = "trailers_too_large", 431, Validation, "the trailers are too large";
    /// `Expect` asks for something other than 100-continue.
    ExpectationFailed = "expectation_failed", 417, Validation, "the only expectation here is 100-continue: send that one, or no Expect at all";
    /// The body does not fit its announced length, or ended early.
    IncompleteBody = "incomplete_body", 400, Validation, "the request body ended before its announced length";
    /// A method that no server knows, or none that we pass on.
    UnknownMethod = "unknown_method", 501, Validation, "this method is not known here";
    /// A field that may come once came twice.
    RepeatedHeader = "repeated_header", 400, Validation, "a header that may be sent once was sent more than once";
    /// The head did not arrive in time.
    RequestTimeout = "request_timeout", 408, Validation, "the request did not arrive in time";
    /// The body is larger than allowed.
    BodyTooLarge = "body_too_large", 413, Validation, "the request body is too large";
    // --- routes and versions ---------------------------------------------------------------------
    /// No route has this path.
    NoRoute = "no_route", 404, NotFound, "there is nothing at this path";
    /// The path exists, not for this method.
    MethodNotAllowed = "method_not_allowed", 405, NotFound, "this method is not allowed here: see the Allow header";
    /// Path, `X-API-Version` and `Accept-Version` disagree.
    VersionConflict = "version_conflict", 400, Validation, "the path, X-API-Version and Accept-Version must name the same version";
    /// A version that was never served.
    UnknownVersion = "unknown_version", 400, Validation, "this API version does not exist";
    /// A version past its sunset.
    SunsetVersion = "sunset_version", 410, NotFound, "this API version has been retired: see the migration guide";
    // --- who calls -------------------------------------------------------------------------------
    /// No credential at all.
    MissingCredentials = "missing_credentials", 401, Authentication, "send your API key in X-API-Key";
    /// More than one kind of credential, or one twice.
    AmbiguousCredentials = "ambiguous_credentials", 401, Authentication, "send exactly one credential: one X-API-Key, or one bearer token";
    /// The key has not the form of a key.
    MalformedKey = "malformed_key", 401, Authentication, "this is not an API key: check that it was copied whole";
    /// Told to those who prove nothing: unknown, revoked, expired or wrongly signed alike.
    InvalidCredentials = "invalid_credentials", 401, Authentication, "the API key or its signature is not valid";
    /// The key has expired; told to the holder of its secret.
    ExpiredKey = "expired_key", 401, Authentication, "this API key has expired: create or rotate a key";
    /// The key was revoked; told to the holder of its secret.
    RevokedKey = "revoked_key", 401, Authentication, "this API key has been revoked";
    /// No signature where one is required.
    MissingSignature = "missing_signature", 401, Authentication, "sign the request: send X-API-Signature and X-Timestamp";
    /// The signature field has not the form of one.
    MalformedSignature = "malformed_signature", 401, Authentication, "X-API-Signature must be sha256=<hex> or v1=<hex>, 64 lower-case hex digits";
    /// The signature's scheme is not accepted here.
    UnacceptedScheme = "unaccepted_scheme", 401, Authentication, "this signature scheme is not accepted on this route";
    /// No, or no plain, `X-Timestamp`.
    MalformedTimestamp = "malformed_timestamp", 401, Authentication, "X-Timestamp must be Unix seconds: exactly 10 digits";
    /// `X-Timestamp` is in milliseconds.
    TimestampInMilliseconds = "timestamp_in_milliseconds", 401, Authentication, "X-Timestamp is in milliseconds: send seconds, 10 digits";
    /// The timestamp is outside the window.
    StaleTimestamp = "stale_timestamp", 401, Authentication, "X-Timestamp is too far from the present: check the clock and sign again";
    /// The nonce has not the form of one.
    MalformedNonce = "malformed_nonce", 401, Authentication, "X-Nonce must be 8 to 64 visible ASCII characters";
    /// The same signature was accepted before.
    ReplayedSignature = "replayed_signature", 401, Authentication, "this signature was used before: sign again with a new timestamp or nonce";
    /// Nobody could remember this signature, so it is refused.
    ReplayMemoryFull = "replay_memory_full", 503, Unavailable, "too many signed requests are remembered at this moment: try again";
    /// No bearer token where one is required.
    MissingToken = "missing_token", 401, Authentication, "send an access token: Authorization: Bearer <token>";
    /// The bearer token has not the form of one.
    MalformedToken = "malformed_token", 401, Authentication, "this is not an access token: check that it was copied whole";
    /// The bearer token is not good here: forged, of another issuer, or meant for somebody else.
    InvalidToken = "invalid_token", 401, Authentication, "the access token is not valid here: get a new one for this API";
    /// The token's time is over; told to whoever holds a token with a good signature.
    ExpiredToken = "expired_token", 401, Authentication, "the access token has expired: get a new one";
    // --- what they may ---------------------------------------------------------------------------
    /// The address is on no list, or on the deny list.
    AddressNotAllowed = "address_not_allowed", 403, Authorization, "requests from this address are not allowed";
    /// The origin may not call (CORS).
    OriginNotAllowed = "origin_not_allowed", 403, Authorization, "this origin is not allowed";
    // --- how much --------------------------------------------------------------------------------
    /// The burst policy of the tier is used up.
    BurstExceeded = "burst_exceeded", 429, RateLimitExceeded, "the rate limit is exceeded";
    /// Another policy is used up.
    QuotaExceeded = "quota_exceeded", 429, RateLimitExceeded, "the rate limit is exceeded";
    /// Too many requests from this address before authentication.
    AddressLimitExceeded = "address_limit_exceeded", 429, RateLimitExceeded, "too many requests from this address";
    /// Too many failed authentications from this address.
    TooManyFailures = "too_many_failures", 429, RateLimitExceeded, "too many failed authentications from this address";
    /// Too many connections from this address.
    TooManyConnections = "too_many_connections", 429, RateLimitExceeded, "too many connections from this address";
    /// The caller's tier is not in the policy file.
    TierUnknown = "tier_unknown", 503, Unavailable, "the limits of this key are not configured: tell the operator";
    // --- ourselves and the upstream --------------------------------------------------------------
    /// Key records are not loaded.
    KeysNotReady = "keys_not_ready", 503, Unavailable, "the gateway is starting: try again";
    /// Too much is held in memory for bodies.
    MemoryPressure = "memory_pressure", 503, Unavailable, "the gateway is busy: try again";
    /// No server of the upstream could be reached.
    NoUpstream = "no_upstream", 503, Unavailable, "the service behind the gateway cannot be reached: try again";
    /// The upstream's answer was no valid answer.
    BadUpstreamAnswer = "bad_upstream_answer", 502, Unavailable, "the service behind the gateway gave no valid answer";
    /// The upstream did not answer in time.
    UpstreamTimeout = "upstream_timeout", 504, Unavailable, "the service behind the gateway did not answer in time";
    /// A fault of ours.
    Internal = "internal", 500, Internal, "the gateway failed: tell the operator the request id";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_its_own_name_and_a_status_of_its_code() {
        let mut names = HashSet::new();
        for reason in Reason::ALL {
            assert!(names.insert(reason.as_str()), "{} twice", reason.as_str());
            let statuses: &[u16] = match reason.code() {
                ErrorCode::Validation => &[400, 408, 413, 414, 415, 417, 421, 422, 431, 501],
                ErrorCode::Authentication => &[401],
                ErrorCode::Authorization => &[403],
                ErrorCode::NotFound => &[404, 405, 410],
                ErrorCode::Conflict => &[409, 412],
                ErrorCode::RateLimitExceeded => &[429],
                ErrorCode::Internal => &[500],
                ErrorCode::Unavailable => &[502, 503, 504],
            };
            assert!(statuses.contains(&reason.status()), "{}", reason.as_str());
            assert!(!reason.message().ends_with('.'), "{}", reason.as_str());
        }
    }
}
