//! How an upstream's answer is framed (RFC 9112, section 6.3).
//!
//! An upstream that contradicts itself is refused rather than interpreted: two lengths, a length beside
//! a transfer coding, a body behind a status without one (hardening, A42).

use super::fault::AnswerFault;
use super::framing::{Announced, BodyFields, ConnectionOptions};
use super::response::ResponseHead;

/// How an answer's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBody {
    /// There is none, whatever the fields say: 1xx, 204, 304, or an answer to HEAD.
    None,
    /// As many bytes as `Content-Length` says, perhaps 0.
    Length(u64),
    /// Chunks.
    Chunked,
    /// All bytes until the upstream closes; whether they are all cannot be known.
    UntilClose,
}

/// What an answer's head says about its message and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseFraming {
    /// The body.
    pub body: AnswerBody,
    /// Whether this is an interim answer (1xx), which another one follows.
    pub is_interim: bool,
    /// What `Connection` lists.
    pub connection: ConnectionOptions,
    /// Whether the upstream keeps the connection after this exchange.
    pub is_persistent: bool,
}

/// Reads the framing of an answer to a request of this method off its head.
///
/// # Errors
/// [`AnswerFault::UnaskedSwitch`], [`AnswerFault::ForbiddenBody`], [`AnswerFault::Framing`].
pub fn response_framing(
    head: &ResponseHead<'_>,
    method: &str,
) -> Result<ResponseFraming, AnswerFault> {
    if head.status == 101 {
        return Err(AnswerFault::UnaskedSwitch);
    }
    let mut fields = BodyFields::default();
    let mut connection = ConnectionOptions::default();
    for field in head.fields.raw() {
        if field.is("connection") {
            connection
                .take(field.value())
                .map_err(AnswerFault::Framing)?;
        } else {
            fields.take(field);
        }
    }
    let announced = fields
        .announced(head.version)
        .map_err(AnswerFault::Framing)?;
    let is_interim = head.status < 200;
    let body = match announced {
        // RFC 9110, section 8.6, forbids the length here; 0 does no harm, and is common on 204.
        Announced::Nothing | Announced::Length(0) if is_interim || head.status == 204 => {
            AnswerBody::None
        }
        _ if is_interim || head.status == 204 => return Err(AnswerFault::ForbiddenBody),
        // Here the fields tell of the answer that GET would have had.
        _ if head.status == 304 || method == "HEAD" => AnswerBody::None,
        Announced::Nothing => AnswerBody::UntilClose,
        Announced::Length(length) => AnswerBody::Length(length),
        Announced::Chunked => AnswerBody::Chunked,
    };
    Ok(ResponseFraming {
        body,
        is_interim,
        connection,
        is_persistent: connection.is_persistent(head.version) && body != AnswerBody::UntilClose,
    })
}
