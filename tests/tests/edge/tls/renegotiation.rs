//! A second handshake inside of a TLS 1.2 connection is refused (A47; RFC 9325, section 3.5).
//!
//! No library starts one any more: the keys are taken out of a good client, and the second
//! ClientHello is encrypted by hand.

use super::hello::Hello;
use super::set;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 as SUITE;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, MessageDecrypter, MessageEncrypter, OutboundChunks,
    OutboundPlainMessage,
};
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite};
use tests::hostile::get;
use tests::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ALERT: u8 = 21;
const DATA: u8 = 23;

/// `no_renegotiation`, a warning (RFC 5246, section 7.2.2).
const NO_RENEGOTIATION: [u8; 2] = [1, 100];

/// A connection behind its handshake, record by record.
struct Records {
    tcp: TcpStream,
    sealer: Box<dyn MessageEncrypter>,
    opener: Box<dyn MessageDecrypter>,
    sent: u64,
    received: u64,
}

impl Records {
    async fn send(&mut self, kind: ContentType, content: &[u8]) {
        let message = OutboundPlainMessage {
            typ: kind,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(content),
        };
        let record = self.sealer.encrypt(message, self.sent).unwrap();
        self.sent += 1;
        self.tcp.write_all(&record.encode()).await.unwrap();
    }

    /// The next record's kind and content; `None` at the connection's end.
    async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        within("a record", self.tcp.read_exact(&mut head))
            .await
            .ok()?;
        let mut content = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        self.tcp.read_exact(&mut content).await.ok()?;
        let kind = ContentType::from(head[0]);
        let record = InboundOpaqueMessage::new(kind, ProtocolVersion::TLSv1_2, &mut content);
        let opened = self.opener.decrypt(record, self.received).unwrap();
        self.received += 1;
        Some((head[0], opened.payload.to_vec()))
    }

    /// A request on this connection, which is served; the alerts that came before its answer.
    async fn ask(&mut self) -> Vec<Vec<u8>> {
        self.send(ContentType::ApplicationData, get("/exact").as_bytes())
            .await;
        let (mut answer, mut alerts) = (Vec::new(), Vec::new());
        while !answer.ends_with(b"{\"data\":\"seen\"}") {
            match self.receive().await.expect("an answer") {
                (DATA, content) => answer.extend(content),
                (kind, content) => {
                    assert_eq!((kind, answer.len()), (ALERT, 0), "{content:?}");
                    alerts.push(content);
                }
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
        alerts
    }
}

fn key_and_iv(secrets: ConnectionTrafficSecrets) -> (AeadKey, Vec<u8>) {
    match secrets {
        ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv.as_ref().to_vec()),
        _ => panic!("another suite than the only one of this client"),
    }
}

#[tokio::test]
async fn a_second_handshake_is_refused() {
    let (files, witness, stage) = set().await;
    let tcp = TcpStream::connect(stage.address).await.unwrap();
    let provider = CryptoProvider {
        cipher_suites: vec![SUITE],
        ..default_provider()
    };
    let mut config = files.config_of(provider, &[&rustls::version::TLS12], &["http/1.1"]);
    config.enable_secret_extraction = true;
    let tls = files.shake(tcp, "edge.example", config).await.unwrap();
    let (tcp, connection) = tls.into_inner();
    let SupportedCipherSuite::Tls12(suite) = SUITE else {
        panic!("a suite of TLS 1.2")
    };
    let secrets = connection.dangerous_extract_secrets().unwrap();
    let (key, iv) = key_and_iv(secrets.tx.1);
    let sealer = suite.aead_alg.encrypter(key, &iv, &[]);
    let (key, iv) = key_and_iv(secrets.rx.1);
    let opener = suite.aead_alg.decrypter(key, &iv);
    let mut records = Records {
        tcp,
        sealer,
        opener,
        sent: secrets.tx.0,
        received: secrets.rx.0,
    };
    assert!(records.ask().await.is_empty());
    let hello = Hello::of(&[0xc02b, 0xc02c]).message();
    records.send(ContentType::Handshake, &hello).await;
    // Refused, and the handshake before it holds on under the same keys.
    assert_eq!(records.ask().await, [NO_RENEGOTIATION]);
    // And who insists is shown out: an alert at most, and the end.
    records.send(ContentType::Handshake, &hello).await;
    while let Some((kind, content)) = records.receive().await {
        assert_eq!((kind, content[0]), (ALERT, 2), "{content:?}");
    }
    assert_eq!(witness.begun(), 2);
    stage.stop().await;
}
