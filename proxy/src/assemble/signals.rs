//! What the operating system tells us.
//!
//! SIGTERM and SIGINT end the process in good order, a second one at once; SIGHUP loads the policy
//! anew; SIGQUIT hands over to a new process.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What is asked of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End in good order.
    Stop,
    /// Load the policy anew.
    Reload,
    /// Hand over to a new process, then end.
    HandOver,
}

/// Listens for signals.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    quit: Signal,
}

// === impl Signals ===

impl Signals {
    /// Begins to listen: from now on none of these signals ends the process by itself.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The next wish.
    pub async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Reload,
            _ = self.quit.recv() => Wish::HandOver,
        }
    }

    /// Waits for the wish to stop, passing over all others.
    pub async fn stop(&mut self) {
        while self.next().await != Wish::Stop {}
    }
}
