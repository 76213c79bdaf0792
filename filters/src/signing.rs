//! Request signatures: what is signed and how (contract, section 3). Skeleton.

/// A signing secret, ready for use. Neither shown nor compared.
#[derive(Clone)]
pub struct Secret {
    state: hmac::Hmac<sha2::Sha256>,
}

impl Secret {
    /// Prepares a secret.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        use hmac::KeyInit;
        Self {
            state: hmac::Hmac::new_from_slice(bytes).expect("HMAC takes a key of any length"),
        }
    }

    /// The prepared state.
    #[must_use]
    pub fn state(&self) -> hmac::Hmac<sha2::Sha256> {
        self.state.clone()
    }
}
