//! What the rows have to come to: ratios of CPU a request, all of one run, and a few figures that
//! stand for themselves.

use super::find;
use crate::results::Row;

/// A figure of Tidegate's, and what it must not exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Our workload.
    pub workload: &'static str,
    /// What is compared.
    pub measure: Measure,
    /// With what.
    pub bound: Bound,
}

/// A figure of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// CPU microseconds of a request.
    Cpu,
    /// The latency that 99 % of the answers keep.
    P99,
    /// Answers a second; more is better.
    Rate,
    /// Bytes for each key.
    BytesEach,
    /// Nanoseconds of a look-up from hot caches.
    LookupHot,
    /// Nanoseconds of a look-up from cold caches.
    LookupCold,
}

/// A bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// So many times this target's figure for this workload.
    Times(f64, &'static str, &'static str),
    /// So many times the best of the peers for the same workload.
    TimesBest(f64),
    /// This figure.
    Fixed(f64),
}

/// What came of a goal.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Reached: the ratio, or figure.
    Reached(f64),
    /// Missed: the ratio, or figure.
    Missed(f64),
    /// Not measured, or nothing to compare with.
    Unknown,
}

/// The peers, of whom the best counts.
const PEERS: [&str; 4] = ["nginx", "haproxy", "envoy", "pingap"];

/// Whose figures must reach the goals.
const OURS: &str = "tidegate";

const fn cpu(workload: &'static str, bound: Bound) -> Goal {
    Goal {
        workload,
        measure: Measure::Cpu,
        bound,
    }
}

const fn fixed(workload: &'static str, measure: Measure, figure: f64) -> Goal {
    Goal {
        workload,
        measure,
        bound: Bound::Fixed(figure),
    }
}

const fn p99(workload: &'static str) -> Goal {
    Goal {
        workload,
        measure: Measure::P99,
        bound: Bound::TimesBest(1.0),
    }
}

/// Every goal.
pub const GOALS: &[Goal] = &[
    cpu("pass", Bound::Times(1.20, "relay", "pass")),
    cpu("pass", Bound::Times(0.88, "nginx", "pass")),
    cpu("pass", Bound::Times(0.88, "haproxy", "pass")),
    cpu("pass-post", Bound::Times(0.90, "haproxy", "pass-post")),
    cpu("pass-post", Bound::Times(0.80, "nginx", "pass-post")),
    cpu("key", Bound::Times(0.75, "nginx", "key")),
    cpu("key", Bound::Times(0.75, "haproxy", "key")),
    cpu("key", Bound::Times(0.38, "envoy", "key")),
    cpu("key", Bound::Times(1.00, "nginx", "pass")),
    cpu("sign", Bound::Times(0.60, "nginx", "sign")),
    cpu("sign", Bound::Times(0.60, "haproxy", "sign")),
    cpu("jwt", Bound::TimesBest(0.60)),
    cpu("jwt-cached", Bound::Times(0.72, "nginx", "jwt-cached")),
    cpu("refuse", Bound::Times(0.80, "nginx", "refuse")),
    cpu("refuse-key", Bound::Times(0.80, "nginx", "refuse-key")),
    cpu("refuse-429", Bound::Times(0.80, "nginx", "refuse-429")),
    cpu("tls", Bound::Times(1.00, "nginx", "tls")),
    cpu("tls", Bound::Times(1.00, "haproxy", "tls")),
    cpu(
        "tls-handshakes",
        Bound::Times(1.00, "nginx", "tls-handshakes"),
    ),
    cpu(
        "tls-handshakes",
        Bound::Times(1.00, "haproxy", "tls-handshakes"),
    ),
    cpu("h2", Bound::Times(1.00, "nginx", "h2")),
    cpu("h2", Bound::Times(1.00, "haproxy", "h2")),
    cpu("large", Bound::Times(1.00, "nginx", "large")),
    cpu("large", Bound::Times(1.00, "haproxy", "large")),
    p99("pass-70"),
    p99("key-70"),
    fixed("many-keys-1m", Measure::BytesEach, 400.0),
    fixed("many-keys-1m", Measure::LookupHot, 120.0),
    fixed("many-keys-1m", Measure::LookupCold, 800.0),
    fixed("sign-10k", Measure::P99, 5_000.0),
];

// === impl Goal ===

impl Goal {
    /// What the goal is, in words.
    #[must_use]
    pub fn text(&self) -> String {
        match self.bound {
            Bound::Times(factor, target, workload) if workload == self.workload => {
                format!("≤ {factor:.2} × {target}")
            }
            Bound::Times(factor, target, workload) => {
                format!("≤ {factor:.2} × {target} `{workload}`")
            }
            Bound::TimesBest(factor) => format!("≤ {factor:.2} × the best peer"),
            Bound::Fixed(figure) => format!("≤ {figure:.0}"),
        }
    }

    /// What was reached by these rows.
    #[must_use]
    pub fn verdict(&self, rows: &[Row]) -> Verdict {
        let of = |target, workload| self.figure(find(rows, workload, target)?);
        let Some(ours) = of(OURS, self.workload) else {
            return Verdict::Unknown;
        };
        let (reached, limit) = match self.bound {
            Bound::Fixed(figure) => (Some(ours), figure),
            Bound::Times(factor, target, workload) => {
                (of(target, workload).map(|theirs| ours / theirs), factor)
            }
            Bound::TimesBest(factor) => {
                let theirs = PEERS.iter().filter_map(|peer| of(peer, self.workload));
                let best = theirs.min_by(f64::total_cmp);
                (best.map(|theirs| ours / theirs), factor)
            }
        };
        match reached {
            // Ratios of decimal figures are not exact.
            Some(reached) if reached <= limit + f64::EPSILON * 4.0 => Verdict::Reached(reached),
            Some(reached) => Verdict::Missed(reached),
            None => Verdict::Unknown,
        }
    }

    fn figure(&self, row: &Row) -> Option<f64> {
        // A row with wrong answers is no row.
        if row.extras.wrong > 0 {
            return None;
        }
        let figure = match self.measure {
            Measure::Cpu => row.figures.cpu_us,
            Measure::P99 => row.figures.p99_us,
            Measure::Rate => row.figures.rps,
            Measure::BytesEach => row.extras.bytes_each?,
            Measure::LookupHot => row.extras.lookup_ns?[0],
            Measure::LookupCold => row.extras.lookup_ns?[1],
        };
        (figure > 0.0).then_some(figure)
    }
}

// === impl Measure ===

impl Measure {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU µs",
            Self::P99 => "p99 µs",
            Self::Rate => "requests/s",
            Self::BytesEach => "bytes a key",
            Self::LookupHot => "look-up ns, hot",
            Self::LookupCold => "look-up ns, cold",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Extras, Figures};
    use crate::workloads;

    fn row(target: &'static str, cpu_us: f64, wrong: u64) -> Row {
        let figures = Figures {
            cpu_us,
            ..Figures::default()
        };
        let extras = Extras {
            wrong,
            ..Extras::default()
        };
        Row::of("pass", target, &[figures], extras).unwrap()
    }

    #[test]
    fn a_goal_is_reached_up_to_its_bound_and_not_beyond() {
        let against = |bound| cpu("pass", bound);
        for (goal, rows, expected) in [
            (
                against(Bound::Times(0.88, "nginx", "pass")),
                vec![row(OURS, 8.8, 0), row("nginx", 10.0, 0)],
                "reached 0.88",
            ),
            (
                against(Bound::Times(0.88, "nginx", "pass")),
                vec![row(OURS, 8.9, 0), row("nginx", 10.0, 0)],
                "missed 0.89",
            ),
            (
                against(Bound::TimesBest(1.0)),
                vec![
                    row(OURS, 9.0, 0),
                    row("nginx", 10.0, 0),
                    row("envoy", 8.0, 0),
                ],
                "missed 1.12",
            ),
            (
                against(Bound::TimesBest(1.0)),
                vec![row(OURS, 9.0, 0)],
                "unknown",
            ),
            (
                against(Bound::Fixed(9.0)),
                vec![row(OURS, 9.0, 0)],
                "reached 9.00",
            ),
            // Who answers wrong is not compared.
            (
                against(Bound::Fixed(9.0)),
                vec![row(OURS, 9.0, 1)],
                "unknown",
            ),
            (against(Bound::Fixed(9.0)), vec![], "unknown"),
        ] {
            let found = match goal.verdict(&rows) {
                Verdict::Reached(ratio) => format!("reached {ratio:.2}"),
                Verdict::Missed(ratio) => format!("missed {ratio:.2}"),
                Verdict::Unknown => "unknown".to_owned(),
            };
            assert_eq!(found, expected, "{goal:?}");
        }
    }

    #[test]
    fn every_goal_is_about_something_that_is_measured() {
        let open = ["pass-70", "key-70", "sign-10k"];
        for goal in GOALS {
            let known = workloads::find(goal.workload).is_some() || open.contains(&goal.workload);
            assert!(known, "{goal:?}");
            assert!(goal.text().starts_with('≤'), "{goal:?}");
        }
    }
}
