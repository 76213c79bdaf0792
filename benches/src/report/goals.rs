//! What the rows have to come to: ratios of CPU a request, all of one run, and a few figures that
//! stand for themselves.
//!
//! A ratio is told twice: that of the two medians, and the median of the ratios of those turns that were
//! taken in the same round, with its quartiles. The second decides where there are enough pairs, for
//! what disturbs a machine is slow, and hits neighbours alike.

use super::find;
use crate::results::{Figures, Row};
use crate::spread::Spread;

/// Pairs from which on their ratios decide.
const PAIRS_MIN: usize = 3;

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
    /// Nanoseconds of the chain alone.
    ChainNanoseconds,
    /// Allocations of the chain alone.
    ChainAllocations,
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
    /// None: it is to be told.
    None,
}

/// What came of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Reached.
    Reached,
    /// Missed.
    Missed,
    /// There was nothing to reach.
    Told,
    /// Not measured, or nothing to compare with.
    Unknown,
}

/// What came of a goal, in figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Whether it was reached.
    pub verdict: Verdict,
    /// Our figure.
    pub ours: Option<f64>,
    /// Whose figure it is compared with, and that figure.
    pub theirs: Option<(&'static str, f64)>,
    /// The ratio of the two.
    pub ratio: Option<f64>,
    /// The ratios of the turns of the same rounds.
    pub paired: Option<Spread>,
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

const fn told(workload: &'static str, measure: Measure) -> Goal {
    Goal {
        workload,
        measure,
        bound: Bound::None,
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
    p99("sign-70"),
    fixed("key", Measure::ChainNanoseconds, 1_500.0),
    told("key", Measure::ChainAllocations),
    fixed("many-keys-1m", Measure::BytesEach, 400.0),
    fixed("many-keys-1m", Measure::LookupHot, 120.0),
    fixed("many-keys-1m", Measure::LookupCold, 800.0),
    fixed("sign-10k", Measure::P99, 5_000.0),
    told("sign-highest", Measure::Rate),
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
            Bound::None => "to be told".to_owned(),
        }
    }

    /// What was reached by these rows.
    #[must_use]
    pub fn finding(&self, rows: &[Row]) -> Finding {
        let ours = find(rows, self.workload, OURS).filter(|row| self.measure.of(row).is_some());
        let theirs = match self.bound {
            Bound::Times(_, target, workload) => find(rows, workload, target),
            Bound::TimesBest(_) => self.best(rows),
            Bound::Fixed(_) | Bound::None => None,
        };
        let ours_figure = ours.and_then(|row| self.measure.of(row));
        let theirs_figure = theirs.and_then(|row| Some((row.target, self.measure.of(row)?)));
        let ratio = match (ours_figure, theirs_figure) {
            (Some(ours), Some((_, theirs))) => Some(ours / theirs),
            _ => None,
        };
        let paired = match (ours, theirs, ratio) {
            (Some(ours), Some(theirs), Some(_)) => self.paired(ours, theirs),
            _ => None,
        };
        let (reached, limit) = match self.bound {
            Bound::Times(factor, ..) | Bound::TimesBest(factor) => {
                (paired.map(|paired| paired.median).or(ratio), factor)
            }
            Bound::Fixed(figure) => (ours_figure, figure),
            Bound::None => (ours_figure, f64::INFINITY),
        };
        let verdict = match reached {
            None => Verdict::Unknown,
            Some(_) if self.bound == Bound::None => Verdict::Told,
            // Ratios of decimal figures are not exact.
            Some(reached) if reached <= limit + f64::EPSILON * 4.0 => Verdict::Reached,
            Some(_) => Verdict::Missed,
        };
        Finding {
            verdict,
            ours: ours_figure,
            theirs: theirs_figure,
            ratio,
            paired,
        }
    }

    /// The peer with the lowest figure.
    fn best<'a>(&self, rows: &'a [Row]) -> Option<&'a Row> {
        let peers = PEERS.iter();
        peers
            .filter_map(|peer| {
                let row = find(rows, self.workload, peer)?;
                Some((row, self.measure.of(row)?))
            })
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
            .map(|(row, _)| row)
    }

    /// The ratios of those rounds in which both took a turn.
    fn paired(&self, ours: &Row, theirs: &Row) -> Option<Spread> {
        let ratios = ours.turns.iter().filter_map(|(round, figures)| {
            let (_, same) = theirs.turns.iter().find(|(other, _)| other == round)?;
            let [ours, theirs] = [self.measure.of_turn(figures)?, self.measure.of_turn(same)?];
            (theirs > 0.0).then_some(ours / theirs)
        });
        Spread::of(ratios).filter(|spread| spread.count >= PAIRS_MIN)
    }
}

// === impl Measure ===

impl Measure {
    /// That figure of a row; a row with wrong answers is none.
    fn of(self, row: &Row) -> Option<f64> {
        if row.extras.wrong > 0 {
            return None;
        }
        let figure = match self {
            Self::BytesEach => row.extras.bytes_each?,
            Self::LookupHot => row.extras.lookup_ns?[0],
            Self::LookupCold => row.extras.lookup_ns?[1],
            Self::ChainNanoseconds => row.extras.chain?[0],
            // None at all is a figure.
            Self::ChainAllocations => return Some(row.extras.chain?[1]),
            Self::Cpu | Self::P99 | Self::Rate => self.of_turn(&row.figures)?,
        };
        (figure > 0.0).then_some(figure)
    }

    /// That figure of a turn, if a turn has it.
    fn of_turn(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Cpu => Some(figures.cpu_us),
            Self::P99 => Some(figures.p99_us),
            Self::Rate => Some(figures.rps),
            _ => None,
        }
    }

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
            Self::ChainNanoseconds => "chain ns",
            Self::ChainAllocations => "chain allocations",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Extras;
    use crate::workloads;

    /// A row whose rounds took this CPU time each.
    fn row(target: &'static str, cpu_us: &[f64], wrong: u64) -> Row {
        let turns = cpu_us.iter().enumerate().map(|(round, &cpu_us)| {
            let figures = Figures {
                cpu_us,
                ..Figures::default()
            };
            (round, figures)
        });
        let extras = Extras {
            wrong,
            ..Extras::default()
        };
        Row::of("pass", target, turns.collect(), extras).unwrap()
    }

    #[test]
    fn a_goal_is_reached_up_to_its_bound_and_not_beyond() {
        use Verdict::{Missed, Reached, Told, Unknown};
        let nginx = Bound::Times(0.88, "nginx", "pass");
        let best = Bound::TimesBest(1.0);
        let ours = |cpu_us| row(OURS, &[cpu_us], 0);
        let theirs = |target, cpu_us| row(target, &[cpu_us], 0);
        for (bound, rows, expected) in [
            (nginx, vec![ours(8.8), theirs("nginx", 10.0)], Reached),
            (nginx, vec![ours(8.9), theirs("nginx", 10.0)], Missed),
            (nginx, vec![ours(8.8)], Unknown),
            (
                best,
                vec![ours(9.0), theirs("nginx", 10.0), theirs("envoy", 8.0)],
                Missed,
            ),
            (best, vec![ours(9.0)], Unknown),
            (Bound::Fixed(9.0), vec![ours(9.0)], Reached),
            (Bound::Fixed(8.9), vec![ours(9.0)], Missed),
            (Bound::None, vec![ours(9.0)], Told),
            // Who answers wrong is not compared.
            (Bound::Fixed(9.0), vec![row(OURS, &[9.0], 1)], Unknown),
            (nginx, vec![ours(8.8), row("nginx", &[10.0], 1)], Unknown),
            (Bound::Fixed(9.0), vec![], Unknown),
            (Bound::None, vec![], Unknown),
        ] {
            let found = cpu("pass", bound).finding(&rows);
            assert_eq!(found.verdict, expected, "{bound:?}: {found:?}");
        }
    }

    #[test]
    fn neighbours_in_time_decide_where_there_are_enough_of_them() {
        let goal = cpu("pass", Bound::Times(0.88, "nginx", "pass"));
        // The machine was slow in the second half: each pair tells 0.8, the medians do not.
        let slow = [8.0, 8.0, 16.0, 16.0, 16.0];
        let theirs = [10.0, 10.0, 20.0];
        let rows = [row(OURS, &slow, 0), row("nginx", &theirs, 0)];
        let found = goal.finding(&rows);
        assert_eq!(found.ratio, Some(1.6));
        let paired = found.paired.unwrap();
        assert_eq!((paired.median, paired.count), (0.8, 3));
        assert_eq!(found.verdict, Verdict::Reached);
        // Two pairs are too few.
        let rows = [row(OURS, &slow, 0), row("nginx", &theirs[..2], 0)];
        let found = goal.finding(&rows);
        assert_eq!(found.paired, None);
        assert_eq!(found.verdict, Verdict::Missed);
    }

    #[test]
    fn every_goal_is_about_something_that_is_measured() {
        let open = ["pass-70", "key-70", "sign-70", "sign-10k", "sign-highest"];
        for goal in GOALS {
            let known = workloads::find(goal.workload).is_some() || open.contains(&goal.workload);
            assert!(known, "{goal:?}");
            assert_eq!(
                goal.text().starts_with('≤'),
                goal.bound != Bound::None,
                "{goal:?}"
            );
        }
    }
}
