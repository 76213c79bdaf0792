//! Secrets by reference: an environment variable, or a file. A variable, too, may name a file
//! (`@path`), as on the command line.
//!
//! A message names where a secret was looked for and never what was found.

use crate::config::units::SecretRef;
use anyhow::{Context, bail};
use control::keys::MasterKeys;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of a file that holds a secret.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// Reads what a policy file refers to.
///
/// # Errors
/// When it is not there or is empty.
pub fn read(reference: &SecretRef) -> anyhow::Result<String> {
    let text = match reference {
        SecretRef::Env(name) => {
            let unset = || anyhow::anyhow!("the environment variable {name} is not set to a text");
            argument(&std::env::var(name).map_err(|_| unset())?)?
        }
        SecretRef::File(path) => file(path)?,
    };
    if text.is_empty() {
        bail!("{reference} is empty");
    }
    Ok(text)
}

/// Reads several, one a line.
///
/// # Errors
/// As [`read`], for the first that fails.
pub fn read_all(references: &[SecretRef]) -> anyhow::Result<String> {
    let texts: Vec<String> = references.iter().map(read).collect::<anyhow::Result<_>>()?;
    Ok(texts.join("\n"))
}

/// A value of the command line or the environment: `@path` stands for the file's text.
///
/// # Errors
/// When the file cannot be read.
pub fn argument(text: &str) -> anyhow::Result<String> {
    match text.strip_prefix('@') {
        Some(path) => file(Path::new(path)),
        None => Ok(text.to_owned()),
    }
}

/// Master keys out of their text.
///
/// # Errors
/// When they have not their form.
pub fn master_keys(text: &str) -> anyhow::Result<MasterKeys> {
    MasterKeys::from_text(text).context("the master key cannot be used")
}

fn file(path: &Path) -> anyhow::Result<String> {
    let name = path.display();
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text))
        .with_context(|| format!("{name} cannot be read"))?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        bail!("{name} is larger than {SECRET_BYTES_MAX} bytes");
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_text_and_a_missing_one_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, "postgres://x\r\n").unwrap();
        let reference = SecretRef::File(path.clone());
        assert_eq!(read(&reference).unwrap(), "postgres://x");
        assert_eq!(
            argument(&format!("@{}", path.display())).unwrap(),
            "postgres://x"
        );
        assert_eq!(argument("postgres://y").unwrap(), "postgres://y");
        let two = [reference.clone(), reference];
        assert_eq!(read_all(&two).unwrap(), "postgres://x\npostgres://x");
        std::fs::write(&path, "\n").unwrap();
        let empty = read(&two[0]).unwrap_err().to_string();
        assert!(empty.ends_with("url is empty"), "{empty}");
        let missing = read(&SecretRef::File("/nowhere/url".into())).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/url"), "{missing:#}");
        let unset = read(&SecretRef::Env("TIDEGATE_NOT_SET_ANYWHERE".into())).unwrap_err();
        assert!(
            unset.to_string().contains("TIDEGATE_NOT_SET_ANYWHERE"),
            "{unset:#}"
        );
    }

    #[test]
    fn a_file_that_is_too_large_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        std::fs::write(&path, vec![b'x'; SECRET_BYTES_MAX as usize + 1]).unwrap();
        assert!(file(&path).is_err());
        std::fs::write(&path, vec![b'x'; SECRET_BYTES_MAX as usize]).unwrap();
        assert!(file(&path).is_ok());
    }

    #[test]
    fn a_wrong_master_key_is_not_repeated() {
        let error = format!("{:#}", master_keys("hunter2").map(|_| ()).unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
    }
}
