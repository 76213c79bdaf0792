//! A client that sends exactly the bytes it is told to, and reads answers strictly.

use crate::within;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A connection of bytes.
pub struct Raw {
    tcp: TcpStream,
    inbox: Vec<u8>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The field lines: lower-case names, values.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

// === impl Answer ===

impl Answer {
    /// The only value of a field; `None` when it is missing or comes twice.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut found = self
            .fields
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str());
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// All values of a field.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let of_name = self.fields.iter().filter(|(n, _)| n == name);
        of_name.map(|(_, v)| v.as_str()).collect()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("no JSON ({error}): {}", String::from_utf8_lossy(&self.body))
        })
    }

    /// Reads the first answer of these bytes, whose length it announces.
    ///
    /// # Panics
    /// When there is none, or half of one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let end = find(bytes, b"\r\n\r\n").expect("a whole head") + 4;
        let (status, fields) = parse(&bytes[..end]);
        let mut answer = Self {
            status,
            fields,
            body: Vec::new(),
        };
        let length = answer.only("content-length").expect("a length");
        let length: usize = length.parse().expect("a number");
        answer.body = bytes[end..end + length].to_vec();
        answer
    }

    /// `error.details.reason`.
    ///
    /// # Panics
    /// When the body is no envelope.
    #[must_use]
    pub fn reason(&self) -> String {
        self.json()["error"]["details"]["reason"]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    }
}

// === impl Raw ===

impl Raw {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self {
            tcp,
            inbox: Vec::new(),
        }
    }

    /// Connects from an address of this machine: every 127.x.y.z is one.
    pub async fn connect_from(source: impl Into<IpAddr>, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((source.into(), 0).into()).unwrap();
        let tcp = socket.connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self {
            tcp,
            inbox: Vec::new(),
        }
    }

    /// Sends one request and reads the answer.
    ///
    /// # Panics
    /// When the connection ends before one.
    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await.expect("an answer")
    }

    /// Sends bytes; that the other side has closed is not this method's to notice.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.tcp.write_all(bytes.as_ref()).await;
    }

    /// Ends the sending half.
    pub async fn finish(&mut self) {
        let _ = self.tcp.shutdown().await;
    }

    /// The next answer to a request whose method was not HEAD; interim answers are skipped.
    /// `None` when the connection ended before one.
    ///
    /// # Panics
    /// When what comes is no answer, or does not come in time.
    pub async fn answer(&mut self) -> Option<Answer> {
        loop {
            let answer = self.any_answer(false).await?;
            if answer.status >= 200 {
                return Some(answer);
            }
        }
    }

    /// The next answer, interim ones included.
    pub async fn any_answer(&mut self, head_only: bool) -> Option<Answer> {
        within("an answer", async {
            let end = loop {
                if let Some(at) = find(&self.inbox, b"\r\n\r\n") {
                    break at + 4;
                }
                if !self.fill().await {
                    assert!(
                        self.inbox.is_empty(),
                        "half a head: {:?}",
                        text(&self.inbox)
                    );
                    return None;
                }
            };
            let head: Vec<u8> = self.inbox.drain(..end).collect();
            let (status, fields) = parse(&head);
            let mut answer = Answer {
                status,
                fields,
                body: Vec::new(),
            };
            if head_only || status < 200 || status == 204 || status == 304 {
                return Some(answer);
            }
            answer.body = if answer.only("transfer-encoding") == Some("chunked") {
                self.chunks().await
            } else if let Some(length) = answer.only("content-length") {
                let length: usize = length.parse().expect("a number");
                while self.inbox.len() < length {
                    assert!(self.fill().await, "half a body");
                }
                self.inbox.drain(..length).collect()
            } else {
                while self.fill().await {}
                std::mem::take(&mut self.inbox)
            };
            Some(answer)
        })
        .await
    }

    /// The next answer, while these bytes are sent again and again after a pause.
    pub async fn answer_while(&mut self, bytes: &str, pause: Duration) -> Option<Answer> {
        let mut pause = tokio::time::interval(pause);
        within("an answer", async {
            while self.inbox.is_empty() {
                tokio::select! {
                    _ = pause.tick() => self.send(bytes).await,
                    _ = self.tcp.readable() => {
                        if !self.fill().await {
                            return;
                        }
                    }
                }
            }
        })
        .await;
        self.answer().await
    }

    /// Everything until the end of the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        within("the connection's end", async {
            while self.fill().await {}
            std::mem::take(&mut self.inbox)
        })
        .await
    }

    /// Whether the other side has closed, and nothing more came.
    pub async fn is_closed(&mut self) -> bool {
        self.rest().await.is_empty()
    }

    async fn fill(&mut self) -> bool {
        matches!(self.tcp.read_buf(&mut self.inbox).await, Ok(1..))
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = find(&self.inbox, b"\r\n") {
                    break at;
                }
                assert!(self.fill().await, "half a chunk");
            };
            let line: Vec<u8> = self.inbox.drain(..end + 2).collect();
            let size = usize::from_str_radix(text(&line[..end]).trim(), 16).expect("a chunk size");
            while self.inbox.len() < size + 2 {
                assert!(self.fill().await, "half a chunk");
            }
            body.extend(self.inbox.drain(..size));
            assert_eq!(self.inbox.drain(..2).collect::<Vec<_>>(), b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }
}

/// Sends one request on a connection of its own and reads the answer.
pub async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Option<Answer> {
    let mut raw = Raw::connect(address).await;
    raw.send(request).await;
    raw.answer().await
}

fn parse(head: &[u8]) -> (u16, Vec<(String, String)>) {
    let head = text(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    assert!(
        status.starts_with("HTTP/1.1 "),
        "no status line: {status:?}"
    );
    let code = status[9..12].parse().expect("a status code");
    let fields = lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once(':').expect("a field line");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    (code, fields)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
