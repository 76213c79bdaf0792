//! A session whose body was read already: the upstream gets it from memory.
//!
//! Pingora forwards a body that was read early only through a buffer of 64 KiB. So when a signature
//! has read the body, the client's session is wrapped: reads come from what was collected, as often
//! as attempts need it, and everything else goes to the session itself.

use super::super::collect::Collected;
use super::super::message::Connection;
use ::pingora::http::{RequestHeader, ResponseHeader};
use ::pingora::protocols::Digest;
use ::pingora::protocols::http::custom::CustomMessageWrite;
use ::pingora::protocols::http::custom::server::Session;
use ::pingora::protocols::http::{HttpTask, ServerSession};
use ::pingora::protocols::l4::socket::SocketAddr;
use ::pingora::{Error, ErrorType, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;

/// The client's session, with its body in memory.
pub(super) struct Replay {
    inner: ServerSession,
    collected: Collected,
    next: usize,
    connection: Arc<Connection>,
}

// === impl Replay ===

impl Replay {
    /// Wraps the session in its place.
    pub(super) fn wrap(
        session: &mut ServerSession,
        collected: Collected,
        connection: Arc<Connection>,
    ) {
        let inner = std::mem::replace(session, ServerSession::new_custom(Box::new(())));
        let replay = Self {
            inner,
            collected,
            next: 0,
            connection,
        };
        *session = ServerSession::new_custom(Box::new(replay));
    }
}

macro_rules! forward {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) $(-> $out:ty)?;)*) => {
        $(fn $name(&self $(, $arg: $type)*) $(-> $out)? {
            self.inner.$name($($arg),*)
        })*
    };
}

macro_rules! forward_mut {
    ($(fn $name:ident(&mut self $(, $arg:ident: $type:ty)*) $(-> $out:ty)?;)*) => {
        $(fn $name(&mut self $(, $arg: $type)*) $(-> $out)? {
            self.inner.$name($($arg),*)
        })*
    };
}

#[async_trait]
impl Session for Replay {
    forward! {
        fn req_header(&self) -> &RequestHeader;
        fn get_read_timeout(&self) -> Option<Duration>;
        fn get_write_timeout(&self) -> Option<Duration>;
        fn get_total_drain_timeout(&self) -> Option<Duration>;
        fn request_summary(&self) -> String;
        fn response_written(&self) -> Option<&ResponseHeader>;
        fn body_bytes_sent(&self) -> usize;
        fn digest(&self) -> Option<&Digest>;
        fn client_addr(&self) -> Option<&SocketAddr>;
        fn server_addr(&self) -> Option<&SocketAddr>;
    }

    forward_mut! {
        fn req_header_mut(&mut self) -> &mut RequestHeader;
        fn set_read_timeout(&mut self, timeout: Option<Duration>);
        fn set_write_timeout(&mut self, timeout: Option<Duration>);
        fn set_total_drain_timeout(&mut self, timeout: Option<Duration>);
        fn digest_mut(&mut self) -> Option<&mut Digest>;
    }

    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        let chunk = self.collected.chunks.get(self.next).cloned();
        self.next += usize::from(chunk.is_some());
        Ok(chunk)
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        self.next = self.collected.chunks.len();
        Ok(())
    }

    async fn write_response_header(&mut self, resp: Box<ResponseHeader>, _end: bool) -> Result<()> {
        self.inner.write_response_header(resp).await
    }

    async fn write_response_header_ref(&mut self, resp: &ResponseHeader, _end: bool) -> Result<()> {
        self.inner.write_response_header_ref(resp).await
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.inner.write_response_body(data, end).await
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.inner.write_response_trailers(trailers).await
    }

    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        self.inner.response_duplex_vec(tasks).await
    }

    async fn shutdown(&mut self, _code: u32, _ctx: &str) {
        self.inner.shutdown().await;
    }

    async fn abandon(&mut self, context: &str) {
        let error = Error::explain(ErrorType::InternalError, context.to_owned());
        self.inner.on_proxy_failure(error);
        self.inner.shutdown().await;
    }

    fn is_body_done(&mut self) -> bool {
        self.next >= self.collected.chunks.len()
    }

    async fn finish(&mut self) -> Result<()> {
        self.inner.finish_body().await?;
        if self.inner.get_keepalive().is_some() {
            self.connection.allow_reuse();
        }
        Ok(())
    }

    fn is_body_empty(&mut self) -> bool {
        self.collected.bytes == 0
    }

    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> Result<Option<Bytes>> {
        if no_body_expected || self.is_body_done() {
            return self.inner.read_body_or_idle(true).await;
        }
        self.read_body_bytes().await
    }

    fn body_bytes_read(&self) -> usize {
        usize::try_from(self.collected.bytes).unwrap_or(usize::MAX)
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.inner.to_h1_raw()
    }

    /// Called at the begin of every attempt: the body starts anew.
    fn enable_retry_buffering(&mut self) {
        self.next = 0;
    }

    fn retry_buffer_truncated(&self) -> bool {
        false
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        None
    }

    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(
        &mut self,
    ) -> Option<Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>> {
        None
    }

    fn restore_custom_message_reader(
        &mut self,
        _reader: Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>,
    ) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(
        &mut self,
        _writer: Box<dyn CustomMessageWrite>,
    ) -> Result<()> {
        Ok(())
    }
}
