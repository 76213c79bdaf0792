//! Which hosts are served (P1, A13; RFC 9112, section 3.2; RFC 9113, section 8.3.1): by a list,
//! whatever the port, the same for every way to name one.

use tests::envelope::check_refusal;
use tests::frames::{End, Frames, headers};
use tests::hostile::set;
use tests::raw::ask;
use tests::stage::Stage;

const SERVED: [&str; 6] = [
    "edge.example",
    "EDGE.Example",
    "edge.example:80",
    "edge.example:8443",
    "127.0.0.1",
    "127.0.0.1:1",
];

const UNSERVED: [&str; 8] = [
    "other.example",
    "edge.example.other",
    "xedge.example",
    "www.edge.example",
    "localhost",
    "127.0.0.2",
    "[::1]",
    "[::ffff:127.0.0.1]:80",
];

const MALFORMED: [&str; 10] = [
    "edge.example.",
    "edge.example:",
    "edge.example:0",
    "edge.example:99999",
    "edge.example:80:80",
    "edge%2eexample",
    "a@edge.example",
    "edge.example,other.example",
    "0x7f.1",
    "edge..example",
];

#[tokio::test]
async fn hosts_of_the_list_are_served_whatever_the_port() {
    let (witness, stage) = set().await;
    for host in SERVED {
        for target in ["/exact".to_owned(), format!("http://{host}/exact")] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = ask(stage.address, request).await.expect("an answer");
            assert_eq!(answer.status, 200, "{target} {host} {answer:?}");
            let seen = witness.last();
            // The upstream gets its own name, and ours beside it.
            assert_eq!(seen.target, "/exact", "{target}");
            assert_eq!(seen.only("host"), Some("orders.internal"), "{host}");
            assert_eq!(seen.only("x-forwarded-host"), Some(host), "{host}");
        }
    }
    let before = witness.begun();
    for host in UNSERVED {
        for target in [
            "/exact".to_owned(),
            format!("http://{host}/exact"),
            "/nowhere".to_owned(),
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = ask(stage.address, request).await.expect("an answer");
            check_refusal(&format!("{target} {host}"), &answer, 421, "unknown_host");
        }
    }
    for host in MALFORMED {
        let request = format!("GET /exact HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = ask(stage.address, request).await.expect("an answer");
        check_refusal(host, &answer, 400, "invalid_host");
    }
    assert_eq!(witness.begun(), before);
    stage.stop().await;
}

/// A target of the absolute form says the same host or none: also when the other is served too.
#[tokio::test]
async fn two_names_for_one_request_are_refused() {
    let (witness, stage) = set().await;
    for (target, host) in [
        ("http://edge.example/exact", "127.0.0.1"),
        ("http://127.0.0.1/exact", "edge.example"),
        ("http://other.example/exact", "edge.example"),
        ("http://edge.example/exact", "other.example"),
        ("http://edge.example:80/exact", "edge.example"),
        ("http://edge.example/exact", "edge.example:80"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = ask(stage.address, request).await.expect("an answer");
        check_refusal(&format!("{target} {host}"), &answer, 400, "host_conflict");
    }
    assert_eq!(witness.begun(), 0);
    stage.stop().await;
}

/// What a stream ended with: a reason, `reset`, or `served`.
async fn ask2(stage: &Stage, fields: &[(&str, &str)]) -> String {
    let mut frames = Frames::connect(stage.address).await;
    frames
        .frame(&headers(1, tests::frames::block(fields), true))
        .await;
    match frames.end_of(1).await {
        End::Answer(body) if body.is_empty() => "reset".to_owned(),
        End::Answer(body) => {
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            body["error"]["details"]["reason"]
                .as_str()
                .unwrap_or("served")
                .to_owned()
        }
        End::Reset(_) => "reset".to_owned(),
        end => format!("{end:?}"),
    }
}

#[tokio::test]
async fn http2_authorities_follow_the_same_list() {
    let (witness, stage) = set().await;
    let get = [(":method", "GET"), (":scheme", "http"), (":path", "/exact")];
    let with = |more: &[(&'static str, &'static str)]| [&get[..], more].concat();
    for host in SERVED {
        let got = ask2(&stage, &with(&[(":authority", host)])).await;
        assert_eq!(got, "served", "{host}");
        assert_eq!(witness.last().only("host"), Some("orders.internal"));
        assert_eq!(witness.last().only("x-forwarded-host"), Some(host));
        let got = ask2(&stage, &with(&[(":authority", host), ("host", host)])).await;
        assert_eq!(got, "served", "{host} twice");
    }
    let before = witness.begun();
    for host in UNSERVED {
        let got = ask2(&stage, &with(&[(":authority", host)])).await;
        assert_eq!(got, "unknown_host", "{host}");
    }
    for host in MALFORMED {
        let got = ask2(&stage, &with(&[(":authority", host)])).await;
        assert!(
            ["invalid_host", "reset"].contains(&got.as_str()),
            "{host}: {got}"
        );
    }
    for (authority, host) in [
        ("edge.example", "127.0.0.1"),
        ("edge.example", "other.example"),
        ("other.example", "edge.example"),
        ("edge.example", "edge.example:80"),
        ("edge.example", ""),
    ] {
        let got = ask2(&stage, &with(&[(":authority", authority), ("host", host)])).await;
        let refused = ["host_conflict", "missing_host", "reset"].contains(&got.as_str());
        assert!(refused, "{authority} and {host}: {got}");
    }
    let twice = [
        (":authority", "edge.example"),
        ("host", "edge.example"),
        ("host", "edge.example"),
    ];
    let got = ask2(&stage, &with(&twice)).await;
    assert!(
        ["missing_host", "repeated_header", "reset"].contains(&got.as_str()),
        "{got}"
    );
    for more in [&[][..], &[("host", "")], &[(":authority", "")]] {
        let got = ask2(&stage, &with(more)).await;
        assert!(
            ["missing_host", "invalid_host", "reset"].contains(&got.as_str()),
            "{more:?}: {got}"
        );
    }
    assert_eq!(witness.begun(), before);
    stage.stop().await;
}
