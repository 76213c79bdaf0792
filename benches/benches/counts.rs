//! How many instructions single parts take, under callgrind: the same on a busy machine as on a quiet
//! one, give or take what hashes and random numbers make of it.
//!
//! ```text
//! make counts                      every part, beside those of main
//! BENCH_ONLY=router make counts    only parts with this in their name
//! BENCH_SAVE=1 make counts         writes benches/counts.json too, to be committed
//! ```
//!
//! It is built as `.ci/counts.toml` says: our crates optimised, the others as the tests have them, so
//! that CI compiles none of those twice. Valgrind's processor has no SHA instructions: hashes count for
//! more than they take.
//!
//! The program starts itself once more for each part, under `valgrind --tool=callgrind`, which counts
//! nothing until the part is set up and has run once: then the part says `ready`, `vgdb` lets the
//! counting begin, and what is counted is [`count_this`] alone. A million keys under a valgrind that
//! counts would take minutes. Without valgrind nothing is counted, and it says so. However many
//! instructions a part takes, this ends well.

use anyhow::{Context, bail, ensure};
use benches::parts::{Work, all};
use benches::table::Table;
use serde_json::{Map, Value};
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The argument that makes this program do one part; its name follows.
const ONE: &str = "--one-part";

/// Pieces that are counted together.
const PIECES: usize = 200;

/// Pieces before, so that what happens once is over.
const WARM_UP: usize = 200;

/// What a part says when it may be counted.
const READY: &str = "ready";

/// The counts that are committed.
const FILE: &str = "counts.json";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [one, name] if one == ONE => one_part(name),
        _ => count_all(),
    }
}

fn one_part(name: &str) -> anyhow::Result<()> {
    let part = all().into_iter().find(|part| part.name == name);
    let mut work = part.context("no such part")?.make()?;
    work.ready(WARM_UP)?;
    work.run()?;
    work.ready(PIECES)?;
    wait_for_counting()?;
    count_this(&mut *work)
}

/// Says that it is ready, and goes on at the next line, or end, of standard input. It waits busily, for
/// valgrind hears of `vgdb` while it runs something.
fn wait_for_counting() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{READY}")?;
    out.flush()?;
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        tell.store(true, Ordering::Release);
    });
    while !told.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    Ok(())
}

/// What callgrind counts, by this name.
#[inline(never)]
fn count_this(work: &mut dyn Work) -> anyhow::Result<()> {
    black_box(work.run())
}

fn count_all() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = Command::new("valgrind").arg("--version").output();
    let Ok(version) = found else {
        writeln!(
            out,
            "counts: valgrind is not here, and nothing is counted (Debian: apt-get install valgrind)"
        )?;
        return Ok(());
    };
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let (before, whose) = before(here)?;
    let names: Vec<String> = all().into_iter().map(|part| part.name).collect();
    let names: Vec<String> = names.into_iter().filter(|n| n.contains(&only)).collect();
    let mut table = Table::new(&["part"], &["instructions", &whose, "change"]);
    let mut counts = before.clone();
    let mut failures = Vec::new();
    let folder = std::env::temp_dir().join(format!("tidegate-counts-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let counted = count_each(&names, &folder);
    // Nothing of value lies in it, should it stay.
    let _ = fs::remove_dir_all(&folder);
    for (name, count) in names.iter().zip(counted) {
        let known = before.get(name).and_then(Value::as_u64);
        let known_text = known.map_or_else(|| "–".to_owned(), |known| known.to_string());
        let (count_text, change) = match count {
            Ok(count) => {
                counts.insert(name.clone(), count.into());
                (count.to_string(), change(known, count))
            }
            Err(error) => {
                failures.push(format!("{name} was not counted: {error:#}"));
                ("–".to_owned(), String::new())
            }
        };
        table.row([name.clone(), count_text, known_text, change]);
    }
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let version = version.trim();
    writeln!(
        out,
        "\ninstructions of one piece, by {version}\n\n{}",
        table.aligned()
    )?;
    if std::env::var_os("BENCH_SAVE").is_some() {
        counts.retain(|name, _| names.contains(name) || !only.is_empty());
        let text = serde_json::to_string_pretty(&Value::Object(counts))?;
        fs::write(here.join(FILE), format!("{text}\n"))?;
    }
    ensure!(failures.is_empty(), failures.join("\n"));
    Ok(())
}

fn change(before: Option<u64>, now: u64) -> String {
    match before {
        Some(before) if before > 0 => {
            format!("{:+.1} %", (now as f64 / before as f64 - 1.0) * 100.0)
        }
        _ => "new".to_owned(),
    }
}

/// Counts them, as many at a time as there are cores: others on the machine change nothing. What
/// callgrind writes lies in `folder` meanwhile.
fn count_each(names: &[String], folder: &Path) -> Vec<anyhow::Result<u64>> {
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(at) else { break };
                    // It is listened to until all have ended.
                    let _ = tell.send((at, count(name, folder)));
                }
            });
        }
        drop(tell);
        let mut counts: Vec<(usize, anyhow::Result<u64>)> = told.iter().collect();
        counts.sort_by_key(|(at, _)| *at);
        counts.into_iter().map(|(_, count)| count).collect()
    })
}

/// Instructions of one piece.
fn count(name: &str, folder: &Path) -> anyhow::Result<u64> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let file = folder.join(plain);
    let counted = valgrind(name, &file);
    let told = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    counted?;
    let total = told
        .lines()
        .find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
    match total {
        Some(total) if total > 0 => Ok(total / PIECES as u64),
        _ => bail!("callgrind wrote no total"),
    }
}

/// Leads one part through valgrind, which writes what it counted into `file`.
fn valgrind(name: &str, file: &Path) -> anyhow::Result<()> {
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", "--instr-atstart=no"])
        .arg("--toggle-collect=*count_this*")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args([ONE, name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("valgrind")?;
    let begun = begin(&mut child);
    // The end of its input lets it go on, whatever happened.
    drop(child.stdin.take());
    let mut text = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut text);
    }
    let status = child.wait()?;
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    ensure!(status.success(), "{status}: {}", last.join(" / "));
    begun
}

/// Waits until the part is ready, and lets the counting begin.
fn begin(child: &mut Child) -> anyhow::Result<()> {
    let stdout = child.stdout.take().context("its output is not a pipe")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(line.trim() == READY, "it was never ready");
    // Without ptrace, which containers forbid: the part is running, and hears by itself.
    let output = Command::new("vgdb")
        .arg("--max-invoke-ms=0")
        .arg(format!("--pid={}", child.id()))
        .args(["instrumentation", "on"])
        .stdin(Stdio::null())
        .output()
        .context("vgdb, which comes with valgrind")?;
    ensure!(
        output.status.success(),
        "vgdb: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// The counts of the main branch, and whose they are: as it is at the origin; or as they are here.
fn before(here: &Path) -> anyhow::Result<(Map<String, Value>, String)> {
    let at_origin = Command::new("git")
        .arg("-C")
        .arg(here)
        .args(["show", "origin/main:./counts.json"])
        .output();
    let (text, whose) = match at_origin {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            (text, "of origin/main")
        }
        _ => (
            fs::read_to_string(here.join(FILE)).unwrap_or_else(|_| "{}".to_owned()),
            "as committed",
        ),
    };
    Ok((serde_json::from_str(&text).context(FILE)?, whose.to_owned()))
}
