//! What a request costs: the pages from which the two programs under `benches/` are made.
//!
//! `filters` measures parts in one process: [`laps`] times batches, [`allocations`] counts what they
//! allocate. `edge` measures whole processes: [`rig`] takes turns between [`subjects`] on a core of
//! their own ([`cores`]), feeds them from [`load`], lets [`origin`] answer behind them and reads in
//! [`proc`] what they used. Both print with [`table`].
//!
//! ```text
//! cargo bench -p benches --bench filters
//! BENCH_ROUNDS=5 BENCH_SECONDS=2 cargo bench -p benches --bench edge
//! ```
//!
//! It stops at figures: nothing here asserts how fast something must be. What is asserted is that
//! every answer was right, for a fast wrong answer is none.

pub mod allocations;
pub mod cores;
pub mod http1;
pub mod laps;
pub mod load;
pub mod origin;
pub mod partners;
pub mod proc;
pub mod results;
pub mod rig;
pub mod shipped;
pub mod subjects;
pub mod table;
