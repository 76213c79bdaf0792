//! TLS towards clients (A47): 1.2 and 1.3, the protocol by ALPN, nothing older, nothing plain; and files
//! that are not what they should be say so before anybody connects.

#![allow(clippy::unwrap_used, reason = "a test that fails may do so anywhere")]

mod hello;
mod renegotiation;
mod suites;

use filters::testing::fakes;
use hello::Hello;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::hostile::get;
use tests::raw::Raw;
use tests::stage::{HOSTILE, Stage, with_upstream};
use tests::tls::Files;
use tests::witness::Witness;
use tests::{eventually, within};
use tidegate::edge::{Edge, Parts};
use tidegate::telemetry::metrics::Metrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn policy(files: &Files, upstream: std::net::SocketAddr) -> String {
    let tls = format!(
        "hosts: [edge.example, 127.0.0.1]\n    tls: {{ certificate: \"file:{}\", key: \"file:{}\" }}",
        files.certificate.display(),
        files.key.display()
    );
    with_upstream(HOSTILE, upstream).replace("hosts: [edge.example, 127.0.0.1]", &tls)
}

async fn set() -> (Files, Witness, Stage) {
    let files = Files::make();
    let witness = Witness::start().await;
    let stage = Stage::start(&policy(&files, witness.address)).await;
    (files, witness, stage)
}

#[tokio::test]
async fn both_versions_and_both_protocols_are_served() {
    let (files, witness, stage) = set().await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for offer in [&["http/1.1"][..], &[], &["x", "http/1.1"]] {
            let mut tls = files
                .connect(stage.address, &[version], offer)
                .await
                .unwrap();
            let close = get("/exact").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
            tls.write_all(close.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = within("an answer", tls.read_to_end(&mut answer)).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(answer.starts_with("HTTP/1.1 200"), "{offer:?} {answer}");
            assert_eq!(witness.last().only("x-forwarded-proto"), Some("https"));
        }
        for offer in [&["h2", "http/1.1"][..], &["http/1.1", "h2"], &["h2"]] {
            let tls = files
                .connect(stage.address, &[version], offer)
                .await
                .unwrap();
            assert_eq!(
                tls.get_ref().1.alpn_protocol(),
                Some(&b"h2"[..]),
                "{offer:?}"
            );
            let (mut requests, connection) = h2::client::handshake(tls).await.unwrap();
            tokio::spawn(connection);
            let request = http::Request::get("https://edge.example/exact")
                .body(())
                .unwrap();
            let (response, _) = requests.send_request(request, true).unwrap();
            let response = within("an answer", response).await.unwrap();
            assert_eq!(response.status(), 200, "{offer:?}");
            assert_eq!(witness.last().only("x-forwarded-proto"), Some("https"));
            drop(requests);
        }
    }
    // HTTP/1.1 was agreed on: HTTP/2's preface is no request then; and the other way round.
    let mut tls = files
        .connect(stage.address, &[&rustls::version::TLS13], &["http/1.1"])
        .await
        .unwrap();
    tls.write_all(tests::frames::PREFACE).await.unwrap();
    let mut answer = Vec::new();
    let _ = within("a refusal", tls.read_to_end(&mut answer)).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 4"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let mut tls = files
        .connect(stage.address, &[&rustls::version::TLS13], &["h2"])
        .await
        .unwrap();
    tls.write_all(get("/exact").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = within("the end", tls.read_to_end(&mut answer)).await;
    assert!(!answer.windows(3).any(|three| three == b"200"));
    stage.stop().await;
}

/// A protocol that nobody here speaks is no agreement (RFC 7301, section 3.2).
#[tokio::test]
async fn unknown_protocols_and_other_names_find_no_agreement() {
    let (files, _witness, stage) = set().await;
    for offer in [&["h3"][..], &["http/1.0", "spdy/3"]] {
        let refused = files
            .connect(stage.address, &[&rustls::version::TLS13], offer)
            .await;
        assert!(refused.is_err(), "{offer:?}");
    }
    stage.stop().await;
}

/// A ClientHello of the time of this version, with some suites of it and no extension.
fn hello(version: u16) -> Vec<u8> {
    Hello::plain(version, &[0xc013, 0xc014, 0x002f, 0x0035, 0x000a]).record()
}

#[tokio::test]
async fn what_is_old_or_plain_is_refused() {
    let (_files, witness, stage) = set().await;
    for (what, bytes) in [
        ("SSL 3.0", hello(0x0300)),
        ("TLS 1.0", hello(0x0301)),
        ("TLS 1.1", hello(0x0302)),
        ("TLS 1.2 with weak suites only", hello(0x0303)),
        ("plain HTTP", get("/exact").into_bytes()),
        ("plain HTTP/2", tests::frames::PREFACE.to_vec()),
        ("rubbish", b"rubbish rubbish rubbish".to_vec()),
    ] {
        let mut raw = Raw::connect(stage.address).await;
        raw.send(&bytes).await;
        let answer = raw.rest().await;
        // An alert at most: no handshake, and nothing of HTTP.
        assert!(
            answer.len() <= 7 && !answer.starts_with(b"HTTP"),
            "{what}: {answer:?}"
        );
        assert!(answer.is_empty() || answer[0] == 21, "{what}: {answer:?}");
    }
    assert_eq!(witness.begun(), 0);
    // And TLS where nobody expects it.
    let plain = Stage::start(&with_upstream(HOSTILE, witness.address)).await;
    let mut raw = Raw::connect(plain.address).await;
    raw.send(hello(0x0303)).await;
    let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    plain.stop().await;
    stage.stop().await;
}

/// A handshake that is never finished ends, and holds up nobody; so does a preface that drips.
#[tokio::test]
async fn unfinished_handshakes_end() {
    let (files, witness, stage) = {
        let files = Files::make();
        let witness = Witness::start().await;
        let short =
            policy(&files, witness.address).replace("head_timeout: 10s", "head_timeout: 2s");
        let stage = Stage::start(&short).await;
        (files, witness, stage)
    };
    let began = Instant::now();
    let mut silent = Raw::connect(stage.address).await;
    let mut half = Raw::connect(stage.address).await;
    let record = hello(0x0303);
    half.send(&record[..record.len() / 2]).await;
    let served = Instant::now();
    let mut tls = files
        .connect(stage.address, &[&rustls::version::TLS13], &["http/1.1"])
        .await
        .unwrap();
    let close = get("/exact").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    tls.write_all(close.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = within("an answer", tls.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 200") && served.elapsed() < Duration::from_secs(10));
    drop(tls);
    let mut slow = files
        .connect(stage.address, &[&rustls::version::TLS13], &["h2"])
        .await
        .unwrap();
    slow.write_all(&tests::frames::PREFACE[..9]).await.unwrap();
    let mut sink = Vec::new();
    let _ = within("the preface's end", slow.read_to_end(&mut sink)).await;
    assert!(silent.is_closed().await);
    let _ = half.rest().await;
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    eventually("their end", async || stage.edge.connections() == 0).await;
    assert_eq!(witness.begun(), 1);
    stage.stop().await;
}

/// Files that are not what they should be: said when the listener is bound, by name.
#[tokio::test]
async fn bad_files_refuse_to_start() {
    let (good, other) = (Files::make(), Files::make());
    let folder = good.folder.path();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let missing = folder.join("missing.pem");
    let empty = write("empty.pem", "");
    let rubbish = write(
        "rubbish.pem",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    );
    let broken = write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    for (what, certificate, key, expected) in [
        (
            "no certificate",
            &missing,
            &good.key,
            "cannot read the certificate",
        ),
        (
            "no key",
            &good.certificate,
            &missing,
            "cannot read the private key",
        ),
        (
            "an empty certificate",
            &empty,
            &good.key,
            "there is no certificate",
        ),
        (
            "an empty key",
            &good.certificate,
            &empty,
            "cannot read the private key",
        ),
        (
            "rubbish",
            &rubbish,
            &good.key,
            "cannot read the certificate",
        ),
        (
            "no certificate in the frame",
            &broken,
            &good.key,
            "do not fit",
        ),
        (
            "the key as a certificate",
            &good.key,
            &good.key,
            "there is no certificate",
        ),
        (
            "the certificate as a key",
            &good.certificate,
            &good.certificate,
            "cannot read the private key",
        ),
        ("another's key", &good.certificate, &other.key, "do not fit"),
    ] {
        let text = policy(&good, ([127, 0, 0, 1], 9).into())
            .replace(&good.key.display().to_string(), "KEY")
            .replace(
                &good.certificate.display().to_string(),
                &certificate.display().to_string(),
            )
            .replace("KEY", &key.display().to_string());
        let fakes = fakes();
        let error = match tidegate::policy::load("test.yaml", &text) {
            Err(report) => report.to_string(),
            Ok(loaded) => match tidegate::plan::compile(&loaded.policy, &fakes.env) {
                Err(report) => report.to_string(),
                Ok(plan) => {
                    let edge = Edge::new(Parts {
                        plan: Arc::new(plan),
                        clock: Arc::clone(&fakes.env.clock),
                        metrics: Metrics::new(),
                        threads: 1,
                    });
                    edge.bind(Vec::new()).expect_err(what).to_string()
                }
            },
        };
        assert!(error.contains(expected), "{what}: {error}");
        let name = if expected.contains("key") {
            key
        } else {
            certificate
        };
        assert!(
            error.contains(&name.display().to_string()),
            "{what}: {error}"
        );
        assert!(
            !error.contains("BEGIN") && !error.contains('\n'),
            "{what}: {error}"
        );
    }
}
