//! Which lane the tests of the edge run in: every one of them runs in both.
//!
//! The same tests make two programs, `edge` and `edge_pingora`, and a program knows its lane by its
//! name. So a test says nothing of lanes, and none can be forgotten.

/// Whether this program's tests run in the Pingora lane alone.
#[must_use]
pub fn is_pingora() -> bool {
    let program = std::env::current_exe().unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("edge_pingora")
}

/// A policy's text for the lane of this program; a text that names its lane keeps it.
#[must_use]
pub fn in_lane(policy: &str) -> String {
    let names_one = policy.lines().any(|line| line.starts_with("lane:"));
    let lane = if is_pingora() && !names_one {
        "lane: pingora\n"
    } else {
        ""
    };
    format!("{lane}{policy}")
}
