//! One turn: a process starts, is loaded, is sampled at both ends of the window, and ends.

use crate::load::{Idle, Load, Measured, Pace, Requests, Supplies, Transport, run};
use crate::proc::{CoreTime, Cpu, resident_bytes, voluntary_switches};
use crate::results::Figures;
use crate::stage::Stage;
use crate::subjects::Subject;
use crate::workloads::{Carrier, Dialect, Workload};
use anyhow::{Context, bail};
use filters::clock::Clock;
use std::sync::Arc;
use std::time::Duration;
use tidegate::telemetry::SystemClock;
use tokio::time::timeout;

/// Signed requests that are made beforehand for each second of a turn.
const SIGNED_PER_SECOND: usize = 80_000;

/// How many more than a turn should need: a timer may be late.
const SIGNED_SLACK: f64 = 1.5;

/// How much longer than its time a turn may take: a million keys are loaded, ten thousand connections
/// opened.
const TURN_SLACK: Duration = Duration::from_secs(60);

/// Streams on a connection of HTTP/2.
const STREAMS: usize = 8;

/// One process at one kind of work.
#[derive(Clone)]
pub struct Contestant<'a> {
    /// The kind of work.
    pub workload: Workload,
    /// The process.
    pub subject: &'a dyn Subject,
}

/// How a turn is taken.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What is measured.
    pub window: Duration,
    /// What is not, before.
    pub warm_up: Duration,
    /// Connections.
    pub connections: usize,
    /// How fast.
    pub pace: Pace,
}

/// What a turn came to.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its figures.
    pub figures: Figures,
    /// The share of the core's time that others had.
    pub disturbed: f64,
    /// Requests that were signed while they were measured.
    pub signed_late: u64,
    /// Requests that were due and never answered.
    pub unanswered: u64,
    /// Wrong answers.
    pub wrong: u64,
    /// The first wrong answer.
    pub first_wrong: Option<String>,
    /// Bytes of memory for each connection that waits.
    pub bytes_each: Option<f64>,
}

#[derive(Clone, Copy)]
struct Sample {
    cpu: Cpu,
    core: CoreTime,
    switches: u64,
}

impl Contestant<'_> {
    /// Workload and target, for people.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} by {}", self.workload.name, self.subject.name())
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// A process that does not start, or does not answer.
    pub async fn take_turn(&self, stage: &Stage, terms: &Terms) -> anyhow::Result<Turn> {
        let workload = &self.workload;
        let mut running = self.subject.start(stage, workload)?;
        running.ready().await?;
        let pid = running.pid();
        let recipes = workload.recipes(self.subject.dialect());
        let mut bytes_each = None;
        let idle = match workload.carrier {
            Carrier::BesideIdle(count) => {
                let before = resident_bytes(pid)?;
                let opening = Idle::open(running.address, count, &recipes[0]);
                let idle = timeout(TURN_SLACK, opening)
                    .await
                    .context("connections that wait took far too long")??;
                let more = resident_bytes(pid)?.saturating_sub(before);
                bytes_each = Some(more as f64 / idle.count().max(1) as f64);
                Some(idle)
            }
            _ => None,
        };
        let time = terms.warm_up + terms.window;
        let per_second = match terms.pace {
            Pace::Saturate => SIGNED_PER_SECOND,
            Pace::Fixed { per_second } => per_second as usize,
        };
        let signed = self.subject.dialect() == Dialect::Ours;
        let supplies = Supplies {
            unix_s: SystemClock::new().now().unix_s(),
            tokens: Arc::clone(&stage.tokens.texts),
            signed: usize::from(signed)
                * ((time.as_secs_f64() * per_second as f64 * SIGNED_SLACK) as usize),
        };
        let load = Load {
            address: running.address,
            connections: terms.connections,
            transport: transport(workload.carrier, stage)?,
            pace: terms.pace,
            warm_up: terms.warm_up,
            window: terms.window,
        };
        let core = stage.cores.subject;
        let sample = || {
            Ok(Sample {
                cpu: Cpu::of(pid)?,
                core: CoreTime::of(core)?,
                switches: voluntary_switches(pid)?,
            })
        };
        let requests = Requests::prepare(&recipes, &supplies);
        let measured = timeout(time + TURN_SLACK, run(&load, requests, sample))
            .await
            .context("it took far too long")??;
        let rss_bytes = resident_bytes(pid)?;
        drop(idle);
        turn(measured, rss_bytes, bytes_each)
    }
}

fn transport(carrier: Carrier, stage: &Stage) -> anyhow::Result<Transport> {
    Ok(match carrier {
        Carrier::Kept | Carrier::BesideIdle(_) => Transport::Kept,
        Carrier::Tls => Transport::Tls(stage.certificate.client()?),
        Carrier::Handshakes => Transport::Handshakes(stage.certificate.client()?),
        Carrier::Http2 => Transport::Http2 { streams: STREAMS },
    })
}

fn turn(
    measured: Measured<Sample>,
    rss_bytes: u64,
    bytes_each: Option<f64>,
) -> anyhow::Result<Turn> {
    let [first, last] = measured.samples;
    let cpu = last.cpu.since(&first.cpu);
    let tally = &measured.tally;
    if tally.answered == 0 || cpu.total().is_zero() {
        let why = tally.first_wrong.as_deref().unwrap_or("no answer at all");
        let (answers, cpu) = (tally.answered, cpu.total());
        bail!("{answers} right answers for {cpu:?} of CPU: {why}");
    }
    let core = last.core.since(&first.core);
    let others = core.busy.saturating_sub(cpu.total()) + core.stolen;
    let switches = last.switches.saturating_sub(first.switches);
    Ok(Turn {
        figures: Figures::of(tally, measured.elapsed, &cpu, rss_bytes, switches),
        disturbed: others.as_secs_f64() / measured.elapsed.as_secs_f64(),
        signed_late: measured.signed_late,
        unanswered: tally.unanswered,
        wrong: tally.wrong,
        first_wrong: measured.tally.first_wrong,
        bytes_each,
    })
}
