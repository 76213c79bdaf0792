//! What one process leaves to the next: what is used of limits, and signatures within their window.
//!
//! One file, replaced whole: its halves are the stores' own snapshots, each with a length before it
//! and a checksum inside. A file that is missing or damaged costs a warning and never a start: then
//! limits begin anew, and signatures older than this process are refused, for nobody can know whether
//! they were used.

use filters::clock::Clock;
use filters::env::Env;
use filters::limits::SIGNATURE_WINDOW_S;
use filters::quota::Quotas;
use filters::replay::{ReplayCache, ReplayLimits};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Bytes of a state file: 8 million signatures and a million limits fit well.
const STATE_BYTES_MAX: u64 = 1 << 30;

/// How many of all remembered signatures one key may have, as a divisor.
const REPLAY_SHARE: usize = 4;

/// Stores that outlive every plan.
pub(super) struct Stores {
    pub(super) quotas: Arc<Quotas>,
    pub(super) replays: Arc<ReplayCache>,
}

// === impl Stores ===

impl Stores {
    /// Empty stores of the size that the policy asks for.
    pub(super) fn new(memory: &crate::policy::Memory, clock: &dyn Clock) -> Self {
        let limits = ReplayLimits {
            entries_max: memory.replay_entries,
            entries_per_key_max: (memory.replay_entries / REPLAY_SHARE).max(1),
        };
        let born_s = clock.now().unix_s();
        Self {
            quotas: Arc::new(Quotas::new(memory.buckets)),
            replays: Arc::new(ReplayCache::new(limits, SIGNATURE_WINDOW_S, born_s)),
        }
    }
}

/// The state as bytes. Saved when nothing is admitted any more.
pub(super) fn save(env: &Env) -> Vec<u8> {
    let quotas = env.quotas.save(env.clock.now());
    let replays = env.replays.save();
    let mut bytes = Vec::with_capacity(16 + quotas.len() + replays.len());
    for part in [quotas, replays] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&part);
    }
    bytes
}

/// Takes over what another process saved.
///
/// # Errors
/// One sentence; what could be used was.
pub(super) fn load(env: &Env, bytes: &[u8]) -> Result<(), String> {
    let (quotas, rest) = part(bytes)?;
    let (replays, rest) = part(rest)?;
    if !rest.is_empty() {
        return Err("the saved state is damaged".to_owned());
    }
    let quotas = env.quotas.load(quotas, env.clock.now());
    let replays = env.replays.load(replays);
    quotas
        .and(replays)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn part(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let damaged = || "the saved state is damaged".to_owned();
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
    rest.split_at_checked(length).ok_or_else(damaged)
}

/// Saves into a file, which is replaced as a whole.
///
/// # Errors
/// The system's.
pub(super) fn save_file(env: &Env, path: &Path) -> io::Result<()> {
    let fresh = path.with_added_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(&save(env))?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// Loads from a file, if there is one, and takes the file away: state counts once, for a process
/// that ends without saving must not leave an older one behind.
pub(super) fn load_file(env: &Env, path: &Path) {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(STATE_BYTES_MAX).read_to_end(&mut bytes));
    let loaded = match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => Err(error.to_string()),
        Ok(_) => load(env, &bytes),
    };
    if let Err(error) = loaded {
        tracing::warn!(file = %path.display(), error, "limits and replay memory begin anew");
    }
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(file = %path.display(), %error, "the state file cannot be taken away");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filters::replay::{Admit, Print};
    use filters::signing::Scheme;
    use filters::testing::{START_S, env};

    fn print(number: u8) -> Print {
        Print::new(1, Scheme::V1, &[number; 32], "GET", b"/")
    }

    #[test]
    fn a_signature_is_remembered_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let old = env();
        assert_eq!(
            old.replays.admit(1, print(1), START_S, START_S),
            Admit::First
        );
        save_file(&old, &path).unwrap();
        let new = env();
        load_file(&new, &path);
        assert_eq!(
            new.replays.admit(1, print(1), START_S, START_S),
            Admit::Replayed
        );
        assert_eq!(
            new.replays.admit(1, print(2), START_S, START_S),
            Admit::First
        );
        // It counts once.
        assert!(!path.exists());
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let old = env();
        assert_eq!(
            old.replays.admit(1, print(1), START_S, START_S),
            Admit::First
        );
        let bytes = save(&old);
        assert_eq!(load(&env(), &bytes), Ok(()));
        for length in 0..bytes.len() {
            assert!(load(&env(), &bytes[..length]).is_err(), "{length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(load(&env(), &longer).is_err());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(load(&env(), &changed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_missing_or_foreign_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        load_file(&env(), &path);
        fs::write(&path, b"something else").unwrap();
        load_file(&env(), &path);
        assert!(!path.exists());
    }
}
