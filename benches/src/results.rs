//! Figures: those of one turn, their medians over all rounds, and how both are written down.

use crate::load::Tally;
use crate::proc::Cpu;
use crate::spread::Spread;
use serde::Serialize;
use std::time::Duration;

/// What one turn of one process came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// CPU time of the process for each answer, microseconds.
    pub cpu_us: f64,
    /// Of this, in the program.
    pub user_us: f64,
    /// Of this, in the kernel.
    pub sys_us: f64,
    /// Answers a second.
    pub rps: f64,
    /// Latency of the median answer, microseconds.
    pub p50_us: f64,
    /// Latency that 99 % of the answers keep, microseconds.
    pub p99_us: f64,
    /// Latency that 99.9 % of the answers keep, microseconds.
    pub p999_us: f64,
    /// Resident memory at the end, bytes.
    pub rss_bytes: f64,
    /// Latency of the slowest answer, microseconds.
    pub max_us: f64,
    /// Voluntary context switches of the process for each answer.
    pub voluntary_switches: f64,
}

/// What is known of a row beside its medians.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Extras {
    /// The quartiles of the CPU time over the rounds: the middle half lies between them.
    pub cpu_us_quartiles: [f64; 2],
    /// Turns behind the medians.
    pub rounds: usize,
    /// Wrong answers; with one of them the row has failed.
    pub wrong: u64,
    /// Requests that were due and never answered, over all rounds; only an open loop knows them.
    pub unanswered: u64,
    /// Connections.
    pub connections: usize,
    /// Requests a second that were offered, where the loop is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_rps: Option<u32>,
    /// Bytes of memory for each connection that waits, or each key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_each: Option<f64>,
    /// Look-up of a key, its hash included, nanoseconds: hot, and from cold caches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup_ns: Option<[f64; 2]>,
    /// Megabytes a second, both directions together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub megabytes_per_second: Option<f64>,
    /// What the chain alone takes, nanoseconds and allocations of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<[f64; 2]>,
}

/// The medians of one process at one kind of work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The kind of work.
    pub workload: &'static str,
    /// The process.
    pub target: &'static str,
    /// The medians, each figure for itself.
    #[serde(flatten)]
    pub figures: Figures,
    /// What else is known.
    #[serde(flatten)]
    pub extras: Extras,
    /// What each round came to, by its number: who took turns in the same round can be compared.
    #[serde(skip)]
    pub turns: Vec<(usize, Figures)>,
}

// === impl Figures ===

impl Figures {
    /// The figures of these answers, which took so long while a process used `cpu`.
    #[must_use]
    pub fn of(tally: &Tally, elapsed: Duration, cpu: &Cpu, rss_bytes: u64, switches: u64) -> Self {
        let answers = tally.answered.max(1) as f64;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / answers;
        let latency = |quantile| tally.latency_us.value_at_quantile(quantile) as f64;
        Self {
            cpu_us: each(cpu.total()),
            user_us: each(cpu.user),
            sys_us: each(cpu.system),
            rps: tally.answered as f64 / elapsed.as_secs_f64(),
            p50_us: latency(0.5),
            p99_us: latency(0.99),
            p999_us: latency(0.999),
            rss_bytes: rss_bytes as f64,
            max_us: tally.latency_us.max() as f64,
            voluntary_switches: switches as f64 / answers,
        }
    }
}

// === impl Row ===

impl Row {
    /// The medians of these rounds; `None` of no round.
    #[must_use]
    pub fn of(
        workload: &'static str,
        target: &'static str,
        turns: Vec<(usize, Figures)>,
        extras: Extras,
    ) -> Option<Self> {
        let median = |figure: fn(&Figures) -> f64, digits: i32| {
            let spread = Spread::of(turns.iter().map(|(_, figures)| figure(figures)))?;
            Some(round(spread.median, digits))
        };
        let cpu = Spread::of(turns.iter().map(|(_, figures)| figures.cpu_us))?;
        Some(Self {
            workload,
            target,
            figures: Figures {
                cpu_us: median(|figures| figures.cpu_us, 2)?,
                user_us: median(|figures| figures.user_us, 2)?,
                sys_us: median(|figures| figures.sys_us, 2)?,
                rps: median(|figures| figures.rps, 0)?,
                p50_us: median(|figures| figures.p50_us, 0)?,
                p99_us: median(|figures| figures.p99_us, 0)?,
                p999_us: median(|figures| figures.p999_us, 0)?,
                rss_bytes: median(|figures| figures.rss_bytes, 0)?,
                max_us: median(|figures| figures.max_us, 0)?,
                voluntary_switches: median(|figures| figures.voluntary_switches, 4)?,
            },
            extras: Extras {
                cpu_us_quartiles: cpu.quartiles.map(|us| round(us, 2)),
                ..extras
            },
            turns,
        })
    }
}

/// The rows for programs: one object a line.
///
/// # Errors
/// When a figure is no number.
pub fn json(rows: &[Row]) -> serde_json::Result<String> {
    let rows: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n  {}\n]\n", rows?.join(",\n  ")))
}

fn round(figure: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (figure * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(cpu_us: f64) -> Figures {
        let mut tally = Tally::new();
        for us in 1..=1000 {
            tally.right(Duration::from_micros(us));
        }
        tally.answered = 1000;
        let mut cpu = Cpu::default();
        cpu.user = Duration::from_millis(4);
        cpu.system = Duration::from_secs_f64(cpu_us / 1000.0) - cpu.user;
        Figures::of(&tally, Duration::from_millis(500), &cpu, 3 << 20, 250)
    }

    #[test]
    fn cpu_time_is_shared_among_answers_and_quantiles_are_those_of_the_histogram() {
        let found = figures(10.0);
        assert!((found.cpu_us - 10.0).abs() < 1e-6, "{found:?}");
        assert!((found.user_us - 4.0).abs() < 1e-6, "{found:?}");
        assert!((found.sys_us - 6.0).abs() < 1e-6, "{found:?}");
        assert!((found.rps - 2000.0).abs() < 1e-6, "{found:?}");
        assert!((found.voluntary_switches - 0.25).abs() < 1e-6, "{found:?}");
        let quantiles = [found.p50_us, found.p99_us, found.p999_us, found.max_us];
        assert_eq!(quantiles, [500.0, 990.0, 999.0, 1000.0]);
    }

    #[test]
    fn rows_are_medians_and_are_written_as_the_report_wants_them() {
        let extras = Extras {
            rounds: 3,
            connections: 64,
            ..Extras::default()
        };
        assert_eq!(Row::of("pass", "nginx", Vec::new(), extras), None);
        let rounds = vec![(1, figures(12.0)), (2, figures(99.0)), (4, figures(11.004))];
        let row = Row::of("pass", "nginx", rounds, extras).unwrap();
        let written: serde_json::Value =
            serde_json::from_str(&json(&[row.clone(), row]).unwrap()).unwrap();
        let expected = serde_json::json!({
            "workload": "pass", "target": "nginx", "cpu_us": 12.0, "user_us": 4.0, "sys_us": 8.0,
            "rps": 2000.0, "p50_us": 500.0, "p99_us": 990.0, "p999_us": 999.0,
            "rss_bytes": 3_145_728.0, "max_us": 1000.0, "voluntary_switches": 0.25,
            "cpu_us_quartiles": [11.5, 55.5], "rounds": 3, "wrong": 0, "unanswered": 0, "connections": 64,
        });
        assert_eq!(written, serde_json::json!([expected, expected]));
    }
}
