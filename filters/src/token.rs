//! Bearer tokens: JWTs after RFC 9068, signed by RS256 and nothing else (contract, section 4).
//!
//! A [`Verifier`] proves one token: its form ([`jws`]), its key ([`KeySet`]), its signature, and only
//! then what it says ([`Claims`]). A [`Cache`] remembers those that were proved. Who asked, how the
//! refusal is worded and what a caller may do, is told elsewhere; issuing is the control plane's.

mod cache;
mod claims;
mod json;
mod jws;
mod keys;
#[cfg(test)]
mod tests;

pub use cache::Cache;
pub use claims::{Claims, Lifetime};
pub use keys::{KeySet, KeySetError};

use jws::{Decoded, Jws};

/// What a token has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud` has one of these, exactly.
    pub audiences: Vec<String>,
    /// The header's `typ` is one of these (`at+jwt`, `JWT`).
    pub types: Vec<String>,
    /// Seconds that the issuer's clock may differ from ours.
    pub leeway_s: u64,
    /// The claim that names the tier.
    pub tier_claim: String,
}

/// Proves tokens of one issuer.
pub struct Verifier {
    keys: KeySet,
    expected: Expected,
}

/// A token in its form, and decoded; nothing of it is proved.
pub struct Parsed<'t> {
    jws: Jws<'t>,
    decoded: Decoded,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// More than [`crate::limits::TOKEN_BYTES_MAX`].
    TooLong,
    /// Not three parts of base64url, or a header that is no object.
    Form,
    /// Another algorithm than the one that is pinned.
    Algorithm,
    /// `crit` or `b64`: extensions that nobody here understands.
    Critical,
    /// Another `typ` than those that are accepted.
    Type,
    /// No key of that name.
    UnknownKey,
    /// The signature does not fit.
    Signature,
    /// What is signed is no set of claims, or a claim has not its type.
    Payload,
    /// Another issuer.
    Issuer,
    /// Meant for somebody else.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
}

// === impl Parsed ===

impl<'t> Parsed<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`TokenError::TooLong`], [`TokenError::Form`].
    pub fn of(token: &'t [u8]) -> Result<Self, TokenError> {
        let jws = Jws::split(token)?;
        let decoded = jws.decode()?;
        Ok(Self { jws, decoded })
    }
}

// === impl Verifier ===

impl Verifier {
    /// A verifier by these keys.
    #[must_use]
    pub const fn new(keys: KeySet, expected: Expected) -> Self {
        Self { keys, expected }
    }

    /// Seconds that the issuer's clock may differ from ours.
    #[must_use]
    pub const fn leeway_s(&self) -> u64 {
        self.expected.leeway_s
    }

    /// Proves a token at an instant. Nothing of the payload is read before the signature is proved.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify<'p>(&self, parsed: &'p Parsed<'_>, now_s: u64) -> Result<Claims<'p>, TokenError> {
        let Parsed { jws, decoded } = parsed;
        let key_id = decoded.judge_header(&self.expected.types)?;
        let key = self.keys.find(key_id.as_deref());
        key.ok_or(TokenError::UnknownKey)?
            .verify_sig(jws.signed, decoded.signature())
            .map_err(|_| TokenError::Signature)?;
        Claims::read(decoded.payload(), &self.expected, now_s)
    }
}

// === impl TokenError ===

impl TokenError {
    /// The cause, for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "longer than 8 KiB",
            Self::Form => "no compact JWS",
            Self::Algorithm => "another algorithm than RS256",
            Self::Critical => "a critical extension",
            Self::Type => "another type of token",
            Self::UnknownKey => "no key of this kid",
            Self::Signature => "wrong signature",
            Self::Payload => "claims missing or malformed",
            Self::Issuer => "another issuer",
            Self::Audience => "another audience",
            Self::Expired => "expired",
            Self::Early => "not valid yet",
        }
    }
}
