//! Replay memory. Skeleton.

/// Signatures that were accepted within their window.
#[derive(Default)]
pub struct ReplayCache {}
