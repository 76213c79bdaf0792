//! The gate before the lanes: reads HTTP/1's heads raw, and refuses what is malformed.
//!
//! Pingora repairs much of what it should refuse (hardening, part 1). So every head on a connection
//! is first read by our own strict parser, within a deadline; what is refused is answered in our
//! envelope and the connection ends. What is clean goes to the straight lane if that takes it, else to
//! the Pingora lane as a [`MessageStream`] that holds exactly this message. One request after another: a pipelined one waits its turn.

use super::bare::{late, out_of_time, reason_of, refuse, request_line, speak};
use super::fill::poll_fill;
use super::limits::{
    DRAIN_BYTES_MAX, FIRST_REQUEST_TIME, KEPT_BYTES_MAX, LINGER_BYTES_MAX, LINGER_TIME, READ_BYTES,
};
use super::message::{Body, Connection, MessageStream};
use super::pingora::Ended;
use super::respond::Date;
use super::straight::{self, Side};
use super::stream::ByteStream;
use super::watch::Watch;
use super::wire::{
    ChunkedDecoder, Framing, HeadLimits, HeadScan, Parse, Refusal, RequestFraming, RequestHead,
    TargetForm, request_framing,
};
use super::{Shared, Spoken};
use bytes::{Buf, BytesMut};
use filters::reply::{Reason, Reply};
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The methods that some route may allow.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What the bytes before a head's end amount to.
enum Reading {
    /// A head is whole, or so much of it that it is refused.
    Whole,
    /// HTTP/2's preface.
    Preface,
    /// The client left, or nothing came.
    Quiet,
    /// Something came, but no whole head in time.
    Late,
}

/// A head that was judged clean, for the Pingora lane.
struct Admitted {
    /// Its bytes.
    length: usize,
    /// The body to expect.
    framing: Framing,
    /// An absolute-form target: where it stands, and path and query in its place.
    target: Option<(Range<usize>, Vec<u8>)>,
}

/// How a head is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// For its first byte.
    idle: Duration,
    /// For the rest.
    whole: Duration,
    /// No request has come on the connection.
    first: bool,
    /// HTTP/2's preface may come instead.
    preface: bool,
}

/// Carries one client's connection to its end.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    mut stream: ByteStream,
    connection: Arc<Connection>,
    spoken: Spoken,
    worker: usize,
) {
    if stream.chose_http2() {
        return serve_http2(&shared, stream, BytesMut::new(), connection).await;
    }
    let limits = shared.wiring().plan.connections;
    let mut watch = shared.watch();
    let mut inbox = BytesMut::new();
    let mut spill = BytesMut::new();
    let mut digest = None;
    let mut date = Date::default();
    let mut patience = Patience {
        idle: limits.head_timeout,
        whole: limits.head_timeout,
        first: true,
        preface: spoken.http2 && !matches!(stream, ByteStream::Tls(_)),
    };
    let mut served = 0u32;
    loop {
        match read_head(&mut stream, &mut inbox, &mut watch, patience).await {
            Reading::Whole => {}
            Reading::Preface => return serve_http2(&shared, stream, inbox, connection).await,
            Reading::Quiet => return,
            Reading::Late => {
                late(&shared, &mut stream, &connection).await;
                return linger(stream).await;
            }
        }
        patience = Patience {
            idle: limits.idle_timeout,
            first: false,
            preface: false,
            ..patience
        };
        let mut head = RequestHead::blank();
        let judged = match head.read(&inbox, &HeadLimits::STANDARD) {
            Parse::Complete { length, .. } if spoken.http1 => {
                judge(&head).map(|framing| (framing, length))
            }
            Parse::Complete { .. } => Err(Refusal::UnsupportedHttpVersion),
            Parse::Refuse(refusal) => Err(refusal),
            // Not possible, as the tests of the wire show: a head was found whole before.
            Parse::Partial => Err(Refusal::MalformedRequestLine),
        };
        let (framing, length) = match judged {
            Ok(judged) => judged,
            Err(refusal) => {
                refuse(&shared, &mut stream, &connection, &inbox, refusal).await;
                return linger(stream).await;
            }
        };
        served += 1;
        if head.method == "CONNECT" {
            let (name, value) = super::respond::allow(METHODS);
            let reply = Reply::refuse(Reason::MethodNotAllowed)
                .with_field(name, value)
                .closing();
            let line = request_line(&inbox);
            speak(&shared, &mut stream, &connection, &reply, line).await;
            return linger(stream).await;
        }
        let keep = served < limits.requests_per_connection && !shared.is_draining();
        let wiring = shared.wiring();
        if let Some(found) = straight::accepts(&wiring, &head, &framing) {
            let began = Instant::now();
            let mut side = Side {
                stream: &mut stream,
                rest: &inbox[length..],
                spill: &mut spill,
                body: Body::of(framing.body),
                watch: &mut watch,
                body_due: began + limits.body_timeout,
                write_time: limits.write_timeout,
                date: &mut date,
                waits: framing.expects_continue,
            };
            let request = straight::Request {
                head: &head,
                framing,
                found,
                keep,
                began,
            };
            let ended =
                straight::serve(&shared, &wiring, &connection, worker, &request, &mut side).await;
            let (left, body) = (side.rest.len(), side.body);
            drop(wiring);
            match left {
                0 => inbox.clear(),
                _ => inbox.advance(inbox.len() - left),
            }
            inbox.extend_from_slice(&spill);
            spill.clear();
            shrink(&mut inbox);
            shrink(&mut spill);
            match ended {
                straight::Ended::Gone => return,
                straight::Ended::Close => return linger(stream).await,
                straight::Ended::Keep => {}
            }
            if !read_on(&shared, &mut stream, &mut inbox, body).await {
                return linger(stream).await;
            }
            continue;
        }
        drop(wiring);
        let admitted = admit(&inbox, &head, framing.body, length);
        let head_length = rewrite(&mut inbox, &admitted);
        connection.begin(shared.clock.now().monotonic_ns.max(1), keep);
        let message = MessageStream::new(
            stream,
            inbox,
            head_length,
            Body::of(admitted.framing),
            limits.body_timeout,
            Arc::clone(&connection),
            Arc::clone(digest.get_or_insert_with(|| super::pingora::digest(&connection))),
        );
        let ended = shared.lane.serve_http1(message, &connection).await;
        let Some(mut returned) = connection.take_back() else {
            return;
        };
        if ended == Ended::OutOfTime {
            if connection.written() == 0 {
                out_of_time(&shared, &mut returned.stream, &connection).await;
            }
            return linger(returned.stream).await;
        }
        (stream, inbox) = (returned.stream, returned.inbox);
        let may = keep && connection.reusable();
        if !may || !read_on(&shared, &mut stream, &mut inbox, returned.body).await {
            return linger(stream).await;
        }
    }
}

/// Gives a large buffer back that nobody needs: an idle connection shall not hold what its last body
/// took.
fn shrink(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > KEPT_BYTES_MAX {
        *buffer = BytesMut::new();
    }
}

/// Reads until a head is whole, or surely refused.
async fn read_head(
    stream: &mut ByteStream,
    inbox: &mut BytesMut,
    watch: &mut Watch,
    patience: Patience,
) -> Reading {
    let mut scan = HeadScan::new();
    let between = inbox.is_empty();
    if !between && let Some(reading) = look(inbox, &mut scan, patience.preface) {
        return reading;
    }
    // Set when a wait begins, which is not when bytes are there already.
    let mut due = None;
    let mut leaving = false;
    poll_fn(|cx| {
        loop {
            match poll_fill(stream, cx, inbox) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Reading::Quiet),
                Poll::Ready(Ok(read)) => {
                    if read == inbox.len() {
                        due = None;
                    }
                    if let Some(reading) = look(inbox, &mut scan, patience.preface) {
                        return Poll::Ready(reading);
                    }
                    continue;
                }
                Poll::Pending => {}
            }
            // A connection that was only just accepted may have its first request in the socket
            // already, and closing over that would be a reset instead of an answer.
            if between && !leaving && watch.poll_leave(cx).is_ready() {
                if !patience.first {
                    return Poll::Ready(Reading::Quiet);
                }
                leaving = true;
                due = Some(Instant::now() + FIRST_REQUEST_TIME);
            }
            let time = match inbox.is_empty() {
                true => patience.idle,
                false => patience.whole,
            };
            watch.set(*due.get_or_insert_with(|| Instant::now() + time));
            ready!(watch.poll_due(cx));
            return Poll::Ready(match inbox.is_empty() || leaving {
                true => Reading::Quiet,
                false => Reading::Late,
            });
        }
    })
    .await
}

/// What the bytes so far amount to; `None` when more have to come.
fn look(inbox: &[u8], scan: &mut HeadScan, preface: bool) -> Option<Reading> {
    if preface && PREFACE.starts_with(&inbox[..inbox.len().min(PREFACE.len())]) {
        return (inbox.len() >= PREFACE.len()).then_some(Reading::Preface);
    }
    // Most heads come whole, and are read where the outcome can be kept.
    if inbox.ends_with(b"\r\n\r\n") && inbox[0] != b'\r' {
        return Some(Reading::Whole);
    }
    match scan.parse_request(inbox, &HeadLimits::STANDARD) {
        Parse::Partial => None,
        Parse::Complete { .. } | Parse::Refuse(_) => Some(Reading::Whole),
    }
}

/// Judges what a head says about its message.
fn judge<'b>(head: &RequestHead<'b>) -> Result<RequestFraming<'b>, Refusal> {
    let framing = request_framing(head)?;
    if is_foreign(head.target) {
        return Err(Refusal::InvalidTarget);
    }
    Ok(framing)
}

fn admit(inbox: &[u8], head: &RequestHead<'_>, framing: Framing, length: usize) -> Admitted {
    let target = match head.form {
        TargetForm::Absolute { path_and_query, .. } => {
            let start = head.target.as_ptr() as usize - inbox.as_ptr() as usize;
            Some((start..start + head.target.len(), path_and_query.to_vec()))
        }
        TargetForm::Origin | TargetForm::Authority | TargetForm::Asterisk => None,
    };
    Admitted {
        length,
        framing,
        target,
    }
}

/// Whether a target has a byte at which Pingora would refuse the request in its own words, before any
/// hook of ours runs. No path and no query has it (RFC 3986, section 3).
fn is_foreign(target: &[u8]) -> bool {
    let mut in_path = true;
    target.iter().any(|byte| match byte {
        b'<' | b'>' => true,
        b'`' => in_path,
        b'?' => {
            in_path = false;
            false
        }
        _ => false,
    })
}

/// Puts path and query in the place of an absolute-form target: the Host line says the rest, and was
/// found to say the same. Returns the head's length.
fn rewrite(inbox: &mut BytesMut, admitted: &Admitted) -> usize {
    let Some((place, path)) = &admitted.target else {
        return admitted.length;
    };
    let mut rewritten = BytesMut::with_capacity(inbox.len());
    rewritten.extend_from_slice(&inbox[..place.start]);
    rewritten.extend_from_slice(path);
    rewritten.extend_from_slice(&inbox[place.end..]);
    *inbox = rewritten;
    admitted.length - place.len() + path.len()
}

/// How many of these bytes belong to a chunked body, and whether it ends among them; shows its
/// payload.
pub(crate) fn walk_chunks<'b>(
    decoder: &mut ChunkedDecoder,
    bytes: &'b [u8],
    show: impl FnMut(&'b [u8]),
) -> Result<(usize, bool), Reason> {
    let walk = decoder.walk(bytes, show).map_err(reason_of)?;
    if walk.is_end && decoder.trailers().next().is_some() {
        // No field of ours may come so late, and Pingora cannot pass them to every upstream.
        return Err(Reason::InvalidChunk);
    }
    Ok((walk.consumed, walk.is_end))
}

/// Reads on to the end of an unread body after an early answer, if it is short: whether the connection
/// may carry another request.
async fn read_on(
    shared: &Shared,
    stream: &mut ByteStream,
    inbox: &mut BytesMut,
    mut body: Body,
) -> bool {
    if shared.is_draining() && inbox.is_empty() {
        return false;
    }
    if body.is_done() {
        return true;
    }
    let mut dropped = 0u64;
    let deadline = Instant::now() + LINGER_TIME;
    while !body.is_done() {
        let Ok(taken) = body.accept(inbox) else {
            return false;
        };
        dropped += taken as u64;
        inbox.advance(taken);
        if body.is_done() {
            break;
        }
        inbox.reserve(READ_BYTES);
        let read = timeout_at(deadline, stream.read_buf(inbox)).await;
        if dropped > DRAIN_BYTES_MAX || !matches!(read, Ok(Ok(1..))) {
            return false;
        }
    }
    true
}

async fn serve_http2(
    shared: &Arc<Shared>,
    stream: ByteStream,
    inbox: BytesMut,
    connection: Arc<Connection>,
) {
    let digest = super::pingora::digest(&connection);
    let whole = Duration::MAX;
    let limits = shared.wiring().plan.connections;
    let held = Arc::clone(&connection);
    let message = MessageStream::new(stream, inbox, 0, Body::Endless, whole, connection, digest);
    let (leave, leaving) = tokio::sync::watch::channel(false);
    tokio::select! {
        () = shared.lane.serve_http2(message, leaving) => {}
        () = held.streams.outlive(shared, &limits, &leave) => {}
    }
}

/// Ends a connection so that the client can read our last answer: what it still sends is read and
/// dropped for a moment, for a reset would overtake the answer (RFC 9112, section 9.6).
pub(crate) async fn linger(mut stream: ByteStream) {
    let _ = timeout(LINGER_TIME, async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut sink = [0u8; 4096];
        let mut left = LINGER_BYTES_MAX;
        while let Ok(read @ 1..) = stream.read(&mut sink).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    })
    .await;
}
