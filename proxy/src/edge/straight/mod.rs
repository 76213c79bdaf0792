//! The straight lane: plain HTTP/1.1 to plain HTTP/1.1, without a detour (architecture, section 11).
//!
//! It takes a request whose head our own reader found clean and *plain* ([`accepts`]), shows it to the
//! same chain of filters as the other lane, writes its head anew with their edits while copying it, and
//! forwards the body as it comes. Whatever is not plain goes to the Pingora lane, with every byte
//! unread; what is malformed was refused before. The two lanes answer alike: that is what the tests of
//! the edge, which run in both, and the differential test hold.
//!
//! - [`client`]: the client's side: its body, and what is written to it.
//! - [`line`]: connections to upstream servers, kept by worker; of a [`socket`] each.
//! - [`head`]: heads, copied with edits.
//! - [`flow`]: one attempt, both directions at once: [`up`] and [`down`].
//! - [`record`]: what is known of the exchange, and its log.

mod client;
mod down;
mod fault;
mod flow;
mod head;
mod line;
mod record;
mod socket;
mod up;

pub(crate) use client::Side;
pub(crate) use line::Lines;

use super::Shared;
use super::begin::begin;
use super::collect::{Collected, too_large};
use super::limits::{ATTEMPTS_MAX, DRAIN_BYTES_MAX};
use super::message::{Body, Connection};
use super::respond::{Setting, allow, message};
use super::wire::{Framing, RequestFraming, RequestHead, TargetForm, Version};
use super::wiring::{Chosen, Wiring};
use crate::plan::{Found, Lane, Protocol, Route};
use client::StraightClient;
use fault::Fault;
use filters::clock::Now;
use filters::edits::Edits;
use filters::reply::{Reason, Reply};
use flow::{Flow, Times};
use http::Method;
use record::{Record, view};
use std::io;
use std::sync::Arc;
use tokio::time::Instant;
use up::{Source, Upward};

/// A request that the lane takes.
pub(crate) struct Request<'r> {
    pub(crate) head: &'r RequestHead<'r>,
    pub(crate) framing: RequestFraming<'r>,
    pub(crate) found: Found,
    /// The connection may carry another request after this one, as far as we are concerned.
    pub(crate) keep: bool,
    /// When its head was whole.
    pub(crate) began: Instant,
}

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It may carry another request, once the rest of this one's body is read.
    Keep,
    /// It ends when the client has read what it was sent.
    Close,
    /// The client is gone.
    Gone,
}

/// Where a request stands.
struct Stand<'r> {
    shared: &'r Shared,
    wiring: &'r Wiring,
    request: &'r Request<'r>,
    worker: usize,
    /// When the exchange began.
    began: Instant,
    /// The connection closes behind the answer.
    close: bool,
}

/// Whether the lane takes a request with this head: then where it leads.
pub(crate) fn accepts(
    wiring: &Wiring,
    head: &RequestHead<'_>,
    framing: &RequestFraming<'_>,
) -> Option<Found> {
    let plain = wiring.plan.lane == Lane::Straight
        && head.version == Version::Http11
        && head.form == TargetForm::Origin
        && !framing.asks_upgrade;
    if !plain {
        return None;
    }
    let view = view(head);
    let found = wiring
        .plan
        .router
        .find(framing.host.host, view.path(), view.method);
    match found {
        Found::Route(index) if upstream_of(wiring, index).protocol != Protocol::Http1 => None,
        found => Some(found),
    }
}

fn upstream_of(wiring: &Wiring, route: usize) -> &crate::plan::Upstream {
    &wiring.plan.upstreams[wiring.plan.routes[route].upstream]
}

/// Carries one exchange to its end.
pub(crate) async fn serve(
    shared: &Shared,
    wiring: &Wiring,
    connection: &Connection,
    worker: usize,
    request: &Request<'_>,
    side: &mut Side<'_>,
) -> Ended {
    let now = shared.clock.now();
    let route = match &request.found {
        Found::Route(index) => Some(*index),
        Found::WrongMethod { preflight, .. } => *preflight,
        Found::Nothing => None,
    };
    let plan = &wiring.plan;
    let mut record = Record {
        shared,
        head: request.head,
        chain: route.map_or(&plan.unrouted, |index| &plan.routes[index].chain),
        metrics: route.map_or(&wiring.unrouted_metrics, |index| {
            &wiring.route_metrics[index]
        }),
        x: begin(&view(request.head), connection, wiring, now),
        status: 0,
        has_interim: false,
        request_bytes: 0,
        response_bytes: 0,
        upstream: None,
        upstream_ns: None,
        note: None,
        is_whole: false,
    };
    record.x.started = now;
    record.x.route = route.map(|index| Arc::clone(&plan.routes[index].facts));
    let stand = Stand {
        shared,
        wiring,
        request,
        worker,
        began: request.began,
        close: !request.keep || !request.framing.is_persistent || shared.is_draining(),
    };
    let collected = match stand.judge(&mut record, side, route).await {
        Ok(collected) => collected,
        Err(reply) => {
            // Without a body nothing was waited for: it is still the same instant.
            let now = match stand.announced() {
                Some(0) => now,
                _ => shared.clock.now(),
            };
            return stand.refuse(&mut record, side, reply, now).await;
        }
    };
    let Found::Route(index) = request.found else {
        return Ended::Close;
    };
    let route = &plan.routes[index];
    match stand.forward(&mut record, side, route, &collected).await {
        Ok(()) if stand.close => Ended::Close,
        Ok(()) => Ended::Keep,
        Err(fault) => stand.fail(&mut record, side, route, fault).await,
    }
}

// === impl Stand ===

impl Stand<'_> {
    /// The body's length if the client announced one; 0 when there is none.
    fn announced(&self) -> Option<u64> {
        match self.request.framing.body {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked => None,
        }
    }

    /// Asks the chain, which may read the body.
    async fn judge(
        &self,
        record: &mut Record<'_>,
        side: &mut Side<'_>,
        route: Option<usize>,
    ) -> Result<Collected, Box<Reply>> {
        let plan = &self.wiring.plan;
        let body_max = route.map_or(u64::MAX, |index| plan.routes[index].facts.body_max);
        let hold = self.shared.accounts.hold(record.x.client);
        let mut client = StraightClient::new(
            side,
            self.request.head,
            self.announced(),
            Collected::held_by(hold),
            plan.collected_max,
            body_max,
        );
        record.chain.on_request(&mut record.x, &mut client).await?;
        let collected = client.into_collected();
        if collected.bytes > 0 && !side.body.is_done() {
            // Its rest would be forwarded by nobody, under a length that is too short.
            let note = "a filter read a body in part".to_owned();
            return Err(Reply::refuse(Reason::Internal).closing().noting(note));
        }
        match &self.request.found {
            Found::Route(_) => {}
            Found::WrongMethod { allow: methods, .. } => {
                let (name, value) = allow(methods);
                return Err(Reply::refuse(Reason::MethodNotAllowed).with_field(name, value));
            }
            Found::Nothing => return Err(Reply::refuse(Reason::NoRoute)),
        }
        if collected.bytes == 0 && self.announced() > Some(body_max) {
            return Err(too_large(body_max));
        }
        record.request_bytes = collected.bytes;
        Ok(collected)
    }

    /// Sends the request on, in as many attempts as may be, and the answer back.
    async fn forward(
        &self,
        record: &mut Record<'_>,
        side: &mut Side<'_>,
        route: &Route,
        collected: &Collected,
    ) -> Result<(), Fault> {
        if collected.bytes == 0 {
            side.proceed().await?;
        }
        let pool = &self.wiring.pools[route.upstream];
        let upstream = &self.wiring.plan.upstreams[route.upstream];
        let times = Times::new(
            self.began + route.timeout,
            upstream.read_timeout,
            upstream.write_timeout,
        );
        let framing = match self.request.framing.body {
            _ if collected.bytes > 0 => Framing::Length(collected.bytes),
            // A chunked body that a filter read, and that was empty.
            Framing::Chunked if side.body.is_done() => Framing::Length(0),
            announced => announced,
        };
        let is_live = collected.bytes == 0 && !side.body.is_done();
        // A short body that came with the head is still there when an attempt fails.
        let is_here = matches!(side.body, Body::Length(length) if length <= side.rest.len() as u64);
        let before = (side.rest, side.body.clone());
        let began_ns = match collected.bytes {
            0 => record.x.started.monotonic_ns,
            _ => self.shared.clock.now().monotonic_ns,
        };
        let mut fresh = false;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let now_ns = match attempts {
                1 => began_ns,
                _ => self.shared.clock.now().monotonic_ns,
            };
            // Nobody has waited if there was no body to be read.
            let now = match (attempts, collected.bytes) {
                (1, 0) if side.body.is_done() => self.began,
                _ => Instant::now(),
            };
            let left = times.total.saturating_duration_since(now);
            if left.is_zero() {
                // A slow client may have used it up: no server is to be blamed for it.
                return Err(Fault::upstream_timeout("the exchange took too long"));
            }
            let Some(chosen) = pool.choose(now_ns) else {
                let note = "the upstream has no server".to_owned();
                return Err(Fault::Reply(no_upstream(note)));
            };
            record.upstream = Some(chosen.address);
            let kept = (!fresh)
                .then(|| {
                    chosen
                        .lines()
                        .take(self.worker, now_ns, upstream.keep_alive)
                })
                .flatten();
            let line = match kept {
                Some(line) => line,
                None => {
                    let time = upstream.connect_timeout.min(left);
                    match chosen.lines().connect(chosen.address, time).await {
                        Ok(line) => {
                            chosen.wake();
                            line
                        }
                        Err(error) => {
                            // Where our own deadline was shorter, the server had no fair chance.
                            if time == upstream.connect_timeout
                                || error.kind() != io::ErrorKind::TimedOut
                            {
                                chosen.rest(self.shared.clock.now().monotonic_ns);
                            }
                            self.shared.metrics.upstream_failed(&pool.name, "connect");
                            if attempts <= pool.retries.min(ATTEMPTS_MAX) {
                                continue;
                            }
                            let note = format!("cannot connect to {}: {error}", chosen.address);
                            return Err(Fault::Reply(no_upstream(note)));
                        }
                    }
                }
            };
            let is_reused = line.is_reused;
            record.edit_request()?;
            let source = match (&collected.chunks[..], is_live) {
                (_, true) => Source::Live,
                ([], false) => Source::Done,
                (chunks, false) => Source::Collected(chunks.iter()),
            };
            let host = pool.host.as_bytes();
            let up = Upward::new(record, host, framing, source, route.facts.body_max);
            let times = if is_reused { times.at(now) } else { times };
            let flow = Flow::new(side, record, line, up, times);
            let attempt = self.attempt(flow, &chosen, now_ns).await;
            let (fault, has_begun) = match attempt {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            let Fault::Broken(_) = &fault else {
                return Err(fault);
            };
            // RFC 9110, section 9.2.2: idempotent requests only, unless the server got nothing; and
            // never after the client got something, or when its body has flowed away.
            let may = record.status == 0
                && !record.has_interim
                && (!has_begun || is_idempotent(self.request.head.method) && (!is_live || is_here));
            // A kept connection that the server closed meanwhile costs no attempt.
            let allowed = pool.retries.min(ATTEMPTS_MAX) + usize::from(is_reused);
            if !may || attempts > allowed {
                return Err(fault);
            }
            fresh = true;
            if is_live {
                (side.rest, side.body) = before.clone();
                record.request_bytes = 0;
            }
        }
    }

    /// One attempt; a fault comes with whether the server got any byte.
    async fn attempt(
        &self,
        mut flow: Flow<'_, '_, '_>,
        chosen: &Chosen,
        began_ns: u64,
    ) -> Result<(), (Fault, bool)> {
        let now = flow.record.x.started;
        // A write for the head and what is there of the body.
        if let Err(fault) = flow.join().and_then(|()| flow.join_live()) {
            return Err((fault, false));
        }
        let body = match flow.answer_head(self.close, now.unix_s()).await {
            Ok(body) => body,
            Err(fault) => return Err((fault, flow.up.has_begun)),
        };
        let now_ns = self.shared.clock.now().monotonic_ns;
        flow.record.upstream_ns = Some(now_ns.saturating_sub(began_ns));
        match flow.deliver(body).await {
            Ok(left) => {
                flow.record.is_whole = true;
                if left.line && !self.shared.is_draining() {
                    chosen.lines().keep(self.worker, flow.line, now_ns);
                }
                Ok(())
            }
            // The server has answered, if badly: no other attempt would be honest.
            Err(Fault::Broken(note)) => Err((Fault::bad_answer(note), true)),
            Err(fault) => Err((fault, true)),
        }
    }

    /// Answers a fault, if nothing was answered yet; else cuts.
    async fn fail(
        &self,
        record: &mut Record<'_>,
        side: &mut Side<'_>,
        route: &Route,
        fault: Fault,
    ) -> Ended {
        record.note = fault.note().map(|note| note.to_owned().into());
        if record.status != 0 {
            // Half an answer is out: cutting it is the only honest end.
            return Ended::Close;
        }
        let Ok(mut reply) = fault.reply() else {
            return Ended::Gone;
        };
        if reply.status >= 502 {
            let pool = &self.wiring.pools[route.upstream];
            self.shared.metrics.upstream_failed(&pool.name, "answer");
        }
        // An answer may have been ready, and was not sent.
        record.x.response = Edits::default();
        record.response_bytes = 0;
        reply.close = true;
        let now = self.shared.clock.now();
        self.refuse(record, side, reply, now).await
    }

    /// Writes our own answer.
    async fn refuse(
        &self,
        record: &mut Record<'_>,
        side: &mut Side<'_>,
        reply: Box<Reply>,
        now: Now,
    ) -> Ended {
        let setting = Setting {
            now,
            documentation: &self.wiring.plan.documentation,
            accept: self.request.head.fields.first("accept"),
            head_only: self.request.head.method == "HEAD",
        };
        // A client that waited for `100 Continue` may send its body, or another request instead (RFC
        // 9110, section 10.1.1): which of them comes cannot be told.
        let unread = !side.body.is_done()
            && (side.waits
                || self
                    .announced()
                    .is_none_or(|length| length > DRAIN_BYTES_MAX));
        let close = self.close || reply.close || unread;
        let date = side.date.of(now.unix_s());
        let answer = message(&reply, &mut record.x, record.chain, &setting, date, close);
        if record.note.is_none() {
            record.note = reply.note;
        }
        record.status = answer.status;
        if let Err(fault) = side.send(&answer.bytes).await {
            record.note = fault.note().map(|note| note.to_owned().into());
            return Ended::Gone;
        }
        record.response_bytes = answer.body_bytes;
        record.is_whole = true;
        if close { Ended::Close } else { Ended::Keep }
    }
}

fn no_upstream(note: String) -> Box<Reply> {
    Reply::refuse(Reason::NoUpstream)
        .noting(note)
        .retry_after(1)
}

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    Method::from_bytes(method.as_bytes()).is_ok_and(|method| method.is_idempotent())
}
