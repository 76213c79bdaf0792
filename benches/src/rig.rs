//! The rig: every process takes its turn in every round, alone on its core, freshly started.
//!
//! A turn is start, warm-up, window, end. Turns go round (A B C, A B C, …) rather than one process
//! after the other, so that a machine that gets slower or faster meanwhile treats all alike; what is
//! reported are medians over the rounds. What others did on the core meanwhile is told in notes.

use crate::cores::{Cores, pin};
use crate::load::{Load, Measured, Recipe, Requests, saturate};
use crate::origin::Origin;
use crate::proc::{CoreTime, Cpu, resident_bytes};
use crate::results::{Figures, Row};
use crate::subjects::Subject;
use anyhow::{Context, bail};
use filters::clock::Clock;
use std::net::SocketAddr;
use std::time::Duration;
use tidegate::telemetry::SystemClock;
use tokio::time::timeout;

/// Signed requests that are made beforehand for each second of a turn.
const SIGNED_PER_SECOND: usize = 60_000;

/// How much longer than its time a turn may take.
const TURN_SLACK: Duration = Duration::from_secs(20);

/// The share of a core's time from which others count as a disturbance.
const DISTURBED: f64 = 0.03;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Turns of each contestant.
    pub rounds: usize,
    /// What is measured of a turn.
    pub window: Duration,
    /// What is not, before.
    pub warm_up: Duration,
    /// Connections, each with one request in flight.
    pub connections: usize,
}

/// One process at one kind of work.
pub struct Contestant<'a> {
    /// The kind of work.
    pub workload: &'static str,
    /// The process.
    pub subject: &'a dyn Subject,
    /// What it is asked.
    pub recipe: Recipe,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Report {
    /// The medians, in the order of the contestants.
    pub rows: Vec<Row>,
    /// What a reader should know of the circumstances.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy)]
struct Sample {
    cpu: Cpu,
    core: CoreTime,
}

struct Turn {
    figures: Figures,
    /// The share of the core's time that others had.
    disturbed: f64,
    signed_late: u64,
}

// === impl Settings ===

impl Settings {
    /// What variables say: `BENCH_ROUNDS` (5), `BENCH_SECONDS` (2), `BENCH_CONNECTIONS` (64).
    ///
    /// # Errors
    /// A value that is no number, or out of bounds.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let number = |name: &str, usual: u32, max: u32| -> anyhow::Result<u32> {
            let Some(text) = variable(name) else {
                return Ok(usual);
            };
            match text.trim().parse() {
                Ok(number) if (1..=max).contains(&number) => Ok(number),
                _ => bail!("{name} is {text:?}, which is not a number from 1 to {max}"),
            }
        };
        let seconds = number("BENCH_SECONDS", 2, 600)?;
        Ok(Self {
            rounds: number("BENCH_ROUNDS", 5, 100)? as usize,
            window: Duration::from_secs(seconds.into()),
            warm_up: Duration::from_millis(500),
            connections: number("BENCH_CONNECTIONS", 64, 1024)? as usize,
        })
    }
}

/// Lets everybody take turns. `tell` hears how it goes.
///
/// # Errors
/// A process that does not start, or answers wrong.
pub async fn take_turns(
    settings: &Settings,
    contestants: &[Contestant<'_>],
    mut tell: impl FnMut(&str),
) -> anyhow::Result<Report> {
    let cores = Cores::choose()?;
    pin(cores.load)?;
    let origin = Origin::bind().await?;
    let address = origin.address()?;
    let serving = tokio::spawn(origin.serve());
    let mut turns: Vec<Vec<Turn>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 1..=settings.rounds {
        for (contestant, turns) in contestants.iter().zip(&mut turns) {
            let who = format!("{} by {}", contestant.workload, contestant.subject.name());
            let turn = take_turn(settings, contestant, &cores, address)
                .await
                .with_context(|| who.clone())?;
            let cpu_us = turn.figures.cpu_us;
            let rps = turn.figures.rps;
            let rounds = settings.rounds;
            tell(&format!(
                "round {round} of {rounds}: {who}: {cpu_us:.1} µs, {rps:.0} a second"
            ));
            turns.push(turn);
        }
    }
    serving.abort();
    let mut report = Report::default();
    if cores.are_shared() {
        let note = "one core for everything: requests a second and latencies mean little";
        report.notes.push(note.to_owned());
    }
    for (contestant, turns) in contestants.iter().zip(&turns) {
        let figures: Vec<Figures> = turns.iter().map(|turn| turn.figures).collect();
        let (workload, target) = (contestant.workload, contestant.subject.name());
        report.rows.extend(Row::of(workload, target, &figures));
        report.notes.extend(note(workload, target, turns));
    }
    Ok(report)
}

async fn take_turn(
    settings: &Settings,
    contestant: &Contestant<'_>,
    cores: &Cores,
    origin: SocketAddr,
) -> anyhow::Result<Turn> {
    let mut running = contestant.subject.start(cores, origin)?;
    running.ready().await?;
    let time = settings.warm_up + settings.window;
    let count = SIGNED_PER_SECOND * (time.as_secs_f64().ceil() as usize);
    let requests = Requests::prepare(&contestant.recipe, count, SystemClock::new().now().unix_s());
    let load = Load {
        address: running.address,
        connections: settings.connections,
        warm_up: settings.warm_up,
        window: settings.window,
    };
    let pid = running.pid();
    let sample = || {
        Ok(Sample {
            cpu: Cpu::of(pid)?,
            core: CoreTime::of(cores.subject)?,
        })
    };
    let measured = timeout(time + TURN_SLACK, saturate(&load, requests, sample))
        .await
        .context("it took far too long")??;
    let rss_bytes = resident_bytes(pid)?;
    turn(&measured, rss_bytes)
}

fn turn(measured: &Measured<Sample>, rss_bytes: u64) -> anyhow::Result<Turn> {
    let [first, last] = &measured.samples;
    let cpu = last.cpu.since(&first.cpu);
    if measured.answers == 0 || cpu.total().is_zero() {
        bail!("{} answers for {:?} of CPU", measured.answers, cpu.total());
    }
    let core = last.core.since(&first.core);
    let others = core.busy.saturating_sub(cpu.total()) + core.stolen;
    Ok(Turn {
        figures: Figures::of(measured, &cpu, rss_bytes),
        disturbed: others.as_secs_f64() / measured.elapsed.as_secs_f64(),
        signed_late: measured.signed_late,
    })
}

/// What should be known of one contestant's turns.
fn note(workload: &str, target: &str, turns: &[Turn]) -> Vec<String> {
    let mut notes = Vec::new();
    let disturbed = turns.iter().filter(|turn| turn.disturbed > DISTURBED);
    let worst = turns.iter().map(|turn| turn.disturbed).fold(0.0, f64::max);
    let count = disturbed.count();
    if count > 0 {
        notes.push(format!(
            "{workload} by {target}: others had up to {:.0} % of its core in {count} of {} turns",
            worst * 100.0,
            turns.len()
        ));
    }
    let late: u64 = turns.iter().map(|turn| turn.signed_late).sum();
    if late > 0 {
        notes.push(format!(
            "{workload} by {target}: {late} requests were signed while they were measured"
        ));
    }
    notes
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
        assert_eq!(read(None).unwrap().connections, 64);
    }

    #[test]
    fn what_others_did_on_the_core_is_told() {
        let figures = Figures {
            cpu_us: 1.0,
            user_us: 1.0,
            sys_us: 0.0,
            rps: 1.0,
            p50_us: 1.0,
            p99_us: 1.0,
            p999_us: 1.0,
            rss_bytes: 1.0,
        };
        let turn = |disturbed, signed_late| Turn {
            figures,
            disturbed,
            signed_late,
        };
        assert!(note("pass", "x", &[turn(DISTURBED, 0)]).is_empty());
        let notes = note("pass", "x", &[turn(0.5, 2), turn(0.25, 3), turn(0.0, 0)]);
        assert_eq!(
            notes,
            [
                "pass by x: others had up to 50 % of its core in 2 of 3 turns",
                "pass by x: 5 requests were signed while they were measured",
            ]
        );
    }
}
