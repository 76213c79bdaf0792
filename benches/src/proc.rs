//! What a process used, as Linux tells it under `/proc`.
//!
//! CPU time is that of a process and its children together, for a server may have a master and a
//! worker; memory is that of the largest of them. What is in the program and what in the kernel comes
//! in ticks of 10 ms mostly, which over half a second is two per cent; what both come to, the
//! scheduler tells in nanoseconds, and that is what counts where it is told.

use std::fs;
use std::io;
use std::time::Duration;

/// CPU time since a process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// In the program.
    pub user: Duration,
    /// In the kernel on its behalf.
    pub system: Duration,
    /// On a core, exactly: all threads that still are. Zero where the kernel does not tell.
    running: Duration,
}

/// What a core did since the machine began, all processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreTime {
    /// Running processes. What interrupts cost stands elsewhere.
    pub busy: Duration,
    /// Wanted, and given to another guest of the same machine.
    pub stolen: Duration,
}

// === impl Cpu ===

impl Cpu {
    /// What a process and its children used so far.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut sum = Self::default();
        for pid in family(pid) {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let cpu = parse_stat(&stat, ticks_per_second()).ok_or_else(|| odd("stat"))?;
            sum.user += cpu.user;
            sum.system += cpu.system;
            sum.running += running(pid)?;
        }
        Ok(sum)
    }

    /// What was used since `earlier`: parted as the ticks are, and exact as a whole where that is known.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let user = self.user.saturating_sub(earlier.user);
        let system = self.system.saturating_sub(earlier.system);
        let running = self.running.saturating_sub(earlier.running);
        let ticked = user + system;
        // A thread that ended takes its exact time with it.
        if running.is_zero() || running < ticked / 2 {
            return Self {
                user,
                system,
                running: Duration::ZERO,
            };
        }
        let share = match ticked.is_zero() {
            true => 0.0,
            false => user.as_secs_f64() / ticked.as_secs_f64(),
        };
        let user = running.mul_f64(share);
        Self {
            user,
            system: running - user,
            running,
        }
    }

    /// User and system together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.user + self.system
    }
}

// === impl CoreTime ===

impl CoreTime {
    /// What this core did so far.
    ///
    /// # Errors
    /// When there is no such core.
    pub fn of(core: usize) -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        parse_core(&stat, core, ticks_per_second()).ok_or_else(|| odd("stat"))
    }

    /// What it did since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            stolen: self.stolen.saturating_sub(earlier.stolen),
        }
    }
}

/// Bytes of memory that the largest of a process and its children has resident.
///
/// # Errors
/// When the process is gone.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let mut largest = 0;
    for pid in family(pid) {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        largest = largest.max(parse_resident(&status).ok_or_else(|| odd("status"))?);
    }
    Ok(largest)
}

/// How often the threads of a process and its children gave their core up by themselves, since they
/// began: waits for something, mostly.
///
/// # Errors
/// When the process is gone.
pub fn voluntary_switches(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for pid in family(pid) {
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the listing and the look.
            let status = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
            sum += parse_switches(&status).unwrap_or(0);
        }
    }
    Ok(sum)
}

/// The processor's name, for the head of a report.
#[must_use]
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| {
        let (label, value) = line.split_once(':')?;
        (label.trim() == "model name").then(|| value.trim().to_owned())
    });
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// How long the threads of a process were on a core, exactly; zero where the kernel does not tell.
fn running(pid: u32) -> io::Result<Duration> {
    let mut sum = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the look.
        let told = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        sum += parse_running(&told).unwrap_or_default();
    }
    Ok(sum)
}

fn family(pid: u32) -> Vec<u32> {
    // A kernel may have been built without the list of children.
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let mut family = vec![pid];
    family.extend(
        listed
            .unwrap_or_default()
            .split_ascii_whitespace()
            .filter_map(|child| child.parse::<u32>().ok()),
    );
    family
}

fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

fn odd(file: &str) -> io::Error {
    io::Error::other(format!("{file} under /proc has not its usual form"))
}

fn ticks(count: u64, per_second: u64) -> Duration {
    Duration::from_nanos(count.saturating_mul(1_000_000_000 / per_second.max(1)))
}

/// Reads `/proc/PID/stat`. The program's name, in brackets, may hold anything, brackets too.
fn parse_stat(stat: &str, per_second: u64) -> Option<Cpu> {
    let (_, rest) = stat.rsplit_once(')')?;
    // Behind the name come the third field and so on; utime is the 14th, stime the 15th.
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse().ok();
    Some(Cpu {
        user: ticks(next()?, per_second),
        system: ticks(next()?, per_second),
        running: Duration::ZERO,
    })
}

/// Reads `/proc/PID/task/TID/schedstat`: nanoseconds on a core, nanoseconds waiting for one, turns.
fn parse_running(schedstat: &str) -> Option<Duration> {
    let nanoseconds = schedstat.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// Reads one core's line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
fn parse_core(stat: &str, core: usize, per_second: u64) -> Option<CoreTime> {
    let name = format!("cpu{core}");
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '))?;
    let fields: Vec<u64> = line
        .split_ascii_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, nice, system, _, _, _, _, steal, ..] = fields[..] else {
        return None;
    };
    Some(CoreTime {
        busy: ticks(user + nice + system, per_second),
        stolen: ticks(steal, per_second),
    })
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn parse_switches(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn cpu(user: u64, system: u64, running: u64) -> Cpu {
        Cpu {
            user: MS(user),
            system: MS(system),
            running: MS(running),
        }
    }

    #[test]
    fn the_whole_is_exact_and_parted_as_the_ticks_are() {
        let earlier = cpu(100, 300, 1000);
        for (later, expected) in [
            (cpu(110, 330, 1044), cpu(11, 33, 44)),
            (cpu(100, 300, 1004), cpu(0, 4, 4)),
            // The kernel tells nothing, or a thread took its time away.
            (cpu(110, 330, 1000), cpu(10, 30, 0)),
            (cpu(110, 330, 900), cpu(10, 30, 0)),
            (cpu(110, 330, 1019), cpu(10, 30, 0)),
        ] {
            assert_eq!(later.since(&earlier), expected, "{later:?}");
        }
        for (told, expected) in [
            ("44000000 7 9\n", Some(MS(44))),
            ("", None),
            ("x 1 2", None),
        ] {
            assert_eq!(parse_running(told), expected, "{told:?}");
        }
    }

    #[test]
    fn cpu_time_is_read_whatever_the_program_calls_itself() {
        for (stat, expected) in [
            (
                "7 (nginx) S 1 7 7 0 -1 4194560 1 2 3 4 250 1300 5 6 20 0 1 0 9",
                Some((2500, 13_000)),
            ),
            (
                "7 (a) b) (c) R 1 7 7 0 -1 4194560 1 2 3 4 1 0 5 6 20",
                Some((10, 0)),
            ),
            ("7 (nginx) S 1 7 7 0 -1 4194560 1 2 3 4 250", None),
            ("7 (nginx) S 1 7 7 0 -1 4194560 1 2 3 4 x 1 5", None),
            ("7 nginx S 1 7", None),
            ("", None),
        ] {
            let expected = expected.map(|(user, system)| cpu(user, system, 0));
            assert_eq!(parse_stat(stat, 100), expected, "{stat}");
        }
    }

    #[test]
    fn a_core_is_told_from_one_whose_number_begins_alike() {
        let stat =
            "cpu  9 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 4 5 6 7 8 0 0\ncpu10 10 0 0 0 0 0 0 1 0 0\n";
        let of = |busy, stolen| {
            Some(CoreTime {
                busy: MS(busy),
                stolen: MS(stolen),
            })
        };
        for (core, expected) in [(1, of(60, 80)), (10, of(100, 10)), (0, None)] {
            assert_eq!(parse_core(stat, core, 100), expected, "{core}");
        }
        assert_eq!(parse_core("cpu0 1 2 3\n", 0, 100), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        for (status, expected) in [
            ("Name:\tx\nVmRSS:\t    2048 kB\n", Some(2 << 20)),
            ("Name:\tx\n", None),
            ("VmRSS:\t12 MB\n", None),
        ] {
            assert_eq!(parse_resident(status), expected, "{status:?}");
        }
    }

    #[test]
    fn only_voluntary_switches_count() {
        let status = "nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t7\n";
        assert_eq!(parse_switches(status), Some(7));
        assert_eq!(parse_switches("voluntary_ctxt_switches:\tx\n"), None);
        assert_eq!(parse_switches(""), None);
        assert!(voluntary_switches(std::process::id()).is_ok());
    }

    #[test]
    fn this_process_is_alive_and_another_is_not() {
        let me = std::process::id();
        assert!(resident_bytes(me).unwrap() > 1 << 16);
        let first = Cpu::of(me).unwrap();
        let later = Cpu::of(me).unwrap();
        assert!(later.total() >= first.total());
        assert_eq!(first.since(&later).total(), MS(0));
        assert!(Cpu::of(u32::MAX).is_err());
    }
}
