//! `body_limit`: how long a request's body may be.
//!
//! ```yaml
//! - body_limit: { max: 256KiB }     # without max: what the route says
//! ```
//!
//! The smaller of `max` and the route's own limit counts. A body whose length is announced is judged
//! before it is read; any other is counted on its way.
//!
//! **Replies.** 413 `body_too_large` with the limit in `details`. Once the upstream has heard of the
//! request, the stream is cut instead when an answer has begun.
//!
//! **Dangers.** Below `signature` it judges what has been read already; put it above. It counts the
//! bytes of the body as they are sent, not what they unpack to.

use crate::env::Env;
use crate::exchange::{Client, Exchange};
use crate::filter::{Bodies, Build, BuildError, Facts, Filter, Step, Verdict};
use crate::head::Head;
use crate::reply::{Detail, Reason, Reply};
use crate::units::Size;
use bytes::Bytes;
use serde::Deserialize;

/// The configuration of `body_limit`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Bytes at most; without it, the route's limit.
    pub max: Option<Size>,
}

/// The filter.
pub struct BodyLimit {
    max: u64,
}

/// What has come of a body of unknown length. Kept once, however many `body_limit` a chain has: the
/// first of them counts, for the smallest limit.
#[derive(Clone)]
struct Count {
    by: usize,
    limit: u64,
    bytes: u64,
}

impl Build for BodyLimit {
    const NAME: &'static str = "body_limit";
    const SUMMARY: &'static str = "refuses bodies that are too long";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn build(config: &Config, _: &Env) -> Result<Self, BuildError> {
        Ok(Self {
            max: config.max.map_or(u64::MAX, |size| size.0),
        })
    }
}

impl Filter for BodyLimit {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        Step::Done(self.judge(x, client.announced_length()))
    }

    /// A retry sends the body again, and so it is counted again.
    fn on_upstream_request(&self, x: &mut Exchange, _: &Head<'_>) -> Verdict {
        if let Some(count) = x.extensions.get_mut::<Count>() {
            count.bytes = 0;
        }
        Ok(())
    }

    fn on_request_body(&self, x: &mut Exchange, chunk: &mut Bytes, _: bool) -> Verdict {
        let Some(count) = x.extensions.get_mut::<Count>() else {
            return Ok(());
        };
        if count.by == self.id() {
            count.bytes = count.bytes.saturating_add(chunk.len() as u64);
            if count.bytes > count.limit {
                return Err(too_large(count.limit));
            }
        }
        Ok(())
    }

    fn watches(&self) -> Bodies {
        Bodies::REQUEST
    }
}

impl BodyLimit {
    fn judge(&self, x: &mut Exchange, announced: Option<u64>) -> Verdict {
        let route_max = x.route.as_ref().map_or(u64::MAX, |route| route.body_max);
        let limit = self.max.min(route_max);
        match announced {
            Some(length) if length > limit => Err(too_large(limit)),
            // The lane holds a client to the length that it announced.
            Some(_) => Ok(()),
            None => {
                if let Some(count) = x.extensions.get_mut::<Count>() {
                    count.limit = count.limit.min(limit);
                } else {
                    x.extensions.insert(Count {
                        by: self.id(),
                        limit,
                        bytes: 0,
                    });
                }
                Ok(())
            }
        }
    }

    /// Which filter this is, among those of its chain.
    fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

fn too_large(limit: u64) -> Box<Reply> {
    Reply::refuse(Reason::BodyTooLarge).with_detail("limit", Detail::Number(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::RouteFacts;
    use crate::testing::{self, FakeClient, judge, word};
    use std::sync::Arc;

    fn filter(config: &str) -> BodyLimit {
        let config: Config = serde_json::from_str(config).unwrap();
        BodyLimit::build(&config, &testing::env()).unwrap()
    }

    fn routed(body_max: u64) -> Exchange {
        let mut x = testing::exchange();
        x.route = Some(Arc::new(RouteFacts {
            name: "a".into(),
            body_max,
            keep_authorization: false,
            version: None,
        }));
        x
    }

    fn flow(filters: &[&BodyLimit], x: &mut Exchange, pieces: &[usize]) -> Verdict {
        for &length in pieces {
            for filter in filters {
                filter.on_request_body(x, &mut Bytes::from(vec![0; length]), false)?;
            }
        }
        Ok(())
    }

    #[test]
    fn an_announced_length_is_judged_before_anything_is_read() {
        for (config, body_max, announced, expected) in [
            (r#"{"max": "64KiB"}"#, u64::MAX, 65_535, "ok"),
            (r#"{"max": "64KiB"}"#, u64::MAX, 65_536, "ok"),
            (r#"{"max": "64KiB"}"#, u64::MAX, 65_537, "body_too_large"),
            (r#"{"max": "64KiB"}"#, 10, 11, "body_too_large"),
            (r#"{"max": "1B"}"#, 10, 2, "body_too_large"),
            ("{}", 10, 10, "ok"),
            ("{}", 10, 11, "body_too_large"),
            (r#"{"max": "0B"}"#, 10, 0, "ok"),
            (r#"{"max": "0B"}"#, 10, 1, "body_too_large"),
        ] {
            let mut client = FakeClient::post("/").announcing(Some(announced));
            let verdict = judge(&filter(config), &mut routed(body_max), &mut client);
            assert_eq!(word(&verdict), expected, "{config} {body_max} {announced}");
            assert_eq!(client.reads, 0);
            if let Err(reply) = verdict {
                assert_eq!(reply.status, 413);
                assert_eq!(reply.details[0].0, "limit");
            }
        }
    }

    #[test]
    fn an_unknown_length_is_counted_on_its_way() {
        for (pieces, expected) in [
            (&[][..], "ok"),
            (&[10], "ok"),
            (&[0, 4, 0, 6, 0], "ok"),
            (&[11], "body_too_large"),
            (&[4, 6, 1], "body_too_large"),
        ] {
            let filter = filter(r#"{"max": "10B"}"#);
            let mut x = routed(100);
            judge(&filter, &mut x, &mut FakeClient::post("/").announcing(None)).unwrap();
            let verdict = flow(&[&filter], &mut x, pieces);
            assert_eq!(word(&verdict), expected, "{pieces:?}");
        }
    }

    #[test]
    fn two_limits_are_one_count_and_a_retry_begins_anew() {
        let (wide, narrow) = (filter(r#"{"max": "10B"}"#), filter(r#"{"max": "8B"}"#));
        let mut x = routed(100);
        for filter in [&wide, &narrow] {
            judge(filter, &mut x, &mut FakeClient::post("/").announcing(None)).unwrap();
        }
        assert_eq!(word(&flow(&[&wide, &narrow], &mut x, &[4, 4])), "ok");
        let client = FakeClient::post("/");
        for filter in [&wide, &narrow] {
            filter.on_upstream_request(&mut x, &client.head()).unwrap();
        }
        assert_eq!(word(&flow(&[&wide, &narrow], &mut x, &[4, 4])), "ok");
        assert_eq!(
            word(&flow(&[&wide, &narrow], &mut x, &[1])),
            "body_too_large"
        );
    }

    #[test]
    fn a_size_without_a_unit_is_refused() {
        for config in [
            r#"{"max": 1024}"#,
            r#"{"max": "1MB"}"#,
            r#"{"maximum": "1MiB"}"#,
        ] {
            assert!(serde_json::from_str::<Config>(config).is_err(), "{config}");
        }
    }
}
