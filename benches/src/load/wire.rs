//! One connection of the generator: sends a request, reads the answer whole, and judges it.

use super::recipe::Expects;
use crate::http1;
use anyhow::{Context, bail};
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes that are read at once: every head of the suite fits.
const READ_BYTES: usize = 16 * 1024;

/// How much of a wrong answer is told.
const TOLD_BYTES: usize = 400;

/// How connections are made.
#[derive(Clone)]
pub struct Dial {
    /// Whom to call.
    pub address: SocketAddr,
    /// With TLS, by this client.
    pub tls: Option<TlsConnector>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was expected; whether the connection ends with it.
    Right {
        /// The other side closes.
        closes: bool,
    },
    /// Something else. The connection is of no further use.
    Wrong(String),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub struct Wire {
    stream: Box<dyn Stream>,
    inbox: Vec<u8>,
}

// === impl Dial ===

impl Dial {
    /// A connection, its handshakes done.
    ///
    /// # Errors
    /// When nobody takes the call.
    pub async fn connect(&self) -> anyhow::Result<Wire> {
        let address = self.address;
        let tcp = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let name = ServerName::try_from("localhost").context("a name is a name")?;
                Box::new(tls.connect(name, tcp).await.context("no TLS")?)
            }
        };
        Ok(Wire {
            stream,
            inbox: vec![0; READ_BYTES],
        })
    }
}

// === impl Wire ===

impl Wire {
    /// Sends a request and judges its answer.
    pub async fn ask(&mut self, request: &[u8], expects: &Expects) -> Answer {
        match self.exchange(request, expects).await {
            Ok(closes) => Answer::Right { closes },
            Err(error) => Answer::Wrong(format!("{error:#}")),
        }
    }

    /// Gives its memory back; it is asked nothing any more.
    pub fn rest(&mut self) {
        self.inbox = Vec::new();
    }

    async fn exchange(&mut self, request: &[u8], expects: &Expects) -> anyhow::Result<bool> {
        self.stream.write_all(request).await?;
        // With TLS, bytes may wait for this.
        self.stream.flush().await?;
        let (head, filled) = self.read_head().await?;
        let right = head.status == expects.status
            && (head.has_request_id || !expects.request_id)
            && expects
                .body
                .as_ref()
                .is_none_or(|body| body.len() == head.body_length);
        if !right {
            bail!("a wrong answer: {}", self.told(filled));
        }
        let mut read = filled - head.length;
        if read > head.body_length {
            bail!("bytes behind an answer: {}", self.told(filled));
        }
        let inbox = &mut self.inbox;
        let wanted = |from: usize, piece: &[u8]| {
            let Some(body) = &expects.body else {
                return true;
            };
            body.get(from..from + piece.len()) == Some(piece)
        };
        if !wanted(0, &inbox[head.length..filled]) {
            bail!("a wrong body at its begin");
        }
        while read < head.body_length {
            let space = (head.body_length - read).min(inbox.len());
            let more = self.stream.read(&mut inbox[..space]).await?;
            if more == 0 {
                bail!("the connection was closed within an answer");
            }
            if !wanted(read, &inbox[..more]) {
                bail!("a wrong body behind its byte {read}");
            }
            read += more;
        }
        Ok(head.closes)
    }

    async fn read_head(&mut self) -> anyhow::Result<(http1::Head, usize)> {
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.inbox[filled..]).await?;
            if read == 0 {
                bail!("the connection was closed instead of an answer");
            }
            filled += read;
            match http1::read_head(&self.inbox[..filled]) {
                Ok(Some(head)) => return Ok((head, filled)),
                Ok(None) if filled == self.inbox.len() => bail!("a head without an end"),
                Ok(None) => {}
                Err(error) => bail!("an answer that cannot be read: {}", error.0),
            }
        }
    }

    fn told(&self, filled: usize) -> String {
        String::from_utf8_lossy(&self.inbox[..filled.min(TOLD_BYTES)]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What is made of this answer, sent in pieces.
    async fn check(pieces: &[&[u8]], expects: &Expects) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dial = Dial {
            address: listener.local_addr().unwrap(),
            tls: None,
        };
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            for piece in pieces {
                let _ = stream.write_all(&piece).await;
                tokio::task::yield_now().await;
            }
        });
        let answer = dial.connect().await.unwrap().ask(b"x", expects).await;
        serving.abort();
        answer
    }

    #[tokio::test]
    async fn an_answer_is_right_in_all_its_parts_or_wrong() {
        let large = vec![b'z'; 3 * READ_BYTES];
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", large.len());
        let expects = |status, body: Option<&[u8]>, request_id| Expects {
            status,
            body: body.map(Into::into),
            request_id,
        };
        let right = Answer::Right { closes: false };
        let ok: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
        for (pieces, expects, told) in [
            (vec![ok], expects(200, Some(b"no"), false), None),
            (vec![ok], expects(200, None, false), None),
            (
                vec![&ok[..30], &ok[30..]],
                expects(200, Some(b"no"), false),
                None,
            ),
            (
                vec![ok],
                expects(401, None, false),
                Some("a wrong answer: HTTP/1.1 200"),
            ),
            (
                vec![ok],
                expects(200, Some(b"yes"), false),
                Some("a wrong answer"),
            ),
            (
                vec![ok],
                expects(200, Some(b"ni"), false),
                Some("a wrong body"),
            ),
            (
                vec![ok],
                expects(200, Some(b"no"), true),
                Some("a wrong answer"),
            ),
            (
                vec![b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
                expects(200, None, false),
                Some("cannot be read"),
            ),
            (
                vec![],
                expects(200, None, false),
                Some("closed instead of an answer"),
            ),
            (
                vec![&ok[..39]],
                expects(200, None, false),
                Some("closed within an answer"),
            ),
            (
                vec![head.as_bytes(), &large],
                expects(200, Some(&large), false),
                None,
            ),
            (
                vec![head.as_bytes(), &large[1..], b"y"],
                expects(200, Some(&large), false),
                Some("a wrong body behind"),
            ),
        ] {
            let found = check(&pieces, &expects).await;
            match (told, found) {
                (None, found) => assert_eq!(found, right),
                (Some(told), Answer::Wrong(why)) => assert!(why.contains(told), "{told}: {why}"),
                (Some(told), found) => panic!("{told}: {found:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_close_is_told() {
        let text = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let expects = Expects {
            status: 200,
            body: None,
            request_id: false,
        };
        let found = check(&[text], &expects).await;
        assert_eq!(found, Answer::Right { closes: true });
    }
}
