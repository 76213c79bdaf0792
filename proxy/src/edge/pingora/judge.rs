//! What is decided about a request before an upstream is chosen, and how a refusal is written.

use super::super::begin::host_of;
use super::super::collect::too_large;
use super::super::limits::DRAIN_BYTES_MAX;
use super::super::message::Connection;
use super::super::respond::{self, Setting, answer};
use super::client::{LaneClient, announced_length, proceed};
use super::context::Context;
use super::fields::view;
use super::replay::Replay;
use crate::plan::Found;
use ::pingora::http::ResponseHeader;
use ::pingora::proxy::Session;
use ::pingora::{Error, ErrorType, Result};
use filters::reply::{Reason, Reply};
use http::header::EXPECT;
use std::sync::Arc;
use tokio::time::Instant;

/// Writes our own answer to the client.
pub(super) async fn respond(session: &mut Session, ctx: &mut Context, reply: &Reply) -> Result<()> {
    let chain = ctx.chain();
    let Some(x) = ctx.x.as_mut() else {
        return Err(Error::new_in(ErrorType::InternalError));
    };
    let head = session.req_header();
    let setting = Setting {
        now: ctx.shared.clock.now(),
        documentation: &ctx.wiring.plan.documentation,
        accept: head
            .headers
            .get(http::header::ACCEPT)
            .map(http::HeaderValue::as_bytes),
        head_only: head.method == http::Method::HEAD,
    };
    let answer = answer(reply, x, &chain, &setting);
    ctx.status = answer.status;
    if ctx.note.is_none() {
        ctx.note = reply.note.as_deref().map(str::to_owned);
    }
    // A client that waited for `100 Continue` may send its body, or another request instead (RFC
    // 9110, section 10.1.1): which of them comes cannot be told.
    let waits = session.req_header().headers.contains_key(EXPECT);
    let unread = (waits || announced_length(session).is_none_or(|length| length > DRAIN_BYTES_MAX))
        && !session.downstream_session.is_body_done();
    if reply.close || unread {
        session.set_keepalive(None);
    }
    let mut head = ResponseHeader::build(answer.status, Some(answer.fields.len()))?;
    for (name, value) in &answer.fields {
        head.append_header(name.clone(), value.clone())?;
    }
    let bodyless = answer.body.is_empty();
    session
        .write_response_header(Box::new(head), bodyless)
        .await?;
    if !bodyless {
        session.write_response_body(Some(answer.body), true).await?;
    }
    session.downstream_session.finish_body().await
}

/// Routes and judges a request.
pub(super) async fn judge(session: &mut Session, ctx: &mut Context) -> Result<(), Box<Reply>> {
    let connection = Arc::clone(ctx.connection.as_ref().expect("set by request_filter"));
    let found = {
        let head = view(session.req_header());
        ctx.wiring
            .plan
            .router
            .find(host_of(&head), head.path(), head.method)
    };
    let route = match &found {
        Found::Route(index) => Some(*index),
        Found::WrongMethod { preflight, .. } => *preflight,
        Found::Nothing => None,
    };
    ctx.route = route;
    let plan = Arc::clone(&ctx.wiring.plan);
    let limits = plan.connections;
    let x = ctx.x.as_mut().expect("set by request_filter");
    x.route = route.map(|index| Arc::clone(&plan.routes[index].facts));
    let chain = match route {
        Some(index) => Arc::clone(&plan.routes[index].chain),
        None => Arc::clone(&plan.unrouted),
    };
    if let Some(index) = route {
        ctx.time = Some(plan.routes[index].timeout);
        connection.allow_in_all(plan.routes[index].timeout);
    }
    let hold = ctx.shared.accounts.hold(x.client);
    let deadline = Instant::now() + limits.body_timeout;
    let body_max = x.route.as_ref().map_or(u64::MAX, |route| route.body_max);
    let mut client = LaneClient::new(
        session,
        &connection,
        hold,
        plan.collected_max,
        body_max,
        deadline,
    );
    let verdict = chain.on_request(x, &mut client).await;
    let verdict = match verdict {
        Ok(()) => client.settle_empty().await,
        refused => refused,
    };
    let collected = client.into_collected();
    verdict?;
    match found {
        Found::Route(_) => {}
        Found::WrongMethod { allow, .. } => {
            let (name, value) = respond::allow(&allow);
            return Err(Reply::refuse(Reason::MethodNotAllowed).with_field(name, value));
        }
        Found::Nothing => return Err(Reply::refuse(Reason::NoRoute)),
    }
    if collected.bytes > 0 {
        ctx.collected = Some(collected.bytes);
        ctx.request_bytes = collected.bytes;
        Replay::wrap(&mut session.downstream_session, collected, connection);
    } else if announced_length(session) > Some(body_max) {
        return Err(too_large(body_max));
    } else {
        proceed(session).await;
    }
    Ok(())
}

/// The connection's facts, as [`super::digest`] sent them along.
pub(super) fn connection_of(session: &Session) -> Result<Arc<Connection>> {
    session
        .digest()
        .and_then(|digest| digest.proxy_digest.as_ref())
        .and_then(|digest| digest.user_data.as_ref())
        .and_then(|facts| facts.downcast_ref::<Arc<Connection>>())
        .cloned()
        .ok_or_else(|| Error::explain(ErrorType::InternalError, "a session without its connection"))
}
