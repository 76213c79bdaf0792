//! HTTP/2 frames made by hand (RFC 9113, section 4), for what no library sends.
//!
//! Fields are written as literals without indexing and without Huffman coding (RFC 7541, section
//! 6.2.2), so that a test says every byte of a name and a value. Answers are read frame by frame;
//! their bodies are plain bytes, and the envelope in them tells the reason.

use crate::within;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a client says first (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types.
pub mod kind {
    #![allow(missing_docs, reason = "they are called as the RFC calls them")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// `END_STREAM` and `ACK`.
pub const END_STREAM: u8 = 1;
/// `END_HEADERS`.
pub const END_HEADERS: u8 = 4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The type.
    pub kind: u8,
    /// The flags.
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With an answer's body.
    Answer(Vec<u8>),
    /// By `RST_STREAM` with this code.
    Reset(u32),
    /// With the whole connection, by `GOAWAY` with this code.
    GoAway(u32),
    /// With the whole connection, without a word.
    Closed,
}

/// A connection of frames.
pub struct Frames {
    tcp: TcpStream,
    inbox: Vec<u8>,
}

// === impl Frame ===

impl Frame {
    /// A frame.
    #[must_use]
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            flags,
            stream,
            payload: payload.into(),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = u32::try_from(self.payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// The last four bytes of the payload's begin: the code of `RST_STREAM` (0) or `GOAWAY` (4).
    fn code(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

// === impl Frames ===

impl Frames {
    /// Connects, and says the preface and empty settings.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut frames = Self::silent(address).await;
        frames.send(PREFACE).await;
        frames.frame(&Frame::new(kind::SETTINGS, 0, 0, [])).await;
        frames
    }

    /// Connects and says nothing.
    pub async fn silent(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self {
            tcp,
            inbox: Vec::new(),
        }
    }

    /// Sends bytes; whether the other side has closed is not told. Stops when nobody reads.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.tcp.write_all(bytes.as_ref()).await;
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the other side has closed.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.tcp.write_all(bytes.as_ref()).await
    }

    /// Sends a frame.
    pub async fn frame(&mut self, frame: &Frame) {
        self.send(frame.to_bytes()).await;
    }

    /// The next frame; `None` at the connection's end. Settings and pings are answered.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            while self.inbox.len() < 9 {
                if !self.fill().await {
                    return None;
                }
            }
            let head: [u8; 9] = self.inbox[..9].try_into().unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            while self.inbox.len() < 9 + length {
                if !self.fill().await {
                    return None;
                }
            }
            let payload = self.inbox.drain(..9 + length).skip(9).collect();
            let frame = Frame {
                kind: head[3],
                flags: head[4],
                stream: u32::from_be_bytes(head[5..9].try_into().unwrap()),
                payload,
            };
            match (frame.kind, frame.flags & END_STREAM) {
                (kind::SETTINGS, 0) => self.frame(&Frame::new(kind::SETTINGS, 1, 0, [])).await,
                (kind::PING, 0) => {
                    let pong = Frame::new(kind::PING, 1, 0, frame.payload);
                    self.frame(&pong).await;
                }
                _ => return Some(frame),
            }
        }
    }

    /// How this stream ends.
    ///
    /// # Panics
    /// When it does not, in time.
    pub async fn end_of(&mut self, stream: u32) -> End {
        within("a stream's end", async {
            let mut body = Vec::new();
            loop {
                let Some(frame) = self.next().await else {
                    return End::Closed;
                };
                match frame.kind {
                    kind::GOAWAY if frame.code(4) != 0 => return End::GoAway(frame.code(4)),
                    _ if frame.stream != stream => {}
                    kind::RST_STREAM => return End::Reset(frame.code(0)),
                    kind::DATA => {
                        body.extend(&frame.payload);
                        let window = u32::try_from(frame.payload.len()).unwrap().to_be_bytes();
                        for stream in [0, stream] {
                            let more = Frame::new(kind::WINDOW_UPDATE, 0, stream, window);
                            if frame.payload.is_empty() {
                                break;
                            }
                            self.frame(&more).await;
                        }
                    }
                    _ => {}
                }
                let ends = matches!(frame.kind, kind::DATA | kind::HEADERS);
                if ends && frame.flags & END_STREAM != 0 {
                    return End::Answer(body);
                }
            }
        })
        .await
    }

    /// Reads to the connection's end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn closed(&mut self) {
        within("the connection's end", async {
            while self.next().await.is_some() {}
        })
        .await;
    }

    async fn fill(&mut self) -> bool {
        matches!(self.tcp.read_buf(&mut self.inbox).await, Ok(1..))
    }
}

/// A header block of literals (RFC 7541, section 6.2.2).
#[must_use]
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        literal(&mut block, name.as_bytes());
        literal(&mut block, value.as_bytes());
    }
    block
}

/// The four pseudo-fields of a request, then these fields.
#[must_use]
pub fn request<'a>(
    method: &'a str,
    authority: &'a str,
    path: &'a str,
    fields: &[(&'a str, &'a str)],
) -> Vec<u8> {
    let mut all = vec![
        (":method", method),
        (":scheme", "http"),
        (":authority", authority),
        (":path", path),
    ];
    all.extend(fields);
    block(&all)
}

/// A HEADERS frame that holds a whole block.
#[must_use]
pub fn headers(stream: u32, block: impl Into<Vec<u8>>, ends: bool) -> Frame {
    let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
    Frame::new(kind::HEADERS, flags, stream, block)
}

/// RFC 7541, section 5.2, with the length as an integer of a seven-bit prefix.
fn literal(out: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    if length < 127 {
        out.push(u8::try_from(length).unwrap());
    } else {
        out.push(127);
        length -= 127;
        while length >= 128 {
            out.push(u8::try_from(length % 128 + 128).unwrap());
            length /= 128;
        }
        out.push(u8::try_from(length).unwrap());
    }
    out.extend_from_slice(text);
}
