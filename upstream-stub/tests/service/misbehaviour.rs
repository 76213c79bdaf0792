//! `/faults/…`, over real sockets: what stands before the service must be able to rely on it.

use database::{Database, PoolLimits};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use upstream_stub::Options;

use super::{PATIENCE, ask};

/// A router whose database is nowhere: nothing here needs one.
fn router() -> axum::Router {
    let url = "postgres://nobody@127.0.0.1:1/nothing";
    let database = Database::lazy(url, PoolLimits::default()).unwrap();
    upstream_stub::router(database, &Options { faults: true })
}

/// SHA-256 of `abc`: FIPS 180-2, appendix B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tokio::test]
async fn statuses_come_as_asked() {
    let router = router();
    for (target, status) in [
        ("/faults/status?code=200", 200),
        ("/faults/status?code=204", 204),
        ("/faults/status?code=304", 304),
        ("/faults/status?code=404", 404),
        ("/faults/status?code=599", 599),
        ("/faults/status?code=199", 400),
        ("/faults/status?code=600", 400),
        ("/faults/status", 500),
        ("/faults/slow?ms=1", 200),
        ("/faults/slow?ms=60001", 400),
        ("/faults/large?bytes=1073741825", 400),
        ("/faults/cut?x", 400),
        ("/faults", 404),
    ] {
        let answer = ask(&router, "GET", target, &Value::Null).await;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.at("/error").is_object(), status >= 400, "{target}");
    }
    let answer = ask(&router, "GET", "/faults/status?code=503", &Value::Null).await;
    assert_eq!(answer.at("/error/code"), "SERVICE_UNAVAILABLE");
}

#[tokio::test]
async fn connections_are_served_until_the_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(upstream_stub::serve(listener, router(), stop.clone()));

    // HTTP/1.1, chunked, a header twice.
    let answer = raw(
        address,
        "POST /faults/echo?a=%2F HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\n\
        Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    )
    .await;
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let echo: Value = serde_json::from_str(body).unwrap();
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["target"], "/faults/echo?a=%2F");
    assert_eq!(echo["headers"]["x-a"], json!(["1", "2"]));
    assert_eq!(
        (&echo["bodyLength"], &echo["bodySha256"]),
        (&json!(3), &json!(ABC))
    );

    // A promise that is not kept, after a first piece that arrived.
    let cut = raw(address, "GET /faults/cut HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(
        cut.contains("content-length: 1048576\r\n"),
        "{}",
        &cut[..200]
    );
    assert_eq!(
        cut.split_once("\r\n\r\n").unwrap().1.chars().count(),
        65_536
    );

    // The same service speaks HTTP/2 without TLS, with prior knowledge (RFC 9113, section 3.3).
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = axum::http::Request::get("http://x/faults/large?bytes=200001")
        .body(())
        .unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    let mut body = timeout(PATIENCE, answer)
        .await
        .unwrap()
        .unwrap()
        .into_body();
    let mut bytes = Vec::new();
    while let Some(piece) = timeout(PATIENCE, body.data()).await.unwrap() {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    assert_eq!(bytes.len(), 200_001);
    assert!(
        bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| at % 251 == usize::from(*byte))
    );
    connection.abort();

    // One request never ends: the stop does not wait for it for long.
    let mut hanging = TcpStream::connect(address).await.unwrap();
    hanging
        .write_all(b"GET /faults/hang HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /faults/status?code=200 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    timeout(PATIENCE, idle.read_exact(&mut first))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let begin = Instant::now();
    stop.cancel();
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
    assert!(
        begin.elapsed() < 2 * upstream_stub::limits::DRAIN_TIME,
        "{:?}",
        begin.elapsed()
    );
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, hanging.read_to_end(&mut rest))
        .await
        .unwrap();
    assert_eq!(rest, b"");
    assert!(TcpStream::connect(address).await.is_err());
}

/// Sends bytes and reads until the end, be it clean or not. Every byte becomes one character.
async fn raw(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap();
    answer.into_iter().map(char::from).collect()
}
