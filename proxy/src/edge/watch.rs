//! What ends a wait on a connection: its deadline, or the end of the process.
//!
//! Setting a timer anew for every request would cost more than parsing its head. So one timer is kept
//! for a connection, and it is moved only when it would fire too late; when it fires too early, it is
//! set again. Under load it is hardly ever touched.

use super::limits::TIMER_FAR;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The deadline of one connection, and the word that the process ends.
pub(crate) struct Watch {
    timer: Pin<Box<Sleep>>,
    /// The timer knows whom to wake.
    armed: bool,
    /// When the wait is over.
    due: Instant,
    leave: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Whether the end of the process is known to wake this task.
    listens: bool,
    token: CancellationToken,
}

// === impl Watch ===

impl Watch {
    /// A watch without a deadline, for a process that ends by this token.
    pub(crate) fn new(token: &CancellationToken) -> Self {
        let due = Instant::now() + TIMER_FAR;
        Self {
            timer: Box::pin(sleep_until(due)),
            armed: false,
            due,
            leave: Box::pin(token.clone().cancelled_owned()),
            listens: false,
            token: token.clone(),
        }
    }

    /// Sets the deadline.
    pub(crate) fn set(&mut self, due: Instant) {
        self.due = due;
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
    }

    /// Whether the deadline has passed.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A connection is one task to its end: whom the timer was told to wake is the right one.
        if self.armed && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        loop {
            self.armed = true;
            ready!(self.timer.as_mut().poll(cx));
            self.armed = false;
            if Instant::now() >= self.due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.due);
        }
    }

    /// Whether the process ends.
    pub(crate) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.listens && !self.token.is_cancelled() {
            return Poll::Pending;
        }
        let leaving = self.leave.as_mut().poll(cx);
        // A connection is one task to its end, so its waker stays the right one.
        self.listens = true;
        leaving
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_that_was_set_last_counts() {
        let token = CancellationToken::new();
        let mut watch = Watch::new(&token);
        let began = Instant::now();
        // Earlier, later, earlier, later than the timer stands.
        for (set, after) in [
            (&[10][..], 10),
            (&[10, 50], 60),
            (&[50, 10], 70),
            (&[1, 5000, 30], 100),
            (&[7200], 7300),
        ] {
            for &seconds in set {
                watch.set(Instant::now() + Duration::from_secs(seconds));
            }
            poll_fn(|cx| watch.poll_due(cx)).await;
            assert_eq!(began.elapsed().as_secs(), after, "{set:?}");
        }
    }

    #[tokio::test]
    async fn the_end_of_the_process_wakes_who_waits() {
        let token = CancellationToken::new();
        let mut watch = Watch::new(&token);
        let waiting = tokio::spawn(async move {
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                watch.poll_leave(cx)
            })
            .await;
            // It is known from then on.
            poll_fn(|cx| watch.poll_leave(cx)).await;
            polls
        });
        tokio::task::yield_now().await;
        token.cancel();
        assert_eq!(waiting.await.unwrap(), 2);
    }
}
