//! A dishonest upstream: it answers each connection with prepared bytes.

use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
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
    /// Sends these bytes before anything was asked, and says nothing more.
    Early(Vec<u8>),
    /// Sends these bytes; then those, when [`Script::release`] is called; and says nothing more.
    Later(Vec<u8>, Vec<u8>),
    /// Sends these bytes again and again.
    Repeat(Vec<u8>),
}

/// A dishonest upstream.
pub struct Script {
    /// Where it listens.
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    later: Arc<Semaphore>,
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
        let later = Arc::new(Semaphore::new(0));
        let (log, ended, gate) = (Arc::clone(&heads), stop.clone(), Arc::clone(&later));
        tokio::spawn(async move {
            let mut turn = 0;
            loop {
                let mut tcp = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    () = ended.cancelled() => return,
                };
                let act = acts[turn.min(acts.len() - 1)].clone();
                turn += 1;
                let (log, ended, gate) = (Arc::clone(&log), ended.clone(), Arc::clone(&gate));
                tokio::spawn(async move {
                    if let Act::Early(bytes) = &act {
                        let _ = tcp.write_all(bytes).await;
                    }
                    let Some(head) = read_head(&mut tcp).await else {
                        return;
                    };
                    log.lock().push(head);
                    tokio::select! {
                        () = play(&mut tcp, act, &gate) => {}
                        () = ended.cancelled() => {}
                    }
                });
            }
        });
        Self {
            address,
            heads,
            later,
            stop,
        }
    }

    /// Lets one [`Act::Later`] go on.
    pub fn release(&self) {
        self.later.add_permits(1);
    }

    /// Until every release was taken.
    pub async fn released(&self) {
        crate::eventually("the release", async || self.later.available_permits() == 0).await;
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

async fn play(tcp: &mut tokio::net::TcpStream, act: Act, later: &Semaphore) {
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
        Act::Early(_) => std::future::pending().await,
        Act::Later(first, then) => {
            let _ = tcp.write_all(&first).await;
            later.acquire().await.expect("it is never closed").forget();
            let _ = tcp.write_all(&then).await;
            std::future::pending::<()>().await;
        }
        Act::Repeat(bytes) => while tcp.write_all(&bytes).await.is_ok() {},
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
