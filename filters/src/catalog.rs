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
    build: Box<dyn Fn(&Env) -> Result<Box<dyn Filter>, BuildError> + Send + Sync>,
}

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
    crate::builtin::headers::Headers,
}
