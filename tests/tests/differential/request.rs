//! Requests as clients send them: the good ones. See [`super::hostile`] for the others.

use super::answer::{chunks, script};
use super::exchange::{Exchange, HIDDEN, Onward, id_text};
use super::random::Random;
use filters::signing::Scheme;
use std::fmt::Write as _;
use tests::signer::{Draft, Signer};

/// A request in the making.
pub(crate) struct Draught {
    pub method: String,
    pub target: String,
    pub fields: String,
    pub body: Vec<u8>,
}

/// A request that every server takes.
pub(crate) fn good(random: &mut Random, id: u32) -> Exchange {
    let draught = draught(random, id);
    finish(random, id, draught, "good")
}

/// The parts of a good request.
pub(crate) fn draught(random: &mut Random, id: u32) -> Draught {
    let method = random.pick(&[
        "GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
    ]);
    let body = match method {
        "POST" | "PUT" | "PATCH" => {
            let length = random.length();
            random.bytes(length)
        }
        _ if random.chance(8) => {
            let length = random.below(300);
            random.bytes(length)
        }
        _ => Vec::new(),
    };
    let mut target = format!("/open/{}", id_text(id));
    if random.chance(30) {
        target.push_str(random.pick(&["-x", "-a.b_c~d", "-@:!$&'()*+,=", "-%20%C3%A4"]));
    }
    if random.chance(40) {
        target.push_str(random.pick(&[
            "?",
            "?a=b",
            "?a=b&c=d;e=/f?g",
            "?q=%20%7B%7D",
            "?redirect=https://else.example/",
            "?a[0]=1",
            "?..//%2e",
            "?a={b}|c^d",
        ]));
    }
    let mut fields = String::new();
    some_fields(random, &mut fields);
    Draught {
        method: method.to_owned(),
        target,
        fields,
        body,
    }
}

fn some_fields(random: &mut Random, fields: &mut String) {
    let count = match random.below(50) {
        0 => 80,
        _ => random.below(8),
    };
    for n in 0..count {
        match random.below(16) {
            0 => fields.push_str("Accept: application/json, */*;q=0.1\r\n"),
            1 => fields.push_str("Accept-Encoding: gzip, br\r\n"),
            2 if !fields.contains("User-Agent") => fields.push_str("User-Agent: test/1 (a; b)\r\n"),
            3 if !fields.contains("Content-Type") => {
                fields.push_str("Content-Type: text/plain\r\n")
            }
            4 => fields.push_str("Cookie: a=b; c=d\r\n"),
            5 => fields.push_str("Cache-Control: no-cache\r\n"),
            6 if !fields.contains("If-None-Match") => {
                fields.push_str("If-None-Match: \"a\", W/\"b\"\r\n")
            }
            7 => fields.push_str("Via: 1.0 fred, 1.1 p.example\r\n"),
            8 => fields.push_str("Authorization: Basic YTpi\r\n"),
            9 => fields.push_str("X-Debug: 1\r\nX-Gateway: forged\r\n"),
            10 if !fields.contains("Origin") => fields.push_str("Origin: https://a.example\r\n"),
            11 => {
                let _ = write!(fields, "X-Long-{n}: {}\r\n", "v".repeat(random.below(300)));
            }
            _ => {
                let _ = write!(
                    fields,
                    "X-F-{n}:{}v{n}{}\r\n",
                    random.pick(&["", " ", "\t", "  "]),
                    random.pick(&["", " ", "\t "])
                );
            }
        }
    }
}

/// The request with its framing, its script and its oracle.
pub(crate) fn finish(
    random: &mut Random,
    id: u32,
    draught: Draught,
    class: &'static str,
) -> Exchange {
    let Draught {
        method,
        target,
        mut fields,
        body,
    } = draught;
    let mut framed = Vec::new();
    if !body.is_empty() && random.chance(40) {
        fields.push_str("Transfer-Encoding: chunked\r\n");
        let odd = random.chance(20);
        chunks(random, &body, odd, &mut framed);
        framed.extend_from_slice(b"0\r\n\r\n");
    } else if !body.is_empty() || random.chance(10) {
        let _ = write!(fields, "Content-Length: {}\r\n", body.len());
        framed.extend_from_slice(&body);
    }
    let expects = !body.is_empty() && random.chance(5);
    if expects {
        fields.push_str("Expect: 100-continue\r\n");
    }
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: edge.example\r\nX-Request-Id: c-{id}\r\n{fields}\r\n"
    );
    let waits = (expects && random.chance(50)).then_some(head.len());
    let mut request = head.into_bytes();
    request.extend_from_slice(&framed);
    Exchange {
        id,
        script: script(random, id, &method),
        request,
        waits,
        method,
        onward: Onward::Exactly {
            target: target.into_bytes(),
            body,
        },
        class,
    }
}

/// A signed request: its body is read before an upstream is chosen.
pub(crate) fn signed(random: &mut Random, id: u32, signer: &Signer, now_s: u64) -> Exchange {
    let mut draught = draught(random, id);
    draught.target = format!("/signed/{}", id_text(id));
    draught.method = random.pick(&["GET", "POST", "PUT"]).to_owned();
    if draught.method == "GET" {
        draught.body.clear();
    }
    draught.fields = String::new();
    let nonce = format!("nonce-{id:08}");
    let signed = Draft {
        method: &draught.method,
        target: &draught.target,
        body: &draught.body,
        timestamp: now_s,
        nonce: &nonce,
        scheme: Scheme::V1,
    };
    for (name, value) in signer.fields(&signed) {
        let _ = write!(draught.fields, "{name}: {value}\r\n");
    }
    let forged = random.chance(5) && !draught.body.is_empty();
    if forged {
        draught.body[0] ^= 1;
    }
    let mut exchange = finish(random, id, draught, "signed");
    if forged {
        exchange.onward = Onward::NeverWhole;
    }
    exchange
}

/// A request that is seldom seen. What becomes of it, both lanes have to agree on.
pub(crate) fn odd(random: &mut Random, id: u32) -> Exchange {
    let mut draught = draught(random, id);
    let line = |draught: &mut Draught, text: &str| {
        draught.fields.push_str(text);
        draught.fields.push_str("\r\n");
    };
    const NAMES: &[&str] = &[
        "Upgrade: websocket\r\nConnection: Upgrade",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA",
        "Connection: x-hop, keep-alive\r\nX-Hop: a",
        "Connection: close, x-hop\r\nX-Hop: a",
        "Connection: x-request-id, via, host",
        "Connection: x-consumer-id\r\nX-Consumer-Id: forged",
        "Connection: content-length, transfer-encoding",
        "Connection: ,, ,",
        "Connection: close",
        "Connection: CLOSE",
        "Connection: a b",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "TE: trailers",
        "TE: gzip;q=0.5",
        "Trailer: X-Sum",
        "X_Under: a",
        "content_length: 5",
        "transfer_encoding: chunked",
        "X-Consumer-Id: forged",
        "x_consumer_id: forged",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: nonsense",
        "X-Forwarded-Host: else.example\r\nX-Forwarded-Proto: https",
        "X-Real-IP: 1.2.3.4",
        "Forwarded: for=1.2.3.4",
        "X-Empty:",
        "X-Empty: ",
        "X-Tab:\ta\tb\t",
        "X-Obs: \u{e4}\u{f6}",
        "x-lower: a",
        "X-UPPER: a",
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /admin",
        "Max-Forwards: 0",
        "Max-Forwards: 5",
        "Max-Forwards: x",
        "Max-Forwards: 1\r\nMax-Forwards: 2",
        "Expect: 200-ok",
        "Expect: 100-Continue",
        "Expect:",
        "Expect: 100-continue\r\nExpect: 100-continue",
        "User-Agent: a\r\nUser-Agent: b",
        "Content-Type: a/b\r\nContent-Type: c/d",
        "X-Request-Id: other",
        "X-API-Version: 1",
        "X-API-Version: 7",
        "Accept-Version: 2",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "traceparent: wrong\r\ntracestate: a=b",
        "tracestate: a=b",
        "Authorization: a\r\nAuthorization: b",
        "X-API-Key: a\r\nX-API-Key: b",
        "X-API-Key: a\r\nAuthorization: Bearer b",
        "Accept: application/problem+json",
        "Range: bytes=0-5",
        "If-None-Match: *",
        "Date: yesterday",
        "Upgrade-Insecure-Requests: 1",
        "Http2-Settings: a",
        "Signature: a=:b:",
        "Cookie: a=b\r\nCookie: c=d",
        "X-!#$%&'*+-.^`|~: a",
        "Content-Encoding: gzip",
        "Proxy-Authorization: Basic a",
        "Proxy-Authenticate: Basic",
    ];
    match random.below(10) {
        0..6 => line(&mut draught, random.pick(NAMES)),
        6 => {
            draught.method = random
                .pick(&[
                    "TRACE", "get", "LOCK", "BREW", "Get", "PURGE", "QUERY", "CONNECT",
                ])
                .to_owned();
        }
        7 => {
            let path = format!("/open/{}", id_text(id));
            let id = id_text(id);
            draught.target = match random.below(24) {
                0 => format!("http://edge.example{path}"),
                1 => format!("https://edge.example{path}?a=b"),
                2 => format!("HTTP://EDGE.example{path}"),
                3 => format!("http://else.example{path}"),
                4 => format!("http://user@edge.example{path}"),
                5 => "http://edge.example".to_owned(),
                6 => "*".to_owned(),
                7 => format!("/open//{id}"),
                8 => format!("/open/./{id}"),
                9 => format!("/open/../open/{id}"),
                10 => format!("{path}-%2e%2e"),
                11 => format!("{path}-%2F"),
                12 => format!("{path}-%5c"),
                13 => format!("{path}-%25"),
                14 => format!("{path}-%00"),
                15 => format!("{path}-;a"),
                16 => format!("{path}-%zz"),
                17 => format!("{path}-\\a"),
                18 => format!("{path}#a"),
                19 => format!("{path}-<a>"),
                20 => format!("{path}-`a"),
                21 => format!("{path}?a=%00"),
                22 => format!("{path}?{}", "q".repeat(8_100)),
                _ => format!("/nowhere/{id}"),
            };
        }
        8 => {
            draught.target = format!("/small/{}", id_text(id));
            draught.method = random.pick(&["GET", "POST", "PUT", "OPTIONS"]).to_owned();
            let length = random.pick(&[0, 1, 99, 100, 101, 5_000, 60_000]);
            draught.body = random.bytes(length);
        }
        _ => {}
    }
    let mut exchange = finish(random, id, draught, "odd");
    exchange.onward = Onward::Unknown;
    let text = |exchange: &mut Exchange, change: &dyn Fn(&str) -> String| {
        // The head alone is text.
        let end = exchange
            .request
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map_or(0, |at| at + 4);
        let head = String::from_utf8_lossy(&exchange.request[..end]).into_owned();
        let mut request = change(&head).into_bytes();
        request.extend_from_slice(&exchange.request[end..]);
        exchange.request = request;
        exchange.waits = None;
    };
    match random.below(30) {
        0 => text(&mut exchange, &|head| {
            head.replacen("HTTP/1.1", "HTTP/1.0", 1)
        }),
        1 => text(&mut exchange, &|head| {
            head.replacen("HTTP/1.1", "HTTP/1.0", 1).replacen(
                "Host",
                "Connection: keep-alive\r\nHost",
                1,
            )
        }),
        2 => text(&mut exchange, &|head| format!("\r\n{head}")),
        3 => text(&mut exchange, &|head| {
            head.replacen("edge.example", "EDGE.Example:8080", 1)
        }),
        4 => text(&mut exchange, &|head| {
            head.replacen("edge.example", "else.example", 1)
        }),
        5 => text(&mut exchange, &|head| {
            head.replacen("edge.example", "edge.example.", 1)
        }),
        6 => text(&mut exchange, &|head| {
            head.replacen("edge.example", "[::1]", 1)
        }),
        7 => text(&mut exchange, &|head| {
            let (line, fields) = head.split_once("\r\n").expect("a line");
            format!("{line}\r\n{}", fields.to_lowercase())
        }),
        8 => text(&mut exchange, &|head| {
            head.replacen("X-Request-Id: c-", "X-Request-Id: \u{e4}", 1)
        }),
        9 if exchange.request.ends_with(b"\r\n0\r\n\r\n") => {
            let end = exchange.request.len() - 2;
            exchange.request.truncate(end);
            exchange.request.extend_from_slice(b"X-Trailer: a\r\n\r\n");
            exchange.onward = Onward::NeverWhole;
        }
        _ => {}
    }
    if exchange.method == "CONNECT" {
        exchange.request.extend_from_slice(HIDDEN.as_bytes());
    }
    exchange
}
