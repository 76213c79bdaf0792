//! The contract of a filter (architecture, section 4).
//!
//! A filter is one decision about a request: immutable, shared by every request of a plan, fed with
//! views of heads and chunks of bodies, recording edits. It cannot tell which lane it runs in.
//!
//! Two ways with a body: *read it* (in [`Filter::on_request`], whole, bounded, before an upstream is
//! chosen) to decide; *watch it* (in [`Filter::on_request_body`], chunk by chunk, on its way).

use crate::env::Env;
use crate::exchange::{BoxFuture, Client, Exchange, Outcome};
use crate::head::{Head, ResponseHead};
use crate::reply::Reply;
use bytes::Bytes;
use std::fmt;
use std::ops::BitOr;

/// Go on, or stop with this reply.
pub type Verdict = Result<(), Box<Reply>>;

/// Most filters know at once; the few that must wait say so.
pub enum Step<'a> {
    /// Decided.
    Done(Verdict),
    /// Decided when the future ends.
    Wait(BoxFuture<'a, Verdict>),
}

/// One decision about a request.
pub trait Filter: Send + Sync {
    /// The head is complete; nothing was forwarded.
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        let _ = (x, client);
        Step::CONTINUE
    }

    /// The request goes to the upstream: edits go to `x.upstream`.
    ///
    /// # Errors
    /// The reply to give instead.
    fn on_upstream_request(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        let _ = (x, head);
        Ok(())
    }

    /// A piece of the request's body on its way; an empty piece means nothing yet.
    ///
    /// # Errors
    /// The reply to give instead, if no head was sent yet; else the stream is cut.
    fn on_request_body(&self, x: &mut Exchange, chunk: &mut Bytes, end: bool) -> Verdict {
        let _ = (x, chunk, end);
        Ok(())
    }

    /// A head goes to the client, the upstream's or our own: edits go to `x.response`. Called in
    /// reverse order, for the filters that were entered.
    fn on_response(&self, x: &mut Exchange, head: &ResponseHead<'_>) {
        let _ = (x, head);
    }

    /// A piece of the response's body on its way, in reverse order.
    fn on_response_body(&self, x: &mut Exchange, chunk: &mut Bytes, end: bool) {
        let _ = (x, chunk, end);
    }

    /// The exchange has ended, well or not. In reverse order, for every filter of the chain, also
    /// for those that the request did not come to.
    fn on_log(&self, x: &mut Exchange, outcome: &Outcome<'_>) {
        let _ = (x, outcome);
    }

    /// Which bodies to hand over chunk by chunk, if any.
    fn watches(&self) -> Bodies {
        Bodies::NONE
    }
}

/// Which bodies a filter watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bodies {
    /// The request's.
    pub request: bool,
    /// The response's.
    pub response: bool,
}

/// What a filter needs of those above it in a chain, and gives to those below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts(u8);

/// How a filter comes to be.
pub trait Build: Filter + Sized + 'static {
    /// Its name in YAML.
    const NAME: &'static str;
    /// One line for the table of filters.
    const SUMMARY: &'static str;
    /// Its configuration; unknown fields are refused.
    type Config: for<'de> serde::Deserialize<'de> + Send + Sync + 'static;

    /// What must be given above it.
    fn needs(config: &Self::Config) -> Facts {
        let _ = config;
        Facts::NONE
    }

    /// What it gives to those below.
    fn gives(config: &Self::Config) -> Facts {
        let _ = config;
        Facts::NONE
    }

    /// Warnings of this configuration: an id (`unbound-signature-scheme`) and a sentence.
    fn warnings(config: &Self::Config) -> Vec<(&'static str, String)> {
        let _ = config;
        Vec::new()
    }

    /// Makes the filter.
    ///
    /// # Errors
    /// What is wrong with the configuration, field by field.
    fn build(config: &Self::Config, env: &Env) -> Result<Self, BuildError>;
}

/// A configuration that can be read and yet makes no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// The field that is wrong; empty for the whole.
    pub field: &'static str,
    /// What is wrong, in lower case, without a full stop.
    pub problem: String,
    /// What to do; may be empty.
    pub hint: String,
}

// === impl Step ===

impl Step<'_> {
    /// Go on.
    pub const CONTINUE: Self = Self::Done(Ok(()));
}

// === impl Bodies ===

impl Bodies {
    /// Neither.
    pub const NONE: Self = Self {
        request: false,
        response: false,
    };
    /// The request's.
    pub const REQUEST: Self = Self {
        request: true,
        response: false,
    };
    /// The response's.
    pub const RESPONSE: Self = Self {
        request: false,
        response: true,
    };
}

// === impl Facts ===

impl Facts {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The request was found clean.
    pub const HYGIENE: Self = Self(1);
    /// Somebody showed a key.
    pub const CLAIM: Self = Self(1 << 1);
    /// The caller is proved.
    pub const PRINCIPAL: Self = Self(1 << 2);
    /// The API version is known.
    pub const VERSION: Self = Self(1 << 3);

    /// Whether all of `other` is here.
    #[must_use]
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What of `other` is missing here.
    #[must_use]
    pub const fn missing(self, other: Self) -> Self {
        Self(other.0 & !self.0)
    }

    /// The facts' names, for people.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        [
            (Self::HYGIENE, "a clean request"),
            (Self::CLAIM, "an API key"),
            (Self::PRINCIPAL, "a proved caller"),
            (Self::VERSION, "an API version"),
        ]
        .into_iter()
        .filter(|(fact, _)| self.contain(*fact))
        .map(|(_, name)| name)
        .collect()
    }
}

impl BitOr for Facts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

// === impl BuildError ===

impl BuildError {
    /// A field that is wrong, and what to do.
    #[must_use]
    pub fn new(field: &'static str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for BuildError {}
