//! The kinds of work: what is asked, through which door of the measured process, how.

use crate::load::{Credentials, Recipe};

/// A door of a measured process: what it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// Forwards.
    Pass,
    /// API key, two limits, request id, version.
    Key,
    /// The same, and an HMAC over the body.
    Sign,
    /// A bearer token, verified each time.
    Jwt,
    /// A bearer token, verified once.
    JwtCached,
    /// Forwards, with TLS.
    Tls,
    /// Forwards, with HTTP/2 and no TLS.
    Http2,
    /// What is signed and what is not, by its path.
    Mixed,
}

/// How a process understands signatures and refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As Tidegate.
    Ours,
    /// As the configurations under `peers/`.
    Peers,
}

/// What carries a workload's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Kept connections.
    Kept,
    /// Kept connections with TLS.
    Tls,
    /// A connection with TLS for each request.
    Handshakes,
    /// HTTP/2.
    Http2,
    /// Kept connections, while so many others wait.
    BesideIdle(usize),
}

/// In how many of the rounds it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// In all: something is decided by it.
    Thorough,
    /// In a third.
    Brief,
    /// In a few: it takes long, and what it tells is hardly disturbed.
    Rare,
}

/// One kind of work.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What results call it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// Where it is asked.
    pub door: Door,
    /// What carries it.
    pub carrier: Carrier,
    /// Connections, where not the usual number.
    pub connections: Option<usize>,
    /// Keys that the edge knows; only the edge is filled with so many.
    pub keys: Option<u32>,
    /// How often it is measured.
    pub effort: Effort,
    mix: &'static [Ask],
}

/// One request of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Pass,
    PassPost,
    Key,
    ManyKeys(u32),
    Sign,
    SignGet,
    Jwt,
    JwtCached,
    OneJwt,
    OneJwtCached,
    BadKey,
    Exhausted,
    Large,
}

const BODY_BYTES: usize = 1024;

/// Idle connections of `many`.
pub const IDLE: usize = 10_000;

/// Every kind of work, in the order of the report.
#[must_use]
pub fn all() -> Vec<Workload> {
    use Ask::{
        BadKey, Exhausted, Jwt, JwtCached, Key, Large, ManyKeys, OneJwt, OneJwtCached, Pass,
        PassPost, Sign, SignGet,
    };
    let of = Workload::of;
    vec![
        of("pass", "GET, forwarded", Door::Pass, &[Pass]),
        of(
            "pass-post",
            "POST of 1 KiB, forwarded",
            Door::Pass,
            &[PassPost],
        ),
        of(
            "key",
            "GET: API key, two limits, request id, version",
            Door::Key,
            &[Key],
        ),
        of(
            "sign",
            "POST of 1 KiB: the same and an HMAC over the body",
            Door::Sign,
            &[Sign],
        ),
        of("sign-get", "GET: the same, signed", Door::Sign, &[SignGet]).effort(Effort::Brief),
        of(
            "jwt",
            "GET: 1,000 tokens of RS256, verified each time",
            Door::Jwt,
            &[Jwt],
        ),
        of(
            "jwt-cached",
            "GET: 1,000 tokens of RS256, verified once",
            Door::JwtCached,
            &[JwtCached],
        ),
        of(
            "jwt-one",
            "GET: one token of RS256, verified each time",
            Door::Jwt,
            &[OneJwt],
        )
        .effort(Effort::Brief),
        of(
            "jwt-one-cached",
            "GET: one token of RS256, verified once",
            Door::JwtCached,
            &[OneJwtCached],
        )
        .effort(Effort::Brief),
        of(
            "refuse",
            "GET: bad key and empty bucket in turn",
            Door::Key,
            &[BadKey, Exhausted],
        ),
        of(
            "refuse-key",
            "GET: an unknown key, refused with 401",
            Door::Key,
            &[BadKey],
        )
        .effort(Effort::Brief),
        of(
            "refuse-429",
            "GET: an empty bucket, refused with 429",
            Door::Key,
            &[Exhausted],
        )
        .effort(Effort::Brief),
        of(
            "tls",
            "GET over kept TLS 1.3 connections",
            Door::Tls,
            &[Pass],
        )
        .carried(Carrier::Tls),
        of(
            "tls-handshakes",
            "a full TLS 1.3 handshake and one GET each",
            Door::Tls,
            &[Pass],
        )
        .carried(Carrier::Handshakes)
        .connections(32)
        .effort(Effort::Brief),
        of(
            "h2",
            "GET by HTTP/2, 8 connections with 8 streams",
            Door::Http2,
            &[Pass],
        )
        .carried(Carrier::Http2)
        .connections(8),
        of(
            "large",
            "POST: 1 MiB up and 1 MiB down",
            Door::Pass,
            &[Large],
        )
        .connections(8),
        of(
            "mixed",
            "a day in small: of 20 requests 12 with a key, 4 signed, 1 signed GET, 3 refused",
            Door::Mixed,
            &[
                Key, Key, Key, Sign, Key, Key, Key, Sign, BadKey, Key, SignGet, Key, Key, Sign,
                Key, Exhausted, Key, Sign, Key, BadKey,
            ],
        )
        .effort(Effort::Brief),
        of(
            "many",
            "GET while 10,000 other connections wait",
            Door::Pass,
            &[Pass],
        )
        .carried(Carrier::BesideIdle(IDLE))
        .effort(Effort::Rare),
        of(
            "many-keys-100k",
            "`key` with 100,000 keys",
            Door::Key,
            &[ManyKeys(100_000)],
        )
        .knowing(100_000),
        of(
            "many-keys-1m",
            "`key` with 1,000,000 keys",
            Door::Key,
            &[ManyKeys(1_000_000)],
        )
        .knowing(1_000_000),
    ]
}

/// The kind of work of this name.
#[must_use]
pub fn find(name: &str) -> Option<Workload> {
    all().into_iter().find(|workload| workload.name == name)
}

// === impl Workload ===

impl Workload {
    /// Over kept connections, in all rounds.
    fn of(name: &'static str, summary: &'static str, door: Door, mix: &'static [Ask]) -> Self {
        Self {
            name,
            summary,
            door,
            carrier: Carrier::Kept,
            connections: None,
            keys: None,
            effort: Effort::Thorough,
            mix,
        }
    }

    fn carried(self, carrier: Carrier) -> Self {
        Self { carrier, ..self }
    }

    fn connections(self, count: usize) -> Self {
        Self {
            connections: Some(count),
            ..self
        }
    }

    fn knowing(self, keys: u32) -> Self {
        Self {
            keys: Some(keys),
            effort: Effort::Rare,
            ..self
        }
    }

    fn effort(self, effort: Effort) -> Self {
        Self { effort, ..self }
    }

    /// What is asked of a process that understands this dialect, in turn.
    #[must_use]
    pub fn recipes(&self, dialect: Dialect) -> Vec<Recipe> {
        self.mix.iter().map(|ask| ask.recipe(dialect)).collect()
    }

    /// Whether no peer is set up for it: none is filled with keys by the million.
    #[must_use]
    pub const fn is_ours_alone(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether it asks with an empty bucket.
    #[must_use]
    pub fn exhausts(&self) -> bool {
        self.mix.contains(&Ask::Exhausted)
    }
}

// === impl Ask ===

impl Ask {
    fn recipe(self, dialect: Dialect) -> Recipe {
        const KEY: &str = "/api/v1/products";
        const SIGN: &str = "/api/v1/orders";
        let ours = dialect == Dialect::Ours;
        let signature = if ours {
            Credentials::Signature
        } else {
            Credentials::PeerSignature
        };
        match self {
            Self::Pass => Recipe::get("/pass", Credentials::None),
            Self::PassPost => Recipe::post("/pass", Credentials::None, BODY_BYTES),
            Self::Key => Recipe::get(KEY, Credentials::Key),
            Self::ManyKeys(count) => Recipe::get(KEY, Credentials::KeyOf(count)),
            Self::Sign => Recipe::post(SIGN, signature, BODY_BYTES),
            Self::SignGet => Recipe::get(SIGN, signature),
            Self::Jwt => Recipe::get("/api/v1/jwt", Credentials::Token),
            Self::JwtCached => Recipe::get("/api/v1/jwt-cached", Credentials::Token),
            Self::OneJwt => Recipe::get("/api/v1/jwt", Credentials::OneToken),
            Self::OneJwtCached => Recipe::get("/api/v1/jwt-cached", Credentials::OneToken),
            // Ours name the request in every answer; the peers as far as they are able to.
            Self::BadKey => Recipe::get(KEY, Credentials::UnknownKey).refused(401, ours),
            Self::Exhausted => Recipe::get(KEY, Credentials::ExhaustedKey).refused(429, ours),
            Self::Large => Recipe::large(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_workload_has_its_own_name_and_something_to_ask() {
        let mut names = HashSet::new();
        for workload in all() {
            assert!(names.insert(workload.name), "{} twice", workload.name);
            for dialect in [Dialect::Ours, Dialect::Peers] {
                assert!(!workload.recipes(dialect).is_empty(), "{}", workload.name);
            }
        }
        // What readers of results.json look for.
        for name in [
            "pass",
            "pass-post",
            "key",
            "sign",
            "jwt",
            "jwt-cached",
            "refuse",
            "tls",
            "h2",
            "large",
            "mixed",
            "many",
        ] {
            assert!(find(name).is_some(), "{name}");
        }
        assert!(find("no-such").is_none());
    }

    #[test]
    fn mixed_is_what_it_says_it_is() {
        let mixed = find("mixed").unwrap();
        let count = |ask| mixed.mix.iter().filter(|&&one| one == ask).count();
        assert_eq!(mixed.mix.len(), 20);
        assert_eq!(count(Ask::Key), 12);
        assert_eq!(count(Ask::Sign), 4);
        assert_eq!(count(Ask::SignGet), 1);
        assert_eq!(count(Ask::BadKey) + count(Ask::Exhausted), 3);
    }

    #[test]
    fn refusals_are_expected_where_they_are_asked_for() {
        for (name, expected) in [("refuse", vec![401, 429]), ("key", vec![200])] {
            let recipes = find(name).unwrap().recipes(Dialect::Ours);
            let found: Vec<u16> = recipes.iter().map(|one| one.expects.status).collect();
            assert_eq!(found, expected, "{name}");
            assert!(recipes.iter().all(|one| one.expects.request_id), "{name}");
        }
    }
}
