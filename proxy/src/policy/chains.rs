//! The chains: every filter known, its configuration read, and what it needs given above it.

use super::judge::Judge;
use super::limits::CHAINS_MAX;
use super::rehearsal::Rehearsal;
use super::routes::Route;
use crate::config::{self, NodeId, Path, Span, hint};
use filters::catalog::{self, Prepared};
use filters::env::Site;
use filters::filter::{BuildError, Facts};
use filters::limits::CHAIN_FILTERS_MAX;
use serde::de::value::{Error as NoError, MapDeserializer};
use std::sync::Arc;

const ROOT: Path<'_> = Path::Root;

/// The filter that every chain begins with.
const HYGIENE: &str = "hygiene";

/// What judges a request that no route wants, where the file names no chain for that.
const UNROUTED: [&str; 3] = [HYGIENE, "request_id", "access_log"];

/// Filters in order.
pub struct Chain {
    /// Its name in the policy file.
    pub name: Arc<str>,
    /// The filters, `hygiene` first.
    pub steps: Vec<Step>,
    /// What the whole gives.
    pub gives: Facts,
    span: Span,
    /// A filter in it could not be read, so that little can be said of the whole.
    pub(super) broken: bool,
}

/// One filter in its place.
pub struct Step {
    /// The filter with its configuration.
    pub prepared: Prepared,
    /// Where it was written; `None` where it was put in by us.
    pub(crate) place: Option<Place>,
}

/// Where a filter was written.
pub(crate) struct Place {
    pub(crate) name: Span,
    pub(crate) config: NodeId,
    pub(crate) path: String,
}

// === impl Chain ===

impl Chain {
    /// Whether a filter of this name is in it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.prepared.name == name)
    }

    /// Whether it lets only proved callers through.
    #[must_use]
    pub fn proves(&self) -> bool {
        self.gives.contain(Facts::PRINCIPAL)
    }
}

/// The chains of the file.
pub(super) fn chains(judge: &mut Judge<'_>, site: &Arc<Site>) -> Vec<Chain> {
    let section = ROOT.field("chains");
    let raw = judge.raw;
    if let Some(chain) = raw.chains.get(CHAINS_MAX) {
        judge.count(chain.name.span, &section, raw.chains.len(), CHAINS_MAX);
    }
    let rehearsal = Rehearsal::new(site);
    let mut chains = Vec::new();
    for chain in &raw.chains {
        let path = section.field(&chain.name);
        judge.name(&chain.name, &path);
        judge.count(
            chain.name.span,
            &path,
            chain.filters.len(),
            CHAIN_FILTERS_MAX - 1,
        );
        chains.push(one(judge, chain, &rehearsal));
    }
    chains
}

fn one(judge: &mut Judge<'_>, written: &config::raw::Chain, rehearsal: &Rehearsal) -> Chain {
    let mut chain = Chain {
        name: written.name.as_str().into(),
        steps: Vec::new(),
        gives: Facts::NONE,
        span: written.name.span,
        broken: false,
    };
    if written
        .filters
        .first()
        .is_none_or(|first| first.name.value != HYGIENE)
    {
        chain.steps.extend(usual(HYGIENE));
        chain.gives = chain
            .steps
            .iter()
            .fold(Facts::NONE, |gives, step| gives | step.prepared.gives);
    }
    for (index, filter) in written.filters.iter().enumerate() {
        let at = Path::At(&filter.path);
        if index > 0 && filter.name.value == HYGIENE {
            let found = "`hygiene` below other filters";
            let hint = "move it to the top, or leave it out: it is then put there";
            judge.wrong(filter.name.span, &at, found, "`hygiene` first", hint);
        }
        let before = judge.mistakes.count();
        let Some(prepared) = prepare(judge, filter) else {
            chain.broken = true;
            continue;
        };
        if !chain.broken && !chain.gives.contain(prepared.needs) {
            misplaced(judge, written, filter, chain.gives.missing(prepared.needs));
        }
        chain.gives = chain.gives | prepared.gives;
        let place = Place {
            name: filter.name.span,
            config: filter.config,
            path: filter.path.clone(),
        };
        // What is made of half a configuration says nothing of the whole.
        if judge.mistakes.count() == before {
            for (id, sentence) in &prepared.warnings {
                judge.warn(
                    filter.name.span,
                    &at,
                    sentence.clone(),
                    format!("known as `{id}`"),
                );
            }
            if let Err(error) = rehearsal.build(&prepared) {
                judge.mistakes.add(unbuilt(&judge.raw.tree, &place, &error));
            }
        }
        chain.steps.push(Step {
            prepared,
            place: Some(place),
        });
    }
    chain
}

/// A filter of the catalog with its configuration; `None` was said to be wrong.
fn prepare(judge: &mut Judge<'_>, filter: &config::raw::Filter) -> Option<Prepared> {
    let known = catalog::ENTRIES.iter().map(|entry| entry.name);
    if !known.clone().any(|name| name == filter.name.value) {
        let hint = hint::did_you_mean(&filter.name, known);
        let found = format!("the unknown filter `{}`", filter.name);
        judge.wrong(
            filter.name.span,
            &Path::At(&filter.path),
            found,
            "a known one",
            hint,
        );
        return None;
    }
    let tree = &judge.raw.tree;
    let path = Path::At(&filter.path);
    tree.salvage(filter.config, &path, &mut judge.mistakes, |reader| {
        catalog::prepare(&filter.name, reader).unwrap_or(Err(config::Wrong::Reported))
    })
}

/// Says that a filter stands above what it needs, or without it.
fn misplaced(
    judge: &mut Judge<'_>,
    chain: &config::raw::Chain,
    filter: &config::raw::Filter,
    missing: Facts,
) {
    let names = missing.names().join(" and ");
    let gives = |name: &str| usual(name).is_some_and(|step| step.prepared.gives.contain(missing));
    let below = chain
        .filters
        .iter()
        .find(|other| other.name.span.start > filter.name.span.start && gives(&other.name));
    let hint = match below {
        Some(below) => format!("move it below `{}`", below.name),
        None => {
            let givers = catalog::ENTRIES
                .iter()
                .map(|entry| entry.name)
                .filter(|name| gives(name));
            hint::list(givers).map(|list| format!("put above it what gives that: {list}"))
        }
        .unwrap_or_default(),
    };
    let found = format!("`{}`, which needs {names}", filter.name);
    let expected = "a filter above it that gives this";
    judge.wrong(
        filter.name.span,
        &Path::At(&filter.path),
        found,
        expected,
        hint,
    );
}

/// A filter with its usual configuration, if there is one of this name that needs none.
fn usual(name: &str) -> Option<Step> {
    let nothing = MapDeserializer::<_, NoError>::new(std::iter::empty::<(&str, &str)>());
    let prepared = catalog::prepare(name, nothing)?.ok()?;
    Some(Step {
        prepared,
        place: None,
    })
}

/// What a filter says against its configuration, at the field that it names.
pub(crate) fn unbuilt(tree: &config::Tree, place: &Place, error: &BuildError) -> config::Mistake {
    let at = Path::At(&place.path);
    let field = tree.field(place.config, error.field);
    let (span, path) = match field {
        Some(field) => (tree.span(field), at.field(error.field)),
        None => (place.name, at),
    };
    config::Mistake::new(span, &path, error.problem.clone()).hint(error.hint.clone())
}

/// The chains with the one for what no route wants, and where that is. Says which chains nobody uses.
pub(super) fn unrouted(
    judge: &mut Judge<'_>,
    mut chains: Vec<Chain>,
    routes: &[Route],
) -> (Vec<Chain>, usize) {
    let section = ROOT.field("chains");
    let named = judge.raw.file.unrouted.as_ref();
    let names = || chains.iter().map(|chain| &*chain.name);
    let index =
        named.and_then(|name| judge.refer("chains", name, &ROOT.field("unrouted"), names()));
    for (at, chain) in chains.iter().enumerate() {
        let used = index == Some(at) || routes.iter().any(|route| route.chain == at);
        if !used {
            let found = format!("the chain `{}`, which no route uses", chain.name);
            judge.warn(chain.span, &section.field(&chain.name), found, "");
        }
    }
    let index = index.unwrap_or_else(|| {
        let steps: Vec<Step> = UNROUTED.into_iter().filter_map(usual).collect();
        let gives = steps
            .iter()
            .fold(Facts::NONE, |gives, step| gives | step.prepared.gives);
        let name = "unrouted".into();
        chains.push(Chain {
            name,
            steps,
            gives,
            span: Span::NOWHERE,
            broken: false,
        });
        chains.len() - 1
    });
    (chains, index)
}
