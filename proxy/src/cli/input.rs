//! What commands read as a body: text, a file, or standard input.

use super::limits::BODY_BYTES_MAX;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A body as it was asked for on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum BodySource {
    /// None.
    #[default]
    Empty,
    /// This text.
    Text(String),
    /// This file; `-` is standard input.
    File(String),
}

impl BodySource {
    /// What `-d` means: `@path` is a file, anything else the text itself.
    #[must_use]
    pub(super) fn of(argument: Option<&str>) -> Self {
        match argument {
            None => Self::Empty,
            Some(text) => match text.strip_prefix('@') {
                Some(path) => Self::File(path.to_owned()),
                None => Self::Text(text.to_owned()),
            },
        }
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// When the file cannot be read or is too large.
    pub(super) fn read(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Empty => Ok(Vec::new()),
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::File(path) if path == "-" => {
                bounded(std::io::stdin().lock(), BODY_BYTES_MAX, "standard input")
            }
            Self::File(path) => bounded(open(path)?, BODY_BYTES_MAX, path),
        }
    }
}

fn open(path: &str) -> anyhow::Result<File> {
    File::open(Path::new(path)).with_context(|| format!("{path} cannot be read"))
}

fn bounded(source: impl Read, bytes_max: u64, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{name} cannot be read"))?;
    if bytes.len() as u64 > bytes_max {
        bail!("{name} is larger than {bytes_max} bytes");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_a_text_or_a_file() {
        for (argument, source) in [
            (None, BodySource::Empty),
            (Some(""), BodySource::Text(String::new())),
            (Some("{}"), BodySource::Text("{}".into())),
            (Some("@a b.json"), BodySource::File("a b.json".into())),
            (Some("@-"), BodySource::File("-".into())),
        ] {
            assert_eq!(BodySource::of(argument), source);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        std::fs::write(&path, b"a\r\n\0\xff").unwrap();
        let source = BodySource::of(Some(&format!("@{}", path.display())));
        assert_eq!(source.read().unwrap(), b"a\r\n\0\xff");
        assert_eq!(BodySource::of(Some("ä")).read().unwrap(), "ä".as_bytes());
        let error = BodySource::of(Some("@/nowhere/body")).read().unwrap_err();
        assert!(format!("{error:#}").starts_with("/nowhere/body cannot be read: "));
    }

    #[test]
    fn the_bound_holds_from_both_sides() {
        assert!(bounded(&b"1234"[..], 4, "x").is_ok());
        let error = bounded(&b"12345"[..], 4, "x").unwrap_err();
        assert_eq!(error.to_string(), "x is larger than 4 bytes");
    }
}
