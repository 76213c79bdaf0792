//! Versions as tables: who names which, what is told of old ones, what is refused at load.

use super::*;
use crate::clock::Now;
use crate::exchange::RouteFacts;
use crate::testing::{self, FakeClient, FieldList, START_S, answer, edited, fakes_of, judge, word};

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
        ("two current", vec![one, current(version("2"))], false),
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
