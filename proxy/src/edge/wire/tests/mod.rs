//! The reader's tests: tables of good and hostile messages, and properties over all of them.
//!
//! Verdicts are shown as text: the reason of a refusal, `partial`, or the parts of what was read.

mod chunks;
mod framings;
mod heads;
mod messages;
mod responses;
mod splits;

use super::*;

/// What a request's head comes to: its parts with its length, or why not.
fn show_request(outcome: Parse<RequestHead<'_>>) -> String {
    match outcome {
        Parse::Partial => "partial".to_owned(),
        Parse::Refuse(refusal) => refusal.reason().to_owned(),
        Parse::Complete { head, length } => format!(
            "{} {} {:?}{} {length}",
            head.method,
            head.target.escape_ascii(),
            head.version,
            show_fields(head.fields.iter()),
        ),
    }
}

/// What a response's head comes to: its parts with its length, or why not.
fn show_response(outcome: Parse<ResponseHead<'_>, AnswerFault>) -> String {
    match outcome {
        Parse::Partial => "partial".to_owned(),
        Parse::Refuse(fault) => fault.reason().to_owned(),
        Parse::Complete { head, length } => format!(
            "{:?} {} {}{} {length}",
            head.version,
            head.status,
            head.phrase.escape_ascii(),
            show_fields(head.fields.iter()),
        ),
    }
}

fn show_fields(fields: FieldIter<'_, '_>) -> String {
    fields
        .map(|field| {
            format!(
                " [{}={}]",
                field.name.escape_ascii(),
                field.value.escape_ascii()
            )
        })
        .collect()
}

/// What a request comes to once it is read as a head and judged for its framing.
fn judge(bytes: &[u8]) -> String {
    match parse_request(bytes, &HeadLimits::STANDARD) {
        Parse::Complete { head, .. } => match request_framing(&head) {
            Ok(framing) => show_framing(&framing),
            Err(refusal) => refusal.reason().to_owned(),
        },
        outcome => show_request(outcome),
    }
}

fn show_framing(framing: &RequestFraming<'_>) -> String {
    let mut shown = match framing.body {
        Framing::None => "none".to_owned(),
        Framing::Length(length) => format!("length {length}"),
        Framing::Chunked => "chunked".to_owned(),
    };
    for (is_so, word) in [
        (framing.expects_continue, " continue"),
        (framing.asks_upgrade, " upgrade"),
        (!framing.is_persistent, " close"),
    ] {
        if is_so {
            shown.push_str(word);
        }
    }
    shown
}
