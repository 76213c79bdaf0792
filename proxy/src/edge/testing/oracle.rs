//! What may be seen at either end of the lane, whatever came in at the other.

use super::super::wire::{
    AnswerBody, ChunkedDecoder, Framing, HeadLimits, Parse, parse_request, parse_response,
    request_framing, response_framing,
};

/// One request of the client, as our own reader understands it.
pub(super) struct Asked {
    method: String,
    target: Vec<u8>,
    /// The body, if it came whole and was good.
    body: Option<Vec<u8>>,
}

/// What the client asked, as far as its bytes can be read.
pub(super) fn asked(mut bytes: &[u8]) -> Vec<Asked> {
    let mut all = Vec::new();
    loop {
        let (head, length) = match parse_request(bytes, &HeadLimits::STANDARD) {
            Parse::Complete { head, length } => (head, length),
            Parse::Refuse(_) => {
                // What is refused is answered, too.
                all.push(unread(bytes));
                return all;
            }
            Parse::Partial => {
                // Late: whether it would have been a HEAD, nobody asks.
                if !bytes.is_empty() {
                    all.push(unread(b""));
                }
                return all;
            }
        };
        let Ok(framing) = request_framing(&head) else {
            all.push(unread(bytes));
            return all;
        };
        bytes = &bytes[length..];
        let body = match framing.body {
            Framing::None => Some((Vec::new(), 0)),
            Framing::Length(length) => usize::try_from(length)
                .ok()
                .and_then(|length| Some((bytes.get(..length)?.to_vec(), length))),
            Framing::Chunked => chunks(bytes).ok().flatten(),
        };
        let target = head.path_and_query().to_vec();
        let method = head.method.to_owned();
        let Some((body, length)) = body else {
            all.push(Asked {
                method,
                target,
                body: None,
            });
            return all;
        };
        bytes = &bytes[length..];
        all.push(Asked {
            method,
            target,
            body: Some(body),
        });
    }
}

fn unread(bytes: &[u8]) -> Asked {
    let (method, target) = super::super::bare::request_line(bytes);
    Asked {
        method: method.to_owned(),
        target: target.to_vec(),
        body: None,
    }
}

/// The payload of a chunked body and its bytes, if it is whole; an error if it is none.
fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let mut decoder = ChunkedDecoder::new();
    let mut payload = Vec::new();
    let walk = decoder.walk(bytes, |piece| payload.extend_from_slice(piece));
    let walk = walk.map_err(|refusal| format!("{refusal:?}"))?;
    Ok(walk.is_end.then_some((payload, walk.consumed)))
}

/// What an upstream's connection got: well-formed requests of this client, in their order, each by
/// its own body; the last one perhaps cut.
pub(super) fn judge_requests(asked: &[Asked], mut got: &[u8]) {
    let mut next = 0;
    while !got.is_empty() {
        let (head, length) = match parse_request(got, &HeadLimits::STANDARD) {
            Parse::Complete { head, length } => (head, length),
            Parse::Partial => return,
            Parse::Refuse(refusal) => panic!("upstream: {refusal:?}: {}", got.escape_ascii()),
        };
        let framing = request_framing(&head)
            .unwrap_or_else(|refusal| panic!("upstream: {refusal:?}: {}", got.escape_ascii()));
        assert_eq!(head.fields.first("host"), Some(&b"orders.internal"[..]));
        for name in [
            "te",
            "trailer",
            "upgrade",
            "keep-alive",
            "expect",
            "proxy-connection",
        ] {
            assert!(head.fields.first(name).is_none(), "{name} went on");
        }
        for field in &head.fields {
            assert!(!field.name.contains(&b'_'), "an underscore went on");
        }
        let is_this = |asked: &Asked| asked.method == head.method && asked.target == head.target;
        got = &got[length..];
        let body = match framing.body {
            Framing::None => Some((Vec::new(), 0)),
            Framing::Length(length) => usize::try_from(length)
                .ok()
                .and_then(|length| Some((got.get(..length)?.to_vec(), length))),
            Framing::Chunked => chunks(got).expect("good chunks"),
        };
        let Some((body, length)) = body else {
            assert!(asked[next..].iter().any(is_this), "nobody asked this");
            return;
        };
        let whole = |asked: &Asked| is_this(asked) && asked.body.as_ref() == Some(&body);
        let found = asked[next..].iter().position(whole);
        let found = found.unwrap_or_else(|| {
            panic!(
                "nobody asked {} {}",
                head.method,
                head.target.escape_ascii()
            )
        });
        next += found + 1;
        got = &got[length..];
    }
}

/// What the client heard: well-formed answers, one for each request and of its method; the last one
/// perhaps cut.
pub(super) fn judge_answers(asked: &[Asked], mut heard: &[u8]) {
    let mut count = 0;
    while !heard.is_empty() {
        let method = asked.get(count).map_or("", |asked| asked.method.as_str());
        let (head, length) = match parse_response(heard, &HeadLimits::STANDARD) {
            Parse::Complete { head, length } => (head, length),
            Parse::Partial => return,
            Parse::Refuse(fault) => panic!("client: {fault:?}: {}", heard.escape_ascii()),
        };
        let framing = response_framing(&head, method)
            .unwrap_or_else(|fault| panic!("client: {fault:?}: {}", heard.escape_ascii()));
        heard = &heard[length..];
        if framing.is_interim {
            continue;
        }
        // A head that does not come whole is answered when its time is over.
        assert!(
            count < asked.len(),
            "an answer to no question: {}",
            head.status
        );
        let length = match framing.body {
            AnswerBody::None => Some(0),
            AnswerBody::Length(length) => usize::try_from(length).ok(),
            AnswerBody::Chunked => chunks(heard)
                .expect("good chunks")
                .map(|(_, length)| length),
            AnswerBody::UntilClose => panic!("the client cannot see this answer's end"),
        };
        match length.and_then(|length| heard.get(length..)) {
            Some(rest) => heard = rest,
            None => return,
        }
        count += 1;
    }
}
