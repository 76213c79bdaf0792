//! `api_version`: which version of the API serves a request, and what is said of old ones.
//!
//! ```yaml
//! versions:                                  # once, for all chains
//!   current: "1"
//!   accepted:
//!     "1": {}
//!     "0": { deprecated: 2026-01-01, sunset: 2026-07-01, guide: https://…/v1, successor: "1" }
//! chains:
//!   public:
//!     - hygiene: {}
//!     - api_version: {}                      # above the filters that refuse, so that refusals say it too
//! ```
//!
//! The path's version (as the route says), `X-API-Version` and `Accept-Version` must name the same; a
//! request that names none is served by the current one. The version is told to the upstream and on
//! every answer as `X-API-Version`.
//!
//! A deprecated version has `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link` with the
//! relations `deprecation`, `sunset` and `successor-version` on every answer, whatever its status.
//!
//! **Replies.** 400 `version_conflict`, 400 `unknown_version`; 410 `sunset_version` with the guide's
//! link once the sunset has passed.
//!
//! **Dangers.** A header never chooses another version than the path: it can only agree.

use crate::env::{Env, Site, VersionFacts};
use crate::exchange::{Client, Exchange};
use crate::filter::{Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::{Head, ResponseHead};
use crate::names;
use crate::reply::{Detail, Reason, Reply};
use http::HeaderValue;
use http::header::LINK;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z: later, HTTP has no date.
const SUNSET_S_MAX: u64 = 253_402_300_799;

/// The configuration of `api_version`: none of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The filter.
pub struct ApiVersion {
    versions: Box<[Version]>,
    current: usize,
}

/// One version, ready to be told.
struct Version {
    name: Arc<str>,
    name_value: HeaderValue,
    deprecation: Option<HeaderValue>,
    sunset: Option<HeaderValue>,
    sunset_s: Option<u64>,
    links: Box<[HeaderValue]>,
    guide: Option<String>,
}

impl Build for ApiVersion {
    const NAME: &'static str = "api_version";
    const SUMMARY: &'static str = "settles the API version, and tells of deprecation and sunset";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn gives(_: &Config) -> Facts {
        Facts::VERSION
    }

    fn build(_: &Config, env: &Env) -> Result<Self, BuildError> {
        let versions = &env.site.versions;
        let mut currents = (0..versions.len()).filter(|&at| versions[at].current);
        let (Some(current), None) = (currents.next(), currents.next()) else {
            return Err(wrong(
                "exactly one version must be the current one",
                "say under `versions` which version is current",
            ));
        };
        let prepared = versions
            .iter()
            .map(|version| Version::of(version, &env.site));
        Ok(Self {
            versions: prepared.collect::<Result<_, _>>()?,
            current,
        })
    }
}

fn wrong(problem: impl Into<String>, hint: &str) -> BuildError {
    BuildError::new("", problem, hint)
}

impl Version {
    fn of(facts: &VersionFacts, site: &Site) -> Result<Self, BuildError> {
        let name = &facts.name;
        let is_name = (1..=32).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !is_name {
            return Err(wrong(
                format!("{name:?} is no version's name"),
                "use 1 to 32 letters, digits, dots and hyphens, such as 1 or 2026-01-01",
            ));
        }
        if let (Some(deprecated), Some(sunset)) = (facts.deprecated_s, facts.sunset_s)
            && sunset < deprecated
        {
            return Err(wrong(
                format!("version {name} ends before it is deprecated"),
                "let sunset be the later one",
            ));
        }
        if facts.sunset_s.is_some_and(|sunset| sunset > SUNSET_S_MAX) {
            return Err(wrong(
                format!("version {name} ends after the year 9999"),
                "choose an earlier sunset",
            ));
        }
        if let Some(successor) = &facts.successor
            && !site.versions.iter().any(|other| other.name == *successor)
        {
            return Err(wrong(
                format!("version {name} is followed by {successor:?}, which does not exist"),
                "name one of the versions",
            ));
        }
        Ok(Self {
            name: Arc::clone(name),
            name_value: HeaderValue::from_str(name).expect("letters, digits, dots, hyphens"),
            deprecation: facts.deprecated_s.map(structured_date),
            sunset: facts.sunset_s.map(http_date),
            sunset_s: facts.sunset_s,
            links: links(facts)?,
            guide: facts.guide.clone(),
        })
    }
}

/// RFC 9745, section 2.1: a structured field's Date (RFC 9651, section 3.3.7).
fn structured_date(unix_s: u64) -> HeaderValue {
    HeaderValue::try_from(format!("@{unix_s}")).expect("digits are a value")
}

/// RFC 8594, section 3: an HTTP date (RFC 9110, section 5.6.7).
fn http_date(unix_s: u64) -> HeaderValue {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_s));
    HeaderValue::try_from(date).expect("a date is a value")
}

/// RFC 9745, section 3; RFC 8594, section 6; RFC 5829, section 3.
fn links(facts: &VersionFacts) -> Result<Box<[HeaderValue]>, BuildError> {
    let mut links = Vec::new();
    if let Some(guide) = &facts.guide {
        let plain = guide
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'));
        let begins = guide.starts_with("https://") || guide.starts_with("http://");
        if !plain || !begins {
            return Err(wrong(
                format!("the guide {guide:?} is no link"),
                "write a whole URL, such as https://docs.example/migrate",
            ));
        }
        if facts.deprecated_s.is_some() {
            links.push(format!(
                "<{guide}>; rel=\"deprecation\"; type=\"text/html\""
            ));
        }
        if facts.sunset_s.is_some() {
            links.push(format!("<{guide}>; rel=\"sunset\"; type=\"text/html\""));
        }
    }
    if let Some(successor) = &facts.successor {
        links.push(format!("</api/v{successor}>; rel=\"successor-version\""));
    }
    let values = links.into_iter().map(HeaderValue::try_from);
    values
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("a link cannot be sent", "use plain ASCII"))
}

impl Filter for ApiVersion {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        Step::Done(self.judge(x, &client.head()))
    }

    fn on_upstream_request(&self, x: &mut Exchange, _: &Head<'_>) -> Verdict {
        let version = self.serving(x);
        x.upstream.set(&names::API_VERSION, &version.name_value);
        Ok(())
    }

    fn on_response(&self, x: &mut Exchange, _: &ResponseHead<'_>) {
        let version = self.serving(x);
        x.response.set(&names::API_VERSION, &version.name_value);
        if let Some(deprecation) = &version.deprecation {
            x.response.set(&names::DEPRECATION, deprecation);
        }
        if let Some(sunset) = &version.sunset {
            x.response.set(&names::SUNSET, sunset);
        }
        for link in &version.links {
            x.response.append(&LINK, link);
        }
    }
}

impl ApiVersion {
    fn judge(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        let path = x.route.as_ref().and_then(|route| route.version.clone());
        let path = path.as_deref().map(str::as_bytes);
        let asked = [
            path,
            head.first(&names::API_VERSION),
            head.first(&names::ACCEPT_VERSION),
        ];
        let mut named = asked.into_iter().flatten();
        let first = named.next();
        // Even a refusal says which version refused: the path's, or the current one.
        x.version = Some(Arc::clone(&self.find(path).unwrap_or(self.current()).name));
        if named.any(|other| Some(other) != first) {
            return Err(Reply::refuse(Reason::VersionConflict));
        }
        let Some(version) = first.map_or(Some(self.current()), |name| self.find(Some(name))) else {
            return Err(self.unknown());
        };
        x.version = Some(Arc::clone(&version.name));
        let over = version
            .sunset_s
            .is_some_and(|sunset| x.started.unix_s() >= sunset);
        if over {
            return Err(gone(version));
        }
        Ok(())
    }

    fn find(&self, name: Option<&[u8]>) -> Option<&Version> {
        let name = name?;
        self.versions
            .iter()
            .find(|version| version.name.as_bytes() == name)
    }

    const fn current(&self) -> &Version {
        &self.versions[self.current]
    }

    fn serving(&self, x: &Exchange) -> &Version {
        let name = x.version.as_deref().map(str::as_bytes);
        self.find(name).unwrap_or(self.current())
    }

    fn unknown(&self) -> Box<Reply> {
        let names: Vec<&str> = self.versions.iter().map(|version| &*version.name).collect();
        Reply::refuse(Reason::UnknownVersion)
            .with_detail("versions", Detail::Text(names.join(", ")))
    }
}

fn gone(version: &Version) -> Box<Reply> {
    let reply = Reply::refuse(Reason::SunsetVersion)
        .with_detail("version", Detail::Text(version.name.to_string()));
    match &version.guide {
        Some(guide) => reply.with_detail("guide", Detail::Text(guide.clone())),
        None => reply,
    }
}

#[cfg(test)]
mod tests;
