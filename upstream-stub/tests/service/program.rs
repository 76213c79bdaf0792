//! The program: how it starts, what it says when it cannot, how it stops.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::PATIENCE;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upstream-stub"));
    command
        .args(arguments)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn started(folder: &Path) -> (Child, String) {
    let data = folder.to_str().unwrap();
    let mut child = program(&["--listen", "127.0.0.1:0", "--data", data, "--seed"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    timeout(2 * PATIENCE, out.read_line(&mut line))
        .await
        .unwrap()
        .unwrap();
    let address = line.trim().strip_prefix("listening on http://");
    (
        child,
        address
            .unwrap_or_else(|| panic!("it said {line:?}"))
            .to_owned(),
    )
}

async fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn it_serves_stops_and_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, address) = started(folder.path()).await;
    let read = "GET /api/v1/orders/order_789 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = exchange(&address, read).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"59.98\""),
        "{answer}"
    );
    let faults = read.replace("/api/v1/orders/order_789", "/faults/echo");
    let answer = exchange(&address, &faults).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let cancel = read.replace("GET", "DELETE");
    assert!(
        exchange(&address, &cancel)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    // Without a word of warning: what was answered is there all the same.
    child.kill().await.unwrap();

    let (mut child, address) = started(folder.path()).await;
    let answer = exchange(&address, read).await;
    assert!(answer.contains("\"status\":\"cancelled\""), "{answer}");
    let pid = child.id().unwrap().to_string();
    let told = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .unwrap();
    assert!(told.success());
    let ended = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn it_says_in_one_sentence_why_it_cannot_start() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let busy = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let (file, data) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
    let free = ["--listen", "127.0.0.1:0"];
    let cases: &[(&[&str], Option<&str>, &str)] = &[
        (
            &["--listen", &busy, "--data", data],
            None,
            "cannot listen on",
        ),
        (&free, None, "no database"),
        (
            &[&free[..], &["--data", data]].concat(),
            Some("postgres://a@127.0.0.1:1/b"),
            "leave one out",
        ),
        (&[&free[..], &["--data", file]].concat(), None, file),
        (
            &free,
            Some("postgres://a:hidden@127.0.0.1:1/b"),
            "unavailable",
        ),
        (&free, Some("nonsense"), "error: "),
    ];
    for (arguments, url, expected) in cases {
        let mut command = program(arguments);
        if let Some(url) = url {
            command.env("DATABASE_URL", url);
        }
        let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            said.starts_with("error: ") && said.contains(expected),
            "{arguments:?}: {said}"
        );
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(!said.contains("hidden"), "{said}");
    }
    let help = program(&["--help"]).output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.contains("Examples:") && help.contains("--faults"),
        "{help}"
    );
}
