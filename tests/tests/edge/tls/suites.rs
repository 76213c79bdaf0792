//! Weak suites are refused (A47; RFC 9325, sections 4.1 and 4.2), for being weak: the same ClientHello
//! with one good suite among them is answered.

use super::hello::{Hello, signatures};
use super::set;
use tests::raw::Raw;

/// ECDHE with AES-GCM or ChaCha20, for this stage's certificate, which is an ECDSA one.
const GOOD: [u16; 3] = [0xc02b, 0xc02c, 0xcca9];

/// Every kind that is weak; those that would fit the certificate come first.
const WEAK: [(&str, &[u16]); 12] = [
    ("CBC with SHA-1", &[0xc009, 0xc00a]),
    ("CBC with SHA-2", &[0xc023, 0xc024]),
    ("RC4", &[0xc007]),
    ("3DES", &[0xc008]),
    ("no encryption", &[0xc006]),
    ("short tags", &[0xc0ae, 0xc0af]),
    ("static ECDH", &[0xc02d, 0xc02e, 0xc004, 0xc005]),
    (
        "RSA key exchange",
        &[0x009c, 0x009d, 0x002f, 0x0035, 0x003c, 0x000a, 0x0005],
    ),
    ("ECDHE and RSA with CBC", &[0xc013, 0xc014, 0xc027, 0xc028]),
    (
        "finite-field DHE",
        &[0x009e, 0x009f, 0x0033, 0x0039, 0xccaa],
    ),
    ("nobody is proved", &[0xc018, 0xc019, 0x00a6, 0x0034]),
    (
        "for export, and nothing at all",
        &[0x0003, 0x0008, 0x0000, 0x0001],
    ),
];

/// The alert `handshake_failure`, fatal (RFC 5246, section 7.2).
const HANDSHAKE_FAILURE: [u8; 2] = [2, 40];

async fn answer_to(address: std::net::SocketAddr, hello: &Hello<'_>) -> Vec<u8> {
    let mut raw = Raw::connect(address).await;
    raw.send(hello.record()).await;
    raw.finish().await;
    raw.rest().await
}

/// One record: an alert, and the connection's end.
#[track_caller]
fn check_alert(what: &str, answer: &[u8], alert: [u8; 2]) {
    assert_eq!(answer.first(), Some(&21), "{what}: {answer:?}");
    assert_eq!(answer[3..], [&[0, 2][..], &alert].concat(), "{what}");
}

#[tokio::test]
async fn weak_suites_find_no_agreement() {
    let (_files, witness, stage) = set().await;
    let all: Vec<u16> = WEAK
        .iter()
        .flat_map(|(_, suites)| *suites)
        .copied()
        .collect();
    for good in GOOD {
        // A ServerHello, and in it the good one, wherever it stands in the list.
        let among = [&all[..], &[good], &all[..]].concat();
        for hello in [Hello::of(&[good]), Hello::of(&among)] {
            let answer = answer_to(stage.address, &hello).await;
            assert_eq!((answer[0], answer[5]), (22, 2), "{good:x}: {answer:?}");
            let session = usize::from(answer[43]);
            let chosen = &answer[44 + session..46 + session];
            assert_eq!(chosen, good.to_be_bytes(), "{good:x}");
        }
    }
    for (what, suites) in WEAK {
        for suite in suites {
            let answer = answer_to(stage.address, &Hello::of(&[*suite])).await;
            check_alert(&format!("{what} {suite:x}"), &answer, HANDSHAKE_FAILURE);
        }
        let answer = answer_to(stage.address, &Hello::of(suites)).await;
        check_alert(what, &answer, HANDSHAKE_FAILURE);
    }
    let answer = answer_to(stage.address, &Hello::of(&all)).await;
    check_alert("all of them", &answer, HANDSHAKE_FAILURE);
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

#[tokio::test]
async fn weak_parts_of_a_good_suite_find_no_agreement() {
    let (_files, witness, stage) = set().await;
    for (what, hello) in [
        (
            "SHA-1 signatures",
            Hello::of(&GOOD).with(13, signatures(&[0x0203, 0x0201])),
        ),
        (
            "MD5 signatures",
            Hello::of(&GOOD).with(13, signatures(&[0x0103, 0x0101])),
        ),
        (
            "small curves",
            Hello::of(&GOOD).with(10, vec![0, 4, 0, 19, 0, 21]),
        ),
        ("finite fields", Hello::of(&GOOD).with(10, vec![0, 2, 1, 0])),
        (
            "TLS 1.1",
            Hello {
                version: 0x0302,
                ..Hello::of(&GOOD)
            },
        ),
        (
            "TLS 1.0",
            Hello {
                version: 0x0301,
                ..Hello::of(&GOOD)
            },
        ),
        (
            "compression alone",
            Hello {
                compressions: &[1],
                ..Hello::of(&GOOD)
            },
        ),
    ] {
        let answer = answer_to(stage.address, &hello).await;
        assert_eq!((answer[0], answer.len()), (21, 7), "{what}: {answer:?}");
        assert_eq!(answer[5], 2, "{what} is no fatal alert: {answer:?}");
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}
