//! Being told that something changed.
//!
//! On PostgreSQL this is LISTEN on a connection of its own: a pooled one would be given back and
//! forget. On the embedded database it is a wake-up inside the process.
//!
//! A notification says *look*, not *what*: an empty payload means that something may have changed
//! and nobody knows what, so read everything anew.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client};

use crate::connection::Origin;
use crate::error::Error;
use crate::limits::NOTIFICATIONS_MAX;
use crate::server::Server;

/// What was said on one channel, in order.
pub struct Notifications {
    origin: Arc<Origin>,
    channel: String,
    ear: Ear,
}

enum Ear {
    Connected(Connected),
    Lost,
    #[cfg(feature = "embedded")]
    Local(tokio::sync::watch::Receiver<u64>),
}

/// A connection that listens. Dropping the client ends it.
struct Connected {
    _client: Client,
    heard: mpsc::Receiver<String>,
    /// More was said than is kept.
    missed: Arc<AtomicBool>,
}

impl Notifications {
    pub(crate) async fn listen(origin: Arc<Origin>, channel: &str) -> Result<Self, Error> {
        let ear = match &*origin {
            Origin::Server(server) => Ear::Connected(connect(server, channel).await?),
            #[cfg(feature = "embedded")]
            Origin::Embedded(embedded) => Ear::Local(embedded.channels.subscribe(channel)),
        };
        Ok(Self {
            origin,
            channel: channel.to_owned(),
            ear,
        })
    }

    /// Waits for the next payload; empty on the embedded database, after a gap, and when more was
    /// said than could be kept. May be dropped and called again without losing anything.
    ///
    /// # Errors
    /// [`Error::Unavailable`] once when the connection is lost, and on every call that cannot connect
    /// again: wait a little and call again. The first call that can says `""` at once.
    pub async fn next(&mut self) -> Result<String, Error> {
        match &mut self.ear {
            Ear::Connected(connected) => match connected.next().await {
                Some(payload) => Ok(payload),
                None => {
                    self.ear = Ear::Lost;
                    Err(Error::unavailable("the connection that listens was lost"))
                }
            },
            Ear::Lost => {
                let server = self
                    .origin
                    .server()
                    .expect("only a server's connection is ever lost");
                self.ear = Ear::Connected(connect(server, &self.channel).await?);
                Ok(String::new())
            }
            #[cfg(feature = "embedded")]
            Ear::Local(ear) => match ear.changed().await {
                Ok(()) => Ok(String::new()),
                Err(_) => Err(Error::unavailable("it was closed")),
            },
        }
    }
}

impl Connected {
    async fn next(&mut self) -> Option<String> {
        if self.missed.swap(false, Ordering::AcqRel) {
            return Some(String::new());
        }
        self.heard.recv().await
    }
}

async fn connect(server: &Server, channel: &str) -> Result<Connected, Error> {
    let within = server.connect_timeout();
    let connecting = async {
        let opened = server.config.connect(server.tls.clone()).await;
        let (client, mut connection) = opened.map_err(|error| server.unreachable(&error))?;
        let (say, heard) = mpsc::channel(NOTIFICATIONS_MAX);
        let missed = Arc::new(AtomicBool::new(false));
        let overflow = missed.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(notification) = message
                    && say.try_send(notification.payload().to_owned()).is_err()
                {
                    overflow.store(true, Ordering::Release);
                }
            }
        });
        let quoted = channel.replace('"', "\"\"");
        client
            .batch_execute(&format!("LISTEN \"{quoted}\""))
            .await?;
        Ok(Connected {
            _client: client,
            heard,
            missed,
        })
    };
    timeout(within, connecting)
        .await
        .unwrap_or_else(|_| Err(server.too_slow()))
}
