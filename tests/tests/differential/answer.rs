//! Answers of upstreams: good ones, odd ones, and those that nobody should believe.

use super::exchange::Script;
use super::random::Random;

/// What an upstream does with this request.
pub(crate) fn script(random: &mut Random, id: u32, method: &str) -> Script {
    match random.below(100) {
        0..70 => good(random, id, method),
        70..85 => odd(random, id, method),
        _ => hostile(random, id, method),
    }
}

/// A good answer.
pub(crate) fn good(random: &mut Random, id: u32, method: &str) -> Script {
    let mut said = Vec::new();
    if random.chance(8) {
        said.extend_from_slice(interim(random).as_bytes());
    }
    let early = random.chance(4);
    let closes = random.chance(8);
    let status = random.pick(&[
        "200 OK",
        "200 OK",
        "200 OK",
        "201 Created",
        "202 Accepted",
        "204 No Content",
        "206 Partial Content",
        "301 Moved Permanently",
        "304 Not Modified",
        "400 Bad Request",
        "404 Not Found",
        "409 Conflict",
        "422 Unprocessable Content",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ]);
    let mut head = format!("HTTP/1.1 {status}\r\nX-Case: {id}\r\n");
    fields(random, &mut head);
    if closes {
        head.push_str("Connection: close\r\n");
    }
    let length = random.length();
    let body = body(random, id, length);
    said.extend_from_slice(head.as_bytes());
    if status.starts_with("204") {
        said.extend_from_slice(b"\r\n");
    } else if method == "HEAD" || status.starts_with("304") {
        said.extend_from_slice(match random.below(3) {
            0 => b"\r\n",
            1 => b"Content-Length: 1234\r\n\r\n".as_slice(),
            _ => b"Transfer-Encoding: chunked\r\n\r\n",
        });
    } else if closes && random.chance(40) {
        said.extend_from_slice(b"\r\n");
        said.extend_from_slice(&body);
    } else if random.chance(50) {
        said.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        said.extend_from_slice(&body);
    } else {
        said.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        chunks(random, &body, false, &mut said);
        said.extend_from_slice(b"0\r\n\r\n");
    }
    Script {
        pieces: random.split(&said),
        early,
        closes,
        class: if early { "early" } else { "good" },
        hostile: false,
    }
}

fn interim(random: &mut Random) -> String {
    let mut said = String::new();
    for _ in 0..=random.below(3) {
        said.push_str(random.pick(&[
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 102 Processing\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
        ]));
    }
    said
}

fn fields(random: &mut Random, head: &mut String) {
    for _ in 0..random.below(6) {
        head.push_str(random.pick(&[
            "Content-Type: application/json\r\n",
            "ETag: \"abc\"\r\n",
            "Set-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\n",
            "Cache-Control: no-cache\r\n",
            "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
            "Server: secret/1.2.3\r\n",
            "X-Powered-By: magic\r\n",
            "X-Runtime: 0.1\r\n",
            "X-Served-By: forged\r\n",
            "Vary: Accept, Origin\r\n",
            "X-Request-Id: forged\r\n",
            "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
            "Location: https://else.example/\r\n",
            "Content-Security-Policy: default-src 'self'\r\n",
        ]));
    }
}

/// A body in which nothing of another exchange can hide.
pub(crate) fn body(random: &mut Random, id: u32, length: usize) -> Vec<u8> {
    let word = format!("{id:08x}.");
    let from = random.below(word.len());
    word.bytes().cycle().skip(from).take(length).collect()
}

/// A body as chunks, without the last one.
pub(crate) fn chunks(random: &mut Random, body: &[u8], odd: bool, out: &mut Vec<u8>) {
    let mut rest = body;
    let most = random.pick(&[1, 7, 100, 5_000, 70_000]);
    while !rest.is_empty() {
        let length = (1 + random.below(most))
            .min(rest.len())
            .max(rest.len() / 200);
        let size = match odd && random.chance(30) {
            true => format!("00{length:X}"),
            false => format!("{length:x}"),
        };
        out.extend_from_slice(size.as_bytes());
        if odd && random.chance(30) {
            out.extend_from_slice(
                random
                    .pick(&[";a", ";a=b", ";a=\"b c\"", ";a=b;c"])
                    .as_bytes(),
            );
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&rest[..length]);
        out.extend_from_slice(b"\r\n");
        rest = &rest[length..];
    }
}

/// An answer that is seldom seen, and good.
fn odd(random: &mut Random, id: u32, method: &str) -> Script {
    let case = format!("X-Case: {id}\r\n");
    let length = random.below(300);
    let body = body(random, id, length);
    let sized = format!("Content-Length: {}\r\n\r\n", body.len());
    let (class, head, framing, closes) = match random.below(9) {
        0 => ("no phrase", "HTTP/1.1 200 \r\n".to_owned(), "length", false),
        1 => ("no space", "HTTP/1.1 200\r\n".to_owned(), "length", false),
        2 => ("1.0", "HTTP/1.0 200 OK\r\n".to_owned(), "close", true),
        3 => ("1.0 keep", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n".to_owned(), "length", false),
        4 => ("keep", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n".to_owned(), "length", false),
        5 => ("hop", "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: a\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\n".to_owned(), "length", false),
        6 => ("case", "HTTP/1.1 200 Fine\r\ncOnTeNt-TyPe: text/plain\r\nX-EMPTY:\r\nX-Obs: \u{e4}\r\nX_Under: a\r\n".to_owned(), "length", false),
        7 => ("extensions", "HTTP/1.1 200 OK\r\n".to_owned(), "extensions", false),
        _ => ("trailers", "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n".to_owned(), "trailers", false),
    };
    let mut said = format!("{head}{case}").into_bytes();
    match framing {
        "length" => said.extend_from_slice(sized.as_bytes()),
        "close" => said.extend_from_slice(b"\r\n"),
        _ => said.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
    }
    if method != "HEAD" {
        match framing {
            "extensions" | "trailers" => {
                chunks(random, &body, framing == "extensions", &mut said);
                said.extend_from_slice(match framing {
                    "trailers" => b"0\r\nX-Sum: 1\r\n\r\n".as_slice(),
                    _ => b"0;last=1\r\n\r\n",
                });
            }
            _ => said.extend_from_slice(&body),
        }
    }
    Script {
        pieces: random.split(&said),
        early: false,
        closes,
        class,
        hostile: false,
    }
}

/// Answers that nobody should believe, each with a name; `@` stands for the case's field line.
pub(crate) const HOSTILE: &[(&str, &str)] = &[
    ("silence", ""),
    ("rubbish", "rubbish\r\n\r\n"),
    ("request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("version", "HTTP/2.0 200 OK\r\n@Content-Length: 2\r\n\r\nok"),
    (
        "version 1.2",
        "HTTP/1.2 200 OK\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "status 99",
        "HTTP/1.1 099 Low\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "status 600",
        "HTTP/1.1 600 High\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "status 2000",
        "HTTP/1.1 2000 OK\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "status text",
        "HTTP/1.1 abc OK\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "two spaces",
        "HTTP/1.1  200 OK\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "leading line",
        "\r\nHTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "bare line feeds",
        "HTTP/1.1 200 OK\n@Content-Length: 2\n\nok",
    ),
    (
        "bare line feed",
        "HTTP/1.1 200 OK\r\nX-A: b\nX-B: c\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "bare return",
        "HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "nul",
        "HTTP/1.1 200 OK\r\nX-A: b\0c\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "fold",
        "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "space before colon",
        "HTTP/1.1 200 OK\r\nX-A : b\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "no colon",
        "HTTP/1.1 200 OK\r\nX-A\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "two lengths",
        "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
    ),
    (
        "equal lengths",
        "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    ),
    (
        "list of lengths",
        "HTTP/1.1 200 OK\r\n@Content-Length: 2, 2\r\n\r\nok",
    ),
    (
        "signed length",
        "HTTP/1.1 200 OK\r\n@Content-Length: +2\r\n\r\nok",
    ),
    (
        "negative length",
        "HTTP/1.1 200 OK\r\n@Content-Length: -2\r\n\r\nok",
    ),
    (
        "hex length",
        "HTTP/1.1 200 OK\r\n@Content-Length: 0x2\r\n\r\nok",
    ),
    ("no length", "HTTP/1.1 200 OK\r\n@Content-Length:\r\n\r\nok"),
    (
        "huge length",
        "HTTP/1.1 200 OK\r\n@Content-Length: 99999999999999999999\r\n\r\nok",
    ),
    (
        "length with chunked",
        "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunked twice",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunked in two",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunked not last",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "gzip chunked",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "identity",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: identity\r\n\r\nok",
    ),
    (
        "xchunked",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunked 1.0",
        "HTTP/1.0 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk size",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\nxx\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk sign",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk prefix",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk space",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
    ),
    (
        "chunk line feed",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
    ),
    (
        "chunk too long",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n",
    ),
    (
        "chunk overflow",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok",
    ),
    (
        "chunks end",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ),
    (
        "too short",
        "HTTP/1.1 200 OK\r\n@Content-Length: 100\r\n\r\nok",
    ),
    (
        "too long",
        "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    ),
    (
        "too long by chunks",
        "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    ),
    (
        "body on 204",
        "HTTP/1.1 204 No Content\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "bytes on 204",
        "HTTP/1.1 204 No Content\r\n@\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    ),
    (
        "chunks on 204",
        "HTTP/1.1 204 No Content\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "bytes on 304",
        "HTTP/1.1 304 Not Modified\r\n@Content-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    ),
    (
        "length on 100",
        "HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok",
    ),
    (
        "101",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nrubbish",
    ),
    (
        "interim and silence",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    ),
    ("half a head", "HTTP/1.1 200 OK\r\n@Content-Len"),
    ("half an interim", "HTTP/1.1 103 Early Hi"),
];

fn hostile(random: &mut Random, id: u32, method: &str) -> Script {
    let case = format!("X-Case: {id}\r\n");
    if random.chance(20) {
        // A good one, cut anywhere.
        let mut whole = good(random, id, method);
        let all = whole.pieces.concat();
        let at = random.below(all.len());
        whole.pieces = random.split(&all[..at]);
        return Script {
            closes: true,
            class: "cut",
            hostile: true,
            early: false,
            ..whole
        };
    }
    let (class, said) = match random.below(HOSTILE.len() + 3) {
        0 => (
            "megabyte head",
            format!(
                "HTTP/1.1 200 OK\r\n{case}X-A: {}\r\n\r\n",
                "a".repeat(1 << 20)
            ),
        ),
        1 => (
            "many fields",
            format!(
                "HTTP/1.1 200 OK\r\n{case}{}Content-Length: 0\r\n\r\n",
                "X-A: b\r\n".repeat(120)
            ),
        ),
        2 => (
            "many interims",
            format!(
                "{}HTTP/1.1 200 OK\r\n{case}Content-Length: 0\r\n\r\n",
                "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40)
            ),
        ),
        n => {
            let (class, said) = HOSTILE[n - 3];
            (class, said.replace('@', &case))
        }
    };
    // What is poison comes with the answer: a later one cannot be told from an answer (architecture).
    let pieces = match class {
        "too long" | "too long by chunks" | "bytes on 204" | "bytes on 304" => {
            vec![said.into_bytes()]
        }
        _ => random.split(said.as_bytes()),
    };
    Script {
        pieces,
        early: false,
        closes: true,
        class,
        hostile: true,
    }
}
