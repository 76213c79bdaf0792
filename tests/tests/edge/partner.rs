//! A house with one partner: an edge whose every path wants a signature, an honest upstream behind
//! it, and a key.

use filters::signing::Scheme;
use filters::testing::{Fakes, fakes};
use tests::message::Message;
use tests::signer::{Draft, Signer};
use tests::stage::{Stage, with_upstream};
use tests::witness::Witness;

/// Every path wants a signature, but those below `/open/`.
const POLICY: &str = include_str!("partner.yaml");

/// The edge, its upstream and a partner.
pub(crate) struct House {
    pub(crate) witness: Witness,
    pub(crate) stage: Stage,
    pub(crate) signer: Signer,
}

// === impl House ===

impl House {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[], fakes()).await
    }

    /// With some texts of the policy replaced by others.
    pub(crate) async fn start_as(changes: &[(&str, &str)]) -> Self {
        Self::start_with(changes, fakes()).await
    }

    pub(crate) async fn start_with(changes: &[(&str, &str)], fakes: Fakes) -> Self {
        let witness = Witness::start().await;
        let stage = Stage::start_with(&policy(&witness, changes), fakes).await;
        let signer = stage.key(1, |_| {});
        Self {
            witness,
            stage,
            signer,
        }
    }

    /// Serves by the policy with other changes from now on.
    pub(crate) fn reload(&self, changes: &[(&str, &str)]) {
        self.stage.reload(&policy(&self.witness, changes));
    }

    /// A draft of now, under `v1`.
    pub(crate) fn draft<'a>(&self, method: &'a str, target: &'a str, nonce: &'a str) -> Draft<'a> {
        Draft {
            method,
            target,
            body: b"",
            timestamp: self.stage.now_s(),
            nonce,
            scheme: Scheme::V1,
        }
    }

    /// A signed GET of now; each number makes another.
    pub(crate) fn get(&self, signer: &Signer, target: &str, number: usize) -> Message {
        let nonce = format!("nonce-{number:08}");
        Message::signed(signer, &self.draft("GET", target, &nonce))
    }

    /// A message as this edge's HTTP/1.1 listener takes it.
    pub(crate) fn wire(&self, message: &Message) -> Vec<u8> {
        message.to_http1(self.stage.address)
    }
}

fn policy(witness: &Witness, changes: &[(&str, &str)]) -> String {
    let mut text = with_upstream(POLICY, witness.address);
    for (from, to) in changes {
        assert!(text.contains(from), "the policy has no {from:?}");
        text = text.replace(from, to);
    }
    text
}
