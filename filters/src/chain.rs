//! Filters in the order of the policy file.
//!
//! Requests pass downwards, responses upwards; the exchange remembers how far down the request came,
//! so that a reply passes exactly the filters that were entered.

use crate::exchange::{Client, Exchange, Outcome};
use crate::filter::{Bodies, Filter, Step, Verdict};
use crate::head::{Head, ResponseHead};
use crate::limits::CHAIN_FILTERS_MAX;
use bytes::Bytes;

/// One filter in its place.
pub struct Link {
    /// The filter's name in YAML.
    pub name: &'static str,
    /// The filter.
    pub filter: Box<dyn Filter>,
}

/// Filters in the order of the policy file.
pub struct Chain {
    links: Box<[Link]>,
    watches: Bodies,
}

/// More filters than [`CHAIN_FILTERS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

// === impl Chain ===

impl Chain {
    /// Filters in their order.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn new(links: Vec<Link>) -> Result<Self, TooLong> {
        if links.len() > CHAIN_FILTERS_MAX {
            return Err(TooLong);
        }
        let mut watches = Bodies::NONE;
        for link in &links {
            let seen = link.filter.watches();
            watches.request |= seen.request;
            watches.response |= seen.response;
        }
        Ok(Self {
            links: links.into(),
            watches,
        })
    }

    /// Which bodies the chain watches.
    #[must_use]
    pub const fn watches(&self) -> Bodies {
        self.watches
    }

    /// The filters' names in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.links.iter().map(|link| link.name)
    }

    /// Judges a request.
    ///
    /// # Errors
    /// The reply of the first filter that refuses.
    pub async fn on_request(&self, x: &mut Exchange, client: &mut dyn Client) -> Verdict {
        for link in &self.links {
            x.depth += 1;
            match link.filter.on_request(x, client) {
                Step::Done(verdict) => verdict?,
                Step::Wait(future) => future.await?,
            }
        }
        Ok(())
    }

    /// Lets every filter edit the head that goes upstream.
    ///
    /// # Errors
    /// The reply of the first filter that refuses.
    pub fn on_upstream_request(&self, x: &mut Exchange, head: &Head<'_>) -> Verdict {
        for link in self.entered(x) {
            link.filter.on_upstream_request(x, head)?;
        }
        Ok(())
    }

    /// Shows a piece of the request's body to the filters that watch it.
    ///
    /// # Errors
    /// The reply of the first filter that refuses.
    pub fn on_request_body(&self, x: &mut Exchange, chunk: &mut Bytes, end: bool) -> Verdict {
        for link in self.entered(x) {
            link.filter.on_request_body(x, chunk, end)?;
        }
        Ok(())
    }

    /// Lets the filters that were entered edit the head that goes to the client, in reverse.
    pub fn on_response(&self, x: &mut Exchange, head: &ResponseHead<'_>) {
        for link in self.entered(x).iter().rev() {
            link.filter.on_response(x, head);
        }
    }

    /// Shows a piece of the response's body, in reverse.
    pub fn on_response_body(&self, x: &mut Exchange, chunk: &mut Bytes, end: bool) {
        for link in self.entered(x).iter().rev() {
            link.filter.on_response_body(x, chunk, end);
        }
    }

    /// Tells every filter how it ended, in reverse: also those that the request did not come to, for
    /// what was refused above the log must not be missing from it.
    pub fn on_log(&self, x: &mut Exchange, outcome: &Outcome<'_>) {
        for link in self.links.iter().rev() {
            link.filter.on_log(x, outcome);
        }
    }

    fn entered(&self, x: &Exchange) -> &[Link] {
        &self.links[..usize::from(x.depth).min(self.links.len())]
    }
}
