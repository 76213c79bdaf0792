//! One attempt: a request on its way to an upstream server, and the answer on its way back.
//!
//! Both directions move on in one task and without waiting for each other: an answer may come, and is
//! passed on, while the request is still being sent (RFC 9112, section 9.5). Each direction is read
//! only when what was read before is written, so that a slow end slows the other down and memory stays
//! bounded. Where bytes allow, a head and its body go out in one write.

use super::super::collect::too_large;
use super::super::limits::{INTERIM_ANSWERS_MAX, JOINED_BYTES_MAX, LARGE_BODY_BYTES, READ_BYTES};
use super::super::wire::{
    AnswerBody, AnswerFault, ChunkedDecoder, Framing, HeadLimits, HeadScan, Parse, response_framing,
};
use super::client::Side;
use super::fault::Fault;
use super::head::{LAST_CHUNK, Onward, write_answer, write_chunk, write_interim, write_request};
use super::line::Line;
use super::record::Record;
use bytes::{Buf, Bytes, BytesMut};
use filters::filter::Bodies;
use filters::head::ResponseHead;
use filters::reply::{Reason, Reply};
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// One attempt at an exchange.
pub(super) struct Flow<'f, 'c, 'r> {
    pub(super) side: &'f mut Side<'c>,
    pub(super) record: &'f mut Record<'r>,
    pub(super) line: Line,
    pub(super) up: Upward<'f>,
    /// Bytes on their way to the client.
    down: BytesMut,
    /// The answer's status, until its first byte is sent.
    status: u16,
    times: Times,
    watched: Bodies,
}

/// The request on its way.
pub(super) struct Upward<'f> {
    /// Bytes that are ready to be sent.
    out: BytesMut,
    source: Source<'f>,
    is_chunked: bool,
    /// Bytes that the body may have.
    body_max: u64,
    /// Why nothing more is sent: the server takes no more, and may have answered.
    broken: Option<io::Error>,
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
    quiet: Option<Instant>,
}

/// How the connections are left when all went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// The upstream's connection may carry another exchange.
    pub(super) line: bool,
}

/// What is still to come of the answer's body.
enum Rest {
    Done,
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
}

/// Who is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
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
        }
    }
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
        let mut out = BytesMut::new();
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

    fn is_done(&self) -> bool {
        self.out.is_empty() && matches!(self.source, Source::Done)
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
            down: BytesMut::new(),
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
                match scan.parse_response(inbox, &HeadLimits::STANDARD) {
                    Parse::Partial => {}
                    Parse::Refuse(fault) => return Err(fault.into()),
                    Parse::Complete { head, length } => {
                        let framing = response_framing(&head, self.record.head.method)?;
                        if framing.is_interim {
                            interims += 1;
                            if interims > INTERIM_ANSWERS_MAX {
                                return Err(Fault::bad_answer("too many interim answers"));
                            }
                            // The edge itself says 100 (RFC 9110, section 15.2.1).
                            if head.status != 100 {
                                write_interim(&mut self.down, head.status, &head.fields);
                            }
                            self.line.inbox.advance(length);
                            let interim = self.down.split();
                            self.side.send(&interim).await?;
                            scan = HeadScan::new();
                            continue;
                        }
                        let record = &mut *self.record;
                        record.chain.on_response(
                            &mut record.x,
                            &ResponseHead {
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
                            unix_s,
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

    /// Sends what can be sent of the request.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
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
            if self.poll_source(cx)?.is_pending() || self.up.is_done() {
                return Ok(());
            }
        }
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
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let _ = self.poll_source(&mut cx)?;
        }
        Ok(())
    }

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

    /// Whether it takes too long: which fault that is.
    fn poll_time(&mut self, cx: &mut Context<'_>, wait: For) -> Poll<Fault> {
        let is_live = matches!(self.up.source, Source::Live) && self.up.broken.is_none();
        let since = *self.times.quiet.get_or_insert_with(Instant::now);
        let patience = match wait {
            For::Client => self.side.write_time,
            For::Upstream if self.up.out.is_empty() => self.times.read,
            For::Upstream => self.times.write,
        };
        let mut due = self.times.total.min(since + patience);
        if is_live {
            due = due.min(self.side.body_due);
        }
        self.side.watch.set(due);
        ready!(self.side.watch.poll_due(cx));
        let now = Instant::now();
        Poll::Ready(if now >= self.times.total {
            Fault::upstream_timeout("the exchange took too long")
        } else if is_live && (now >= self.side.body_due || wait == For::Upstream) {
            // The upstream was silent because the client was.
            Fault::request_timeout()
        } else if wait == For::Client {
            Fault::gone(&io::ErrorKind::TimedOut.into())
        } else {
            Fault::upstream_timeout("the upstream was silent for too long")
        })
    }
}

/// The answer's body, still to be sent.
pub(super) struct Body {
    rest: Rest,
    is_persistent: bool,
}

// === impl Rest ===

impl Rest {
    fn of(body: AnswerBody) -> Self {
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
