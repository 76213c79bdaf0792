//! How much is measured, as variables of the environment say.

use anyhow::bail;
use std::time::Duration;

/// How much is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Turns of each contestant.
    pub rounds: usize,
    /// What is measured of a turn.
    pub window: Duration,
    /// What is not, before.
    pub warm_up: Duration,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// The only workloads that are measured; none: all.
    pub workloads: Vec<String>,
    /// The only targets that are measured; none: all.
    pub targets: Vec<String>,
    /// Whether the curves are measured, too.
    pub curves: bool,
    /// Whether missing peers are installed.
    pub install: bool,
}

// === impl Settings ===

impl Settings {
    /// What variables say:
    ///
    /// | variable | usual | means |
    /// |---|---|---|
    /// | `BENCH_ROUNDS` | 5 | turns of each contestant |
    /// | `BENCH_SECONDS` | 2 | what is measured of a turn |
    /// | `BENCH_CONNECTIONS` | 64 | connections |
    /// | `BENCH_ONLY` | all | workloads, by commas |
    /// | `BENCH_TARGETS` | all | targets, by commas |
    /// | `BENCH_CURVES` | 1 | 0 leaves the curves out |
    /// | `BENCH_INSTALL` | 1 | 0 installs nothing |
    ///
    /// # Errors
    /// A value that is no number, or out of bounds.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let number = |name: &str, usual: u32, min: u32, max: u32| -> anyhow::Result<u32> {
            let Some(text) = variable(name) else {
                return Ok(usual);
            };
            match text.trim().parse() {
                Ok(number) if (min..=max).contains(&number) => Ok(number),
                _ => bail!("{name} is {text:?}, which is not a number from {min} to {max}"),
            }
        };
        let names = |name: &str| -> Vec<String> {
            let text = variable(name).unwrap_or_default();
            let names = text.split(',').map(str::trim);
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Ok(Self {
            rounds: number("BENCH_ROUNDS", 5, 1, 100)? as usize,
            window: Duration::from_secs(number("BENCH_SECONDS", 2, 1, 600)?.into()),
            warm_up: Duration::from_millis(500),
            connections: number("BENCH_CONNECTIONS", 64, 1, 1000)? as usize,
            workloads: names("BENCH_ONLY"),
            targets: names("BENCH_TARGETS"),
            curves: number("BENCH_CURVES", 1, 0, 1)? == 1,
            install: number("BENCH_INSTALL", 1, 0, 1)? == 1,
        })
    }

    /// Whether this workload is measured.
    #[must_use]
    pub fn wants_workload(&self, name: &str) -> bool {
        wants(&self.workloads, name)
    }

    /// Whether this target is measured.
    #[must_use]
    pub fn wants_target(&self, name: &str) -> bool {
        wants(&self.targets, name)
    }
}

fn wants(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|wanted| wanted == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_defaults_and_bounds() {
        let read = |rounds: Option<&str>| {
            Settings::read(|name| {
                let rounds = rounds.map(str::to_owned);
                rounds.filter(|_| name == "BENCH_ROUNDS")
            })
        };
        for (text, expected) in [
            (None, Some(5)),
            (Some("1"), Some(1)),
            (Some(" 7 "), Some(7)),
            (Some("100"), Some(100)),
            (Some("101"), None),
            (Some("0"), None),
            (Some("x"), None),
            (Some(""), None),
        ] {
            let found = read(text).ok().map(|settings| settings.rounds);
            assert_eq!(found, expected, "{text:?}");
        }
        let usual = read(None).unwrap();
        assert_eq!(usual.connections, 64);
        assert!(usual.curves && usual.install);
    }

    #[test]
    fn only_what_is_named_is_measured() {
        let read = |text: &str| {
            Settings::read(|name| (name == "BENCH_ONLY").then(|| text.to_owned())).unwrap()
        };
        for (text, name, expected) in [
            ("", "pass", true),
            ("pass, key", "pass", true),
            ("pass, key", "key", true),
            ("pass,key", "sign", false),
            (",", "sign", true),
        ] {
            assert_eq!(read(text).wants_workload(name), expected, "{text} {name}");
        }
        assert!(read("pass").wants_target("nginx"));
    }
}
