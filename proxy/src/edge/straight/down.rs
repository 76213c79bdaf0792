//! The answer on its way down: its head, then its body, as fast as the client takes it.

use super::super::limits::{LARGE_BODY_BYTES, READ_BYTES};
use super::super::wire::{AnswerBody, AnswerFault, ChunkedDecoder};
use super::fault::Fault;
use super::flow::{Flow, For};
use super::head::{LAST_CHUNK, write_chunk};
use bytes::{Buf, Bytes, BytesMut};
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

/// How the connections are left when all went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// The upstream's connection may carry another exchange.
    pub(super) line: bool,
}

/// What is still to come of the answer's body.
pub(super) enum Rest {
    Done,
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
}

/// The answer's body, still to be sent.
pub(super) struct Body {
    pub(super) rest: Rest,
    pub(super) is_persistent: bool,
}

// === impl Flow ===

impl Flow<'_, '_, '_> {
    /// Sends the answer to its end.
    pub(super) async fn deliver(&mut self, body: Body) -> Result<Left, Fault> {
        let Body {
            mut rest,
            is_persistent,
        } = body;
        poll_fn(|cx| self.poll_deliver(cx, &mut rest)).await?;
        Ok(Left {
            line: is_persistent
                && self.line.inbox.is_empty()
                && self.up.broken.is_none()
                && self.up.is_done(),
        })
    }

    fn poll_deliver(&mut self, cx: &mut Context<'_>, rest: &mut Rest) -> Poll<Result<(), Fault>> {
        loop {
            self.poll_up(cx)?;
            self.absorb(rest)?;
            match self.poll_down(cx, rest) {
                Poll::Pending => return self.poll_time(cx, For::Client).map(Err),
                Poll::Ready(sent) => sent?,
            }
            if rest.is_done() {
                return match self.side.poll_flush(cx) {
                    Poll::Ready(flushed) => Poll::Ready(flushed.map_err(|e| Fault::gone(&e))),
                    Poll::Pending => self.poll_time(cx, For::Client).map(Err),
                };
            }
            if rest.is_large() {
                self.line.make_room();
            }
            match self.line.poll_fill(cx) {
                Poll::Ready(Ok(0)) if matches!(rest, Rest::UntilClose) => {
                    self.down.extend_from_slice(LAST_CHUNK);
                    *rest = Rest::Done;
                }
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(Fault::Broken(
                        "the upstream closed before its answer's end".to_owned(),
                    )));
                }
                Poll::Ready(Ok(_)) => self.times.quiet = None,
                Poll::Ready(Err(error)) => {
                    let note = format!("the upstream's connection broke: {error}");
                    return Poll::Ready(Err(Fault::Broken(note)));
                }
                Poll::Pending => {
                    // What the layers below hold goes out before anybody waits.
                    if let Poll::Ready(Err(error)) = self.side.poll_flush(cx) {
                        return Poll::Ready(Err(Fault::gone(&error)));
                    }
                    return self.poll_time(cx, For::Upstream).map(Err);
                }
            }
        }
    }

    /// Takes what the upstream has sent of the body into `down`, unless it can go out as it lies.
    fn absorb(&mut self, rest: &mut Rest) -> Result<(), Fault> {
        let inbox = &mut self.line.inbox;
        if inbox.is_empty() {
            return Ok(());
        }
        let is_watched = self.watched.response;
        match rest {
            Rest::Done => {}
            Rest::Length(left) => {
                let there =
                    usize::try_from(*left).map_or(inbox.len(), |left| left.min(inbox.len()));
                if !is_watched && self.down.len() + there > READ_BYTES {
                    return Ok(());
                }
                let piece = inbox.split_to(there);
                *left -= there as u64;
                let is_end = *left == 0;
                if is_end {
                    *rest = Rest::Done;
                }
                let shown = self.show(piece, is_end);
                self.down.extend_from_slice(&shown);
            }
            Rest::UntilClose => {
                let piece = inbox.split();
                let shown = self.show(piece, false);
                self.put_chunk(&shown);
            }
            Rest::Chunked(decoder) => {
                let mut piece = BytesMut::with_capacity(inbox.len());
                let walk = decoder
                    .walk(&inbox[..], |payload| piece.extend_from_slice(payload))
                    .map_err(AnswerFault::Body)?;
                inbox.advance(walk.consumed);
                if walk.is_end {
                    *rest = Rest::Done;
                }
                let shown = self.show(piece, walk.is_end);
                self.put_chunk(&shown);
                if walk.is_end {
                    self.down.extend_from_slice(LAST_CHUNK);
                }
            }
        }
        Ok(())
    }

    fn put_chunk(&mut self, payload: &[u8]) {
        if !payload.is_empty() {
            write_chunk(&mut self.down, payload);
        }
    }

    /// Shows a piece of the answer's body to the filters that watch it.
    fn show(&mut self, piece: BytesMut, is_end: bool) -> Bytes {
        self.record.response_bytes += piece.len() as u64;
        let mut piece = piece.freeze();
        if self.watched.response {
            let record = &mut *self.record;
            record
                .chain
                .on_response_body(&mut record.x, &mut piece, is_end);
        }
        piece
    }

    /// Sends what is ready for the client: ready when nothing is left to be sent.
    fn poll_down(&mut self, cx: &mut Context<'_>, rest: &mut Rest) -> Poll<Result<(), Fault>> {
        while !self.down.is_empty() {
            let written = ready!(self.side.poll_write(cx, &self.down));
            let written = written.map_err(|error| Fault::gone(&error))?;
            self.moved(written)?;
            self.down.advance(written);
        }
        while let Rest::Length(left) = rest
            && !self.line.inbox.is_empty()
            && !self.watched.response
        {
            let inbox = &self.line.inbox;
            let there = usize::try_from(*left).map_or(inbox.len(), |left| left.min(inbox.len()));
            let written = ready!(self.side.poll_write(cx, &inbox[..there]));
            let written = written.map_err(|error| Fault::gone(&error))?;
            self.moved(written)?;
            self.line.inbox.advance(written);
            self.record.response_bytes += written as u64;
            *left -= written as u64;
            if *left == 0 {
                *rest = Rest::Done;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn moved(&mut self, written: usize) -> Result<(), Fault> {
        if written == 0 {
            return Err(Fault::gone(&io::ErrorKind::WriteZero.into()));
        }
        self.times.quiet = None;
        self.record.status = self.status;
        Ok(())
    }
}

// === impl Rest ===

impl Rest {
    pub(super) fn of(body: AnswerBody) -> Self {
        match body {
            AnswerBody::None | AnswerBody::Length(0) => Self::Done,
            AnswerBody::Length(length) => Self::Length(length),
            AnswerBody::Chunked => Self::Chunked(ChunkedDecoder::new()),
            AnswerBody::UntilClose => Self::UntilClose,
        }
    }

    const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    const fn is_large(&self) -> bool {
        matches!(self, Self::Length(left) if *left > LARGE_BODY_BYTES)
    }
}
