//! The compact form of a JWS, taken apart (RFC 7515, section 7.1), and the judgement of its header.
//!
//! Everything has one spelling: three parts, base64url without padding, white space or bits to spare.
//! The header chooses nothing: the algorithm is pinned, `kid` only looks up, and what would bring a
//! key along (`jku`, `x5u`, `jwk`, `x5c`) is never used.

use super::TokenError;
use super::json::{Value, members};
use crate::limits::TOKEN_BYTES_MAX;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;

/// The one algorithm (hardening, 2.4; RFC 8725, sections 3.1 and 3.2).
const ALGORITHM: &str = "RS256";

/// A token, taken apart.
#[derive(Clone, Copy)]
pub(super) struct Jws<'a> {
    /// What is signed: the first two parts with the dot between them.
    pub(super) signed: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

/// The parts, decoded one behind the other.
pub(super) struct Decoded {
    bytes: Vec<u8>,
    header_end: usize,
    payload_end: usize,
}

/// What a header may say.
#[derive(Default)]
struct Header<'a> {
    algorithm: Option<Value<'a>>,
    kind: Option<Value<'a>>,
    key_id: Option<Value<'a>>,
    critical: bool,
}

// === impl Jws ===

impl<'a> Jws<'a> {
    /// Takes a token apart.
    pub(super) fn split(token: &'a [u8]) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong);
        }
        let mut dots = token.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let (Some((first, _)), Some((second, _)), None) = (dots.next(), dots.next(), dots.next())
        else {
            return Err(TokenError::Form);
        };
        Ok(Self {
            signed: &token[..second],
            header: &token[..first],
            payload: &token[first + 1..second],
            signature: &token[second + 1..],
        })
    }

    /// Decodes the parts: one allocation for all of them.
    pub(super) fn decode(&self) -> Result<Decoded, TokenError> {
        let mut bytes = Vec::with_capacity(self.signed.len() + self.signature.len());
        let mut append = |part: &[u8]| {
            // This engine refuses padding, other alphabets, and bits that are left over.
            URL_SAFE_NO_PAD
                .decode_vec(part, &mut bytes)
                .map_err(|_| TokenError::Form)?;
            Ok(bytes.len())
        };
        let header_end = append(self.header)?;
        let payload_end = append(self.payload)?;
        append(self.signature)?;
        Ok(Decoded {
            bytes,
            header_end,
            payload_end,
        })
    }
}

// === impl Decoded ===

impl Decoded {
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[self.header_end..self.payload_end]
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.bytes[self.payload_end..]
    }

    /// Judges the header; gives the `kid`, if there is one.
    pub(super) fn judge_header(
        &self,
        types: &[String],
    ) -> Result<Option<Cow<'_, str>>, TokenError> {
        let mut header = Header::default();
        members(&self.bytes[..self.header_end], &mut |name, value| {
            match name {
                "alg" => header.algorithm = Some(value),
                "typ" => header.kind = Some(value),
                "kid" => header.key_id = Some(value),
                // We understand no extension, so that each is refused (RFC 7515, section 4.1.11;
                // RFC 7797, section 6).
                "crit" | "b64" => header.critical = true,
                _ => {}
            }
        })
        .map_err(|_| TokenError::Form)?;
        if !matches!(&header.algorithm, Some(Value::Text(name)) if name == ALGORITHM) {
            return Err(TokenError::Algorithm);
        }
        if header.critical {
            return Err(TokenError::Critical);
        }
        match &header.kind {
            Some(Value::Text(kind)) if types.iter().any(|known| is_type(kind, known)) => {}
            _ => return Err(TokenError::Type),
        }
        match header.key_id {
            None => Ok(None),
            Some(Value::Text(key_id)) => Ok(Some(key_id)),
            Some(_) => Err(TokenError::UnknownKey),
        }
    }
}

/// Media types are compared without regard to case, `application/` may be left out (RFC 7515,
/// section 4.1.9).
fn is_type(found: &str, known: &str) -> bool {
    const PREFIX: &str = "application/";
    let short = match found.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => &found[PREFIX.len()..],
        _ => found,
    };
    short.eq_ignore_ascii_case(known)
}
