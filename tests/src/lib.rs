//! The fixture of the end-to-end tests: real sockets on port 0, clocks handed in, nothing mocked that
//! can run.
//!
//! [`stage::Stage`] is an edge with its policy, keys and clock; [`witness::Witness`] an honest
//! upstream that remembers what it got; [`script::Script`] a dishonest one; [`raw`] a client that
//! sends exactly the bytes it is told to, [`http2`] one of streams; [`signer`] one that signs;
//! [`message`] a request of which a test can change any part.

#![allow(clippy::unwrap_used, reason = "a fixture that fails, fails its test")]

pub mod envelope;
pub mod frames;
pub mod golden;
pub mod hostile;
pub mod http2;
pub mod lane;
pub mod message;
pub mod raw;
pub mod script;
pub mod signer;
pub mod stage;
pub mod tls;
pub mod witness;

use std::time::Duration;

/// How long a test waits for something that must happen, before it fails. No test waits so long when
/// all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
///
/// # Panics
/// When it has not happened within [`PATIENCE`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Asks again and again until the answer is yes, without ever blocking a thread.
///
/// # Panics
/// When the answer is still no after [`PATIENCE`].
pub async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    within(what, async {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while !ask().await {
            pause.tick().await;
        }
    })
    .await;
}

/// Bytes in which nothing can be lost, doubled or moved without being seen: no two places of a body
/// that is below 16 MiB look alike.
#[must_use]
pub fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 3);
    for n in 0..length.div_ceil(3) {
        bytes.extend_from_slice(&n.to_le_bytes()[..3]);
    }
    bytes.truncate(length);
    bytes
}
