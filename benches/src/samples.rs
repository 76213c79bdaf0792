//! What is measured by itself: every filter, and chains of the policies.

use crate::chains::{KEYS, Kind};
use serde_json::{Value, json};

/// One filter, as it is measured.
pub struct Sample {
    /// What it is called in tables.
    pub label: &'static str,
    /// Filters that have to stand above it.
    pub above: &'static [&'static str],
    /// Its name.
    pub name: &'static str,
    /// Its configuration.
    pub config: Value,
    /// What is asked.
    pub kind: Kind,
}

/// Every filter that can be measured by itself.
#[must_use]
pub fn filters() -> Vec<Sample> {
    let by_address = json!({"by": "address", "name": "edge", "policies": {"burst": "1000000000/min"}, "failures": "60/min"});
    let tokens = |cache| {
        let audience = ["https://api.example"];
        json!({"issuer": "https://issuer.example", "audience": audience, "keys": KEYS, "cache": cache})
    };
    let networks = json!({"allow": ["10.0.0.0/8", "192.0.2.0/24"]});
    let origins = json!({"origins": ["https://app.example.com"]});
    let none: &[&str] = &[];
    let signed = &["api_key"][..];
    let proved = &["api_key", "signature"][..];
    let list = vec![
        ("hygiene", none, "hygiene", json!({}), Kind::Get),
        ("request_id", none, "request_id", json!({}), Kind::Get),
        ("access_log", proved, "access_log", json!({}), Kind::Get),
        ("ip_allow", none, "ip_allow", networks, Kind::Get),
        ("cors", none, "cors", origins, Kind::GetFromPage),
        ("api_version", none, "api_version", json!({}), Kind::Get),
        ("body_limit", none, "body_limit", json!({}), Kind::Post),
        (
            "rate_limit, by address",
            none,
            "rate_limit",
            by_address,
            Kind::Get,
        ),
        ("api_key", none, "api_key", json!({}), Kind::Get),
        (
            "api_key, key-only",
            none,
            "api_key",
            json!({"proof": "key-only"}),
            Kind::Get,
        ),
        (
            "signature, GET, v1",
            signed,
            "signature",
            json!({}),
            Kind::Get,
        ),
        (
            "signature, POST 1 KiB, v1",
            signed,
            "signature",
            json!({}),
            Kind::Post,
        ),
        (
            "signature, POST 1 KiB, body",
            signed,
            "signature",
            json!({}),
            Kind::PostBodyTimestamp,
        ),
        (
            "jwt, remembered",
            none,
            "jwt",
            tokens("32MiB"),
            Kind::GetByToken,
        ),
        ("jwt, verified", none, "jwt", tokens("0B"), Kind::GetByToken),
        (
            "rate_limit, by caller",
            proved,
            "rate_limit",
            json!({}),
            Kind::Get,
        ),
        (
            "headers, security",
            none,
            "headers",
            json!({"security": true}),
            Kind::Get,
        ),
    ];
    list.into_iter()
        .map(|(label, above, name, config, kind)| Sample {
            label,
            above,
            name,
            config,
            kind,
        })
        .collect()
}

/// A chain, as it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Chained {
    /// What it is called in tables.
    pub label: &'static str,
    /// Whose it is.
    pub source: Source,
    /// The route that leads to it.
    pub route: &'static str,
    /// What is asked.
    pub kind: Kind,
}

/// A policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `conf/tidegate.yaml`.
    Shipped,
    /// `policies/edge.yaml`, under which the whole edge is measured.
    UnderLoad,
}

/// The chain of the workload `key`.
pub const KEY_CHAIN: Chained = Chained {
    label: "key chain, GET",
    source: Source::UnderLoad,
    route: "products",
    kind: Kind::GetByKey,
};

/// Every chain that is measured.
pub const CHAINS: [Chained; 4] = [
    KEY_CHAIN,
    Chained {
        label: "open chain, GET",
        source: Source::Shipped,
        route: "health",
        kind: Kind::Get,
    },
    Chained {
        label: "partner chain, GET, v1",
        source: Source::Shipped,
        route: "orders",
        kind: Kind::Get,
    },
    Chained {
        label: "partner chain, POST 1 KiB, v1",
        source: Source::Shipped,
        route: "orders",
        kind: Kind::Post,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chains::{Judged, PHASES, Stand};
    use filters::catalog::ENTRIES;

    #[test]
    fn every_filter_of_the_catalog_is_measured() {
        for entry in ENTRIES {
            let known = filters().iter().any(|sample| sample.name == entry.name);
            assert!(known, "{} is measured nowhere", entry.name);
        }
    }

    #[test]
    fn every_sample_and_every_chain_goes_through_all_phases() {
        for sample in filters() {
            let mut stand = Stand::new();
            let above: Vec<_> = sample
                .above
                .iter()
                .map(|name| stand.build(name, json!({})).unwrap())
                .collect();
            let filter = stand.build(sample.name, sample.config).unwrap();
            let mut cases = stand.cases(3, &above, sample.kind).unwrap();
            for phase in 0..PHASES.len() {
                let gone = stand.phase(phase, &Judged::Filter(&*filter), &mut cases);
                assert!(gone.is_ok(), "{}: {gone:?}", sample.label);
            }
        }
        for chained in CHAINS {
            let mut stand = Stand::new();
            let chain = stand.chain(&chained).unwrap();
            let mut cases = stand.cases(3, &[], chained.kind).unwrap();
            for phase in 0..PHASES.len() {
                let gone = stand.phase(phase, &Judged::Chain(&chain), &mut cases);
                assert!(gone.is_ok(), "{}: {gone:?}", chained.label);
            }
        }
    }

    #[test]
    fn a_chain_falls_into_the_filters_of_which_it_is_made() {
        let mut stand = Stand::new();
        let steps = stand.steps(&KEY_CHAIN).unwrap();
        let names: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.first(), Some(&"hygiene"));
        assert!(
            names.contains(&"api_key") && !names.contains(&"signature"),
            "{names:?}"
        );
    }
}
