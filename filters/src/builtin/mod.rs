//! The built-in filters: a file each, each a manual page.

pub mod hygiene;
