//! Where the lanes may differ, each with its reason. Nothing else is excused.

use super::client::Answer;
use super::exchange::Exchange;

/// Whether the lanes may give different answers in this exchange; nothing behind it is compared.
pub(crate) fn may_differ(
    exchange: &Exchange,
    (straight, pingora): (Option<&Answer>, Option<&Answer>),
) -> bool {
    // Which of two repeated fields is told: Pingora's map does not have them in the order of the wire.
    let repeats = |answer: Option<&Answer>| {
        let says = |answer: &Answer, word: &str| {
            let body = String::from_utf8_lossy(&answer.body);
            matches!(answer.status, 400 | 401) && (body.contains(word) || body.is_empty())
        };
        answer.is_some_and(|a| says(a, "repeated_header") || says(a, "ambiguous_credentials"))
    };
    if repeats(straight) && repeats(pingora) {
        return true;
    }
    // Pingora's reader of answers is lenient: it takes bare line feeds, folded lines, spaces before
    // colons, a length beside chunks, and repairs them before a hook of ours runs; a bad chunk it cuts
    // when the head is out. The straight lane refuses them all, as hardening (A42) has it, or cuts the
    // answer if its head is out. What the
    // Pingora lane passes on is well-formed and its own exchange's: that was judged.
    exchange.script.hostile && straight.is_some_and(|answer| answer.status == 502 || !answer.whole)
}

/// Whether one lane alone may close the connection behind this answer, which is the same in both.
pub(crate) fn may_close(exchange: &Exchange, answer: &Answer) -> bool {
    // Behind an answer that is our own, or came before the body was read, either is safe: the body was
    // read to its end or the connection is not used again. A signed body is in memory, and Pingora's
    // session for it does not hear that we would rather close.
    answer.first("x-case").is_none() || exchange.script.early
}
