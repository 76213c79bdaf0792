//! The filter as its page tells it: credentials, refusals, callers, memory, configuration.

use super::*;
use crate::key::Environment;
use crate::testing::{
    FakeClient, Fakes, FieldList, Issuer, START_S, answer, exchange, exchange_at, fakes, judge,
    key_text, word,
};
use serde_json::{Value, json};

const KEYS: &str = "file:keys.json";

fn config(change: &Value) -> Value {
    let mut config = json!({
        "issuer": "https://issuer.example", "audience": ["https://api.example"], "keys": KEYS
    });
    for (name, value) in change.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn build(fakes: &Fakes, change: &Value) -> Result<Jwt, BuildError> {
    let config: Config = serde_json::from_value(config(change)).unwrap();
    Jwt::build(&config, &fakes.env)
}

/// An issuer, and the filter that takes its tokens.
fn set(change: &Value) -> (Issuer, Jwt) {
    let (fakes, issuer) = (fakes(), Issuer::new("one"));
    fakes.texts.put(KEYS, issuer.jwks());
    let filter = build(&fakes, change).unwrap();
    (issuer, filter)
}

fn bearing(token: &str) -> FakeClient {
    FakeClient::get("/").field("Authorization", format!("Bearer {token}"))
}

fn ask(filter: &Jwt, client: &mut FakeClient) -> String {
    word(&judge(filter, &mut exchange(), client))
}

fn ask_at(filter: &Jwt, token: &str, unix_s: u64) -> String {
    let mut now = exchange().started;
    now.unix_ms = unix_s * 1000;
    word(&judge(filter, &mut exchange_at(now), &mut bearing(token)))
}

/// Name, fields, outcome.
type Case<'a> = (&'a str, Vec<(&'a str, String)>, &'a str);

#[test]
fn a_request_has_one_bearer_token_and_nothing_beside_it() {
    let (issuer, filter) = set(&json!({}));
    let token = issuer.token(&Issuer::claims());
    let key = key_text(Environment::Live, 1);
    let bearer = |scheme: &str| format!("{scheme} {token}");
    let cases: Vec<Case<'_>> = vec![
        ("plain", vec![("Authorization", bearer("Bearer"))], "ok"),
        ("lower", vec![("authorization", bearer("bearer"))], "ok"),
        ("upper", vec![("AUTHORIZATION", bearer("BEARER"))], "ok"),
        (
            "two spaces",
            vec![("Authorization", bearer("Bearer "))],
            "ok",
        ),
        ("none", vec![], "missing_token"),
        (
            "empty",
            vec![("Authorization", String::new())],
            "missing_token",
        ),
        (
            "basic",
            vec![("Authorization", bearer("Basic"))],
            "missing_token",
        ),
        (
            "no scheme",
            vec![("Authorization", token.clone())],
            "missing_token",
        ),
        (
            "tab",
            vec![("Authorization", format!("Bearer\t{token}"))],
            "missing_token",
        ),
        (
            "no token",
            vec![("Authorization", "Bearer".to_owned())],
            "malformed_token",
        ),
        (
            "blank",
            vec![("Authorization", "Bearer ".to_owned())],
            "malformed_token",
        ),
        (
            "two in one",
            vec![("Authorization", bearer(&bearer("Bearer")))],
            "malformed_token",
        ),
        (
            "list",
            vec![("Authorization", format!("{0}, {0}", bearer("Bearer")))],
            "malformed_token",
        ),
        (
            "twice",
            vec![
                ("Authorization", bearer("Bearer")),
                ("Authorization", bearer("Bearer")),
            ],
            "ambiguous_credentials",
        ),
        (
            "beside another scheme",
            vec![
                ("Authorization", "Basic eDp5".to_owned()),
                ("Authorization", bearer("Bearer")),
            ],
            "ambiguous_credentials",
        ),
        (
            "beside a key",
            vec![
                ("X-API-Key", key.clone()),
                ("Authorization", bearer("Bearer")),
            ],
            "ambiguous_credentials",
        ),
        ("a key alone", vec![("X-API-Key", key)], "missing_token"),
        (
            "elsewhere",
            vec![("Cookie", format!("access_token={token}"))],
            "missing_token",
        ),
    ];
    for (name, fields, expected) in cases {
        let mut client = FakeClient::get(format!("/?access_token={token}"));
        for (field, value) in fields {
            client = client.field(field, value);
        }
        assert_eq!(ask(&filter, &mut client), expected, "{name}");
    }
}

#[test]
fn every_refusal_has_the_challenge_that_fits() {
    let (issuer, filter) = set(&json!({}));
    let mut old = Issuer::claims();
    old["exp"] = json!(START_S - 31);
    let mut foreign = Issuer::claims();
    foreign["iss"] = json!("https://other.example");
    let invalid = "Bearer error=\"invalid_token\", realm=\"tidegate\"";
    let plain = "Bearer realm=\"tidegate\"";
    for (mut client, reason, challenge, note) in [
        (FakeClient::get("/"), Reason::MissingToken, plain, None),
        (
            bearing("a.b"),
            Reason::MalformedToken,
            invalid,
            Some("no compact JWS"),
        ),
        (
            bearing(&issuer.token(&old)),
            Reason::ExpiredToken,
            invalid,
            Some("expired"),
        ),
        (
            bearing(&issuer.token(&foreign)),
            Reason::InvalidToken,
            invalid,
            Some("another issuer"),
        ),
    ] {
        let Err(reply) = judge(&filter, &mut exchange(), &mut client) else {
            panic!("{reason:?} was let through");
        };
        assert_eq!(reply.reason, Some(reason));
        assert_eq!(reply.note.as_deref(), note);
        let fields: Vec<&str> = reply
            .fields
            .iter()
            .filter(|(name, _)| *name == WWW_AUTHENTICATE)
            .map(|(_, value)| value.to_str().unwrap())
            .collect();
        assert_eq!(fields, [challenge], "{reason:?}");
    }
}

#[test]
fn an_upstreams_401_tells_how_to_authenticate() {
    let (_, filter) = set(&json!({}));
    let own = FieldList::of(&[("WWW-Authenticate", "Bearer scope=\"x\"")]);
    for (status, fields, expected) in [
        (401, FieldList::default(), Some("Bearer realm=\"tidegate\"")),
        (401, own, Some("Bearer scope=\"x\"")),
        (403, FieldList::default(), None),
    ] {
        let map = answer(&filter, &mut exchange(), status, &fields);
        let found = map
            .get(WWW_AUTHENTICATE)
            .map(|value| value.to_str().unwrap());
        assert_eq!(found, expected, "{status}");
    }
}

/// The record of the caller whom a token of these claims proves.
fn caller(issuer: &Issuer, filter: &Jwt, change: &Value) -> Arc<KeyRecord> {
    let mut claims = Issuer::claims();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    let mut x = exchange();
    let verdict = judge(filter, &mut x, &mut bearing(&issuer.token(&claims)));
    assert_eq!(word(&verdict), "ok", "{change}");
    Arc::clone(x.caller.principal().unwrap().record())
}

#[test]
fn the_caller_is_what_the_token_says() {
    let (issuer, filter) = set(&json!({"tier": "pro"}));
    let record = caller(&issuer, &filter, &json!({}));
    assert_eq!(&*record.id(), "client:client_7");
    assert_eq!(&*record.consumer, "partner_7");
    assert_eq!(&*record.tier, "free");
    assert_eq!(&*record.scopes, "orders:read orders:write");
    assert_eq!(record.environment, Environment::Live);
    assert_eq!(record.rare.limits, None);
    for (change, id, tier, scopes) in [
        (
            json!({"client_id": null}),
            "subject:partner_7",
            "free",
            "orders:read orders:write",
        ),
        (
            json!({"tier": null, "scope": null}),
            "client:client_7",
            "pro",
            "",
        ),
        (
            json!({"permissions": ["b", "orders:read", "c"]}),
            "client:client_7",
            "free",
            "orders:read orders:write b c",
        ),
        // What is no permission is none, and becomes no other.
        (
            json!({"scope": ["a"], "permissions": "b c"}),
            "client:client_7",
            "free",
            "",
        ),
        (
            json!({"scope": " a  b a", "permissions": ["c", 1]}),
            "client:client_7",
            "free",
            "a b",
        ),
        (
            json!({"scope": "", "permissions": ["d e", "f\r\nx-a: b", "g\"", "\u{e9}", "", "h"]}),
            "client:client_7",
            "free",
            "h",
        ),
    ] {
        let record = caller(&issuer, &filter, &change);
        assert_eq!(&*record.id(), id, "{change}");
        assert_eq!(&*record.tier, tier, "{change}");
        assert_eq!(&*record.scopes, scopes, "{change}");
    }
}

#[test]
fn a_bucket_belongs_to_the_client_and_to_nobody_else() {
    let (issuer, filter) = set(&json!({}));
    let number = |change: Value| caller(&issuer, &filter, &change).number;
    let client = number(json!({}));
    assert_eq!(
        number(json!({"sub": "somebody", "jti": "2", "scope": "x"})),
        client
    );
    assert_ne!(number(json!({"client_id": "client_8"})), client);
    let subject = number(json!({"client_id": null}));
    assert_ne!(subject, client);
    assert_ne!(
        number(json!({"client_id": null, "sub": "client_7"})),
        client
    );
    assert_eq!(number(json!({"client_id": null, "jti": "3"})), subject);
    // The same after a restart, and under another key.
    let (other, again) = set(&json!({}));
    assert_eq!(caller(&other, &again, &json!({})).number, client);
}

#[test]
fn the_memory_shares_nothing_and_keeps_to_time() {
    let (issuer, filter) = set(&json!({"leeway": "10s"}));
    let mut claims = Issuer::claims();
    claims["nbf"] = json!(START_S);
    let token = issuer.token(&claims);
    claims["sub"] = json!("another");
    let other = issuer.token(&claims);
    let end = START_S + 3600;
    for (unix_s, expected) in [
        (START_S, "ok"),
        (START_S, "ok"),
        (end + 9, "ok"),
        (end + 10, "expired_token"),
        (START_S - 10, "ok"),
        (START_S - 11, "invalid_token"),
        (START_S, "ok"),
    ] {
        assert_eq!(ask_at(&filter, &token, unix_s), expected, "{unix_s}");
    }
    assert_eq!(filter.known.len(), 1);
    // The payload of one under the signature of the other, with both remembered.
    assert_eq!(ask_at(&filter, &other, START_S), "ok");
    assert_eq!(filter.known.len(), 2);
    let (head, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{signature}");
    assert_eq!(ask_at(&filter, &forged, START_S), "invalid_token");
    assert_eq!(
        ask_at(&filter, &format!("{token}="), START_S),
        "malformed_token"
    );
    assert_eq!(
        ask_at(&filter, &token.to_ascii_lowercase(), START_S),
        "malformed_token"
    );
    assert_eq!(filter.known.len(), 2, "what is refused is not remembered");
}

#[test]
fn new_keys_forget_what_old_ones_proved() {
    let (fakes, issuer) = (fakes(), Issuer::new("one"));
    fakes.texts.put(KEYS, issuer.jwks());
    let token = issuer.token(&Issuer::claims());
    let before = build(&fakes, &json!({})).unwrap();
    assert_eq!(ask(&before, &mut bearing(&token)), "ok");
    fakes.texts.put(KEYS, Issuer::new("one").jwks());
    let after = build(&fakes, &json!({})).unwrap();
    assert!(after.known.is_empty());
    assert_eq!(ask(&after, &mut bearing(&token)), "invalid_token");
}

#[test]
fn without_a_cache_every_token_is_verified() {
    let (issuer, filter) = set(&json!({"cache": "0B"}));
    let token = issuer.token(&Issuer::claims());
    for _ in 0..3 {
        assert_eq!(ask(&filter, &mut bearing(&token)), "ok");
    }
    assert!(filter.known.is_empty());
}

#[test]
fn a_configuration_is_judged_field_by_field() {
    let (fakes, issuer) = (fakes(), Issuer::new("one"));
    fakes.texts.put(KEYS, issuer.jwks());
    fakes.texts.put("file:one.pem", issuer.pem());
    fakes.texts.put("file:rubbish", "rubbish");
    for (change, wrong) in [
        (json!({}), None),
        (json!({"keys": "file:one.pem"}), None),
        (json!({"keys": "file:rubbish"}), Some("keys")),
        (json!({"keys": "file:missing"}), Some("keys")),
        (json!({"issuer": ""}), Some("issuer")),
        (json!({"audience": []}), Some("audience")),
        (json!({"audience": [""]}), Some("audience")),
        (json!({"audience": vec!["a"; LIST_ENTRIES_MAX]}), None),
        (
            json!({"audience": vec!["a"; LIST_ENTRIES_MAX + 1]}),
            Some("audience"),
        ),
        (json!({"types": []}), Some("types")),
        (json!({"leeway": "0s"}), None),
        (json!({"leeway": "60s"}), None),
        (json!({"leeway": "61s"}), Some("leeway")),
        (json!({"leeway": "500ms"}), Some("leeway")),
        (json!({"cache": "1GiB"}), None),
        (json!({"cache": "2GiB"}), Some("cache")),
    ] {
        let built = build(&fakes, &change);
        assert_eq!(built.err().map(|error| error.field), wrong, "{change}");
    }
    let read = |change: Value| serde_json::from_value::<Config>(config(&change));
    assert!(read(json!({"audiences": ["x"]})).is_err());
    for (types, warned) in [(json!(["at+jwt"]), false), (json!(["at+jwt", "JWT"]), true)] {
        let config = read(json!({"types": types})).unwrap();
        assert_eq!(!Jwt::warnings(&config).is_empty(), warned);
        assert_eq!(Jwt::gives(&config), Facts::PRINCIPAL);
    }
}
