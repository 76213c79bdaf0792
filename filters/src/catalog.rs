//! The one list of built-in filters: a name and a configuration become a filter.

use crate::env::Env;
use crate::filter::{Build, BuildError, Facts, Filter};
use serde::Deserializer;

/// A filter whose configuration was read: what it needs and gives is known, and it can be built.
pub struct Prepared {
    /// Its name in YAML.
    pub name: &'static str,
    /// What must be given above it.
    pub needs: Facts,
    /// What it gives to those below.
    pub gives: Facts,
    /// Warnings of its configuration: an id and a sentence.
    pub warnings: Vec<(&'static str, String)>,
    build: Box<Make>,
}

type Make = dyn Fn(&Env) -> Result<Box<dyn Filter>, BuildError> + Send + Sync;

/// One line of the table of filters.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The filter's name in YAML.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
}

// === impl Prepared ===

impl Prepared {
    /// Makes the filter.
    ///
    /// # Errors
    /// What is wrong with its configuration.
    pub fn build(&self, env: &Env) -> Result<Box<dyn Filter>, BuildError> {
        (self.build)(env)
    }

    fn of<'de, F: Build, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let config = <F::Config as serde::Deserialize>::deserialize(deserializer)?;
        Ok(Self {
            name: F::NAME,
            needs: F::needs(&config),
            gives: F::gives(&config),
            warnings: F::warnings(&config),
            build: Box::new(move |env| Ok(Box::new(F::build(&config, env)?))),
        })
    }
}

macro_rules! catalog {
    ($($filter:ty,)*) => {
        /// Every built-in filter, in the order in which a chain commonly has them.
        pub const ENTRIES: &[Entry] = &[
            $(Entry { name: <$filter as Build>::NAME, summary: <$filter as Build>::SUMMARY },)*
        ];

        /// Reads the configuration of the filter called `name`; `None` when there is no such filter.
        ///
        /// # Errors
        /// The deserializer's.
        pub fn prepare<'de, D: Deserializer<'de>>(
            name: &str,
            #[allow(unused_variables, reason = "an empty catalog uses none")] config: D,
        ) -> Option<Result<Prepared, D::Error>> {
            match name {
                $(<$filter as Build>::NAME => Some(Prepared::of::<$filter, D>(config)),)*
                _ => None,
            }
        }
    };
}

catalog! {
    crate::builtin::hygiene::Hygiene,
    crate::builtin::request_id::RequestIds,
    crate::builtin::access_log::AccessLog,
    crate::builtin::ip_allow::IpAllow,
    crate::builtin::cors::Cors,
    crate::builtin::api_version::ApiVersion,
    crate::builtin::body_limit::BodyLimit,
    crate::builtin::api_key::ApiKey,
    crate::builtin::signature::Signature,
    crate::builtin::jwt::Jwt,
    crate::builtin::rate_limit::RateLimit,
    crate::builtin::headers::Headers,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::HashSet;

    #[test]
    fn every_filter_has_its_own_name_and_stands_below_hygiene() {
        let mut names = HashSet::new();
        for (at, entry) in ENTRIES.iter().enumerate() {
            assert!(names.insert(entry.name), "{} twice", entry.name);
            assert!(!entry.summary.ends_with('.'), "{}", entry.name);
            assert_eq!(entry.name == "hygiene", at == 0, "{}", entry.name);
            // `cors` alone cannot be told from nothing.
            let config = match entry.name {
                "cors" => json!({"origins": ["*"]}),
                _ => json!({}),
            };
            let Some(Ok(prepared)) = prepare(entry.name, config) else {
                continue;
            };
            assert_eq!(prepared.name, entry.name);
            let below = prepared.needs.contain(Facts::HYGIENE);
            assert_eq!(below, at != 0, "{}", entry.name);
        }
        assert!(prepare("no_such_filter", Value::Null).is_none());
    }

    #[test]
    fn a_field_that_no_filter_knows_is_refused() {
        for entry in ENTRIES {
            let read = prepare(entry.name, json!({"no_such_field": 1}));
            assert!(read.is_some_and(|read| read.is_err()), "{}", entry.name);
        }
    }
}
