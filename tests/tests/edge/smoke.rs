//! The main job in its shortest form.

use filters::signing::Scheme;
use tests::raw::ask;
use tests::signer::Draft;
use tests::stage::{SIGNED, Stage, with_upstream};
use tests::witness::Witness;

#[tokio::test]
async fn a_signed_request_goes_through_and_an_unsigned_one_does_not() {
    let witness = Witness::start().await;
    let stage = Stage::start(&with_upstream(SIGNED, witness.address)).await;
    let signer = stage.key(1, |_| {});
    let draft = Draft {
        method: "POST",
        target: "/api/v1/orders?x=1",
        body: b"{}",
        timestamp: stage.now_s(),
        nonce: "",
        scheme: Scheme::V1,
    };
    let answer = ask(stage.address, signer.message(stage.address, &draft))
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = witness.last();
    assert_eq!(seen.target, "/api/v1/orders?x=1");
    assert_eq!(seen.only("x-consumer-id"), Some("partner_1"));
    assert_eq!(seen.only("x-api-key"), None);
    let unsigned = format!(
        "GET /api/v1/orders HTTP/1.1\r\nHost: {}\r\n\r\n",
        stage.address
    );
    let answer = ask(stage.address, unsigned).await.unwrap();
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (401, "missing_credentials")
    );
    assert_eq!(witness.begun(), 1);
    stage.stop().await;
}
