//! The load: a closed loop over kept connections, each with one request in flight.
//!
//! It finds out what a proxy can do at most, and what a request costs it then. What it says of
//! latency holds for saturation only: a slow answer here delays the next question, too.
//!
//! Every answer is read whole and compared with what the origin sends. One that is wrong ends the
//! measurement, for a fast refusal would look like a fast answer.

mod requests;

pub use requests::{Credentials, Recipe, Requests};

use crate::{http1, origin};
use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The longest latency that is told from longer ones, microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;

/// Bytes that are read at once: an answer of the suite fits.
const READ_BYTES: usize = 16 * 1024;

/// How hard, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Whom to ask.
    pub address: SocketAddr,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// Before the window.
    pub warm_up: Duration,
    /// How long is measured.
    pub window: Duration,
}

/// What was measured in the window; `S` is what was sampled of the process at both its ends.
#[derive(Clone, Debug)]
pub struct Measured<S> {
    /// Good answers.
    pub answers: u64,
    /// How long the window really was.
    pub elapsed: Duration,
    /// From before a request was written until its answer was read, microseconds.
    pub latency_us: Histogram<u64>,
    /// Requests that had to be signed while they were measured.
    pub signed_late: u64,
    /// The samples at the window's begin and end.
    pub samples: [S; 2],
}

struct Shared {
    requests: Mutex<Requests>,
    latency_us: Mutex<Histogram<u64>>,
}

/// Asks as fast as the answers come, and takes a sample at both ends of the window.
///
/// # Errors
/// A wrong answer, a broken connection, or a sample that could not be taken.
pub async fn saturate<S>(
    load: &Load,
    requests: Requests,
    mut sample: impl FnMut() -> anyhow::Result<S>,
) -> anyhow::Result<Measured<S>> {
    let shared = Arc::new(Shared {
        requests: Mutex::new(requests),
        latency_us: Mutex::new(histogram()),
    });
    let mut callers = JoinSet::new();
    for _ in 0..load.connections {
        callers.spawn(call(load.address, Arc::clone(&shared)));
    }
    let window = async {
        tokio::time::sleep(load.warm_up).await;
        let first = sample()?;
        lock(&shared.latency_us).clear();
        let late_before = lock(&shared.requests).signed_late();
        let begun = Instant::now();
        tokio::time::sleep(load.window).await;
        let elapsed = begun.elapsed();
        let last = sample()?;
        let latency_us = lock(&shared.latency_us).clone();
        Ok(Measured {
            answers: latency_us.len(),
            elapsed,
            latency_us,
            signed_late: lock(&shared.requests).signed_late() - late_before,
            samples: [first, last],
        })
    };
    // Callers never end well: whichever ends first has something to say. All of them are dropped
    // with their set.
    tokio::select! {
        measured = window => measured,
        Some(ended) = callers.join_next() => {
            let Err(error) = ended.context("a caller was lost")?;
            Err(error)
        }
    }
}

async fn call(address: SocketAddr, shared: Arc<Shared>) -> anyhow::Result<Infallible> {
    let mut stream = connect(address).await?;
    let mut inbox = vec![0; READ_BYTES];
    let mut outbox = Vec::new();
    loop {
        outbox.clear();
        lock(&shared.requests).next(&mut outbox);
        let begun = Instant::now();
        stream.write_all(&outbox).await?;
        let closes = read_answer(&mut stream, &mut inbox).await?;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        lock(&shared.latency_us).saturating_record(took);
        if closes {
            stream = connect(address).await?;
        }
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one answer and judges it; true when the connection ends with it.
async fn read_answer(stream: &mut TcpStream, inbox: &mut [u8]) -> anyhow::Result<bool> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut inbox[filled..]).await?;
        if read == 0 {
            bail!("the connection was closed instead of an answer");
        }
        filled += read;
        let head = match http1::read_head(&inbox[..filled]) {
            Ok(head) => head,
            Err(error) => bail!("an answer that cannot be read: {}", error.0),
        };
        let whole = head.filter(|head| head.length + head.body_length <= filled);
        match whole {
            Some(head) => {
                let body = &inbox[head.length..filled];
                if head.status != 200 || body != origin::BODY {
                    let text = String::from_utf8_lossy(&inbox[..filled]);
                    bail!("a wrong answer: {text}");
                }
                return Ok(head.closes);
            }
            None if filled == inbox.len() => bail!("an answer of more than {READ_BYTES} bytes"),
            None => {}
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;
    use tokio::net::TcpListener;

    fn load(address: SocketAddr) -> Load {
        Load {
            address,
            connections: 4,
            warm_up: Duration::from_millis(20),
            window: Duration::from_millis(50),
        }
    }

    fn plain() -> Requests {
        Requests::prepare(&Recipe::get("/a", Credentials::None), 0, 0)
    }

    #[tokio::test]
    async fn answers_are_counted_once_each_and_samples_taken_at_both_ends() {
        let origin = Origin::bind().await.unwrap();
        let load = load(origin.address().unwrap());
        let serving = tokio::spawn(origin.serve());
        let mut samples = 0;
        let measured = saturate(&load, plain(), || {
            samples += 1;
            Ok(samples)
        })
        .await
        .unwrap();
        serving.abort();
        assert!(measured.answers > 0);
        assert_eq!(measured.answers, measured.latency_us.len());
        assert!(measured.elapsed >= load.window);
        assert_eq!(measured.samples, [1, 2]);
    }

    #[tokio::test]
    async fn a_wrong_answer_ends_the_measurement() {
        for (answer, told) in [
            (
                "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
                "a wrong answer: HTTP/1.1 401",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
                "a wrong answer: HTTP/1.1 200",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "cannot be read",
            ),
            ("", "closed instead of an answer"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let load = load(listener.local_addr().unwrap());
            let serving = tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let _ = stream.read(&mut [0; 1024]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
            let error = saturate(&load, plain(), || Ok(())).await.unwrap_err();
            serving.abort();
            assert!(format!("{error:#}").contains(told), "{error:#}");
        }
    }
}
