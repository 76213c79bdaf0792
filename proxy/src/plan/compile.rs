//! From what was meant to what runs.

use super::router::{Entry, Router};
use super::{Plan, Route};
use crate::config::{Mistakes, Report};
use crate::policy::{self, Policy};
use filters::chain::{Chain, Link};
use filters::env::Env;
use filters::exchange::RouteFacts;
use std::sync::Arc;

/// The filter that answers CORS preflights.
const CORS: &str = "cors";

/// Makes the plan of a policy. Every chain is built once and shared by its routes; the filters get
/// `env`, with the site of this policy.
///
/// # Errors
/// What filters say against their configuration. Loading has asked them already, so this is rare: a
/// filter that looks at its surroundings.
pub fn compile(policy: &Policy, env: &Env) -> Result<Plan, Report> {
    let mut env = env.clone();
    env.site = Arc::clone(&policy.site);
    let mut mistakes = Mistakes::new();
    let chains: Vec<Option<Arc<Chain>>> = policy
        .chains
        .iter()
        .map(|written| chain(policy, written, &env, &mut mistakes))
        .collect();
    let built = |index: usize| chains.get(index).cloned().flatten();
    let routes: Option<Vec<Route>> = policy
        .routes
        .iter()
        .map(|written| Some(route(written, built(written.chain)?)))
        .collect();
    let (Some(routes), Some(unrouted)) = (routes, built(policy.unrouted)) else {
        return Err(policy.report(mistakes));
    };
    let entries: Vec<Entry<'_>> = policy
        .routes
        .iter()
        .map(|route| Entry {
            pattern: &route.pattern,
            methods: &route.methods,
            hosts: &route.hosts,
            preflights: policy.chains[route.chain].has(CORS),
        })
        .collect();
    if !mistakes.is_empty() {
        return Err(policy.report(mistakes));
    }
    let settings = &policy.settings;
    Ok(Plan {
        listeners: policy.listeners.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        connections: settings.connections,
        drain: settings.drain,
        lane: settings.lane,
        collected_max: settings.memory.collected,
        documentation: policy.site.documentation.clone(),
        router: Router::new(&entries),
        routes,
        upstreams: policy.upstreams.clone(),
        unrouted,
    })
}

fn chain(
    policy: &Policy,
    written: &policy::Chain,
    env: &Env,
    mistakes: &mut Mistakes,
) -> Option<Arc<Chain>> {
    let mut links = Vec::with_capacity(written.steps.len());
    let mut whole = true;
    for step in &written.steps {
        match step.prepared.build(env) {
            Ok(filter) => links.push(Link {
                name: step.prepared.name,
                filter,
            }),
            Err(error) => {
                whole = false;
                mistakes.add(policy.unbuilt(step, &error));
            }
        }
    }
    let chain = Chain::new(links).expect("the policy bounds the filters of a chain");
    whole.then(|| Arc::new(chain))
}

fn route(written: &policy::Route, chain: Arc<Chain>) -> Route {
    Route {
        facts: Arc::new(RouteFacts {
            name: Arc::clone(&written.name),
            body_max: written.body_max,
            keep_authorization: written.keep_authorization,
            version: written.version.clone(),
        }),
        chain,
        upstream: written.upstream,
        timeout: written.timeout,
    }
}

#[cfg(test)]
mod tests;
