//! The program `tidegate`: nothing but the door to its command line.

use std::process::ExitCode;
use tidegate::allocations::Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted::new();

fn main() -> ExitCode {
    tidegate::cli::main(std::env::args_os(), &ALLOCATOR)
}
