//! What every refusal of ours has in common (contract, section 6), looked at from outside.

use crate::raw::Answer;
use filters::reply::Reason;

/// Words that would tell a stranger what we are made of, or where things stand.
const INNER: [&str; 14] = [
    "pingora",
    "tokio",
    "hyper",
    "rustls",
    "panic",
    "127.0.0.1",
    "0.0.0.0",
    "[::",
    ".rs",
    "os error",
    "errno",
    "context:",
    "errortype",
    "stack",
];

/// Checks that an answer is a refusal in our form: the envelope, a reason of the closed list, the same
/// request id in header and body, a link, and no inner detail.
///
/// # Panics
/// When it is not.
pub fn check_refusal(what: &str, answer: &Answer, status: u16, reason: &str) {
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, status, "{what}: {:?} {body}", answer.fields);
    assert_eq!(
        answer.only("content-type"),
        Some("application/json"),
        "{what}: {body}"
    );
    assert_eq!(answer.only("cache-control"), Some("no-store"), "{what}");
    let length = answer.body.len().to_string();
    assert_eq!(
        answer.only("content-length"),
        Some(length.as_str()),
        "{what}"
    );
    let value = answer.json();
    let error = &value["error"];
    assert_eq!(error["details"]["reason"], reason, "{what}: {body}");
    let listed = Reason::ALL.iter().find(|listed| listed.as_str() == reason);
    let listed = listed.unwrap_or_else(|| panic!("{what}: {reason} is not of the closed list"));
    assert_eq!(error["code"], listed.code().as_str(), "{what}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.len() > 10),
        "{what}: {body}"
    );
    let page = format!("https://docs.example/errors/{}", reason.replace('_', "-"));
    assert_eq!(error["documentationUrl"], page, "{what}");
    let id = answer
        .only("x-request-id")
        .unwrap_or_else(|| panic!("{what}: no request id"));
    assert_eq!(value["meta"]["requestId"], id, "{what}");
    assert!(!id.is_empty(), "{what}");
    assert!(
        value["meta"]["timestamp"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{what}"
    );
    match answer.only("retry-after") {
        Some(seconds) => {
            assert_eq!(error["retryAfter"].to_string(), seconds, "{what}");
            assert_ne!(seconds, "0", "{what}");
        }
        None => assert!(error["retryAfter"].is_null(), "{what}: {body}"),
    }
    check_discreet(what, answer);
}

/// Checks that an answer names nothing of what is behind it.
///
/// # Panics
/// When it does.
pub fn check_discreet(what: &str, answer: &Answer) {
    let body = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    for word in INNER {
        assert!(!body.contains(word), "{what}: {word:?} in {body}");
    }
    for (name, value) in &answer.fields {
        let line = format!("{name}: {value}").to_ascii_lowercase();
        assert!(name != "server" && name != "x-powered-by", "{what}: {line}");
        for word in ["pingora", "127.0.0.1", "rust"] {
            assert!(!line.contains(word), "{what}: {word:?} in {line}");
        }
    }
}
