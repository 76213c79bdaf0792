//! The vector file against this implementation, and against a plain computation beside it.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::Digest as _;

const VECTORS: &str = include_str!("../../../tests/vectors/signatures.json");

struct Vector {
    name: String,
    scheme: Scheme,
    secret: String,
    method: String,
    path: String,
    query: String,
    timestamp: String,
    nonce: String,
    body: Vec<u8>,
    string_to_sign: Vec<u8>,
    header: String,
}

impl Vector {
    fn signed(&self) -> Signed<'_> {
        Signed {
            method: &self.method,
            path: self.path.as_bytes(),
            query: self.query.as_bytes(),
            timestamp: &self.timestamp,
            nonce: &self.nonce,
        }
    }
}

fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    let read = |v: &Value| Vector {
        name: text(&v["name"]),
        scheme: Scheme::from_name(v["scheme"].as_str().unwrap()).unwrap(),
        secret: text(&v["secret"]),
        method: text(&v["method"]),
        path: text(&v["path"]),
        query: text(&v["query"]),
        timestamp: text(&v["timestamp"]),
        nonce: text(&v["nonce"]),
        body: bytes(&v["bodyBase64"]),
        string_to_sign: bytes(&v["stringToSignBase64"]),
        header: text(&v["signature"]),
    };
    file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(read)
        .collect()
}

/// RFC 2104 as it is written, from SHA-256 alone; shares nothing with the implementation.
fn plain_hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 {
        Sha256::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

fn plain_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_vector_file_holds_for_a_plain_computation() {
    for v in vectors() {
        let message = match v.scheme {
            Scheme::V1 => [
                "v1",
                &v.timestamp,
                &v.nonce,
                &v.method,
                &v.path,
                &v.query,
                &plain_hex(&Sha256::digest(&v.body)),
            ]
            .join("\n")
            .into_bytes(),
            Scheme::BodyTimestamp => [&v.body[..], v.timestamp.as_bytes()].concat(),
        };
        assert_eq!(message, v.string_to_sign, "{}", v.name);
        let label = match v.scheme {
            Scheme::V1 => "v1",
            Scheme::BodyTimestamp => "sha256",
        };
        let mac = plain_hex(&plain_hmac(v.secret.as_bytes(), &message));
        assert_eq!(format!("{label}={mac}"), v.header, "{}", v.name);
    }
}

#[test]
fn the_vector_file_holds_for_the_implementation() {
    let all = vectors();
    for scheme in Scheme::ALL {
        assert!(all.iter().filter(|v| v.scheme == scheme).count() >= 5);
    }
    for v in &all {
        let secret = Secret::new(v.secret.as_bytes());
        let signed = v.signed();
        assert_eq!(
            string_to_sign(v.scheme, &signed, &v.body),
            v.string_to_sign,
            "{}",
            v.name
        );
        let made = mac(v.scheme, &secret, &signed, &v.body);
        assert_eq!(header_value(v.scheme, &made), v.header, "{}", v.name);
        for step in [1, 7, 64, usize::MAX] {
            let presented = parse_signatures(v.header.as_bytes()).unwrap();
            let mut verifier = Verifier::new(presented, [&secret].into_iter());
            for chunk in v.body.chunks(step) {
                verifier.update(chunk);
            }
            assert_eq!(verifier.length(), v.body.len() as u64);
            let verified = verifier.verify(&signed);
            assert_eq!(verified.fitting[..], [(v.scheme, made)], "{}", v.name);
        }
    }
}

#[test]
fn every_change_of_what_is_signed_breaks_the_signature() {
    let secret = Secret::new(b"sk_0");
    let base = Signed {
        method: "POST",
        path: b"/api/v1/orders",
        query: b"a=1",
        timestamp: "1767225600",
        nonce: "nonce-0001",
    };
    let with = |change: &dyn Fn(&mut Signed<'static>)| {
        let mut signed = base;
        change(&mut signed);
        signed
    };
    // The change, the body, and whether each scheme notices.
    let cases: [(&str, Signed<'_>, &[u8], bool, bool); 9] = [
        ("nothing", base, b"body", false, false),
        ("method", with(&|s| s.method = "PUT"), b"body", true, false),
        ("case", with(&|s| s.method = "post"), b"body", true, false),
        (
            "path",
            with(&|s| s.path = b"/api/v1/order"),
            b"body",
            true,
            false,
        ),
        ("query", with(&|s| s.query = b"a=2"), b"body", true, false),
        ("no query", with(&|s| s.query = b""), b"body", true, false),
        (
            "time",
            with(&|s| s.timestamp = "1767225601"),
            b"body",
            true,
            true,
        ),
        ("nonce", with(&|s| s.nonce = ""), b"body", true, false),
        ("body", base, b"bodY", true, true),
    ];
    for (name, signed, body, v1, body_timestamp) in cases {
        for (scheme, noticed) in [(Scheme::V1, v1), (Scheme::BodyTimestamp, body_timestamp)] {
            let presented = [(scheme, mac(scheme, &secret, &base, b"body"))];
            let mut verifier =
                Verifier::new(Presented::from_slice(&presented), [&secret].into_iter());
            verifier.update(body);
            let fits = !verifier.verify(&signed).fitting.is_empty();
            assert_eq!(fits, !noticed, "{name} under {}", scheme.name());
        }
    }
}

#[test]
fn every_secret_verifies_and_only_the_right_members_fit() {
    let (old, new, other) = (
        Secret::new(b"old"),
        Secret::new(b"new"),
        Secret::new(b"other"),
    );
    let signed = Signed {
        method: "GET",
        path: b"/",
        query: b"",
        timestamp: "1767225600",
        nonce: "",
    };
    let of = |scheme, secret| (scheme, mac(scheme, secret, &signed, b""));
    let (v1, bt) = (Scheme::V1, Scheme::BodyTimestamp);
    // A MAC under the label of the other scheme is no signature.
    let crossed = (v1, of(bt, &new).1);
    for (presented, fitting) in [
        (vec![of(v1, &old)], vec![of(v1, &old)]),
        (vec![of(v1, &new)], vec![of(v1, &new)]),
        (vec![of(bt, &old)], vec![of(bt, &old)]),
        (vec![of(v1, &other)], vec![]),
        (vec![crossed], vec![]),
        (
            vec![of(v1, &other), of(bt, &new), crossed, of(v1, &old)],
            vec![of(bt, &new), of(v1, &old)],
        ),
    ] {
        let verifier = Verifier::new(Presented::from_vec(presented), [&new, &old].into_iter());
        assert_eq!(verifier.verify(&signed).fitting[..], fitting[..]);
    }
}

#[test]
fn schemes_have_their_names() {
    for scheme in Scheme::ALL {
        assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
        let read: Scheme = serde_json::from_value(scheme.name().into()).unwrap();
        assert_eq!(read, scheme);
    }
    assert_eq!(Scheme::from_name("sha256"), None);
}
