//! `cors`: which web pages may call from a browser (Fetch, section 3.3).
//!
//! ```yaml
//! - cors:                                     # above api_key: a preflight carries no credential
//!     origins: [https://app.example, "http://localhost:5173"]     # or ["*"]
//!     methods: [GET, POST, PATCH, DELETE]     # default: GET, HEAD, POST, PUT, PATCH, DELETE
//!     headers: [Content-Type, X-API-Key]      # default: the fields that this gateway knows
//!     expose: [X-RateLimit-Remaining]         # default: rate limits, Retry-After, X-Request-Id, …
//!     credentials: false
//!     max_age: 10m
//! ```
//!
//! A preflight (OPTIONS with `Origin` and `Access-Control-Request-Method`) is answered here with 204
//! and costs no quota. Its lists are the configured ones, never what the client asked for. Every other
//! answer, refusals of the filters below included, carries the grant when the origin is on the list;
//! what the upstream says about CORS is removed. Origins are compared byte for byte. `Vary: Origin` is
//! on every answer unless everybody is allowed.
//!
//! **Replies.** 204 to a preflight; 403 `origin_not_allowed` to a preflight of a foreign origin. Any
//! other request of a foreign origin goes on, without a grant: the browser keeps the answer from the
//! page.
//!
//! **Dangers.** CORS protects people in browsers, not the API. `null`, the origin of files and
//! sandboxed frames, is never allowed, and `*` never together with credentials.

use crate::env::Env;
use crate::exchange::{Client, Exchange};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::Head;
use crate::limits::LIST_ENTRIES_MAX;
use crate::reply::{Reason, Reply};
use crate::units::Duration;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

const HEADERS: &[&str] = &[
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-API-Key",
    "X-API-Signature",
    "X-API-Version",
    "X-Nonce",
    "X-Request-Id",
    "X-Timestamp",
];

const EXPOSED: &[&str] = &[
    "Deprecation",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "X-API-Version",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
];

/// The longest time that any browser keeps a preflight's answer.
const MAX_AGE_S_MAX: u64 = 86_400;

/// The configuration of `cors`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Origins, `https://app.example`, compared byte for byte; or one `*`.
    pub origins: Vec<String>,
    /// Methods that a page may use.
    #[serde(default)]
    pub methods: Option<Vec<String>>,
    /// Request fields that a page may set.
    #[serde(default)]
    pub headers: Option<Vec<String>>,
    /// Response fields that a page may read.
    #[serde(default)]
    pub expose: Option<Vec<String>>,
    /// Whether the browser may send cookies and client certificates.
    #[serde(default)]
    pub credentials: bool,
    /// How long a browser may remember a preflight's answer; 10 minutes unless said.
    #[serde(default)]
    pub max_age: Option<Duration>,
}

/// The filter.
pub struct Cors {
    origins: Origins,
    methods: HeaderValue,
    headers: HeaderValue,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
}

enum Origins {
    Any,
    These(Vec<HeaderValue>),
}

impl Build for Cors {
    const NAME: &'static str = "cors";
    const SUMMARY: &'static str = "lets web pages of named origins call from a browser";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn build(config: &Config, _: &Env) -> Result<Self, BuildError> {
        let max_age = config.max_age.map_or(600, |age| age.0.as_secs());
        if max_age > MAX_AGE_S_MAX {
            return Err(BuildError::new(
                "max_age",
                "no browser remembers a preflight for longer than a day",
                "choose 24h or less",
            ));
        }
        let methods = list("methods", config.methods.as_deref(), METHODS, is_method)?;
        let headers = list("headers", config.headers.as_deref(), HEADERS, is_name)?;
        let expose = list("expose", config.expose.as_deref(), EXPOSED, is_name)?;
        Ok(Self {
            origins: read_origins(config)?,
            methods,
            headers,
            expose: Some(expose).filter(|value| !value.is_empty()),
            credentials: config.credentials,
            max_age: HeaderValue::from(max_age),
        })
    }
}

fn read_origins(config: &Config) -> Result<Origins, BuildError> {
    let wrong = |problem: String, hint: &str| Err(BuildError::new("origins", problem, hint));
    match config.origins.as_slice() {
        [] => wrong(
            "no origin is named".to_owned(),
            "name origins such as https://app.example, or leave cors out",
        ),
        [star] if star == "*" && config.credentials => wrong(
            "every origin together with credentials would open the API to every web page"
                .to_owned(),
            "name the origins, or set credentials to false",
        ),
        [star] if star == "*" => Ok(Origins::Any),
        many if many.len() > LIST_ENTRIES_MAX => wrong(
            format!("{} origins are more than {LIST_ENTRIES_MAX}", many.len()),
            "name fewer",
        ),
        these => {
            if let Some(odd) = these.iter().find(|origin| !is_origin(origin)) {
                return wrong(
                    format!("{odd:?} is no origin"),
                    "write scheme, host and perhaps port, in lower case and without a slash at the end",
                );
            }
            let values = these.iter().map(|origin| HeaderValue::from_str(origin));
            values
                .collect::<Result<_, _>>()
                .map(Origins::These)
                .or_else(|_| wrong("an origin is no header value".to_owned(), "use plain ASCII"))
        }
    }
}

/// Scheme, host and perhaps port, spelled as browsers spell them (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let default_port = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    text == format!("{scheme}://{authority}")
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && !text.contains(['*', '@'])
        && !authority.host().is_empty()
        && !authority.as_str().ends_with([':', '.'])
        && (default_port.is_none() || authority.port_u16() != default_port)
}

fn is_method(text: &str) -> bool {
    text.parse::<Method>().is_ok() && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A field name. The wildcard is none: it does not cover `Authorization`, and says more than anybody
/// meant.
fn is_name(text: &str) -> bool {
    text != "*" && text.parse::<HeaderName>().is_ok()
}

fn list(
    field: &'static str,
    named: Option<&[String]>,
    usual: &[&str],
    is_good: fn(&str) -> bool,
) -> Result<HeaderValue, BuildError> {
    let named: Vec<&str> = match named {
        None => usual.to_vec(),
        Some(named) => named.iter().map(String::as_str).collect(),
    };
    let problem = if named.len() > LIST_ENTRIES_MAX {
        format!("{} entries are more than {LIST_ENTRIES_MAX}", named.len())
    } else if let Some(odd) = named.iter().find(|text| !is_good(text)) {
        format!("{odd:?} cannot stand in this list")
    } else {
        return Ok(HeaderValue::try_from(named.join(", ")).expect("tokens and commas are a value"));
    };
    Err(BuildError::new(
        field,
        problem,
        "name each one as it is sent",
    ))
}

impl Filter for Cors {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        Step::Done(self.judge(x, &client.head()))
    }
}

impl Cors {
    fn judge(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        let origin = head.first(&ORIGIN);
        let grant = origin.and_then(|origin| self.grant(origin));
        let preflight = head.method == "OPTIONS"
            && origin.is_some()
            && head.has(&ACCESS_CONTROL_REQUEST_METHOD);
        // The edits wait on the exchange, so that whoever answers, the answer has them.
        if !preflight {
            x.response.remove_prefix("access-control-");
        }
        if matches!(self.origins, Origins::These(_)) {
            x.response
                .append(&VARY, &HeaderValue::from_static("Origin"));
        }
        if let Some(grant) = &grant {
            x.response.set(&ACCESS_CONTROL_ALLOW_ORIGIN, grant);
            if self.credentials {
                let yes = HeaderValue::from_static("true");
                x.response.set(&ACCESS_CONTROL_ALLOW_CREDENTIALS, &yes);
            }
        }
        match (preflight, grant.is_some()) {
            (true, true) => Err(self.answer_preflight()),
            (true, false) => Err(Reply::refuse(Reason::OriginNotAllowed)),
            (false, true) => {
                if let Some(expose) = &self.expose {
                    x.response.set(&ACCESS_CONTROL_EXPOSE_HEADERS, expose);
                }
                Ok(())
            }
            (false, false) => Ok(()),
        }
    }

    /// What `Access-Control-Allow-Origin` says to this origin.
    fn grant(&self, origin: &[u8]) -> Option<HeaderValue> {
        match &self.origins {
            Origins::Any if origin == b"null" => None,
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::These(these) => these
                .iter()
                .find(|known| known.as_bytes() == origin)
                .cloned(),
        }
    }

    fn answer_preflight(&self) -> Box<Reply> {
        Reply::empty(204)
            .with_field(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone())
            .with_field(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone())
            .with_field(ACCESS_CONTROL_MAX_AGE, self.max_age.clone())
    }
}

#[cfg(test)]
mod tests;
