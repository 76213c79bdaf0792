//! The names of the fields that the house knows, spelled once.

use http::HeaderName;

/// One bit that all spellings of a name share, by its length and two of its letters: of many names most
/// are not the one that is looked for, and that is seen at a glance.
#[must_use]
#[inline]
pub fn mark(name: &[u8]) -> u64 {
    let letter = |from_end: usize| {
        let at = name.len().checked_sub(from_end);
        at.and_then(|at| name.get(at)).map_or(0, |byte| byte | 0x20)
    };
    1 << ((name.len() * 7 + usize::from(letter(1)) + usize::from(letter(3)) * 3) % 64)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: HeaderName = HeaderName::from_static($text);)*
    };
}

names! {
    /// The API key (contract, section 1).
    API_KEY = "x-api-key";
    /// The request signature (contract, section 3).
    API_SIGNATURE = "x-api-signature";
    /// The signature's time.
    TIMESTAMP = "x-timestamp";
    /// The signature's nonce.
    NONCE = "x-nonce";
    /// The API version, both ways.
    API_VERSION = "x-api-version";
    /// The API version, in the request.
    ACCEPT_VERSION = "accept-version";
    /// The request id, both ways.
    REQUEST_ID = "x-request-id";
    /// Who calls, towards the upstream.
    CONSUMER_ID = "x-consumer-id";
    /// The caller's tier, towards the upstream.
    CONSUMER_TIER = "x-consumer-tier";
    /// The caller's scopes, towards the upstream.
    CONSUMER_SCOPES = "x-consumer-scopes";
    /// `live` or `test`, towards the upstream.
    CONSUMER_ENV = "x-consumer-env";
    /// The chain of client addresses.
    FORWARDED_FOR = "x-forwarded-for";
    /// The client's scheme.
    FORWARDED_PROTO = "x-forwarded-proto";
    /// The client's Host.
    FORWARDED_HOST = "x-forwarded-host";
    /// RFC 7239.
    FORWARDED = "forwarded";
    /// An address that proxies set.
    REAL_IP = "x-real-ip";
    /// The tightest policy's limit.
    RATELIMIT_LIMIT = "x-ratelimit-limit";
    /// The tightest policy's remainder.
    RATELIMIT_REMAINING = "x-ratelimit-remaining";
    /// When the tightest policy is whole again, Unix seconds.
    RATELIMIT_RESET = "x-ratelimit-reset";
    /// The IETF draft's state.
    RATELIMIT = "ratelimit";
    /// The IETF draft's policies.
    RATELIMIT_POLICY = "ratelimit-policy";
    /// RFC 9745.
    DEPRECATION = "deprecation";
    /// RFC 8594.
    SUNSET = "sunset";
    /// W3C Trace Context.
    TRACEPARENT = "traceparent";
    /// W3C Trace Context.
    TRACESTATE = "tracestate";
    /// RFC 9112, obsolete spelling of proxies.
    PROXY_CONNECTION = "proxy-connection";
    /// RFC 9112, appendix C.2.2.
    KEEP_ALIVE = "keep-alive";
    /// Method override, deleted.
    METHOD_OVERRIDE = "x-http-method-override";
    /// Server timing, opt-in.
    SERVER_TIMING = "server-timing";
}
