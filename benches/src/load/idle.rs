//! Connections that were used once and wait: what they cost is memory.

use super::recipe::Recipe;
use super::requests::{Requests, Supplies};
use super::wire::{Answer, Dial, Wire};
use anyhow::bail;
use std::net::SocketAddr;

/// Connections that wait until this is dropped.
pub struct Idle {
    wires: Vec<Wire>,
}

// === impl Idle ===

impl Idle {
    /// Opens so many, one after the other, and asks once on each.
    ///
    /// # Errors
    /// A connection that is refused, or an answer that is wrong.
    pub async fn open(address: SocketAddr, count: usize, recipe: &Recipe) -> anyhow::Result<Self> {
        let dial = Dial { address, tls: None };
        let recipes = std::slice::from_ref(recipe);
        let mut requests = Requests::prepare(recipes, &Supplies::bare(0));
        let mut wires = Vec::with_capacity(count);
        let mut outbox = Vec::new();
        for _ in 0..count {
            let mut wire = dial.connect().await?;
            outbox.clear();
            requests.next(&mut outbox);
            if let Answer::Wrong(why) = wire.ask(&outbox, &recipe.expects).await {
                bail!("connection {} of {count}: {why}", wires.len() + 1);
            }
            wire.rest();
            wires.push(wire);
        }
        Ok(Self { wires })
    }

    /// How many wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.wires.len()
    }
}
