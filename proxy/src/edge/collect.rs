//! A body that was read before an upstream was chosen, because a filter had to see it whole.

use super::account::Hold;
use super::limits::{GATHERED_BYTES, SMALL_PIECE_BYTES};
use bytes::{Bytes, BytesMut};
use filters::reply::{Detail, Reason, Reply};

/// What was read of a body before an upstream was chosen.
#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) chunks: Vec<Bytes>,
    pub(crate) bytes: u64,
    /// The body was read to its end.
    pub(crate) whole: bool,
    /// Small pieces, until they make a chunk.
    small: BytesMut,
    hold: Option<Hold>,
}

// === impl Collected ===

impl Collected {
    /// Nothing yet; what comes is accounted to this hold.
    pub(crate) fn held_by(hold: Hold) -> Self {
        Self {
            hold: Some(hold),
            ..Self::default()
        }
    }

    /// Keeps a piece, if all bodies together stay below `collected_max` bytes.
    ///
    /// # Errors
    /// 503 when there is no room.
    pub(crate) fn keep_within(
        &mut self,
        piece: &Bytes,
        collected_max: u64,
    ) -> Result<(), Box<Reply>> {
        let fits = piece.is_empty()
            || self
                .hold
                .as_mut()
                .is_none_or(|hold| hold.grow(piece.len() as u64, collected_max));
        if !fits {
            return Err(Reply::refuse(Reason::MemoryPressure)
                .retry_after(1)
                .closing());
        }
        self.keep(piece);
        Ok(())
    }

    /// Keeps a piece. A client may send its body byte by byte, and each byte by itself would cost
    /// fifty times what is accounted for it: small pieces are gathered.
    fn keep(&mut self, piece: &Bytes) {
        self.bytes += piece.len() as u64;
        if piece.len() >= SMALL_PIECE_BYTES {
            self.gather();
            self.chunks.push(piece.clone());
            return;
        }
        self.small.extend_from_slice(piece);
        if self.small.len() >= GATHERED_BYTES {
            self.gather();
        }
    }

    pub(crate) fn gather(&mut self) {
        if !self.small.is_empty() {
            let gathered = std::mem::take(&mut self.small);
            self.chunks.push(gathered.freeze());
        }
    }
}

/// The route's own limit, which holds whatever filters its chain has.
pub(crate) fn too_large(limit: u64) -> Box<Reply> {
    Reply::refuse(Reason::BodyTooLarge).with_detail("limit", Detail::Number(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_in_small_pieces_is_kept_in_order_and_in_few_chunks() {
        for (length, piece) in [
            (1, 1),
            (100, 7),
            (100_000, 1),
            (100_000, SMALL_PIECE_BYTES - 1),
            (100_000, SMALL_PIECE_BYTES),
            (100_000, 70_000),
        ] {
            let body: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut collected = Collected::default();
            for piece in body.chunks(piece) {
                collected.keep(&Bytes::copy_from_slice(piece));
            }
            collected.gather();
            assert_eq!(collected.bytes, length as u64);
            assert_eq!(collected.chunks.concat(), body, "{length} {piece}");
            let most = length / SMALL_PIECE_BYTES.min(piece.max(GATHERED_BYTES)) + 1;
            assert!(collected.chunks.len() <= most, "{length} {piece}");
        }
    }

    #[test]
    fn small_pieces_stand_between_large_ones_where_they_came() {
        let mut collected = Collected::default();
        let large = vec![b'L'; SMALL_PIECE_BYTES];
        for piece in [b"a", &large[..], b"b", b"c", &large[..], b"d"] {
            collected.keep(&Bytes::copy_from_slice(piece));
        }
        collected.gather();
        let expected = [b"a", &large[..], b"bc", &large[..], b"d"].concat();
        assert_eq!(collected.chunks.concat(), expected);
        assert_eq!(collected.chunks.len(), 5);
    }
}
