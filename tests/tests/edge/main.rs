//! The edge, end to end: real sockets on both sides, one program of tests.

mod smoke;
