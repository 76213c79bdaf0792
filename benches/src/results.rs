//! Figures: those of one turn, their medians over all rounds, and how both are written down.

use crate::load::Measured;
use crate::proc::Cpu;
use crate::table::Table;
use serde::Serialize;
use std::time::Duration;

/// What one turn of one process came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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
    /// The lowest and the highest CPU time of a round.
    #[serde(skip)]
    pub cpu_us_range: [f64; 2],
}

// === impl Figures ===

impl Figures {
    /// The figures of what was measured while a process used `cpu`.
    #[must_use]
    pub fn of<S>(measured: &Measured<S>, cpu: &Cpu, rss_bytes: u64) -> Self {
        let answers = measured.answers.max(1) as f64;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / answers;
        let latency = |quantile| measured.latency_us.value_at_quantile(quantile) as f64;
        Self {
            cpu_us: each(cpu.total()),
            user_us: each(cpu.user),
            sys_us: each(cpu.system),
            rps: measured.answers as f64 / measured.elapsed.as_secs_f64(),
            p50_us: latency(0.5),
            p99_us: latency(0.99),
            p999_us: latency(0.999),
            rss_bytes: rss_bytes as f64,
        }
    }
}

// === impl Row ===

impl Row {
    /// The medians of these rounds; `None` of no round.
    #[must_use]
    pub fn of(workload: &'static str, target: &'static str, rounds: &[Figures]) -> Option<Self> {
        let median = |figure: fn(&Figures) -> f64, digits: i32| {
            let sorted = sorted(rounds, figure);
            let middle = *sorted.get(sorted.len() / 2)?;
            let scale = 10_f64.powi(digits);
            Some((middle * scale).round() / scale)
        };
        let cpu = sorted(rounds, |figures| figures.cpu_us);
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
            },
            cpu_us_range: [*cpu.first()?, *cpu.last()?],
        })
    }
}

/// The rows as a table of Markdown.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let numbers = [
        "CPU µs",
        "user",
        "sys",
        "range",
        "req/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "MiB",
    ];
    let mut table = Table::new(&["workload", "target"], &numbers);
    for row in rows {
        let figures = &row.figures;
        let [low, high] = row.cpu_us_range;
        table.row([
            row.workload.to_owned(),
            row.target.to_owned(),
            format!("{:.1}", figures.cpu_us),
            format!("{:.1}", figures.user_us),
            format!("{:.1}", figures.sys_us),
            format!("{low:.1}–{high:.1}"),
            format!("{:.0}", figures.rps),
            format!("{:.0}", figures.p50_us),
            format!("{:.0}", figures.p99_us),
            format!("{:.0}", figures.p999_us),
            format!("{:.1}", figures.rss_bytes / f64::from(1 << 20)),
        ]);
    }
    table.markdown()
}

/// The rows for programs: one object a line.
///
/// # Errors
/// When a figure is no number.
pub fn json(rows: &[Row]) -> serde_json::Result<String> {
    let rows: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n  {}\n]\n", rows?.join(",\n  ")))
}

fn sorted(rounds: &[Figures], figure: impl Fn(&Figures) -> f64) -> Vec<f64> {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;

    fn figures(cpu_us: f64) -> Figures {
        let mut latency_us = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
        for us in 1..=1000 {
            latency_us.record(us).unwrap();
        }
        let measured = Measured {
            answers: 1000,
            elapsed: Duration::from_millis(500),
            latency_us,
            signed_late: 0,
            samples: [(), ()],
        };
        let cpu = Cpu {
            user: Duration::from_millis(4),
            system: Duration::from_secs_f64(cpu_us / 1000.0) - Duration::from_millis(4),
        };
        Figures::of(&measured, &cpu, 3 << 20)
    }

    #[test]
    fn cpu_time_is_shared_among_answers_and_quantiles_are_those_of_the_histogram() {
        let found = figures(10.0);
        assert!((found.cpu_us - 10.0).abs() < 1e-6, "{found:?}");
        assert!((found.user_us - 4.0).abs() < 1e-6, "{found:?}");
        assert!((found.sys_us - 6.0).abs() < 1e-6, "{found:?}");
        assert!((found.rps - 2000.0).abs() < 1e-6, "{found:?}");
        let quantiles = [found.p50_us, found.p99_us, found.p999_us];
        assert_eq!(quantiles, [500.0, 990.0, 999.0]);
    }

    #[test]
    fn rows_are_medians_and_are_written_as_the_report_wants_them() {
        assert_eq!(Row::of("pass", "nginx", &[]), None);
        let rounds = [figures(12.0), figures(99.0), figures(11.004)];
        let row = Row::of("pass", "nginx", &rounds).unwrap();
        assert!((row.figures.cpu_us - 12.0).abs() < 1e-6, "{row:?}");
        assert!((row.cpu_us_range[1] - 99.0).abs() < 1e-6, "{row:?}");
        let written: serde_json::Value =
            serde_json::from_str(&json(&[row.clone(), row.clone()]).unwrap()).unwrap();
        let expected = serde_json::json!({
            "workload": "pass", "target": "nginx", "cpu_us": 12.0, "user_us": 4.0, "sys_us": 8.0,
            "rps": 2000.0, "p50_us": 500.0, "p99_us": 990.0, "p999_us": 999.0,
            "rss_bytes": 3_145_728.0,
        });
        assert_eq!(written, serde_json::json!([expected, expected]));
        let table = markdown(&[row]);
        assert!(
            table.contains("| nginx  |   12.0 |  4.0 | 8.0 |"),
            "{table}"
        );
        assert!(table.contains(" 11.0–99.0 "), "{table}");
    }
}
