//! Finds the route of a request: by host, then by path, then by method.
//!
//! The path decides before the method: of all patterns that meet it the most exact one is taken,
//! segment by segment from the left (literal before capture before tail), and only its methods count;
//! another method is 405 with `Allow`. Where GET is allowed, so is HEAD (RFC 9110, section 9.3.2). A
//! route that names hosts goes before one of the same pattern that names none. Bytes are compared as
//! they came; only the host's case does not count. Nothing is allocated.

use crate::policy::limits::PATTERN_SEGMENTS_MAX;
use crate::policy::pattern::{Pattern, Segment};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;

/// Bytes of a host that can have routes of its own.
const HOST_BYTES_MAX: usize = 255;

/// What a router found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This route, by the plan's index.
    Route(usize),
    /// The path exists, for other methods.
    WrongMethod {
        /// The `Allow` line.
        allow: Arc<str>,
        /// The route whose chain answers a CORS preflight, if the method is OPTIONS.
        preflight: Option<usize>,
    },
    /// No route has this path.
    Nothing,
}

/// One route, as far as finding it is concerned.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The path.
    pub pattern: &'a Pattern,
    /// The methods.
    pub methods: &'a [&'static str],
    /// The hosts, in lower case; empty: any.
    pub hosts: &'a [String],
    /// Its chain answers CORS preflights.
    pub preflights: bool,
}

/// Finds routes.
pub struct Router {
    /// What is met on a host that has no routes of its own.
    elsewhere: Table,
    /// By host in lower case: its own routes, and those of any host.
    hosts: HashMap<Box<[u8]>, Table, RandomState>,
}

/// The patterns of one host, as a tree of their segments.
#[derive(Default)]
struct Table {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    /// Sorted, for halving.
    literals: Vec<(Box<[u8]>, usize)>,
    capture: Option<usize>,
    /// What a tail here means.
    tail: Option<Leaf>,
    /// What the end of the path here means.
    end: Option<Leaf>,
}

/// The methods of one pattern.
#[derive(Default)]
struct Leaf {
    /// Which route each method leads to.
    methods: Vec<(&'static str, usize)>,
    allow: Arc<str>,
    preflight: Option<usize>,
}

// === impl Router ===

impl Router {
    /// A router of these routes; a route is known by its place in the list. Where two routes claim one
    /// method of one path on one host, the first has it.
    #[must_use]
    pub fn new(entries: &[Entry<'_>]) -> Self {
        let mut names: Vec<&String> = entries.iter().flat_map(|entry| entry.hosts).collect();
        names.sort_unstable();
        names.dedup();
        let hosts = names.into_iter().map(|host| {
            (
                host.as_bytes().into(),
                Table::new(entries, |entry| entry.hosts.contains(host)),
            )
        });
        Self {
            hosts: hosts.collect(),
            elsewhere: Table::new(entries, |_| false),
        }
    }

    /// The route of a host (without port), a raw path (without query) and a method.
    #[must_use]
    pub fn find(&self, host: &[u8], path: &[u8], method: &str) -> Found {
        let leaf = path
            .strip_prefix(b"/")
            .and_then(|path| self.table(host).find(path));
        leaf.map_or(Found::Nothing, |leaf| leaf.judge(method))
    }

    fn table(&self, host: &[u8]) -> &Table {
        if self.hosts.is_empty() {
            return &self.elsewhere;
        }
        let mut lower = [0; HOST_BYTES_MAX];
        let Some(lower) = lower.get_mut(..host.len()) else {
            return &self.elsewhere;
        };
        lower.copy_from_slice(host);
        lower.make_ascii_lowercase();
        self.hosts.get(&*lower).unwrap_or(&self.elsewhere)
    }
}

// === impl Table ===

impl Table {
    /// The patterns of those entries that are `own`, and then of those of any host.
    fn new(entries: &[Entry<'_>], own: impl Fn(&Entry<'_>) -> bool) -> Self {
        let mut table = Self {
            nodes: vec![Node::default()],
        };
        let numbered = || entries.iter().enumerate();
        let of_host = numbered().filter(|(_, entry)| own(entry));
        let of_any = numbered().filter(|(_, entry)| entry.hosts.is_empty());
        for (route, entry) in of_host.chain(of_any) {
            table.add(route, entry);
        }
        table
            .nodes
            .iter_mut()
            .flat_map(|node| [&mut node.tail, &mut node.end])
            .for_each(|leaf| {
                if let Some(leaf) = leaf {
                    leaf.close();
                }
            });
        table
    }

    fn add(&mut self, route: usize, entry: &Entry<'_>) {
        let mut at = 0;
        for segment in entry.pattern.segments() {
            at = match segment {
                Segment::Literal(text) => self.literal(at, text.as_bytes()),
                Segment::Capture(_) => self.capture(at),
                Segment::Tail => {
                    self.nodes[at]
                        .tail
                        .get_or_insert_default()
                        .add(route, entry);
                    return;
                }
            };
        }
        self.nodes[at].end.get_or_insert_default().add(route, entry);
    }

    fn literal(&mut self, at: usize, text: &[u8]) -> usize {
        let next = self.nodes.len();
        let literals = &mut self.nodes[at].literals;
        match literals.binary_search_by(|(known, _)| (**known).cmp(text)) {
            Ok(index) => return literals[index].1,
            Err(index) => literals.insert(index, (text.into(), next)),
        }
        self.nodes.push(Node::default());
        next
    }

    fn capture(&mut self, at: usize) -> usize {
        let next = self.nodes.len();
        let known = *self.nodes[at].capture.get_or_insert(next);
        if known == next {
            self.nodes.push(Node::default());
        }
        known
    }

    fn find(&self, path: &[u8]) -> Option<&Leaf> {
        self.descend(0, path, 0)
    }

    /// The leaf that `path`, from the begin of a segment, leads to. Each node is met at most once, for
    /// its depth tells the segment: the cost is bounded by the table, whatever the path.
    fn descend(&self, at: usize, path: &[u8], depth: usize) -> Option<&Leaf> {
        let node = &self.nodes[at];
        // A pattern has no more segments; what is deeper can only be a tail's.
        if depth < PATTERN_SEGMENTS_MAX {
            let (segment, rest) = match path.iter().position(|&byte| byte == b'/') {
                Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
                None => (path, None),
            };
            let found = node
                .literals
                .binary_search_by(|(known, _)| (**known).cmp(segment));
            let literal = found.ok().map(|index| node.literals[index].1);
            let capture = node.capture.filter(|_| !segment.is_empty());
            for next in [literal, capture].into_iter().flatten() {
                let leaf = match rest {
                    Some(rest) => self.descend(next, rest, depth + 1),
                    None => self.nodes[next].end.as_ref(),
                };
                if leaf.is_some() {
                    return leaf;
                }
            }
        }
        node.tail.as_ref()
    }
}

// === impl Leaf ===

impl Leaf {
    fn add(&mut self, route: usize, entry: &Entry<'_>) {
        for &method in entry.methods {
            if !self.methods.iter().any(|(known, _)| *known == method) {
                self.methods.push((method, route));
            }
        }
        if entry.preflights {
            self.preflight.get_or_insert(route);
        }
    }

    /// Adds what follows from the methods once all of them are known.
    fn close(&mut self) {
        let route_of = |leaf: &Self, method: &str| {
            leaf.methods
                .iter()
                .find(|(known, _)| *known == method)
                .map(|(_, route)| *route)
        };
        if let (Some(route), None) = (route_of(self, "GET"), route_of(self, "HEAD")) {
            self.methods.push(("HEAD", route));
        }
        let mut names: Vec<&str> = self.methods.iter().map(|(method, _)| *method).collect();
        if self.preflight.is_some() && !names.contains(&"OPTIONS") {
            names.push("OPTIONS");
        }
        names.sort_unstable();
        self.allow = names.join(", ").into();
    }

    fn judge(&self, method: &str) -> Found {
        if let Some((_, route)) = self.methods.iter().find(|(known, _)| *known == method) {
            return Found::Route(*route);
        }
        Found::WrongMethod {
            allow: Arc::clone(&self.allow),
            preflight: self.preflight.filter(|_| method == "OPTIONS"),
        }
    }
}

#[cfg(test)]
mod tests;
