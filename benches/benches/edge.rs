//! End to end: what a request costs the edge, beside nginx doing plain `proxy_pass`, in one run.
//!
//! ```text
//! BENCH_ROUNDS=5 BENCH_SECONDS=2 BENCH_CONNECTIONS=64 cargo bench -p benches --bench edge
//! ```
//!
//! The measured process has one core and one worker; origin and generator have another core. Prints a
//! table of Markdown and writes `benches/results.json`.
//!
//! | workload | what |
//! |---|---|
//! | `pass`, `pass-post` | GET, and POST of 1 KiB, forwarded; the edge with `hygiene` alone |
//! | `key` | GET with an API key: the shipped chain without `signature` |
//! | `sign-get`, `sign` | GET, and POST of 1 KiB, signed under `v1`: the shipped chain |

use anyhow::Context;
use benches::load::{Credentials, Recipe};
use benches::rig::{Contestant, Settings, take_turns};
use benches::subjects::Subject;
use benches::subjects::edge::{self, EdgeProcess};
use benches::subjects::nginx::Nginx;
use benches::{proc, results};
use std::fs;
use std::io::Write;
use std::path::Path;

/// That of `tidegate`, for this program is the measured edge, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_BYTES: usize = 1024;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [serve, origin] if serve == edge::SERVE => {
            edge::serve(origin.parse().context("the origin's address")?)
        }
        // Cargo says `--bench`.
        _ => measure(),
    }
}

fn measure() -> anyhow::Result<()> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nginx = Nginx::find(&here.join(".work"));
    let tidegate = EdgeProcess;
    let mut contestants = Vec::new();
    let mut add = |workload, subject, recipe| {
        contestants.push(Contestant {
            workload,
            subject,
            recipe,
        });
    };
    let pass = || Recipe::get("/pass", Credentials::None);
    let pass_post = || Recipe::post("/pass", Credentials::None, BODY_BYTES);
    let sign_post = Recipe::post("/api/v1/orders", Credentials::Signature, BODY_BYTES);
    let missing = nginx.missing();
    if missing.is_none() {
        add("pass", &nginx as &dyn Subject, pass());
    }
    add("pass", &tidegate, pass());
    if missing.is_none() {
        add("pass-post", &nginx, pass_post());
    }
    add("pass-post", &tidegate, pass_post());
    add(
        "key",
        &tidegate,
        Recipe::get("/api/v1/products", Credentials::Key),
    );
    add(
        "sign-get",
        &tidegate,
        Recipe::get("/api/v1/orders", Credentials::Signature),
    );
    add("sign", &tidegate, sign_post);

    let mut out = std::io::stdout();
    let mut err = std::io::stderr();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let turns = take_turns(&settings, &contestants, |line| {
        let _ = writeln!(err, "{line}");
    });
    let report = runtime.block_on(turns)?;
    let file = here.join("results.json");
    fs::write(&file, results::json(&report.rows)?).context("the results cannot be written")?;

    writeln!(
        out,
        "\n{}; {}; {} connections, {} rounds of {} s; no access log anywhere\n",
        proc::processor(),
        nginx.version().unwrap_or_else(|| "no nginx".to_owned()),
        settings.connections,
        settings.rounds,
        settings.window.as_secs(),
    )?;
    write!(out, "{}", results::markdown(&report.rows))?;
    writeln!(out)?;
    for note in missing.iter().chain(&report.notes) {
        writeln!(out, "- {note}")?;
    }
    Ok(())
}
