//! Pingora's errors as replies.

use super::super::message::Connection;
use ::pingora::{Error, ErrorSource, ErrorType};
use filters::reply::{Reason, Reply};

/// What to answer to an error that ended an exchange; `None` when nobody is there to hear it.
pub(super) fn reply(error: &Error, connection: &Connection) -> Option<Box<Reply>> {
    if let Some(reason) = connection.fault() {
        // The gate's stream found the body faulty, whatever Pingora made of it.
        return Some(Reply::refuse(reason).closing().noting(error.to_string()));
    }
    match error.esource() {
        ErrorSource::Upstream => Some(upstream(error)),
        ErrorSource::Downstream => downstream(error),
        ErrorSource::Internal | ErrorSource::Unset => Some(
            Reply::refuse(Reason::Internal)
                .closing()
                .noting(error.to_string()),
        ),
    }
}

fn upstream(error: &Error) -> Box<Reply> {
    let reason = match error.etype() {
        ErrorType::ConnectTimedout
        | ErrorType::ConnectRefused
        | ErrorType::ConnectNoRoute
        | ErrorType::ConnectError
        | ErrorType::BindError
        | ErrorType::SocketError
        | ErrorType::TLSHandshakeFailure
        | ErrorType::TLSHandshakeTimedout => Reason::NoUpstream,
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => Reason::UpstreamTimeout,
        _ => Reason::BadUpstreamAnswer,
    };
    let reply = Reply::refuse(reason).noting(error.to_string());
    match reason {
        Reason::NoUpstream => reply.retry_after(1),
        _ => reply,
    }
}

fn downstream(error: &Error) -> Option<Box<Reply>> {
    match error.etype() {
        ErrorType::ReadTimedout => Some(
            Reply::refuse(Reason::RequestTimeout)
                .closing()
                .noting(error.to_string()),
        ),
        ErrorType::WriteError
        | ErrorType::WriteTimedout
        | ErrorType::ReadError
        | ErrorType::ConnectionClosed
        | ErrorType::ConnectError
        | ErrorType::H2Error => None,
        _ => Some(
            Reply::refuse(Reason::MalformedHeader)
                .closing()
                .noting(error.to_string()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filters::exchange::Scheme;

    #[test]
    fn each_error_has_its_answer() {
        let peer = ([127, 0, 0, 1], 1).into();
        let connection = Connection::new(peer, Scheme::Http);
        let status = |error: Box<Error>| reply(&error, &connection).map(|reply| reply.status);
        for (error, expected) in [
            (Error::new_up(ErrorType::ConnectRefused), Some(503)),
            (Error::new_up(ErrorType::ConnectTimedout), Some(503)),
            (Error::new_up(ErrorType::ReadTimedout), Some(504)),
            (Error::new_up(ErrorType::InvalidHTTPHeader), Some(502)),
            (Error::new_up(ErrorType::ConnectionClosed), Some(502)),
            (Error::new_down(ErrorType::ConnectionClosed), None),
            (Error::new_down(ErrorType::ReadTimedout), Some(408)),
            (Error::new_in(ErrorType::InternalError), Some(500)),
        ] {
            let text = error.to_string();
            assert_eq!(status(error), expected, "{text}");
        }
    }
}
