//! Bearer tokens as an issuer makes them: RS256 (RFC 7518, section 3.3), 2048 bits, the claims of
//! RFC 9068.
//!
//! The key is made for the run and forgotten with it: what a verification costs does not depend on it,
//! and no private key lies about in the tree.

use anyhow::{Context, anyhow};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::sync::Arc;

/// Who issues the tokens.
pub const ISSUER: &str = "https://issuer.example.com";

/// For whom.
pub const AUDIENCE: &str = "api";

/// How many take turns.
pub const TOKENS: u32 = 1_000;

/// How long they last.
const LIFETIME_S: u64 = 24 * 3600;

/// The name of the key.
const KEY_ID: &str = "bench";

/// Tokens, and the public half of the key that signed them.
#[derive(Clone)]
pub struct Tokens {
    /// The tokens.
    pub texts: Arc<[String]>,
    /// The public key in PEM (RFC 7468, section 13).
    pub pem: String,
    /// The public key as a key set (RFC 7517).
    pub jwks: String,
}

// === impl Tokens ===

impl Tokens {
    /// Makes a key and so many tokens.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn make(count: u32, unix_s: u64) -> anyhow::Result<Self> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("no RSA key"))?;
        let texts: anyhow::Result<Vec<String>> = (0..count)
            .map(|number| token(&key, number, unix_s))
            .collect();
        let public = key.public_key();
        let der: PublicKeyX509Der<'_> = public.as_der().map_err(|_| anyhow!("no DER"))?;
        let (modulus, exponent) = numbers(public.as_ref()).context("not an RSA key's DER")?;
        let jwks = json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
        }]});
        Ok(Self {
            texts: texts?.into(),
            pem: pem(der.as_ref()),
            jwks: jwks.to_string(),
        })
    }
}

fn token(key: &RsaKeyPair, number: u32, unix_s: u64) -> anyhow::Result<String> {
    let head = json!({"alg": "RS256", "typ": "at+jwt", "kid": KEY_ID});
    let claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": format!("user_{number:08}"),
        "client_id": format!("client_{:04}", number % 64),
        "scope": "orders:read orders:write products:read",
        "tier": "enterprise",
        "iat": unix_s,
        "exp": unix_s + LIFETIME_S,
        "jti": format!("{number:032x}"),
    });
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode(head), encode(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .map_err(|_| anyhow!("not signed"))?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, appendix A.1.1) of 2048 bits, whose lengths
/// are known: a sequence of two integers, the first with a zero before its first bit.
fn numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const MODULUS_BYTES: usize = 256;
    let rest = der.strip_prefix(&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00])?;
    let (modulus, rest) = rest.split_at_checked(MODULUS_BYTES)?;
    let exponent = rest.strip_prefix(&[0x02, 0x03])?;
    Some((modulus, exponent))
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{
        RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    };
    use serde_json::Value;

    #[test]
    fn a_token_verifies_under_the_pem_and_under_the_key_set() {
        let tokens = Tokens::make(2, 1_767_225_600).unwrap();
        assert_ne!(tokens.texts[0], tokens.texts[1]);
        let (signed, signature) = tokens.texts[1].rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let lines: String = tokens
            .pem
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let key =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, STANDARD.decode(lines).unwrap());
        assert!(key.verify(signed.as_bytes(), &signature).is_ok());
        assert!(key.verify(b"other", &signature).is_err());
        let jwks: Value = serde_json::from_str(&tokens.jwks).unwrap();
        let number = |name: &str| {
            let text = jwks["keys"][0][name].as_str().unwrap();
            URL_SAFE_NO_PAD.decode(text).unwrap()
        };
        let key = RsaPublicKeyComponents {
            n: number("n"),
            e: number("e"),
        };
        let verified = key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature);
        assert!(verified.is_ok());
    }
}
