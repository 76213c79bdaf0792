//! The access log's sink: lines are gathered in memory and written by a thread of its own.
//!
//! A request formats its line straight into one of a few buffers and goes on; it never waits for a
//! file or a pipe. The writer swaps a full buffer for its own empty one and writes it in one call,
//! so that in steady state nothing is allocated. What comes while a buffer is full is dropped and
//! counted ([`AccessLog::dropped`]), and so is what could not be written. Lines of one connection may
//! change places with those of another; each carries its own time.

use super::limits::{
    LOG_CLOSE_TIME, LOG_GATHER_TIME, LOG_SHARD_BYTES_MAX, LOG_SHARD_BYTES_URGENT, LOG_SHARDS,
};
use filters::env::LogSink;
use parking_lot::{Condvar, Mutex};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// The process's standard output.
    Stdout,
    /// The process's standard error.
    Stderr,
    /// This file, made if need be, appended to, and opened anew when the policy is reloaded.
    File(PathBuf),
    /// Nowhere; nothing is formatted.
    Off,
}

/// The access log. Dropping it lets the writer end by itself; [`AccessLog::close`] waits for it.
pub struct AccessLog {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    shards: [Mutex<Vec<u8>>; LOG_SHARDS],
    /// Where the next line looks first.
    turn: AtomicUsize,
    dropped: AtomicU64,
    /// The writer waits to be woken.
    asleep: AtomicBool,
    /// The file is to be opened anew.
    reopen: AtomicBool,
    closing: AtomicBool,
    ended: Mutex<bool>,
    ended_signal: Condvar,
    writer: Mutex<Option<Thread>>,
}

// === impl AccessLog ===

impl AccessLog {
    /// A log that writes to `target`.
    ///
    /// # Errors
    /// When the file cannot be opened or the writer's thread not be started.
    pub fn open(target: LogTarget) -> io::Result<Self> {
        if target == LogTarget::Off {
            return Ok(Self::off());
        }
        let output = open(&target)?;
        Self::start(output, Box::new(move || open(&target)))
    }

    /// A log that writes nothing and formats nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self { shared: None }
    }

    fn start(output: Output, again: Reopen) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            shards: Default::default(),
            turn: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            reopen: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            ended: Mutex::new(false),
            ended_signal: Condvar::new(),
            writer: Mutex::new(None),
        });
        let of_writer = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || of_writer.write_all(output, &again))?;
        *shared.writer.lock() = Some(thread.thread().clone());
        Ok(Self {
            shared: Some(shared),
        })
    }

    /// Lines dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared
            .as_ref()
            .map_or(0, |shared| shared.dropped.load(Ordering::Relaxed))
    }

    /// Opens the file anew, so that a log that was moved away is followed by a fresh one.
    pub fn reopen(&self) {
        if let Some(shared) = &self.shared {
            shared.reopen.store(true, Ordering::Release);
            shared.wake();
        }
    }

    /// Writes what is left and ends; false when the output did not take it in time.
    #[must_use]
    pub fn close(&self) -> bool {
        let Some(shared) = &self.shared else {
            return true;
        };
        shared.closing.store(true, Ordering::Release);
        shared.wake();
        let mut ended = shared.ended.lock();
        if !*ended {
            shared.ended_signal.wait_for(&mut ended, LOG_CLOSE_TIME);
        }
        *ended
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.closing.store(true, Ordering::Release);
            shared.wake();
        }
    }
}

impl LogSink for AccessLog {
    fn line(&self, fill: &mut dyn FnMut(&mut Vec<u8>)) {
        if let Some(shared) = &self.shared {
            shared.put(fill);
        }
    }
}

// === impl Shared ===

impl Shared {
    fn put(&self, fill: &mut dyn FnMut(&mut Vec<u8>)) {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let shard = |n: usize| &self.shards[first.wrapping_add(n) % LOG_SHARDS];
        // A lock is held for the formatting of one line; with more shards than threads that meet,
        // the last resort is hardly ever taken.
        let mut buffer = (0..LOG_SHARDS)
            .find_map(|n| shard(n).try_lock())
            .unwrap_or_else(|| shard(0).lock());
        if buffer.len() >= LOG_SHARD_BYTES_MAX || self.closing.load(Ordering::Acquire) {
            drop(buffer);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let before = buffer.len();
        fill(&mut buffer);
        buffer.push(b'\n');
        let urgent = before < LOG_SHARD_BYTES_URGENT && buffer.len() >= LOG_SHARD_BYTES_URGENT;
        drop(buffer);
        if urgent || self.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        self.asleep.store(false, Ordering::SeqCst);
        if let Some(writer) = &*self.writer.lock() {
            writer.unpark();
        }
    }

    /// The writer's life.
    fn write_all(&self, mut output: Output, again: &Reopen) {
        let mut spare = Vec::new();
        loop {
            if self.reopen.swap(false, Ordering::AcqRel) {
                match again() {
                    Ok(fresh) => output = fresh,
                    Err(error) => tracing::error!(%error, "the access log cannot be opened anew"),
                }
            }
            let closing = self.closing.load(Ordering::Acquire);
            if self.write_waiting(&mut output, &mut spare) {
                if !closing {
                    thread::park_timeout(LOG_GATHER_TIME);
                }
                continue;
            }
            if closing {
                break;
            }
            // Say that we sleep, then look once more: a line that came in between sees the flag or
            // is seen by us.
            self.asleep.store(true, Ordering::SeqCst);
            let waiting = self.shards.iter().any(|shard| !shard.lock().is_empty());
            let called =
                self.closing.load(Ordering::Acquire) || self.reopen.load(Ordering::Acquire);
            if !waiting && !called {
                thread::park();
                // Woken by the first line after a pause: let its followers come along.
                if !self.closing.load(Ordering::Acquire) {
                    thread::park_timeout(LOG_GATHER_TIME);
                }
            }
            self.asleep.store(false, Ordering::SeqCst);
        }
        *self.ended.lock() = true;
        self.ended_signal.notify_all();
    }

    /// Writes every buffer that holds something; whether any did.
    fn write_waiting(&self, output: &mut Output, spare: &mut Vec<u8>) -> bool {
        let mut any = false;
        for shard in &self.shards {
            {
                let mut buffer = shard.lock();
                if buffer.is_empty() {
                    continue;
                }
                std::mem::swap(&mut *buffer, spare);
            }
            any = true;
            if output
                .write_all(spare)
                .and_then(|()| output.flush())
                .is_err()
            {
                let lines = spare.iter().filter(|&&byte| byte == b'\n').count();
                self.dropped.fetch_add(lines as u64, Ordering::Relaxed);
            }
            spare.clear();
        }
        any
    }
}

type Output = Box<dyn Write + Send>;
type Reopen = Box<dyn Fn() -> io::Result<Output> + Send>;

fn open(target: &LogTarget) -> io::Result<Output> {
    Ok(match target {
        LogTarget::Stdout => Box::new(io::stdout()),
        LogTarget::Stderr => Box::new(io::stderr()),
        LogTarget::File(path) => Box::new(open_file(path)?),
        LogTarget::Off => Box::new(io::sink()),
    })
}

fn open_file(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // Addresses and key ids are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn say(log: &AccessLog, text: &str) {
        log.line(&mut |line| line.extend_from_slice(text.as_bytes()));
    }

    fn log_to(output: impl Write + Send + 'static) -> AccessLog {
        AccessLog::start(Box::new(output), Box::new(|| Ok(Box::new(io::sink())))).unwrap()
    }

    /// An output that passes on what it gets, and waits for leave before every write.
    struct Gate {
        written: mpsc::Sender<Vec<u8>>,
        leave: mpsc::Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.leave.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_of_many_threads_arrives_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::open(LogTarget::File(path.clone())).unwrap();
        thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || (0..2_000).for_each(|n| say(log, &format!("{thread}-{n}"))));
            }
        });
        assert!(log.close());
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 8_000);
        assert_eq!(log.dropped(), 0);
    }

    #[test]
    fn a_stuck_output_costs_lines_and_no_waiting() {
        let (written, arrivals) = mpsc::channel();
        let (allow, leave) = mpsc::channel();
        let log = log_to(Gate { written, leave });
        let long = "x".repeat(64 * 1024);
        let room = LOG_SHARDS * (LOG_SHARD_BYTES_MAX / long.len());
        // The writer holds at most what it took at once; all beyond twice the room must be dropped.
        for _ in 0..room * 2 + LOG_SHARDS * 2 {
            say(&log, &long);
        }
        let dropped = log.dropped();
        assert!(dropped > 0);
        drop(allow);
        // Counting what is lost takes its time on a busy machine.
        assert!((0..40).any(|_| log.close()));
        assert_eq!(arrivals.try_iter().count(), 0);
        assert_eq!(log.dropped(), (room * 2 + LOG_SHARDS * 2) as u64);
        // After the end nothing is taken any more.
        say(&log, "late");
        assert!(log.dropped() > dropped);
    }

    #[test]
    fn a_line_after_a_pause_wakes_the_writer() {
        let (written, arrivals) = mpsc::channel();
        let (allow, leave) = mpsc::channel();
        let log = log_to(Gate { written, leave });
        for text in ["one", "two", "three"] {
            allow.send(()).unwrap();
            say(&log, text);
            assert_eq!(arrivals.recv().unwrap(), format!("{text}\n").into_bytes());
        }
        assert!(log.close());
    }

    #[test]
    fn a_log_that_was_moved_away_is_followed_by_a_fresh_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::open(LogTarget::File(path.clone())).unwrap();
        std::fs::rename(&path, folder.path().join("old.log")).unwrap();
        log.reopen();
        // The writer opens before it writes what comes after the call.
        while !path.exists() {
            thread::yield_now();
        }
        say(&log, "fresh");
        assert!(log.close());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "fresh\n");
    }

    #[test]
    fn off_formats_nothing() {
        AccessLog::off().line(&mut |_| panic!("formatted"));
        assert!(AccessLog::off().close());
    }

    #[test]
    fn a_file_in_a_missing_folder_is_an_error() {
        let target = LogTarget::File("/nowhere/at/all/access.log".into());
        assert!(AccessLog::open(target).is_err());
    }
}
