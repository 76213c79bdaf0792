//! The signed bytes and their MAC, fed chunk by chunk.

use super::{Mac, Presented, Scheme, Secret, Signed};
use crate::limits::CREDENTIALS_MAX;
use hmac::{Hmac, Mac as _};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use subtle::{Choice, ConstantTimeEq};

/// Checks the signatures of one request while its body arrives: SHA-256 for `v1`, HMAC for
/// `body-timestamp`, only what was presented, under every secret at once.
pub struct Verifier {
    presented: Presented,
    secrets: SmallVec<[Secret; 1]>,
    body: Option<Sha256>,
    macs: SmallVec<[Hmac<Sha256>; 1]>,
    length: u64,
}

/// What a [`Verifier`] found.
pub struct Verified {
    /// The presented signatures that fit, in their order; empty when none does.
    pub fitting: Presented,
    /// Hex SHA-256 of the body, when a `v1` signature was presented.
    pub body_hex: Option<[u8; 64]>,
    /// Bytes of the body.
    pub body_length: u64,
}

// === impl Verifier ===

impl Verifier {
    /// A check of these signatures under these secrets, [`CREDENTIALS_MAX`] of them at most.
    pub fn new<'s>(presented: Presented, secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let has = |wanted| presented.iter().any(|&(scheme, _)| scheme == wanted);
        let secrets: SmallVec<[Secret; 1]> = secrets.take(CREDENTIALS_MAX).cloned().collect();
        let macs = if has(Scheme::BodyTimestamp) {
            secrets.iter().map(Secret::state).collect()
        } else {
            SmallVec::new()
        };
        Self {
            body: has(Scheme::V1).then(Sha256::new),
            presented,
            secrets,
            macs,
            length: 0,
        }
    }

    /// One piece of the body, as it was received.
    pub fn update(&mut self, chunk: &[u8]) {
        self.length = self.length.saturating_add(chunk.len() as u64);
        if let Some(body) = &mut self.body {
            body.update(chunk);
        }
        for mac in &mut self.macs {
            mac.update(chunk);
        }
    }

    /// Bytes of the body so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The body is complete. Every presented signature is compared with every secret's, in constant
    /// time, whatever was found before: the work tells nothing.
    #[must_use]
    pub fn verify(self, signed: &Signed<'_>) -> Verified {
        let body_hex = self.body.map(|body| hex(&body.finalize().into()));
        let mut expected: SmallVec<[(Scheme, Mac); 2]> = SmallVec::new();
        if let Some(body_hex) = &body_hex {
            for secret in &self.secrets {
                expected.push((Scheme::V1, v1(secret, signed, body_hex)));
            }
        }
        for mut mac in self.macs {
            mac.update(signed.timestamp.as_bytes());
            expected.push((Scheme::BodyTimestamp, mac.finalize().into_bytes().into()));
        }
        let mut fitting = Presented::new();
        for (scheme, presented) in self.presented {
            let mut fits = Choice::from(0);
            for (of, mac) in &expected {
                if *of == scheme {
                    fits |= presented.ct_eq(mac);
                }
            }
            if fits.into() {
                fitting.push((scheme, presented));
            }
        }
        Verified {
            fitting,
            body_hex,
            body_length: self.length,
        }
    }
}

/// The MAC of a request whose body is at hand.
#[must_use]
pub fn mac(scheme: Scheme, secret: &Secret, signed: &Signed<'_>, body: &[u8]) -> Mac {
    match scheme {
        Scheme::V1 => v1(secret, signed, &sha256_hex(body)),
        Scheme::BodyTimestamp => {
            let mut mac = secret.state();
            mac.update(body);
            mac.update(signed.timestamp.as_bytes());
            mac.finalize().into_bytes().into()
        }
    }
}

/// One member of `X-API-Signature`: `v1=…` or `sha256=…`.
#[must_use]
pub fn header_value(scheme: Scheme, mac: &Mac) -> String {
    let digits = hex(mac);
    let digits = std::str::from_utf8(&digits).expect("hex digits are ASCII");
    format!("{}={digits}", scheme.label())
}

/// The bytes that `scheme` signs: for `tidegate sign` and for explanations.
#[must_use]
pub fn string_to_sign(scheme: Scheme, signed: &Signed<'_>, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match scheme {
        Scheme::V1 => each_v1_piece(signed, &sha256_hex(body), |piece| {
            out.extend_from_slice(piece);
        }),
        Scheme::BodyTimestamp => {
            out.extend_from_slice(body);
            out.extend_from_slice(signed.timestamp.as_bytes());
        }
    }
    out
}

/// The text that `v1` signs, for a body of which only the hash is known.
#[must_use]
pub(crate) fn v1_text(signed: &Signed<'_>, body_hex: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::new();
    each_v1_piece(signed, body_hex, |piece| out.extend_from_slice(piece));
    out
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> [u8; 64] {
    hex(&Sha256::digest(bytes).into())
}

fn v1(secret: &Secret, signed: &Signed<'_>, body_hex: &[u8; 64]) -> Mac {
    let mut mac = secret.state();
    each_v1_piece(signed, body_hex, |piece| mac.update(piece));
    mac.finalize().into_bytes().into()
}

/// Contract, section 3: seven lines, joined by line feeds, none at the end. No line can hold a line
/// feed: the lanes refuse it in method, target and field values.
fn each_v1_piece(signed: &Signed<'_>, body_hex: &[u8; 64], mut feed: impl FnMut(&[u8])) {
    let lines: [&[u8]; 7] = [
        b"v1",
        signed.timestamp.as_bytes(),
        signed.nonce.as_bytes(),
        signed.method.as_bytes(),
        signed.path,
        signed.query,
        body_hex,
    ];
    for (n, line) in lines.into_iter().enumerate() {
        if n > 0 {
            feed(b"\n");
        }
        feed(line);
    }
}

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 64];
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ];
    }
    out
}
