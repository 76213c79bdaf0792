//! What goes on: the edits of a request towards the upstream, and of an answer towards the client.
//!
//! Only names that are there are edited, so that the list of edits stays short. A client's fields
//! are removed first, ours set after: no `Connection` and no doubled line reaches what we set.

use super::host::read_host;
use super::known::{DROPPED, Known, Onward, owned_prefix};
use super::request::connection_names;
use crate::challenge::API_KEY;
use crate::digits::{Digits, Spelled};
use crate::edits::Edits;
use crate::exchange::{Exchange, Scheme};
use crate::filter::Verdict;
use crate::forwarded::chain_of;
use crate::head::{Head, ResponseHead, Version};
use crate::names;
use crate::reply::{Reason, Reply};
use http::header::{HOST, InvalidHeaderValue, VIA, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};

/// Whether a client's field of this name never reaches the upstream as it came. For lanes that pass
/// trailers on: what is dropped from a head is dropped from trailers.
#[must_use]
pub fn belongs_to_edge(name: &[u8]) -> bool {
    name.contains(&b'_')
        || owned_prefix(name).is_some()
        || Known::of(name).is_some_and(|known| known.onward() == Onward::Drop)
        || matches!(Known::of(name), Some(Known::RequestId | Known::Via))
}

/// Removes what the client may not say, and says what we know.
pub(super) fn edit_request(x: &mut Exchange, head: &Head<'_>) -> Verdict {
    let seen = remove_foreign(x, head);
    set_forwarded(x, head, &seen);
    x.upstream.set(&names::REQUEST_ID, x.request_id.value());
    x.upstream.append(&VIA, &via(head.version));
    set_consumer(x)
}

/// What the one pass over the field lines saw of those that are wanted later.
#[derive(Default)]
struct Lines<'a> {
    present: u64,
    host: Option<&'a [u8]>,
}

impl Lines<'_> {
    const fn has(&self, known: Known) -> bool {
        self.present & known.bit() != 0
    }
}

fn remove_foreign<'a>(x: &mut Exchange, head: &Head<'a>) -> Lines<'a> {
    let keep_authorization = x
        .route
        .as_ref()
        .is_some_and(|route| route.keep_authorization);
    let seen = match x.seen {
        // Most requests were seen to need no second look at their lines.
        Some(present) if !present.has_odd && !present.has(Known::Connection) => {
            let mut gone = present.known & DROPPED;
            if keep_authorization {
                gone &= !Known::Authorization.bit();
            }
            while gone != 0 {
                let known = Known::ALL[gone.trailing_zeros() as usize];
                x.upstream.remove(&known.header());
                gone &= gone - 1;
            }
            Lines {
                present: present.known,
                host: head.first(&HOST),
            }
        }
        _ => remove_line_by_line(x, head, keep_authorization),
    };
    if seen.has(Known::MaxForwards) {
        let name = Known::MaxForwards.header();
        match head.first(&name).and_then(max_forwards) {
            Some(hops @ 1..) => x.upstream.set(&name, &Digits::of(u64::from(hops) - 1)),
            _ => x.upstream.remove(&name),
        }
    }
    if seen.has(Known::Traceparent) || seen.has(Known::Tracestate) {
        judge_trace(x, head, &seen);
    }
    seen
}

fn remove_line_by_line<'a>(
    x: &mut Exchange,
    head: &Head<'a>,
    keep_authorization: bool,
) -> Lines<'a> {
    let mut seen = Lines::default();
    let mut gone = 0u64;
    let mut gone_prefixes = [false; super::known::OWNED_PREFIXES.len()];
    let mut underscored = false;
    let edits = &mut x.upstream;
    head.fields.each(&mut |name, value| {
        if name.contains(&b'_') {
            if !underscored {
                edits.remove_underscored();
            }
            underscored = true;
            return;
        }
        if let Some(prefix) = owned_prefix(name) {
            let at = usize::from(prefix == super::known::OWNED_PREFIXES[1]);
            if !gone_prefixes[at] {
                edits.remove_prefix(prefix);
            }
            gone_prefixes[at] = true;
            return;
        }
        let Some(known) = Known::of(name) else { return };
        seen.present |= known.bit();
        if known == Known::Host && seen.host.is_none() {
            seen.host = Some(value);
        }
        if known == Known::Connection {
            for named in connection_names(value) {
                if let Ok(named) = HeaderName::from_bytes(named) {
                    edits.remove(&named);
                }
            }
        }
        let kept = known == Known::Authorization && keep_authorization;
        if known.onward() == Onward::Drop && !kept && gone & known.bit() == 0 {
            gone |= known.bit();
            edits.remove(&known.header());
        }
    });
    seen
}

/// A trace that is none is dropped, and so is a state without a trace.
fn judge_trace(x: &mut Exchange, head: &Head<'_>, seen: &Lines<'_>) {
    let trace = head.single(&names::TRACEPARENT);
    if matches!(trace, Ok(Some(value)) if is_traceparent(value)) {
        return;
    }
    if seen.has(Known::Traceparent) {
        x.upstream.remove(&names::TRACEPARENT);
    }
    if seen.has(Known::Tracestate) {
        x.upstream.remove(&names::TRACESTATE);
    }
}

fn set_forwarded(x: &mut Exchange, head: &Head<'_>, seen: &Lines<'_>) {
    if x.peer_trusted {
        let chain = chain_of(x.client, x.peer.ip(), head.fields);
        x.upstream.set(&names::FORWARDED_FOR, &chain);
    } else {
        // Nobody stands between.
        let client = Spelled::address(x.client);
        x.upstream.set(&names::FORWARDED_FOR, &client);
    }
    // A trusted proxy that ended TLS for us knows better what the client used.
    let trusted = x.peer_trusted;
    let told = |name: &HeaderName| {
        let told = trusted.then(|| head.single(name).ok().flatten());
        told.flatten()
    };
    let proto = match (told(&names::FORWARDED_PROTO), x.scheme) {
        (Some(b"https"), _) => "https",
        (Some(b"http"), _) | (_, Scheme::Http) => "http",
        (_, Scheme::Https) => "https",
    };
    let host = told(&names::FORWARDED_HOST)
        .filter(|host| read_host(host).is_ok())
        .or(seen.host)
        .or(head.authority);
    x.upstream
        .set(&names::FORWARDED_PROTO, &HeaderValue::from_static(proto));
    if let Some(host) = host {
        // What is no value was refused, or came over HTTP/2 and is not passed on.
        let _ = x.upstream.try_set(&names::FORWARDED_HOST, host);
    }
}

/// Who calls, when that is proved; the upstream trusts these fields.
fn set_consumer(x: &mut Exchange) -> Verdict {
    let Some(principal) = x.caller.principal() else {
        return Ok(());
    };
    let record = principal.record();
    for (name, text) in [
        (names::CONSUMER_ID, &*record.consumer),
        (names::CONSUMER_TIER, &*record.tier),
        (names::CONSUMER_SCOPES, &*record.scopes),
    ] {
        set_text(&mut x.upstream, &name, text).map_err(|_| {
            Reply::refuse(Reason::Internal).noting("a key's record does not fit a header")
        })?;
    }
    let environment = HeaderValue::from_static(record.environment.as_str());
    x.upstream.set(&names::CONSUMER_ENV, &environment);
    Ok(())
}

/// Sets a text as a field's value. What is no visible ASCII is percent-encoded, and with it the per
/// cent, so that no two texts become one (hardening, A26).
fn set_text(edits: &mut Edits, name: &HeaderName, text: &str) -> Result<(), InvalidHeaderValue> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return edits.try_set(name, text.as_bytes());
    }
    let mut encoded = Vec::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if (0x20..0x7f).contains(&byte) && byte != b'%' {
            encoded.push(byte);
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            encoded.extend([
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        }
    }
    edits.try_set(name, &encoded)
}

/// RFC 9110, section 7.6.3.
const fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::Http10 => "1.0 tidegate",
        Version::Http11 => "1.1 tidegate",
        Version::Http2 => "2.0 tidegate",
    })
}

/// RFC 9110, section 7.6.2.
pub(super) fn max_forwards(value: &[u8]) -> Option<u32> {
    let plain = (1..=9).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    plain
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten()
}

/// W3C Trace Context, section 3.2: version 00, lower-case hex, ids that are not all zero.
fn is_traceparent(value: &[u8]) -> bool {
    if value.len() != 55 {
        return false;
    }
    let (version, rest) = value.split_at(3);
    let (trace, rest) = rest.split_at(33);
    let (parent, flags) = rest.split_at(17);
    let is_hex = |text: &[u8]| {
        text.iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |text: &[u8]| match text.split_last() {
        Some((b'-', digits)) => is_hex(digits) && digits.iter().any(|&digit| digit != b'0'),
        _ => false,
    };
    version == b"00-" && is_id(trace) && is_id(parent) && is_hex(flags)
}

/// Removes what no answer may say, before the edits of the other filters, and says the request id.
pub(super) fn edit_response(x: &mut Exchange, head: &ResponseHead<'_>) {
    let ours = x.refused.is_some();
    let edits = &mut x.response;
    head.fields.each(&mut |name, value| {
        if name.eq_ignore_ascii_case(b"connection") {
            for named in connection_names(value) {
                // The framing is the lane's, whatever an upstream says of it.
                let framing = matches!(
                    Known::of(named),
                    Some(Known::ContentLength | Known::TransferEncoding)
                );
                if let Ok(named) = HeaderName::from_bytes(named)
                    && !framing
                {
                    edits.hide(&named);
                }
            }
        }
        hide_from_client(edits, name, ours);
    });
    x.response.set(&names::REQUEST_ID, x.request_id.value());
    // RFC 9110, section 11.6.1: every 401 tells how to authenticate.
    if head.status == 401 && head.first(&WWW_AUTHENTICATE).is_none() && !says_how(x) {
        x.response.set(&WWW_AUTHENTICATE, &API_KEY);
    }
}

fn says_how(x: &Exchange) -> bool {
    let name = WWW_AUTHENTICATE.as_str().as_bytes();
    x.response.added().any(|added| added.name == name)
}

/// Removes a field of an answer, if it is one that no client gets: of one hop, of the server's make,
/// or ours to say.
fn hide_from_client(edits: &mut Edits, name: &[u8], ours: bool) {
    // Most names are told from all of these by their length and their first letter.
    let first = name.first().map_or(0, |first| first | 0x20);
    match (first, name.len()) {
        (b'c' | b'k', 10) | (b'p', 16 | 18) | (b't', 2 | 7) | (b'u', 7) | (b'h', 14) => {
            if let Some(known) = Known::of(name).filter(|known| known.is_of_one_hop()) {
                edits.hide(&known.header());
            }
        }
        (b's', 6) if !ours && name.eq_ignore_ascii_case(b"server") => {
            edits.hide(&http::header::SERVER);
        }
        (b'x' | b'r', _) if !ours => {
            for prefix in ["x-consumer-", "x-ratelimit-", "ratelimit", "x-powered-by"] {
                let start = name.get(..prefix.len());
                if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes())) {
                    edits.hide_prefix(prefix);
                }
            }
        }
        _ => {}
    }
}
