//! What is not in the policy file itself: secrets, files, logs.

use super::{Unreadable, WithHint};
use serde::de::{self, Deserializer, Visitor};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a secret is to be found. The secret itself never stands in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In an environment variable: `env:NAME`.
    Env(String),
    /// In a file, without the line end at its end: `file:PATH`.
    File(PathBuf),
}

/// A file: `file:PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileRef(pub PathBuf);

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Nowhere.
    Off,
    /// Appended to a file: `file:PATH`.
    File(PathBuf),
}

const SECRET: &str = "a reference to a secret, `env:NAME` or `file:PATH`";
const FILE: &str = "a file, `file:PATH`";
const LOG: &str = "stdout, stderr, off or file:PATH";

// === impl SecretRef ===

impl FromStr for SecretRef {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let variable = |name: &str| {
            let first = name
                .bytes()
                .next()
                .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            first && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        match text.split_once(':') {
            Some(("env", name)) if variable(name) => Ok(Self::Env(name.to_owned())),
            Some(("env", _)) => Err(Unreadable::new(
                SECRET,
                "a variable's name has letters, digits and `_` only",
            )),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            // The text may be the secret itself: nothing of it is repeated.
            _ => Err(Unreadable::new(
                SECRET,
                "a secret never stands in a policy file; if this was one, replace it, for it was read",
            )),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

// === impl FileRef ===

impl FromStr for FileRef {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self(path.into())),
            // A key written out would be repeated by a hint that quotes it.
            _ if text.starts_with('/') && !text.contains(char::is_whitespace) => {
                Err(Unreadable::new(FILE, format!("write `file:{text}`")))
            }
            _ => Err(Unreadable::new(FILE, "")),
        }
    }
}

// === impl LogTarget ===

impl FromStr for LogTarget {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            "off" => Ok(Self::Off),
            _ => match text.strip_prefix("file:") {
                Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
                _ if text.contains('/') => {
                    Err(Unreadable::new(LOG, format!("write `file:{text}`")))
                }
                _ => Err(Unreadable::new(LOG, "")),
            },
        }
    }
}

deserialize_from_text! {
    SecretRef: SECRET;
    FileRef: FILE;
    LogTarget: LOG;
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn secrets_are_referred_to_and_never_repeated() {
        let inline =
            "a secret never stands in a policy file; if this was one, replace it, for it was read";
        check::<SecretRef>(
            &[
                ("env:DATABASE_URL", Ok("env:DATABASE_URL")),
                ("file:/run/secrets/key", Ok("file:/run/secrets/key")),
                (
                    "env:A-B",
                    Err("a variable's name has letters, digits and `_` only"),
                ),
                (
                    "env:",
                    Err("a variable's name has letters, digits and `_` only"),
                ),
                ("file:", Err(inline)),
                ("postgres://u:p@h", Err(inline)),
                ("hunter2", Err(inline)),
            ],
            SecretRef::to_string,
        );
    }

    #[test]
    fn files_and_logs() {
        check::<FileRef>(
            &[
                ("file:/a.pem", Ok("/a.pem")),
                ("file:a.pem", Ok("a.pem")),
                ("/a.pem", Err("write `file:/a.pem`")),
                ("env:KEY", Err("")),
                ("file:", Err("")),
            ],
            |file| file.0.display().to_string(),
        );
        check::<LogTarget>(
            &[
                ("stdout", Ok("Stdout")),
                ("file:/a", Ok("File(\"/a\")")),
                ("/var/log/a", Err("write `file:/var/log/a`")),
                ("file:", Err("")),
                ("STDOUT", Err("")),
            ],
            |target| format!("{target:?}"),
        );
    }
}
