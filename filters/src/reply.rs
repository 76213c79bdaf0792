//! What the edge answers by itself: a closed set of codes and reasons, and the one envelope.
//!
//! Shape and codes are the contract's, section 6 (FR-025). A [`Reply`] carries what the client may
//! know, and apart from it a note for the log. Only the lanes' `respond` turns it into bytes.

mod envelope;
mod json;
mod reason;

pub use envelope::{Body, Facts as EnvelopeFacts, render};
pub use reason::{ErrorCode, Reason};

use http::{HeaderName, HeaderValue};
use smallvec::SmallVec;
use std::borrow::Cow;

/// An answer of ours instead of the upstream's.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Why, from the closed list; `None` for an answer that is no error (a CORS preflight's 204).
    pub reason: Option<Reason>,
    /// One plain sentence for the client, without inner detail.
    pub message: Cow<'static, str>,
    /// Whole seconds after which the same request succeeds, when that can be known; never 0.
    pub retry_after_s: Option<u32>,
    /// More facts for the envelope's `details`, beside the reason.
    pub details: Vec<(&'static str, Detail)>,
    /// Field lines of this answer alone.
    pub fields: SmallVec<[(HeaderName, HeaderValue); 1]>,
    /// The cause, for the log only.
    pub note: Option<Cow<'static, str>>,
    /// Whether the connection ends after the answer because its framing is in doubt.
    pub close: bool,
}

/// One value of `details`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Text that is fixed in the program.
    Name(&'static str),
    /// Text.
    Text(String),
    /// A number.
    Number(u64),
}

// === impl Reply ===

impl Reply {
    /// A refusal for a reason, with the reason's own status and sentence.
    #[must_use]
    pub fn refuse(reason: Reason) -> Box<Self> {
        Box::new(Self {
            status: reason.status(),
            reason: Some(reason),
            message: Cow::Borrowed(reason.message()),
            retry_after_s: None,
            details: Vec::new(),
            fields: SmallVec::new(),
            note: None,
            close: false,
        })
    }

    /// An answer that is no error and has no body.
    #[must_use]
    pub fn empty(status: u16) -> Box<Self> {
        Box::new(Self {
            status,
            reason: None,
            message: Cow::Borrowed(""),
            retry_after_s: None,
            details: Vec::new(),
            fields: SmallVec::new(),
            note: None,
            close: false,
        })
    }

    /// The same with another sentence.
    #[must_use]
    pub fn saying(mut self: Box<Self>, message: impl Into<Cow<'static, str>>) -> Box<Self> {
        self.message = message.into();
        self
    }

    /// The same with another status of the same code.
    #[must_use]
    pub fn with_status(mut self: Box<Self>, status: u16) -> Box<Self> {
        self.status = status;
        self
    }

    /// The same with one detail more.
    #[must_use]
    pub fn with_detail(mut self: Box<Self>, name: &'static str, value: Detail) -> Box<Self> {
        self.details.push((name, value));
        self
    }

    /// The same with one field line more.
    #[must_use]
    pub fn with_field(mut self: Box<Self>, name: HeaderName, value: HeaderValue) -> Box<Self> {
        self.fields.push((name, value));
        self
    }

    /// The same with `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self: Box<Self>, seconds: u32) -> Box<Self> {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    /// The same with a cause for the log.
    #[must_use]
    pub fn noting(mut self: Box<Self>, note: impl Into<Cow<'static, str>>) -> Box<Self> {
        self.note = Some(note.into());
        self
    }

    /// The same, ending the connection after the answer.
    #[must_use]
    pub fn closing(mut self: Box<Self>) -> Box<Self> {
        self.close = true;
        self
    }
}
