//! Where bytes become requests and back (architecture, section 11).
//!
//! [`Edge`] binds the plan's listeners, gives every connection its seat and its TLS, and leads it
//! through the gate ([`gate`], strict HTTP/1.1) to the lane ([`pingora`]). A plan is pinned by each
//! request and swapped whole.

mod account;
mod bare;
mod begin;
mod collect;
mod fill;
mod gate;
mod limits;
mod message;
mod pingora;
mod respond;
mod straight;
mod stream;
mod streams;
#[cfg(any(test, feature = "fuzzing"))]
pub mod testing;
mod tls;
mod watch;
pub mod wire;
mod wiring;

use self::pingora::Lane;
use crate::plan::{Listener, Plan};
use crate::telemetry::metrics::Metrics;
use account::Accounts;
use arc_swap::ArcSwap;
use filters::clock::Clock;
use message::Connection;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;
use stream::ByteStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watch::Watch;
use wiring::Wiring;

/// What an edge is made of.
pub struct Parts {
    /// The first plan.
    pub plan: Arc<Plan>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Worker threads, at least 1.
    pub threads: usize,
}

/// The edge: listeners, connections, lanes.
#[derive(Clone)]
pub struct Edge {
    shared: Arc<Shared>,
    bound: Arc<Mutex<Vec<Bound>>>,
    threads: usize,
}

struct Bound {
    listener: StdListener,
    spec: Listener,
    acceptor: Option<TlsAcceptor>,
}

/// What every connection shares.
pub(crate) struct Shared {
    wiring: ArcSwap<Wiring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) lane: Lane,
    draining: CancellationToken,
    /// The same as `draining`, for who asks with every request.
    leaving: AtomicBool,
    cut: CancellationToken,
    /// The same as `cut`, for who asks with every step.
    is_cut: AtomicBool,
    open: TaskTracker,
}

// === impl Edge ===

impl Edge {
    /// An edge that has bound nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let threads = parts.threads.max(1);
        let wiring = Arc::new(Wiring::new(parts.plan, None, &parts.metrics, threads));
        let shared = Arc::new_cyclic(|shared| Shared {
            wiring: ArcSwap::new(wiring),
            clock: parts.clock,
            metrics: parts.metrics,
            accounts: Accounts::new(),
            lane: Lane::new(shared.clone(), parts.threads),
            draining: CancellationToken::new(),
            leaving: AtomicBool::new(false),
            cut: CancellationToken::new(),
            is_cut: AtomicBool::new(false),
            open: TaskTracker::new(),
        });
        Self {
            shared,
            bound: Arc::default(),
            threads,
        }
    }

    /// Serves by another plan from the next request on. Listeners stay as they were bound.
    pub fn swap(&self, plan: Arc<Plan>) {
        let before = self.shared.wiring.load();
        let wiring = Wiring::new(plan, Some(&before), &self.shared.metrics, self.threads);
        self.shared.wiring.store(Arc::new(wiring));
    }

    /// Binds the plan's listeners, taking over those of `inherited` that have the same address.
    ///
    /// # Errors
    /// The first address that cannot be bound, or the certificate that cannot be read.
    pub fn bind(&self, inherited: Vec<StdListener>) -> io::Result<Vec<SocketAddr>> {
        let mut heirs: HashMap<SocketAddr, StdListener> = HashMap::new();
        for listener in inherited {
            heirs.insert(listener.local_addr()?, listener);
        }
        let plan = Arc::clone(&self.shared.wiring.load().plan);
        let mut bound = Vec::new();
        for spec in &plan.listeners {
            let listener = match heirs.remove(&spec.address) {
                Some(listener) => listener,
                None => bind(spec.address)?,
            };
            listener.set_nonblocking(true)?;
            let acceptor = match &spec.tls {
                Some(files) => Some(
                    tls::acceptor(&files.certificate, &files.key, spec.http2, spec.http1)
                        .map_err(|error| io::Error::other(format!("{error:#}")))?,
                ),
                None => None,
            };
            bound.push(Bound {
                listener,
                spec: spec.clone(),
                acceptor,
            });
        }
        let addresses = bound.iter().map(|b| b.listener.local_addr()).collect();
        *self.bound.lock() = bound;
        addresses
    }

    /// The bound listeners once more, for a process that takes over.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn listeners(&self) -> io::Result<Vec<StdListener>> {
        self.bound
            .lock()
            .iter()
            .map(|bound| bound.listener.try_clone())
            .collect()
    }

    /// Accepts until `stop`, then drains: requests in flight end, idle connections close. Returns
    /// when the last connection ended, or after `drain`.
    ///
    /// # Errors
    /// When a worker thread or a listener cannot be set up.
    pub async fn run(&self, stop: CancellationToken, drain: Duration) -> io::Result<()> {
        let workers = Workers::start(self.threads)?;
        let open = self.shared.open.clone();
        let bound = std::mem::take(&mut *self.bound.lock());
        let mut accepting = Vec::new();
        for bound in bound {
            let listener = TcpListener::from_std(bound.listener.try_clone()?)?;
            let shared = Arc::clone(&self.shared);
            let (open, workers, stop) = (open.clone(), workers.clone(), stop.clone());
            let spec = bound.spec.clone();
            let acceptor = bound.acceptor.clone();
            self.bound.lock().push(bound);
            accepting.push(tokio::spawn(async move {
                let door = Door {
                    shared,
                    spec,
                    acceptor,
                    open,
                    workers,
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = door.accept(&listener) => {}
                }
            }));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.shared.sweep() => {}
        }
        for task in accepting {
            let _ = task.await;
        }
        self.bound.lock().clear();
        self.shared.leaving.store(true, Relaxed);
        self.shared.draining.cancel();
        self.shared.lane.drain().await;
        open.close();
        if timeout(drain, open.wait()).await.is_err() {
            tracing::warn!(
                connections = open.len(),
                "the drain time is over: cutting connections"
            );
            self.shared.is_cut.store(true, Relaxed);
            self.shared.cut.cancel();
            let _ = timeout(Duration::from_secs(1), open.wait()).await;
        }
        workers.stop();
        Ok(())
    }

    /// Waits until a drain has ended every connection, for `patience` at most.
    pub async fn quiet(&self, patience: Duration) {
        let _ = timeout(patience, self.shared.open.wait()).await;
    }

    /// Bytes of bodies that are held for signatures.
    #[must_use]
    pub fn collected_bytes(&self) -> u64 {
        self.shared.accounts.collected()
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.accounts.connections()
    }
}

// === impl Shared ===

impl Shared {
    /// The plan that is in force.
    pub(crate) fn wiring(&self) -> Arc<Wiring> {
        self.wiring.load_full()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// The watch of one connection.
    fn watch(&self) -> Watch {
        Watch::new(&self.draining)
    }

    /// Closes upstream connections that were kept too long, for ever.
    async fn sweep(&self) {
        let mut pause = tokio::time::interval(limits::UPSTREAM_SWEEP);
        loop {
            pause.tick().await;
            self.wiring.load().sweep(self.clock.now().monotonic_ns);
        }
    }

    pub(crate) fn draining(&self) -> impl Future<Output = ()> + '_ {
        self.draining.cancelled()
    }
}

fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket
        .bind(&address.into())
        .and_then(|()| socket.listen(4096))
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
        })?;
    Ok(socket.into())
}

/// One listener's door: accepts, and leads each connection to a worker.
struct Door {
    shared: Arc<Shared>,
    spec: Listener,
    acceptor: Option<TlsAcceptor>,
    open: TaskTracker,
    workers: Workers,
}

impl Door {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((tcp, peer)) => self.admit(tcp, peer),
                Err(error) => {
                    // Out of descriptors, mostly: wait for some to come back.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn admit(&self, tcp: TcpStream, peer: SocketAddr) {
        let _ = tcp.set_nodelay(true);
        let Ok(tcp) = tcp.into_std() else { return };
        let shared = Arc::clone(&self.shared);
        let acceptor = self.acceptor.clone();
        let spoken = Spoken {
            http1: self.spec.http1,
            http2: self.spec.http2,
        };
        let worker = self.workers.next();
        let task = self.open.track_future(async move {
            let Ok(tcp) = TcpStream::from_std(tcp) else {
                return;
            };
            let cut = Arc::clone(&shared);
            cuttable(&cut, serve(shared, tcp, peer, acceptor, spoken, worker)).await;
        });
        self.workers.spawn(worker, task);
    }
}

/// Carries a connection until it ends, or until all are cut. Whether that has come is asked of a flag:
/// a connection is one task, which is woken once for it.
async fn cuttable(shared: &Shared, connection: impl Future<Output = ()>) {
    let mut cut = pin!(shared.cut.cancelled());
    let mut connection = pin!(connection);
    let mut listens = false;
    poll_fn(|cx| {
        if shared.is_cut.load(Relaxed) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut listens, true) && cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        connection.as_mut().poll(cx)
    })
    .await;
}

/// What a listener speaks.
#[derive(Clone, Copy)]
pub(crate) struct Spoken {
    pub(crate) http1: bool,
    pub(crate) http2: bool,
}

async fn serve(
    shared: Arc<Shared>,
    tcp: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    spoken: Spoken,
    worker: usize,
) {
    shared.metrics.connection_opened();
    let wiring = shared.wiring();
    let limits = wiring.plan.connections;
    let address = filters::address::canonical(peer.ip());
    // Connections of trusted proxies are many clients' and are not limited by address.
    let trusted = wiring
        .plan
        .trusted_proxies
        .iter()
        .any(|network| network.contains(address));
    let per_address = if trusted {
        u32::MAX
    } else {
        limits.per_address
    };
    drop(wiring);
    let seat = shared.accounts.seat(address, per_address);
    let stream = match acceptor {
        // No handshake for one that gets no seat: that work is what floods want us to do.
        Some(_) if seat.is_none() => None,
        Some(acceptor) => match timeout(
            limits.head_timeout.min(limits::HANDSHAKE_TIME),
            acceptor.accept(tcp),
        )
        .await
        {
            Ok(Ok(tls)) => Some(ByteStream::Tls(Box::new(tls))),
            Ok(Err(_)) | Err(_) => {
                shared.metrics.connection_refused("tls_handshake");
                None
            }
        },
        None => Some(ByteStream::Plain(tcp)),
    };
    if let Some(stream) = stream {
        let scheme = stream.scheme();
        let mut connection = Connection::new(peer, scheme);
        connection.server_name = stream.server_name().map(Arc::from);
        let connection = Arc::new(connection);
        if seat.is_some() {
            gate::serve(shared, stream, connection, spoken, worker).await;
        } else {
            shared.metrics.connection_refused("too_many_connections");
            bare::turn_away(&shared, stream, &connection, limits.per_address).await;
        }
    }
}

/// Threads that carry connections: each its own single-threaded runtime, so that a connection stays
/// where it began and nothing is stolen.
#[derive(Clone)]
struct Workers {
    handles: Arc<[tokio::runtime::Handle]>,
    next: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Workers {
    fn start(count: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let mut handles = Vec::with_capacity(count);
        for number in 0..count {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            handles.push(runtime.handle().clone());
            let stop = stop.clone();
            std::thread::Builder::new()
                .name(format!("edge-{number}"))
                .spawn(move || runtime.block_on(stop.cancelled()))?;
        }
        Ok(Self {
            handles: handles.into(),
            next: Arc::default(),
            stop,
        })
    }

    /// Whose turn it is.
    fn next(&self) -> usize {
        self.next.fetch_add(1, Relaxed) % self.handles.len()
    }

    fn spawn(&self, worker: usize, task: impl Future<Output = ()> + Send + 'static) {
        self.handles[worker].spawn(task);
    }

    fn stop(&self) {
        self.stop.cancel();
    }
}
