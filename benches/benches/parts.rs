//! What single parts take, by criterion: `cargo bench -p benches --bench parts [-- FILTER]`.
//!
//! It warms up, tells outliers, and compares with the last run on this machine. It asserts nothing: a
//! shared machine's clock is no judge. Instructions are counted by `counts`.

use benches::parts::{Work, all};
use criterion::Criterion;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pieces that are made ready at once: few enough to stay in the cache.
const PIECES: u64 = 64;

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for part in all() {
        // Made when it is wanted: a million keys take their time.
        let mut made: Option<Box<dyn Work>> = None;
        let mut failed = None;
        criterion.bench_function(&part.name, |bencher| {
            bencher.iter_custom(|count| {
                let mut spent = Duration::ZERO;
                let mut left = count;
                while left > 0 && failed.is_none() {
                    let now = left.min(PIECES);
                    left -= now;
                    match batch(&part, &mut made, now) {
                        Ok(took) => spent += took,
                        Err(error) => failed = Some(error),
                    }
                }
                spent
            });
        });
        if let Some(error) = failed {
            return Err(error);
        }
    }
    criterion.final_summary();
    Ok(())
}

fn batch(
    part: &benches::parts::Part,
    made: &mut Option<Box<dyn Work>>,
    pieces: u64,
) -> anyhow::Result<Duration> {
    let work = match made {
        Some(work) => work,
        None => made.insert(part.make()?),
    };
    work.ready(pieces as usize)?;
    let begun = Instant::now();
    work.run()?;
    Ok(begun.elapsed())
}
