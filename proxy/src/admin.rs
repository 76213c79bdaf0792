//! The private listener: metrics, readiness, and reloading.
//!
//! ```text
//! GET  /metrics        Prometheus text
//! GET  /ready          200 ready or degraded, 503 while starting or draining; JSON
//! GET  /live           200 as long as the process answers at all
//! POST /admin/reload   200, or 422 with the report of what is wrong with the policy file
//! ```
//!
//! A public address is refused when the policy is loaded, and there is no authentication: whoever
//! reaches this listener may read figures and reload a file that somebody else wrote. A page in a
//! browser on the same machine may not: a request with `Origin` is refused. Few connections at once,
//! small heads, no bodies: a stuck scraper costs one seat.

use crate::telemetry::metrics::CONTENT_TYPE;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at once; a further one waits in the system's queue.
const CONNECTIONS_MAX: usize = 32;

/// For a whole head, and between two requests.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Bytes of a connection's buffer, and thereby of a head: hyper's least.
const BUFFER_BYTES_MAX: usize = 8 * 1024;

/// For the answers in flight when the process ends.
const CLOSE_TIME: Duration = Duration::from_millis(500);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// How far the house is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not yet serving.
    Starting,
    /// Serving.
    Ready,
    /// Serving by what is known; something behind is away.
    Degraded,
    /// Ending: no new traffic, please.
    Draining,
}

/// What the private listener asks of the house.
pub trait House: Send + Sync + 'static {
    /// How far the house is, and facts about its parts.
    fn readiness(&self) -> (Readiness, Value);

    /// The page for Prometheus.
    fn metrics(&self) -> String;

    /// Loads the policy file anew; may take a moment, for files are read.
    ///
    /// # Errors
    /// What is wrong, for people: the old policy stays in force.
    fn reload(&self) -> Result<String, String>;
}

/// The private listener, bound.
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

// === impl Readiness ===

impl Readiness {
    /// The state in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
        }
    }

    /// Whether traffic may be sent here.
    #[must_use]
    pub const fn serves(self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }
}

// === impl Admin ===

impl Admin {
    /// Binds the listener.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Takes over a listener that is bound already.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn inherit(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same listening socket once more, for a process that takes over.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn again(&self) -> io::Result<std::net::TcpListener> {
        let socket = std::os::fd::AsFd::as_fd(&self.listener);
        Ok(socket.try_clone_to_owned()?.into())
    }

    /// Answers until `stop`, and ends the answers in flight.
    pub async fn run(self, house: Arc<dyn House>, stop: CancellationToken) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let open = TaskTracker::new();
        loop {
            let accept = async {
                let seat = Arc::clone(&seats).acquire_owned().await;
                (seat, self.listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let connection = serve(stream, Arc::clone(&house), stop.clone());
                    open.spawn(async move {
                        connection.await;
                        drop(seat);
                    });
                }
                Err(error) => {
                    // Out of descriptors, mostly: some come back with time.
                    tracing::warn!(%error, "the admin listener cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        open.close();
        let _ = tokio::time::timeout(CLOSE_TIME, open.wait()).await;
    }
}

async fn serve(stream: TcpStream, house: Arc<dyn House>, stop: CancellationToken) {
    let service = service_fn(move |request| answer(Arc::clone(&house), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an admin connection broke");
    }
}

async fn answer(
    house: Arc<dyn House>,
    request: Request<Incoming>,
) -> Result<Response<String>, Infallible> {
    let allow = |methods: &'static str| {
        let mut response = page(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "see Allow\n".to_owned(),
        );
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static(methods));
        response
    };
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    Ok(match request.uri().path() {
        "/metrics" | "/ready" | "/live" if !get => allow("GET, HEAD"),
        "/metrics" => page(
            StatusCode::OK,
            HeaderValue::from_static(CONTENT_TYPE),
            house.metrics(),
        ),
        "/ready" => readiness(&*house),
        "/live" => page(StatusCode::OK, TEXT, "live\n".to_owned()),
        "/admin/reload" if request.method() != Method::POST => allow("POST"),
        "/admin/reload" if request.headers().contains_key(header::ORIGIN) => page(
            StatusCode::FORBIDDEN,
            TEXT,
            "not from a browser\n".to_owned(),
        ),
        "/admin/reload" => reload(house).await,
        _ => page(StatusCode::NOT_FOUND, TEXT, "nothing here\n".to_owned()),
    })
}

fn readiness(house: &dyn House) -> Response<String> {
    let (readiness, parts) = house.readiness();
    let status = if readiness.serves() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "status": readiness.as_str(), "parts": parts });
    page(status, JSON, format!("{body}\n"))
}

async fn reload(house: Arc<dyn House>) -> Response<String> {
    match tokio::task::spawn_blocking(move || house.reload()).await {
        Ok(Ok(text)) => page(StatusCode::OK, TEXT, text),
        Ok(Err(report)) => page(StatusCode::UNPROCESSABLE_ENTITY, TEXT, report),
        Err(error) => {
            tracing::error!(%error, "the reload broke");
            let text = "the reload broke; the old policy is in force\n".to_owned();
            page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text)
        }
    }
}

fn page(status: StatusCode, content_type: HeaderValue, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Model {
        readiness: Mutex<Readiness>,
        policy: Mutex<Result<String, String>>,
    }

    impl House for Model {
        fn readiness(&self) -> (Readiness, Value) {
            (*self.readiness.lock(), json!({ "keys": { "records": 4 } }))
        }

        fn metrics(&self) -> String {
            "tidegate_ready 1\n".to_owned()
        }

        fn reload(&self) -> Result<String, String> {
            self.policy.lock().clone()
        }
    }

    async fn ask(address: SocketAddr, line: &str, fields: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn every_page_answers_and_nothing_else_does() {
        let house = Arc::new(Model {
            readiness: Mutex::new(Readiness::Starting),
            policy: Mutex::new(Ok("reloaded\n".to_owned())),
        });
        let admin = Admin::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let address = admin.address();
        let stop = CancellationToken::new();
        let running = tokio::spawn(admin.run(Arc::<Model>::clone(&house), stop.clone()));
        for (line, fields, status, part) in [
            ("GET /metrics", "", 200, "tidegate_ready 1\n"),
            ("GET /live", "", 200, "live"),
            ("GET /ready", "", 503, r#""status":"starting""#),
            ("POST /metrics", "", 405, "allow: GET, HEAD"),
            ("GET /admin/reload", "", 405, "allow: POST"),
            ("POST /admin/reload", "", 200, "reloaded"),
            ("POST /admin/reload", "Origin: http://a\r\n", 403, "browser"),
            ("GET /", "", 404, "nothing here"),
            ("GET /admin", "", 404, "nothing here"),
        ] {
            let text = ask(address, line, fields).await;
            assert!(
                text.starts_with(&format!("HTTP/1.1 {status} ")),
                "{line}: {text}"
            );
            assert!(text.contains(part), "{line}: {text}");
        }
        for (readiness, status) in [
            (Readiness::Ready, 200),
            (Readiness::Degraded, 200),
            (Readiness::Draining, 503),
        ] {
            *house.readiness.lock() = readiness;
            let text = ask(address, "GET /ready", "").await;
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
            let body = format!(
                r#"{{"parts":{{"keys":{{"records":4}}}},"status":"{}"}}"#,
                readiness.as_str()
            );
            assert!(text.contains(&body), "{text}");
        }
        *house.policy.lock() = Err("a.yaml:3:1: no".to_owned());
        let text = ask(address, "POST /admin/reload", "").await;
        assert!(text.starts_with("HTTP/1.1 422 "), "{text}");
        assert!(text.ends_with("a.yaml:3:1: no"), "{text}");
        stop.cancel();
        running.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
