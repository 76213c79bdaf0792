//! A client's connection as bytes: TCP, with TLS or without.

use filters::exchange::Scheme;
use std::io;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A client's connection as bytes.
#[derive(Debug)]
pub(crate) enum ByteStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Memory, for [`super::testing`].
    #[cfg(any(test, feature = "fuzzing"))]
    Memory(tokio::io::DuplexStream),
}

// === impl ByteStream ===

impl ByteStream {
    pub(crate) const fn scheme(&self) -> Scheme {
        match self {
            Self::Plain(_) => Scheme::Http,
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(_) => Scheme::Http,
            Self::Tls(_) => Scheme::Https,
        }
    }

    /// Whether ALPN chose HTTP/2 (RFC 9113, section 3.2).
    pub(crate) fn chose_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(_) => false,
            Self::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// The server's name as the client's handshake gave it (RFC 6066, section 3).
    pub(crate) fn server_name(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(_) => None,
            Self::Tls(tls) => tls.get_ref().1.server_name(),
        }
    }

    pub(crate) fn raw_fd(&self) -> i32 {
        match self {
            Self::Plain(tcp) => tcp.as_raw_fd(),
            Self::Tls(tls) => tls.get_ref().0.as_raw_fd(),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(_) => -1,
        }
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => Pin::new(memory).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
            #[cfg(any(test, feature = "fuzzing"))]
            Self::Memory(memory) => memory.is_write_vectored(),
        }
    }
}
