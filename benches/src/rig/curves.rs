//! What one figure does not tell: throughput over connections, latency over the rate, and the highest
//! rate that still answers in time.

use super::{Contestant, Outcome, Settings, Terms};
use crate::load::Pace;
use crate::stage::Stage;
use std::time::Duration;

/// Connections of the curve over connections.
const CONNECTIONS: [usize; 6] = [1, 4, 16, 64, 256, 1000];

/// What is measured of a point.
const WINDOW: Duration = Duration::from_secs(2);

/// Steps of the search for the highest rate: the last ones are 3 % apart.
const STEPS: usize = 6;

/// Saturation over the number of connections, one turn a point.
pub async fn throughputs(
    settings: &Settings,
    stage: &Stage,
    contestants: &[Contestant<'_>],
    mut tell: impl FnMut(&str),
) -> Outcome {
    let mut outcome = Outcome::default();
    for connections in CONNECTIONS {
        for contestant in contestants {
            let terms = Terms {
                connections,
                pace: Pace::Saturate,
                ..point(settings)
            };
            tell(&format!(
                "{}, {connections} connections",
                contestant.label()
            ));
            put(&mut outcome, stage, contestant, &terms, 1).await;
        }
    }
    outcome
}

/// Latency at fixed rates, the same for all; so many rounds.
pub async fn latencies(
    settings: &Settings,
    stage: &Stage,
    contestants: &[Contestant<'_>],
    rates: &[u32],
    rounds: usize,
    mut tell: impl FnMut(&str),
) -> Outcome {
    let mut outcome = Outcome::default();
    for &per_second in rates {
        for contestant in contestants {
            let terms = Terms {
                pace: Pace::Fixed { per_second },
                ..point(settings)
            };
            tell(&format!("{} at {per_second} a second", contestant.label()));
            put(&mut outcome, stage, contestant, &terms, rounds).await;
        }
    }
    outcome
}

/// The highest rate, up to `ceiling`, at which 99 % of the answers come within `p99`; with the row of
/// that rate.
pub async fn highest_rate(
    settings: &Settings,
    stage: &Stage,
    contestant: &Contestant<'_>,
    ceiling: u32,
    p99: Duration,
    mut tell: impl FnMut(&str),
) -> Outcome {
    let mut best = Outcome::default();
    let (mut low, mut high) = (0_u32, ceiling.max(1));
    for _ in 0..STEPS {
        // The first look is near the top, where the answer is.
        let rate = if low == 0 {
            high / 8 * 7
        } else {
            low.midpoint(high)
        };
        let mut outcome = Outcome::default();
        let terms = Terms {
            pace: Pace::Fixed {
                per_second: rate.max(1),
            },
            ..point(settings)
        };
        put(&mut outcome, stage, contestant, &terms, 1).await;
        let holds = outcome.rows.first().is_some_and(|row| {
            row.extras.wrong == 0
                && row.extras.unanswered == 0
                && row.figures.p99_us <= p99.as_secs_f64() * 1e6
        });
        let verdict = if holds { "holds" } else { "does not hold" };
        tell(&format!(
            "{} at {rate} a second: {verdict}",
            contestant.label()
        ));
        if holds {
            low = rate;
            best = outcome;
        } else {
            high = rate;
        }
    }
    best
}

fn point(settings: &Settings) -> Terms {
    Terms {
        window: settings.window.min(WINDOW),
        warm_up: settings.warm_up,
        connections: settings.connections,
        pace: Pace::Saturate,
    }
}

async fn put(
    outcome: &mut Outcome,
    stage: &Stage,
    contestant: &Contestant<'_>,
    terms: &Terms,
    rounds: usize,
) {
    let mut turns = Vec::new();
    for _ in 0..rounds {
        match contestant.take_turn(stage, terms).await {
            Ok(turn) => turns.push(turn),
            // A point that cannot be reached is no failure of the run: it is missing.
            Err(error) => outcome
                .notes
                .push(format!("{} at {terms:?}: {error:#}", contestant.label())),
        }
    }
    outcome.put(contestant, terms, &turns);
}
