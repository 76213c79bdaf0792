//! `request_id`: whether clients may name their requests.
//!
//! ```yaml
//! chains:
//!   public:
//!     - hygiene: {}
//!     - request_id: { accept_client: false }    # default: true
//! ```
//!
//! Every request has an id from its first byte on: the client's `X-Request-Id` when it is 1 to 128 of
//! `[A-Za-z0-9._-]`, else a UUIDv7. Every answer echoes it, the upstream gets it, logs are found by
//! it. With `accept_client: false` a client's id is replaced by one of ours.
//!
//! **Replies.** None.
//!
//! **Dangers.** A client's own id need not be unique: two requests with one id look like one in a
//! log. A request that `hygiene` refuses is answered under the client's id in any case.

use crate::env::Env;
use crate::exchange::{Client, Exchange, RequestId};
use crate::filter::{Build, BuildError, Facts, Filter, Step};
use crate::names;
use serde::Deserialize;

/// The configuration of `request_id`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A client's own id is kept.
    pub accept_client: bool,
}

/// The filter.
pub struct RequestIds {
    accept_client: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            accept_client: true,
        }
    }
}

impl Build for RequestIds {
    const NAME: &'static str = "request_id";
    const SUMMARY: &'static str = "keeps or replaces the ids that clients give their requests";
    type Config = Config;

    fn needs(_: &Config) -> Facts {
        Facts::HYGIENE
    }

    fn build(config: &Config, _: &Env) -> Result<Self, BuildError> {
        Ok(Self {
            accept_client: config.accept_client,
        })
    }
}

impl Filter for RequestIds {
    fn on_request<'a>(&'a self, x: &'a mut Exchange, client: &'a mut dyn Client) -> Step<'a> {
        if !self.accept_client && client.head().has(&names::REQUEST_ID) {
            x.request_id = RequestId::fresh(x.started.unix_ms);
        }
        Step::CONTINUE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, FakeClient, judge};
    use uuid::Uuid;

    #[test]
    fn a_clients_id_is_kept_or_replaced_as_the_policy_says() {
        for (config, sent, kept) in [
            ("{}", Some("test-id"), true),
            (r#"{"accept_client": true}"#, Some("test-id"), true),
            (r#"{"accept_client": false}"#, Some("test-id"), false),
            // What the lane gave is ours already.
            (r#"{"accept_client": false}"#, None, true),
        ] {
            let config: Config = serde_json::from_str(config).unwrap();
            let filter = RequestIds::build(&config, &testing::env()).unwrap();
            let mut client = FakeClient::get("/");
            if let Some(id) = sent {
                client = client.field("X-Request-Id", id);
            }
            let mut x = testing::exchange();
            judge(&filter, &mut x, &mut client).unwrap();
            assert_eq!(x.request_id.as_str() == "test-id", kept, "{config:?}");
            if !kept {
                let id: Uuid = x.request_id.as_str().parse().unwrap();
                let (seconds, _) = id.get_timestamp().unwrap().to_unix();
                assert_eq!((id.get_version_num(), seconds), (7, testing::START_S));
            }
        }
    }
}
