//! Fakes for tests: a client, a clock, keys. Skeleton.
