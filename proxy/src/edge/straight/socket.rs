//! What a connection to an upstream server is made of: TCP.
//!
//! For [`super::super::testing`] it may be memory instead; outside of tests and fuzzing that variant
//! does not exist.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection to an upstream server is made of.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(any(test, feature = "fuzzing"))]
    Memory(tokio::io::DuplexStream),
}

// === impl Socket ===

impl Socket {
    /// Whether the other side has neither ended the connection nor spoken. What it said may be lost:
    /// a connection that is not quiet is of no use.
    pub(super) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Tcp(tcp) => {
                // The system is asked only if the runtime heard something, and that may be over.
                let asked = tcp.try_read(&mut [0]);
                matches!(asked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => {
                let mut cx = Context::from_waker(std::task::Waker::noop());
                let mut byte = [0];
                Pin::new(memory)
                    .poll_read(&mut cx, &mut ReadBuf::new(&mut byte))
                    .is_pending()
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_read(cx, buf),
        }
    }
}

impl Socket {
    /// Writes some of these bytes.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_write(cx, bytes),
        }
    }
}
