//! The edge, end to end: real sockets on both sides, one program of tests.

mod answers;
mod bodies;
mod bombs;
mod changes;
mod floods;
mod framing;
mod headers;
mod heads;
mod hosts;
mod http2;
mod jwt;
mod limits;
mod log;
mod offers;
mod partner;
mod refusals;
mod replay;
mod series;
mod server_names;
mod signatures;
mod slow;
mod smoke;
mod targets;
mod tls;
mod upstreams;
