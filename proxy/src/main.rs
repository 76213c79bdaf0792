//! The program `tidegate`: nothing but the door to its command line.

use std::process::ExitCode;

/// Small blocks in great numbers, allocated and freed on several threads, are what a proxy does;
/// the system's allocator spends a quarter more of a core on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidegate::cli::main(std::env::args_os())
}
