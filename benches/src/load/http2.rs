//! Callers by HTTP/2 without TLS (RFC 9113, section 3.3): several requests in flight on a connection.

use super::callers::Shared;
use super::recipe::{Expects, Recipe};
use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::task::Poll;
use tokio::net::TcpStream;

/// Asks on one connection with so many requests in flight, until dropped.
pub(super) async fn call(
    shared: &Shared,
    address: SocketAddr,
    streams: usize,
) -> anyhow::Result<Infallible> {
    let tcp = TcpStream::connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    tcp.set_nodelay(true)?;
    let (sender, connection) = h2::client::handshake(tcp).await.context("no HTTP/2")?;
    let lanes = (0..streams.max(1)).map(|_| Box::pin(stream(shared, sender.clone())));
    let mut lanes: Vec<_> = lanes.collect();
    let mut connection = Box::pin(connection);
    // One task drives the connection and all its requests.
    poll_fn(move |context| {
        for lane in &mut lanes {
            if let Poll::Ready(ended) = lane.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
        }
        connection.as_mut().poll(context).map(|ended| {
            ended?;
            bail!("the connection was closed")
        })
    })
    .await
}

async fn stream(shared: &Shared, mut sender: SendRequest<Bytes>) -> anyhow::Result<Infallible> {
    let mut unused = Vec::new();
    loop {
        let (recipe, due) = shared.next(&mut unused).await;
        let answer = ask(&mut sender, recipe).await;
        shared.note(due, answer.map_err(|error| format!("{error:#}")))?;
    }
}

async fn ask(sender: &mut SendRequest<Bytes>, recipe: &Recipe) -> anyhow::Result<()> {
    poll_fn(|context| sender.poll_ready(context)).await?;
    let request = Request::builder()
        .method(recipe.method)
        .uri(format!("http://localhost{}", recipe.path))
        .header("user-agent", "tidegate-bench")
        .header("accept", "*/*")
        .body(())?;
    let (answer, mut body) = sender.send_request(request, recipe.body.is_empty())?;
    if !recipe.body.is_empty() {
        body.send_data(Bytes::copy_from_slice(&recipe.body), true)?;
    }
    let answer = answer.await?;
    let Expects {
        status,
        body: expected,
        request_id,
    } = &recipe.expects;
    ensure!(answer.status() == *status, "a wrong answer: {answer:?}");
    if *request_id && !answer.headers().contains_key("x-request-id") {
        bail!("an answer without a request id");
    }
    let mut stream = answer.into_body();
    let mut at = 0;
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        if let Some(expected) = expected {
            let wanted = expected.get(at..at + piece.len());
            ensure!(wanted == Some(&piece[..]), "a wrong body at its byte {at}");
        }
        at += piece.len();
    }
    let whole = expected
        .as_ref()
        .is_none_or(|expected| expected.len() == at);
    ensure!(whole, "a body of {at} bytes");
    Ok(())
}
