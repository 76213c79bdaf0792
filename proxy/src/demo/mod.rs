//! Everything in one process, for trying out: the edge, the service behind it, and PostgreSQL (the
//! embedded one, or that of `DATABASE_URL`), with a sandbox partner whose keys are printed.
//!
//! ```text
//! start:  folder ─► port ─► database ─► service ─► keys ─► edge ─► page
//! stop:   edge (drains half a second) ─► service ─► database
//! ```
//!
//! What can be wrong is looked for in the order of how soon it can be told: a busy port is said before
//! a database is started. Data stays in the folder; the same keys are printed on the next run.

mod folder;
mod page;
mod partner;
mod policy;

use crate::assemble::signals::Signals;
use crate::assemble::{Inheritance, KeySource, System, SystemOptions, secrets};
use crate::cli::output;
use crate::reload::PolicySource;
use crate::telemetry::{AccessLog, LogTarget, SystemClock};
use anyhow::Context;
use control::keys::{Keys, MasterKeys};
use database::{Database, PoolLimits};
use filters::clock::Clock;
use folder::Folder;
use page::Page;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// After Ctrl-C the process ends within this time, whatever still hangs: the database keeps what it
/// acknowledged even then.
const STOP_TIME: Duration = Duration::from_millis(1800);

/// What is asked of a demo.
pub struct DemoOptions {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where data is kept.
    pub folder: PathBuf,
    /// Start over.
    pub fresh: bool,
    /// PostgreSQL, in place of the embedded one.
    pub database: Option<String>,
    /// Print one line for scripts.
    pub json: bool,
    /// Access log lines go to standard error.
    pub log: bool,
}

/// Opens the folder and finds the embedded database's cache: before threads and sockets, for it may
/// start this program anew.
///
/// # Errors
/// When the folder cannot be used.
pub fn prepare(options: &DemoOptions) -> anyhow::Result<Prepared> {
    let folder = Folder::open(&options.folder)?;
    if options.database.is_none() {
        database::embedded_cache(folder.path())
            .context("the embedded database has no place for its code")?;
    }
    Ok(Prepared { folder })
}

/// A demo whose folder is open.
pub struct Prepared {
    folder: Folder,
}

/// Runs a demo until it is told to stop.
///
/// # Errors
/// When it cannot be started: one sentence.
pub async fn run(prepared: Prepared, options: DemoOptions) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("signals cannot be listened for")?;
    let started = tokio::select! {
        started = Demo::start(&prepared.folder, &options) => started,
        () = signals.stop() => return Ok(()),
    };
    let mut demo = started?;
    demo.show(&prepared.folder, &options)?;
    let broken = tokio::select! {
        () = signals.stop() => None,
        error = demo.system.broken() => Some(error),
    };
    if broken.is_none() {
        output::tell("stopping");
    }
    if tokio::time::timeout(STOP_TIME, demo.stop()).await.is_err() {
        output::tell("something still hangs: ending without it");
    }
    broken.map_or(Ok(()), Err)
}

/// A running demo.
struct Demo {
    system: System,
    keys: Vec<partner::PartnerKey>,
    database: Database,
    upstream: JoinHandle<std::io::Result<()>>,
    stop_upstream: CancellationToken,
    log: Arc<AccessLog>,
}

// === impl Demo ===

impl Demo {
    async fn start(folder: &Folder, options: &DemoOptions) -> anyhow::Result<Self> {
        let listener = bind(options.listen)?;
        let address = listener.local_addr()?;
        if options.fresh {
            folder.clear()?;
        }
        let database = open_database(folder, options).await?;
        let started = Self::on(database.clone(), listener, address, folder, options).await;
        if started.is_err() {
            database.close().await;
        }
        started
    }

    async fn on(
        database: Database,
        listener: TcpListener,
        address: SocketAddr,
        folder: &Folder,
        options: &DemoOptions,
    ) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock::new());
        output::tell("preparing the service and its data");
        let prepared = upstream_stub::prepare(&database).await;
        prepared.context("the service's tables cannot be brought up to date")?;
        let seeded = upstream_stub::seed(&database).await;
        seeded.context("the service's data cannot be put in")?;
        let master = Arc::new(master_key(&folder.master_key())?);
        let service = Keys::new(database.clone(), master, Arc::<SystemClock>::clone(&clock));
        let migrated = service.migrate().await;
        migrated.context("the tables of the keys cannot be brought up to date")?;
        let keys = partner::keys(&service, &folder.keys(), clock.now()).await?;

        let behind = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let upstream_address = behind.local_addr()?;
        let stop_upstream = CancellationToken::new();
        let router = upstream_stub::router(database.clone(), &upstream_stub::Options::default());
        let upstream = tokio::spawn(upstream_stub::serve(
            tokio::net::TcpListener::from_std(behind)?,
            router,
            stop_upstream.clone(),
        ));

        let target = if options.log {
            LogTarget::Stderr
        } else {
            LogTarget::Off
        };
        let log = Arc::new(AccessLog::open(target)?);
        let source = PolicySource::Text {
            name: policy::NAME.to_owned(),
            text: policy::text(address, upstream_address),
        };
        let system = SystemOptions {
            clock,
            keys: KeySource::Service(service),
            log: Some(Arc::<AccessLog>::clone(&log)),
            state: Some(folder.state()),
            inheritance: Inheritance::of_listeners(vec![listener]),
            ..SystemOptions::new(source)
        };
        let system = System::start(system).await?;
        Ok(Self {
            system,
            keys,
            database,
            upstream,
            stop_upstream,
            log,
        })
    }

    fn show(&self, folder: &Folder, options: &DemoOptions) -> anyhow::Result<()> {
        let program = program();
        let page = Page {
            address: self.system.addresses()[0],
            admin: self.system.admin(),
            folder: folder.path(),
            keys: &self.keys,
            program: &program,
            server: options.database.is_some(),
        };
        if options.json {
            output::line(&page.json())
        } else {
            output::line(&page.text(output::colours()))
        }
    }

    async fn stop(self) {
        self.system.stop(None).await;
        self.stop_upstream.cancel();
        let _ = self.upstream.await;
        self.database.close().await;
        let _ = self.log.close();
    }
}

async fn open_database(folder: &Folder, options: &DemoOptions) -> anyhow::Result<Database> {
    match &options.database {
        Some(url) => {
            output::tell("connecting to the PostgreSQL of DATABASE_URL");
            Database::connect(&secrets::argument(url)?, PoolLimits::default())
                .await
                .context("the database of DATABASE_URL cannot be used")
        }
        None => {
            let fresh = !folder.database().exists();
            let how = if fresh {
                " (the first time takes some seconds more)"
            } else {
                ""
            };
            output::tell(&format!("starting the embedded PostgreSQL{how}"));
            slowly("still starting it", Database::embedded(&folder.database()))
                .await
                .map_err(|error| anyhow::anyhow!("{}", in_one_line(&error.to_string())))
                .context("the embedded database cannot be started")
        }
    }
}

/// What a database says that does not start. PostgreSQL says a page about damaged files: of that only
/// the line that tells why.
fn in_one_line(page: &str) -> String {
    if !page.contains('\n') {
        return page.to_owned();
    }
    let why = page.lines().find_map(|line| {
        let words = ["PANIC:", "FATAL:"].into_iter();
        words.filter_map(|word| line.split_once(word)).next()
    });
    let why = why.map_or("PostgreSQL says nothing more", |(_, why)| why.trim());
    format!("its files are damaged: start over with --fresh ({why})")
}

/// Says so when something takes long.
async fn slowly<T>(text: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        match tokio::time::timeout(Duration::from_secs(10), &mut work).await {
            Ok(done) => return done,
            Err(_) => output::tell(text),
        }
    }
}

/// The demo's own master key, made on the first run.
fn master_key(path: &Path) -> anyhow::Result<MasterKeys> {
    let text = match folder::read(path)? {
        Some(text) => text,
        None => {
            let fresh = MasterKeys::generate().context("no master key can be made")?;
            folder::write(path, fresh.reveal())?;
            fresh.reveal().to_owned()
        }
    };
    secrets::master_keys(&text)
        .with_context(|| format!("{} is damaged: start over with --fresh", path.display()))
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let domain = socket2::Domain::for_address(address);
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(domain, kind, Some(socket2::Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        std::io::Result::Ok(TcpListener::from(socket))
    };
    match bound() {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => anyhow::bail!(
            "{address} is in use: stop what listens there, or give --listen with another port"
        ),
        bound => bound.with_context(|| format!("cannot listen on {address}")),
    }
}

/// This program, as short as a shell in this folder finds it.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else {
        return "tidegate".to_owned();
    };
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    match short {
        // A plain name would be looked for in PATH.
        Some(short) if short.components().count() == 1 => format!("./{}", short.display()),
        Some(short) => short.display().to_string(),
        None => path.display().to_string(),
    }
}
