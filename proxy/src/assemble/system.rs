//! A system: an edge with all that belongs to it, from its start to its end.

use super::handover::{Heir, Inheritance};
use super::house::{Stage, SystemHouse};
use super::options::SystemOptions;
use super::records::Records;
use super::state::{self, Stores};
use crate::admin::{Admin, House, Readiness};
use crate::config::Files;
use crate::config::units::LogTarget as WrittenTarget;
use crate::edge::{Edge, Parts};
use crate::policy::{Loaded, Policy};
use crate::reload::{self, Reloader, Unloaded};
use crate::telemetry::{AccessLog, LogTarget, Metrics};
use anyhow::Context;
use filters::env::{Env, LogSink};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often what has left its window is swept out of memory in an idle process.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// For what is in flight to end before a hand-over goes on: longer than nearly every exchange, and short
/// for a client that waits in the listeners' queue meanwhile.
const QUIET_TIME: Duration = Duration::from_millis(300);

/// An edge with all that belongs to it, serving.
pub struct System {
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    house: Arc<SystemHouse>,
    records: Records,
    state: Option<PathBuf>,
    edge: JoinHandle<std::io::Result<()>>,
    stop_edge: CancellationToken,
    rest: Vec<JoinHandle<()>>,
    stop_rest: CancellationToken,
    admin_listener: Option<TcpListener>,
}

/// Why a system does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no policy to start with.
    #[error(transparent)]
    Policy(#[from] Unloaded),
    /// Something else is missing: one sentence with its causes.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

// === impl System ===

impl System {
    /// Starts a system and waits until it serves: listeners are bound, and the first snapshot of the
    /// key records is in (or its patience over).
    ///
    /// # Errors
    /// [`StartError`]; then nothing of it is left running.
    pub async fn start(options: SystemOptions) -> Result<Self, StartError> {
        let Loaded { policy, warnings } = options.policy.load()?;
        if !warnings.is_empty() {
            tracing::warn!(target: "tidegate::policy", "{warnings}");
        }
        let mut records = Records::of(&options.keys, &policy.settings.keys, &options.clock)?;
        let (log, sink) = log(&options, &policy)?;
        let stores = Stores::new(&policy.settings.memory, &*options.clock);
        let env = Env {
            clock: Arc::clone(&options.clock),
            keys: Arc::clone(&records.keys),
            quotas: stores.quotas,
            replays: stores.replays,
            log: sink,
            texts: Arc::new(Files),
            site: Arc::clone(&policy.site),
        };
        let plan = reload::compile(&policy, &env)?;
        let metrics = Metrics::new();
        let edge = Edge::new(Parts {
            plan,
            clock: Arc::clone(&options.clock),
            metrics: Arc::clone(&metrics),
            threads: options.threads.max(1),
        });
        let mut inheritance = options.inheritance;
        let mut inherited = std::mem::take(&mut inheritance.listeners);
        let admin = bind_admin(policy.settings.admin, &mut inherited).await?;
        let addresses = edge
            .bind(inherited)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let reloader = Reloader::new(
            options.policy,
            env.clone(),
            {
                let edge = edge.clone();
                move |plan| edge.swap(plan)
            },
            Arc::clone(&metrics),
            &policy,
        );
        let health = records.health.clone();
        let house = SystemHouse::new(env, edge, metrics, reloader, health, log);
        let house = Arc::new(house);
        let stop_rest = CancellationToken::new();
        let mut rest = vec![tokio::spawn(sweep(house.env.clone(), stop_rest.clone()))];
        let (mut admin_address, mut admin_listener) = (None, None);
        if let Some((admin, again)) = admin {
            admin_address = Some(admin.address());
            admin_listener = again;
            let house = Arc::<SystemHouse>::clone(&house);
            rest.push(tokio::spawn(admin.run(house, stop_rest.clone())));
        }
        records.start();
        if !records.wait(options.snapshot_patience).await {
            tracing::warn!(
                "the key records are not in: requests with a key get 503 until they are"
            );
        }
        let inheritance = take_over(&house.env, inheritance, options.state.as_deref()).await;
        let stop_edge = CancellationToken::new();
        let edge = house.edge.clone();
        let token = stop_edge.clone();
        let drain = policy.settings.drain;
        let edge = tokio::spawn(async move { edge.run(token, drain).await });
        house.enter(Stage::Serving);
        rest.push(follow(house.env.clone(), inheritance, stop_rest.clone()));
        let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let admin_shown = admin_address.map(|address| address.to_string());
        tracing::info!(addresses = shown.join(" "), admin = admin_shown, "serving");
        Ok(Self {
            addresses,
            admin: admin_address,
            house,
            records,
            state: options.state,
            edge,
            stop_edge,
            rest,
            stop_rest,
            admin_listener,
        })
    }

    /// Where it listens for clients, in the order of the policy.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where its private listener is.
    #[must_use]
    pub const fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// How far it is.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.house.state()
    }

    /// What filters get: clock, keys, limits, replay memory, log.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.house.env
    }

    /// The metrics page.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.house.metrics()
    }

    /// Loads the policy file anew; the answer is what somebody should know.
    ///
    /// # Errors
    /// What is wrong, for people: the old policy stays in force.
    pub fn reload(&self) -> Result<String, String> {
        self.house.reload()
    }

    /// Serves by another policy text from the next request on.
    ///
    /// # Errors
    /// [`Unloaded`]; then the old policy stays in force.
    pub fn replace(&self, policy: &str) -> Result<Vec<String>, Unloaded> {
        self.house.reloader.replace(policy)
    }

    /// Waits until the edge ends by itself, which it does only when it cannot go on.
    pub async fn broken(&mut self) -> anyhow::Error {
        match (&mut self.edge).await {
            Ok(Ok(())) => anyhow::anyhow!("the edge ended"),
            Ok(Err(error)) => anyhow::Error::new(error).context("the edge cannot go on"),
            Err(error) => anyhow::Error::new(error).context("the edge broke"),
        }
    }

    /// Starts a new process that takes over, and waits until it is prepared.
    ///
    /// # Errors
    /// When it is not; this system serves on.
    pub async fn start_heir(&self) -> anyhow::Result<Heir> {
        let mut listeners = self.house.edge.listeners()?;
        if let Some(admin) = &self.admin_listener {
            listeners.push(admin.try_clone()?);
        }
        tokio::task::spawn_blocking(move || Heir::start(&listeners)).await?
    }

    /// Ends in good order: requests in flight are answered (for the policy's `drain` at most), what was
    /// used is saved or handed to the heir, usage is written, the log is flushed.
    pub async fn stop(self, heir: Option<Heir>) {
        self.house.enter(Stage::Draining);
        self.stop_edge.cancel();
        let env = self.house.env.clone();
        let heir = match heir {
            Some(heir) => {
                // What is in flight takes its tokens and leaves its signatures here, before the heir
                // gets them; clients that come now wait in the listeners' queue.
                self.house.edge.quiet(QUIET_TIME).await;
                give_state(&env, heir).await
            }
            None => None,
        };
        match self.edge.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the edge did not end in good order"),
            Err(error) => tracing::error!(%error, "the edge broke while it drained"),
        }
        if let Some(heir) = heir {
            let replays = env.replays.save();
            let given = tokio::task::spawn_blocking(move || heir.give_signatures(&replays)).await;
            if !matches!(given, Ok(Ok(()))) {
                tracing::warn!("signatures of the drain were not handed over");
            }
        } else if let Some(path) = &self.state
            && let Err(error) = state::save_file(&env, path)
        {
            tracing::error!(file = %path.display(), %error, "the state is not saved");
        }
        self.records.stop().await;
        self.stop_rest.cancel();
        for task in self.rest {
            let _ = task.await;
        }
        if let Some(log) = &self.house.log
            && !log.close()
        {
            tracing::warn!(
                dropped = log.dropped(),
                "the last access log lines were not written"
            );
        }
    }
}

/// The log when it is ours to close; `None`: it was handed in.
type OwnLog = Option<Arc<AccessLog>>;

/// Where lines go, and the log itself when it is ours.
fn log(options: &SystemOptions, policy: &Policy) -> anyhow::Result<(OwnLog, Arc<dyn LogSink>)> {
    if let Some(sink) = &options.log {
        return Ok((None, Arc::clone(sink)));
    }
    let written = &policy.settings.access_log;
    let target = match written {
        WrittenTarget::Stdout => LogTarget::Stdout,
        WrittenTarget::Stderr => LogTarget::Stderr,
        WrittenTarget::Off => LogTarget::Off,
        WrittenTarget::File(path) => LogTarget::File(path.clone()),
    };
    let log = AccessLog::open(target)
        .with_context(|| format!("the access log cannot be opened at {written:?}"))?;
    let log = Arc::new(log);
    Ok((Some(Arc::clone(&log)), log))
}

/// The private listener, taken from the inherited ones when it is among them; and the same once more
/// for an heir.
async fn bind_admin(
    address: Option<SocketAddr>,
    inherited: &mut Vec<TcpListener>,
) -> anyhow::Result<Option<(Admin, Option<TcpListener>)>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let known = inherited
        .iter()
        .position(|listener| listener.local_addr().is_ok_and(|bound| bound == address));
    let admin = match known {
        Some(place) => Admin::inherit(inherited.swap_remove(place)),
        None => Admin::bind(address).await,
    };
    let admin = admin.with_context(|| format!("cannot listen on {address} (admin)"))?;
    let again = admin.again().ok();
    Ok(Some((admin, again)))
}

/// Takes over what an older process used: from itself, or from the file it left.
async fn take_over(
    env: &Env,
    mut inheritance: Inheritance,
    file: Option<&std::path::Path>,
) -> Inheritance {
    let blocking = tokio::task::spawn_blocking(move || {
        let taken = inheritance.take_state();
        (inheritance, taken)
    });
    let (inheritance, taken) = match blocking.await {
        Ok(done) => done,
        Err(_) => (Inheritance::default(), Ok(None)),
    };
    match taken {
        Ok(Some(bytes)) => {
            if let Err(error) = state::load(env, &bytes) {
                tracing::warn!(error, "limits and replay memory begin anew");
            }
        }
        Ok(None) => {
            if let Some(path) = file {
                state::load_file(env, path);
            }
        }
        Err(error) => tracing::warn!(%error, "the older process gave no state"),
    }
    inheritance
}

/// Tells the older process that we serve, and takes over the signatures of its drain.
fn follow(env: Env, mut inheritance: Inheritance, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let waiting = tokio::task::spawn_blocking(move || {
            inheritance.serving()?;
            inheritance.take_signatures()
        });
        let taken = tokio::select! {
            () = stop.cancelled() => return,
            taken = waiting => taken,
        };
        match taken {
            Ok(Ok(Some(bytes))) => {
                if let Err(error) = env.replays.load(&bytes) {
                    tracing::warn!(%error, "signatures of the older process's drain are not known");
                }
            }
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the older process ended without its last signatures");
            }
        }
    })
}

/// Gives the state to the heir; `None` when it did not take it.
async fn give_state(env: &Env, mut heir: Heir) -> Option<Heir> {
    // A request that is not judged yet would be remembered here alone, and its copy accepted there.
    env.replays.seal(true);
    let bytes = state::save(env);
    let given = tokio::task::spawn_blocking(move || heir.give_state(&bytes).map(|()| heir));
    match given.await {
        Ok(Ok(heir)) => {
            tracing::info!(process = heir.id(), "the new process serves; draining");
            Some(heir)
        }
        Ok(Err(error)) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the new process did not take over"
            );
            env.replays.seal(false);
            None
        }
        Err(_) => None,
    }
}

/// Keeps memory of an idle process from holding what has left its window.
async fn sweep(env: Env, stop: CancellationToken) {
    let mut tick = tokio::time::interval(SWEEP_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while tokio::select! {
        () = stop.cancelled() => false,
        _ = tick.tick() => true,
    } {
        env.replays.sweep(env.clock.now().unix_s());
    }
}
