//! What is asked, and what the answer has to be.

use crate::origin;
use std::sync::Arc;

/// What a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// An API key.
    Key,
    /// An API key of one partner of so many.
    KeyOf(u32),
    /// An API key that nobody knows.
    UnknownKey,
    /// An API key whose bucket is empty.
    ExhaustedKey,
    /// An API key, and a signature of scheme `v1` under its secret.
    Signature,
    /// An API key, and a signature as the peers verify it.
    PeerSignature,
    /// A bearer token, of many.
    Token,
    /// The same bearer token each time.
    OneToken,
}

/// What makes an answer a right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expects {
    /// Its status.
    pub status: u16,
    /// Its body; `None` where the edge writes one of its own, with an id and a time in it.
    pub body: Option<Arc<[u8]>>,
    /// Whether it has to name a request id.
    pub request_id: bool,
}

/// How requests are made.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The method.
    pub method: &'static str,
    /// The path; no query.
    pub path: &'static str,
    /// The body.
    pub body: Arc<[u8]>,
    /// What the request shows.
    pub credentials: Credentials,
    /// What has to come back.
    pub expects: Expects,
}

// === impl Recipe ===

impl Recipe {
    /// GET requests that the origin answers.
    #[must_use]
    pub fn get(path: &'static str, credentials: Credentials) -> Self {
        Self {
            method: "GET",
            path,
            body: Arc::default(),
            credentials,
            expects: Expects {
                status: 200,
                body: Some(origin::BODY.into()),
                request_id: credentials != Credentials::None,
            },
        }
    }

    /// POST requests with a body of so many bytes, which the origin answers.
    #[must_use]
    pub fn post(path: &'static str, credentials: Credentials, bytes: usize) -> Self {
        Self {
            method: "POST",
            body: (b'a'..=b'z').cycle().take(bytes).collect(),
            ..Self::get(path, credentials)
        }
    }

    /// A megabyte up, and a megabyte down.
    #[must_use]
    pub fn large() -> Self {
        let body = origin::large_body();
        let mut recipe = Self::get(origin::LARGE_PATH, Credentials::None);
        recipe.method = "POST";
        recipe.expects.body = Some(Arc::clone(&body));
        recipe.body = body;
        recipe
    }

    /// The same, to be refused with this status. `request_id` tells whether the refusal names the
    /// request: ours always do.
    #[must_use]
    pub fn refused(mut self, status: u16, request_id: bool) -> Self {
        self.expects = Expects {
            status,
            body: None,
            request_id,
        };
        self
    }
}
