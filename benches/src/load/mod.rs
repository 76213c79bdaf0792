//! The load: who asks how fast, and what is written down of the answers.
//!
//! - **Closed loop** ([`Pace::Saturate`]): kept connections, each with one request in flight. It finds
//!   out what a proxy can do at most, and what a request costs it then. What it says of latency holds
//!   for saturation only: a slow answer here delays the next question, too.
//! - **Open loop** ([`Pace::Fixed`]): requests fall due at a fixed rate whatever the answers do, and
//!   latency counts from when a request was due, not from when a connection was free to send it. So a
//!   proxy that stands still for a moment is charged with all who waited.
//!
//! Every answer is read whole and compared with what has to come: status, body, request id. Wrong ones
//! are counted, and a measurement with one of them has failed, for a fast refusal would look like a
//! fast answer.

mod callers;
mod http2;
mod idle;
mod recipe;
mod requests;
mod tally;
mod wire;

pub use idle::Idle;
pub use recipe::{Credentials, Expects, Recipe};
pub use requests::{Requests, Supplies};
pub use tally::Tally;
pub use wire::{Answer, Dial, Wire};

use anyhow::Context;
use callers::{Due, Shared};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// How fast requests are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as answers come.
    Saturate,
    /// So many a second, come what may.
    Fixed {
        /// Requests a second, all connections together.
        per_second: u32,
    },
}

/// What carries the requests.
#[derive(Clone)]
pub enum Transport {
    /// Kept connections.
    Kept,
    /// Kept connections with TLS.
    Tls(TlsConnector),
    /// A new connection with TLS for each request; the handshake is a part of its latency.
    Handshakes(TlsConnector),
    /// HTTP/2 without TLS, so many requests in flight on each connection.
    Http2 {
        /// Requests in flight on one connection.
        streams: usize,
    },
}

/// How hard, and for how long.
#[derive(Clone)]
pub struct Load {
    /// Whom to ask.
    pub address: SocketAddr,
    /// Connections.
    pub connections: usize,
    /// What carries the requests.
    pub transport: Transport,
    /// How fast.
    pub pace: Pace,
    /// Before the window.
    pub warm_up: Duration,
    /// How long is measured.
    pub window: Duration,
}

/// What was measured in the window; `S` is what was sampled of the process at both its ends.
#[derive(Clone, Debug)]
pub struct Measured<S> {
    /// The answers.
    pub tally: Tally,
    /// How long the window really was.
    pub elapsed: Duration,
    /// Requests that had to be signed while they were measured.
    pub signed_late: u64,
    /// The samples at the window's begin and end.
    pub samples: [S; 2],
}

/// Asks, and takes a sample at both ends of the window.
///
/// # Errors
/// Nobody to connect to, far too many wrong answers, or a sample that could not be taken.
pub async fn run<S>(
    load: &Load,
    requests: Requests,
    mut sample: impl FnMut() -> anyhow::Result<S>,
) -> anyhow::Result<Measured<S>> {
    let shared = Arc::new(Shared::new(load, requests));
    let mut callers = JoinSet::new();
    for _ in 0..load.connections {
        callers.spawn(callers::call(Arc::clone(&shared)));
    }
    let window = async {
        tokio::time::sleep(load.warm_up).await;
        let first = sample()?;
        let late_before = shared.signed_late();
        shared.begin();
        let begun = Instant::now();
        tokio::time::sleep(load.window).await;
        let elapsed = begun.elapsed();
        let last = sample()?;
        // Who is still waited for counts, too, as long as an end is in sight.
        shared.settle().await;
        Ok(Measured {
            tally: shared.taken(),
            elapsed,
            signed_late: shared.signed_late() - late_before,
            samples: [first, last],
        })
    };
    // Neither the callers nor the pacer ever end well: whichever ends first has something to say. All
    // of them are dropped with their set.
    if let Pace::Fixed { per_second } = load.pace {
        let due = Due::every(per_second);
        callers.spawn(callers::pace(Arc::clone(&shared), due));
    }
    tokio::select! {
        measured = window => measured,
        Some(ended) = callers.join_next() => {
            let Err(error) = ended.context("a caller was lost")?;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
