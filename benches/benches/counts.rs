//! How many instructions single parts take, under callgrind: the same on a busy machine as on a quiet
//! one, give or take what hashes and random numbers make of it.
//!
//! ```text
//! make counts                      the counts as JSON, beside those of benches/counts.json
//! BENCH_ONLY=router make counts    only parts with this in their name
//! BENCH_SAVE=1 make counts         writes benches/counts.json, to be committed
//! ```
//!
//! Valgrind's processor has no SHA instructions: hashes count for more than they take. The program
//! starts itself once more for each part, under `valgrind --tool=callgrind`; what is counted is
//! [`count_this`] alone, once it has run before. Without valgrind nothing is counted, and it says so.

use anyhow::{Context, bail};
use benches::parts::{Part, Work, all};
use serde_json::{Map, Value};
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The argument that makes this program do one part; its name follows.
const ONE: &str = "--one-part";

/// Pieces that are counted together.
const PIECES: usize = 200;

/// Pieces before, so that what happens once is over.
const WARM_UP: usize = 200;

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
    count_this(&mut *work)
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
    let before = before(&here.join("counts.json"))?;
    let mut counts = Map::new();
    for part in all().iter().filter(|part| part.name.contains(&only)) {
        let count = count(part)?;
        let change = match before.get(&part.name).and_then(Value::as_u64) {
            Some(before) if before > 0 => {
                let change = (count as f64 / before as f64 - 1.0) * 100.0;
                format!("{before:>9} {change:+7.1} %")
            }
            _ => "        –".to_owned(),
        };
        writeln!(std::io::stderr(), "{:<40} {count:>9} {change}", part.name)?;
        counts.insert(part.name.clone(), count.into());
    }
    let text = serde_json::to_string_pretty(&Value::Object(counts))?;
    writeln!(out, "{text}")?;
    if std::env::var_os("BENCH_SAVE").is_some() {
        fs::write(here.join("counts.json"), format!("{text}\n"))?;
    }
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    writeln!(
        std::io::stderr(),
        "instructions a piece, by {}",
        version.trim()
    )?;
    Ok(())
}

/// Instructions of one piece.
fn count(part: &Part) -> anyhow::Result<u64> {
    let folder = std::env::temp_dir().join(format!("tidegate-counts-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("callgrind.out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*count_this*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args([ONE, &part.name])
        .stdin(Stdio::null())
        .output()?;
    let told = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_dir_all(&folder);
    let total = told
        .lines()
        .find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
    match total {
        Some(total) if output.status.success() && total > 0 => Ok(total / PIECES as u64),
        _ => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let last: Vec<&str> = text.lines().rev().take(3).collect();
            bail!("{} was not counted: {}", part.name, last.join(" / "))
        }
    }
}

/// The counts that are committed: those of the main branch.
fn before(file: &Path) -> anyhow::Result<Map<String, Value>> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).context("counts.json"),
        Err(_) => Ok(Map::new()),
    }
}
