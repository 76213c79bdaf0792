//! The program's allocator: mimalloc, which can be asked to count.
//!
//! Small blocks in great numbers, allocated and freed on several threads, are what a proxy does; the
//! system's allocator spends a quarter more of a core on them.
//!
//! Nothing is counted until [`Counted::begin`]: until then an allocation costs one look at a flag that
//! nobody writes. `tidegate bench` begins; nothing else does.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// mimalloc, which can be asked to count.
pub struct Counted {
    counts: AtomicBool,
    count: AtomicU64,
}

// === impl Counted ===

impl Counted {
    /// An allocator that does not count.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            counts: AtomicBool::new(false),
            count: AtomicU64::new(0),
        }
    }

    /// Counts from now on, on every thread.
    pub fn begin(&self) {
        self.counts.store(true, Relaxed);
    }

    /// Allocations since [`Self::begin`]; growing a block counts as one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    fn note(&self) {
        if self.counts.load(Relaxed) {
            self.count.fetch_add(1, Relaxed);
        }
    }
}

impl Default for Counted {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: every call is handed on unchanged to an allocator that keeps the contract.
#[expect(
    unsafe_code,
    reason = "an allocator can be written in no other way; it only counts"
)]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note();
        // SAFETY: the caller's promise about `layout` is the one asked for here.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.note();
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.note();
        // SAFETY: the caller's promises are those asked for here; `block` came from `MiMalloc`.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { MiMalloc.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_counted_before_it_begins() {
        let counted = Counted::new();
        counted.note();
        assert_eq!(counted.count(), 0);
        counted.begin();
        counted.note();
        counted.note();
        assert_eq!(counted.count(), 2);
    }
}
