//! Many driver connections on one backend.
//!
//! Each session answers its driver's start-up by itself, collects messages until one that makes the
//! backend answer (Query or Sync), takes the turn, and hands the batch over whole. The turn stays
//! with the session while the backend says that it is inside a transaction. Statement names are
//! unique within a process (the driver counts them), so sessions do not meet there.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use oliphaunt_wasix::AsyncOliphaunt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::wire::{self, Message, Opening};
use crate::limits::{TRANSACTION_IDLE, TURN_WAIT};

/// The server, and whose turn it is.
#[derive(Clone)]
pub(super) struct Backend {
    postgres: AsyncOliphaunt,
    pub(super) turn: Arc<Mutex<Turn>>,
    closing: Arc<AtomicBool>,
}

/// What the one who has the turn must know.
#[derive(Default)]
pub(super) struct Turn {
    /// A transaction may be open. Still set when somebody gets the turn: whoever had it vanished,
    /// with its runtime perhaps, and left a transaction behind.
    open: bool,
}

type Held = OwnedMutexGuard<Turn>;

/// Why a session is over before its driver said so.
struct Over;

impl Backend {
    pub(super) fn new(postgres: AsyncOliphaunt) -> Self {
        Self {
            postgres,
            turn: Arc::default(),
            closing: Arc::default(),
        }
    }

    /// Ends the database. A session that still asks for something gets no answer, and that is no
    /// error then.
    pub(super) async fn close(&self) -> Result<(), impl Display> {
        self.closing.store(true, Ordering::Release);
        self.postgres.close().await
    }

    /// Waits for the turn, and for a backend without a transaction.
    async fn take_turn(&self) -> Result<Option<Held>, Over> {
        let Ok(mut held) = timeout(TURN_WAIT, self.turn.clone().lock_owned()).await else {
            return Ok(None);
        };
        if held.open {
            self.ask(&mut held, wire::rollback()).await?;
        }
        Ok(Some(held))
    }

    /// Hands one batch over and notes what state it left.
    async fn ask(&self, held: &mut Held, batch: BytesMut) -> Result<Vec<u8>, Over> {
        held.open = true;
        let answer = self
            .postgres
            .exec_protocol_raw(batch)
            .await
            .map_err(|error| {
                if !self.closing.load(Ordering::Acquire) {
                    tracing::error!(%error, "the embedded database gave no answer");
                }
                Over
            })?;
        let status = wire::status(&answer).ok_or(Over)?;
        held.open = status != b'I';
        Ok(answer)
    }
}

/// Serves one driver until it leaves.
pub(super) async fn serve(stream: DuplexStream, backend: Backend) {
    let mut session = Session {
        stream,
        backend,
        buffer: BytesMut::new(),
        batch: BytesMut::new(),
        prepared: HashSet::new(),
        held: None,
    };
    if session.run().await.is_err() {
        let refusal = wire::refusal("FATAL", "57P01", "the embedded database ended the session");
        // The driver may be gone already.
        let _ = session.stream.write_all(&refusal).await;
    }
    session.leave().await;
}

struct Session {
    stream: DuplexStream,
    backend: Backend,
    /// What came and is not yet a whole message.
    buffer: BytesMut,
    /// Whole messages that wait for the one that ends the batch.
    batch: BytesMut,
    prepared: HashSet<Bytes>,
    held: Option<Held>,
}

impl Session {
    async fn run(&mut self) -> Result<(), Over> {
        if !self.welcome().await? {
            return Ok(());
        }
        while let Some(message) = self.next().await? {
            if message.tag == b'X' {
                return Ok(());
            }
            self.prepared.extend(message.prepares());
            if let Some(name) = message.forgets() {
                self.prepared.remove(&name);
            }
            self.batch.extend_from_slice(&message.bytes);
            if message.ends_batch() {
                self.answer().await?;
            }
        }
        Ok(())
    }

    /// Says no to encryption and yes to anybody: the pipe is inside our process.
    async fn welcome(&mut self) -> Result<bool, Over> {
        loop {
            match wire::opening(&mut self.buffer).map_err(|_| Over)? {
                Some(Opening::Encryption) => self.write(b"N").await?,
                Some(Opening::Session) => {
                    self.write(&wire::welcome()).await?;
                    return Ok(true);
                }
                None if self.read().await? == 0 => return Ok(false),
                None => {}
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Message>, Over> {
        loop {
            if let Some(message) = wire::message(&mut self.buffer).map_err(|_| Over)? {
                return Ok(Some(message));
            }
            let read = match self.held {
                // Everybody else waits meanwhile.
                Some(_) => timeout(TRANSACTION_IDLE, self.read())
                    .await
                    .map_err(|_| Over)??,
                None => self.read().await?,
            };
            if read == 0 {
                return Ok(None);
            }
        }
    }

    async fn answer(&mut self) -> Result<(), Over> {
        let batch = self.batch.split();
        let mut held = match self.held.take() {
            Some(held) => held,
            None => match self.backend.take_turn().await? {
                Some(held) => held,
                None => {
                    let text = "another transaction holds the embedded database";
                    return self.write(&wire::refusal("ERROR", "55P03", text)).await;
                }
            },
        };
        let answer = self.backend.ask(&mut held, batch).await?;
        // Let the next one in before writing: this driver may be slow to read.
        self.held = held.open.then_some(held);
        self.write(&answer).await
    }

    /// Undoes what the driver left: an open transaction, prepared statements.
    async fn leave(mut self) {
        let mut held = match self.held.take() {
            Some(held) => held,
            None if self.prepared.is_empty() => return,
            None => match self.backend.take_turn().await {
                Ok(Some(held)) => held,
                // Nothing is lost but the memory of a few statements.
                _ => return,
            },
        };
        if held.open && self.backend.ask(&mut held, wire::rollback()).await.is_err() {
            return;
        }
        let farewell = wire::farewell(self.prepared.drain());
        let _ = self.backend.ask(&mut held, farewell).await;
    }

    async fn read(&mut self) -> Result<usize, Over> {
        self.stream
            .read_buf(&mut self.buffer)
            .await
            .map_err(|_| Over)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.stream.write_all(bytes).await.map_err(|_| Over)
    }
}
