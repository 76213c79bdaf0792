//! One request's bytes on a connection, and no others: what Pingora reads from.
//!
//! The gate has judged the head. [`MessageStream`] hands out the head, then exactly the body that its
//! framing announces, judged as it passes, and never a byte of what follows. So whatever a parser
//! behind it believes, the next request begins where *we* say it begins (RFC 9112, section 6.3).
//! When it is dropped it gives the connection back to the gate.

use super::limits::{INBOX_BYTES_MAX, READ_BYTES};
use super::stream::ByteStream;
use super::streams::Streams;
use super::wire::{ChunkedDecoder, Framing};
use bytes::{Buf, BytesMut};
use filters::exchange::{RequestId, Scheme};
use filters::reply::Reason;
use parking_lot::Mutex;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID,
};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What is known of a connection, shared by the gate, the stream and the lane.
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) scheme: Scheme,
    /// The server's name in the TLS handshake; every request is compared with it.
    pub(crate) server_name: Option<Arc<str>>,
    /// When the present request's head was complete, on the monotonic clock; 0 under HTTP/2.
    pub(crate) head_ns: AtomicU64,
    /// Bytes written to the client since the head.
    written: AtomicU64,
    /// Why the body could not be read on, if so.
    fault: Mutex<Option<Reason>>,
    /// The exchange ended in order and the connection may carry another.
    reusable: AtomicBool,
    /// The total deadline for the exchange, nanoseconds after the head.
    total_ns: AtomicU64,
    /// The total deadline has passed.
    expired: AtomicBool,
    /// Whether the connection may carry another request after this one.
    keeps: AtomicBool,
    /// The id of an exchange that was dropped in its middle.
    last_id: Mutex<Option<RequestId>>,
    returned: Mutex<Option<Returned>>,
    /// The streams of an HTTP/2 connection.
    pub(crate) streams: Streams,
}

/// A connection that its last message gave back.
pub(crate) struct Returned {
    pub(crate) stream: ByteStream,
    pub(crate) inbox: BytesMut,
    pub(crate) body: Body,
}

/// How much of the present request's body is still to come.
#[derive(Clone)]
pub(crate) enum Body {
    /// Nothing.
    Done,
    /// So many bytes.
    Length(u64),
    /// Chunks (RFC 9112, section 7.1).
    Chunked(ChunkedDecoder),
    /// Everything: an HTTP/2 connection, not judged here.
    Endless,
}

/// One request's bytes on a connection.
pub(crate) struct MessageStream {
    stream: Option<ByteStream>,
    inbox: BytesMut,
    head_left: usize,
    body: Body,
    body_time: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
    connection: Arc<Connection>,
    digest: Arc<ProxyDigest>,
    http2: bool,
}

// === impl Connection ===

impl Connection {
    pub(crate) fn new(peer: SocketAddr, scheme: Scheme) -> Self {
        Self {
            peer,
            scheme,
            server_name: None,
            head_ns: AtomicU64::new(0),
            written: AtomicU64::new(0),
            fault: Mutex::new(None),
            reusable: AtomicBool::new(false),
            total_ns: AtomicU64::new(u64::MAX),
            expired: AtomicBool::new(false),
            keeps: AtomicBool::new(true),
            last_id: Mutex::new(None),
            returned: Mutex::new(None),
            streams: Streams::default(),
        }
    }

    /// Makes ready for the next request on the connection.
    pub(crate) fn begin(&self, head_ns: u64, keeps: bool) {
        self.keeps.store(keeps, Relaxed);
        self.head_ns.store(head_ns, Relaxed);
        self.written.store(0, Relaxed);
        self.reusable.store(false, Relaxed);
        self.total_ns.store(u64::MAX, Relaxed);
        *self.fault.lock() = None;
    }

    /// Whether the connection may carry another request after this one.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps.load(Relaxed)
    }

    /// Keeps the id of an exchange that was dropped in its middle.
    pub(crate) fn keep_id(&self, id: RequestId) {
        *self.last_id.lock() = Some(id);
    }

    /// The id of an exchange that was dropped in its middle.
    pub(crate) fn last_id(&self) -> Option<RequestId> {
        self.last_id.lock().take()
    }

    /// Bytes written to the client since the head.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// Why the request's body could not be read on, if so.
    pub(crate) fn fault(&self) -> Option<Reason> {
        *self.fault.lock()
    }

    /// Says that the exchange ended in order.
    pub(crate) fn allow_reuse(&self) {
        self.reusable.store(true, Relaxed);
    }

    /// Whether the exchange ended in order.
    pub(crate) fn reusable(&self) -> bool {
        self.reusable.load(Relaxed)
    }

    /// Sets the total deadline of the exchange.
    pub(crate) fn allow_in_all(&self, time: Duration) {
        self.total_ns
            .store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Says that the total deadline has passed, to whom is about to be dropped.
    pub(crate) fn expire(&self) {
        self.expired.store(true, Relaxed);
    }

    /// Whether the total deadline has passed.
    pub(crate) fn expired(&self) -> bool {
        self.expired.load(Relaxed)
    }

    /// The total deadline of the exchange, if one was set.
    pub(crate) fn time_in_all(&self) -> Option<Duration> {
        match self.total_ns.load(Relaxed) {
            u64::MAX => None,
            ns => Some(Duration::from_nanos(ns)),
        }
    }

    /// The connection, if its last message gave it back.
    pub(crate) fn take_back(&self) -> Option<Returned> {
        self.returned.lock().take()
    }
}

// === impl Body ===

impl Body {
    pub(crate) fn of(framing: Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(ChunkedDecoder::new()),
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// How many of these bytes belong to the body; moves on by them.
    pub(crate) fn accept(&mut self, bytes: &[u8]) -> Result<usize, Reason> {
        self.accept_payload(bytes, |_| {})
    }

    /// As [`Self::accept`], and shows what of them is payload.
    pub(crate) fn accept_payload<'b>(
        &mut self,
        bytes: &'b [u8],
        mut show: impl FnMut(&'b [u8]),
    ) -> Result<usize, Reason> {
        match self {
            Self::Done => Ok(0),
            Self::Endless => {
                show(bytes);
                Ok(bytes.len())
            }
            Self::Length(left) => {
                let taken = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                show(&bytes[..taken]);
                Ok(taken)
            }
            Self::Chunked(decoder) => {
                let (taken, done) = super::gate::walk_chunks(decoder, bytes, show)?;
                if done {
                    *self = Self::Done;
                }
                Ok(taken)
            }
        }
    }
}

// === impl MessageStream ===

impl MessageStream {
    /// The request whose head is the first `head_length` bytes of `inbox`.
    pub(crate) fn new(
        stream: ByteStream,
        inbox: BytesMut,
        head_length: usize,
        body: Body,
        body_time: Duration,
        connection: Arc<Connection>,
        digest: Arc<ProxyDigest>,
    ) -> Self {
        let http2 = matches!(body, Body::Endless);
        Self {
            stream: Some(stream),
            inbox,
            head_left: head_length,
            body,
            body_time,
            deadline: None,
            ended: false,
            connection,
            digest,
            http2,
        }
    }

    fn fail(&self, reason: Reason, kind: io::ErrorKind) -> io::Error {
        *self.connection.fault.lock() = Some(reason);
        io::Error::new(kind, reason.as_str())
    }

    /// Hands out what the inbox holds of this message.
    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) -> Result<usize, io::Error> {
        let room = buf.remaining().min(self.inbox.len());
        let wanted = if self.head_left > 0 {
            room.min(self.head_left)
        } else {
            room
        };
        let taken = if self.head_left > 0 {
            self.head_left -= wanted;
            wanted
        } else {
            let judged = self.body.accept(&self.inbox[..wanted]);
            judged.map_err(|reason| self.fail(reason, io::ErrorKind::InvalidData))?
        };
        buf.put_slice(&self.inbox[..taken]);
        self.inbox.advance(taken);
        Ok(taken)
    }

    /// Reads from the socket into the inbox. `Ready(0)` is the client's end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Ok(0));
        };
        self.inbox.reserve(READ_BYTES);
        let before = self.inbox.len();
        let read = {
            let mut reader = tokio_util::io::poll_read_buf(Pin::new(stream), cx, &mut self.inbox);
            match &mut reader {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(result) => std::mem::replace(result, Ok(0))?,
            }
        };
        debug_assert!(self.inbox.len() >= before);
        if read == 0 {
            self.ended = true;
        }
        Poll::Ready(Ok(read))
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.http2 {
            return Poll::Pending;
        }
        let time = self.body_time;
        let sleep = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        sleep.as_mut().poll(cx)
    }
}

impl AsyncRead for MessageStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.head_left > 0 || (!this.body.is_done() && !this.inbox.is_empty()) {
                this.hand_out(buf)?;
                return Poll::Ready(Ok(()));
            }
            if this.body.is_done() {
                // Somebody watches whether the client leaves: what it sends meanwhile waits here.
                if this.ended {
                    return Poll::Ready(Ok(()));
                }
                if this.inbox.len() >= INBOX_BYTES_MAX {
                    return Poll::Pending;
                }
                if std::task::ready!(this.poll_fill(cx))? == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match this.poll_fill(cx) {
                Poll::Ready(Ok(0)) if this.http2 => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(0)) => {
                    let error = this.fail(Reason::IncompleteBody, io::ErrorKind::UnexpectedEof);
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    std::task::ready!(this.poll_deadline(cx));
                    let error = this.fail(Reason::RequestTimeout, io::ErrorKind::TimedOut);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncWrite for MessageStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let written = std::task::ready!(Pin::new(stream).poll_write(cx, buf))?;
        this.connection.written.fetch_add(written as u64, Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let written = std::task::ready!(Pin::new(stream).poll_write_vectored(cx, bufs))?;
        this.connection.written.fetch_add(written as u64, Relaxed);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// HTTP/1's end is the gate's to make: it lingers so that the client can read the answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.stream {
            Some(stream) if this.http2 => Pin::new(stream).poll_shutdown(cx),
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Drop for MessageStream {
    fn drop(&mut self) {
        if self.http2 {
            return;
        }
        if let Some(stream) = self.stream.take() {
            *self.connection.returned.lock() = Some(Returned {
                stream,
                inbox: std::mem::take(&mut self.inbox),
                body: std::mem::replace(&mut self.body, Body::Done),
            });
        }
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream")
            .field("peer", &self.connection.peer)
            .finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Shutdown for MessageStream {
    async fn shutdown(&mut self) {
        let _ = tokio::io::AsyncWriteExt::flush(self).await;
    }
}

impl UniqueID for MessageStream {
    fn id(&self) -> i32 {
        self.stream.as_ref().map_or(-1, ByteStream::raw_fd)
    }
}

impl Ssl for MessageStream {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        None
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.http2.then_some(ALPN::H2)
    }
}

impl GetTimingDigest for MessageStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

/// The lane finds the connection's facts here, under HTTP/1 and HTTP/2 alike.
impl GetProxyDigest for MessageStream {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        Some(Arc::clone(&self.digest))
    }
}

impl GetSocketDigest for MessageStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

impl Peek for MessageStream {}
