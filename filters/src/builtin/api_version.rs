//! `api_version`: which version of the API serves a request, and what is said of old ones.
//!
//! ```yaml
//! versions:                                  # once, for all chains
//!   - { name: "1", current: true }
//!   - { name: "0", deprecated: 2026-01-01, sunset: 2026-07-01, guide: https://…/v1, successor: "1" }
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
                "list the versions of the API, one of them with current: true",
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
        x.upstream
            .set(names::API_VERSION, version.name_value.clone());
        Ok(())
    }

    fn on_response(&self, x: &mut Exchange, _: &ResponseHead<'_>) {
        let version = self.serving(x);
        x.response
            .set(names::API_VERSION, version.name_value.clone());
        if let Some(deprecation) = &version.deprecation {
            x.response.set(names::DEPRECATION, deprecation.clone());
        }
        if let Some(sunset) = &version.sunset {
            x.response.set(names::SUNSET, sunset.clone());
        }
        for link in &version.links {
            x.response.append(LINK, link.clone());
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
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::exchange::RouteFacts;
    use crate::testing::{
        self, FakeClient, FieldList, START_S, answer, edited, fakes_of, judge, word,
    };

    fn version(name: &str) -> VersionFacts {
        VersionFacts {
            name: name.into(),
            current: false,
            deprecated_s: None,
            sunset_s: None,
            guide: None,
            successor: None,
        }
    }

    /// Version 0 ends ten seconds after the start, version 1 is current.
    fn versions() -> Vec<VersionFacts> {
        vec![
            VersionFacts {
                deprecated_s: Some(START_S - 100),
                sunset_s: Some(START_S + 10),
                guide: Some("https://docs.example/migrate".to_owned()),
                successor: Some("1".into()),
                ..version("0")
            },
            VersionFacts {
                current: true,
                ..version("1")
            },
            version("2"),
        ]
    }

    fn build(versions: Vec<VersionFacts>) -> Result<ApiVersion, BuildError> {
        let site = Site {
            versions,
            ..Site::default()
        };
        ApiVersion::build(&Config {}, &fakes_of(site).env)
    }

    fn exchange(path: Option<&str>, unix_s: u64) -> Exchange {
        let mut x = testing::exchange_at(Now {
            monotonic_ns: 1,
            unix_ms: unix_s * 1000,
        });
        x.route = Some(Arc::new(RouteFacts {
            name: "a".into(),
            body_max: 0,
            keep_authorization: false,
            version: path.map(Into::into),
        }));
        x
    }

    #[test]
    fn whoever_names_a_version_names_the_same() {
        let filter = build(versions()).unwrap();
        for (path, header, accept, expected, served) in [
            (None, None, None, "ok", "1"),
            (Some("1"), None, None, "ok", "1"),
            (Some("2"), None, None, "ok", "2"),
            (None, Some("2"), None, "ok", "2"),
            (None, None, Some("2"), "ok", "2"),
            (Some("2"), Some("2"), Some("2"), "ok", "2"),
            (Some("1"), Some("2"), None, "version_conflict", "1"),
            (Some("1"), None, Some("2"), "version_conflict", "1"),
            (None, Some("1"), Some("2"), "version_conflict", "1"),
            (Some("2"), Some("2"), Some("1"), "version_conflict", "2"),
            (Some("1"), Some("9"), None, "version_conflict", "1"),
            (None, Some("9"), None, "unknown_version", "1"),
            (None, Some("9"), Some("9"), "unknown_version", "1"),
            (None, Some("v1"), None, "unknown_version", "1"),
            (None, Some("01"), None, "unknown_version", "1"),
            (None, Some(""), None, "unknown_version", "1"),
            (None, Some("1, 2"), None, "unknown_version", "1"),
            (Some("9"), None, None, "unknown_version", "1"),
        ] {
            let mut client = FakeClient::get("/");
            for (name, value) in [("X-API-Version", header), ("Accept-Version", accept)] {
                if let Some(value) = value {
                    client = client.field(name, value);
                }
            }
            let case = format!("{path:?} {header:?} {accept:?}");
            let mut x = exchange(path, START_S);
            let verdict = judge(&filter, &mut x, &mut client);
            assert_eq!(word(&verdict), expected, "{case}");
            assert_eq!(x.version.as_deref(), Some(served), "{case}");
            let told = answer(
                &filter,
                &mut x,
                200,
                &FieldList::of(&[("X-API-Version", "7")]),
            );
            assert_eq!(told["x-api-version"], served, "{case}");
            filter.on_upstream_request(&mut x, &client.head()).unwrap();
            let sent = edited(client.fields(), &x.upstream);
            assert_eq!(
                sent.get_all("x-api-version").iter().collect::<Vec<_>>(),
                [served]
            );
        }
    }

    #[test]
    fn an_old_version_says_so_and_ends_at_its_sunset() {
        let filter = build(versions()).unwrap();
        for (unix_s, expected) in [
            (START_S, "ok"),
            (START_S + 9, "ok"),
            (START_S + 10, "sunset_version"),
            (START_S + 11, "sunset_version"),
        ] {
            let mut x = exchange(Some("0"), unix_s);
            let verdict = judge(&filter, &mut x, &mut FakeClient::get("/"));
            assert_eq!(word(&verdict), expected, "{unix_s}");
            if let Err(reply) = verdict {
                assert_eq!(reply.status, 410);
                let guide = Detail::Text("https://docs.example/migrate".to_owned());
                assert!(reply.details.contains(&("guide", guide)));
            }
            let upstream = FieldList::of(&[("Link", "</orders?page=2>; rel=\"next\"")]);
            let map = answer(&filter, &mut x, 429, &upstream);
            assert_eq!(map["deprecation"], "@1767225500");
            assert_eq!(map["sunset"], "Thu, 01 Jan 2026 00:00:10 GMT");
            let links: Vec<_> = map.get_all(LINK).iter().collect();
            assert_eq!(
                links,
                [
                    "</orders?page=2>; rel=\"next\"",
                    "<https://docs.example/migrate>; rel=\"deprecation\"; type=\"text/html\"",
                    "<https://docs.example/migrate>; rel=\"sunset\"; type=\"text/html\"",
                    "</api/v1>; rel=\"successor-version\"",
                ]
            );
        }
        let mut x = exchange(Some("1"), START_S);
        judge(&filter, &mut x, &mut FakeClient::get("/")).unwrap();
        let map = answer(&filter, &mut x, 200, &FieldList::default());
        assert_eq!(map.len(), 1, "{map:?}");
    }

    #[test]
    fn versions_that_contradict_themselves_are_refused_at_load() {
        let current = |facts: VersionFacts| VersionFacts {
            current: true,
            ..facts
        };
        let one = current(version("1"));
        let old = |change: fn(&mut VersionFacts)| {
            let mut facts = version("0");
            change(&mut facts);
            vec![facts, current(version("1"))]
        };
        for (case, versions, good) in [
            ("one", vec![one.clone()], true),
            ("none", vec![], false),
            ("none current", vec![version("1")], false),
            (
                "two current",
                vec![one, current(version("2"))],
                false,
            ),
            ("name", vec![current(version("1\r\n"))], false),
            ("no name", vec![current(version(""))], false),
            (
                "equal dates",
                old(|v| (v.deprecated_s, v.sunset_s) = (Some(5), Some(5))),
                true,
            ),
            (
                "sunset first",
                old(|v| (v.deprecated_s, v.sunset_s) = (Some(5), Some(4))),
                false,
            ),
            ("year 9999", old(|v| v.sunset_s = Some(SUNSET_S_MAX)), true),
            (
                "year 10000",
                old(|v| v.sunset_s = Some(SUNSET_S_MAX + 1)),
                false,
            ),
            (
                "no successor",
                old(|v| v.successor = Some("3".into())),
                false,
            ),
            (
                "guide",
                old(|v| v.guide = Some("https://a/>; rel=\"x\"".into())),
                false,
            ),
            (
                "guide's scheme",
                old(|v| v.guide = Some("javascript:alert(1)".into())),
                false,
            ),
        ] {
            assert_eq!(build(versions).is_ok(), good, "{case}");
        }
        assert!(serde_json::from_str::<Config>(r#"{"default": "1"}"#).is_err());
    }
}
