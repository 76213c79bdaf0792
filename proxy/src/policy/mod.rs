//! What was meant: names resolved, values typed, defaults filled in, contradictions refused.
//!
//! A file that can be read may still not make sense: a route to an upstream that does not exist, a rate
//! limit above what proves the caller, an admin listener that everybody can reach. All of that is found
//! here, with the file's own mistakes in the same report, each at its place. What is let through can
//! run: every filter was built once already (see [`rehearsal`]).

mod chains;
mod judge;
pub mod limits;
mod listeners;
pub mod pattern;
mod rehearsal;
mod routes;
mod settings;
mod site;
mod upstreams;
mod values;

pub use chains::{Chain, Step};
pub use routes::Route;
pub use values::{
    Balance, Budget, Connections, Keys, Lane, Listener, Memory, Protocol, Settings, TlsFiles,
    Upstream,
};

use crate::config::{self, Mistake, Mistakes, Report, Severity, Tree};
use filters::env::Site;
use filters::filter::BuildError;
use judge::Judge;
use std::sync::Arc;

/// A policy: complete, and free of contradictions.
pub struct Policy {
    /// Where to listen.
    pub listeners: Vec<Listener>,
    /// What the process needs beside routes and chains.
    pub settings: Settings,
    /// What more than one filter needs.
    pub site: Arc<Site>,
    /// What a chain may cost.
    pub budget: Budget,
    /// The services behind.
    pub upstreams: Vec<Upstream>,
    /// The chains; routes tell their index.
    pub chains: Vec<Chain>,
    /// The chain for what no route wants: an index into the chains.
    pub unrouted: usize,
    /// Which request goes where.
    pub routes: Vec<Route>,
    tree: Arc<Tree>,
}

/// A policy, and what somebody should know about it.
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// What is allowed and yet unwise; empty for most.
    pub warnings: Report,
}

/// Reads the text of a policy file and makes sense of it; `name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(name: &str, text: &str) -> Result<Loaded, Report> {
    let config::Salvage { raw, mistakes } = config::salvage(name, text)?;
    let mut judge = Judge::new(&raw, mistakes);
    let hosts = listeners::hosts(&mut judge);
    let listeners = listeners::listeners(&mut judge);
    let settings = settings::settings(&mut judge, &listeners);
    let budget = settings::budget(&mut judge);
    let site = Arc::new(site::site(&mut judge, hosts));
    let upstreams = upstreams::upstreams(&mut judge, &listeners);
    let chains = chains::chains(&mut judge, &site);
    let routes = routes::routes(&mut judge, &site, &upstreams, &chains);
    let (chains, unrouted) = chains::unrouted(&mut judge, chains, &routes);
    let Judge {
        mistakes, warnings, ..
    } = judge;
    if !mistakes.is_empty() {
        return Err(raw.tree.report(mistakes, Severity::Error));
    }
    let warnings = raw.tree.report(warnings, Severity::Warning);
    let tree = raw.tree;
    let upstreams = upstreams
        .into_iter()
        .map(|upstream| upstream.value)
        .collect();
    let policy = Policy {
        listeners,
        settings,
        budget,
        site,
        upstreams,
        chains,
        unrouted,
        routes,
        tree,
    };
    Ok(Loaded { policy, warnings })
}

// === impl Policy ===

impl Policy {
    /// A report of mistakes that came to light after loading.
    #[must_use]
    pub fn report(&self, mistakes: Mistakes) -> Report {
        self.tree.report(mistakes, Severity::Error)
    }

    /// What a filter says against its configuration, at its place.
    #[must_use]
    pub fn unbuilt(&self, step: &Step, error: &BuildError) -> Mistake {
        match &step.place {
            Some(place) => chains::unbuilt(&self.tree, place, error),
            None => Mistake::of_file(format!("`{}`: {error}", step.prepared.name)),
        }
    }
}

#[cfg(test)]
mod tests;
