//! The tests of the edge once more, in the Pingora lane alone: it is the straight lane's oracle.

#[path = "edge/main.rs"]
mod edge;
