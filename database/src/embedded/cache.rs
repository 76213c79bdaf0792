//! Where the embedded server keeps its unpacked code: some 50 MB under the user's cache folder,
//! shared by all databases of that user.
//!
//! The library takes the place from the environment and from nowhere else, and a running process
//! must not change its environment. So a program whose user has no such folder starts itself anew
//! with `XDG_CACHE_HOME` pointing beside its data, before it does anything else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

const VARIABLE: &str = "XDG_CACHE_HOME";

/// Makes sure that [`crate::Database::embedded`] will find a cache it can write. Call it first thing
/// in `main`, before threads and sockets: where the user's cache folder cannot be written, it
/// replaces this process by the same program with the same arguments, and the cache in
/// `folder/cache`; then it does not return.
///
/// # Errors
/// [`Error::Configuration`] when there is no place for a cache at all.
pub fn embedded_cache(folder: &Path) -> Result<(), Error> {
    if check().is_ok() {
        return Ok(());
    }
    let cache = folder.join("cache");
    probe(&cache).map_err(|error| {
        Error::configuration(format!(
            "the folder {} cannot be written: {error}",
            cache.display()
        ))
    })?;
    // An absolute path: the specification of that variable ignores others.
    let cache = fs::canonicalize(&cache).map_err(|error| {
        Error::configuration(format!(
            "the folder {} cannot be found: {error}",
            cache.display()
        ))
    })?;
    let again = std::env::current_exe().map(|program| {
        let mut command = std::process::Command::new(program);
        command
            .args(std::env::args_os().skip(1))
            .env(VARIABLE, &cache);
        command
    });
    let error = match again {
        #[cfg(unix)]
        Ok(mut command) => std::os::unix::process::CommandExt::exec(&mut command),
        #[cfg(not(unix))]
        Ok(_) => io::Error::from(io::ErrorKind::Unsupported),
        Err(error) => error,
    };
    Err(Error::configuration(format!(
        "no cache folder can be written, and starting anew with {VARIABLE}={} failed: {error}",
        cache.display()
    )))
}

/// Whether the place that the library will take can be written.
pub(crate) fn check() -> Result<(), Error> {
    let Some(cache) = place() else {
        return Err(Error::configuration(format!(
            "the embedded database needs a cache folder: set {VARIABLE} to one"
        )));
    };
    probe(&cache).map_err(|error| {
        Error::configuration(format!(
            "the embedded database cannot write its cache {} ({error}): set {VARIABLE} to a folder that can be written",
            cache.display()
        ))
    })
}

/// As the library's own library computes it on Linux; elsewhere it has a home of its own kind, which
/// we only ask to exist.
fn place() -> Option<PathBuf> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    if !cfg!(target_os = "linux") {
        return home.map(|_| std::env::temp_dir());
    }
    std::env::var_os(VARIABLE)
        .map(PathBuf::from)
        .filter(|cache| cache.is_absolute())
        .or_else(|| home.map(|home| home.join(".cache")))
        .map(|cache| cache.join("oliphaunt-wasix"))
}

/// Makes the folder and a file in it, which is the only honest test: root may write where the mode
/// says no, and nobody may write to a read-only mount.
pub(crate) fn probe(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let file = folder.join(format!(".probe-{}", std::process::id()));
    fs::write(&file, b"")?;
    match fs::remove_file(&file) {
        // Two databases of one process probe the same cache at once: the other was quicker.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let probes: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..200).try_for_each(|_| probe(folder.path()))))
                .collect();
            for outcome in probes {
                outcome.join().unwrap().unwrap();
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(probe(Path::new("/proc/nobody")).is_err());
    }
}
