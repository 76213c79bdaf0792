//! What is measured: a proxy as a process of its own, on its own core, in front of the origin.

pub mod edge;
pub mod nginx;

use crate::cores::Cores;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long a process may take to begin, or to end when it is told to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at a process.
const PAUSE: Duration = Duration::from_millis(10);

/// A proxy that can be started.
pub trait Subject {
    /// What results call it.
    fn name(&self) -> &'static str;

    /// Why it cannot be measured here, and what to do about it; `None` when it can.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Starts it in front of the origin.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(&self, cores: &Cores, origin: SocketAddr) -> anyhow::Result<Running>;
}

/// A process that was started here; dropping it ends it, and waits for its end.
pub struct Running {
    child: Child,
    /// Where it listens.
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
            if begun.elapsed() > PATIENCE {
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
