//! Every request has an id, and every answer names it.

use super::super::partner::House;
use super::answer_to;
use tests::http2::Http2;
use tests::message::Message;
use tests::raw::Answer;

fn is_uuid7(id: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts.iter().all(|part| hex(part))
        && parts[2].starts_with('7')
        && matches!(parts[3].as_bytes()[0], b'8' | b'9' | b'a' | b'b')
}

fn id_of(answer: &Answer) -> String {
    let id = answer.only("x-request-id").expect("one id").to_owned();
    // Whether it is ours, its form says.
    if answer.status >= 400 && answer.body.starts_with(b"{\"error\":") {
        let body = answer.json();
        assert_eq!(body["meta"]["requestId"], id, "{body}");
    }
    id
}

#[tokio::test]
async fn a_clients_id_is_kept_in_its_form_only() {
    let house = House::start().await;
    let (longest, too_long) = ("a".repeat(128), "a".repeat(129));
    let ids = [
        ("a", true),
        ("A-z_0.9", true),
        ("0199b0e2-7c1f-7000-8000-000000000001", true),
        (&longest, true),
        (&too_long, false),
        ("", false),
        ("a b", false),
        ("a,b", false),
        ("a\"b", false),
        ("a{b", false),
        ("a/b", false),
        ("a\tb", false),
        ("${jndi:x}", false),
        ("ä", false),
    ];
    for (number, (id, kept)) in ids.into_iter().enumerate() {
        let message = Message::new("GET", "/open/a").field("X-Request-Id", id);
        let answer = answer_to(&house, &message).await;
        assert_eq!(answer.status, 200, "{id:?}");
        let echoed = id_of(&answer);
        assert_eq!(echoed == id, kept, "{id:?}: {echoed}");
        assert!(kept || is_uuid7(&echoed), "{id:?}: {echoed}");
        assert_eq!(
            house.witness.last().only("x-request-id"),
            Some(echoed.as_str()),
            "{id:?}"
        );
        let line = house.stage.log(number + 1).await.pop().unwrap();
        assert!(line.to_string().contains(&echoed), "{line}");
    }
    house.stage.stop().await;
}

/// Whatever is answered, and by whom, names the request.
#[tokio::test]
async fn every_answer_names_its_request() {
    let house = House::start().await;
    let good = |n| house.get(&house.signer, "/api/v1/orders", n);
    let open = |target: &str| Message::new("GET", target);
    let http2 = Http2::connect(house.stage.addresses[1]).await;
    for (case, message, status) in [
        ("served", good(1), 200),
        ("the upstream's 404", open("/open/a?status=404"), 404),
        ("the upstream's 500", open("/open/a?status=500"), 500),
        ("204", open("/open/a?status=204"), 204),
        ("304", open("/open/a?status=304"), 304),
        (
            "the upstream's own id",
            open("/open/a?field=X-Request-Id:upstreams"),
            200,
        ),
        ("nobody", open("/api/v1/orders"), 401),
        ("wrong", good(2).with("X-Nonce", "other-nonce"), 401),
        ("path", open("/open//a"), 400),
        ("method", Message::new("DELETE", "/open/a"), 405),
        ("field", open("/open/a").field("X-API-Version", "9"), 400),
    ] {
        let answer = answer_to(&house, &message).await;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        assert!(is_uuid7(&id_of(&answer)), "{case}: {answer:?}");
        let named = message.field("X-Request-Id", "mine");
        let (one, two) = (answer_to(&house, &named).await, http2.ask(&named).await);
        assert_eq!([id_of(&one), id_of(&two)], ["mine", "mine"], "{case}");
    }
    // Before there is a request, there is an id of ours.
    for bytes in [
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
    ] {
        let answer = tests::raw::ask(house.stage.address, bytes)
            .await
            .expect("an answer");
        assert_eq!(answer.status, 400, "{bytes:?}");
        assert!(is_uuid7(&id_of(&answer)), "{bytes:?}");
    }
    house.stage.stop().await;
}

#[tokio::test]
async fn two_ids_are_refused_under_one_of_ours() {
    let house = House::start().await;
    let message = Message::new("GET", "/open/a")
        .field("X-Request-Id", "a")
        .field("x-request-id", "b");
    let answer = answer_to(&house, &message).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (400, "repeated_header")
    );
    assert!(is_uuid7(&id_of(&answer)), "{answer:?}");
    assert_eq!(house.witness.begun(), 0);
    house.stage.stop().await;
}

#[tokio::test]
async fn where_clients_may_not_name_requests_they_do_not() {
    let own = (
        "[request_id, access_log",
        "[{ request_id: { accept_client: false } }, access_log",
    );
    let house = House::start_as(&[own]).await;
    let message = Message::new("GET", "/open/a").field("X-Request-Id", "mine");
    let answer = answer_to(&house, &message).await;
    let id = id_of(&answer);
    assert!(is_uuid7(&id), "{id}");
    assert_eq!(house.witness.last().only("x-request-id"), Some(id.as_str()));
    house.stage.stop().await;
}
