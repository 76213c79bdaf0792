//! Why something about keys could not be done. No message holds a key, a secret or a master key.

/// Why something about keys could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key has this id.
    #[error("no key has the id {0:?}")]
    NotFound(String),
    /// The key was revoked: it cannot come back.
    #[error("the key is revoked")]
    Revoked,
    /// The key has expired.
    #[error("the key has expired")]
    Expired,
    /// Too many key strings of this key are in their overlap.
    #[error("{0} key strings of this key still count; wait until an overlap ends, or regenerate")]
    Overlaps(usize),
    /// Something in a request for a key is not as it must be.
    #[error("{field}: expected {expected}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What would do.
        expected: String,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Randomness,
    /// A secret could not be sealed.
    #[error("the secret could not be sealed")]
    Seal,
    /// A row of the database has another form than the migrations gave it.
    #[error("a row of the database cannot be read")]
    Row(#[from] tokio_postgres::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Error {
    pub(crate) fn invalid(field: &'static str, expected: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            expected: expected.into(),
        }
    }
}
