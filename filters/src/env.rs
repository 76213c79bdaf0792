//! What a filter may ask for: nothing else of the world reaches it.

use crate::clock::Clock;
use crate::key::{KeyHash, KeyRecord};
use crate::quota::Quotas;
use crate::replay::ReplayCache;
use crate::units::Rate;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a filter may ask for. Made once per plan; the stores in it outlive every plan.
#[derive(Clone)]
pub struct Env {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Key records in memory.
    pub keys: Arc<dyn Keys>,
    /// What has been used of every limit.
    pub quotas: Arc<Quotas>,
    /// Signatures that were accepted within their window.
    pub replays: Arc<ReplayCache>,
    /// Where access log lines go.
    pub log: Arc<dyn LogSink>,
    /// Files that the configuration names.
    pub texts: Arc<dyn Texts>,
    /// Facts of the policy file that more than one filter needs.
    pub site: Arc<Site>,
}

/// Facts of the policy file that more than one filter needs.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Hosts that are served, in lower case, without a port; empty: any.
    pub hosts: Vec<String>,
    /// The tiers: each with its policies in the order of the file; `None`: unlimited.
    pub tiers: BTreeMap<String, Option<PolicyList>>,
    /// The API versions.
    pub versions: Vec<VersionFacts>,
    /// The base of documentation links, without a slash at the end.
    pub documentation: String,
}

/// Policies of one tier: each a name and a rate.
pub type PolicyList = Arc<[(String, Rate)]>;

/// One API version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFacts {
    /// Its name: `1`.
    pub name: Arc<str>,
    /// Served when the request names none.
    pub current: bool,
    /// When it was deprecated, Unix seconds.
    pub deprecated_s: Option<u64>,
    /// When it ends, Unix seconds.
    pub sunset_s: Option<u64>,
    /// The migration guide.
    pub guide: Option<String>,
    /// The name of the version that follows.
    pub successor: Option<Arc<str>>,
}

/// Key records in memory.
pub trait Keys: Send + Sync {
    /// Finds a key by its hash.
    fn find(&self, hash: &KeyHash) -> Lookup;
}

/// What a look-up found.
pub enum Lookup {
    /// This record.
    Found(Arc<KeyRecord>),
    /// No such key.
    Unknown,
    /// The records are not loaded: fail closed.
    NotReady,
}

/// Where access log lines go. It never blocks; what it cannot take it counts.
pub trait LogSink: Send + Sync {
    /// Writes one line: `fill` puts it, without a line end, into a buffer of the sink's own.
    fn line(&self, fill: &mut dyn FnMut(&mut Vec<u8>));
}

/// Files that the configuration names, such as public keys. They are asked for only while a filter is
/// built, so that a new plan sees what they hold by then.
pub trait Texts: Send + Sync {
    /// The text behind a reference (`file:PATH`).
    ///
    /// # Errors
    /// Why there is none, in lower case, without a full stop.
    fn read(&self, reference: &str) -> Result<String, String>;
}
