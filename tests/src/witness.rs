//! An honest upstream that remembers every request that reached it, byte for byte.
//!
//! It speaks HTTP/1.1 and h2c. Query parameters of the request choose its answer: `status=503`,
//! `wait` (answers when [`Witness::release`] is called), `bytes=1000` (a [`pattern`]), `pieces=100` (no
//! length is announced, and the body comes in pieces), `field=name:value`.

use crate::pattern;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The version.
    pub version: http::Version,
    /// The field lines: lower-case names, values.
    pub fields: Vec<(String, String)>,
    /// The body's length.
    pub length: usize,
    /// The body's SHA-256.
    pub sha256: [u8; 32],
}

/// An honest upstream.
pub struct Witness {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
}

struct State {
    seen: Mutex<Vec<Seen>>,
    begun: AtomicUsize,
    gate: Semaphore,
}

// === impl Seen ===

impl Seen {
    /// All values of a field.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .collect()
    }

    /// The only value of a field; `None` when it is missing or comes twice.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }
}

// === impl Witness ===

impl Witness {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// Starts one at an address.
    ///
    /// # Panics
    /// When the address is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            seen: Mutex::new(Vec::new()),
            begun: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        });
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, Arc::clone(&state), stop.clone()));
        Self {
            address,
            state,
            stop,
        }
    }

    /// What it has seen, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().clone()
    }

    /// How many requests began, whether or not their bodies ever came.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.state.begun.load(SeqCst)
    }

    /// The last request.
    ///
    /// # Panics
    /// When there was none.
    #[must_use]
    pub fn last(&self) -> Seen {
        self.state
            .seen
            .lock()
            .last()
            .cloned()
            .expect("a request has arrived")
    }

    /// Lets one waiting request be answered.
    pub fn release(&self) {
        self.state.gate.add_permits(1);
    }

    /// Stops listening and cuts its connections.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    loop {
        let tcp = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            () = stop.cancelled() => return,
        };
        let (state, stop) = (Arc::clone(&state), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            let builder = Builder::new(TokioExecutor::new());
            let connection = builder.serve_connection(TokioIo::new(tcp), service);
            tokio::select! {
                _ = connection => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Pieces>, Infallible> {
    state.begun.fetch_add(1, SeqCst);
    let (head, body) = request.into_parts();
    let Ok(body) = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
    else {
        return Ok(Response::new(Pieces::default()));
    };
    let fields = head
        .headers
        .iter()
        .map(|(n, v)| {
            (
                n.to_string(),
                String::from_utf8_lossy(v.as_bytes()).into_owned(),
            )
        })
        .collect();
    let sha256: [u8; 32] = Sha256::digest(&body).into();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    state.seen.lock().push(Seen {
        method: head.method.to_string(),
        target: target.to_owned(),
        version: head.version,
        fields,
        length: body.len(),
        sha256,
    });
    let mut response = Response::builder().header("content-type", "application/json");
    let (mut status, mut length, mut piece) = (200u16, None, None);
    for pair in head.uri.query().unwrap_or_default().split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("status", code) => status = code.parse().unwrap_or(status),
            ("bytes", count) => length = count.parse::<usize>().ok(),
            ("pieces", size) => piece = size.parse::<usize>().ok(),
            ("field", field) => {
                let (name, value) = field.split_once(':').unwrap();
                response = response.header(name, value);
            }
            ("wait", _) => state.gate.acquire().await.unwrap().forget(),
            _ => {}
        }
    }
    let mut body = match length {
        Some(length) => Bytes::from(pattern(length)),
        None => Bytes::from_static(b"{\"data\":\"seen\"}"),
    };
    if head.method == http::Method::HEAD {
        if piece.take().is_none() {
            response = response.header("content-length", body.len());
        }
        body.clear();
    }
    if matches!(status, 204 | 304) {
        body.clear();
    }
    let body = Pieces { rest: body, piece };
    Ok(response.status(status).body(body).unwrap())
}

/// A body in one piece with its length, or in pieces without.
#[derive(Default)]
struct Pieces {
    rest: Bytes,
    piece: Option<usize>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let all = self.rest.len();
        let size = self.piece.unwrap_or(all).min(all);
        let next = self.rest.split_to(size);
        Poll::Ready((size > 0).then(|| Ok(Frame::data(next))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.piece {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.rest.len() as u64),
        }
    }
}
