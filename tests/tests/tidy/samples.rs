//! The signing samples of the documentation, run: each language signs every vector of scheme `v1`.
//!
//! A language that is not on the machine is left out, except where `CI` is set: there
//! `.ci/prerequisites samples` has installed all of them.

use super::house::root;
use serde_json::Value;
use std::fs;
use std::process::Command;

struct Vector {
    name: String,
    secret: String,
    method: String,
    target: String,
    timestamp: String,
    nonce: String,
    body: Vec<u8>,
    signature: String,
}

#[test]
fn javascript_signs_the_vectors() {
    check("node", "mjs");
}

#[test]
fn python_signs_the_vectors() {
    check("python3", "py");
}

#[test]
fn php_signs_the_vectors() {
    check("php", "php");
}

#[test]
fn ruby_signs_the_vectors() {
    check("ruby", "rb");
}

#[test]
fn the_shell_signs_the_vectors() {
    check("sh", "sh");
}

#[test]
fn base64_is_read() {
    for (text, bytes) in [
        ("", &b""[..]),
        ("Zg==", b"f"),
        ("Zm9v", b"foo"),
        ("+/+/", b"\xfb\xff\xbf"),
    ] {
        assert_eq!(unbase64(text), bytes, "{text}");
    }
}

fn check(interpreter: &str, extension: &str) {
    let here = Command::new(interpreter).arg("-c").arg("").output().is_ok();
    if !here {
        assert!(
            std::env::var_os("CI").is_none(),
            "{interpreter} is not on this machine"
        );
        return;
    }
    let sample = root().join(format!("docs/samples/sign.{extension}"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let body = folder.path().join("body");
    let vectors = vectors();
    assert!(vectors.len() >= 5, "the vectors cannot be read any more");
    for vector in vectors {
        fs::write(&body, &vector.body).expect("the temporary folder takes a file");
        let mut command = Command::new(interpreter);
        command.arg(&sample).arg(&vector.method).arg(&vector.target);
        if !vector.body.is_empty() {
            command.arg(&body);
        }
        let output = command
            .env("TIDEGATE_KEY", "ak_test_any")
            .env("TIDEGATE_SECRET", &vector.secret)
            .env("TIDEGATE_TIMESTAMP", &vector.timestamp)
            .env("TIDEGATE_NONCE", &vector.nonce)
            .output()
            .expect("the interpreter starts");
        let printed = String::from_utf8_lossy(&output.stdout);
        let expected = format!("X-API-Signature: {}", vector.signature);
        assert!(
            printed.lines().any(|line| line == expected),
            "{}: expected {expected}\n{printed}{}",
            vector.name,
            String::from_utf8_lossy(&output.stderr),
        );
    }
}

fn vectors() -> Vec<Vector> {
    let text = fs::read_to_string(root().join("tests/vectors/signatures.json"))
        .expect("the vectors are in the repository");
    let file: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    let vectors = file["vectors"]
        .as_array()
        .expect("the file has a list of vectors");
    vectors
        .iter()
        .filter(|vector| vector["scheme"] == "v1")
        .map(read)
        .collect()
}

fn read(vector: &Value) -> Vector {
    let field = |name: &str| vector[name].as_str().expect("a field of text").to_owned();
    let query = field("query");
    let mark = if query.is_empty() { "" } else { "?" };
    Vector {
        name: field("name"),
        secret: field("secret"),
        method: field("method"),
        target: format!("{}{mark}{query}", field("path")),
        timestamp: field("timestamp"),
        nonce: field("nonce"),
        body: unbase64(&field("bodyBase64")),
        signature: field("signature"),
    }
}

/// Reads base64 with padding (RFC 4648, section 4).
fn unbase64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = ALPHABET
            .iter()
            .position(|letter| *letter == byte)
            .expect("base64");
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}
