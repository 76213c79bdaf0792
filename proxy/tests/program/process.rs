//! A running `tidegate`, killed by its own id when it is dropped.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything: a busy machine starts a database slowly.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// For the last words of a process that has ended to be read.
const LAST_WORDS_TIME: Duration = Duration::from_secs(2);

/// Between two looks at something that tells nobody when it changes.
const GLANCE: Duration = Duration::from_millis(10);

/// The program with these arguments, and none of the variables that it reads.
pub(crate) fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).stdin(Stdio::null());
    for variable in [
        "DATABASE_URL",
        "TIDEGATE_CONFIG",
        "TIDEGATE_HANDOVER",
        "TIDEGATE_KEY",
        "TIDEGATE_LOG",
        "TIDEGATE_MASTER_KEY",
        "TIDEGATE_SECRET",
    ] {
        command.env_remove(variable);
    }
    command
}

/// What a command said until it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end, which must come within [`PATIENCE`].
pub(crate) fn run(command: Command) -> Said {
    let mut process = Process::start(command);
    let status = process.ended(PATIENCE).expect("the command ends");
    let mut out = String::new();
    while let Ok(line) = process.lines.recv() {
        out.push_str(&line);
        out.push('\n');
    }
    Said {
        code: status.code().unwrap_or(-1),
        out,
        err: process.errors(),
    }
}

/// A process whose output is read as it comes.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    errors: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

// === impl Process ===

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let errors = Arc::new(Mutex::new(String::new()));
        let mut err = child.stderr.take().unwrap();
        let said = Arc::clone(&errors);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = err.read(&mut bytes) {
                said.lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self {
            child,
            lines,
            errors,
            reader: Some(reader),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no line in time: {}", self.errors()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait();
                panic!("ended ({status:?}) without a line: {}", self.errors())
            }
        }
    }

    /// All that was said on standard error; the whole of it when the process has ended, unless another
    /// that it started still holds the stream.
    pub(crate) fn errors(&mut self) -> String {
        if matches!(self.child.try_wait(), Ok(Some(_)))
            && let Some(reader) = self.reader.take()
        {
            let end = Instant::now() + LAST_WORDS_TIME;
            while !reader.is_finished() && Instant::now() < end {
                glance();
            }
        }
        self.errors.lock().unwrap().clone()
    }

    /// The first message on standard error, as JSON, that begins so; what came before `skip`
    /// messages of the kind is passed over.
    pub(crate) fn message(&mut self, text: &str, skip: usize) -> Value {
        until(text, || {
            let errors = self.errors();
            let ended = matches!(self.child.try_wait(), Ok(Some(_)));
            let found = errors
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter(|value| value["message"] == text)
                .nth(skip);
            assert!(found.is_some() || !ended, "ended: {errors}");
            found
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Whether it ended within this time, and how.
    pub(crate) fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + patience;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return Some(status),
                None if Instant::now() > end => return None,
                None => glance(),
            }
        }
    }

    /// Sends a signal and expects a good end within this time.
    pub(crate) fn end(mut self, name: &str, patience: Duration) -> String {
        let begun = Instant::now();
        self.signal(name);
        let status = self.ended(patience);
        let took = begun.elapsed();
        let errors = self.errors();
        let status = status.unwrap_or_else(|| panic!("not ended after {took:?}: {errors}"));
        assert!(status.success(), "{status}: {errors}");
        errors
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits a moment.
#[expect(
    clippy::disallowed_methods,
    reason = "another process tells nobody here when it changes"
)]
fn glance() {
    thread::sleep(GLANCE);
}

/// Sends a signal to one process.
pub(crate) fn signal(id: u32, name: &str) {
    let id = id.to_string();
    let status = Command::new("kill").args(["-s", name, &id]).status();
    assert!(status.unwrap().success());
}

/// Waits until there is something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    within(what, PATIENCE, &mut look)
}

/// Waits until there is something, for so long at most.
pub(crate) fn within<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {patience:?}: {what}");
        glance();
    }
}

/// A port that nobody has, for what must be the same in two processes.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
