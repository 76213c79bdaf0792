//! The Pingora lane: HTTP/1.1 and HTTP/2 on both sides, one short method per phase.
//!
//! Nothing of Pingora leaves this folder (never-rule 3): the phases turn its sessions into views,
//! its errors into replies, and the filters' edits into its headers.

mod answers;
mod client;
mod context;
mod errors;
mod fields;
mod judge;
mod phases;
mod replay;

use super::Shared;
use super::limits::{
    ATTEMPTS_MAX, HTTP2_HEAD_BYTES_MAX, HTTP2_LOCAL_RESETS_MAX, HTTP2_PENDING_RESETS_MAX,
    HTTP2_STREAMS_MAX,
};
use super::message::{Connection, MessageStream};
use ::pingora::apps::{HttpServerApp, ReusedHttpStream, ServerApp};
use ::pingora::http::ResponseHeader;
use ::pingora::protocols::http::ServerSession;
use ::pingora::protocols::http::v2::server::H2Options;
use ::pingora::protocols::raw_connect::ProxyDigest;
use ::pingora::proxy::HttpProxy;
use ::pingora::server::ShutdownWatch;
use ::pingora::server::configuration::ServerConf;
use phases::Phases;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The lane: Pingora's proxy with our phases.
pub(crate) struct Lane {
    app: Arc<App>,
    stopping: watch::Sender<bool>,
    watch: ShutdownWatch,
}

/// How an HTTP/1 exchange ended, as far as the gate cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself.
    Whole,
    /// By its total deadline.
    OutOfTime,
}

/// Pingora's proxy under a total deadline for each exchange.
struct App {
    shared: Weak<Shared>,
    proxy: Arc<HttpProxy<Phases>>,
}

// === impl Lane ===

impl Lane {
    pub(crate) fn new(shared: Weak<Shared>, threads: usize) -> Self {
        let conf = ServerConf {
            threads,
            max_retries: ATTEMPTS_MAX,
            upstream_keepalive_pool_size: 1024,
            ..ServerConf::default()
        };
        let kept = shared.clone();
        let mut proxy = HttpProxy::new(Phases::new(shared), Arc::new(conf));
        proxy.h2_options = Some(http2_options());
        proxy.handle_init_modules();
        let (stopping, watch) = watch::channel(false);
        Self {
            app: Arc::new(App {
                shared: kept,
                proxy: Arc::new(proxy),
            }),
            stopping,
            watch,
        }
    }

    /// Serves one request. When it returns, the message has given its connection back.
    pub(crate) async fn serve_http1(
        &self,
        message: MessageStream,
        connection: &Connection,
    ) -> Ended {
        let session = ServerSession::new_http1(Box::new(message));
        let exchange = self.app.proxy.process_new_http(session, &self.watch);
        tokio::pin!(exchange);
        let began = Instant::now();
        let mut deadline = began + TIME_CHECK;
        loop {
            tokio::select! {
                biased;
                reused = &mut exchange => {
                    if reused.is_some() {
                        connection.allow_reuse();
                    }
                    return Ended::Whole;
                }
                () = sleep_until(deadline) => {
                    deadline = match connection.time_in_all() {
                        Some(time) if began + time <= Instant::now() => {
                            connection.expire();
                            return Ended::OutOfTime;
                        }
                        Some(time) => began + time,
                        None => Instant::now() + TIME_CHECK,
                    };
                }
            }
        }
    }

    /// Serves an HTTP/2 connection to its end, or until it is told to leave.
    pub(crate) async fn serve_http2(&self, message: MessageStream, leaving: ShutdownWatch) {
        ServerApp::process_new(&self.app, Box::new(message), &leaving).await;
    }

    /// Tells kept-alive connections that it is over.
    pub(crate) async fn drain(&self) {
        let _ = self.stopping.send(true);
        self.app.proxy.http_cleanup().await;
    }
}

/// How often an exchange's total deadline is looked up before the route has set it. The first look
/// is far enough away that a common request never sees the timer fire.
const TIME_CHECK: Duration = Duration::from_millis(500);

#[async_trait::async_trait]
impl HttpServerApp for App {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        // A stream of HTTP/2; HTTP/1 comes by `Lane::serve_http1`. The phases keep to the route's own
        // time wherever they are asked; this bounds what they are not asked about.
        let time = self.shared.upgrade()?.wiring().longest_exchange;
        let exchange = self.proxy.process_new_http(session, shutdown);
        tokio::time::timeout(time, exchange).await.ok().flatten()
    }

    fn h2_options(&self) -> Option<H2Options> {
        Some(http2_options())
    }
}

fn http2_options() -> H2Options {
    let mut options = H2Options::default();
    options
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HTTP2_HEAD_BYTES_MAX)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(Some(HTTP2_LOCAL_RESETS_MAX));
    options
}

/// The connection's facts in the form in which Pingora carries them to the phases.
pub(crate) fn digest(connection: &Arc<Connection>) -> Arc<ProxyDigest> {
    let head = ResponseHeader::build(200, Some(0)).expect("200 is a status");
    let facts: Box<dyn std::any::Any + Send + Sync> = Box::new(Arc::clone(connection));
    Arc::new(ProxyDigest::new(Box::new(head), Some(facts)))
}
