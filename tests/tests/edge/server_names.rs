//! The name in the TLS handshake and the host of the request (A13; RFC 9110, sections 7.4 and 15.5.20):
//! a request that names another host than its connection was opened for is misdirected.

#![allow(clippy::unwrap_used, reason = "a test that fails may do so anywhere")]

use tests::envelope::check_refusal;
use tests::message::Message;
use tests::raw::{Answer, Raw};
use tests::stage::{HOSTILE, Stage, with_upstream};
use tests::tls::Files;
use tests::within;
use tests::witness::Witness;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The name in the handshake (an address names none), the host of the request, what becomes of it.
const CASES: [(&str, &str, (u16, &str)); 15] = [
    ("edge.example", "edge.example", (200, "")),
    ("EDGE.Example", "edge.example", (200, "")),
    ("edge.example", "EDGE.Example", (200, "")),
    ("edge.example", "edge.example:8443", (200, "")),
    ("other.example", "other.example", (200, "")),
    ("edge.example", "other.example", (421, "unknown_host")),
    ("edge.example", "other.example:443", (421, "unknown_host")),
    ("other.example", "edge.example", (421, "unknown_host")),
    ("edge.example", "127.0.0.1", (421, "unknown_host")),
    ("edge.example", "edge.example.", (400, "invalid_host")),
    ("edge.example", "stranger.example", (421, "unknown_host")),
    ("127.0.0.1", "edge.example", (200, "")),
    ("127.0.0.1", "other.example", (200, "")),
    ("127.0.0.1", "127.0.0.1:443", (200, "")),
    ("127.0.0.1", "stranger.example", (421, "unknown_host")),
];

struct Place {
    files: Files,
    witness: Witness,
    stage: Stage,
}

impl Place {
    /// Both names are served here, and the certificate is for both: only the handshake tells them
    /// apart.
    async fn start() -> Self {
        let (files, witness) = (Files::make(), Witness::start().await);
        let tls = format!(
            "trusted_proxies: [127.0.0.9]\nlisteners:\n  - address: 127.0.0.1:0\n    hosts: \
             [edge.example, other.example, 127.0.0.1]\n    tls: {{ certificate: \"file:{}\", key: \
             \"file:{}\" }}\n",
            files.certificate.display(),
            files.key.display()
        );
        let plain = "listeners:\n  - address: 127.0.0.1:0\n    hosts: [edge.example, 127.0.0.1]\n";
        let policy = with_upstream(HOSTILE, witness.address);
        assert!(policy.contains(plain));
        let stage = Stage::start(&policy.replace(plain, &tls)).await;
        Self {
            files,
            witness,
            stage,
        }
    }

    async fn connect(
        &self,
        source: u8,
        name: &str,
        protocol: &str,
    ) -> tokio_rustls::client::TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, source], 0).into()).unwrap();
        let tcp = socket.connect(self.stage.address).await.unwrap();
        let config = self.files.config(rustls::ALL_VERSIONS, &[protocol]);
        self.files.shake(tcp, name, config).await.unwrap()
    }

    /// One request by HTTP/1.1; the connection ends after it.
    async fn ask(&self, source: u8, name: &str, target: &str, host: &str) -> Answer {
        let mut tls = self.connect(source, name, "http/1.1").await;
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        tls.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let _ = within("an answer", tls.read_to_end(&mut bytes)).await;
        Answer::read(&bytes)
    }

    fn check(&self, case: &str, answer: &Answer, (status, reason): (u16, &str), begun: usize) {
        if status == 200 {
            assert_eq!(answer.status, 200, "{case}: {answer:?}");
            assert_eq!(self.witness.begun(), begun + 1, "{case}");
        } else {
            check_refusal(case, answer, status, reason);
            assert_eq!(self.witness.begun(), begun, "{case}: forwarded");
        }
    }
}

#[tokio::test]
async fn a_request_for_another_host_than_the_connections_is_misdirected() {
    let place = Place::start().await;
    for (name, host, expected) in CASES {
        for target in ["/exact".to_owned(), format!("https://{host}/exact")] {
            if expected.1 == "invalid_host" && target != "/exact" {
                // The target's own grammar has no such host.
                continue;
            }
            let case = format!("{name} {host} {target}");
            let begun = place.witness.begun();
            let answer = place.ask(1, name, &target, host).await;
            place.check(&case, &answer, expected, begun);
        }
    }
    place.stage.stop().await;
}

#[tokio::test]
async fn streams_are_judged_by_the_name_of_their_connection() {
    let place = Place::start().await;
    for name in ["edge.example", "other.example", "127.0.0.1"] {
        let tls = place.connect(1, name, "h2").await;
        let http2 = tests::http2::Http2::over(tls, "edge.example").await;
        for (of, host, expected) in CASES {
            // The client of this test writes no malformed authority.
            if of != name || expected.1 == "invalid_host" {
                continue;
            }
            let case = format!("{name} {host}");
            let begun = place.witness.begun();
            let answer = http2.ask_of(host, &Message::new("GET", "/exact")).await;
            // A refused stream is not the connection's end: the next one is judged by itself.
            place.check(&case, &answer, expected, begun);
        }
    }
    place.stage.stop().await;
}

/// A trusted proxy opens its connections by its own name for us, and speaks for many hosts (RFC 9110,
/// section 7.4: "unless the connection is from a trusted gateway").
#[tokio::test]
async fn a_trusted_proxy_may_speak_for_every_host_that_is_served() {
    let place = Place::start().await;
    for (source, host, expected) in [
        (9, "edge.example", (200, "")),
        (9, "other.example", (200, "")),
        (9, "stranger.example", (421, "unknown_host")),
        (8, "other.example", (421, "unknown_host")),
    ] {
        let begun = place.witness.begun();
        let answer = place.ask(source, "edge.example", "/exact", host).await;
        place.check(&format!("{source} {host}"), &answer, expected, begun);
    }
    place.stage.stop().await;
}

/// Without TLS there is no name, and `Host` alone counts.
#[tokio::test]
async fn without_tls_the_host_counts_alone() {
    let (_witness, stage) = tests::hostile::set().await;
    for (host, status) in [
        ("edge.example", 200),
        ("127.0.0.1", 200),
        ("other.example", 421),
    ] {
        let request = format!("GET /exact HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = Raw::connect(stage.address).await.ask(request).await;
        assert_eq!(answer.status, status, "{host}");
    }
    stage.stop().await;
}
