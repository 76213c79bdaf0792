//! Both lanes, side by side: generated exchanges go through an edge with `lane: straight` and one with
//! `lane: pingora`, and what clients hear and what upstreams get must be the same.
//!
//! Everything comes from a seed, which is printed when something differs. In the environment,
//! `DIFFERENTIAL_SEED` sets another one, `DIFFERENTIAL_EXCHANGES` how many exchanges are tried, and
//! `DIFFERENTIAL_ONLY` tries one conversation by its number.

#![allow(clippy::unwrap_used, reason = "a test that fails")]
#![allow(clippy::print_stdout, reason = "counts, for one who looks")]

mod allowances;
mod answer;
mod client;
mod compare;
mod exchange;
mod generate;
mod hostile;
mod pair;
mod random;
mod regressions;
mod request;
mod upstream;

use pair::Pair;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_lanes_do_the_same() {
    let number = |name: &str, usual: u64| match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => usual,
    };
    let seed = number("DIFFERENTIAL_SEED", 20_261_121);
    let exchanges = number("DIFFERENTIAL_EXCHANGES", 100_000);
    let only = std::env::var("DIFFERENTIAL_ONLY")
        .ok()
        .map(|text| text.parse().expect("a number"));
    Pair::start().await.run(seed, exchanges, only).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn splits_at_each_byte_change_nothing() {
    Pair::start().await.split_everywhere(20_261_121, 12).await;
}
