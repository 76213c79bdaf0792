//! One attempt: a request on its way to an upstream server, and the answer on its way back.
//!
//! Both directions move on in one task and without waiting for each other: an answer may come, and is
//! passed on, while the request is still being sent (RFC 9112, section 9.5). Each direction is read
//! only when what was read before is written, so that a slow end slows the other down and memory stays
//! bounded. Where bytes allow, a head and its body go out in one write.

use super::super::limits::{HEAD_BYTES_COMMON, INTERIM_ANSWERS_MAX};
use super::super::wire::{HeadLimits, HeadScan, Parse, ResponseHead, response_framing};
use super::client::Side;
use super::down::{Body, Rest};
use super::fault::Fault;
use super::head::{Onward, write_answer, write_interim};
use super::line::Line;
use super::record::Record;
use super::up::{Source, Upward};
use bytes::{Buf, BytesMut};
use filters::filter::Bodies;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One attempt at an exchange.
pub(super) struct Flow<'f, 'c, 'r> {
    pub(super) side: &'f mut Side<'c>,
    pub(super) record: &'f mut Record<'r>,
    pub(super) line: Line,
    pub(super) up: Upward<'f>,
    /// Bytes on their way to the client.
    pub(super) down: BytesMut,
    /// The answer's status, until its first byte is sent.
    pub(super) status: u16,
    pub(super) times: Times,
    pub(super) watched: Bodies,
}

/// By when, and after how much silence, it is over.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// The whole exchange.
    pub(super) total: Instant,
    /// A silent upstream.
    pub(super) read: Duration,
    /// An upstream that takes nothing.
    pub(super) write: Duration,
    /// Since when nothing has moved.
    pub(super) quiet: Option<Instant>,
    /// What the time is, until somebody waits.
    now: Option<Instant>,
}

/// Who is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Upstream,
    Client,
}

// === impl Times ===

impl Times {
    pub(super) const fn new(total: Instant, read: Duration, write: Duration) -> Self {
        Self {
            total,
            read,
            write,
            quiet: None,
            now: None,
        }
    }

    /// Says what the time is, so that a first wait need not ask.
    pub(super) const fn at(self, now: Instant) -> Self {
        Self {
            now: Some(now),
            ..self
        }
    }
}

// === impl Flow ===

impl<'f, 'c, 'r> Flow<'f, 'c, 'r> {
    pub(super) fn new(
        side: &'f mut Side<'c>,
        record: &'f mut Record<'r>,
        line: Line,
        up: Upward<'f>,
        times: Times,
    ) -> Self {
        let watched = record.chain.watches();
        Self {
            side,
            record,
            line,
            up,
            down: BytesMut::with_capacity(HEAD_BYTES_COMMON),
            status: 0,
            times,
            watched,
        }
    }

    /// Brings the answer's head, ready to be sent in `down`; what is left of its body, and whether the
    /// server keeps the connection. Until this returns nothing of the final answer was sent.
    pub(super) async fn answer_head(&mut self, close: bool, unix_s: u64) -> Result<Body, Fault> {
        let mut scan = HeadScan::new();
        let mut interims = 0;
        loop {
            let inbox = &self.line.inbox;
            if !inbox.is_empty() {
                let mut head = ResponseHead::blank();
                match scan.read_response(&mut head, inbox, &HeadLimits::STANDARD) {
                    Parse::Partial => {}
                    Parse::Refuse(fault) => return Err(fault.into()),
                    Parse::Complete { length, .. } => {
                        let framing = response_framing(&head, self.record.head.method)?;
                        if framing.is_interim {
                            interims += 1;
                            if interims > INTERIM_ANSWERS_MAX {
                                return Err(Fault::bad_answer("too many interim answers"));
                            }
                            // The edge itself says 100 (RFC 9110, section 15.2.1).
                            if head.status != 100 {
                                self.record.has_interim = true;
                                write_interim(&mut self.down, head.status, &head.fields);
                            }
                            self.line.inbox.advance(length);
                            let interim = self.down.split();
                            if !interim.is_empty() {
                                let sent = timeout_at(self.times.total, self.side.send(&interim));
                                sent.await
                                    .map_err(|_| Fault::gone(&io::ErrorKind::TimedOut.into()))??;
                            }
                            scan = HeadScan::new();
                            continue;
                        }
                        let record = &mut *self.record;
                        record.chain.on_response(
                            &mut record.x,
                            &filters::head::ResponseHead {
                                status: head.status,
                                fields: &head.fields,
                            },
                        );
                        write_answer(
                            &mut self.down,
                            head.status,
                            &head.fields,
                            &record.x.response,
                            Onward::of(framing.body, head.status, &head.fields),
                            (&mut *self.side.date, unix_s),
                            close,
                        );
                        self.status = head.status;
                        self.line.inbox.advance(length);
                        return Ok(Body {
                            rest: Rest::of(framing.body),
                            is_persistent: framing.is_persistent,
                        });
                    }
                }
            }
            self.hear().await?;
        }
    }

    /// Moves on until the upstream has said something more.
    async fn hear(&mut self) -> Result<(), Fault> {
        poll_fn(|cx| {
            self.poll_up(cx)?;
            match self.line.poll_fill(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.ended(None))),
                Poll::Ready(Ok(_)) => {
                    self.times.quiet = None;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.ended(Some(error)))),
                Poll::Pending => {}
            }
            if !matches!(self.up.source, Source::Live)
                && let Poll::Ready(fault) = self.side.poll_gone(cx)
            {
                return Poll::Ready(Err(fault));
            }
            self.poll_time(cx, For::Upstream).map(Err)
        })
        .await
    }

    /// The upstream's connection ended before its answer.
    fn ended(&mut self, error: Option<io::Error>) -> Fault {
        let error = self.up.broken.take().or(error);
        if !self.line.inbox.is_empty() {
            return Fault::bad_answer("the upstream's answer was cut in its head");
        }
        Fault::Broken(match error {
            Some(error) => format!("the upstream's connection broke: {error}"),
            None => "the upstream closed the connection without an answer".to_owned(),
        })
    }

    /// Whether it takes too long: which fault that is.
    pub(super) fn poll_time(&mut self, cx: &mut Context<'_>, wait: For) -> Poll<Fault> {
        let is_live = matches!(self.up.source, Source::Live) && self.up.broken.is_none();
        let now = self.times.now.take();
        let since = *self
            .times
            .quiet
            .get_or_insert_with(|| now.unwrap_or_else(Instant::now));
        let owes = self.owes_upstream();
        let patience = match wait {
            For::Client => self.side.write_time,
            For::Upstream if !owes => self.times.read,
            For::Upstream => self.times.write,
        };
        let mut due = self.times.total.min(since + patience);
        // Nothing is left to be sent to the upstream.
        let is_idle = wait == For::Upstream && !owes;
        if is_live {
            due = due.min(self.side.body_due);
        }
        self.side.watch.set(due);
        ready!(self.side.watch.poll_due(cx));
        let now = Instant::now();
        Poll::Ready(if now >= self.times.total {
            Fault::upstream_timeout("the exchange took too long")
        } else if is_live && (now >= self.side.body_due || is_idle) {
            // The upstream was silent because the client was.
            Fault::request_timeout()
        } else if wait == For::Client {
            Fault::gone(&io::ErrorKind::TimedOut.into())
        } else {
            Fault::upstream_timeout("the upstream was silent for too long")
        })
    }
}
