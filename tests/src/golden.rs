//! Answers as files: what a refusal looks like, byte for byte but for what is new each time.
//!
//! `UPDATE_GOLDEN=1 cargo test -p tests --test edge refusals::` writes the files anew.

use crate::raw::Answer;
use serde_json::{Value, json};
use std::path::PathBuf;

/// An answer as a file holds it: status, field names in order of the alphabet, body. Request id and
/// time are masked; `Connection` and `Date` belong to the connection and are left out.
///
/// # Panics
/// When the body is no JSON.
#[must_use]
pub fn picture(answer: &Answer) -> Value {
    let mut names: Vec<&str> = answer
        .fields
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !["connection", "date"].contains(name))
        .collect();
    names.sort_unstable();
    let mut body = answer.json();
    for pointer in ["/meta/requestId", "/requestId"] {
        if let Some(id) = body.pointer_mut(pointer) {
            *id = "<id>".into();
        }
    }
    for pointer in ["/meta/timestamp", "/timestamp"] {
        if let Some(time) = body.pointer_mut(pointer) {
            *time = "<time>".into();
        }
    }
    let allow = answer.only("allow");
    json!({ "status": answer.status, "fields": names, "allow": allow, "body": body })
}

/// Compares an answer with `golden/NAME.json`, or writes that file when `UPDATE_GOLDEN` is set.
///
/// # Panics
/// When they differ.
pub fn check_golden(name: &str, answer: &Answer) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}.json"));
    let got = picture(answer);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&got).expect("a value is JSON") + "\n";
        std::fs::write(&path, text).expect("a folder of golden files");
        return;
    }
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{name}: no golden file ({error}): set UPDATE_GOLDEN=1"));
    let wanted: Value = serde_json::from_str(&text).expect("a golden file is JSON");
    assert_eq!(
        got, wanted,
        "{name}: not as its golden file; UPDATE_GOLDEN=1 writes it anew"
    );
}
