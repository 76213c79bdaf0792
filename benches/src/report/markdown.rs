//! `RESULTS.md`: goals first, then every row.

use super::{Finding, GOALS, Report, Verdict, distinct};
use crate::costs::ChainCost;
use crate::results::Row;
use crate::spread::Spread;
use crate::table::Table;
use crate::workloads;
use std::fmt::Write as _;

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut out = String::from("# What a request costs\n\n");
    let machine = &report.machine;
    let _ = writeln!(
        out,
        "{}, {} cores, {}; commit `{}`, {}. {}\n",
        machine.processor,
        machine.cores,
        machine.kernel,
        machine.commit,
        machine.date,
        report.terms
    );
    let _ = writeln!(
        out,
        "Made by `{}`. What each figure means: [benchmarks](../docs/guides/benchmarks.md).\n",
        report.command
    );
    let _ = writeln!(out, "Versions: {}.\n", report.versions.join(" · "));
    list(&mut out, "**Failed**", &report.failures);
    let _ = writeln!(
        out,
        "## Goals\n\n`paired` is the median of the ratios of turns of the same round, with quartiles; \
         it decides.\n\n{}",
        goals(&report.rows).markdown()
    );
    for workload in distinct(&report.rows, |row| row.workload) {
        let known = workloads::find(workload);
        let summary = known.map_or("", |workload| workload.summary);
        let _ = writeln!(out, "## {workload}\n");
        if !summary.is_empty() {
            let _ = writeln!(out, "{summary}.\n");
        }
        let of: Vec<Row> = report
            .rows
            .iter()
            .filter(|row| row.workload == workload)
            .cloned()
            .collect();
        let _ = writeln!(out, "{}", rows(&of).markdown());
    }
    if let Some(cost) = &report.chain {
        let _ = writeln!(out, "## The chain of `key` alone\n\n{}", chain(cost));
    }
    curve(&mut out, "Throughput over connections", &report.throughputs);
    curve(&mut out, "Latency over the rate", &report.latencies);
    list(&mut out, "## Notes", &report.notes);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Every goal, and what was reached.
pub(super) fn goals(rows: &[Row]) -> Table {
    let mut table = Table::new(
        &["workload", "figure", "goal", ""],
        &["ours", "theirs", "ratio", "paired", "quartiles", "pairs"],
    );
    for goal in GOALS {
        let told = Told::of(&goal.finding(rows));
        let mark = match told.mark {
            "no" => "**no**",
            mark => mark,
        };
        let words = [goal.workload, goal.measure.name(), &goal.text(), mark].map(str::to_owned);
        table.row(words.into_iter().chain(told.numbers));
    }
    table
}

/// A finding in words: whether it was reached, and six numbers.
pub(super) struct Told {
    pub(super) mark: &'static str,
    pub(super) numbers: [String; 6],
}

impl Told {
    pub(super) fn of(finding: &Finding) -> Self {
        let none = || "–".to_owned();
        let told = |figure: Option<f64>| figure.map_or_else(none, number);
        let paired = |what: &dyn Fn(&Spread) -> String| {
            let spread = finding.paired.as_ref();
            spread.map_or_else(none, what)
        };
        let theirs = finding.theirs;
        Self {
            mark: match finding.verdict {
                Verdict::Reached => "yes",
                Verdict::Missed => "no",
                Verdict::Told => "told",
                Verdict::Unknown => "not measured",
            },
            numbers: [
                told(finding.ours),
                theirs.map_or_else(none, |(target, theirs)| {
                    format!("{target} {}", number(theirs))
                }),
                told(finding.ratio),
                paired(&|spread| number(spread.median)),
                paired(&|spread| spread.quartiles.map(number).join("–")),
                paired(&|spread| spread.count.to_string()),
            ],
        }
    }
}

/// The chain alone, filter by filter: every allocation has a name.
fn chain(cost: &ChainCost) -> String {
    let mut table = Table::new(&["filter"], &["ns", "allocations"]);
    for step in &cost.steps {
        table.row([
            step.filter.clone(),
            format!("{:.0}", step.nanoseconds),
            format!("{:.1}", step.allocations),
        ]);
    }
    table.row([
        "the whole chain".to_owned(),
        format!("{:.0}", cost.nanoseconds),
        format!("{:.1}", cost.allocations),
    ]);
    format!(
        "In memory, on warm caches, by `cargo bench -p benches --bench filters`.\n\n{}",
        table.markdown()
    )
}

/// Rows as a table.
pub(super) fn rows(rows: &[Row]) -> Table {
    let numbers = [
        "CPU µs",
        "user",
        "sys",
        "quartiles",
        "req/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "MiB",
        "switches",
        "wrong",
    ];
    let mut table = Table::new(&["workload", "target"], &numbers);
    for row in rows {
        let figures = &row.figures;
        let [low, high] = row.extras.cpu_us_quartiles;
        table.row([
            row.workload.to_owned(),
            format!("{}{}", row.target, more(row)),
            format!("{:.1}", figures.cpu_us),
            format!("{:.1}", figures.user_us),
            format!("{:.1}", figures.sys_us),
            format!("{low:.1}–{high:.1}"),
            format!("{:.0}", figures.rps),
            format!("{:.0}", figures.p50_us),
            format!("{:.0}", figures.p99_us),
            format!("{:.0}", figures.p999_us),
            format!("{:.0}", figures.max_us),
            format!("{:.1}", figures.rss_bytes / f64::from(1 << 20)),
            format!("{:.3}", figures.voluntary_switches),
            row.extras.wrong.to_string(),
        ]);
    }
    table
}

/// What only some rows know.
fn more(row: &Row) -> String {
    let mut more = Vec::new();
    if let Some(rate) = row.extras.offered_rps {
        more.push(format!("at {rate}/s"));
        if row.extras.unanswered > 0 {
            more.push(format!("{} never answered", row.extras.unanswered));
        }
    }
    if let Some(bytes) = row.extras.bytes_each {
        more.push(format!("{bytes:.0} bytes each"));
    }
    if let Some([hot, cold]) = row.extras.lookup_ns {
        more.push(format!("look-up {hot:.0} ns hot, {cold:.0} cold"));
    }
    if let Some(rate) = row.extras.megabytes_per_second {
        more.push(format!("{rate:.0} MB/s"));
    }
    if more.is_empty() {
        return String::new();
    }
    format!(" ({})", more.join(", "))
}

fn curve(out: &mut String, title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new(
        &["workload", "target"],
        &[
            "connections",
            "offered/s",
            "req/s",
            "CPU µs",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
        ],
    );
    for row in rows {
        let offered = row.extras.offered_rps;
        table.row([
            row.workload.to_owned(),
            row.target.to_owned(),
            row.extras.connections.to_string(),
            offered.map_or_else(|| "–".to_owned(), |rate| rate.to_string()),
            format!("{:.0}", row.figures.rps),
            format!("{:.1}", row.figures.cpu_us),
            format!("{:.0}", row.figures.p50_us),
            format!("{:.0}", row.figures.p99_us),
            format!("{:.0}", row.figures.p999_us),
        ]);
    }
    let _ = writeln!(out, "## {title}\n\n{}", table.markdown());
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "{title}\n");
    for line in lines {
        // A wrong answer may be told with its line ends.
        let _ = writeln!(
            out,
            "- {}",
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        );
    }
    out.push('\n');
}

fn number(figure: f64) -> String {
    if figure < 10.0 {
        format!("{figure:.2}")
    } else if figure < 100.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.0}")
    }
}
