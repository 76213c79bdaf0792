//! What one figure does not tell: throughput over connections, latency over the rate, and the highest
//! rate that still answers in time.

use super::{Contestant, Entry, Outcome, PARTS, Settings, Terms, take_turns};
use crate::load::Pace;
use crate::stage::Stage;
use std::time::Duration;

/// Connections of the curve over connections.
const CONNECTIONS: [usize; 6] = [1, 4, 16, 64, 256, 1000];

/// Steps of the search for the highest rate: the last ones are some 3 % apart.
const STEPS: usize = 6;

/// Tries at each step; most of them have to hold, for one may have been disturbed.
const TRIES: usize = 3;

/// Entries of a curve: everybody at each point.
pub struct Points<'a> {
    settings: &'a Settings,
    contestants: Vec<Contestant<'a>>,
}

// === impl Points ===

impl<'a> Points<'a> {
    /// Of these.
    #[must_use]
    pub fn of(settings: &'a Settings, contestants: Vec<Contestant<'a>>) -> Self {
        Self {
            settings,
            contestants,
        }
    }

    /// Saturation over the number of connections, a turn a point.
    #[must_use]
    pub fn throughputs(&self) -> Vec<Entry<'a>> {
        let terms = CONNECTIONS.map(|connections| Terms {
            connections,
            ..self.terms(Pace::Saturate)
        });
        self.entries(&terms, None, 1)
    }

    /// Latency at fixed rates, the same for all; so many rounds.
    #[must_use]
    pub fn latencies(
        &self,
        rates: &[u32],
        name: Option<&'static str>,
        rounds: usize,
    ) -> Vec<Entry<'a>> {
        let terms: Vec<Terms> = rates
            .iter()
            .map(|&per_second| self.terms(Pace::Fixed { per_second }))
            .collect();
        self.entries(&terms, name, rounds)
    }

    fn entries(
        &self,
        terms: &[Terms],
        name: Option<&'static str>,
        rounds: usize,
    ) -> Vec<Entry<'a>> {
        let each = terms.iter().flat_map(|terms| {
            self.contestants
                .iter()
                .map(move |contestant| (terms, contestant))
        });
        each.map(|(terms, contestant)| Entry {
            name: name.unwrap_or(contestant.workload.name),
            contestant: contestant.clone(),
            terms: *terms,
            rounds: match contestant.subject.is_compared() {
                true => rounds,
                false => rounds.div_ceil(PARTS[0]),
            },
            may_fail: true,
        })
        .collect()
    }

    fn terms(&self, pace: Pace) -> Terms {
        Terms {
            window: self.settings.window,
            warm_up: self.settings.warm_up,
            connections: self.settings.connections,
            pace,
        }
    }
}

/// The highest rate, up to `ceiling`, at which 99 % of the answers come within `p99`; with the row of
/// that rate, which has this name.
pub async fn highest_rate(
    settings: &Settings,
    stage: &Stage,
    contestant: &Contestant<'_>,
    name: &'static str,
    ceiling: u32,
    p99: Duration,
    mut tell: impl FnMut(&str),
) -> Outcome {
    let points = Points::of(settings, vec![contestant.clone()]);
    let mut best = Outcome::default();
    let (mut low, mut high) = (0_u32, ceiling.max(1));
    for _ in 0..STEPS {
        // The first look is near the top, where the answer is.
        let rate = if low == 0 {
            high / 8 * 7
        } else {
            low.midpoint(high)
        };
        let rate = rate.max(1);
        let entries = points.latencies(&[rate], Some(name), TRIES);
        let outcome = take_turns(stage, &entries, |_| ()).await;
        let holds = outcome.failures.is_empty()
            && outcome.rows.first().is_some_and(|row| {
                let kept = row
                    .turns
                    .iter()
                    .filter(|(_, figures)| figures.p99_us <= p99.as_secs_f64() * 1e6);
                row.extras.wrong == 0 && kept.count() * 2 > TRIES
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
