//! A real PostgreSQL for tests, from the programs that the machine has (Debian: `postgresql`).
//!
//! It lives in a temporary folder, listens on a free port of 127.0.0.1, lets anybody in, and goes
//! when dropped. Tests that need it fail where it is missing; they are never skipped in silence.
//! Methods block: a test can afford it, and they work in and out of a runtime.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Lowest major version that our SQL is written for.
const MAJOR_MIN: u32 = 15;

/// Attempts to find a port that nobody takes between our look and the server's start.
const PORT_ATTEMPTS: u32 = 5;

/// What PostgreSQL says when it can be reached.
const READY: &str = "database system is ready to accept connections";

/// Tells the folders of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A PostgreSQL server of its own, stopped and removed on drop.
pub struct LocalPostgres {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<User>,
    port: u16,
    tls: bool,
    server: Option<Child>,
}

/// Whom the server runs as, when we are root and it refuses to be.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl LocalPostgres {
    /// Makes a cluster and starts a server on it: one to two seconds.
    ///
    /// # Errors
    /// When no PostgreSQL of version 15 or newer is installed, or it does not start; the text says
    /// which and what to do.
    pub fn start() -> io::Result<Self> {
        let programs = programs()?;
        let user = unprivileged_user()?;
        let folder = new_folder()?;
        if let Some(user) = user {
            std::os::unix::fs::chown(&folder, Some(user.uid), Some(user.gid))?;
        }
        let mut postgres = Self {
            programs,
            folder,
            user,
            port: 0,
            tls: false,
            server: None,
        };
        let made = postgres
            .command("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--no-sync", "--no-instructions", "--pgdata"])
            .arg(postgres.data())
            .output()?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(io::Error::other(format!("initdb failed: {why}")));
        }
        postgres.run()?;
        Ok(postgres)
    }

    /// The address of the database that every cluster has, for `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of another database of this server.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and returns its address: one server serves many tests.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn create_database(&self, name: &str) -> io::Result<String> {
        let made = self
            .command("createdb")
            .args([
                "--host=127.0.0.1",
                "--username=postgres",
                "--template=template0",
            ])
            .arg(format!("--port={}", self.port))
            .arg(name)
            .output()?;
        match made.status.success() {
            true => Ok(self.url_of(name)),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&made.stderr).into_owned(),
            )),
        }
    }

    /// Ends the server at once, as a crash of it would; the data stays.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub fn stop(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        // "Immediate": no checkpoint, no good-bye. Not SIGKILL, which would leave its children and
        // their shared memory behind.
        self.signal("QUIT", server.id())?;
        server.wait().map(drop)
    }

    /// Starts it again on the same port, after [`LocalPostgres::stop`] or instead of it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop()?;
        self.launch()
    }

    /// Starts it again, able to speak TLS with this certificate and key, both in PEM.
    ///
    /// # Errors
    /// When it does not start with them.
    pub fn restart_with_tls(&mut self, certificate: &str, key: &str) -> io::Result<()> {
        use std::os::unix::fs::{PermissionsExt, chown};
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = self.data().join(name);
            fs::write(&file, text)?;
            // PostgreSQL refuses a key that others can read.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            if let Some(user) = self.user {
                chown(&file, Some(user.uid), Some(user.gid))?;
            }
        }
        self.tls = true;
        self.restart()
    }

    /// Halts the server in its tracks: it accepts connections and answers nothing.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub fn pause(&self) -> io::Result<()> {
        self.signal_all("STOP")
    }

    /// Lets a halted server go on.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub fn resume(&self) -> io::Result<()> {
        self.signal_all("CONT")
    }

    /// Finds a port and starts on it.
    fn run(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        for _ in 0..PORT_ATTEMPTS {
            self.port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            outcome = self.launch();
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn launch(&mut self) -> io::Result<()> {
        let mut server = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ])
            // A test survives the crash of the server, not that of the machine.
            .args([
                "-c",
                "fsync=off",
                "-c",
                "shared_buffers=16MB",
                "-c",
                "max_connections=60",
            ])
            .args(["-c", "logging_collector=off", "-c", "lc_messages=C"])
            .args(["-c", if self.tls { "ssl=on" } else { "ssl=off" }])
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = server.stderr.take().expect("standard error was asked for");
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        loop {
            match lines.next() {
                Some(Ok(line)) if line.contains(READY) => break,
                Some(Ok(line)) => {
                    said.push_str(&line);
                    said.push('\n');
                }
                Some(Err(_)) | None => {
                    server.wait()?;
                    return Err(io::Error::other(format!(
                        "PostgreSQL did not start: {said}"
                    )));
                }
            }
        }
        // It must never wait for somebody to read what it says.
        std::thread::spawn(move || lines.for_each(drop));
        self.server = Some(server);
        Ok(())
    }

    fn signal_all(&self, signal: &str) -> io::Result<()> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let parent = server.id();
        self.signal(signal, parent)?;
        // The processes that serve connections are its children.
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        for child in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            // One that has just ended needs no signal.
            let _ = self.signal(signal, child);
        }
        Ok(())
    }

    fn signal(&self, signal: &str, pid: u32) -> io::Result<()> {
        let sent = match signal {
            // `pg_ctl kill` knows no CONT.
            "STOP" | "CONT" => Command::new("sh")
                .arg("-c")
                .arg(format!("kill -{signal} {pid}"))
                .output()?,
            _ => self
                .command("pg_ctl")
                .args(["kill", signal, &pid.to_string()])
                .output()?,
        };
        match sent.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&sent.stderr).into_owned(),
            )),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .current_dir(&self.folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(user) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, user.uid);
            std::os::unix::process::CommandExt::gid(&mut command, user.gid);
        }
        command
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        let _ = self.resume();
        let _ = self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder with `initdb` and `postgres`: Debian keeps several versions beside each other.
fn programs() -> io::Result<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .filter(|(major, bin)| *major >= MAJOR_MIN && bin.join("initdb").exists())
        .collect();
    versions.sort();
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|bin| bin.join("initdb").exists())
    };
    versions
        .pop()
        .map(|(_, bin)| bin)
        .or_else(on_path)
        .ok_or_else(|| {
            io::Error::other(
                "PostgreSQL 15 or newer is not installed: 'apt-get install postgresql' brings it",
            )
        })
}

/// PostgreSQL refuses root: its own user if there is one, `nobody` otherwise, ourselves if not root.
fn unprivileged_user() -> io::Result<Option<User>> {
    let own = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self")?);
    if own != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(User {
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    };
    match find("postgres").or_else(|| find("nobody")) {
        Some(user) => Ok(Some(user)),
        None => Err(io::Error::other(
            "PostgreSQL refuses root, and there is no user 'nobody'",
        )),
    }
}

fn new_folder() -> io::Result<PathBuf> {
    let base: &Path = &std::env::temp_dir();
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = base.join(format!("tidegate-postgres-{}-{number}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
