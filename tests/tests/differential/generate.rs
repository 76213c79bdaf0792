//! Conversations from chance.

use super::exchange::{Conversation, Delivery, Exchange};
use super::hostile::hostile;
use super::random::Random;
use super::request::{good, odd, signed};
use tests::signer::Signer;

/// Exchanges of one conversation at most.
pub(crate) const EXCHANGES_MAX: u32 = 64;

/// The conversation of this number.
pub(crate) fn conversation(seed: u64, number: u64, signer: &Signer, now_s: u64) -> Conversation {
    let mut random = Random::new(seed, number);
    let first = (number as u32).wrapping_mul(EXCHANGES_MAX);
    let count = match random.below(10) {
        0 => 1,
        1..8 => 2 + random.below(8) as u32,
        _ => 10 + random.below(30) as u32,
    };
    let mut exchanges = Vec::new();
    for id in first..first + count {
        let exchange = match random.below(100) {
            0..50 => good(&mut random, id),
            50..60 => signed(&mut random, id, signer, now_s),
            60..95 => odd(&mut random, id),
            _ => hostile(&mut random, id),
        };
        let is_damaged = exchange.class == "damaged";
        exchanges.push(exchange);
        if is_damaged {
            // Where its body ends nobody knows, and so no answer behind it can be told from another's.
            break;
        }
    }
    let pieces: Vec<_> = exchanges
        .iter()
        .map(|exchange: &Exchange| random.split(&exchange.request))
        .collect();
    let all: usize = exchanges
        .iter()
        .map(|exchange| exchange.request.len())
        .sum();
    let delivery = match random.below(20) {
        0 => Delivery::Cut(random.below(all)),
        1..7 => Delivery::Pipelined,
        _ => Delivery::InTurn,
    };
    if delivery != Delivery::InTurn {
        // Nobody waits within a pipeline.
        for exchange in &mut exchanges {
            exchange.waits = None;
        }
    }
    Conversation {
        exchanges,
        delivery,
        pieces,
    }
}

/// The first exchanges of a conversation, each request and each answer split at this byte.
pub(crate) fn split_at(whole: &Conversation, count: usize, at: usize) -> Conversation {
    let two = |bytes: &[u8]| {
        let (first, second) = bytes.split_at(at.min(bytes.len()));
        let pieces = [first, second]
            .into_iter()
            .filter(|piece| !piece.is_empty());
        pieces.map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let mut exchanges = whole.exchanges[..count].to_vec();
    for exchange in &mut exchanges {
        exchange.script.pieces = two(&exchange.script.pieces.concat());
    }
    let pieces = exchanges
        .iter()
        .map(|exchange| two(&exchange.request))
        .collect();
    let delivery = match whole.delivery {
        Delivery::Cut(_) => Delivery::Cut(at),
        other => other,
    };
    Conversation {
        exchanges,
        delivery,
        pieces,
    }
}
