//! A client that signs and speaks HTTP/1.1 on a plain socket.

use filters::clock::Clock;
use filters::signing::{Scheme, Secret, Signed, header_value, mac};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tidegate::telemetry::SystemClock;
use uuid::Uuid;

/// Longest wait for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// A partner's key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) secret: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

// === impl Key ===

impl Key {
    /// From an object with `key` and `secret`.
    pub(crate) fn of(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().expect("a text").to_owned();
        Self {
            key: text("key"),
            secret: text("secret"),
        }
    }

    /// The head's lines that sign this request, each with its line end; never twice the same.
    pub(crate) fn lines(&self, method: &str, path: &str, body: &[u8]) -> String {
        let timestamp = SystemClock::new().now().unix_s().to_string();
        let nonce = Uuid::now_v7().simple().to_string();
        let signed = Signed {
            method,
            path: path.as_bytes(),
            query: b"",
            timestamp: &timestamp,
            nonce: &nonce,
        };
        let proof = mac(
            Scheme::V1,
            &Secret::new(self.secret.as_bytes()),
            &signed,
            body,
        );
        format!(
            "X-API-Key: {}\r\nX-Timestamp: {timestamp}\r\nX-Nonce: {nonce}\r\nX-API-Signature: {}\r\n",
            self.key,
            header_value(Scheme::V1, &proof)
        )
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// `details.reason` of a refusal.
    pub(crate) fn reason(&self) -> String {
        let value = self.json();
        let reason = value["error"]["details"]["reason"].as_str();
        reason.unwrap_or_default().to_owned()
    }
}

// === impl Connection ===

impl Connection {
    pub(crate) fn open(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&host, ANSWER_TIME)?;
        stream.set_read_timeout(Some(ANSWER_TIME))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host,
        })
    }

    /// Sends one request; `lines` are further lines of its head.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        lines: &str,
        body: &[u8],
    ) -> io::Result<()> {
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{lines}", self.host);
        if !body.is_empty() {
            bytes += &format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        bytes += "\r\n";
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        self.stream.get_mut().write_all(&bytes)
    }

    /// Reads one answer.
    pub(crate) fn receive(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        loop {
            let start = head.len();
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head[start..].trim_end().is_empty() {
                break;
            }
        }
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let body = match length.and_then(|text| text.trim().parse::<usize>().ok()) {
            Some(length) => {
                let mut body = vec![0; length];
                self.stream.read_exact(&mut body)?;
                body
            }
            None if lower.contains("transfer-encoding: chunked") => self.chunks()?,
            None => Vec::new(),
        };
        Ok(Answer { status, head, body })
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut size = String::new();
            self.stream.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16);
            let size = size.map_err(|_| io::ErrorKind::InvalidData)?;
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk)?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    /// A signed request and its answer.
    pub(crate) fn signed(
        &mut self,
        key: &Key,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> io::Result<Answer> {
        self.send(method, path, &key.lines(method, path, body), body)?;
        self.receive()
    }

    /// Whether the other side has ended the connection in good order.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0))
    }
}

/// A request on a connection of its own.
pub(crate) fn plain(host: SocketAddr, path: &str) -> io::Result<Answer> {
    let mut connection = Connection::open(host)?;
    connection.send("GET", path, "", b"")?;
    connection.receive()
}

/// A signed GET on a connection of its own.
pub(crate) fn signed(host: SocketAddr, key: &Key, path: &str) -> io::Result<Answer> {
    Connection::open(host)?.signed(key, "GET", path, b"")
}
