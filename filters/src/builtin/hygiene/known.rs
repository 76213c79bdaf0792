//! The field names that hygiene has an opinion about, in one table: whether a name may come more
//! than once, and whether it goes on to the upstream.

use http::HeaderName;

/// How often a field may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Often {
    /// As often as one likes: it is a list, or it is dropped anyway.
    Many,
    /// Once.
    Once,
    /// Once, and twice is two credentials.
    Credential,
}

/// Whether a field goes on to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onward {
    /// As it came.
    Pass,
    /// Not at all.
    Drop,
}

macro_rules! known_names {
    ($($variant:ident = $text:literal, $often:ident, $onward:ident;)*) => {
        /// A name of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Known { $($variant,)* }

        impl Known {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            pub(super) const fn often(self) -> Often {
                match self { $(Self::$variant => Often::$often,)* }
            }

            pub(super) const fn onward(self) -> Onward {
                match self { $(Self::$variant => Onward::$onward,)* }
            }

            pub(super) fn header(self) -> HeaderName {
                match self { $(Self::$variant => {
                    const NAME: HeaderName = HeaderName::from_static($text);
                    NAME
                })* }
            }

            /// The name's place in a set of 64.
            pub(super) const fn bit(self) -> u64 {
                1 << self as u8
            }
        }

        const _: () = assert!([$($text,)*].len() <= 64);
    };
}

known_names! {
    // Framing and routing: judged here, written by the lane.
    Host = "host", Once, Pass;
    ContentLength = "content-length", Once, Pass;
    TransferEncoding = "transfer-encoding", Once, Pass;
    Expect = "expect", Once, Drop;
    MaxForwards = "max-forwards", Once, Pass;
    // For one hop (RFC 9110, section 7.6.1).
    Connection = "connection", Many, Drop;
    KeepAlive = "keep-alive", Many, Drop;
    ProxyConnection = "proxy-connection", Many, Drop;
    Te = "te", Many, Drop;
    Trailer = "trailer", Many, Drop;
    Upgrade = "upgrade", Many, Drop;
    Http2Settings = "http2-settings", Many, Drop;
    ProxyAuthorization = "proxy-authorization", Many, Drop;
    ProxyAuthenticate = "proxy-authenticate", Many, Drop;
    // Credentials end here.
    ApiKey = "x-api-key", Credential, Drop;
    ApiSignature = "x-api-signature", Credential, Drop;
    Timestamp = "x-timestamp", Credential, Drop;
    Nonce = "x-nonce", Credential, Drop;
    Authorization = "authorization", Credential, Drop;
    Cookie = "cookie", Many, Drop;
    // Who the client is, is ours to say.
    Forwarded = "forwarded", Many, Drop;
    RealIp = "x-real-ip", Many, Drop;
    ClientIp = "x-client-ip", Many, Drop;
    ClusterClientIp = "x-cluster-client-ip", Many, Drop;
    TrueClientIp = "true-client-ip", Many, Drop;
    // What is asked, is said by the request line.
    MethodOverrideHttp = "x-http-method-override", Many, Drop;
    MethodOverride = "x-method-override", Many, Drop;
    MethodHttp = "x-http-method", Many, Drop;
    OriginalUrl = "x-original-url", Many, Drop;
    RewriteUrl = "x-rewrite-url", Many, Drop;
    // One value by their own definition.
    RequestId = "x-request-id", Once, Pass;
    ApiVersion = "x-api-version", Once, Pass;
    AcceptVersion = "accept-version", Once, Pass;
    IdempotencyKey = "idempotency-key", Once, Pass;
    ContentType = "content-type", Once, Pass;
    ContentLocation = "content-location", Once, Pass;
    ContentRange = "content-range", Once, Pass;
    Date = "date", Once, Pass;
    From = "from", Once, Pass;
    IfModifiedSince = "if-modified-since", Once, Pass;
    IfUnmodifiedSince = "if-unmodified-since", Once, Pass;
    IfRange = "if-range", Once, Pass;
    Origin = "origin", Once, Pass;
    Range = "range", Once, Pass;
    Referer = "referer", Once, Pass;
    UserAgent = "user-agent", Once, Pass;
    RequestMethod = "access-control-request-method", Once, Pass;
    // Judged on the way to the upstream: a wrong one is dropped, not refused.
    Traceparent = "traceparent", Many, Pass;
    Tracestate = "tracestate", Many, Pass;
    // Lists that a Connection field must not be able to remove.
    Via = "via", Many, Pass;
    CacheControl = "cache-control", Many, Pass;
    Accept = "accept", Many, Pass;
    AcceptEncoding = "accept-encoding", Many, Pass;
    Prefer = "prefer", Many, Pass;
    Signature = "signature", Many, Pass;
    SignatureInput = "signature-input", Many, Pass;
}

/// The bits of all names that do not go on.
pub(super) const DROPPED: u64 = {
    let mut dropped = 0;
    let mut n = 0;
    while n < Known::ALL.len() {
        if let Onward::Drop = Known::ALL[n].onward() {
            dropped |= Known::ALL[n].bit();
        }
        n += 1;
    }
    dropped
};

/// What one pass over the field lines of a request found, for who comes later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// The bits of the names of the table.
    pub(super) known: u64,
    /// Some name has an underscore, or is one that only we may set.
    pub(super) has_odd: bool,
}

// === impl Present ===

impl Present {
    pub(super) const fn has(self, known: Known) -> bool {
        self.known & known.bit() != 0
    }

    pub(super) fn take(&mut self, name: &[u8]) -> Option<Known> {
        self.has_odd |= name.contains(&b'_') || owned_prefix(name).is_some();
        Known::of(name)
    }
}

impl Known {
    /// Whether an answer's field of this name is for one hop.
    pub(super) const fn is_of_one_hop(self) -> bool {
        matches!(
            self,
            Self::Connection
                | Self::KeepAlive
                | Self::ProxyConnection
                | Self::ProxyAuthenticate
                | Self::Te
                | Self::Trailer
                | Self::Upgrade
                | Self::Http2Settings
        )
    }

    /// Finds a name in any spelling: by one look at [`PLACES`] and one comparison.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let place = PLACES[place(name)?];
        let known = *Self::ALL.get(usize::from(place))?;
        let text = known.as_str().as_bytes();
        name.eq_ignore_ascii_case(text).then_some(known)
    }
}

/// Where each name of the table stands in [`Known::ALL`], by [`place`]; 255 where none does.
const PLACES: [u8; 256] = {
    let mut places = [u8::MAX; 256];
    let mut n = 0;
    while n < Known::ALL.len() {
        let Some(place) = place(Known::ALL[n].as_str().as_bytes()) else {
            panic!("a name is empty");
        };
        assert!(
            places[place] == u8::MAX,
            "two names share a place: choose other factors"
        );
        places[place] = n as u8;
        n += 1;
    }
    places
};

/// A number below 256 that no two names of the table share, by length and three characters without
/// regard to case. The factors were found by trying.
const fn place(name: &[u8]) -> Option<usize> {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else {
        return None;
    };
    let middle = name[name.len() / 3];
    let sum = name.len()
        + (first | 0x20) as usize * 3
        + (middle | 0x20) as usize * 13
        + (last | 0x20) as usize * 5;
    Some(sum & 0xff)
}

/// The prefixes of names that only we may set.
pub(super) const OWNED_PREFIXES: [&str; 2] = ["x-consumer-", "x-forwarded-"];

/// The owned prefix that a name begins with, in any spelling.
pub(super) fn owned_prefix(name: &[u8]) -> Option<&'static str> {
    // Both begin with the same letter, and most names with another.
    if !matches!(name.first(), Some(b'x' | b'X')) {
        return None;
    }
    OWNED_PREFIXES.into_iter().find(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

/// Whether a client's Connection field may name this field, and so have it dropped: only what is
/// not known as end-to-end. Else `Connection: x-consumer-id` would take away what we set, and
/// `Connection: transfer-encoding` the framing (RFC 9110, section 7.6.1).
pub(super) fn may_be_dropped(name: &[u8]) -> bool {
    let begins = |prefix: &[u8]| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if matches!(
        Known::of(name),
        Some(
            Known::KeepAlive
                | Known::ProxyConnection
                | Known::Te
                | Known::Trailer
                | Known::Upgrade
                | Known::Http2Settings
        )
    ) {
        return true;
    }
    let end_to_end: [&[u8]; 8] = [
        b"x-",
        b"content-",
        b"if-",
        b"accept",
        b"access-",
        b"sec-",
        b"ratelimit",
        b"proxy-",
    ];
    Known::of(name).is_none() && !name.contains(&b'_') && !end_to_end.into_iter().any(begins)
}

/// Whether a byte may stand in a field name (RFC 9110, section 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[byte as usize]
}

const TOKEN_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = is_token(byte as u8);
        byte += 1;
    }
    bytes
};

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_spelling() {
        for &known in Known::ALL {
            let text = known.as_str();
            assert_eq!(Known::of(text.as_bytes()), Some(known));
            assert_eq!(Known::of(text.to_ascii_uppercase().as_bytes()), Some(known));
            assert_eq!(Known::of(format!("{text}x").as_bytes()), None);
            assert_eq!(known.header().as_str(), text);
        }
        assert_eq!(Known::of(b""), None);
        assert_eq!(Known::of(&[b'a'; 33]), None);
    }

    #[test]
    fn connection_may_drop_only_what_is_made_for_one_hop_or_unknown() {
        for (name, droppable) in [
            ("keep-alive", true),
            ("TE", true),
            ("Upgrade", true),
            ("HTTP2-Settings", true),
            ("client-hop", true),
            ("X-Consumer-Id", false),
            ("x-anything", false),
            ("Authorization", false),
            ("transfer-encoding", false),
            ("Content-Length", false),
            ("content-digest", false),
            ("Host", false),
            ("traceparent", false),
            ("if-match", false),
            ("ratelimit", false),
            ("x_consumer_id", false),
            ("connection", false),
            ("proxy-authorization", false),
        ] {
            assert_eq!(may_be_dropped(name.as_bytes()), droppable, "{name}");
        }
    }
}
