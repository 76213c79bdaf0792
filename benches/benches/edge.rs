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
use benches::costs::ChainCost;
use benches::lookup;
use benches::origin::{LARGE_BYTES, Origin};
use benches::report::{Machine, Report};
use benches::results::Row;
use benches::rig::{self, Contestant, Entry, Outcome, Points, Settings};
use benches::stage::Stage;
use benches::subjects::edge::{self, EdgeProcess, LaneChoice};
use benches::subjects::envoy::Envoy;
use benches::subjects::haproxy::Haproxy;
use benches::subjects::nginx::Nginx;
use benches::subjects::pingap::Pingap;
use benches::subjects::plain::{self, PlainPingora};
use benches::subjects::relay::{self, Relay};
use benches::subjects::{Subject, install};
use benches::workloads::{self, Workload};
use filters::clock::Clock;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tidegate::telemetry::SystemClock;

/// That of `tidegate`, for this program is the measured edge, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What it takes to start and end a process, for the estimate.
const STARTING: Duration = Duration::from_millis(150);

/// Parts of our own saturation at which everybody's latency is measured, in per cent.
const SHARES: [u32; 5] = [10, 30, 50, 70, 90];

/// The share of the goal.
const SHARE: u32 = 70;

/// The workloads whose latency is measured at that share, and what rows call it then.
const AT_SHARE: [(&str, &str); 3] = [("pass", "pass-70"), ("key", "key-70"), ("sign", "sign-70")];

/// The workloads whose latency is drawn over the rate.
const DRAWN: [&str; 2] = ["pass", "key"];

/// The work of the carrying machine, and what rows call it at its rate and at the highest.
const SIGNED: [&str; 3] = ["sign", "sign-10k", "sign-highest"];

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
        chain: ChainCost::read(&work)?,
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
    let wanted = workloads::all().into_iter();
    let wanted = wanted.filter(|workload| settings.wants_workload(workload.name));
    let entries: Vec<Entry<'_>> = wanted
        .flat_map(|workload| of(present, &workload))
        .map(|contestant| Entry::usual(settings, contestant))
        .collect();
    let turns: usize = entries.iter().map(|entry| entry.rounds).sum();
    let each = settings.warm_up + settings.window + STARTING;
    let minutes = (each * turns as u32).as_secs_f64() / 60.0;
    tell(&format!(
        "{turns} turns, some {minutes:.0} minutes; then the curves"
    ));
    let outcome = rig::take_turns(&stage, &entries, tell).await;
    put(report, outcome, |report| &mut report.rows);
    more_about_keys(&mut report.rows);
    more_about_large(&mut report.rows);
    more_about_chain(report);
    if settings.curves {
        curves(settings, &stage, present, report).await;
    }
    serving.abort();
    Ok(())
}

/// Everybody who does this work.
fn of<'a>(present: &[&'a dyn Subject], workload: &Workload) -> Vec<Contestant<'a>> {
    let serving = present.iter().filter(|subject| subject.serves(workload));
    serving
        .map(|&subject| Contestant {
            workload: workload.clone(),
            subject,
        })
        .collect()
}

/// What only fixed rates and other numbers of connections tell. Rates are parts of our own saturation.
async fn curves(settings: &Settings, stage: &Stage, present: &[&dyn Subject], report: &mut Report) {
    let points = |name: &str| {
        let workload = workloads::find(name)?;
        Some(Points::of(settings, of(present, &workload)))
    };
    let rate = |rows: &[Row], name: &str, share: u32| -> Option<u32> {
        let ours = |row: &&Row| row.workload == name && row.target == "tidegate";
        let most = rows.iter().find(ours)?.figures.rps;
        Some((most * f64::from(share) / 100.0) as u32)
    };
    let is_measured = |rows: &[Row], name: &str| rate(rows, name, 100).is_some();
    if let (Some(pass), true) = (points("pass"), is_measured(&report.rows, "pass")) {
        let outcome = rig::take_turns(stage, &pass.throughputs(), tell).await;
        put(report, outcome, |report| &mut report.throughputs);
    }
    let mut drawn = Vec::new();
    for name in DRAWN {
        let rates = SHARES.map(|share| rate(&report.rows, name, share));
        let rates: Vec<u32> = rates.into_iter().flatten().collect();
        drawn.extend(points(name).map(|points| points.latencies(&rates, None, 1)));
    }
    let outcome = rig::take_turns(stage, &drawn.concat(), tell).await;
    put(report, outcome, |report| &mut report.latencies);
    // Half the rounds: these tell nothing of CPU time.
    let rounds = settings.rounds.div_ceil(2);
    let mut fixed = Vec::new();
    for (name, at_share) in AT_SHARE {
        if let (Some(points), Some(rate)) = (points(name), rate(&report.rows, name, SHARE)) {
            fixed.push(points.latencies(&[rate], Some(at_share), rounds));
        }
    }
    let [sign, at_rate, highest] = SIGNED;
    let most = rate(&report.rows, sign, 100);
    if let (Some(points), Some(_)) = (points(sign), most) {
        fixed.push(points.latencies(&[SIGNED_RPS], Some(at_rate), rounds));
    }
    let outcome = rig::take_turns(stage, &fixed.concat(), tell).await;
    put(report, outcome, |report| &mut report.rows);
    let workload = workloads::find(sign);
    let contestants = workload.map_or_else(Vec::new, |workload| of(present, &workload));
    let mut contestants = contestants.iter();
    let ours = contestants.find(|one| one.subject.name() == "tidegate");
    if let (Some(ours), Some(most)) = (ours, most) {
        let outcome = rig::highest_rate(settings, stage, ours, highest, most, P99, tell).await;
        put(report, outcome, |report| &mut report.rows);
    }
}

fn put(report: &mut Report, outcome: Outcome, to: impl FnOnce(&mut Report) -> &mut Vec<Row>) {
    to(report).extend(outcome.rows);
    report.notes.extend(outcome.notes);
    report.failures.extend(outcome.failures);
}

/// What the chain of `key` costs without all that is around it.
fn more_about_chain(report: &mut Report) {
    let Some(cost) = &report.chain else {
        let how = "the chain alone is not told: cargo bench -p benches --bench filters";
        report.notes.push(how.to_owned());
        return;
    };
    let ours = |row: &&mut Row| row.workload == "key" && row.target == "tidegate";
    if let Some(row) = report.rows.iter_mut().find(ours) {
        row.extras.chain = Some([cost.nanoseconds.round(), cost.allocations]);
    }
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
        settings.window.as_secs_f64(),
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
