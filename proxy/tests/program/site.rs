//! A site for `tidegate serve`: a policy file, and a service behind it that counts and can wait.

use crate::client::{Answer, Key, plain};
use crate::process::{Process, run, tidegate, until};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

/// The master key of every site: 32 bytes in hexadecimal.
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A service that answers `200` to everything; to `/api/slow` only when told.
pub(crate) struct Witness {
    pub(crate) address: SocketAddr,
    /// Gets a line when a slow request has arrived.
    pub(crate) arrived: Receiver<()>,
    /// Lets one slow request be answered.
    pub(crate) go_on: Sender<()>,
}

/// A policy file with the variables that it refers to.
pub(crate) struct Site {
    folder: TempDir,
    database: String,
}

/// A running `tidegate serve`.
pub(crate) struct Edge {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

// === impl Witness ===

impl Witness {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, arrived) = channel();
        let (go_on, told) = channel();
        let told = Arc::new(Mutex::new(told));
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tell, told) = (tell.clone(), Arc::clone(&told));
                thread::spawn(move || answer(stream, &tell, &told));
            }
        });
        Self {
            address,
            arrived,
            go_on,
        }
    }
}

/// Answers GETs, which have no body.
fn answer(stream: TcpStream, tell: &Sender<()>, told: &Mutex<Receiver<()>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match stream.read_line(&mut head) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
        if head.starts_with("GET /api/slow ") {
            let _ = tell.send(());
            let _ = told.lock().unwrap().recv();
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

// === impl Site ===

impl Site {
    /// A site on these addresses (port 0: a free one), with keys in this database.
    pub(crate) fn new(
        listener: SocketAddr,
        admin: SocketAddr,
        upstream: SocketAddr,
        database: &str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!(
            "listeners:
  - {{ address: \"{listener}\", any_host: true }}
admin: {{ address: \"{admin}\" }}
drain: 5s
log: {{ access: off }}
tiers:
  pro: {{ hourly: 1000000/h, burst: 100000/min }}
keys: {{ database: env:DATABASE_URL, master_keys: [env:TIDEGATE_MASTER_KEY] }}
upstreams:
  witness: {{ servers: [\"{upstream}\"] }}
chains:
  open:
    - rate_limit: {{ by: address, name: edge, policies: {{ burst: 600000/min }} }}
  partners:
    - api_key
    - signature: {{ schemes: [v1] }}
    - rate_limit
routes:
  - {{ name: slow, path: /api/slow, methods: [GET], chain: open, upstream: witness, public: true }}
  - {{ name: open, path: /api/open, methods: [GET], chain: open, upstream: witness, public: true }}
  - {{ name: partners, path: /api/v1/*, methods: [GET], chain: partners, upstream: witness }}
"
        );
        fs::write(folder.path().join("policy.yaml"), policy).unwrap();
        Self {
            folder,
            database: database.to_owned(),
        }
    }

    /// A site on free ports.
    pub(crate) fn anywhere(upstream: SocketAddr, database: &str) -> Self {
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        Self::new(free, free, upstream, database)
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    /// Starts the edge and waits until it serves.
    pub(crate) fn serve(&self) -> Edge {
        let policy = self.policy();
        let mut command = tidegate(&["serve", "--threads", "1", "--config"]);
        command.arg(policy);
        command
            .env("DATABASE_URL", &self.database)
            .env("TIDEGATE_MASTER_KEY", MASTER_KEY);
        let mut process = Process::start(command);
        let serving = process.message("serving", 0);
        let address = |name: &str| serving[name].as_str().unwrap().parse().unwrap();
        Edge {
            address: address("addresses"),
            admin: address("admin"),
            process,
        }
    }

    /// Runs `tidegate keys` with these words; its output is for scripts.
    pub(crate) fn keys(&self, words: &[&str]) -> String {
        self.keys_for_people(&[words, &["--json"]].concat())
    }

    /// Runs `tidegate keys` with these words.
    pub(crate) fn keys_for_people(&self, words: &[&str]) -> String {
        let mut command = tidegate(&["keys"]);
        command
            .args(words)
            .env("DATABASE_URL", &self.database)
            .env("TIDEGATE_MASTER_KEY", MASTER_KEY);
        let said = run(command);
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        said.out
    }

    /// Issues a key; its id comes first.
    pub(crate) fn issue(&self, name: &str) -> (String, Key) {
        self.issue_with(name, &[])
    }

    /// Issues a key with more words of `keys create`; its id comes first.
    pub(crate) fn issue_with(&self, name: &str, more: &[&str]) -> (String, Key) {
        let words = [
            "create",
            "--consumer",
            "acme",
            "--name",
            name,
            "--tier",
            "pro",
        ];
        issued(&self.keys(&[&words, more].concat()))
    }
}

/// The key that `keys create` or `keys rotate` printed.
pub(crate) fn issued(line: &str) -> (String, Key) {
    let value: Value = serde_json::from_str(line).unwrap();
    (value["id"].as_str().unwrap().to_owned(), Key::of(&value))
}

// === impl Edge ===

impl Edge {
    /// What the private listener says of the edge.
    pub(crate) fn ready(&self) -> Answer {
        plain(self.admin, "/ready").unwrap()
    }

    /// Waits until the private listener says this.
    pub(crate) fn wait_status(&self, word: &str) {
        until(word, || {
            let answer = self.ready();
            (answer.json()["status"] == word).then_some(())
        });
    }
}
