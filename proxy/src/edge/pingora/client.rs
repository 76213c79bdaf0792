//! The client's side of an exchange, as filters see it.

use super::super::account::Hold;
use super::super::limits::{GATHERED_BYTES, SMALL_PIECE_BYTES};
use super::super::message::Connection;
use super::fields::view;
use ::pingora::proxy::Session;
use bytes::{Bytes, BytesMut};
use filters::exchange::{BoxFuture, Client};
use filters::head::Head;
use filters::reply::{Detail, Reason, Reply};
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use tokio::time::{Instant, timeout_at};

/// What was read of a body before an upstream was chosen.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) chunks: Vec<Bytes>,
    pub(super) bytes: u64,
    /// The body was read to its end.
    pub(super) whole: bool,
    /// Small pieces, until they make a chunk.
    small: BytesMut,
    hold: Option<Hold>,
}

/// The client of one request.
pub(super) struct LaneClient<'a> {
    session: &'a mut Session,
    connection: &'a Connection,
    collected: Collected,
    /// Bytes of all collected bodies together.
    collected_max: u64,
    /// Bytes of this body, as the route says.
    body_max: u64,
    deadline: Instant,
}

// === impl Collected ===

impl Collected {
    /// Keeps a piece. A client may send its body byte by byte, and each byte by itself would cost
    /// fifty times what is accounted for it: small pieces are gathered.
    fn keep(&mut self, piece: &Bytes) {
        self.bytes += piece.len() as u64;
        if piece.len() >= SMALL_PIECE_BYTES {
            self.gather();
            self.chunks.push(piece.clone());
            return;
        }
        self.small.extend_from_slice(piece);
        if self.small.len() >= GATHERED_BYTES {
            self.gather();
        }
    }

    fn gather(&mut self) {
        if !self.small.is_empty() {
            let gathered = std::mem::take(&mut self.small);
            self.chunks.push(gathered.freeze());
        }
    }
}

// === impl LaneClient ===

impl<'a> LaneClient<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        connection: &'a Connection,
        hold: Hold,
        collected_max: u64,
        body_max: u64,
        deadline: Instant,
    ) -> Self {
        let collected = Collected {
            hold: Some(hold),
            ..Collected::default()
        };
        Self {
            session,
            connection,
            collected,
            collected_max,
            body_max,
            deadline,
        }
    }

    /// What was read, when the filters are done.
    pub(super) fn into_collected(mut self) -> Collected {
        self.collected.gather();
        self.collected
    }

    /// A body that was announced as empty, and whose end has not come: with HTTP/2 it may still turn out
    /// to be none (RFC 9113, section 8.1.1), and an upstream that hears of no body would not wait.
    pub(super) async fn settle_empty(&mut self) -> Result<(), Box<Reply>> {
        let head = self.session.req_header();
        let announced = head.headers.contains_key(CONTENT_LENGTH);
        if head.version == http::Version::HTTP_2
            && announced
            && announced_length(self.session) == Some(0)
        {
            while self.next().await?.is_some() {}
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Box<Reply>> {
        if self.collected.whole {
            return Ok(None);
        }
        if self.collected.bytes == 0 {
            if announced_length(self.session) > Some(self.body_max) {
                return Err(too_large(self.body_max));
            }
            proceed(self.session).await;
        }
        let read = timeout_at(
            self.deadline,
            self.session.downstream_session.read_request_body(),
        );
        let chunk = match read.await {
            Err(_) => return Err(Reply::refuse(Reason::RequestTimeout).closing()),
            Ok(Err(error)) => return Err(self.broken(&error)),
            Ok(Ok(chunk)) => chunk,
        };
        let Some(chunk) = chunk else {
            self.collected.whole = true;
            return Ok(None);
        };
        if self.collected.bytes + chunk.len() as u64 > self.body_max {
            return Err(too_large(self.body_max));
        }
        let grown = self.collected.hold.as_mut().is_none_or(|hold| {
            chunk.is_empty() || hold.grow(chunk.len() as u64, self.collected_max)
        });
        if !grown {
            return Err(Reply::refuse(Reason::MemoryPressure)
                .retry_after(1)
                .closing());
        }
        self.collected.keep(&chunk);
        Ok(Some(chunk))
    }

    /// A body that cannot be read on: the gate knows why, or HTTP/2 does.
    fn broken(&self, error: &::pingora::Error) -> Box<Reply> {
        let reason = self.connection.fault().unwrap_or(Reason::IncompleteBody);
        Reply::refuse(reason).closing().noting(error.to_string())
    }
}

impl Client for LaneClient<'_> {
    fn head(&self) -> Head<'_> {
        view(self.session.req_header())
    }

    fn announced_length(&self) -> Option<u64> {
        announced_length(self.session)
    }

    fn read<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Bytes>, Box<Reply>>> {
        Box::pin(self.next())
    }
}

/// The route's own limit, which holds whatever filters its chain has.
pub(super) fn too_large(limit: u64) -> Box<Reply> {
    Reply::refuse(Reason::BodyTooLarge).with_detail("limit", Detail::Number(limit))
}

/// The body's length if the client announced one; `Some(0)` when there is none.
pub(super) fn announced_length(session: &Session) -> Option<u64> {
    let head = session.req_header();
    if let Some(length) = head.headers.get(CONTENT_LENGTH) {
        return length.to_str().ok()?.parse().ok();
    }
    if head.version == http::Version::HTTP_2 {
        let done = session
            .downstream_session
            .as_http2()
            .is_some_and(|stream| stream.is_body_empty());
        return done.then_some(0);
    }
    (!head.headers.contains_key(TRANSFER_ENCODING)).then_some(0)
}

/// Answers `Expect: 100-continue`, now that somebody wants the body (RFC 9110, section 10.1.1).
pub(super) async fn proceed(session: &mut Session) {
    let head = session.req_header();
    if head.version == http::Version::HTTP_11 && head.headers.contains_key(EXPECT) {
        let _ = session.downstream_session.write_continue_response().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_in_small_pieces_is_kept_in_order_and_in_few_chunks() {
        for (length, piece) in [
            (1, 1),
            (100, 7),
            (100_000, 1),
            (100_000, SMALL_PIECE_BYTES - 1),
            (100_000, SMALL_PIECE_BYTES),
            (100_000, 70_000),
        ] {
            let body: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut collected = Collected::default();
            for piece in body.chunks(piece) {
                collected.keep(&Bytes::copy_from_slice(piece));
            }
            collected.gather();
            assert_eq!(collected.bytes, length as u64);
            assert_eq!(collected.chunks.concat(), body, "{length} {piece}");
            let most = length / SMALL_PIECE_BYTES.min(piece.max(GATHERED_BYTES)) + 1;
            assert!(collected.chunks.len() <= most, "{length} {piece}");
        }
    }

    #[test]
    fn small_pieces_stand_between_large_ones_where_they_came() {
        let mut collected = Collected::default();
        let large = vec![b'L'; SMALL_PIECE_BYTES];
        for piece in [b"a", &large[..], b"b", b"c", &large[..], b"d"] {
            collected.keep(&Bytes::copy_from_slice(piece));
        }
        collected.gather();
        let expected = [b"a", &large[..], b"bc", &large[..], b"d"].concat();
        assert_eq!(collected.chunks.concat(), expected);
        assert_eq!(collected.chunks.len(), 5);
    }
}
