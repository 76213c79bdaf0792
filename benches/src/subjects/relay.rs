//! The floor: a relay that copies bytes and understands none of them. No proxy that reads a request
//! and writes it again can do with less.

use super::{Running, Subject, end_with_input, spawn_self};
use crate::stage::Stage;
use crate::workloads::{Carrier, Door, Workload};
use std::io::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The argument that makes a program of the suite a relay; the origin's address follows.
pub const SERVE: &str = "--serve-relay";

/// Bytes that are copied at once.
const COPY_BYTES: usize = 16 * 1024;

/// The relay.
pub struct Relay;

// === impl Relay ===

impl Subject for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    fn version(&self) -> Option<String> {
        Some("bare relay (copies bytes)".to_owned())
    }

    fn serves(&self, workload: &Workload) -> bool {
        // Ten thousand that wait would be as many connections to the origin.
        workload.door == Door::Pass && workload.carrier == Carrier::Kept
    }

    fn start(&self, stage: &Stage, _: &Workload) -> anyhow::Result<Running> {
        spawn_self(&[SERVE.to_owned(), stage.origin.to_string()], stage, 0)
    }
}

/// Is the relay, until standard input ends.
///
/// # Errors
/// When nothing can be bound.
pub fn serve(origin: SocketAddr) -> anyhow::Result<()> {
    end_with_input();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        loop {
            let (client, _) = listener.accept().await?;
            // A connection that breaks is the generator's to notice.
            tokio::spawn(async move {
                let _ = relay(client, origin).await;
            });
        }
    })
}

async fn relay(client: TcpStream, origin: SocketAddr) -> std::io::Result<()> {
    let upstream = TcpStream::connect(origin).await?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_upstream, to_upstream) = upstream.into_split();
    tokio::spawn(copy(from_upstream, to_client));
    copy(from_client, to_upstream).await
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
    let mut piece = vec![0; COPY_BYTES];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..read]).await?;
    }
}
