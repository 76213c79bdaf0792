//! The client's side of an exchange: its body, as it comes, and what is written to it.

use super::super::collect::{Collected, too_large};
use super::super::fill::poll_fill;
use super::super::limits::{INBOX_BYTES_MAX, LARGE_BODY_BYTES, LARGE_READ_BYTES, READ_BYTES};
use super::super::message::Body;
use super::super::respond::Date;
use super::super::stream::ByteStream;
use super::super::watch::Watch;
use super::super::wire::RequestHead;
use super::fault::Fault;
use super::record::view;
use bytes::{Buf, Bytes, BytesMut};
use filters::exchange::{BoxFuture, Client};
use filters::head::Head;
use filters::reply::{Reason, Reply};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::time::Instant;

/// The client's side of one exchange.
pub(crate) struct Side<'c> {
    pub(crate) stream: &'c mut ByteStream,
    /// What came with the head: of the body, or of later requests.
    pub(crate) rest: &'c [u8],
    /// What came after it.
    pub(crate) spill: &'c mut BytesMut,
    /// What is still to come of the body.
    pub(crate) body: Body,
    pub(crate) watch: &'c mut Watch,
    /// By when the body has to be here.
    pub(crate) body_due: Instant,
    /// How long a write may make no progress.
    pub(crate) write_time: Duration,
    /// The date that was written last on this connection.
    pub(crate) date: &'c mut Date,
    /// The client waits for `100 Continue` before it sends its body.
    pub(crate) waits: bool,
}

/// What filters see of the client, and what they read of its body.
pub(super) struct StraightClient<'s, 'c> {
    side: &'s mut Side<'c>,
    head: &'s RequestHead<'s>,
    announced: Option<u64>,
    collected: Collected,
    /// Bytes of all collected bodies together.
    collected_max: u64,
    /// Bytes of this body, as the route says.
    body_max: u64,
    is_whole: bool,
}

// === impl Side ===

impl Side<'_> {
    /// The next bytes of the body, shown as payload; returns at once when there are none to come.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        mut show: impl FnMut(&[u8]),
    ) -> Poll<Result<(), Fault>> {
        while !self.body.is_done() {
            if !self.rest.is_empty() {
                let taken = self.body.accept_payload(self.rest, &mut show);
                self.rest = &self.rest[taken.map_err(Fault::body)?..];
                return Poll::Ready(Ok(()));
            }
            if !self.spill.is_empty() {
                let taken = self.body.accept_payload(&self.spill[..], &mut show);
                self.spill.advance(taken.map_err(Fault::body)?);
                return Poll::Ready(Ok(()));
            }
            self.spill.reserve(READ_BYTES);
            match ready!(poll_fill(self.stream, cx, self.spill)) {
                Ok(0) => return Poll::Ready(Err(Fault::body(Reason::IncompleteBody))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Fault::gone(&error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sees to it that bytes of a body of known length are there, unless all of it was.
    pub(super) fn poll_there(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let Body::Length(left) = self.body else {
            return Poll::Ready(Ok(()));
        };
        if !self.rest.is_empty() || !self.spill.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.spill.reserve(match left {
            ..=LARGE_BODY_BYTES => READ_BYTES,
            _ => LARGE_READ_BYTES,
        });
        Poll::Ready(match ready!(poll_fill(self.stream, cx, self.spill)) {
            Ok(0) => Err(Fault::body(Reason::IncompleteBody)),
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::gone(&error)),
        })
    }

    /// The bytes of a body of known length that are there, as they lie.
    pub(super) fn there(&self) -> &[u8] {
        let Body::Length(left) = self.body else {
            return &[];
        };
        let there = match self.rest {
            [] => &self.spill[..],
            rest => rest,
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        &there[..there.len().min(left)]
    }

    /// Says that so many of [those](Self::there) were taken.
    pub(super) fn took(&mut self, taken: usize) -> Result<(), Fault> {
        let accepted = match self.rest {
            [] => {
                let accepted = self.body.accept(&self.spill[..taken]);
                self.spill.advance(taken);
                accepted
            }
            rest => {
                self.rest = &rest[taken..];
                self.body.accept(&rest[..taken])
            }
        };
        accepted.map(drop).map_err(Fault::body)
    }

    /// Whether the client has left while it waits; what it sends meanwhile is kept for later.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        while self.rest.len() + self.spill.len() < INBOX_BYTES_MAX {
            match ready!(poll_fill(self.stream, cx, self.spill)) {
                Ok(0) => {
                    let end = io::Error::from(io::ErrorKind::UnexpectedEof);
                    return Poll::Ready(Fault::gone(&end));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Fault::gone(&error)),
            }
        }
        Poll::Pending
    }

    /// Writes some of these bytes.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    /// Sends what lies in the layers below.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    /// Writes all of these bytes, within the time for writes.
    ///
    /// # Errors
    /// When the client left, or takes nothing.
    pub(super) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        let mut since = None;
        poll_fn(|cx| {
            loop {
                let step = if bytes.is_empty() {
                    match self.poll_flush(cx) {
                        Poll::Ready(done) => return Poll::Ready(done.map_err(|e| Fault::gone(&e))),
                        Poll::Pending => Poll::Pending,
                    }
                } else {
                    self.poll_write(cx, bytes)
                };
                match step {
                    Poll::Ready(Ok(0)) => {
                        return Poll::Ready(Err(Fault::gone(&io::ErrorKind::WriteZero.into())));
                    }
                    Poll::Ready(Ok(written)) => {
                        bytes = &bytes[written..];
                        since = None;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(Fault::gone(&error))),
                    Poll::Pending => {
                        let began = *since.get_or_insert_with(Instant::now);
                        self.watch.set(began + self.write_time);
                        ready!(self.watch.poll_due(cx));
                        return Poll::Ready(Err(Fault::gone(&io::ErrorKind::TimedOut.into())));
                    }
                }
            }
        })
        .await
    }

    /// Tells a client that waits to send its body, now that somebody wants it (RFC 9110, section
    /// 10.1.1).
    pub(super) async fn proceed(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.waits) {
            return self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        }
        Ok(())
    }

    /// The next payload of the body, within its time; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.body.is_done() {
            return Ok(None);
        }
        let mut piece = BytesMut::new();
        poll_fn(
            |cx| match self.poll_body(cx, |payload| piece.extend_from_slice(payload)) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => {
                    self.watch.set(self.body_due);
                    ready!(self.watch.poll_due(cx));
                    Poll::Ready(Err(Fault::request_timeout()))
                }
            },
        )
        .await?;
        Ok(Some(piece.freeze()))
    }
}

// === impl StraightClient ===

impl<'s, 'c> StraightClient<'s, 'c> {
    pub(super) fn new(
        side: &'s mut Side<'c>,
        head: &'s RequestHead<'s>,
        announced: Option<u64>,
        collected: Collected,
        collected_max: u64,
        body_max: u64,
    ) -> Self {
        Self {
            side,
            head,
            announced,
            collected,
            collected_max,
            body_max,
            is_whole: announced == Some(0),
        }
    }

    /// What was read, when the filters are done.
    pub(super) fn into_collected(mut self) -> Collected {
        self.collected.gather();
        self.collected
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Box<Reply>> {
        if self.is_whole {
            return Ok(None);
        }
        if self.collected.bytes == 0 {
            if self.announced > Some(self.body_max) {
                return Err(too_large(self.body_max));
            }
            self.side.proceed().await.map_err(broken)?;
        }
        let Some(piece) = self.side.next().await.map_err(broken)? else {
            self.is_whole = true;
            return Ok(None);
        };
        if self.collected.bytes + piece.len() as u64 > self.body_max {
            return Err(too_large(self.body_max));
        }
        self.collected.keep_within(&piece, self.collected_max)?;
        Ok(Some(piece))
    }
}

/// A body that cannot be read on, while a filter reads it.
fn broken(fault: Fault) -> Box<Reply> {
    fault
        .reply()
        .unwrap_or_else(|note| Reply::refuse(Reason::IncompleteBody).closing().noting(note))
}

impl Client for StraightClient<'_, '_> {
    fn head(&self) -> Head<'_> {
        view(self.head)
    }

    fn announced_length(&self) -> Option<u64> {
        self.announced
    }

    fn read<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Bytes>, Box<Reply>>> {
        Box::pin(self.next())
    }
}
