//! The rig: every process takes its turn in every round, alone on its core, freshly started.
//!
//! A turn is start, warm-up, window, end. Turns go round (A B C, A B C, …) rather than one process
//! after the other, so that a machine that gets slower or faster meanwhile treats all alike; what is
//! reported are medians over the rounds. What others did on the core meanwhile is told in notes. A
//! contestant that fails a turn, or gives a wrong answer, has failed; the others go on.

mod curves;
mod settings;
mod turn;

pub use curves::{highest_rate, latencies, throughputs};
pub use settings::Settings;
pub use turn::{Contestant, Terms, Turn};

use crate::load::Pace;
use crate::results::{Extras, Row};
use crate::stage::Stage;

/// The share of a core's time from which others count as a disturbance.
const DISTURBED: f64 = 0.03;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The medians, in the order of the contestants.
    pub rows: Vec<Row>,
    /// What a reader should know of the circumstances.
    pub notes: Vec<String>,
    /// Who failed, and how.
    pub failures: Vec<String>,
}

// === impl Outcome ===

impl Outcome {
    /// Puts one contestant's turns in.
    pub fn put(&mut self, contestant: &Contestant<'_>, terms: &Terms, turns: &[Turn]) {
        let label = contestant.label();
        let wrong: u64 = turns.iter().map(|turn| turn.wrong).sum();
        if let Some(first) = turns.iter().find_map(|turn| turn.first_wrong.as_ref()) {
            self.failures.push(format!(
                "{label}: {wrong} wrong answers; the first: {first}"
            ));
        }
        let figures: Vec<_> = turns.iter().map(|turn| turn.figures).collect();
        let extras = Extras {
            rounds: turns.len(),
            wrong,
            unanswered: turns.iter().map(|turn| turn.unanswered).sum(),
            connections: terms.connections,
            offered_rps: match terms.pace {
                Pace::Saturate => None,
                Pace::Fixed { per_second } => Some(per_second),
            },
            bytes_each: turns.iter().rev().find_map(|turn| turn.bytes_each),
            ..Extras::default()
        };
        let (workload, target) = (contestant.workload.name, contestant.subject.name());
        self.rows
            .extend(Row::of(workload, target, &figures, extras));
        self.notes.extend(note(&label, turns));
    }
}

/// Lets everybody take turns. `tell` hears how it goes.
pub async fn take_turns(
    settings: &Settings,
    stage: &Stage,
    contestants: &[Contestant<'_>],
    mut tell: impl FnMut(&str),
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut turns: Vec<Vec<Turn>> = contestants.iter().map(|_| Vec::new()).collect();
    let mut failed = vec![false; contestants.len()];
    for round in 1..=settings.rounds {
        for (at, contestant) in contestants.iter().enumerate() {
            if failed[at] {
                continue;
            }
            let who = format!(
                "round {round} of {}: {}",
                settings.rounds,
                contestant.label()
            );
            match contestant
                .take_turn(stage, &terms(settings, contestant))
                .await
            {
                Ok(turn) => {
                    let (cpu_us, rps) = (turn.figures.cpu_us, turn.figures.rps);
                    tell(&format!("{who}: {cpu_us:.1} µs, {rps:.0} a second"));
                    turns[at].push(turn);
                }
                Err(error) => {
                    tell(&format!("{who}: failed: {error:#}"));
                    failed[at] = true;
                    outcome
                        .failures
                        .push(format!("{}: {error:#}", contestant.label()));
                }
            }
        }
    }
    if stage.cores.are_shared() {
        let note = "one core for everything: requests a second and latencies mean little";
        outcome.notes.push(note.to_owned());
    }
    let labelled = contestants
        .iter()
        .zip(&turns)
        .flat_map(|(contestant, turns)| turns.iter().map(|turn| (contestant.label(), turn)));
    outcome.notes.extend(disturbance(labelled));
    for ((contestant, turns), failed) in contestants.iter().zip(&turns).zip(failed) {
        if !failed {
            outcome.put(contestant, &terms(settings, contestant), turns);
        }
    }
    outcome
}

/// The usual terms of a contestant.
fn terms(settings: &Settings, contestant: &Contestant<'_>) -> Terms {
    let own = contestant.workload.connections;
    Terms {
        window: settings.window,
        warm_up: settings.warm_up,
        connections: own.unwrap_or(settings.connections),
        pace: Pace::Saturate,
    }
}

/// What should be known of one contestant's turns.
fn note(label: &str, turns: &[Turn]) -> Option<String> {
    let late: u64 = turns.iter().map(|turn| turn.signed_late).sum();
    (late > 0).then(|| format!("{label}: {late} requests were signed while they were measured"))
}

/// How far others had the measured core, in one sentence over all turns.
fn disturbance<'a>(turns: impl Iterator<Item = (String, &'a Turn)>) -> Option<String> {
    let (mut all, mut disturbed) = (0, 0);
    let mut worst: Option<(String, f64)> = None;
    for (label, turn) in turns {
        all += 1;
        if turn.disturbed > DISTURBED {
            disturbed += 1;
            if worst
                .as_ref()
                .is_none_or(|(_, worst)| turn.disturbed > *worst)
            {
                worst = Some((label, turn.disturbed));
            }
        }
    }
    let (label, worst) = worst?;
    let (usual, worst) = (DISTURBED * 100.0, worst * 100.0);
    Some(format!(
        "disturbed: others had more than {usual:.0} % of the measured core in {disturbed} of {all} \
         turns; the worst was {label}, {worst:.0} %"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figures;

    #[test]
    fn what_others_did_on_the_core_is_told() {
        let turn = |disturbed, signed_late| Turn {
            figures: Figures::default(),
            disturbed,
            signed_late,
            unanswered: 0,
            wrong: 0,
            first_wrong: None,
            bytes_each: None,
        };
        assert_eq!(note("pass by x", &[turn(0.5, 0)]), None);
        assert_eq!(
            note("pass by x", &[turn(0.0, 2), turn(0.0, 3)]).as_deref(),
            Some("pass by x: 5 requests were signed while they were measured")
        );
        let told =
            |turns: &[Turn]| disturbance(turns.iter().map(|turn| ("pass by x".to_owned(), turn)));
        assert_eq!(told(&[turn(DISTURBED, 0)]), None);
        assert_eq!(
            told(&[turn(0.5, 2), turn(0.25, 3), turn(0.0, 0)]).as_deref(),
            Some(
                "disturbed: others had more than 3 % of the measured core in 2 of 3 turns; the \
                 worst was pass by x, 50 %"
            )
        );
    }
}
