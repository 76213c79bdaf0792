//! Token buckets. Skeleton.

/// What was decided about one request.
#[derive(Clone, Debug, Default)]
pub struct Decision {}

/// What has been used of every limit.
#[derive(Default)]
pub struct Quotas {}
