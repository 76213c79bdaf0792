//! An issuer of tokens with a key of its own, made when it is asked for.

use super::START_S;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaEncoding, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// An issuer with an RSA key.
pub struct Issuer {
    key: RsaKeyPair,
    /// The name of its key.
    pub kid: String,
}

/// Three parts as a token has them, of what is signed and a signature.
#[must_use]
pub fn compact(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

// === impl Issuer ===

impl Issuer {
    /// An issuer with a new key of 2048 bits.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new(kid: &str) -> Self {
        Self {
            key: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key of 2048 bits"),
            kid: kid.to_owned(),
        }
    }

    /// The public key as PEM (RFC 8017's form).
    #[must_use]
    pub fn pem(&self) -> String {
        let digits = STANDARD.encode(self.key.public_key());
        format!("-----BEGIN RSA PUBLIC KEY-----\n{digits}\n-----END RSA PUBLIC KEY-----\n")
    }

    /// The public key as a member of a JWKS.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let (n, e) = numbers(self.key.public_key().as_ref());
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": encode(n), "e": encode(e)
        })
    }

    /// A JWKS of this key alone.
    #[must_use]
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// The header of its tokens.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "alg": "RS256", "typ": "at+jwt", "kid": self.kid })
    }

    /// The claims of its tokens: for an hour from [`START_S`] on.
    #[must_use]
    pub fn claims() -> Value {
        json!({
            "iss": "https://issuer.example", "aud": "https://api.example",
            "sub": "partner_7", "client_id": "client_7", "scope": "orders:read orders:write",
            "tier": "free", "iat": START_S, "exp": START_S + 3600, "jti": "1"
        })
    }

    /// A token of these claims.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// A token of this header and this payload, whatever they are.
    #[must_use]
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let signed = Self::signed(header, payload);
        let signature = self.signature(&RSA_PKCS1_SHA256, signed.as_bytes());
        compact(&signed, &signature)
    }

    /// The same with SHA-384 in the signature.
    #[must_use]
    pub fn sign_by_sha384(&self, header: &str, payload: &str) -> String {
        let signed = Self::signed(header, payload);
        let signature = self.signature(&RSA_PKCS1_SHA384, signed.as_bytes());
        compact(&signed, &signature)
    }

    /// What a token signs.
    #[must_use]
    pub fn signed(header: &str, payload: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}", encode(header), encode(payload))
    }

    fn signature(&self, encoding: &'static dyn RsaEncoding, bytes: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(encoding, &SystemRandom::new(), bytes, &mut signature)
            .expect("a key of 2048 bits signs");
        signature
    }
}

/// Modulus and exponent out of an `RSAPublicKey` (RFC 8017, appendix A.1.1): a sequence of two
/// positive integers.
fn numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (inner, _) = value(der);
    let (n, rest) = value(inner);
    let (e, _) = value(rest);
    (
        n.strip_prefix(&[0]).unwrap_or(n),
        e.strip_prefix(&[0]).unwrap_or(e),
    )
}

/// The value of the first element, and what follows it.
fn value(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match der[1] {
        short @ ..0x80 => (2, usize::from(short)),
        long => {
            let digits = usize::from(long & 0x7f);
            let length = der[2..2 + digits]
                .iter()
                .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
            (2 + digits, length)
        }
    };
    der[start..].split_at(length)
}
