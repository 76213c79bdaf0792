//! The configuration of `rate_limit`.

use crate::filter::BuildError;
use crate::limits::POLICY_NAME_LENGTH_MAX;
use crate::quota::{Policies, is_name};
use crate::units::Rate;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;

const DEFAULT_NAME: &str = "address";

/// The configuration of `rate_limit`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whose requests are counted together.
    pub by: By,
    /// By address: the limit's name; limits of the same name are one limit.
    pub name: Option<String>,
    /// By address: policies in the order of the file.
    pub policies: Policed,
    /// By address: failed authentications.
    pub failures: Option<Rate>,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Those of one proved caller.
    #[default]
    Caller,
    /// Those of one address, IPv6 by /64.
    Address,
}

/// Policies as they are written: a map whose order is kept, and in which no name is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policed(pub Vec<(String, Rate)>);

impl Config {
    /// The limits of callers are their tiers'; what is said here would hold for nobody.
    pub(super) fn refuse_for_callers(&self) -> Result<(), BuildError> {
        let by_address = |field, given: bool| {
            let problem = format!("{field} is for a limit by address");
            let hint = "add `by: address`; what callers may do stands under `tiers`";
            if given {
                Err(BuildError::new(field, problem, hint))
            } else {
                Ok(())
            }
        };
        by_address("name", self.name.is_some())?;
        by_address("policies", !self.policies.0.is_empty())?;
        by_address("failures", self.failures.is_some())
    }

    pub(super) fn name(&self) -> Result<&str, BuildError> {
        let name = self.name.as_deref().unwrap_or(DEFAULT_NAME);
        if is_name(name) {
            return Ok(name);
        }
        Err(BuildError::new(
            "name",
            format!(
                "the name {name:?} is not 1 to {POLICY_NAME_LENGTH_MAX} letters, digits, hyphens, underscores or dots"
            ),
            "",
        ))
    }

    pub(super) fn policies(&self) -> Result<Option<Policies>, BuildError> {
        if self.policies.0.is_empty() {
            return Ok(None);
        }
        match Policies::new(self.policies.0.clone().into()) {
            Ok(policies) => Ok(Some(policies)),
            Err(error) => Err(BuildError::new("policies", error.to_string(), "")),
        }
    }
}

impl<'de> Deserialize<'de> for Policed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Policed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("policies with their rates, such as { burst: 100/min }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Policed, A::Error> {
                let mut policies = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    policies.push(entry);
                }
                Ok(Policed(policies))
            }
        }
        deserializer.deserialize_map(Map)
    }
}
