//! End to end: what a request costs the edge, beside the peers doing the same work, in one run.
//!
//! ```text
//! make bench
//! BENCH_ONLY=pass,key BENCH_TARGETS=tidegate,nginx BENCH_ROUNDS=1 cargo bench -p benches --bench edge
//! ```
//!
//! The measured process has one core and one worker; origin and generator have another core. Writes
//! `results.json`, `RESULTS.md` and `results.html` into `BENCH_OUT` (`benches`, where `BENCH_ONLY` and
//! `BENCH_TARGETS` leave nothing out; else `target/bench`). Ends with 1 when anybody answered wrong.

use anyhow::{Context, bail};
use benches::cores::{Cores, pin};
use benches::lookup;
use benches::origin::{LARGE_BYTES, Origin};
use benches::report::{Machine, Report};
use benches::results::Row;
use benches::rig::{self, Contestant, Outcome, Settings};
use benches::stage::Stage;
use benches::subjects::edge::{self, EdgeProcess, LaneChoice};
use benches::subjects::envoy::Envoy;
use benches::subjects::haproxy::Haproxy;
use benches::subjects::nginx::Nginx;
use benches::subjects::pingap::Pingap;
use benches::subjects::plain::{self, PlainPingora};
use benches::subjects::relay::{self, Relay};
use benches::subjects::{Subject, install};
use benches::workloads;
use filters::clock::Clock;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tidegate::telemetry::SystemClock;

/// That of `tidegate`, for this program is the measured edge, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Parts of our own saturation at which everybody's latency is measured, in per cent.
const SHARES: [u32; 5] = [10, 30, 50, 70, 90];

/// The share of the goal.
const SHARE: u32 = 70;

/// The rate of signed requests that one machine has to carry, generator included.
const SIGNED_RPS: u32 = 10_000;

/// What the highest rate has to keep.
const P99: Duration = Duration::from_millis(10);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [edge::SERVE, policy, keys] => edge::serve(Path::new(policy), keys.parse()?),
        [relay::SERVE, origin] => relay::serve(origin.parse()?),
        [plain::SERVE, origin, folder] => plain::serve(origin.parse()?, Path::new(folder)),
        // Cargo says `--bench`.
        _ => measure(),
    }
}

fn measure() -> anyhow::Result<()> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    take_all_descriptors();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let work = source.join("../target/bench");
    let cache = work.join("envoy");
    if settings.install {
        install::all(&cache, tell);
    }
    let subjects: [Box<dyn Subject>; 8] = [
        Box::new(Relay),
        Box::new(EdgeProcess::new(LaneChoice::Usual)),
        Box::new(EdgeProcess::new(LaneChoice::Pingora)),
        Box::new(Nginx::find()),
        Box::new(Haproxy::find()),
        Box::new(Envoy::find(&cache)),
        Box::new(Pingap::find()),
        Box::new(PlainPingora),
    ];
    let missing: Vec<String> = subjects
        .iter()
        .filter(|subject| settings.wants_target(subject.name()))
        .filter_map(|subject| subject.missing())
        .collect();
    missing.iter().for_each(|line| tell(line));
    let present: Vec<&dyn Subject> = subjects
        .iter()
        .filter(|subject| settings.wants_target(subject.name()))
        .filter(|subject| subject.missing().is_none())
        .map(AsRef::as_ref)
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Report {
        machine: Machine::this(source, SystemClock::new().now().unix_s()),
        versions: present.iter().filter_map(|one| one.version()).collect(),
        terms: terms(&settings),
        command: command(),
        rows: Vec::new(),
        throughputs: Vec::new(),
        latencies: Vec::new(),
        failures: Vec::new(),
        notes: missing,
    };
    runtime.block_on(run(&settings, &present, &work.join("stage"), &mut report))?;
    let partial = !settings.workloads.is_empty() || !settings.targets.is_empty();
    let usual = if partial { work } else { source.to_owned() };
    let out = std::env::var_os("BENCH_OUT").map_or(usual, PathBuf::from);
    report.write(&out)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "\n{}", report.summary())?;
    for line in report.notes.iter().chain(&report.failures) {
        writeln!(stdout, "- {line}")?;
    }
    writeln!(stdout, "\nwritten to {}", out.display())?;
    if !report.failures.is_empty() {
        bail!("{} failed", report.failures.len());
    }
    Ok(())
}

async fn run(
    settings: &Settings,
    present: &[&dyn Subject],
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cores = Cores::choose()?;
    pin(cores.load)?;
    let origin = Origin::bind().await?;
    let address = origin.address()?;
    let serving = tokio::spawn(origin.serve());
    let unix_s = SystemClock::new().now().unix_s();
    let stage = Stage::set(cores, address, folder, unix_s).context("the stage")?;
    let mut contestants = Vec::new();
    for workload in workloads::all() {
        if !settings.wants_workload(workload.name) {
            continue;
        }
        contestants.extend(of(present, &workload));
    }
    let outcome = rig::take_turns(settings, &stage, &contestants, tell).await;
    put(report, outcome, |report, rows| report.rows.extend(rows));
    more_about_keys(&mut report.rows);
    more_about_large(&mut report.rows);
    if settings.curves {
        curves(settings, &stage, present, report).await;
    }
    serving.abort();
    Ok(())
}

/// Everybody who does this work.
fn of<'a>(present: &[&'a dyn Subject], workload: &workloads::Workload) -> Vec<Contestant<'a>> {
    let serving = present.iter().filter(|subject| subject.serves(workload));
    serving
        .map(|&subject| Contestant {
            workload: workload.clone(),
            subject,
        })
        .collect()
}

async fn curves(settings: &Settings, stage: &Stage, present: &[&dyn Subject], report: &mut Report) {
    let saturation = |rows: &[Row], workload: &str| -> Option<f64> {
        let ours = |row: &&Row| row.workload == workload && row.target == "tidegate";
        rows.iter().find(ours).map(|row| row.figures.rps)
    };
    for (name, at_share) in [("pass", "pass-70"), ("key", "key-70")] {
        let (Some(workload), Some(most)) = (workloads::find(name), saturation(&report.rows, name))
        else {
            continue;
        };
        let contestants = of(present, &workload);
        if name == "pass" {
            let outcome = rig::throughputs(settings, stage, &contestants, tell).await;
            put(report, outcome, |report, rows| {
                report.throughputs.extend(rows)
            });
        }
        let rate = |share: u32| (most * f64::from(share) / 100.0) as u32;
        let rates = SHARES.map(rate);
        let outcome = rig::latencies(settings, stage, &contestants, &rates, 1, tell).await;
        put(report, outcome, |report, rows| {
            report.latencies.extend(rows)
        });
        let rounds = settings.rounds;
        let rates = [rate(SHARE)];
        let outcome = rig::latencies(settings, stage, &contestants, &rates, rounds, tell).await;
        put(report, outcome, |report, rows| {
            report.rows.extend(rows.into_iter().map(|row| Row {
                workload: at_share,
                ..row
            }));
        });
    }
    let (Some(sign), Some(most)) = (workloads::find("sign"), saturation(&report.rows, "sign"))
    else {
        return;
    };
    let contestants = of(present, &sign);
    let rates = [SIGNED_RPS];
    let outcome =
        rig::latencies(settings, stage, &contestants, &rates, settings.rounds, tell).await;
    put(report, outcome, |report, rows| {
        report.rows.extend(rows.into_iter().map(|row| Row {
            workload: "sign-10k",
            ..row
        }));
    });
    let Some(ours) = contestants
        .iter()
        .find(|one| one.subject.name() == "tidegate")
    else {
        return;
    };
    let outcome = rig::highest_rate(settings, stage, ours, most as u32, P99, tell).await;
    put(report, outcome, |report, rows| {
        report.rows.extend(rows.into_iter().map(|row| Row {
            workload: "sign-highest",
            ..row
        }));
    });
}

fn put(report: &mut Report, outcome: Outcome, rows: impl FnOnce(&mut Report, Vec<Row>)) {
    rows(report, outcome.rows);
    report.notes.extend(outcome.notes);
    report.failures.extend(outcome.failures);
}

/// Bytes of each key, by the difference to the same work with few; and what a look-up takes.
fn more_about_keys(rows: &mut [Row]) {
    let few = |rows: &[Row], target: &str| {
        let same = |row: &&Row| row.workload == "key" && row.target == target;
        rows.iter().find(same).map(|row| row.figures.rss_bytes)
    };
    let known: Vec<Option<f64>> = rows.iter().map(|row| few(rows, row.target)).collect();
    for (row, few) in rows.iter_mut().zip(known) {
        let Some(keys) = workloads::find(row.workload).and_then(|workload| workload.keys) else {
            continue;
        };
        row.extras.bytes_each = few.map(|few| (row.figures.rss_bytes - few) / f64::from(keys));
        row.extras.lookup_ns = Some(lookup::nanoseconds(keys));
    }
}

fn more_about_large(rows: &mut [Row]) {
    for row in rows.iter_mut().filter(|row| row.workload == "large") {
        let each = 2.0 * LARGE_BYTES as f64 / 1e6;
        row.extras.megabytes_per_second = Some((row.figures.rps * each).round());
    }
}

/// Ten thousand connections are twenty thousand descriptors, at some.
fn take_all_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What cannot be had shows when connections are refused.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn terms(settings: &Settings) -> String {
    format!(
        "{} connections, medians of {} rounds of {} s in turns, the proxy alone on one core with one \
         worker, no access log anywhere.",
        settings.connections,
        settings.rounds,
        settings.window.as_secs(),
    )
}

/// As it was called, as far as this program knows.
fn command() -> String {
    let mut variables: Vec<String> = std::env::vars()
        .filter(|(name, _)| name.starts_with("BENCH_") && name != "BENCH_OUT")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    variables.sort();
    variables.push("make bench".to_owned());
    variables.join(" ")
}

fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
