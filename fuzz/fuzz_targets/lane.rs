//! The whole straight lane on streams in memory: whatever a client and an upstream say, however it is
//! split, every connection ends, and what goes out at either end is well-formed and its own.

#![no_main]

use std::cell::LazyCell;
use tidegate::edge::testing::Rig;

std::thread_local! {
    static RIG: LazyCell<Rig> = LazyCell::new(Rig::new);
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    RIG.with(|rig| rig.run(bytes));
});
