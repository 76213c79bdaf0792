//! What is measured: a proxy as a process of its own, on its own core, in front of the origin.

pub mod edge;
pub mod envoy;
pub mod haproxy;
pub mod install;
pub mod nginx;
pub mod pingap;
pub mod plain;
pub mod relay;
mod template;

use crate::cores::Cores;
use crate::stage::Stage;
use crate::workloads::{Dialect, Workload};
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long a process may take to begin; the edge with a million keys takes longest.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to end when it is told to.
const PARTING: Duration = Duration::from_secs(10);

/// Between two looks at a process.
const PAUSE: Duration = Duration::from_millis(10);

/// A proxy that can be started.
pub trait Subject {
    /// What results call it.
    fn name(&self) -> &'static str;

    /// How it understands signatures and refuses.
    fn dialect(&self) -> Dialect {
        Dialect::Peers
    }

    /// What it calls its version.
    fn version(&self) -> Option<String>;

    /// Why it cannot be measured here, and what to do about it; `None` when it can.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Whether something is decided by how it compares; who is there to be looked at only takes part
    /// in fewer rounds.
    fn is_compared(&self) -> bool {
        true
    }

    /// Whether it knows this kind of work.
    fn serves(&self, workload: &Workload) -> bool;

    /// Starts it in front of the origin, its door for this work open.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running>;
}

/// A process that was started here; dropping it ends it, and waits for its end.
pub struct Running {
    child: Child,
    /// Where it is asked.
    pub address: SocketAddr,
}

// === impl Running ===

impl Running {
    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it accepts connections.
    ///
    /// # Errors
    /// When it ends, or does not accept for long.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            if begun.elapsed() > PATIENCE {
                bail!("it does not accept connections");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for Running {
    /// Asks first: a master that is killed leaves its workers behind.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::Term);
        }
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > PARTING {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::park_timeout(PAUSE);
        }
    }
}

/// Starts a command on the core of the measured.
fn spawn(command: &mut Command, cores: &Cores) -> anyhow::Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    cores
        .on_subject(|| command.spawn())?
        .with_context(|| format!("cannot start {program}"))
}

/// Starts this very program once more, as something to be measured: its arguments tell as what. It
/// prints its addresses on one line, and ends when its standard input does, so that it never outlives
/// who started it. The address is the one with this number.
fn spawn_self(arguments: &[String], stage: &Stage, which: usize) -> anyhow::Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = spawn(&mut command, &stage.cores)?;
    let stdout = child.stdout.take().context("its output is not a pipe")?;
    // From here on it is ended whatever happens; the address is put in below.
    let mut running = Running {
        child,
        address: stage.origin,
    };
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if BufReader::new(stdout).read_line(&mut line).is_ok() {
            // Nobody listens any more when patience is over.
            let _ = tell.send(line);
        }
    });
    let line = told.recv_timeout(PATIENCE).unwrap_or_default();
    let address = line.split_ascii_whitespace().nth(which);
    running.address = address
        .and_then(|address| address.parse().ok())
        .context("it does not tell its address")?;
    Ok(running)
}

/// Ends the process when standard input does: who started it is gone, or done.
#[expect(
    clippy::disallowed_methods,
    reason = "the servers that call this never return, and have nothing to save"
)]
fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new());
        std::process::exit(0);
    });
}

/// The program of this name: on the path, or at one of the usual places.
fn find(name: &str, usual: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .chain(usual.iter().map(PathBuf::from))
        .find(|program| program.is_file())
}

/// The first line that a program prints when it is asked, on either output.
fn first_line(program: &Option<PathBuf>, argument: &str) -> Option<String> {
    let output = Command::new(program.as_ref()?)
        .arg(argument)
        .output()
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path_and_elsewhere() {
        assert!(find("sh", &[]).is_some());
        assert!(find("no-such-program", &[]).is_none());
        let shell = find("sh", &[]).unwrap();
        let usual = shell.to_str().unwrap();
        assert!(find("no-such-program", &[usual]).is_some());
    }

    #[test]
    fn a_version_is_the_first_line_that_says_something() {
        assert!(first_line(&find("cargo", &[]), "--version").is_none_or(|line| line.contains(' ')));
        assert_eq!(first_line(&None, "--version"), None);
    }
}
