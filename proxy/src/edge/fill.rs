//! Reading from a connection into a buffer.

use super::limits::SPARE_BYTES_MIN;
use bytes::BytesMut;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes that take the way over the stack.
const STACK_BYTES: usize = 8 * 1024;

/// Reads what is there to the end of `into`: how many bytes; 0 is the end of the connection.
///
/// A buffer without room stays without: what is read goes over the stack and takes only the place that
/// it needs. Who expects much reserves room before.
pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
    from: &mut R,
    cx: &mut Context<'_>,
    into: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    if into.capacity() - into.len() >= SPARE_BYTES_MIN {
        return tokio_util::io::poll_read_buf(Pin::new(from), cx, into);
    }
    let mut space = [MaybeUninit::<u8>::uninit(); STACK_BYTES];
    let mut read = ReadBuf::uninit(&mut space);
    ready!(Pin::new(from).poll_read(cx, &mut read))?;
    into.extend_from_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn bytes_arrive_in_order_whatever_room_there_is() {
        let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        for room in [0, SPARE_BYTES_MIN - 1, SPARE_BYTES_MIN, 1 << 16] {
            let (mut here, mut there) = tokio::io::duplex(64 * 1024);
            let all = sent.clone();
            let sender = tokio::spawn(async move { there.write_all(&all).await });
            let mut got = BytesMut::new();
            let mut into = BytesMut::new();
            loop {
                into.reserve(room);
                if poll_fn(|cx| poll_fill(&mut here, cx, &mut into))
                    .await
                    .unwrap()
                    == 0
                {
                    break;
                }
                got.extend_from_slice(&into.split());
            }
            sender.await.unwrap().unwrap();
            assert_eq!(got, sent, "{room}");
        }
    }
}
