//! The service behind the measured proxy: as lean as can be, so that the proxy is what is measured.
//!
//! Raw HTTP/1.1 on kept connections. A request is answered when it has arrived whole: with the same
//! JSON of 250 bytes in one write, or, below [`LARGE_PATH`], with [`large_body`]. A request that is not
//! framed by a length ends its connection.

use crate::http1;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The body of every answer.
pub const BODY: &[u8] = br#"{"id":"ord_0199b1c0","status":"confirmed","currency":"EUR","total":"1249.90","customer":"cus_00042","createdAt":"2026-01-01T00:00:00Z","items":[{"product":"prd_0007","quantity":2,"price":"499.95"},{"product":"prd_0011","quantity":5,"price":"50.00"}]}"#;

const _: () = assert!(BODY.len() == 250);

/// Where a large answer is given.
pub const LARGE_PATH: &str = "/large";

/// Bytes of a large body.
pub const LARGE_BYTES: usize = 1 << 20;

/// Bytes that are read at once: every head of the suite fits.
const READ_BYTES: usize = 64 * 1024;

/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(5);

/// A megabyte in which no stretch is like another.
#[must_use]
pub fn large_body() -> Arc<[u8]> {
    let mut state = 0x9e37_79b9_u32;
    let bytes = (0..LARGE_BYTES).map(|_| {
        // Marsaglia's xorshift: what was cut, doubled or moved is seen.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    });
    bytes.collect()
}

/// An origin that listens.
pub struct Origin {
    listener: TcpListener,
    answers: Arc<Answers>,
}

struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
}

// === impl Origin ===

impl Origin {
    /// An origin on a free port of the loopback address.
    ///
    /// # Errors
    /// When there is none.
    pub async fn bind() -> io::Result<Self> {
        let answer = |body: &[u8]| {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            );
            [head.as_bytes(), body].concat()
        };
        Ok(Self {
            listener: TcpListener::bind("127.0.0.1:0").await?,
            answers: Arc::new(Answers {
                small: answer(BODY),
                large: answer(&large_body()),
            }),
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
    pub async fn serve(self) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // No descriptor is left: whose turn it is has failed, and the next one goes on.
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let answers = Arc::clone(&self.answers);
            // A connection that breaks is the generator's to notice: its answer is missing.
            tokio::spawn(async move {
                let _ = answer_all(stream, &answers).await;
            });
        }
    }
}

async fn answer_all(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    let mut inbox = vec![0; READ_BYTES];
    loop {
        let Some((head, mut filled)) = read_whole_head(&mut stream, &mut inbox).await? else {
            return Ok(());
        };
        let large = is_large(&inbox);
        let mut missing = (head.length + head.body_length)
            .checked_sub(filled)
            .ok_or_else(|| io::Error::other("more than one request"))?;
        while missing > 0 {
            // What is read has no use; that it came has.
            let space = missing.min(inbox.len());
            filled = stream.read(&mut inbox[..space]).await?;
            if filled == 0 {
                return Ok(());
            }
            missing -= filled;
        }
        let answer = if large {
            &answers.large
        } else {
            &answers.small
        };
        stream.write_all(answer).await?;
    }
}

/// Reads until the head is whole; what was read so far may hold a part of the body. `None` at the end.
async fn read_whole_head(
    stream: &mut TcpStream,
    inbox: &mut [u8],
) -> io::Result<Option<(http1::Head, usize)>> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut inbox[filled..]).await?;
        if read == 0 {
            return Ok(None);
        }
        filled += read;
        let head = http1::read_head(&inbox[..filled])
            .map_err(|error| io::Error::other(format!("not to be read: {}", error.0)))?;
        if let Some(head) = head {
            return Ok(Some((head, filled)));
        }
        if filled == inbox.len() {
            return Err(io::Error::other("a head without an end"));
        }
    }
}

fn is_large(request: &[u8]) -> bool {
    let mut words = request.split(|&byte| byte == b' ');
    words
        .nth(1)
        .is_some_and(|path| path.starts_with(LARGE_PATH.as_bytes()))
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

    #[test]
    fn only_below_the_large_path_the_answer_is_large() {
        for (request, expected) in [
            ("GET /large HTTP/1.1", true),
            ("POST /large/a HTTP/1.1", true),
            ("GET /larg HTTP/1.1", false),
            ("/large", false),
            ("", false),
        ] {
            assert_eq!(is_large(request.as_bytes()), expected, "{request}");
        }
        assert_eq!(large_body().len(), LARGE_BYTES);
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
