//! `headers`: sets and removes fields, in requests and in answers.
//!
//! ```yaml
//! - headers:                                # last in the chain
//!     security: true                        # default: false
//!     request:
//!       set: { X-Gateway: tidegate }
//!       remove: [X-Debug]
//!     response:
//!       set: { Cache-Control: no-store }
//!       remove: [X-Runtime]
//! ```
//!
//! `security: true` gives every answer `X-Content-Type-Options: nosniff`, over TLS
//! `Strict-Transport-Security`, and, where the upstream does not say otherwise, a
//! `Content-Security-Policy` that lets nothing in, `X-Frame-Options: DENY` and
//! `Referrer-Policy: no-referrer`. What is set by name wins over these.
//!
//! **Replies.** None.
//!
//! **Dangers.** Fields that the gateway itself owns cannot be named here: framing, fields of one hop,
//! `X-Consumer-*`, `X-Forwarded-*`, rate limits, ids, credentials that end here. A field set in
//! requests replaces the client's. `Strict-Transport-Security` binds browsers to TLS for a year.

use crate::edits::{Edits, FixedLines};
use crate::env::Env;
use crate::exchange::{Exchange, Scheme};
use crate::filter::{Build, BuildError, Facts, Filter, Verdict};
use crate::head::{Head, ResponseHead};
use crate::limits::LIST_ENTRIES_MAX;
use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Names that are the gateway's own, whole.
const OWNED: &[&str] = &[
    "accept-version",
    "connection",
    "content-length",
    "date",
    "deprecation",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "retry-after",
    "server",
    "sunset",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-api-key",
    "x-api-signature",
    "x-api-version",
    "x-nonce",
    "x-real-ip",
    "x-request-id",
    "x-timestamp",
];

/// Names that are the gateway's own, by their beginning.
const OWNED_PREFIXES: &[&str] = &[
    "access-control-",
    "ratelimit",
    "x-consumer-",
    "x-forwarded-",
    "x-ratelimit-",
];

/// The configuration of `headers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The usual security fields on every answer.
    pub security: bool,
    /// Changes of requests, towards the upstream.
    pub request: Changes,
    /// Changes of answers, towards the client.
    pub response: Changes,
}

/// Changes of one head.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// Fields to set, in place of all lines of that name.
    pub set: BTreeMap<String, String>,
    /// Fields to remove.
    pub remove: Vec<String>,
}

/// The filter.
pub struct Headers {
    security: Option<Security>,
    request: Prepared,
    response: Prepared,
}

struct Prepared {
    remove: Box<[HeaderName]>,
    set: FixedLines,
}

/// The security fields of an answer of which nobody said anything, without TLS and with it.
struct Security {
    http: FixedLines,
    https: FixedLines,
}

impl Build for Headers {
    const NAME: &'static str = "headers";
    const SUMMARY: &'static str = "sets and removes fields of requests and answers";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn build(config: &Config, _: &Env) -> Result<Self, BuildError> {
        Ok(Self {
            security: config.security.then(Security::new),
            request: Prepared::of("request", &config.request)?,
            response: Prepared::of("response", &config.response)?,
        })
    }
}

impl Prepared {
    fn of(field: &'static str, changes: &Changes) -> Result<Self, BuildError> {
        if changes.set.len() + changes.remove.len() > LIST_ENTRIES_MAX {
            return Err(BuildError::new(
                field,
                format!("there are more than {LIST_ENTRIES_MAX} changes"),
                "name fewer fields",
            ));
        }
        let remove = changes.remove.iter().map(|name| read_name(field, name));
        let set = changes
            .set
            .iter()
            .map(|(name, value)| Ok((read_name(field, name)?, read_value(field, name, value)?)));
        let set = set.collect::<Result<Vec<_>, BuildError>>()?;
        Ok(Self {
            remove: remove.collect::<Result<_, _>>()?,
            set: FixedLines::new(set.iter().map(|(name, value)| (name, value))),
        })
    }
}

fn read_name(field: &'static str, text: &str) -> Result<HeaderName, BuildError> {
    let wrong = |problem: String, hint| Err(BuildError::new(field, problem, hint));
    let Ok(name) = text.parse::<HeaderName>() else {
        return wrong(
            format!("{text:?} is no header name"),
            "use letters, digits and hyphens",
        );
    };
    // A server that maps names to variables takes `x_consumer_id` for `x-consumer-id`.
    let spelled = name.as_str().replace('_', "-");
    let owned = OWNED.contains(&&*spelled)
        || OWNED_PREFIXES
            .iter()
            .any(|prefix| spelled.starts_with(prefix));
    if owned {
        return wrong(
            format!("{text:?} is set by the gateway itself"),
            "leave it out",
        );
    }
    Ok(name)
}

/// Visible ASCII and spaces within: what every server reads alike (RFC 9110, section 5.5).
fn read_value(field: &'static str, name: &str, text: &str) -> Result<HeaderValue, BuildError> {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    HeaderValue::from_str(text)
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| {
            BuildError::new(
                field,
                format!("the value of {name:?} cannot be sent"),
                "use visible ASCII characters and spaces between them",
            )
        })
}

impl Filter for Headers {
    fn on_upstream_request(&self, x: &mut Exchange, _: &Head<'_>) -> Verdict {
        self.request.record(&mut x.upstream);
        Ok(())
    }

    fn on_response(&self, x: &mut Exchange, head: &ResponseHead<'_>) {
        if let Some(security) = &self.security {
            security.secure(x, head);
        }
        self.response.record(&mut x.response);
    }
}

impl Prepared {
    fn record(&self, edits: &mut Edits) {
        for name in &self.remove {
            edits.remove(name);
        }
        edits.set_all(&self.set);
    }
}

/// The field that only TLS may set (RFC 6797, section 7.2).
const TRANSPORT: (HeaderName, HeaderValue) = (
    STRICT_TRANSPORT_SECURITY,
    HeaderValue::from_static("max-age=31536000; includeSubDomains"),
);

/// The field of every answer.
const NO_SNIFFING: (HeaderName, HeaderValue) =
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// What pages of an upstream may need to say otherwise; an API's answers need nothing.
const OF_PAGES: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

// === impl Security ===

impl Security {
    fn new() -> Self {
        Self {
            http: Self::lines(Scheme::Http, &OF_PAGES),
            https: Self::lines(Scheme::Https, &OF_PAGES),
        }
    }

    fn lines(scheme: Scheme, of_pages: &[(HeaderName, HeaderValue)]) -> FixedLines {
        let transport = (scheme == Scheme::Https).then_some(TRANSPORT);
        let lines: Vec<_> = transport.into_iter().chain([NO_SNIFFING]).collect();
        let lines = lines.iter().chain(of_pages);
        FixedLines::new(lines.map(|(name, value)| (name, value)))
    }

    fn secure(&self, x: &mut Exchange, head: &ResponseHead<'_>) {
        let unsaid = |(name, _): &&(HeaderName, HeaderValue)| head.first(name).is_none();
        if OF_PAGES.iter().all(|line| unsaid(&line)) {
            x.response.set_all(match x.scheme {
                Scheme::Http => &self.http,
                Scheme::Https => &self.https,
            });
            return;
        }
        let of_pages: Vec<_> = OF_PAGES.iter().filter(unsaid).cloned().collect();
        x.response.set_all(&Self::lines(x.scheme, &of_pages));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Client;
    use crate::testing::{self, FakeClient, FieldList, answer, edited};

    fn filter(config: &str) -> Result<Headers, BuildError> {
        Headers::build(&serde_json::from_str(config).unwrap(), &testing::env())
    }

    #[test]
    fn named_fields_are_set_and_removed_both_ways() {
        let config = r#"{
            "request": {"set": {"X-Gateway": "tidegate"}, "remove": ["X-Debug"]},
            "response": {"set": {"Cache-Control": "no-store"}, "remove": ["X-Runtime"]}
        }"#;
        let filter = filter(config).unwrap();
        let client = FakeClient::get("/")
            .field("x-gateway", "forged")
            .field("X-GATEWAY", "forged")
            .field("X-Debug", "1")
            .field("Accept", "*/*");
        let mut x = testing::exchange();
        filter.on_upstream_request(&mut x, &client.head()).unwrap();
        let map = edited(client.fields(), &x.upstream);
        assert_eq!(
            map.get_all("x-gateway").iter().collect::<Vec<_>>(),
            ["tidegate"]
        );
        assert!(!map.contains_key("x-debug") && map.contains_key("accept"));

        let fields = FieldList::of(&[
            ("X-Runtime", "1"),
            ("Cache-Control", "public"),
            ("ETag", "a"),
        ]);
        let map = answer(&filter, &mut x, 200, &fields);
        assert_eq!(
            map.get_all("cache-control").iter().collect::<Vec<_>>(),
            ["no-store"]
        );
        assert!(!map.contains_key("x-runtime") && map.contains_key("etag"));
        assert!(!map.contains_key("x-content-type-options"));
    }

    #[test]
    fn security_is_given_to_every_answer_and_bows_to_what_is_said() {
        let filter =
            filter(r#"{"security": true, "response": {"set": {"Referrer-Policy": "origin"}}}"#);
        let filter = filter.unwrap();
        for (scheme, hsts) in [(Scheme::Https, true), (Scheme::Http, false)] {
            let mut x = testing::exchange();
            x.scheme = scheme;
            let map = answer(&filter, &mut x, 500, &FieldList::default());
            assert_eq!(map.contains_key("strict-transport-security"), hsts);
            assert_eq!(map["x-content-type-options"], "nosniff");
            assert_eq!(map["x-frame-options"], "DENY");
            assert_eq!(map["referrer-policy"], "origin");
        }
        let page = FieldList::of(&[("Content-Security-Policy", "default-src 'self'")]);
        let map = answer(&filter, &mut testing::exchange(), 200, &page);
        assert_eq!(map["content-security-policy"], "default-src 'self'");
    }

    #[test]
    fn what_the_gateway_owns_cannot_be_named() {
        for name in [
            "X-Consumer-Id",
            "x_consumer_id",
            "X-Forwarded-For",
            "Content-Length",
            "Transfer-Encoding",
            "Host",
            "Connection",
            "TE",
            "Upgrade",
            "X-Request-Id",
            "X-RateLimit-Limit",
            "RateLimit",
            "RateLimit-Policy",
            "X-API-Key",
            "Access-Control-Allow-Origin",
            "Via",
            "a b",
            "",
        ] {
            for (part, kind) in [
                ("request", format!(r#"{{"set": {{"{name}": "a"}}}}"#)),
                ("request", format!(r#"{{"remove": ["{name}"]}}"#)),
                ("response", format!(r#"{{"set": {{"{name}": "a"}}}}"#)),
                ("response", format!(r#"{{"remove": ["{name}"]}}"#)),
            ] {
                let error = filter(&format!(r#"{{"{part}": {kind}}}"#)).err();
                assert_eq!(error.map(|error| error.field), Some(part), "{name}");
            }
        }
        for (value, good) in [
            ("a b", true),
            (" a", false),
            ("a\\nb", false),
            ("a\\u0000", false),
            ("\\u00e9", false),
        ] {
            let config = format!(r#"{{"response": {{"set": {{"X-A": "{value}"}}}}}}"#);
            assert_eq!(filter(&config).is_ok(), good, "{value}");
        }
        assert!(serde_json::from_str::<Config>(r#"{"secure": true}"#).is_err());
    }
}
