//! What a platform engineer reads when a policy file is wrong: golden pairs under `tests/config`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p tests --test policy` writes them anew; then read the difference.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

use std::fs;
use std::path::{Path, PathBuf};
use tidegate::policy;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

fn report(path: &Path) -> Option<policy_report::Report> {
    let name = path.file_name().unwrap().to_str().unwrap();
    policy::load(name, &fs::read_to_string(path).unwrap()).err()
}

mod policy_report {
    pub(crate) use tidegate::config::Report;
}

#[test]
fn every_wrong_file_is_told_what_is_wrong_with_it() {
    let files = files();
    assert!(files.len() >= 6, "{files:?}");
    for path in files {
        let found = report(&path).map_or_else(|| "good\n".to_owned(), |r| r.to_string());
        let golden = path.with_extension("expected");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn ten_mistakes_give_ten_messages_each_with_its_place_its_line_and_a_hint() {
    let report = report(&folder().join("ten-mistakes.yaml")).unwrap();
    let text = report.to_string();
    assert!(report.mistakes().len() >= 10, "{text}");
    for mistake in report.mistakes() {
        let sentence = mistake.sentence();
        assert!(mistake.span.is_some(), "{sentence}");
        assert!(
            !mistake.hint.is_empty() || !mistake.expected.is_empty(),
            "{sentence}"
        );
    }
    for place in [
        "ten-mistakes.yaml:2:5",
        "ten-mistakes.yaml:5:8",
        "ten-mistakes.yaml:15:7",
    ] {
        assert!(text.contains(place), "{place} is missing in\n{text}");
    }
    for hint in ["address", "rate_limit", "partners", "orders"] {
        assert!(text.contains(hint), "{hint} is missing in\n{text}");
    }
}

#[test]
fn what_may_be_a_secret_is_never_shown() {
    let report = report(&folder().join("secret-inline.yaml")).unwrap();
    for shown in [report.to_string(), report.coloured()] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}
