//! The edge, end to end: real sockets on both sides, one program of tests.

mod answers;
mod bodies;
mod floods;
mod framing;
mod heads;
mod hosts;
mod http2;
mod offers;
mod partner;
mod slow;
mod smoke;
mod targets;
mod upstreams;
