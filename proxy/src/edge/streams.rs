//! How long an HTTP/2 connection may live: by what its streams do, not by what its frames do.
//!
//! Frames cost a client nothing, so no frame keeps a connection alive. What counts is requests: one
//! has to be complete within the time for a head, and between two of them passes no more than the idle
//! time. After its share of requests, when it is quiet, and when the process drains, a connection is
//! told to leave (RFC 9113, section 6.8), and cut when it does not.

use super::Shared;
use super::limits::LINGER_TIME;
use crate::plan::Connections;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// The streams of one connection: how many began, and how many are open.
#[derive(Default)]
pub(crate) struct Streams(watch::Sender<Count>);

#[derive(Clone, Copy, Default)]
struct Count {
    begun: u64,
    open: u64,
}

// === impl Streams ===

impl Streams {
    /// A request has come whole.
    pub(crate) fn begin(&self) {
        self.0.send_modify(|count| {
            count.begun += 1;
            count.open += 1;
        });
    }

    /// Its exchange is over.
    pub(crate) fn end(&self) {
        self.0
            .send_modify(|count| count.open = count.open.saturating_sub(1));
    }

    /// Tells the connection to leave when its time has come, by `leave`; returns when it has to be cut.
    pub(crate) async fn outlive(
        &self,
        shared: &Shared,
        limits: &Connections,
        leave: &watch::Sender<bool>,
    ) {
        tokio::select! {
            () = self.quiet(limits.head_timeout, limits.idle_timeout) => {}
            () = self.begun(u64::from(limits.requests_per_connection)) => {}
            () = shared.draining() => {}
        }
        let _ = leave.send(true);
        self.quiet(LINGER_TIME, LINGER_TIME).await;
    }

    /// Until so many requests have begun.
    async fn begun(&self, count: u64) {
        let mut streams = self.0.subscribe();
        let _ = streams.wait_for(|now| now.begun >= count).await;
    }

    /// Until no request is open for so long: `first` when there was none at all, else `later`.
    async fn quiet(&self, first: Duration, later: Duration) {
        let mut streams = self.0.subscribe();
        loop {
            let Ok(begun) = streams
                .wait_for(|now| now.open == 0)
                .await
                .map(|now| now.begun)
            else {
                return;
            };
            let time = if begun == 0 { first } else { later };
            let next = streams.wait_for(|now| now.begun != begun);
            if timeout(time, next).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn quiet_is_no_open_request_for_so_long() {
        let (first, later) = (Duration::from_secs(1), Duration::from_secs(5));
        let streams = Streams::default();
        let began = Instant::now();
        streams.quiet(first, later).await;
        assert_eq!(began.elapsed(), first);
        streams.begin();
        assert!(
            timeout(Duration::from_secs(60), streams.quiet(first, later))
                .await
                .is_err()
        );
        streams.end();
        let began = Instant::now();
        streams.quiet(first, later).await;
        assert_eq!(began.elapsed(), later);
        // One that comes and goes unseen counts too.
        let began = Instant::now();
        let short = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            streams.begin();
            streams.end();
        };
        tokio::join!(streams.quiet(first, later), short);
        assert_eq!(began.elapsed(), Duration::from_secs(9));
    }
}
