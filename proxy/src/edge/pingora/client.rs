//! The client's side of an exchange, as filters see it.

use super::super::account::Hold;
use super::super::collect::{Collected, too_large};
use super::super::message::Connection;
use super::fields::view;
use ::pingora::proxy::Session;
use bytes::Bytes;
use filters::exchange::{BoxFuture, Client};
use filters::head::Head;
use filters::reply::{Reason, Reply};
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use tokio::time::{Instant, timeout_at};

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
        Self {
            session,
            connection,
            collected: Collected::held_by(hold),
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
        self.collected.keep_within(&chunk, self.collected_max)?;
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
