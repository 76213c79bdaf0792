//! A client of HTTP/2 without TLS (RFC 9113, section 3.3), frame by frame.

use crate::message::{Framing, Message};
use crate::raw::Answer;
use crate::within;
use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::{Request, Version};
use std::future::poll_fn;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A frame's payload, unless the message says otherwise (RFC 9113, section 6.5.2).
const FRAME_BYTES: usize = 16 * 1024;

/// A connection of streams. Clones share it.
#[derive(Clone)]
pub struct Http2 {
    requests: SendRequest<Bytes>,
    host: String,
}

// === impl Http2 ===

impl Http2 {
    /// Connects.
    ///
    /// # Panics
    /// When the other side speaks no HTTP/2.
    pub async fn connect(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self::over(tcp, &address.to_string()).await
    }

    /// Speaks over these bytes, to this host.
    ///
    /// # Panics
    /// When the other side speaks no HTTP/2.
    pub async fn over(
        bytes: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: &str,
    ) -> Self {
        let (requests, connection) = h2::client::handshake(bytes).await.unwrap();
        tokio::spawn(connection);
        Self {
            requests,
            host: host.to_owned(),
        }
    }

    /// Sends one request to this host on the same connection and reads the answer.
    ///
    /// # Panics
    /// When the stream ends before an answer.
    pub async fn ask_of(&self, host: &str, message: &Message) -> Answer {
        let other = Self {
            requests: self.requests.clone(),
            host: host.to_owned(),
        };
        other.ask(message).await
    }

    /// Sends one request on a stream of its own and reads the answer.
    ///
    /// # Panics
    /// When the stream ends before an answer.
    pub async fn ask(&self, message: &Message) -> Answer {
        match self.try_ask(message).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// The same, without believing that there will be an answer.
    ///
    /// # Errors
    /// What ended stream or connection.
    pub async fn try_ask(&self, message: &Message) -> Result<Answer, h2::Error> {
        within("an answer by HTTP/2", async {
            let mut requests = self.requests.clone().ready().await?;
            let uri = format!("http://{}{}", self.host, message.target);
            let mut request = Request::builder()
                .method(message.method.as_str())
                .uri(uri)
                .version(Version::HTTP_2);
            for (name, value) in &message.fields {
                request = request.header(name.to_ascii_lowercase(), value);
            }
            let announced = match message.framing {
                Framing::Usual => !message.body.is_empty(),
                Framing::Length => true,
                Framing::Chunks(_) => false,
            };
            if announced {
                request = request.header("content-length", message.body.len());
            }
            let ends = message.body.is_empty() && !matches!(message.framing, Framing::Chunks(_));
            let request = request.body(()).expect("a request");
            let (response, stream) = requests.send_request(request, ends)?;
            if ends {
                return receive(response).await;
            }
            // An early answer ends the sending, and what cannot be sent may still be answered.
            let (answer, ()) = tokio::join!(receive(response), send(stream, message));
            answer
        })
        .await
    }
}

async fn send(mut stream: SendStream<Bytes>, message: &Message) {
    let size = match message.framing {
        Framing::Chunks(size) => size.min(FRAME_BYTES),
        Framing::Usual | Framing::Length => FRAME_BYTES,
    };
    let mut body = Bytes::copy_from_slice(&message.body);
    while !body.is_empty() {
        let wanted = size.min(body.len());
        stream.reserve_capacity(wanted);
        while stream.capacity() < wanted {
            let Some(Ok(_)) = poll_fn(|cx| stream.poll_capacity(cx)).await else {
                return;
            };
        }
        if stream.send_data(body.split_to(wanted), false).is_err() {
            return;
        }
    }
    let _ = stream.send_data(Bytes::new(), true);
}

async fn receive(response: ResponseFuture) -> Result<Answer, h2::Error> {
    let (head, mut stream) = response.await?.into_parts();
    let fields = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    let mut answer = Answer {
        status: head.status.as_u16(),
        fields: fields.collect(),
        body: Vec::new(),
    };
    while let Some(data) = stream.data().await {
        let data = data?;
        answer.body.extend_from_slice(&data);
        stream.flow_control().release_capacity(data.len())?;
    }
    Ok(answer)
}
