//! The request on its way up: its head, then its body, as fast as the server takes it.

use super::super::collect::too_large;
use super::super::limits::{HEAD_BYTES_COMMON, JOINED_BYTES_MAX};
use super::super::message::Body;
use super::super::wire::Framing;
use super::fault::Fault;
use super::flow::Flow;
use super::head::{LAST_CHUNK, write_chunk, write_request};
use super::record::Record;
use bytes::{Buf, Bytes, BytesMut};
use filters::reply::{Reason, Reply};
use std::io;
use std::task::{Context, Poll, Waker};

/// The request on its way.
pub(super) struct Upward<'f> {
    /// Bytes that are ready to be sent.
    pub(super) out: BytesMut,
    pub(super) source: Source<'f>,
    is_chunked: bool,
    /// Bytes that the body may have.
    body_max: u64,
    /// Why nothing more is sent: the server takes no more, and may have answered.
    pub(super) broken: Option<io::Error>,
    /// Whether the server got any byte.
    pub(super) has_begun: bool,
}

/// Where the body comes from.
pub(super) enum Source<'f> {
    /// Nowhere, or all of it came.
    Done,
    /// Filters have read it.
    Collected(std::slice::Iter<'f, Bytes>),
    /// The client sends it.
    Live,
}

// === impl Upward ===

impl<'f> Upward<'f> {
    /// The request's head, with a collected body beside it as far as that is small.
    pub(super) fn new(
        record: &Record<'_>,
        host: &[u8],
        body: Framing,
        source: Source<'f>,
        body_max: u64,
    ) -> Self {
        let mut out = BytesMut::with_capacity(HEAD_BYTES_COMMON);
        let head = record.head;
        write_request(
            &mut out,
            head.method,
            head.target,
            &head.fields,
            &record.x.upstream,
            host,
            body,
        );
        Self {
            out,
            source,
            is_chunked: body == Framing::Chunked,
            body_max,
            broken: None,
            has_begun: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.out.is_empty() && matches!(self.source, Source::Done)
    }
}

// === impl Flow ===

impl Flow<'_, '_, '_> {
    /// Sends what can be sent of the request.
    pub(super) fn poll_up(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        loop {
            if self.up.broken.is_some() {
                return Ok(());
            }
            while !self.up.out.is_empty() {
                match self.line.poll_write(cx, &self.up.out) {
                    Poll::Ready(Ok(0)) => {
                        self.up.broken = Some(io::ErrorKind::WriteZero.into());
                        return Ok(());
                    }
                    Poll::Ready(Ok(written)) => {
                        self.up.out.advance(written);
                        self.up.has_begun = true;
                        self.times.quiet = None;
                    }
                    Poll::Ready(Err(error)) => {
                        // It may have answered before it closed: what it said is still read.
                        self.up.broken = Some(error);
                        return Ok(());
                    }
                    Poll::Pending => return Ok(()),
                }
            }
            if self.goes_as_it_lies() {
                if self.poll_pass(cx)?.is_pending() {
                    return Ok(());
                }
                continue;
            }
            if self.poll_source(cx)?.is_pending() || self.up.is_done() {
                return Ok(());
            }
        }
    }

    /// Whether the body need not be looked at, but for its length.
    fn goes_as_it_lies(&self) -> bool {
        matches!(self.up.source, Source::Live)
            && matches!(self.side.body, Body::Length(_))
            && !self.watched.request
            && !self.up.is_chunked
    }

    /// Whether bytes are here that the upstream does not take.
    pub(super) fn owes_upstream(&self) -> bool {
        !self.up.out.is_empty() || self.goes_as_it_lies() && !self.side.there().is_empty()
    }

    /// Sends the next bytes of the body from where the client's were read to.
    fn poll_pass(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Fault> {
        let Poll::Ready(is_there) = self.side.poll_there(cx) else {
            return Ok(Poll::Pending);
        };
        is_there?;
        let there = self.side.there();
        if self.record.request_bytes + there.len() as u64 > self.up.body_max {
            return Err(Fault::Reply(too_large(self.up.body_max)));
        }
        match self.line.poll_write(cx, there) {
            Poll::Ready(Ok(0)) => self.up.broken = Some(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(written)) => {
                self.side.took(written)?;
                self.record.request_bytes += written as u64;
                self.up.has_begun = true;
                self.times.quiet = None;
                if self.side.body.is_done() {
                    self.up.source = Source::Done;
                }
            }
            // It may have answered before it closed: what it said is still read.
            Poll::Ready(Err(error)) => self.up.broken = Some(error),
            Poll::Pending => return Ok(Poll::Pending),
        }
        Ok(Poll::Ready(()))
    }

    /// Puts the next piece of the body into what is to be sent.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Fault> {
        match &mut self.up.source {
            Source::Done => {}
            Source::Collected(chunks) => {
                let next = chunks.next().cloned();
                let is_end = chunks.len() == 0;
                self.put(next.unwrap_or_default(), is_end)?;
            }
            Source::Live => {
                let mut piece = BytesMut::new();
                let polled = self
                    .side
                    .poll_body(cx, |payload| piece.extend_from_slice(payload));
                let Poll::Ready(done) = polled else {
                    return Ok(Poll::Pending);
                };
                done?;
                self.times.quiet = None;
                self.record.request_bytes += piece.len() as u64;
                if self.record.request_bytes > self.up.body_max {
                    return Err(Fault::Reply(too_large(self.up.body_max)));
                }
                let is_end = self.side.body.is_done();
                self.put(piece.freeze(), is_end)?;
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Puts a piece of the body behind what is to be sent.
    fn put(&mut self, mut piece: Bytes, is_end: bool) -> Result<(), Fault> {
        if self.watched.request {
            let length = piece.len();
            let record = &mut *self.record;
            record
                .chain
                .on_request_body(&mut record.x, &mut piece, is_end)
                .map_err(Fault::Reply)?;
            if piece.len() != length && !self.up.is_chunked {
                // The head has told how long the body is.
                let note = "a filter changed the length of a body".to_owned();
                return Err(Fault::Reply(Reply::refuse(Reason::Internal).noting(note)));
            }
        }
        if self.up.is_chunked {
            if !piece.is_empty() {
                write_chunk(&mut self.up.out, &piece);
            }
            if is_end {
                self.up.out.extend_from_slice(LAST_CHUNK);
            }
        } else {
            self.up.out.extend_from_slice(&piece);
        }
        if is_end {
            self.up.source = Source::Done;
        }
        Ok(())
    }

    /// Puts as much of a small collected body beside the head as fits one write.
    pub(super) fn join(&mut self) -> Result<(), Fault> {
        while let Source::Collected(chunks) = &mut self.up.source
            && let Some(next) = chunks.as_slice().first().cloned()
            && self.up.out.len() + next.len() <= JOINED_BYTES_MAX
        {
            chunks.next();
            let is_end = chunks.len() == 0;
            self.put(next, is_end)?;
        }
        Ok(())
    }

    /// Puts what came with the head of the client's body beside it.
    pub(super) fn join_live(&mut self) -> Result<(), Fault> {
        if matches!(self.up.source, Source::Live) && !self.side.rest.is_empty() {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = self.poll_source(&mut cx)?;
        }
        Ok(())
    }
}
