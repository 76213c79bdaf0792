//! Building a filter once, for nothing but what it says against its configuration.
//!
//! A filter may refuse at the last step, when it is built. So that this is in the same report as all
//! other mistakes, every filter is built at loading too, in a world where the clock stands still, no key
//! is known and nothing is logged. Only files are the real ones: what a chain's keys lack is to be told
//! before it runs. What was built is dropped.

use crate::config::Files;
use filters::catalog::Prepared;
use filters::clock::{Clock, Now};
use filters::env::{Env, Keys, LogSink, Lookup, Site};
use filters::filter::BuildError;
use filters::key::KeyHash;
use filters::quota::Quotas;
use filters::replay::ReplayCache;
use std::sync::Arc;

/// A world for building filters in.
pub(super) struct Rehearsal {
    env: Env,
}

/// The clock stands still, nobody is known, nothing is written.
struct Nowhere;

// === impl Rehearsal ===

impl Rehearsal {
    pub(super) fn new(site: &Arc<Site>) -> Self {
        let nowhere = Arc::new(Nowhere);
        Self {
            env: Env {
                clock: nowhere.clone(),
                keys: nowhere.clone(),
                quotas: Arc::new(Quotas::default()),
                replays: Arc::new(ReplayCache::default()),
                log: nowhere,
                texts: Arc::new(Files),
                site: Arc::clone(site),
            },
        }
    }

    /// Whether the filter can be built.
    pub(super) fn build(&self, prepared: &Prepared) -> Result<(), BuildError> {
        prepared.build(&self.env).map(drop)
    }
}

// === impl Nowhere ===

impl Clock for Nowhere {
    fn now(&self) -> Now {
        Now::default()
    }
}

impl Keys for Nowhere {
    fn find(&self, _: &KeyHash) -> Lookup {
        Lookup::NotReady
    }
}

impl LogSink for Nowhere {
    fn line(&self, _: &mut dyn FnMut(&mut Vec<u8>)) {}
}
