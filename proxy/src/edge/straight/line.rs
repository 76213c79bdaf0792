//! Connections to upstream servers, kept between exchanges.
//!
//! Every worker thread keeps its own, so that none ever crosses threads and no lock is contended. That
//! a kept connection has ended, or that its server spoke out of turn, is known without a system call:
//! the runtime hears of it, and such a connection is not used again.

use super::super::fill::poll_fill;
use super::super::limits::{LARGE_READ_BYTES, UPSTREAM_IDLE_MAX};
use super::socket::Socket;
use bytes::BytesMut;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One connection to an upstream server.
pub(crate) struct Line {
    socket: Socket,
    /// What the server has sent and nobody has read.
    pub(super) inbox: BytesMut,
    /// The inbox has got room for much.
    has_grown: bool,
    /// Whether it has carried an exchange before.
    pub(super) is_reused: bool,
    kept_ns: u64,
}

/// The kept connections of one server, by worker.
pub(crate) struct Lines {
    kept: Box<[Mutex<VecDeque<Line>>]>,
    /// What connects instead of the network, if anything does.
    #[cfg(any(test, feature = "fuzzing"))]
    memory: Mutex<Option<VecDeque<tokio::io::DuplexStream>>>,
}

// === impl Line ===

impl Line {
    /// Connects by TCP.
    async fn connect(address: SocketAddr, time: Duration) -> io::Result<Self> {
        let tcp = timeout(time, TcpStream::connect(address))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let _ = tcp.set_nodelay(true);
        Ok(Self::over(Socket::Tcp(tcp)))
    }

    fn over(socket: Socket) -> Self {
        Self {
            socket,
            inbox: BytesMut::new(),
            has_grown: false,
            is_reused: false,
            kept_ns: 0,
        }
    }

    /// Reads what is there into the inbox.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_fill(&mut self.socket, cx, &mut self.inbox)
    }

    /// Expects much.
    pub(super) fn make_room(&mut self) {
        self.has_grown = true;
        self.inbox.reserve(LARGE_READ_BYTES);
    }

    /// Writes.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_write(cx, bytes)
    }
}

// === impl Lines ===

impl Lines {
    /// No connections, for so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            kept: (0..workers).map(|_| Mutex::default()).collect(),
            #[cfg(any(test, feature = "fuzzing"))]
            memory: Mutex::default(),
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// The system's, or that it took longer than `time`.
    pub(super) async fn connect(&self, address: SocketAddr, time: Duration) -> io::Result<Line> {
        #[cfg(any(test, feature = "fuzzing"))]
        if let Some(memory) = &mut *self.memory.lock() {
            let next = memory.pop_front().map(Socket::Memory).map(Line::over);
            return next.ok_or_else(|| io::ErrorKind::ConnectionRefused.into());
        }
        Line::connect(address, time).await
    }

    /// Keeps nothing, and connects to these from now on.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn provide(&self, memory: VecDeque<tokio::io::DuplexStream>) {
        for kept in &self.kept {
            kept.lock().clear();
        }
        *self.memory.lock() = Some(memory);
    }

    /// The connection that was kept last, if it was not kept longer than `keep_alive`.
    pub(super) fn take(&self, worker: usize, now_ns: u64, keep_alive: Duration) -> Option<Line> {
        let mut kept = self.kept[worker].lock();
        while let Some(mut line) = kept.pop_back() {
            if is_over(&line, now_ns, keep_alive) {
                // All others were kept even longer.
                kept.clear();
                return None;
            }
            if line.socket.is_quiet() {
                return Some(line);
            }
        }
        None
    }

    /// Keeps a connection whose exchange ended in order.
    pub(super) fn keep(&self, worker: usize, mut line: Line, now_ns: u64) {
        line.kept_ns = now_ns;
        line.is_reused = true;
        if std::mem::take(&mut line.has_grown) {
            // Hundreds of kept connections would hold tens of megabytes for nothing.
            line.inbox = BytesMut::new();
        }
        let mut kept = self.kept[worker].lock();
        if kept.len() >= UPSTREAM_IDLE_MAX {
            kept.pop_front();
        }
        kept.push_back(line);
    }

    /// Closes what was kept too long.
    pub(crate) fn sweep(&self, now_ns: u64, keep_alive: Duration) {
        for kept in &self.kept {
            let mut kept = kept.lock();
            while kept
                .front_mut()
                .is_some_and(|line| is_over(line, now_ns, keep_alive) || !line.socket.is_quiet())
            {
                kept.pop_front();
            }
        }
    }
}

fn is_over(line: &Line, now_ns: u64, keep_alive: Duration) -> bool {
    u128::from(now_ns.saturating_sub(line.kept_ns)) >= keep_alive.as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    const KEEP: Duration = Duration::from_nanos(100);

    fn tcp(line: &Line) -> &TcpStream {
        match &line.socket {
            Socket::Tcp(tcp) => tcp,
            Socket::Memory(_) => panic!("no memory here"),
        }
    }

    async fn pair(listener: &TcpListener) -> (Line, TcpStream) {
        let address = listener.local_addr().unwrap();
        let line = Line::connect(address, Duration::from_secs(5))
            .await
            .unwrap();
        (line, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn the_last_one_kept_is_taken_first_and_none_beyond_its_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let lines = Lines::new(2);
        let mut servers = Vec::new();
        for now_ns in [10, 20] {
            let (line, server) = pair(&listener).await;
            lines.keep(0, line, now_ns);
            servers.push(server);
        }
        assert!(lines.take(1, 30, KEEP).is_none(), "another worker's");
        let last = lines.take(0, 119, KEEP).unwrap();
        assert!(last.is_reused);
        assert_eq!(
            tcp(&last).local_addr().unwrap(),
            servers[1].peer_addr().unwrap()
        );
        assert!(lines.take(0, 110, KEEP).is_none(), "kept too long");
        assert!(lines.kept[0].lock().is_empty());
    }

    #[tokio::test]
    async fn a_connection_that_ended_or_spoke_is_not_used_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for speaks in [false, true] {
            let lines = Lines::new(1);
            let (line, mut server) = pair(&listener).await;
            if speaks {
                server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            } else {
                server.shutdown().await.unwrap();
            }
            tcp(&line).readable().await.unwrap();
            lines.keep(0, line, 0);
            assert!(lines.take(0, 1, KEEP).is_none(), "{speaks}");
        }
    }

    #[tokio::test]
    async fn there_is_a_bound_and_the_oldest_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let lines = Lines::new(1);
        let mut servers = Vec::new();
        for now_ns in 0..=UPSTREAM_IDLE_MAX as u64 {
            let (line, server) = pair(&listener).await;
            lines.keep(0, line, now_ns);
            servers.push(server);
        }
        assert_eq!(lines.kept[0].lock().len(), UPSTREAM_IDLE_MAX);
        assert_eq!(lines.kept[0].lock().front().unwrap().kept_ns, 1);
        lines.sweep(150, KEEP);
        assert_eq!(lines.kept[0].lock().front().unwrap().kept_ns, 51);
    }
}
