//! The program as an operator meets it: a process with arguments, signals, files and a terminal.
//!
//! Everything here runs the real binary and looks at it from outside. What can be proved inside one
//! process is proved elsewhere: a process costs seconds. Ports are free ones, waits end as soon as
//! what they wait for is there, and every process is ended by its own id when its test ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

mod client;
mod crash;
mod demo;
mod drain;
mod handover;
mod keys;
mod outage;
mod process;
mod shell;
mod site;
