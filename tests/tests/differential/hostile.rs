//! Requests that have to be refused (hardening, parts 1 and 2.1), and what chance makes of good ones.

use super::answer::script;
use super::exchange::{Exchange, HIDDEN, Onward, id_text};
use super::random::Random;
use super::request;

/// Heads that are refused, each with a name. `@` stands for the target.
pub(crate) const HEADS: &[(&str, &str)] = &[
    (
        "two lengths",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    ),
    (
        "equal lengths",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    ),
    (
        "list of lengths",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 5, 5\r\n\r\nhello",
    ),
    (
        "plus length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: +5\r\n\r\nhello",
    ),
    (
        "minus length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: -5\r\n\r\nhello",
    ),
    (
        "hex length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 0x5\r\n\r\nhello",
    ),
    (
        "empty length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: \r\n\r\nhello",
    ),
    (
        "length with space",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 5 5\r\n\r\nhello",
    ),
    (
        "long length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 0000000000000000005\r\n\r\nhello",
    ),
    (
        "huge length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 18446744073709551621\r\n\r\nhello",
    ),
    (
        "length and chunked",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked and length",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked twice",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked, chunked",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "identity, chunked",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked, identity",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "xchunked",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked quoted",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked parameter",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked vertical tab",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked folded",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked space colon",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "empty coding",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
    ),
    (
        "gzip",
        "POST @ HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked 1.0",
        "POST @ HTTP/1.0\r\nHost: edge.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("bare line feeds", "GET @ HTTP/1.1\nHost: edge.example\n\n"),
    (
        "bare line feed",
        "GET @ HTTP/1.1\r\nHost: edge.example\nX-A: b\r\n\r\n",
    ),
    (
        "bare return",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-A: b\rX-B: c\r\n\r\n",
    ),
    (
        "return at end",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\r\n\r\n",
    ),
    (
        "nul",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-A: \0\r\n\r\n",
    ),
    (
        "delete",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-A: \u{7f}\r\n\r\n",
    ),
    (
        "space before colon",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-A : b\r\n\r\n",
    ),
    (
        "fold",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-A: b\r\n c\r\n\r\n",
    ),
    (
        "fold first",
        "GET @ HTTP/1.1\r\n Host: edge.example\r\n\r\n",
    ),
    (
        "no colon",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-A\r\n\r\n",
    ),
    (
        "no name",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\n: b\r\n\r\n",
    ),
    (
        "name with space",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX A: b\r\n\r\n",
    ),
    (
        "name with high byte",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nX-\u{e4}: b\r\n\r\n",
    ),
    ("no host", "GET @ HTTP/1.1\r\nX-A: b\r\n\r\n"),
    ("empty host", "GET @ HTTP/1.1\r\nHost:\r\n\r\n"),
    (
        "two hosts",
        "GET @ HTTP/1.1\r\nHost: edge.example\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "list of hosts",
        "GET @ HTTP/1.1\r\nHost: edge.example, else.example\r\n\r\n",
    ),
    (
        "host with path",
        "GET @ HTTP/1.1\r\nHost: edge.example/a\r\n\r\n",
    ),
    (
        "host with user",
        "GET @ HTTP/1.1\r\nHost: a@edge.example\r\n\r\n",
    ),
    (
        "two spaces",
        "GET  @ HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "space behind",
        "GET @ HTTP/1.1 \r\nHost: edge.example\r\n\r\n",
    ),
    ("tab", "GET\t@ HTTP/1.1\r\nHost: edge.example\r\n\r\n"),
    ("no version", "GET @\r\nHost: edge.example\r\n\r\n"),
    (
        "version 2.0",
        "GET @ HTTP/2.0\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "version 1.2",
        "GET @ HTTP/1.2\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "version 0.9",
        "GET @ HTTP/0.9\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "version small",
        "GET @ http/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "version long",
        "GET @ HTTP/1.10\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "high target",
        "GET @-\u{e4} HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "nul in target",
        "GET @-\0 HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "space in target",
        "GET @ a HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    ("fragment", "GET @#a HTTP/1.1\r\nHost: edge.example\r\n\r\n"),
    (
        "other host",
        "GET http://else.example@ HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "two lines before",
        "\r\n\r\nGET @ HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    (
        "line feed before",
        "\nGET @ HTTP/1.1\r\nHost: edge.example\r\n\r\n",
    ),
    ("empty line", "\r\n\r\n\r\n"),
    ("rubbish", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n"),
    ("preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"),
];

/// Chunked bodies that are refused. They come behind a good head, so a request may be on its way.
pub(crate) const BODIES: &[(&str, &str)] = &[
    ("no digits", "xyz\r\n"),
    ("sign", "+5\r\nhello\r\n0\r\n\r\n"),
    ("minus", "-5\r\nhello\r\n0\r\n\r\n"),
    ("prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("space behind", "5 \r\nhello\r\n0\r\n\r\n"),
    ("space before", " 5\r\nhello\r\n0\r\n\r\n"),
    ("empty size", "\r\nhello\r\n0\r\n\r\n"),
    ("line feed", "5\nhello\n0\n\n"),
    ("line feed behind", "5\r\nhello\n0\r\n\r\n"),
    ("too much", "5\r\nhello!\r\n0\r\n\r\n"),
    ("too little", "5\r\nhell\r\n0\r\n\r\n"),
    ("overflow", "fffffffffffffffff\r\nhello"),
    ("sign bit", "8000000000000000\r\nhello"),
    ("bad extension", "5;\r\nhello\r\n0\r\n\r\n"),
    ("bare return in extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("line feed in extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ("open quote", "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
    ("last line feed", "5\r\nhello\r\n0\n\n"),
    ("last return", "5\r\nhello\r\n0\r\n\rX"),
    ("trailer", "5\r\nhello\r\n0\r\nX-A: b\r\n\r\n"),
    (
        "trailer length",
        "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    ),
    ("bad trailer", "5\r\nhello\r\n0\r\nX A: b\r\n\r\n"),
    ("trailer fold", "5\r\nhello\r\n0\r\n X: b\r\n\r\n"),
];

/// A request that must not go through, with another behind it that nobody may see.
pub(crate) fn hostile(random: &mut Random, id: u32) -> Exchange {
    let path = format!("/open/{}", id_text(id));
    let (class, mut request, onward) = match random.below(100) {
        0..55 => {
            let (class, head) = random.pick(HEADS);
            (
                class,
                head.replace('@', &path).into_bytes(),
                Onward::NeverWhole,
            )
        }
        55..85 => {
            let (class, body) = random.pick(BODIES);
            let target = match random.chance(20) {
                true => format!("/small/{}", id_text(id)),
                false => path,
            };
            let text = format!(
                "POST {target} HTTP/1.1\r\nHost: edge.example\r\nX-Request-Id: c-{id}\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
            );
            (class, text.into_bytes(), Onward::NeverWhole)
        }
        85..90 => {
            let (class, text) = match random.below(5) {
                0 => (
                    "huge head",
                    format!(
                        "GET {path} HTTP/1.1\r\nHost: edge.example\r\nX-A: {}\r\n\r\n",
                        "a".repeat(40_000)
                    ),
                ),
                1 => (
                    "many fields",
                    format!(
                        "GET {path} HTTP/1.1\r\nHost: edge.example\r\n{}\r\n",
                        "X-A: b\r\n".repeat(100)
                    ),
                ),
                2 => (
                    "long target",
                    format!(
                        "GET {path}?{} HTTP/1.1\r\nHost: edge.example\r\n\r\n",
                        "a".repeat(9_000)
                    ),
                ),
                3 => (
                    "long method",
                    format!(
                        "{} {path} HTTP/1.1\r\nHost: edge.example\r\n\r\n",
                        "A".repeat(40)
                    ),
                ),
                _ => (
                    "many long fields",
                    format!(
                        "GET {path} HTTP/1.1\r\nHost: edge.example\r\n{}\r\n",
                        format!("X-A: {}\r\n", "a".repeat(8_000)).repeat(5)
                    ),
                ),
            };
            (class, text.into_bytes(), Onward::NeverWhole)
        }
        _ => return damaged(random, id),
    };
    request.extend_from_slice(HIDDEN.as_bytes());
    Exchange {
        id,
        request,
        waits: None,
        method: "POST".to_owned(),
        onward,
        script: script(random, id, "POST"),
        class,
    }
}

/// A good request, with a few bytes changed. Whether it is still one, both lanes have to agree on.
fn damaged(random: &mut Random, id: u32) -> Exchange {
    let mut draught = request::draught(random, id);
    draught.method = "POST".to_owned();
    draught.body.truncate(200);
    let mut exchange = request::finish(random, id, draught, "damaged");
    exchange.waits = None;
    for _ in 0..=random.below(3) {
        let request = &mut exchange.request;
        let at = random.below(request.len());
        let byte = random.pick(&[
            b'\r', b'\n', b' ', b'\t', 0, b':', b',', b';', b'0', b'a', 0xff, b'/', b'%',
        ]);
        match random.below(4) {
            0 => request[at] = byte,
            1 => request.insert(at, byte),
            2 => {
                request.remove(at);
            }
            _ => request[at] ^= 1 << random.below(8),
        }
    }
    exchange.onward = Onward::Unknown;
    exchange
}
