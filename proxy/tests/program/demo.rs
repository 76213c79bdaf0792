//! `tidegate demo`: what it prints works, it ends quickly, and what is in its way is said.

use crate::client::{Key, plain, signed};
use crate::process::{PATIENCE, Process, Said, run, tidegate};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Ctrl-C is answered within this time, when nobody else wants the machine.
const STOP_TIME: Duration = Duration::from_secs(2);

/// A running demo.
pub(crate) struct Demo {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) keys: Vec<Value>,
}

// === impl Demo ===

impl Demo {
    /// Starts a demo on this folder, which reads this database when one is named.
    pub(crate) fn start(folder: &Path, database: Option<&str>, more: &[&str]) -> Self {
        let mut command = demo("127.0.0.1:0", folder);
        command.arg("--json").args(more);
        if let Some(url) = database {
            command.env("DATABASE_URL", url);
        }
        let mut process = Process::start(command);
        let line: Value = serde_json::from_str(&process.line()).unwrap();
        Self {
            process,
            address: line["address"].as_str().unwrap().parse().unwrap(),
            keys: line["keys"].as_array().unwrap().clone(),
        }
    }

    /// The key of this name.
    pub(crate) fn key(&self, name: &str) -> Key {
        let mut keys = self.keys.iter();
        Key::of(keys.find(|key| key["name"] == name).expect("a key"))
    }
}

fn demo(listen: &str, folder: &Path) -> Command {
    let mut command = tidegate(&["demo", "--listen", listen, "--data"]);
    command.arg(folder);
    command
}

#[test]
fn a_demo_prints_keys_that_work_keeps_them_and_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = Demo::start(folder.path(), None, &[]);
    let shown: Vec<_> = first
        .keys
        .iter()
        .map(|key| (key["env"].as_str().unwrap(), key["tier"].as_str().unwrap()))
        .collect();
    let expected = [
        ("test", "free"),
        ("live", "free"),
        ("live", "pro"),
        ("live", "enterprise"),
    ];
    assert_eq!(shown, expected);
    for key in &first.keys {
        let answer = signed(first.address, &Key::of(key), "/api/v1/products").unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        assert!(
            answer["data"].as_array().is_some_and(|d| !d.is_empty()),
            "{answer}"
        );
    }
    let refused = plain(first.address, "/api/v1/products").unwrap();
    assert_eq!(refused.status, 401);

    // A second one on the same folder.
    let second = run(demo("127.0.0.1:0", folder.path()));
    one_sentence(&second, "another demo is running on the folder");

    let keys = first.keys.clone();
    let mut stops = Vec::new();
    let mut stop = |process: Process, signal| {
        let begun = Instant::now();
        let errors = process.end(signal, PATIENCE);
        stops.push(begun.elapsed());
        errors
    };
    let errors = stop(first.process, "INT");
    assert!(!errors.contains("ERROR"), "{errors}");

    let again = Demo::start(folder.path(), None, &[]);
    assert_eq!(again.keys, keys);
    let answer = signed(again.address, &again.key("pro"), "/api/v1/orders").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    stop(again.process, "TERM");

    let fresh = Demo::start(folder.path(), None, &["--fresh"]);
    for (fresh, old) in fresh.keys.iter().zip(&keys) {
        assert_ne!(fresh["key"], old["key"]);
    }
    let old = signed(fresh.address, &Key::of(&keys[2]), "/api/v1/orders").unwrap();
    assert_eq!(old.status, 401, "{old:?}");
    stop(fresh.process, "INT");
    assert!(stops.iter().any(|took| *took < STOP_TIME), "{stops:?}");
}

#[test]
fn what_is_in_the_way_of_a_demo_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = taken.local_addr().unwrap().to_string();
    one_sentence(
        &run(demo(&busy, &folder.path().join("a"))),
        &format!("{busy} is in use"),
    );
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    one_sentence(
        &run(demo("127.0.0.1:0", &file)),
        &format!("the folder {} cannot be made", file.display()),
    );
    let mut away = demo("127.0.0.1:0", &folder.path().join("b"));
    away.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    one_sentence(&run(away), "the database of DATABASE_URL cannot be used");
}

#[test]
fn a_damaged_database_is_said_and_a_fresh_start_helps() {
    let folder = tempfile::tempdir().unwrap();
    Demo::start(folder.path(), None, &[])
        .process
        .end("INT", PATIENCE);
    let control = folder
        .path()
        .join("database/postgresql/pgdata/global/pg_control");
    let file = fs::OpenOptions::new().write(true).open(control).unwrap();
    file.set_len(10).unwrap();
    one_sentence(
        &run(demo("127.0.0.1:0", folder.path())),
        "the embedded database cannot be started: its files are damaged: start over with --fresh",
    );
    let fresh = Demo::start(folder.path(), None, &["--fresh"]);
    let answer = signed(fresh.address, &fresh.key("pro"), "/api/v1/orders").unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// One line that is no progress report, beginning with the program's name, and an exit code of 1.
#[track_caller]
fn one_sentence(said: &Said, text: &str) {
    assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
    let lines: Vec<&str> = said
        .err
        .lines()
        .filter(|line| !line.starts_with("starting ") && !line.starts_with("connecting "))
        .collect();
    assert!(
        matches!(*lines, [line] if line.starts_with(&format!("tidegate: {text}"))),
        "{said:?}"
    );
}

#[test]
fn the_commands_on_the_page_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(demo("127.0.0.1:0", folder.path()));
    // The page ends with an empty line after the last of the three commands.
    let mut page = Vec::new();
    loop {
        page.push(process.line());
        let burst = page.iter().any(|line| line.contains("--repeat"));
        if burst && page.last().is_some_and(String::is_empty) {
            break;
        }
    }
    // What is longer than a terminal holds the path of this program or of this test's folder.
    for line in &page {
        let ours = ["tidegate ", "  data "]
            .iter()
            .any(|part| line.contains(part));
        assert!(ours || line.chars().count() <= 80, "{line}");
    }
    let commands = commands(&page);
    assert_eq!(commands.len(), 3, "{page:#?}");
    let good = bash(&commands[0]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.contains("\"data\""), "{good:?}");
    let refused = bash(&commands[1]);
    assert!(refused.out.starts_with("HTTP/1.1 401 "), "{refused:?}");
    let burst = bash(&commands[2]);
    assert_eq!(burst.code, 1, "{burst:?}");
    let statuses: Vec<&str> = burst
        .out
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap_or_default())
        .collect();
    // The bucket of 20 a minute may give back one or two on a slow machine.
    assert_eq!(statuses.len(), 25, "{burst:?}");
    assert!(
        statuses[..20].iter().all(|status| *status == "200"),
        "{burst:?}"
    );
    assert!(statuses[20..].contains(&"429"), "{burst:?}");
    process.end("INT", PATIENCE);
}

/// The indented paragraphs below the headings that introduce a command.
fn commands(page: &[String]) -> Vec<String> {
    let text = page.join("\n");
    let paragraphs = text.split("\n\n");
    paragraphs
        .filter(|paragraph| paragraph.contains(" curl ") || paragraph.contains(" request "))
        .filter(|paragraph| paragraph.starts_with("  "))
        .map(|paragraph| paragraph.trim_end().to_owned())
        .collect()
}

fn bash(script: &str) -> Said {
    let mut command = Command::new("bash");
    command.args(["-c", script]);
    run(command)
}
