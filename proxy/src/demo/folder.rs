//! The demo's folder: what it keeps between runs, for its own user alone.
//!
//! ```text
//! tidegate-demo/
//!   lock        held while a demo runs
//!   master.key  seals the secrets in the database
//!   keys.json   the sandbox partner's keys and secrets, to be shown again
//!   state       what was used of limits, and signatures within their window
//!   database/   the embedded PostgreSQL
//! ```

use anyhow::{Context, bail};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The demo's folder, locked for this process as long as it lives.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

// === impl Folder ===

impl Folder {
    /// Opens the folder, and makes it when there is none.
    ///
    /// # Errors
    /// When it cannot be written, or another demo has it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path);
        made.with_context(|| format!("the folder {name} cannot be made"))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("the folder {name} cannot be written"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another demo is running on the folder {name}: stop it, or give --data DIR")
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("the folder {name} cannot be locked"));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Throws away what earlier runs kept: these names, and nothing else that may lie there.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        for path in [self.keys(), self.master_key(), self.state()] {
            gone(fs::remove_file(&path), &path)?;
        }
        gone(fs::remove_dir_all(self.database()), &self.database())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join("database")
    }

    pub(super) fn master_key(&self) -> PathBuf {
        self.path.join("master.key")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.path.join("keys.json")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path.join("state")
    }
}

fn gone(removed: io::Result<()>, path: &Path) -> anyhow::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Reads a text that may not be there yet.
///
/// # Errors
/// When it is there and cannot be read.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Writes a secret text, whole or not at all, for its owner alone.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let fresh = path.with_added_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, path)
        });
    written.with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_is_for_one_demo_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let folder = Folder::open(&path).unwrap();
        let error = Folder::open(&path).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("another demo is running"), "{error}");
        drop(folder);
        assert!(Folder::open(&path).is_ok());
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = format!("{:#}", Folder::open(&file).map(|_| ()).unwrap_err());
        assert!(error.contains("file cannot be made"), "{error}");
    }

    #[test]
    fn a_secret_is_for_its_owner_and_a_fresh_start_takes_only_what_is_ours() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        assert_eq!(read(&folder.keys()).unwrap(), None);
        write(&folder.keys(), "secret").unwrap();
        assert_eq!(read(&folder.keys()).unwrap().as_deref(), Some("secret"));
        let mode = fs::metadata(folder.keys()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::create_dir(folder.database()).unwrap();
        fs::write(folder.database().join("x"), "").unwrap();
        let other = parent.path().join("thesis.txt");
        fs::write(&other, "").unwrap();
        folder.clear().unwrap();
        assert!(!folder.keys().exists() && !folder.database().exists());
        assert!(other.exists());
        folder.clear().unwrap();
    }
}
