//! The gate before Pingora: reads HTTP/1's heads raw, and refuses what is malformed.
//!
//! Pingora repairs much of what it should refuse (hardening, part 1). So every head on a connection
//! is first read by our own strict parser, within a deadline; what is refused is answered in our
//! envelope and the connection ends. What is clean goes on to the lane as a [`MessageStream`] that
//! holds exactly this message. One request after another: a pipelined one waits its turn.

use super::Shared;
use super::limits::{
    DRAIN_BYTES_MAX, FIRST_REQUEST_TIME, LINGER_BYTES_MAX, LINGER_TIME, READ_BYTES,
};
use super::message::{Body, Connection, MessageStream, Returned};
use super::pingora::Ended;
use super::respond::{Answer, Setting, answer};
use super::stream::ByteStream;
use super::wire::{
    ChunkedDecoder, Framing, HeadLimits, HeadScan, Parse, Refusal, RequestHead, TargetForm,
    request_framing,
};
use super::wiring::Wiring;
use bytes::BytesMut;
use filters::clock::Now;
use filters::exchange::{Exchange, Outcome, RequestId};
use filters::reply::{Detail, Reason, Reply};
use pingora::protocols::raw_connect::ProxyDigest;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The methods that some route may allow.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What the bytes before a head's end amount to.
enum Reading {
    /// A head that was judged clean.
    Head(Admitted),
    /// HTTP/2's preface.
    Preface,
    /// The client left, or nothing came.
    Quiet,
    /// A refusal.
    Refuse(Refusal),
    /// Something came, but no whole head in time.
    Late,
}

/// A head that was judged clean.
struct Admitted {
    /// Its bytes.
    length: usize,
    /// The body to expect.
    framing: Framing,
    /// CONNECT, which Pingora would refuse without our envelope.
    connect: bool,
    /// An absolute-form target: where it stands, and path and query in its place.
    target: Option<(Range<usize>, Vec<u8>)>,
}

/// Carries one client's connection to its end.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: ByteStream,
    connection: Arc<Connection>,
    digest: Arc<ProxyDigest>,
    http2_allowed: bool,
    http1_allowed: bool,
) {
    if stream.chose_http2() {
        return serve_http2(&shared, stream, BytesMut::new(), connection, digest).await;
    }
    let limits = shared.wiring().plan.connections;
    let tls = matches!(stream, ByteStream::Tls(_));
    let mut stream = stream;
    let mut inbox = BytesMut::new();
    let mut first = true;
    let mut served = 0u32;
    loop {
        let idle = if first {
            limits.head_timeout
        } else {
            limits.idle_timeout
        };
        let preface = first && !tls && http2_allowed;
        let between = inbox.is_empty();
        let reading = {
            let read = read_head(&mut stream, &mut inbox, idle, limits.head_timeout, preface);
            tokio::select! {
                biased;
                reading = read => reading,
                () = farewell(&shared, first), if between => Reading::Quiet,
            }
        };
        first = false;
        let admitted = match reading {
            Reading::Head(admitted) if http1_allowed => admitted,
            Reading::Head(_) => {
                let refusal = Refusal::UnsupportedHttpVersion;
                refuse(&shared, &mut stream, &connection, &inbox, refusal).await;
                return linger(stream).await;
            }
            Reading::Preface => {
                return serve_http2(&shared, stream, inbox, connection, digest).await;
            }
            Reading::Quiet => return,
            Reading::Refuse(refusal) => {
                refuse(&shared, &mut stream, &connection, &inbox, refusal).await;
                return linger(stream).await;
            }
            Reading::Late => {
                late(&shared, &mut stream, &connection).await;
                return linger(stream).await;
            }
        };
        served += 1;
        if admitted.connect {
            let (name, value) = super::respond::allow(METHODS);
            let reply = Reply::refuse(Reason::MethodNotAllowed)
                .with_field(name, value)
                .closing();
            speak(
                &shared,
                &mut stream,
                &connection,
                &reply,
                request_line(&inbox),
            )
            .await;
            return linger(stream).await;
        }
        let head_length = rewrite(&mut inbox, &admitted);
        let body = Body::of(admitted.framing);
        let keep = served < limits.requests_per_connection && !shared.is_draining();
        connection.begin(shared.clock.now().monotonic_ns.max(1), keep);
        let message = MessageStream::new(
            stream,
            inbox,
            head_length,
            body,
            limits.body_timeout,
            Arc::clone(&connection),
            Arc::clone(&digest),
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
        match after(&shared, returned, &connection, keep).await {
            Some((back, rest)) => (stream, inbox) = (back, rest),
            None => return,
        }
    }
}

/// Waits until an idle connection may be closed because the process ends: at once between two
/// requests, and after a moment on a connection that was only just accepted, for its first request
/// may lie in the socket already, and closing over it would be a reset instead of an answer.
async fn farewell(shared: &Shared, first: bool) {
    shared.draining().await;
    if first {
        tokio::time::sleep(FIRST_REQUEST_TIME).await;
    }
}

/// Reads until a head is whole. `idle` bounds the wait for its first byte, `whole` the rest.
async fn read_head(
    stream: &mut ByteStream,
    inbox: &mut BytesMut,
    idle: Duration,
    whole: Duration,
    preface: bool,
) -> Reading {
    let mut scan = HeadScan::new();
    let mut deadline = Instant::now() + if inbox.is_empty() { idle } else { whole };
    loop {
        if !inbox.is_empty() {
            if preface && PREFACE.starts_with(&inbox[..inbox.len().min(PREFACE.len())]) {
                if inbox.len() >= PREFACE.len() {
                    return Reading::Preface;
                }
            } else {
                match scan.parse_request(inbox, &HeadLimits::STANDARD) {
                    Parse::Complete { head, length } => {
                        return match admit(inbox, &head, length) {
                            Ok(admitted) => Reading::Head(admitted),
                            Err(refusal) => Reading::Refuse(refusal),
                        };
                    }
                    Parse::Partial => {}
                    Parse::Refuse(refusal) => return Reading::Refuse(refusal),
                }
            }
        }
        inbox.reserve(READ_BYTES);
        match timeout_at(deadline, stream.read_buf(inbox)).await {
            Err(_) if inbox.is_empty() => return Reading::Quiet,
            Err(_) => return Reading::Late,
            Ok(Err(_) | Ok(0)) => return Reading::Quiet,
            Ok(Ok(read)) if read == inbox.len() => deadline = Instant::now() + whole,
            Ok(Ok(_)) => {}
        }
    }
}

/// Judges what a head says about its message.
fn admit(inbox: &[u8], head: &RequestHead<'_>, length: usize) -> Result<Admitted, Refusal> {
    let framing = request_framing(head)?;
    if is_foreign(head.target) {
        return Err(Refusal::InvalidTarget);
    }
    let target = match head.form {
        TargetForm::Absolute { path_and_query, .. } => {
            let start = head.target.as_ptr() as usize - inbox.as_ptr() as usize;
            Some((start..start + head.target.len(), path_and_query.to_vec()))
        }
        TargetForm::Origin | TargetForm::Authority | TargetForm::Asterisk => None,
    };
    let connect = head.method == "CONNECT";
    Ok(Admitted {
        length,
        framing: framing.body,
        connect,
        target,
    })
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

/// How many of these bytes belong to a chunked body, and whether it ends among them.
pub(crate) fn walk_chunks(
    decoder: &mut ChunkedDecoder,
    bytes: &[u8],
) -> Result<(usize, bool), Reason> {
    let walk = decoder.walk(bytes, |_| {}).map_err(reason_of)?;
    if walk.is_end && decoder.trailers().next().is_some() {
        // No field of ours may come so late, and Pingora cannot pass them to every upstream.
        return Err(Reason::InvalidChunk);
    }
    Ok((walk.consumed, walk.is_end))
}

/// What becomes of a connection after an exchange: the next request, or its end.
async fn after(
    shared: &Shared,
    returned: Returned,
    connection: &Connection,
    keep: bool,
) -> Option<(ByteStream, BytesMut)> {
    let Returned {
        mut stream,
        mut inbox,
        mut body,
    } = returned;
    if !keep || !connection.reusable() || shared.is_draining() && inbox.is_empty() {
        linger(stream).await;
        return None;
    }
    let mut dropped = 0u64;
    let deadline = Instant::now() + LINGER_TIME;
    while !body.is_done() {
        let Ok(taken) = body.accept(&inbox) else {
            linger(stream).await;
            return None;
        };
        dropped += taken as u64;
        let _ = inbox.split_to(taken);
        if body.is_done() {
            break;
        }
        inbox.reserve(READ_BYTES);
        let read = timeout_at(deadline, stream.read_buf(&mut inbox)).await;
        if dropped > DRAIN_BYTES_MAX || !matches!(read, Ok(Ok(1..))) {
            linger(stream).await;
            return None;
        }
    }
    Some((stream, inbox))
}

async fn serve_http2(
    shared: &Arc<Shared>,
    stream: ByteStream,
    inbox: BytesMut,
    connection: Arc<Connection>,
    digest: Arc<ProxyDigest>,
) {
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
async fn linger(mut stream: ByteStream) {
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

/// Answers a head that is refused.
async fn refuse(
    shared: &Arc<Shared>,
    stream: &mut ByteStream,
    connection: &Connection,
    inbox: &[u8],
    refusal: Refusal,
) {
    let reply = Reply::refuse(reason_of(refusal))
        .saying(refusal.message())
        .closing();
    speak(shared, stream, connection, &reply, request_line(inbox)).await;
}

async fn late(shared: &Arc<Shared>, stream: &mut ByteStream, connection: &Connection) {
    let reply = Reply::refuse(Reason::RequestTimeout).closing();
    speak(shared, stream, connection, &reply, ("", b"")).await;
}

/// Answers 429 on a connection that got no seat.
pub(crate) async fn turn_away(
    shared: &Arc<Shared>,
    mut stream: ByteStream,
    connection: &Connection,
    per_address: u32,
) {
    let reply = Reply::refuse(Reason::TooManyConnections)
        .with_detail("limit", Detail::Number(u64::from(per_address)))
        .retry_after(1)
        .closing();
    speak(shared, &mut stream, connection, &reply, ("", b"")).await;
    linger(stream).await;
}

/// Answers the deadline of the whole exchange, when nothing was sent yet. The lane has logged it.
async fn out_of_time(shared: &Arc<Shared>, stream: &mut ByteStream, connection: &Connection) {
    let reply = Reply::refuse(Reason::UpstreamTimeout).closing();
    let now = shared.clock.now();
    let wiring = shared.wiring();
    let id = connection.last_id().unwrap_or_else(fresh_id);
    let mut x = Exchange::new(now, connection.peer, connection.scheme, id);
    let answer = compose(&wiring, &mut x, &reply, now, false);
    let bytes = answer.to_http1(now, true);
    let _ = timeout(
        wiring.plan.connections.write_timeout,
        stream.write_all(&bytes),
    )
    .await;
}

fn fresh_id() -> RequestId {
    RequestId::from_uuid(uuid::Uuid::now_v7())
}

/// An answer outside any route: all filters of the unrouted chain count as entered.
fn compose(wiring: &Wiring, x: &mut Exchange, reply: &Reply, now: Now, head_only: bool) -> Answer {
    let chain = &wiring.plan.unrouted;
    x.depth = u8::try_from(chain.names().count()).unwrap_or(u8::MAX);
    let documentation = &wiring.plan.documentation;
    answer(
        reply,
        x,
        chain,
        &Setting {
            now,
            documentation,
            accept: None,
            head_only,
        },
    )
}

async fn speak(
    shared: &Arc<Shared>,
    stream: &mut ByteStream,
    connection: &Connection,
    reply: &Reply,
    (method, target): (&str, &[u8]),
) {
    let now = shared.clock.now();
    let wiring = shared.wiring();
    let mut x = Exchange::new(now, connection.peer, connection.scheme, fresh_id());
    let answer = compose(&wiring, &mut x, reply, now, method == "HEAD");
    let bytes = answer.to_http1(now, true);
    let write_time = wiring.plan.connections.write_timeout;
    let sent = timeout(write_time, stream.write_all(&bytes)).await;
    let whole = matches!(sent, Ok(Ok(())));
    let outcome = Outcome {
        status: answer.status,
        method,
        target,
        user_agent: None,
        request_bytes: 0,
        response_bytes: if whole { answer.body.len() as u64 } else { 0 },
        duration_ns: shared
            .clock
            .now()
            .monotonic_ns
            .saturating_sub(now.monotonic_ns),
        upstream_ns: None,
        upstream: None,
        cut: !whole,
        note: reply.note.as_deref(),
    };
    wiring.plan.unrouted.on_log(&mut x, &outcome);
    wiring
        .unrouted_metrics
        .ended(answer.status, reply.reason, outcome.duration_ns, None);
}

/// Method and target of a refused head, as far as they can be told, for the log.
fn request_line(inbox: &[u8]) -> (&str, &[u8]) {
    let line = inbox
        .split(|&byte| byte == b'\r' || byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let method = std::str::from_utf8(method)
        .ok()
        .filter(|text| text.len() <= 16)
        .unwrap_or("");
    (method, &target[..target.len().min(1024)])
}

fn reason_of(refusal: Refusal) -> Reason {
    let name = refusal.reason();
    Reason::ALL
        .iter()
        .copied()
        .find(|reason| reason.as_str() == name)
        .unwrap_or(Reason::MalformedRequestLine)
}
