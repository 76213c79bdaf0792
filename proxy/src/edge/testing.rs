//! The straight lane in memory, for fuzz targets and for the test that runs their seeds.
//!
//! A [`Rig`] is a real edge whose client and upstreams are streams in memory, on a runtime whose time
//! stands still until nobody can go on: so every deadline comes at once, and what never ends is seen.
//! One input tells what the client says, what the upstream says, how both are split, and who waits,
//! leaves or does not read ([`Input::read`]). What may be seen at either end, [`oracle`] says.
//!
//! It exists in tests and with the feature `fuzzing` only.

#![allow(
    clippy::missing_panics_doc,
    reason = "to panic is how a finding is told"
)]

mod oracle;
#[cfg(test)]
mod tests;

use super::gate;
use super::message::Connection;
use super::stream::ByteStream;
use super::{Edge, Parts, Spoken};
use crate::telemetry::metrics::Metrics;
use filters::exchange::Scheme;
use filters::testing::fakes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, split};
use tokio::sync::Notify;

/// What parts the connections of the upstream's bytes.
const NEXT_CONNECTION: &[u8] = b"\xfe\xff";

/// Connections of the upstream at most.
const CONNECTIONS_MAX: usize = 6;

/// Longer than any deadline, in a time that costs nothing.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// Longer than anybody waits for somebody who does not read. The Pingora lane looks at its watch twice a
/// second: whole hours of that would be what most of a fuzzer's time goes into.
const DEAF: Duration = Duration::from_secs(600);

const POLICY: &str = "
listeners: [{ address: 127.0.0.1:0, hosts: [edge.example] }]
connections: { head_timeout: 2s, idle_timeout: 3s, body_timeout: 4s, write_timeout: 5s }
log: { access: off }
documentation: https://docs.example
upstreams:
  orders: { servers: [127.0.0.1:1], host: orders.internal, read_timeout: 3s, write_timeout: 2s, retries: 1 }
chains:
  open: [request_id, body_limit]
routes:
  - { name: open, path: /open/*, methods: [GET, HEAD, POST, PUT, DELETE], chain: open, upstream: orders, public: true, timeout: 10s, body_max: 64KiB }
";

/// An edge without sockets.
pub struct Rig {
    edge: Edge,
}

/// What one run is made of.
struct Input {
    client: Vec<Vec<u8>>,
    upstreams: Vec<Vec<Vec<u8>>>,
    /// Bytes that lie between two ends at most.
    room: usize,
    /// The client ends its half when it has said all; else it waits.
    client_ends: bool,
    /// The client reads nothing.
    client_is_deaf: bool,
    /// The upstream speaks before anything was asked.
    upstream_is_early: bool,
    /// The upstream reads nothing behind the first bytes.
    upstream_is_deaf: bool,
    /// The upstream waits when it has said all; else it ends its half.
    upstream_stays: bool,
}

// === impl Input ===

impl Input {
    /// Flags, the client's piece, the upstream's piece, the room, two bytes of the client's length;
    /// the client's bytes; the upstream's.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (control, rest) = bytes.split_at_checked(6)?;
        let length = usize::from(u16::from_le_bytes([control[4], control[5]]));
        let (client, upstream) = rest.split_at(length.min(rest.len()));
        let mut upstreams = Vec::new();
        let mut left = upstream;
        while upstreams.len() < CONNECTIONS_MAX {
            let end = left.windows(2).position(|two| two == NEXT_CONNECTION);
            upstreams.push(pieces(&left[..end.unwrap_or(left.len())], control[2]));
            match end {
                Some(end) => left = &left[end + NEXT_CONNECTION.len()..],
                None => break,
            }
        }
        let flag = |bit: u8| control[0] >> bit & 1 == 1;
        Some(Self {
            client: pieces(client, control[1]),
            upstreams,
            room: 16 << (control[3] % 12),
            client_ends: flag(0),
            client_is_deaf: flag(1),
            upstream_is_early: flag(2),
            upstream_stays: flag(3),
            upstream_is_deaf: flag(4),
        })
    }
}

/// Pieces of this size; above 200, all at once.
fn pieces(bytes: &[u8], size: u8) -> Vec<Vec<u8>> {
    let size = match usize::from(size) {
        201.. => bytes.len().max(1),
        size => size + 1,
    };
    bytes.chunks(size).map(<[u8]>::to_vec).collect()
}

// === impl Rig ===

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// An edge without sockets.
    #[must_use]
    pub fn new() -> Self {
        let fakes = fakes();
        let loaded = crate::policy::load("rig.yaml", POLICY).map_err(|report| report.to_string());
        let loaded = loaded.expect("the policy is good");
        let plan = crate::plan::compile(&loaded.policy, &fakes.env);
        let plan = plan.map_err(|report| report.to_string());
        let edge = Edge::new(Parts {
            plan: Arc::new(plan.expect("the policy is good")),
            clock: Arc::clone(&fakes.env.clock),
            metrics: Metrics::new(),
            threads: 1,
        });
        Self { edge }
    }

    /// Leads one input to its end, and panics when anything is wrong: what the client heard.
    pub fn run(&self, input: &[u8]) -> Vec<u8> {
        let Some(input) = Input::read(input) else {
            return Vec::new();
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let (heard, got) = runtime.block_on(async {
            let run = self.lead(&input);
            let ended = tokio::time::timeout(FOR_EVER, run).await;
            ended.expect("the connection never ended")
        });
        let asked = oracle::asked(&input.client.concat());
        oracle::judge_answers(&asked, &heard);
        for got in got {
            oracle::judge_requests(&asked, &got);
        }
        heard
    }

    /// What the client heard, and what each of the upstream's connections got.
    async fn lead(&self, input: &Input) -> (Vec<u8>, Vec<Vec<u8>>) {
        let got: Vec<_> = input
            .upstreams
            .iter()
            .map(|_| Arc::new(Mutex::new(Vec::new())))
            .collect();
        let mut ends = VecDeque::new();
        for (say, got) in input.upstreams.iter().zip(&got) {
            let (here, there) = tokio::io::duplex(input.room);
            ends.push_back(here);
            let (say, got) = (say.clone(), Arc::clone(got));
            let manner = Manner {
                is_early: input.upstream_is_early,
                is_deaf: input.upstream_is_deaf,
                stays: input.upstream_stays,
            };
            tokio::spawn(upstream(there, say, manner, got));
        }
        let wiring = self.edge.shared.wiring();
        let chosen = wiring.pools[0].choose(0).expect("there is a server");
        chosen.lines().provide(ends);
        let (here, there) = tokio::io::duplex(input.room);
        let peer = ([192, 0, 2, 1], 4711).into();
        let connection = Arc::new(Connection::new(peer, Scheme::Http));
        let spoken = Spoken {
            http1: true,
            http2: false,
        };
        let shared = Arc::clone(&self.edge.shared);
        let served = tokio::spawn(gate::serve(
            shared,
            ByteStream::Memory(here),
            connection,
            spoken,
            0,
        ));
        let heard = client(there, input).await;
        served.await.expect("no panic");
        // The upstreams' ends are dropped with what is kept.
        chosen.lines().provide(VecDeque::new());
        tokio::time::sleep(Duration::from_millis(1)).await;
        (
            heard,
            got.iter()
                .map(|got| std::mem::take(&mut *got.lock()))
                .collect(),
        )
    }
}

async fn client(stream: DuplexStream, input: &Input) -> Vec<u8> {
    let (mut read, mut write) = split(stream);
    let mut heard = Vec::new();
    let say = async {
        for piece in &input.client {
            if write.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if input.client_ends {
            let _ = write.shutdown().await;
        }
    };
    let hear = async {
        if input.client_is_deaf {
            // Longer than the edge has patience with it.
            tokio::time::sleep(DEAF).await;
        }
        let _ = read.read_to_end(&mut heard).await;
    };
    tokio::join!(say, hear);
    heard
}

/// How an upstream behaves.
#[derive(Clone, Copy)]
struct Manner {
    is_early: bool,
    is_deaf: bool,
    stays: bool,
}

async fn upstream(
    stream: DuplexStream,
    pieces: Vec<Vec<u8>>,
    manner: Manner,
    got: Arc<Mutex<Vec<u8>>>,
) {
    let (mut read, mut write) = split(stream);
    let asked = Notify::new();
    let say = async {
        if !manner.is_early {
            asked.notified().await;
        }
        for piece in &pieces {
            if write.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if !manner.stays {
            let _ = write.shutdown().await;
        }
    };
    let hear = async {
        let mut space = [0; 4096];
        while let Ok(length @ 1..) = read.read(&mut space).await {
            got.lock().extend_from_slice(&space[..length]);
            asked.notify_one();
            if manner.is_deaf {
                tokio::time::sleep(DEAF).await;
            }
        }
        asked.notify_one();
    };
    tokio::join!(say, hear);
}
