//! How much is measured, as variables of the environment say.

use anyhow::bail;
use std::time::Duration;

/// What is not measured of a turn, before: thousands of requests.
const WARM_UP: Duration = Duration::from_millis(250);

/// How much is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rounds, in which everybody who is compared takes a turn.
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
    /// | `BENCH_ROUNDS` | 15 | rounds; who is not compared sits out two of three |
    /// | `BENCH_SECONDS` | 0.5 | what is measured of a turn |
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
        let window = match variable("BENCH_SECONDS") {
            None => Duration::from_millis(500),
            Some(text) => match text.trim().parse() {
                Ok(seconds) if (0.1..=600.0).contains(&seconds) => Duration::from_secs_f64(seconds),
                _ => bail!("BENCH_SECONDS is {text:?}, which is not a number from 0.1 to 600"),
            },
        };
        Ok(Self {
            rounds: number("BENCH_ROUNDS", 15, 1, 100)? as usize,
            window,
            warm_up: WARM_UP.min(window),
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
            (None, Some(15)),
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
        assert!(usual.warm_up <= usual.window);
    }

    #[test]
    fn seconds_have_parts() {
        for (text, expected) in [
            ("0.5", Some(500)),
            (" 2 ", Some(2000)),
            ("0.1", Some(100)),
            ("0.09", None),
            ("600", Some(600_000)),
            ("600.1", None),
            ("NaN", None),
            ("", None),
        ] {
            let read = Settings::read(|name| (name == "BENCH_SECONDS").then(|| text.to_owned()));
            let found = read.ok().map(|settings| settings.window.as_millis());
            assert_eq!(found, expected, "{text:?}");
        }
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
