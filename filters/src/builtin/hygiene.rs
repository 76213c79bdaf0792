//! `hygiene`: judges every request before anything else is decided, and cleans what is sent on.
//!
//! ```yaml
//! chains:
//!   public:
//!     - hygiene: {}                     # first in every chain; it cannot be left out
//!     # or, with fewer methods than the usual seven:
//!     - hygiene: { methods: [GET, HEAD, POST, OPTIONS] }
//! ```
//!
//! **Requests that are refused**, in this order:
//!
//! | what | reply |
//! |---|---|
//! | a method that is known and not allowed here (TRACE and CONNECT never are) | 405 `method_not_allowed`, with `Allow` |
//! | any other method, a lower-case one too | 501 `unknown_method` |
//! | target above 8 KiB; more than 100 fields; a head above 32 KiB | 414 `target_too_long`, 431 `too_many_headers`, `header_too_large` |
//! | a control character in a field, a field of one connection in HTTP/2, a `Connection` that names an end-to-end field | 400 `malformed_header` |
//! | a field that may come once, twice | 400 `repeated_header`; a credential: 401 `ambiguous_credentials` |
//! | `Content-Length` that is no 1 to 18 digits, twice, or beside `Transfer-Encoding`; a coding but one `chunked` | 400, or 501 `unsupported_transfer_encoding`; the connection closes |
//! | no Host, two, a bad one, one unlike the target's authority | 400 `missing_host`, `invalid_host`, `host_conflict` |
//! | a host that is not served; over TLS, a host unlike the server name of the handshake, unless a trusted proxy sends it | 421 `unknown_host` |
//! | a target that could be read in two ways (see [`target`]); `*` but with OPTIONS | 400 `invalid_target` |
//! | `Expect` but `100-continue` | 417 `expectation_failed` |
//! | `X-API-Key` beside `Authorization` | 401 `ambiguous_credentials` |
//!
//! **Towards the upstream** it removes the fields of one hop, credentials (`Authorization` stays
//! when the route says so), cookies, whatever names the client's address, method overrides, names
//! with an underscore, and a `traceparent` that is none; it sets `X-Forwarded-For`, `-Proto` and
//! `-Host`, `X-Request-Id`, `Via`, and for a proved caller `X-Consumer-Id`, `-Tier`, `-Scopes` and
//! `-Env`.
//!
//! **Towards the client** it removes the fields of one hop, `Server`, `X-Powered-By`, and what only
//! we may say (`X-Consumer-*`, `X-RateLimit-*`, `RateLimit*`); it sets `X-Request-Id` on every
//! answer, and `WWW-Authenticate` on a 401 that lacks it.
//!
//! **Dangers.** Credentials in a query are not looked at: they count for nothing, but they will stand
//! in the upstream's log. The framing fields themselves are written by the lane.

mod host;
mod known;
mod onward;
mod request;
pub mod target;

pub use host::{HostPort, InvalidHost, read_host};
pub use known::Present;
pub use onward::belongs_to_edge;

use crate::env::{Env, Site};
use crate::exchange::{Client, Exchange};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::{Head, ResponseHead, Version};
use crate::reply::{Detail, Reason, Reply};
use host::is_of_connection;
use http::HeaderValue;
use http::header::ALLOW;
use known::Known;
use request::Seen;
use serde::Deserialize;
use std::sync::Arc;
use target::{judge_path, judge_query};

/// The methods that may be allowed (RFC 9110, section 9; PATCH: RFC 5789).
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// To a client that asks for another host than it opened the connection for.
const MISDIRECTED: &str = "this connection was opened for another host: open one for this host";

/// The configuration of `hygiene`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The methods that are let through; empty: GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.
    pub methods: Vec<String>,
}

/// The filter.
pub struct Hygiene {
    methods: Vec<&'static str>,
    allow: HeaderValue,
    site: Arc<Site>,
}

impl Build for Hygiene {
    const NAME: &'static str = "hygiene";
    const SUMMARY: &'static str =
        "refuses what is malformed or ambiguous, and cleans what is sent on";
    type Config = Config;

    fn gives(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn build(config: &Config, env: &Env) -> Result<Self, BuildError> {
        let mut methods = Vec::new();
        for named in &config.methods {
            let Some(method) = METHODS.into_iter().find(|method| method == named) else {
                return Err(BuildError::new(
                    "methods",
                    format!("the method {named:?} cannot be allowed"),
                    format!("choose among {}", METHODS.join(", ")),
                ));
            };
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        if methods.is_empty() {
            methods.extend(METHODS);
        }
        let allow = HeaderValue::try_from(methods.join(", ")).expect("methods are tokens");
        Ok(Self {
            methods,
            allow,
            site: Arc::clone(&env.site),
        })
    }
}

impl Filter for Hygiene {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        // A trusted gateway speaks for many hosts over one connection (RFC 9110, section 7.4).
        let server_name = x.server_name.as_deref().filter(|_| !x.peer_trusted);
        Step::Done(match self.judge(&client.head(), server_name) {
            Ok(present) => {
                x.seen = Some(present);
                Ok(())
            }
            Err(reply) => Err(reply),
        })
    }

    fn on_upstream_request(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        onward::edit_request(x, head)
    }

    fn on_response(&self, x: &mut Exchange, head: &ResponseHead<'_>) {
        onward::edit_response(x, head);
    }
}

impl Hygiene {
    /// Judges a head that came over a connection for this server, if one was named.
    ///
    /// # Errors
    /// The refusal, as the table at the top of this page tells.
    pub fn judge(&self, head: &Head<'_>, server_name: Option<&str>) -> Result<Present, Box<Reply>> {
        self.judge_method(head.method)?;
        let seen = Seen::of(head);
        request::judge_sizes(head, &seen)?;
        request::judge_fields(&seen)?;
        request::judge_framing(head.version, &seen)?;
        self.judge_host(head, &seen, server_name)?;
        judge_target(head)?;
        request::judge_expect(&seen)?;
        request::judge_credentials(&seen)?;
        self.judge_hops(head, &seen)?;
        Ok(seen.present())
    }

    fn judge_method(&self, method: &str) -> Verdict {
        if self.methods.contains(&method) {
            return Ok(());
        }
        if METHODS.contains(&method) || matches!(method, "TRACE" | "CONNECT") {
            return Err(
                Reply::refuse(Reason::MethodNotAllowed).with_field(ALLOW, self.allow.clone())
            );
        }
        Err(Reply::refuse(Reason::UnknownMethod))
    }

    /// RFC 9112, section 3.2; RFC 9113, section 8.3.1.
    fn judge_host(&self, head: &Head<'_>, seen: &Seen<'_>, server_name: Option<&str>) -> Verdict {
        let host = match (head.authority, seen.host()) {
            (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
                return Err(Reply::refuse(Reason::HostConflict).closing());
            }
            // HTTP/2 needs no Host beside `:authority`; HTTP/1 needs it beside any target.
            (Some(authority), None) if head.version == Version::Http2 => authority,
            (_, Some(host)) if !host.is_empty() => host,
            _ => return Err(Reply::refuse(Reason::MissingHost).closing()),
        };
        let Ok(named) = read_host(host) else {
            return Err(Reply::refuse(Reason::InvalidHost).closing());
        };
        let served = self.site.hosts.is_empty()
            || self
                .site
                .hosts
                .iter()
                .any(|served| named.host.eq_ignore_ascii_case(served.as_bytes()));
        if !served {
            return Err(Reply::refuse(Reason::UnknownHost));
        }
        if is_of_connection(&named, server_name) {
            Ok(())
        } else {
            Err(Reply::refuse(Reason::UnknownHost).saying(MISDIRECTED))
        }
    }

    /// `OPTIONS` that may go no further is answered here (RFC 9110, section 7.6.2).
    fn judge_hops(&self, head: &Head<'_>, seen: &Seen<'_>) -> Verdict {
        if head.method == "OPTIONS" && seen.has(Known::MaxForwards) {
            let hops = head.first(&Known::MaxForwards.header());
            if hops.and_then(onward::max_forwards) == Some(0) {
                return Err(Reply::empty(204).with_field(ALLOW, self.allow.clone()));
            }
        }
        Ok(())
    }
}

fn judge_target(head: &Head<'_>) -> Verdict {
    if head.target == b"*" && head.method == "OPTIONS" {
        return Ok(());
    }
    judge_path(head.path())
        .and_then(|()| judge_query(head.query()))
        .map_err(|fault| {
            Reply::refuse(Reason::InvalidTarget).with_detail("fault", Detail::Name(fault.as_str()))
        })
}

#[cfg(test)]
mod tests;
