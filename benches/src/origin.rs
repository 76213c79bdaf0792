//! The service behind the measured proxy: as lean as can be, so that the proxy is what is measured.
//!
//! Raw HTTP/1.1 on kept connections; every request, whatever it says, is answered with the same JSON
//! of 250 bytes in one write. A request that is not framed by a length ends its connection.

use crate::http1;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The body of every answer.
pub const BODY: &[u8] = br#"{"id":"ord_0199b1c0","status":"confirmed","currency":"EUR","total":"1249.90","customer":"cus_00042","createdAt":"2026-01-01T00:00:00Z","items":[{"product":"prd_0007","quantity":2,"price":"499.95"},{"product":"prd_0011","quantity":5,"price":"50.00"}]}"#;

const _: () = assert!(BODY.len() == 250);

/// Bytes that are read at once: a request of the suite fits.
const READ_BYTES: usize = 16 * 1024;

/// An origin that listens.
pub struct Origin {
    listener: TcpListener,
    answer: Arc<[u8]>,
}

// === impl Origin ===

impl Origin {
    /// An origin on a free port of the loopback address.
    ///
    /// # Errors
    /// When there is none.
    pub async fn bind() -> io::Result<Self> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            BODY.len()
        );
        Ok(Self {
            listener: TcpListener::bind("127.0.0.1:0").await?,
            answer: [head.as_bytes(), BODY].concat().into(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until dropped.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn serve(self) -> io::Result<()> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = Arc::clone(&self.answer);
            // A connection that breaks is the generator's to notice: its answer is missing.
            tokio::spawn(async move {
                let _ = answer_all(stream, &answer).await;
            });
        }
    }
}

async fn answer_all(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut inbox = vec![0; READ_BYTES];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut inbox[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let head = http1::read_head(&inbox[..filled])
            .map_err(|error| io::Error::other(format!("not to be read: {}", error.0)))?;
        let whole = head.map(|head| head.length + head.body_length);
        if whole == Some(filled) {
            stream.write_all(answer).await?;
            filled = 0;
        } else if filled == inbox.len() || whole.is_some_and(|whole| whole < filled) {
            return Err(io::Error::other("too long, or more than one request"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(pieces: &[&str], answered: bool) {
        let origin = Origin::bind().await.unwrap();
        let address = origin.address().unwrap();
        let serving = tokio::spawn(origin.serve());
        let mut client = TcpStream::connect(address).await.unwrap();
        for piece in pieces {
            client.write_all(piece.as_bytes()).await.unwrap();
            client.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = vec![0; 1024];
        let length = client.read(&mut answer).await.unwrap_or(0);
        assert_eq!(length > 0, answered, "{pieces:?}");
        if answered {
            let head = http1::read_head(&answer[..length]).unwrap().unwrap();
            assert_eq!((head.status, head.body_length), (200, BODY.len()));
            assert_eq!(&answer[head.length..length], BODY);
        }
        serving.abort();
    }

    #[tokio::test]
    async fn whole_requests_are_answered_and_others_end_the_connection() {
        check(&["GET / HTTP/1.1\r\nHost: a\r\n\r\n"], true).await;
        check(&["GET / HTT", "P/1.1\r\n\r\n"], true).await;
        check(
            &["POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "abc"],
            true,
        )
        .await;
        check(
            &["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"],
            false,
        )
        .await;
        check(&["GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"], false).await;
    }
}
