//! Pingora's phases, one short method each.

use super::super::Shared;
use super::super::begin::begin;
use super::super::collect::too_large;
use super::super::limits::{INTERIM_ANSWERS_MAX, LINGER_TIME};
use super::answers::fault_of;
use super::context::{Context, LogParts};
use super::errors;
use super::fields::{Editable, view};
use super::judge::{connection_of, judge, respond};
use ::pingora::http::{RequestHeader, ResponseHeader};
use ::pingora::modules::http::HttpModules;
use ::pingora::prelude::HttpPeer;
use ::pingora::proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};
use ::pingora::{Error, ErrorType, Result};
use async_trait::async_trait;
use bytes::Bytes;
use filters::head::ResponseHead;
use filters::reply::{Reason, Reply};
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Pingora's phases.
pub(super) struct Phases {
    shared: Weak<Shared>,
}

// === impl Phases ===

impl Phases {
    pub(super) const fn new(shared: Weak<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl ProxyHttp for Phases {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::new(
            self.shared
                .upgrade()
                .expect("the lane is a part of what it points to"),
        )
    }

    /// No compression at the edge by default: nothing of Pingora's own runs.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<bool> {
        let connection = connection_of(session)?;
        let now = ctx.shared.clock.now();
        let limits = ctx.wiring.plan.connections;
        session.set_write_timeout(Some(limits.write_timeout));
        session.set_read_timeout(Some(limits.body_timeout));
        session
            .downstream_session
            .set_total_drain_timeout(Some(LINGER_TIME));
        // A short unread body is drained, not answered with the connection's end.
        session
            .downstream_session
            .set_close_on_response_before_downstream_finish(false);
        if !connection.keeps() || ctx.shared.is_draining() {
            session.set_keepalive(None);
        }
        ctx.x = Some(begin(
            &view(session.req_header()),
            &connection,
            &ctx.wiring,
            now,
        ));
        ctx.enter(connection, session.req_header());
        match judge(session, ctx).await {
            Ok(()) => Ok(false),
            Err(reply) => {
                respond(session, ctx, &reply).await?;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(&self, _: &mut Session, ctx: &mut Context) -> Result<Box<HttpPeer>> {
        let now_ns = ctx.shared.clock.now().monotonic_ns;
        let wiring = Arc::clone(&ctx.wiring);
        let route = ctx
            .route()
            .ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        let pool = &wiring.pools[route.upstream];
        ctx.attempts += 1;
        if ctx.attempts == 1 {
            ctx.upstream_began_ns = now_ns;
        }
        let (chosen, mut peer) = pool
            .choose_peer(now_ns)
            .ok_or_else(|| Error::new_up(ErrorType::ConnectError))?;
        ctx.chosen = Some(chosen);
        if let Some(left) = ctx.time_left() {
            // No single silence may outlast the whole.
            let options = &mut peer.options;
            options.read_timeout = options.read_timeout.map(|time| time.min(left));
        }
        Ok(Box::new(peer))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        upstream: &mut RequestHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        let chain = ctx.chain();
        let x = ctx
            .x
            .as_mut()
            .ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        // Another attempt starts from the client's head again, and the body from its first byte.
        if ctx.collected.is_none() {
            ctx.request_bytes = 0;
        }
        x.upstream = filters::edits::Edits::default();
        if let Err(reply) = chain.on_upstream_request(x, &view(session.req_header())) {
            ctx.reply = Some(reply);
            return Err(Error::new_in(ErrorType::HTTPStatus(500)));
        }
        x.upstream.apply(&mut Editable(&mut *upstream));
        let pool = &ctx.wiring.pools[ctx.route().map_or(0, |route| route.upstream)];
        upstream.insert_header(HOST, pool.host.clone())?;
        if let Some(length) = ctx.collected {
            upstream.remove_header(&TRANSFER_ENCODING);
            upstream.insert_header(CONTENT_LENGTH, length)?;
        }
        Ok(())
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Context,
    ) -> Result<()> {
        let length = body.as_ref().map_or(0, Bytes::len) as u64;
        if ctx.collected.is_none() {
            ctx.request_bytes += length;
        }
        let late = ctx.began.elapsed() > ctx.wiring.plan.connections.body_timeout;
        if late && !end_of_stream && ctx.collected.is_none() && session.as_downstream().is_http2() {
            ctx.reply = Some(Reply::refuse(Reason::RequestTimeout).closing());
            return Err(Error::new_down(ErrorType::ReadTimedout));
        }
        let body_max = ctx.route().map_or(u64::MAX, |route| route.facts.body_max);
        if ctx.request_bytes > body_max {
            ctx.reply = Some(too_large(body_max));
            return Err(Error::new_down(ErrorType::HTTPStatus(413)));
        }
        let chain = ctx.chain();
        if !chain.watches().request {
            return Ok(());
        }
        // A missing piece is not the body's end unless Pingora says so (architecture, section 1).
        let mut chunk = body.take().unwrap_or_default();
        let x = ctx
            .x
            .as_mut()
            .ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        let verdict = chain.on_request_body(x, &mut chunk, end_of_stream);
        *body = (!chunk.is_empty() || !end_of_stream).then_some(chunk);
        verdict.map_err(|reply| {
            ctx.reply = Some(reply);
            Error::new_down(ErrorType::HTTPStatus(413))
        })
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        if let Some(what) = fault_of(response) {
            return Err(Error::explain(ErrorType::InvalidHTTPHeader, what).into_up());
        }
        if response.status.is_informational() {
            ctx.interims += 1;
        }
        if ctx.interims > INTERIM_ANSWERS_MAX {
            let what = "too many interim answers";
            return Err(Error::explain(ErrorType::InvalidHTTPHeader, what).into_up());
        }
        if !response.status.is_informational() {
            let now_ns = ctx.shared.clock.now().monotonic_ns;
            ctx.upstream_ns = Some(now_ns.saturating_sub(ctx.upstream_began_ns));
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        if response.status.is_informational() {
            return Ok(());
        }
        ctx.status = response.status.as_u16();
        let chain = ctx.chain();
        let x = ctx
            .x
            .as_mut()
            .ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
        chain.on_response(
            x,
            &ResponseHead {
                status: ctx.status,
                fields: &response.headers,
            },
        );
        x.response.apply(&mut Editable(response));
        Ok(())
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        // HTTP/1 has its total deadline at the gate; a stream of HTTP/2 is ended here, piece by piece.
        if ctx.time_left().is_some_and(|left| left.is_zero()) {
            return Err(Error::new_up(ErrorType::ReadTimedout));
        }
        let chain = ctx.chain();
        if chain.watches().response
            && let Some(x) = ctx.x.as_mut()
        {
            let mut chunk = body.take().unwrap_or_default();
            chain.on_response_body(x, &mut chunk, end_of_stream);
            *body = (!chunk.is_empty() || !end_of_stream).then_some(chunk);
        }
        Ok(None)
    }

    fn fail_to_connect(
        &self,
        session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        let now_ns = ctx.shared.clock.now().monotonic_ns;
        let retries = ctx
            .route()
            .map_or(0, |route| ctx.wiring.pools[route.upstream].retries);
        if let Some(chosen) = &ctx.chosen {
            chosen.rest(now_ns);
        }
        if let Some(route) = ctx.route() {
            ctx.shared
                .metrics
                .upstream_failed(&ctx.wiring.pools[route.upstream].name, "connect");
        }
        // Nothing was sent, so any method may be tried again, unless the body has flowed away.
        let again = ctx.attempts <= retries && !session.as_ref().retry_buffer_truncated();
        error.set_retry(again);
        error
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        _reused: bool,
        _peer: &HttpPeer,
        _fd: std::os::unix::io::RawFd,
        _digest: Option<&::pingora::protocols::Digest>,
        ctx: &mut Context,
    ) -> Result<()> {
        if let Some(chosen) = &ctx.chosen {
            chosen.wake();
        }
        Ok(())
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        ctx: &mut Context,
        reused: bool,
    ) -> Box<Error> {
        let retries = ctx
            .route()
            .map_or(0, |route| ctx.wiring.pools[route.upstream].retries);
        // RFC 9110, section 9.2.2: idempotent methods only, and never after the client got bytes.
        let may = session.req_header().method.is_idempotent()
            && !session.as_ref().retry_buffer_truncated()
            && session.response_written().is_none();
        if may && *error.esource() == ::pingora::ErrorSource::Upstream {
            // A kept connection that the server closed meanwhile costs no attempt.
            error
                .retry
                .decide_reuse(reused && ctx.attempts <= retries + 1);
            if !error.retry() {
                let timed_out = matches!(error.etype(), ErrorType::ReadTimedout);
                error.set_retry(ctx.attempts <= retries && !timed_out);
            }
        } else {
            error.set_retry(false);
        }
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Context,
    ) -> FailToProxy {
        let gone = FailToProxy {
            error_code: 0,
            can_reuse_downstream: false,
        };
        ctx.note = Some(error.to_string());
        let Some(connection) = ctx.connection.clone() else {
            return gone;
        };
        if session
            .response_written()
            .is_some_and(|head| !head.status.is_informational())
        {
            // Half an answer is out: cutting it is the only honest end.
            return gone;
        }
        if let Some(x) = ctx.x.as_mut() {
            x.response = filters::edits::Edits::default();
        }
        let waiting_for_client = *error.esource() == ::pingora::ErrorSource::Upstream
            && matches!(error.etype(), ErrorType::ReadTimedout)
            && !session.downstream_session.is_body_done();
        let reply = if waiting_for_client {
            // The upstream was silent because the client was.
            Some(Reply::refuse(Reason::RequestTimeout).closing())
        } else {
            ctx.reply
                .take()
                .or_else(|| errors::reply(error, &connection))
        };
        let Some(reply) = reply else { return gone };
        if let Some(route) = ctx.route()
            && reply.status >= 502
        {
            ctx.shared
                .metrics
                .upstream_failed(&ctx.wiring.pools[route.upstream].name, "answer");
        }
        let reply = Box::new(Reply {
            close: true,
            ..*reply
        });
        if respond(session, ctx, &reply).await.is_err() {
            return gone;
        }
        FailToProxy {
            error_code: ctx.status,
            can_reuse_downstream: false,
        }
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut Context) {
        if let Some(error) = error
            && ctx.note.is_none()
        {
            ctx.note = Some(error.to_string());
        }
        let sent = session.body_bytes_sent() as u64;
        let whole = error.is_none() || ctx.x.as_ref().is_some_and(|x| x.refused.is_some());
        let head = session.req_header();
        ctx.log(&LogParts {
            method: head.method.as_str(),
            target: head.raw_path(),
            user_agent: head
                .headers
                .get(http::header::USER_AGENT)
                .map(http::HeaderValue::as_bytes),
            response_bytes: sent,
            cut: !whole,
        });
    }

    /// Our log tells of every request once; Pingora's lines would tell of it again.
    fn suppress_error_log(&self, _: &Session, _: &Context, _: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _: &Session,
        _: &Context,
        _: &Error,
        _: ProxyWarnLogContext,
    ) -> bool {
        true
    }
}
