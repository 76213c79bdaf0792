//! The built-in filters: a file each, each a manual page.

pub mod access_log;
pub mod api_key;
pub mod api_version;
pub mod body_limit;
pub mod cors;
pub mod headers;
pub mod hygiene;
pub mod ip_allow;
pub mod jwt;
pub mod rate_limit;
pub mod request_id;
pub mod signature;

#[cfg(test)]
mod tests;
