//! The upstream of one lane: does to each request what its script says, and remembers what it got.
//!
//! It reads strictly, by the same reader that stands in the gate: whatever reaches it and is no
//! well-formed request is a finding.

use super::exchange::{SMUGGLED, Script, id_of};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tidegate::edge::wire::{
    ChunkedDecoder, Framing, HeadLimits, Parse, parse_request, request_framing,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The method.
    pub method: String,
    /// The target.
    pub target: Vec<u8>,
    /// The field lines: lower-case names, values; in the order of their names.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Whether it came to its end.
    pub whole: bool,
}

/// The upstream of one lane.
#[derive(Clone)]
pub(crate) struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cases: Mutex<HashMap<u32, Case>>,
    findings: Mutex<Vec<String>>,
}

struct Case {
    script: Script,
    seen: Vec<Seen>,
}

// === impl Upstream ===

impl Upstream {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let _ = tcp.set_nodelay(true);
                tokio::spawn(serve(tcp, Arc::clone(&shared)));
            }
        });
        Self { address, state }
    }

    /// Expects a request.
    pub(crate) fn expect(&self, id: u32, script: &Script) {
        let case = Case {
            script: script.clone(),
            seen: Vec::new(),
        };
        self.state.cases.lock().insert(id, case);
    }

    /// What came of it.
    pub(crate) fn seen(&self, id: u32) -> Vec<Seen> {
        self.state
            .cases
            .lock()
            .get(&id)
            .map(|case| case.seen.clone())
            .unwrap_or_default()
    }

    /// Expects it no longer.
    pub(crate) fn forget(&self, id: u32) {
        self.state.cases.lock().remove(&id);
    }

    /// What should never have come.
    pub(crate) fn findings(&self) -> Vec<String> {
        self.state.findings.lock().clone()
    }
}

// === impl State ===

impl State {
    fn find(&self, what: String) {
        let mut findings = self.findings.lock();
        if findings.len() < 100 {
            findings.push(what);
        }
    }

    /// Notes a request whose head has come: its place, and what to do.
    fn begin(&self, seen: Seen) -> (Option<(u32, usize)>, Script) {
        if seen.target.starts_with(SMUGGLED.as_bytes()) {
            self.find(format!("a smuggled request: {seen:?}"));
        }
        let mut cases = self.cases.lock();
        let Some((id, case)) = id_of(&seen.target).and_then(|id| Some((id, cases.get_mut(&id)?)))
        else {
            let said = b"HTTP/1.1 200 OK\r\nX-Case: nobody\r\nContent-Length: 0\r\n\r\n".to_vec();
            return (
                None,
                Script {
                    pieces: vec![said],
                    ..Script::default()
                },
            );
        };
        case.seen.push(seen);
        (Some((id, case.seen.len() - 1)), case.script.clone())
    }

    fn end(&self, place: Option<(u32, usize)>, body: Vec<u8>, whole: bool) {
        let mut cases = self.cases.lock();
        if let Some((id, at)) = place
            && let Some(seen) = cases.get_mut(&id).and_then(|case| case.seen.get_mut(at))
        {
            (seen.body, seen.whole) = (body, whole);
        }
    }
}

async fn serve(mut tcp: TcpStream, state: Arc<State>) {
    let mut inbox = Vec::new();
    loop {
        let (seen, framing, length) = loop {
            match parse_request(&inbox, &HeadLimits::STANDARD) {
                Parse::Complete { head, length } => {
                    let framing = match request_framing(&head) {
                        Ok(framing) => framing.body,
                        Err(refusal) => {
                            state.find(format!("framing {refusal:?}: {}", inbox.escape_ascii()));
                            return;
                        }
                    };
                    let mut fields: Vec<_> = head
                        .fields
                        .iter()
                        .map(|field| {
                            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
                            (name, field.value.to_vec())
                        })
                        .collect();
                    // Stable: lines of one name keep their order.
                    fields.sort_by(|a, b| a.0.cmp(&b.0));
                    let seen = Seen {
                        method: head.method.to_owned(),
                        target: head.target.to_vec(),
                        fields,
                        body: Vec::new(),
                        whole: false,
                    };
                    break (seen, framing, length);
                }
                Parse::Refuse(refusal) => {
                    state.find(format!("head {refusal:?}: {}", inbox.escape_ascii()));
                    return;
                }
                Parse::Partial => {}
            }
            if !fill(&mut tcp, &mut inbox).await {
                return;
            }
        };
        inbox.drain(..length);
        let (place, script) = state.begin(seen);
        if script.early && !say(&mut tcp, &script).await {
            return;
        }
        let (body, whole) = match read_body(&mut tcp, &mut inbox, framing).await {
            Ok(read) => read,
            Err(what) => {
                state.find(what);
                return;
            }
        };
        state.end(place, body, whole);
        if !whole || !script.early && !say(&mut tcp, &script).await {
            return;
        }
        if script.closes {
            let _ = tcp.shutdown().await;
            inbox.clear();
            while fill(&mut tcp, &mut inbox).await {
                inbox.clear();
            }
            return;
        }
    }
}

async fn fill(tcp: &mut TcpStream, inbox: &mut Vec<u8>) -> bool {
    matches!(tcp.read_buf(inbox).await, Ok(1..))
}

async fn say(tcp: &mut TcpStream, script: &Script) -> bool {
    for piece in &script.pieces {
        if tcp.write_all(piece).await.is_err() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// The body, and whether it came to its end.
async fn read_body(
    tcp: &mut TcpStream,
    inbox: &mut Vec<u8>,
    framing: Framing,
) -> Result<(Vec<u8>, bool), String> {
    let mut body = Vec::new();
    match framing {
        Framing::None => {}
        Framing::Length(length) => {
            let length = usize::try_from(length).map_err(|error| error.to_string())?;
            while inbox.len() < length {
                if !fill(tcp, inbox).await {
                    return Ok((std::mem::take(inbox), false));
                }
            }
            body.extend(inbox.drain(..length));
        }
        Framing::Chunked => {
            let mut decoder = ChunkedDecoder::new();
            loop {
                let walk = decoder.walk(inbox, |payload| body.extend_from_slice(payload));
                let walk = walk
                    .map_err(|refusal| format!("chunks {refusal:?}: {}", inbox.escape_ascii()))?;
                inbox.drain(..walk.consumed);
                if walk.is_end {
                    break;
                }
                if !fill(tcp, inbox).await {
                    return Ok((body, false));
                }
            }
            if decoder.trailers().next().is_some() {
                return Err("trailers went on".to_owned());
            }
        }
    }
    Ok((body, true))
}
