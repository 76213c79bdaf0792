//! The report of a run that never was.

use super::*;
use crate::costs::StepCost;
use crate::results::{Extras, Figures};

fn row(workload: &'static str, target: &'static str, cpu_us: f64, connections: usize) -> Row {
    let figures = Figures {
        cpu_us,
        user_us: cpu_us / 4.0,
        sys_us: cpu_us * 0.75,
        rps: 1e6 / cpu_us,
        p50_us: 500.0,
        p99_us: 1000.0,
        p999_us: 2000.0,
        ..Figures::default()
    };
    let extras = Extras {
        rounds: 5,
        connections,
        offered_rps: Some(10_000),
        ..Extras::default()
    };
    Row::of(workload, target, vec![(0, figures); 3], extras).unwrap()
}

fn report() -> Report {
    Report {
        machine: Machine {
            processor: "A <fast> one".to_owned(),
            kernel: "Linux 6.1".to_owned(),
            cores: 2,
            commit: "abc".to_owned(),
            date: "2026-01-01".to_owned(),
        },
        versions: vec!["nginx/1.22".to_owned()],
        terms: "64 connections".to_owned(),
        command: "make bench".to_owned(),
        rows: vec![
            row("pass", "relay", 9.7, 64),
            row("pass", "tidegate", 10.5, 64),
            row("pass", "nginx", 13.8, 64),
        ],
        chain: Some(ChainCost {
            nanoseconds: 640.0,
            allocations: 2.0,
            steps: vec![StepCost {
                filter: "hygiene".to_owned(),
                nanoseconds: 320.0,
                allocations: 1.5,
            }],
        }),
        throughputs: vec![row("pass", "relay", 9.7, 1), row("pass", "relay", 9.7, 16)],
        latencies: vec![row("pass", "relay", 9.7, 64)],
        failures: vec!["key by x: 3 wrong answers".to_owned()],
        notes: vec!["a note".to_owned()],
    }
}

#[test]
fn the_page_tells_machine_goals_rows_and_failures() {
    let page = markdown::page(&report());
    for part in [
        "A <fast> one",
        "`abc`",
        "make bench",
        "nginx/1.22",
        "**Failed**",
        "key by x: 3 wrong answers",
        "a note",
        "## pass",
        "| tidegate (at 10000/s) |",
        "≤ 1.20 × relay",
        "relay 9.70",
        "1.08–1.08",
        "| hygiene",
        "| the whole chain |",
    ] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
}

#[test]
fn the_html_stands_alone_and_escapes_what_it_shows() {
    let page = html::page(&report());
    assert!(page.contains("A &lt;fast&gt; one"), "{page}");
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("<td>the whole chain"), "{page}");
    assert!(page.contains("name=\"viewport\""));
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.matches("<svg").count() >= 3);
}

#[test]
fn names_come_once_in_their_order() {
    let rows = report().rows;
    assert_eq!(distinct(&rows, |row| row.workload), ["pass"]);
    assert_eq!(
        distinct(&rows, |row| row.target),
        ["relay", "tidegate", "nginx"]
    );
}
