//! The files that git tracks or would track, read once per rule, and what a rule has to say.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every text file of the repository.
pub(crate) struct House {
    files: Vec<File>,
}

/// One file: its path from the root, with slashes, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// Counted from 1; 0 speaks of the whole file.
    pub(crate) line: usize,
    pub(crate) problem: String,
}

// === impl House ===

impl House {
    /// Reads the repository around this crate.
    pub(crate) fn open() -> Self {
        let root = root();
        let listing = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(&root)
            .output()
            .expect("git lists the repository's files");
        assert!(
            listing.status.success(),
            "git cannot list the files of this repository"
        );
        let listing = String::from_utf8(listing.stdout).expect("paths here are plain");
        let files = listing
            .split_terminator('\0')
            // What is no text, or was deleted and not yet committed, has nothing to say.
            .filter_map(|path| {
                let text = std::fs::read_to_string(root.join(path)).ok()?;
                Some(File {
                    path: path.to_owned(),
                    text,
                })
            })
            .collect();
        Self { files }
    }

    /// A house made of these files, for testing rules.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        Self {
            files: files.iter().map(file).collect(),
        }
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// Every Rust file.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.rust_in("")
    }

    /// Every Rust file whose path begins so.
    pub(crate) fn rust_in<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a File> {
        self.files()
            .filter(move |file| file.path.starts_with(start) && file.is_rust())
    }

    /// The file at this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files().find(|file| file.path == path)
    }
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here)
        .parent()
        .expect("this crate lies in the root")
        .to_owned()
}

// === impl File ===

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file serves tests and measurements.
    pub(crate) fn is_test(&self) -> bool {
        let path = &self.path;
        ["tests/", "benches/", "fuzz/"]
            .iter()
            .any(|room| path.starts_with(room))
            || path.contains("/tests/")
            || path.contains("/testing/")
            || path.ends_with("/tests.rs")
            || path.ends_with("/testing.rs")
    }

    /// A finding in this file.
    pub(crate) fn finding(&self, line: usize, problem: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            problem: problem.into(),
        }
    }

    /// Lines with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}:{}: {}", self.path, self.line, self.problem)
    }
}

/// Asserts that a rule finds something in a house of one file exactly where the table says so.
pub(crate) fn table(rule: fn(&House) -> Vec<Finding>, cases: &[(&str, &str, usize)]) {
    for (path, text, findings) in cases {
        let found = rule(&House::of(&[(path, text)]));
        assert_eq!(found.len(), *findings, "{path}: {text}\n{found:?}");
    }
}
