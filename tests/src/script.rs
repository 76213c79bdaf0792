//! A dishonest upstream: it answers each connection with prepared bytes.

use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What it does when a request's head has come.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes and closes.
    Say(Vec<u8>),
    /// Sends these bytes and says nothing more.
    Hold(Vec<u8>),
    /// Sends one byte at a time for ever, after these.
    Drip(Vec<u8>),
}

/// A dishonest upstream.
pub struct Script {
    /// Where it listens.
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
}

// === impl Script ===

impl Script {
    /// Starts one on a free port. The acts follow one another, one for each connection; the last
    /// one is repeated.
    ///
    /// # Panics
    /// When there is no act.
    pub async fn start(acts: Vec<Act>) -> Self {
        assert!(!acts.is_empty());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let (log, ended) = (Arc::clone(&heads), stop.clone());
        tokio::spawn(async move {
            let mut turn = 0;
            loop {
                let mut tcp = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    () = ended.cancelled() => return,
                };
                let act = acts[turn.min(acts.len() - 1)].clone();
                turn += 1;
                let (log, ended) = (Arc::clone(&log), ended.clone());
                tokio::spawn(async move {
                    let Some(head) = read_head(&mut tcp).await else { return };
                    log.lock().push(head);
                    tokio::select! {
                        () = play(&mut tcp, act) => {}
                        () = ended.cancelled() => {}
                    }
                });
            }
        });
        Self { address, heads, stop }
    }

    /// The heads that it got.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn read_head(tcp: &mut tokio::net::TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if tcp.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn play(tcp: &mut tokio::net::TcpStream, act: Act) {
    match act {
        Act::Say(bytes) => {
            let _ = tcp.write_all(&bytes).await;
            let _ = tcp.shutdown().await;
            let mut sink = Vec::new();
            let _ = tcp.read_to_end(&mut sink).await;
        }
        Act::Hold(bytes) => {
            let _ = tcp.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
        Act::Drip(bytes) => {
            let _ = tcp.write_all(&bytes).await;
            let mut pause = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                pause.tick().await;
                if tcp.write_all(b"x").await.is_err() {
                    return;
                }
            }
        }
    }
}
