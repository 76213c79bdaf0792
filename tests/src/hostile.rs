//! What tests of hostile clients have in common: the stage, the request behind the refused one, the
//! other client.

use crate::envelope::check_refusal;
use crate::frames::End;
use crate::raw::Raw;
use crate::stage::{HOSTILE, Stage, with_upstream};
use crate::witness::Witness;
use std::time::{Duration, Instant};

/// What an attacker hides behind a refused request.
pub const NEXT: &str = "GET /open/smuggled HTTP/1.1\r\nHost: edge.example\r\n\r\n";

/// An honest upstream, and an edge by the policy [`HOSTILE`].
pub async fn set() -> (Witness, Stage) {
    set_by(|policy| policy).await
}

/// The same by a changed policy.
pub async fn set_by(change: impl FnOnce(String) -> String) -> (Witness, Stage) {
    let witness = Witness::start().await;
    let stage = Stage::start(&change(with_upstream(HOSTILE, witness.address))).await;
    (witness, stage)
}

/// A GET of this target, in its plainest form.
#[must_use]
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: edge.example\r\n\r\n")
}

/// Sends a request with another behind it: the first is refused, the second never answered, the
/// connection ends, and the upstream has heard of neither.
///
/// # Panics
/// When it is otherwise.
pub async fn check_ended(
    stage: &Stage,
    witness: &Witness,
    request: &[u8],
    status: u16,
    reason: &str,
) {
    let what = String::from_utf8_lossy(&request[..request.len().min(400)]).into_owned();
    let before = witness.begun();
    let mut raw = Raw::connect(stage.address).await;
    let mut bytes = request.to_vec();
    bytes.extend_from_slice(NEXT.as_bytes());
    raw.send(&bytes).await;
    let answer = raw.answer().await;
    let answer = answer.unwrap_or_else(|| panic!("no answer: {what:?}"));
    check_refusal(&what, &answer, status, reason);
    assert_eq!(answer.only("connection"), Some("close"), "{what:?}");
    assert!(raw.is_closed().await, "more than one answer: {what:?}");
    assert_eq!(witness.begun(), before, "forwarded: {what:?}");
}

/// Another client is answered while something goes on: in less than two seconds (A5). Always answered,
/// and soon once in three times: somebody else on the machine may take a second or two for himself.
///
/// # Panics
/// When it is not.
pub async fn check_served(stage: &Stage) {
    let mut took = Vec::new();
    // The upstream hears of the first alone, so that tests can count.
    for (target, status) in [("/exact", 200), ("/denied", 403), ("/denied", 403)] {
        let began = Instant::now();
        let mut raw = Raw::connect(stage.address).await;
        let answer = raw.ask(get(target)).await;
        assert_eq!(answer.status, status, "{answer:?}");
        took.push(began.elapsed());
        if began.elapsed() < Duration::from_secs(2) {
            return;
        }
    }
    panic!("answered late: {took:?}");
}

/// How a stream ended, in a word: the reason of a refusal, `served`, `reset`, or `ended` with its
/// connection.
///
/// # Panics
/// When the body is no JSON.
#[must_use]
pub fn word(end: &End) -> String {
    match end {
        End::Answer(body) if body.is_empty() => "reset".to_owned(),
        End::Answer(body) => {
            let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            let reason = &body["error"]["details"]["reason"];
            reason.as_str().unwrap_or("served").to_owned()
        }
        End::Reset(_) => "reset".to_owned(),
        End::GoAway(_) | End::Closed => "ended".to_owned(),
    }
}
