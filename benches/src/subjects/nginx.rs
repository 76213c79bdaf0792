//! nginx as a plain proxy (`peers/nginx.conf`), with one worker.

use super::{Running, Subject, spawn};
use crate::cores::Cores;
use anyhow::Context;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONFIGURATION: &str = include_str!("../../peers/nginx.conf");

/// Where Debian puts it, which is not on everybody's path.
const USUAL: &str = "/usr/sbin/nginx";

/// nginx.
pub struct Nginx {
    program: Option<PathBuf>,
    /// Where it writes.
    folder: PathBuf,
}

// === impl Nginx ===

impl Nginx {
    /// The nginx of this machine, if there is one; it writes below `folder`.
    #[must_use]
    pub fn find(folder: &Path) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .map(|folder| folder.join("nginx"))
            .chain([PathBuf::from(USUAL)])
            .find(|program| program.is_file());
        Self {
            program,
            folder: folder.join("nginx"),
        }
    }

    /// What it calls its version.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let output = Command::new(self.program.as_ref()?)
            .arg("-v")
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, version) = text.split_once("version: ")?;
        Some(version.trim().to_owned())
    }
}

impl Subject for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn missing(&self) -> Option<String> {
        let hint = "nginx is not installed and left out (Debian: apt-get install nginx-light)";
        self.program.is_none().then(|| hint.to_owned())
    }

    fn start(&self, cores: &Cores, origin: SocketAddr) -> anyhow::Result<Running> {
        let program = self.program.as_ref().context("nginx is not installed")?;
        fs::create_dir_all(&self.folder)?;
        let address = free_address()?;
        let text = CONFIGURATION
            .replace("{listen}", &address.to_string())
            .replace("{origin}", &origin.to_string());
        let file = self.folder.join("nginx.conf");
        fs::write(&file, text)?;
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(&self.folder)
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = spawn(&mut command, cores)?;
        Ok(Running { child, address })
    }
}

/// An address that was free a moment ago: nginx cannot be asked which port it took.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_nginx_is_told_how_to_get_it() {
        let nginx = Nginx {
            program: None,
            folder: PathBuf::new(),
        };
        let told = nginx.missing().unwrap();
        assert!(told.contains("apt-get install nginx-light"), "{told}");
        let cores = Cores {
            subject: 0,
            load: 0,
        };
        assert!(nginx.start(&cores, ([127, 0, 0, 1], 9).into()).is_err());
        let found = Nginx {
            program: Some(PathBuf::from(USUAL)),
            ..nginx
        };
        assert_eq!(found.missing(), None);
    }
}
