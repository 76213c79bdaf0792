//! Answers beside the lanes: to what never became an exchange, or whose exchange is over.

use super::Shared;
use super::message::Connection;
use super::respond::{Message, Setting, http_date, message};
use super::stream::ByteStream;
use super::wire::Refusal;
use super::wiring::Wiring;
use filters::clock::Now;
use filters::exchange::{Exchange, Outcome, RequestId};
use filters::reply::{Detail, Reason, Reply};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// Answers a head that is refused.
pub(crate) async fn refuse(
    shared: &Arc<Shared>,
    stream: &mut ByteStream,
    connection: &Connection,
    inbox: &[u8],
    refusal: Refusal,
) {
    let mut reply = Reply::refuse(reason_of(refusal)).closing();
    if let Some(limit) = refusal.limit() {
        reply = reply.with_detail("limit", Detail::Number(limit as u64));
    }
    speak(shared, stream, connection, &reply, request_line(inbox)).await;
}

pub(crate) async fn late(shared: &Arc<Shared>, stream: &mut ByteStream, connection: &Connection) {
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
    super::gate::linger(stream).await;
}

/// Answers the deadline of the whole exchange, when nothing was sent yet. The lane has logged it.
pub(crate) async fn out_of_time(
    shared: &Arc<Shared>,
    stream: &mut ByteStream,
    connection: &Connection,
) {
    let reply = Reply::refuse(Reason::UpstreamTimeout).closing();
    let now = shared.clock.now();
    let wiring = shared.wiring();
    let id = connection
        .last_id()
        .unwrap_or_else(|| RequestId::fresh(now.unix_ms));
    let mut x = Exchange::new(now, connection.peer, connection.scheme, id);
    let message = compose(&wiring, &mut x, &reply, now, false);
    let write_time = wiring.plan.connections.write_timeout;
    let _ = timeout(write_time, stream.write_all(&message.bytes)).await;
}

/// The last answer of a connection, outside any route: all filters of the unrouted chain count as
/// entered.
fn compose(wiring: &Wiring, x: &mut Exchange, reply: &Reply, now: Now, head_only: bool) -> Message {
    let chain = &wiring.plan.unrouted;
    x.depth = u8::try_from(chain.names().count()).unwrap_or(u8::MAX);
    let setting = Setting {
        now,
        documentation: &wiring.plan.documentation,
        accept: None,
        head_only,
    };
    let date = http_date(now.unix_s());
    message(reply, x, chain, &setting, date.as_bytes(), true)
}

pub(crate) async fn speak(
    shared: &Arc<Shared>,
    stream: &mut ByteStream,
    connection: &Connection,
    reply: &Reply,
    (method, target): (&str, &[u8]),
) {
    let now = shared.clock.now();
    let wiring = shared.wiring();
    let mut x = Exchange::new(
        now,
        connection.peer,
        connection.scheme,
        RequestId::fresh(now.unix_ms),
    );
    let message = compose(&wiring, &mut x, reply, now, method == "HEAD");
    let write_time = wiring.plan.connections.write_timeout;
    let sent = timeout(write_time, stream.write_all(&message.bytes)).await;
    let whole = matches!(sent, Ok(Ok(())));
    let outcome = Outcome {
        status: message.status,
        method,
        target,
        user_agent: None,
        request_bytes: 0,
        response_bytes: if whole { message.body_bytes } else { 0 },
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
        .ended(message.status, reply.reason, outcome.duration_ns, None);
}

/// Method and target of a refused head, as far as they can be told, for the log.
pub(crate) fn request_line(inbox: &[u8]) -> (&str, &[u8]) {
    // The empty line that may come before a request (RFC 9112, section 2.2) is not its first.
    let line = inbox
        .strip_prefix(b"\r\n")
        .unwrap_or(inbox)
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

pub(crate) fn reason_of(refusal: Refusal) -> Reason {
    let name = refusal.reason();
    Reason::ALL
        .iter()
        .copied()
        .find(|reason| reason.as_str() == name)
        .unwrap_or(Reason::MalformedRequestLine)
}
