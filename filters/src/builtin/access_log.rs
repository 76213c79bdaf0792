//! `access_log`: one line of JSON for every request.
//!
//! ```yaml
//! - access_log: { query: false }       # default: false
//! ```
//!
//! ```json
//! {"time":"2026-01-01T00:00:00.123Z","requestId":"0199…","method":"GET","path":"/api/v1/orders",
//!  "status":200,"route":"orders","keyId":"key_…","consumer":"partner_7","tier":"pro",
//!  "client":"203.0.113.9","version":"1","bytesIn":0,"bytesOut":512,"durationUs":1834,
//!  "upstreamUs":1620,"upstream":"10.0.0.5:8080","userAgent":"curl/8.5.0"}
//! ```
//!
//! Besides: `reason` when the answer was ours, `claimedKeyId` when a key was shown and not proved,
//! `cut` when the exchange broke off, `note` with the cause, and `query` when asked for. What is not
//! known is left out. Lines go to the log's sink, which never blocks and counts what it drops.
//!
//! **Secrets.** A key is known by its id alone, a token by `client:` or `subject:` and the name that it
//! gives; both, and `consumer`, are masked where they are an e-mail address. Header fields are not logged, but for `User-Agent`,
//! cut at 256 bytes. Path segments and values of queries that look like a key, a secret or an e-mail
//! address are written as `***`, and so are values whose name says that they are one.
//!
//! **Whatever a client sends, a line stays one line of JSON**: controls, quotes and backslashes are
//! escaped, and bytes that are no UTF-8 are written as `\xNN`.
//!
//! **Replies.** None.
//!
//! **Dangers.** With `query: true` whatever clients put into queries is kept in logs.

mod json;
mod private;

use crate::calendar::Civil;
use crate::caller::Caller;
use crate::clock::Now;
use crate::digits::{Spelled, pair};
use crate::env::{Env, LogSink};
use crate::exchange::{Exchange, Outcome};
use crate::filter::{Build, BuildError, Facts, Filter};
use crate::head::split_target;
use crate::limits::{LOGGED_PATH_BYTES_MAX, LOGGED_TEXT_BYTES_MAX};
use json::Line;
use serde::Deserialize;
use std::sync::Arc;

/// The configuration of `access_log`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Log the query, without what looks secret.
    pub query: bool,
}

/// The filter.
pub struct AccessLog {
    query: bool,
    sink: Arc<dyn LogSink>,
}

impl Build for AccessLog {
    const NAME: &'static str = "access_log";
    const SUMMARY: &'static str = "writes one line of JSON for every request";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn warnings(config: &Config) -> Vec<(&'static str, String)> {
        let sentence = "access_log keeps queries: whatever clients put into them stands in the log";
        config
            .query
            .then(|| ("queries-in-log", sentence.to_owned()))
            .into_iter()
            .collect()
    }

    fn build(config: &Config, env: &Env) -> Result<Self, BuildError> {
        Ok(Self {
            query: config.query,
            sink: Arc::clone(&env.log),
        })
    }
}

impl Filter for AccessLog {
    fn on_log(&self, x: &mut Exchange, outcome: &Outcome<'_>) {
        self.sink.line(&mut |out| self.write(out, x, outcome));
    }
}

impl AccessLog {
    /// Writes one line, without a line end, and without allocating but for what `out` needs to grow.
    fn write(&self, out: &mut Vec<u8>, x: &Exchange, outcome: &Outcome<'_>) {
        let mut line = Line::begin(out);
        line.put("time", &instant(x.started));
        line.text("requestId", x.request_id.as_str().as_bytes());
        line.text("method", cut(outcome.method.as_bytes(), 32));
        let (path, query) = split_target(outcome.target);
        line.open("path");
        private::path(&mut line, cut(path, LOGGED_PATH_BYTES_MAX));
        line.close();
        if self.query && !query.is_empty() {
            line.open("query");
            private::query(&mut line, cut(query, LOGGED_PATH_BYTES_MAX));
            line.close();
        }
        line.number("status", u64::from(outcome.status));
        if let Some(reason) = x.refused {
            line.text("reason", reason.as_str().as_bytes());
        }
        if let Some(route) = &x.route {
            line.text("route", route.name.as_bytes());
        }
        write_caller(&mut line, &x.caller);
        line.put("client", Spelled::address(x.client).as_bytes());
        if let Some(version) = &x.version {
            line.text("version", version.as_bytes());
        }
        line.number("bytesIn", outcome.request_bytes);
        line.number("bytesOut", outcome.response_bytes);
        line.number("durationUs", outcome.duration_ns / 1000);
        if let Some(upstream_ns) = outcome.upstream_ns {
            line.number("upstreamUs", upstream_ns / 1000);
        }
        if let Some(upstream) = outcome.upstream {
            line.put("upstream", Spelled::socket(upstream).as_bytes());
        }
        if let Some(agent) = outcome.user_agent {
            line.open("userAgent");
            private::text(&mut line, cut(agent, LOGGED_TEXT_BYTES_MAX));
            line.close();
        }
        if outcome.cut {
            line.truth("cut");
        }
        if let Some(note) = outcome.note {
            line.text("note", cut(note.as_bytes(), LOGGED_TEXT_BYTES_MAX));
        }
        line.end();
    }
}

fn write_caller(line: &mut Line<'_>, caller: &Caller) {
    match caller {
        Caller::Known(principal) => {
            let record = principal.record();
            // A token's subject may be anything, even an e-mail address.
            for (name, text) in [("keyId", &*record.id()), ("consumer", &*record.consumer)] {
                line.open(name);
                private::text(line, text.as_bytes());
                line.close();
            }
            line.text("tier", record.tier.as_bytes());
        }
        Caller::Claimed(claim) => {
            if let Some(record) = &claim.record {
                line.text("claimedKeyId", record.id().as_bytes());
            }
        }
        Caller::Anonymous => {}
    }
}

/// RFC 3339 with milliseconds; of years with four digits.
fn instant(now: Now) -> [u8; 24] {
    let date = Civil::of(now);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let second = date.second_of_day;
    for (at, number) in [
        (0, date.year / 100),
        (2, date.year),
        (5, date.month),
        (8, date.day),
        (11, second / 3600),
        (14, second / 60 % 60),
        (17, second % 60),
        (20, now.unix_ms % 1000 / 10),
    ] {
        text[at..at + 2].copy_from_slice(&pair(number));
    }
    text[22] = pair(now.unix_ms % 10)[1];
    text
}

fn cut(text: &[u8], max: usize) -> &[u8] {
    &text[..text.len().min(max)]
}

#[cfg(test)]
mod tests;
