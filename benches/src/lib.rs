//! What a request costs: the pages from which the programs under `benches/` are made.
//!
//! - `edge` measures whole processes: [`rig`] takes turns between [`subjects`] on a core of their own
//!   ([`cores`]), which stand on a [`stage`], feeds them [`workloads`] from [`load`], lets [`origin`]
//!   answer behind them and reads in [`proc`] what they used. [`report`] tells.
//! - `filters` measures parts in one process ([`samples`] on the stand of [`chains`]): [`laps`] times
//!   batches, [`allocations`] counts what they allocate, [`costs`] tells it to the report.
//! - `parts` times the same [`parts`] by criterion, and `counts` counts their instructions.
//!
//! ```text
//! make bench          everything, and the report
//! make bench-quick    a try, one short round of `pass`
//! make counts         instructions, beside those that are committed
//! ```
//!
//! It stops at figures: nothing here asserts how fast something must be. What is asserted is that
//! every answer was right, for a fast wrong answer is none.

pub mod allocations;
pub mod certificate;
pub mod chains;
pub mod cores;
pub mod costs;
pub mod http1;
pub mod laps;
pub mod load;
pub mod lookup;
pub mod origin;
pub mod partners;
pub mod parts;
pub mod proc;
pub mod report;
pub mod results;
pub mod rig;
pub mod samples;
pub mod shipped;
pub mod spread;
pub mod stage;
pub mod subjects;
pub mod table;
pub mod tokens;
pub mod workloads;
