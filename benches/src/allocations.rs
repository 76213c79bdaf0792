//! Counts allocations: an allocator around that of the product.
//!
//! ```ignore
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//! ```
//!
//! The count is meant for programs of one thread: it is read and written apart, which costs next to
//! nothing, so that it can stay on while times are taken.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The allocator of `tidegate`, counted.
pub struct Counting;

/// Allocations since the program's start; growing a block counts as one.
#[must_use]
pub fn count() -> u64 {
    COUNT.load(Relaxed)
}

fn one_more() {
    COUNT.store(COUNT.load(Relaxed).wrapping_add(1), Relaxed);
}

// SAFETY: every call is handed on unchanged to an allocator that keeps the contract.
#[expect(
    unsafe_code,
    reason = "an allocator can be written in no other way; it only counts"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        one_more();
        // SAFETY: the caller's promise about `layout` is the one asked for here.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        one_more();
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        one_more();
        // SAFETY: the caller's promises are those asked for here; `block` came from `MiMalloc`.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { MiMalloc.dealloc(block, layout) }
    }
}
