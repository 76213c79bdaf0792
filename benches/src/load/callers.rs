//! Those who ask: each holds a connection, and takes the next request when it is free, or when one is
//! due.

use super::http2;
use super::recipe::Recipe;
use super::tally::{Tally, WRONG_MAX};
use super::wire::{Answer, Dial};
use super::{Load, Pace, Requests, Transport};
use anyhow::bail;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Requests that may be due and not sent; beyond, the proxy is hopelessly behind.
const BACKLOG_MAX: usize = 1_000_000;

/// How long answers are waited for behind the window.
const SETTLE: Duration = Duration::from_secs(2);

/// What all callers share.
pub(super) struct Shared {
    dial: Dial,
    transport: Transport,
    paced: bool,
    recipes: Arc<[Recipe]>,
    requests: Mutex<Requests>,
    book: Mutex<Book>,
    /// When requests were due that nobody has taken yet, the oldest first.
    due: Mutex<VecDeque<Instant>>,
    /// Somebody may take one.
    came: Notify,
}

/// What is written down. Answers count by the moment at which their request was due.
struct Book {
    tally: Tally,
    /// The window, once it has begun.
    begun: Option<Instant>,
    ended: Option<Instant>,
    /// Requests of the window that are not answered.
    open: usize,
}

/// When requests fall due.
pub(super) struct Due {
    begun: Instant,
    per_second: u32,
    count: u64,
}

// === impl Due ===

impl Due {
    /// From now on, evenly.
    pub(super) fn every(per_second: u32) -> Self {
        Self {
            begun: Instant::now(),
            per_second: per_second.max(1),
            count: 0,
        }
    }

    /// The next instant, if it is not later than `now`.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        let nanoseconds = self.count.saturating_mul(1_000_000_000) / u64::from(self.per_second);
        let due = self.begun + Duration::from_nanos(nanoseconds);
        (due <= now).then(|| {
            self.count += 1;
            due
        })
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(load: &Load, requests: Requests) -> Self {
        let tls = match &load.transport {
            Transport::Tls(tls) | Transport::Handshakes(tls) => Some(tls.clone()),
            Transport::Kept | Transport::Http2 { .. } => None,
        };
        Self {
            dial: Dial {
                address: load.address,
                tls,
            },
            transport: load.transport.clone(),
            paced: load.pace != Pace::Saturate,
            recipes: requests.recipes(),
            requests: Mutex::new(requests),
            book: Mutex::new(Book {
                tally: Tally::new(),
                begun: None,
                ended: None,
                open: 0,
            }),
            due: Mutex::default(),
            came: Notify::new(),
        }
    }

    pub(super) fn signed_late(&self) -> u64 {
        lock(&self.requests).signed_late()
    }

    /// The window begins; what was written down before does not count.
    pub(super) fn begin(&self) {
        let mut book = lock(&self.book);
        book.tally = Tally::new();
        book.begun = Some(Instant::now());
        book.open = 0;
    }

    /// The window is over. With a fixed pace, what fell due in it is waited for.
    pub(super) async fn settle(&self) {
        let ended = Instant::now();
        lock(&self.book).ended = Some(ended);
        if !self.paced {
            return;
        }
        while lock(&self.book).open > 0 && ended.elapsed() < SETTLE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What was written down. Who has waited in vain until now is charged with the time so far.
    pub(super) fn taken(&self) -> Tally {
        let mut book = lock(&self.book);
        let waited = book.ended.map(|ended| ended.elapsed());
        if let (true, Some(waited)) = (self.paced, waited) {
            for _ in 0..book.open {
                book.tally.right(waited);
            }
            book.tally.unanswered = book.open as u64;
        }
        std::mem::take(&mut book.tally)
    }

    /// The next request into `out`, its recipe, and when it was due.
    pub(super) async fn next(&self, out: &mut Vec<u8>) -> (&Recipe, Instant) {
        let due = if self.paced {
            self.wait().await
        } else {
            Instant::now()
        };
        out.clear();
        let which = lock(&self.requests).next(out);
        (&self.recipes[which], due)
    }

    /// Writes an answer down; an error when there were far too many wrong ones.
    pub(super) fn note(&self, due: Instant, answer: Result<(), String>) -> anyhow::Result<()> {
        let mut book = lock(&self.book);
        if book.begun.is_some() && book.ended.is_none() && answer.is_ok() {
            book.tally.answered += 1;
        }
        if !book.counts(due) {
            // In the warm-up a bucket may still have something in it: nothing is wrong yet.
            return Ok(());
        }
        if self.paced {
            book.open = book.open.saturating_sub(1);
        }
        match answer {
            Ok(()) => book.tally.right(due.elapsed()),
            Err(why) => {
                book.tally.wrong(why);
                if book.tally.wrong > WRONG_MAX {
                    let first = book.tally.first_wrong.take().unwrap_or_default();
                    bail!("more than {WRONG_MAX} wrong answers: {first}");
                }
            }
        }
        Ok(())
    }

    async fn wait(&self) -> Instant {
        loop {
            let next = lock(&self.due).pop_front();
            match next {
                Some(due) => return due,
                None => self.came.notified().await,
            }
        }
    }
}

// === impl Book ===

impl Book {
    /// Closed-loop answers count when they come within the window, paced ones when they were due in it.
    fn counts(&self, due: Instant) -> bool {
        let begun = self.begun.is_some_and(|begun| due >= begun);
        begun && self.ended.is_none_or(|ended| due < ended)
    }
}

/// Lets requests fall due. It looks at the clock all the time, for a timer would be late by up to a
/// millisecond; in between, everybody else on this thread has a turn, and the sockets are asked.
pub(super) async fn pace(shared: Arc<Shared>, mut due: Due) -> anyhow::Result<Infallible> {
    loop {
        let now = Instant::now();
        while let Some(due) = due.next(now) {
            let mut waiting = lock(&shared.due);
            if waiting.len() >= BACKLOG_MAX {
                bail!("{BACKLOG_MAX} requests are due: it does not keep up");
            }
            waiting.push_back(due);
            drop(waiting);
            let mut book = lock(&shared.book);
            if book.counts(due) {
                book.open += 1;
            }
            drop(book);
            shared.came.notify_one();
        }
        tokio::task::yield_now().await;
    }
}

/// Asks until told to stop, which is by being dropped.
pub(super) async fn call(shared: Arc<Shared>) -> anyhow::Result<Infallible> {
    match shared.transport {
        Transport::Http2 { streams } => http2::call(&shared, shared.dial.address, streams).await,
        Transport::Handshakes(_) => call_anew(&shared).await,
        Transport::Kept | Transport::Tls(_) => call_kept(&shared).await,
    }
}

async fn call_kept(shared: &Shared) -> anyhow::Result<Infallible> {
    let mut wire = shared.dial.connect().await?;
    let mut outbox = Vec::new();
    loop {
        let (recipe, due) = shared.next(&mut outbox).await;
        let answer = wire.ask(&outbox, &recipe.expects).await;
        let goes_on = matches!(answer, Answer::Right { closes: false });
        shared.note(due, verdict(answer))?;
        if !goes_on {
            wire = shared.dial.connect().await?;
        }
    }
}

async fn call_anew(shared: &Shared) -> anyhow::Result<Infallible> {
    let mut outbox = Vec::new();
    loop {
        let (recipe, due) = shared.next(&mut outbox).await;
        let mut wire = shared.dial.connect().await?;
        let answer = wire.ask(&outbox, &recipe.expects).await;
        shared.note(due, verdict(answer))?;
    }
}

fn verdict(answer: Answer) -> Result<(), String> {
    match answer {
        Answer::Right { .. } => Ok(()),
        Answer::Wrong(why) => Err(why),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_fall_due_evenly_whatever_was_missed() {
        let mut due = Due::every(1000);
        let begun = due.begun;
        let ms = Duration::from_millis;
        assert_eq!(due.next(begun), Some(begun));
        assert_eq!(due.next(begun), None);
        // Three were missed: each keeps its own time.
        let now = begun + ms(3);
        assert_eq!(due.next(now), Some(begun + ms(1)));
        assert_eq!(due.next(now), Some(begun + ms(2)));
        assert_eq!(due.next(now), Some(begun + ms(3)));
        assert_eq!(due.next(now), None);
    }

    #[test]
    fn only_what_was_due_in_the_window_counts() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut book = Book {
            tally: Tally::new(),
            begun: None,
            ended: None,
            open: 0,
        };
        assert!(!book.counts(now));
        book.begun = Some(now);
        assert!(book.counts(now) && !book.counts(now - second));
        book.ended = Some(now + second);
        assert!(book.counts(now) && !book.counts(now + second));
    }
}
