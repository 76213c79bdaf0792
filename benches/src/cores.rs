//! Which core works for whom: the measured process has one to itself, everything else another.
//!
//! A process inherits the cores of the thread that starts it; so that thread moves to the measured
//! core for the moment of starting, and back.

use rustix::process::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// Two cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores {
    /// The measured process's.
    pub subject: usize,
    /// The generator's and the origin's.
    pub load: usize,
}

// === impl Cores ===

impl Cores {
    /// The first two cores that this process may use, or one twice.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn choose() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let subject = cores
            .next()
            .ok_or_else(|| io::Error::other("no core is allowed"))?;
        Ok(Self {
            subject,
            load: cores.next().unwrap_or(subject),
        })
    }

    /// Whether the measured process shares its core with the load.
    #[must_use]
    pub const fn are_shared(&self) -> bool {
        self.subject == self.load
    }

    /// Does something on the measured core, such as starting a process, and goes back to the other.
    ///
    /// # Errors
    /// When this thread cannot be moved.
    pub fn on_subject<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        pin(self.subject)?;
        let done = work();
        pin(self.load)?;
        Ok(done)
    }
}

/// Keeps this thread, and what it starts from now on, on one core.
///
/// # Errors
/// When there is no such core for us.
pub fn pin(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_on_the_one_core_and_the_thread_comes_back_to_the_other() {
        let of_thread = || sched_getaffinity(None).unwrap();
        let cores = Cores::choose().unwrap();
        pin(cores.load).unwrap();
        let there = cores.on_subject(of_thread).unwrap();
        assert!(there.is_set(cores.subject) && there.count() == 1);
        let here = of_thread();
        assert!(here.is_set(cores.load) && here.count() == 1);
    }
}
