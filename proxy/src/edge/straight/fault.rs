//! What ends an exchange of the lane before its answer is through.

use super::super::wire::AnswerFault;
use filters::reply::{Reason, Reply};
use std::io;

/// What ends an exchange before its answer is through.
pub(super) enum Fault {
    /// To be answered so, if no answer has begun; else the connection is cut.
    Reply(Box<Reply>),
    /// The client has left, or takes nothing any more.
    Gone(String),
    /// The upstream's connection ended or broke before its answer: another attempt may be better.
    Broken(String),
}

// === impl Fault ===

impl Fault {
    /// The client left.
    pub(super) fn gone(error: &io::Error) -> Self {
        Self::Gone(format!("the client left: {error}"))
    }

    /// The upstream's answer is none.
    pub(super) fn bad_answer(note: impl Into<String>) -> Self {
        let reply = Reply::refuse(Reason::BadUpstreamAnswer);
        Self::Reply(reply.noting(note.into()))
    }

    /// The upstream said nothing for too long, or all together took too long.
    pub(super) fn upstream_timeout(note: &str) -> Self {
        Self::Reply(Reply::refuse(Reason::UpstreamTimeout).noting(note.to_owned()))
    }

    /// The client's body did not come in time.
    pub(super) fn request_timeout() -> Self {
        Self::Reply(Reply::refuse(Reason::RequestTimeout).closing())
    }

    /// The client's body is faulty.
    pub(super) fn body(reason: Reason) -> Self {
        Self::Reply(Reply::refuse(reason).closing())
    }

    /// The reply to give while nothing was answered; `None` when nobody is there to hear it.
    pub(super) fn reply(self) -> Result<Box<Reply>, String> {
        match self {
            Self::Reply(reply) => Ok(reply),
            Self::Broken(note) => Ok(Reply::refuse(Reason::BadUpstreamAnswer).noting(note)),
            Self::Gone(note) => Err(note),
        }
    }

    /// For the log.
    pub(super) fn note(&self) -> Option<&str> {
        match self {
            Self::Reply(reply) => reply.note.as_deref(),
            Self::Gone(note) | Self::Broken(note) => Some(note),
        }
    }
}

impl From<AnswerFault> for Fault {
    fn from(fault: AnswerFault) -> Self {
        Self::bad_answer(format!("the upstream's answer: {}", fault.reason()))
    }
}
