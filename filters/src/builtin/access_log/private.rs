//! What a log must not keep although it stands in a target: keys, secrets and e-mail addresses.
//!
//! This is a net, not a proof: credentials belong in header fields, which are never logged.

use super::json::Line;

const MASK: &[u8] = b"***";

/// Ends of parameter names whose values are nobody's business.
const PRIVATE_NAMES: [&[u8]; 10] = [
    b"key",
    b"token",
    b"secret",
    b"password",
    b"passwd",
    b"signature",
    b"authorization",
    b"auth",
    b"code",
    b"mail",
];

/// Bytes that something private may begin with.
const SUSPECT: [bool; 256] = {
    let mut suspect = [false; 256];
    let begins = b"@%aAsSe";
    let mut n = 0;
    while n < begins.len() {
        suspect[begins[n] as usize] = true;
        n += 1;
    }
    suspect
};

/// A path, segment by segment.
pub(super) fn path(line: &mut Line<'_>, path: &[u8]) {
    // What no part of the path holds, no segment holds.
    if !is_private(path) {
        return line.piece(path);
    }
    let mut segments = path.split(|&byte| byte == b'/');
    if let Some(first) = segments.next() {
        text(line, first);
    }
    for segment in segments {
        line.piece(b"/");
        text(line, segment);
    }
}

/// A query, parameter by parameter.
pub(super) fn query(line: &mut Line<'_>, query: &[u8]) {
    for (n, parameter) in query.split(|&byte| byte == b'&').enumerate() {
        if n > 0 {
            line.piece(b"&");
        }
        let Some(equals) = parameter.iter().position(|&byte| byte == b'=') else {
            text(line, parameter);
            continue;
        };
        let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
        text(line, name);
        line.piece(b"=");
        // An escaped name may spell anything.
        let hidden = name.contains(&b'%') || PRIVATE_NAMES.iter().any(|end| ends(name, end));
        if hidden && !value.is_empty() {
            line.piece(MASK);
        } else {
            text(line, value);
        }
    }
}

/// A text, unless it holds something private.
pub(super) fn text(line: &mut Line<'_>, text: &[u8]) {
    line.piece(if is_private(text) { MASK } else { text });
}

/// One pass over every text of every line: it looks closer only where a credential could begin.
fn is_private(text: &[u8]) -> bool {
    // One quick look at every byte; few are worth a second.
    let suspect = |(_, byte): &(usize, &u8)| SUSPECT[usize::from(**byte)];
    text.iter().enumerate().filter(suspect).any(|(at, &byte)| {
        let rest = &text[at..];
        match byte {
            b'@' => true,
            b'%' => rest.starts_with(b"%40"),
            b'a' | b'A' => begins(rest, b"ak_live_") || begins(rest, b"ak_test_"),
            // Words end in `sk_` too (`task_lists`), so these must stand at the begin of one.
            b's' | b'S' => is_start(text, at) && begins(rest, b"sk_"),
            b'e' => is_start(text, at) && rest.starts_with(b"eyJ"),
            _ => false,
        }
    })
}

/// Whether no letter or digit stands before this place.
fn is_start(text: &[u8], at: usize) -> bool {
    at == 0 || !text[at - 1].is_ascii_alphanumeric()
}

fn begins(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn ends(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}
