//! Connections: HTTP/1.1 and HTTP/2 in clear text on one port, bounded, and a stop that lets requests
//! under way end.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{ACCEPT_REST, CONNECTIONS_MAX, DRAIN_TIME, HEAD_TIME, STREAMS_MAX};

/// Answers connections until `stop`, then lets requests under way end, for [`DRAIN_TIME`] at most.
///
/// # Errors
/// When the listener itself is unusable. A connection that fails is only that connection.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    listener.local_addr()?;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(HEAD_TIME);
    let builder = Arc::new(builder);
    let (line, tasks) = (
        Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        TaskTracker::new(),
    );
    let abort = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = async {
                let seat = line.clone().acquire_owned().await;
                (seat, listener.accept().await)
            } => accepted,
        };
        let (seat, stream) = match accepted {
            (Ok(seat), Ok((stream, _))) => (seat, stream),
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                // Out of file descriptors: trying again at once would only burn the core.
                sleep(ACCEPT_REST).await;
                continue;
            }
            (Err(_), _) => break,
        };
        let (builder, router) = (builder.clone(), router.clone());
        let (stop, abort) = (stop.clone(), abort.clone());
        tasks.spawn(async move {
            let _seat = seat;
            tokio::select! {
                () = converse(stream, &builder, router, &stop) => {}
                () = abort.cancelled() => {}
            }
        });
    }
    drop(listener);
    tasks.close();
    if timeout(DRAIN_TIME, tasks.wait()).await.is_err() {
        tracing::warn!(connections = tasks.len(), "requests under way are cut off");
        abort.cancel();
        tasks.wait().await;
    }
    Ok(())
}

async fn converse(
    stream: TcpStream,
    builder: &Builder<TokioExecutor>,
    router: Router,
    stop: &CancellationToken,
) {
    // Answers are written at once: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
