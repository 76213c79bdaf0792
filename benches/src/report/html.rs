//! `results.html`: the same as a page with drawings. One file; nothing comes from elsewhere; wide
//! tables scroll by themselves, so that the page does not, down to 360 pixels.

use super::markdown::Told;
use super::svg::{Bar, Curve, bars, curves, escape};
use super::{GOALS, Report, Verdict, distinct};
use crate::costs::ChainCost;
use crate::results::Row;
use crate::workloads;
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Tidegate: what a request costs</title><style>{STYLE}</style></head><body><main>\n\
         <h1>What a request costs</h1>\n"
    );
    let machine = &report.machine;
    let _ = writeln!(
        out,
        "<p>{}, {} cores, {}; commit <code>{}</code>, {}. {}</p><p>Made by <code>{}</code>.</p><p>{}</p>",
        escape(&machine.processor),
        machine.cores,
        escape(&machine.kernel),
        escape(&machine.commit),
        escape(&machine.date),
        escape(&report.terms),
        escape(&report.command),
        escape(&report.versions.join(" · ")),
    );
    list(&mut out, "Failed", &report.failures);
    goals(&mut out, &report.rows);
    report.chain.iter().for_each(|cost| chain(&mut out, cost));
    let _ = writeln!(
        out,
        "<h2>CPU a request</h2><p>Microseconds of the proxy process; the darker part in the program, \
         the paler in the kernel.</p><div class=\"plots\">"
    );
    for workload in distinct(&report.rows, |row| row.workload) {
        let _ = writeln!(out, "{}", cpu_bars(report, workload));
    }
    out.push_str("</div>\n");
    drawings(&mut out, report);
    table(&mut out, &report.rows);
    list(&mut out, "Notes", &report.notes);
    out.push_str("</main></body></html>\n");
    out
}

fn cpu_bars(report: &Report, workload: &str) -> String {
    let of = report.rows.iter().filter(|row| row.workload == workload);
    let drawn = of.map(|row| Bar {
        name: row.target.to_owned(),
        parts: [row.figures.user_us, row.figures.sys_us],
        ours: row.target.starts_with("tidegate"),
    });
    let summary = workloads::find(workload).map_or("", |known| known.summary);
    let drawing = bars(workload, "µs", drawn.collect());
    figure(
        &format!("<b>{}</b> {}", escape(workload), escape(summary)),
        &drawing,
    )
}

fn drawings(out: &mut String, report: &Report) {
    let Report {
        throughputs,
        latencies,
        ..
    } = report;
    if throughputs.is_empty() && latencies.is_empty() {
        return;
    }
    out.push_str("<h2>Curves</h2><div class=\"plots\">\n");
    for workload in distinct(throughputs, |row| row.workload) {
        let drawn = curves_of(throughputs, workload, |row| {
            (row.extras.connections as f64, row.figures.rps)
        });
        let drawing = curves(workload, "connections", "req/s", &drawn);
        let caption = format!("<b>{workload}</b> throughput over connections");
        let _ = writeln!(out, "{}", figure(&caption, &drawing));
    }
    for workload in distinct(latencies, |row| row.workload) {
        for (name, of) in [
            ("p50", (|row| row.figures.p50_us) as fn(&Row) -> f64),
            ("p99", |row| row.figures.p99_us),
            ("p99.9", |row| row.figures.p999_us),
        ] {
            let drawn = curves_of(latencies, workload, |row| {
                (f64::from(row.extras.offered_rps.unwrap_or(0)), of(row))
            });
            let drawing = curves(workload, "requests offered a second", "µs", &drawn);
            let caption = format!("<b>{workload}</b> {name} over the rate, from the intended time");
            let _ = writeln!(out, "{}", figure(&caption, &drawing));
        }
    }
    out.push_str("</div>\n");
}

fn curves_of(rows: &[Row], workload: &str, point: impl Fn(&Row) -> (f64, f64)) -> Vec<Curve> {
    let of = |target: &str| -> Vec<(f64, f64)> {
        rows.iter()
            .filter(|row| row.workload == workload && row.target == target)
            .map(&point)
            .collect()
    };
    distinct(rows, |row| row.target)
        .into_iter()
        .map(|target| Curve {
            name: target.to_owned(),
            points: of(target),
        })
        .collect()
}

fn figure(caption: &str, drawing: &str) -> String {
    format!("<figure><figcaption>{caption}</figcaption>{drawing}</figure>")
}

fn goals(out: &mut String, rows: &[Row]) {
    out.push_str(
        "<h2>Goals</h2><p>Paired: the median of the ratios of turns of the same round, with its \
         quartiles; it decides.</p>\
         <div class=\"scroll\"><table><thead><tr><th>workload<th>figure<th>goal<th>",
    );
    for name in ["ours", "theirs", "ratio", "paired", "quartiles", "pairs"] {
        let _ = write!(out, "<th class=\"n\">{name}");
    }
    out.push_str("</tr></thead><tbody>\n");
    for goal in GOALS {
        let finding = goal.finding(rows);
        let class = match finding.verdict {
            Verdict::Reached => "good",
            Verdict::Missed => "bad",
            Verdict::Told | Verdict::Unknown => "unknown",
        };
        let told = Told::of(&finding);
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td class=\"{class}\">{}",
            escape(goal.workload),
            goal.measure.name(),
            escape(&goal.text().replace('`', "")),
            told.mark,
        );
        for number in told.numbers {
            let _ = write!(out, "<td class=\"n\">{}", escape(&number));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn chain(out: &mut String, cost: &ChainCost) {
    out.push_str(
        "<h2>The chain of key alone</h2><div class=\"scroll\"><table><thead><tr><th>filter\
         <th class=\"n\">ns<th class=\"n\">allocations</tr></thead><tbody>\n",
    );
    let steps = cost.steps.iter();
    let steps = steps.map(|step| (step.filter.as_str(), step.nanoseconds, step.allocations));
    let whole = ("the whole chain", cost.nanoseconds, cost.allocations);
    for (name, nanoseconds, allocations) in steps.chain([whole]) {
        let name = escape(name);
        let _ = writeln!(
            out,
            "<tr><td>{name}<td class=\"n\">{nanoseconds:.0}<td class=\"n\">{allocations:.1}</tr>"
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn table(out: &mut String, rows: &[Row]) {
    out.push_str(
        "<h2>Every row</h2><div class=\"scroll\"><table><thead><tr><th>workload<th>target",
    );
    for name in [
        "CPU µs", "user", "sys", "req/s", "p50", "p99", "p99.9", "max µs", "MiB", "wrong",
    ] {
        let _ = write!(out, "<th class=\"n\">{name}");
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        let figures = &row.figures;
        let _ = write!(out, "<tr><td>{}<td>{}", row.workload, row.target);
        for (figure, digits) in [
            (figures.cpu_us, 1),
            (figures.user_us, 1),
            (figures.sys_us, 1),
            (figures.rps, 0),
            (figures.p50_us, 0),
            (figures.p99_us, 0),
            (figures.p999_us, 0),
            (figures.max_us, 0),
            (figures.rss_bytes / f64::from(1 << 20), 1),
            (row.extras.wrong as f64, 0),
        ] {
            let _ = write!(out, "<td class=\"n\">{figure:.digits$}");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2>{title}</h2><ul>");
    for line in lines {
        let _ = writeln!(out, "<li>{}</li>", escape(line));
    }
    out.push_str("</ul>\n");
}
