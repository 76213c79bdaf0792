//! The rig: every process takes its turn in every round, alone on its core, freshly started.
//!
//! A turn is start, warm-up, window, end. Turns are short and many, and go round rather than one process
//! after the other; every other round goes backwards (A B C, C B A, A B C, …). So who is compared took
//! turns close to each other each time, and a machine that gets slower or faster meanwhile treats all
//! alike: within one round, too, for whoever was first is last in the next. What is reported are medians
//! over the rounds, and ratios of figures of the same round. What others did on the core meanwhile is
//! told in notes. A contestant that fails a turn, or gives a wrong answer, has failed; the others go on.

mod curves;
mod settings;
mod turn;

pub use curves::{Points, highest_rate};
pub use settings::Settings;
pub use turn::{Contestant, Terms, Turn};

use crate::load::Pace;
use crate::results::{Extras, Row};
use crate::stage::Stage;
use crate::workloads::Effort;

/// The share of a core's time from which others count as a disturbance.
const DISTURBED: f64 = 0.03;

/// Rounds, of those who take part in every third and every seventh only.
const PARTS: [usize; 2] = [3, 7];

/// A place in the rounds.
#[derive(Clone)]
pub struct Entry<'a> {
    /// What rows call the work.
    pub name: &'static str,
    /// Who does it.
    pub contestant: Contestant<'a>,
    /// How.
    pub terms: Terms,
    /// How many rounds it takes part in.
    pub rounds: usize,
    /// A turn that fails is no failure of the run, for it may be asked too much: the row is missing.
    pub may_fail: bool,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The medians, in the order of the entries.
    pub rows: Vec<Row>,
    /// What a reader should know of the circumstances.
    pub notes: Vec<String>,
    /// Who failed, and how.
    pub failures: Vec<String>,
}

// === impl Entry ===

impl<'a> Entry<'a> {
    /// At saturation, with as many connections as the work has.
    #[must_use]
    pub fn usual(settings: &Settings, contestant: Contestant<'a>) -> Self {
        let own = contestant.workload.connections;
        let [third, seventh] = PARTS.map(|part| settings.rounds.div_ceil(part));
        let rounds = match (contestant.workload.effort, contestant.subject.is_compared()) {
            (Effort::Thorough, true) => settings.rounds,
            (Effort::Thorough, false) | (Effort::Brief, _) => third,
            (Effort::Rare, _) => seventh,
        };
        Self {
            name: contestant.workload.name,
            terms: Terms {
                window: settings.window,
                warm_up: settings.warm_up,
                connections: own.unwrap_or(settings.connections),
                pace: Pace::Saturate,
            },
            contestant,
            rounds,
            may_fail: false,
        }
    }

    /// Whether it takes part in this round of so many, counted from 0: evenly, and who takes part in as
    /// many does so in the same.
    fn takes_part(&self, round: usize, rounds: usize) -> bool {
        let taken = |until: usize| until * self.rounds.min(rounds) / rounds;
        taken(round) < taken(round + 1)
    }

    fn label(&self) -> String {
        let (name, target) = (self.name, self.contestant.subject.name());
        match self.terms.pace {
            Pace::Saturate => format!("{name} by {target}"),
            Pace::Fixed { per_second } => format!("{name} by {target} at {per_second} a second"),
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// Puts an entry's turns in.
    fn put(&mut self, entry: &Entry<'_>, turns: &[(usize, Turn)]) {
        let label = entry.label();
        let wrong: u64 = turns.iter().map(|(_, turn)| turn.wrong).sum();
        if let Some(first) = turns.iter().find_map(|(_, turn)| turn.first_wrong.as_ref()) {
            self.failures.push(format!(
                "{label}: {wrong} wrong answers; the first: {first}"
            ));
        }
        let extras = Extras {
            rounds: turns.len(),
            wrong,
            unanswered: turns.iter().map(|(_, turn)| turn.unanswered).sum(),
            connections: entry.terms.connections,
            offered_rps: match entry.terms.pace {
                Pace::Saturate => None,
                Pace::Fixed { per_second } => Some(per_second),
            },
            bytes_each: turns.iter().rev().find_map(|(_, turn)| turn.bytes_each),
            ..Extras::default()
        };
        self.notes.extend(note(&label, turns));
        let figures = turns.iter().map(|(round, turn)| (*round, turn.figures));
        let target = entry.contestant.subject.name();
        self.rows
            .extend(Row::of(entry.name, target, figures.collect(), extras));
    }
}

/// Lets everybody take turns, for as many rounds as the most diligent wants. `tell` hears how it goes.
pub async fn take_turns(
    stage: &Stage,
    entries: &[Entry<'_>],
    mut tell: impl FnMut(&str),
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut turns: Vec<Vec<(usize, Turn)>> = entries.iter().map(|_| Vec::new()).collect();
    let mut failed = vec![false; entries.len()];
    let rounds = entries.iter().map(|entry| entry.rounds).max().unwrap_or(0);
    for round in 0..rounds {
        for at in order(entries.len(), round) {
            let entry = &entries[at];
            if failed[at] || !entry.takes_part(round, rounds) {
                continue;
            }
            let who = format!("round {} of {rounds}: {}", round + 1, entry.label());
            match entry.contestant.take_turn(stage, &entry.terms).await {
                Ok(turn) => {
                    let (cpu_us, rps) = (turn.figures.cpu_us, turn.figures.rps);
                    tell(&format!("{who}: {cpu_us:.1} µs, {rps:.0} a second"));
                    turns[at].push((round, turn));
                }
                Err(error) => {
                    tell(&format!("{who}: failed: {error:#}"));
                    failed[at] = true;
                    let told = if entry.may_fail {
                        &mut outcome.notes
                    } else {
                        &mut outcome.failures
                    };
                    told.push(format!("{}: {error:#}", entry.label()));
                }
            }
        }
    }
    if stage.cores.are_shared() {
        let note = "one core for everything: requests a second and latencies mean little";
        outcome.notes.push(note.to_owned());
    }
    let labelled = entries
        .iter()
        .zip(&turns)
        .flat_map(|(entry, turns)| turns.iter().map(|(_, turn)| (entry.label(), turn)));
    outcome.notes.extend(disturbance(labelled));
    for ((entry, turns), failed) in entries.iter().zip(turns).zip(failed) {
        if !failed {
            outcome.put(entry, &turns);
        }
    }
    outcome
}

/// Forwards, and backwards in every other round.
fn order(count: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// What should be known of one contestant's turns.
fn note(label: &str, turns: &[(usize, Turn)]) -> Option<String> {
    let late: u64 = turns.iter().map(|(_, turn)| turn.signed_late).sum();
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
    use crate::subjects::relay::Relay;
    use crate::workloads;

    #[test]
    fn every_other_round_goes_backwards() {
        assert_eq!(order(3, 0), [0, 1, 2]);
        assert_eq!(order(3, 1), [2, 1, 0]);
        assert_eq!(order(3, 2), [0, 1, 2]);
        assert!(order(0, 1).is_empty());
    }

    #[test]
    fn who_sits_out_comes_evenly_and_together_with_those_who_do_alike() {
        let settings = Settings::read(|_| None).unwrap();
        let taken = |workload: &str, rounds: usize| -> Vec<usize> {
            let contestant = Contestant {
                workload: workloads::find(workload).unwrap(),
                subject: &Relay,
            };
            let entry = Entry::usual(&settings, contestant);
            (0..rounds)
                .filter(|&round| entry.takes_part(round, rounds))
                .collect()
        };
        assert_eq!(taken("pass", 15).len(), 15);
        assert_eq!(taken("mixed", 15), [2, 5, 8, 11, 14]);
        assert_eq!(taken("mixed", 15), taken("sign-get", 15));
        assert_eq!(taken("many", 15).len(), 3);
        // Fewer rounds than one wants: it takes part in all.
        assert_eq!(taken("mixed", 2), [0, 1]);
    }

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
        assert_eq!(note("pass by x", &[(0, turn(0.5, 0))]), None);
        assert_eq!(
            note("pass by x", &[(0, turn(0.0, 2)), (1, turn(0.0, 3))]).as_deref(),
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
