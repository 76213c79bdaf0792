//! The client: sends a conversation and reads the answers, strictly.

use super::exchange::{Conversation, Delivery};
use std::net::SocketAddr;
use std::time::Duration;
use tidegate::edge::wire::{
    AnswerBody, ChunkedDecoder, HeadLimits, Parse, parse_response, response_framing,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// How long a conversation may take before it counts as one that does not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// One answer as the client got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The statuses of interim answers before it, but for 100.
    pub interims: Vec<u16>,
    /// The status.
    pub status: u16,
    /// The field lines: lower-case names, values; in the order of their names.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Whether it came to its end.
    pub whole: bool,
}

/// What came of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The answers, in their order.
    pub answers: Vec<Answer>,
    /// How it ended.
    pub end: End,
}

/// How a conversation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With an answer to everything.
    Answered,
    /// The connection closed between two answers.
    Closed,
    /// It closed within a head.
    Cut,
    /// Something came that is no answer.
    Malformed(String),
    /// It did not end.
    Stuck,
}

impl Answer {
    /// The first value of a field.
    pub(crate) fn first(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter();
        fields
            .find(|(of, _)| of == name)
            .map(|(_, value)| value.as_slice())
    }
}

impl Answer {
    /// Whether it says that the connection ends behind it.
    pub(crate) fn closes(&self) -> bool {
        self.first("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case(b"close"))
    }
}

/// Sends a conversation and reads what comes.
pub(crate) async fn converse(address: SocketAddr, conversation: &Conversation) -> Heard {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let (read, write) = tcp.into_split();
    let mut listener = Listener {
        read,
        inbox: Vec::new(),
    };
    let mut heard = Heard {
        answers: Vec::new(),
        end: End::Answered,
    };
    let all = async {
        match conversation.delivery {
            Delivery::InTurn => in_turn(conversation, write, &mut listener, &mut heard).await,
            Delivery::Pipelined => {
                let pieces: Vec<_> = conversation.pieces.iter().flatten().cloned().collect();
                let send = async {
                    let mut write = write;
                    send(&mut write, &pieces).await;
                    write
                };
                let (_, ()) = tokio::join!(send, listen(conversation, &mut listener, &mut heard));
            }
            Delivery::Cut(bytes) => {
                let all = conversation.pieces.concat().concat();
                let mut write = write;
                send(&mut write, &[all[..bytes.min(all.len())].to_vec()]).await;
                let _ = write.shutdown().await;
                listen(conversation, &mut listener, &mut heard).await;
                while fill(&mut listener.read, &mut listener.inbox).await {
                    listener.inbox.clear();
                }
            }
        }
    };
    if timeout(PATIENCE, all).await.is_err() {
        heard.end = End::Stuck;
    }
    heard
}

async fn in_turn(
    conversation: &Conversation,
    mut write: OwnedWriteHalf,
    listener: &mut Listener,
    heard: &mut Heard,
) {
    for (exchange, pieces) in conversation.exchanges.iter().zip(&conversation.pieces) {
        let got = match exchange.waits {
            Some(head) => {
                send(&mut write, &[exchange.request[..head].to_vec()]).await;
                match listener.proceeds().await {
                    true => {
                        let body = [exchange.request[head..].to_vec()];
                        let (got, ()) = tokio::join!(
                            listener.answer(&exchange.method),
                            send(&mut write, &body)
                        );
                        got
                    }
                    // The body was not asked for: the conversation ends with this answer.
                    false => {
                        let got = listener.answer(&exchange.method).await;
                        if let Ok(answer) = got {
                            heard.answers.push(answer);
                        }
                        heard.end = End::Answered;
                        return;
                    }
                }
            }
            None => {
                let (got, ()) =
                    tokio::join!(listener.answer(&exchange.method), send(&mut write, pieces));
                got
            }
        };
        match got {
            Ok(answer) => {
                let whole = answer.whole;
                heard.answers.push(answer);
                if !whole {
                    heard.end = End::Closed;
                    return;
                }
            }
            Err(end) => {
                heard.end = end;
                return;
            }
        }
    }
}

async fn listen(conversation: &Conversation, listener: &mut Listener, heard: &mut Heard) {
    for exchange in &conversation.exchanges {
        match listener.answer(&exchange.method).await {
            Ok(answer) => {
                let whole = answer.whole;
                heard.answers.push(answer);
                if !whole {
                    heard.end = End::Closed;
                    return;
                }
            }
            Err(end) => {
                heard.end = end;
                return;
            }
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, pieces: &[Vec<u8>]) {
    for piece in pieces {
        if write.write_all(piece).await.is_err() {
            return;
        }
        if pieces.len() > 1 {
            tokio::task::yield_now().await;
        }
    }
}

async fn fill(read: &mut OwnedReadHalf, inbox: &mut Vec<u8>) -> bool {
    matches!(read.read_buf(inbox).await, Ok(1..))
}

struct Listener {
    read: OwnedReadHalf,
    inbox: Vec<u8>,
}

impl Listener {
    /// Whether the body is asked for, rather than the request answered.
    async fn proceeds(&mut self) -> bool {
        const START: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        while self.inbox.len() < START.len() {
            if !fill(&mut self.read, &mut self.inbox).await {
                return false;
            }
        }
        self.inbox.starts_with(START)
    }

    /// The next answer, with the interim ones before it.
    async fn answer(&mut self, method: &str) -> Result<Answer, End> {
        let mut interims = Vec::new();
        loop {
            let (mut answer, body, length) = loop {
                match parse_response(&self.inbox, &HeadLimits::STANDARD) {
                    Parse::Complete { head, length } => {
                        let framing = response_framing(&head, method)
                            .map_err(|fault| End::Malformed(fault.reason().to_owned()))?;
                        let mut fields: Vec<_> = head
                            .fields
                            .iter()
                            .map(|field| {
                                let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
                                (name, field.value.to_vec())
                            })
                            .collect();
                        fields.sort_by(|a, b| a.0.cmp(&b.0));
                        let answer = Answer {
                            interims: Vec::new(),
                            status: head.status,
                            fields,
                            body: Vec::new(),
                            whole: false,
                        };
                        break (answer, framing.body, length);
                    }
                    Parse::Refuse(fault) => {
                        let start = &self.inbox[..self.inbox.len().min(200)];
                        return Err(End::Malformed(format!(
                            "{fault:?}: {}",
                            start.escape_ascii()
                        )));
                    }
                    Parse::Partial => {}
                }
                if !fill(&mut self.read, &mut self.inbox).await {
                    return Err(match self.inbox.is_empty() {
                        true => End::Closed,
                        false => End::Cut,
                    });
                }
            };
            self.inbox.drain(..length);
            if answer.status < 200 {
                if answer.status != 100 {
                    interims.push(answer.status);
                }
                continue;
            }
            answer.whole = self.body(body, &mut answer.body).await?;
            answer.interims = interims;
            return Ok(answer);
        }
    }

    /// Reads a body: whether it came to its end.
    async fn body(&mut self, framing: AnswerBody, body: &mut Vec<u8>) -> Result<bool, End> {
        match framing {
            AnswerBody::None => {}
            AnswerBody::Length(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                while self.inbox.len() < length {
                    if !fill(&mut self.read, &mut self.inbox).await {
                        body.append(&mut self.inbox);
                        return Ok(false);
                    }
                }
                body.extend(self.inbox.drain(..length));
            }
            AnswerBody::Chunked => {
                let mut decoder = ChunkedDecoder::new();
                loop {
                    let walk = decoder.walk(&self.inbox, |payload| body.extend_from_slice(payload));
                    let walk = walk.map_err(|refusal| End::Malformed(format!("{refusal:?}")))?;
                    self.inbox.drain(..walk.consumed);
                    if walk.is_end {
                        break;
                    }
                    if !fill(&mut self.read, &mut self.inbox).await {
                        return Ok(false);
                    }
                }
            }
            AnswerBody::UntilClose => {
                while fill(&mut self.read, &mut self.inbox).await {}
                body.append(&mut self.inbox);
            }
        }
        Ok(true)
    }
}
