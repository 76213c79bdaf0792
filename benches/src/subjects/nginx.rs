//! nginx (`peers/nginx.conf`), with one worker; its Lua only where the module is.

use super::template::{Filled, without};
use super::{Running, Subject, find, first_line, spawn};
use crate::stage::Stage;
use crate::workloads::{Door, Workload};
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONFIGURATION: &str = include_str!("../../peers/nginx.conf");

/// The Lua module, where Debian puts it.
const LUA: &str = "/usr/lib/nginx/modules/ngx_http_lua_module.so";

/// nginx.
pub struct Nginx {
    program: Option<PathBuf>,
    lua: bool,
}

// === impl Nginx ===

impl Nginx {
    /// The nginx of this machine, if there is one.
    #[must_use]
    pub fn find() -> Self {
        Self {
            program: find("nginx", &["/usr/sbin/nginx"]),
            lua: Path::new(LUA).is_file(),
        }
    }
}

impl Subject for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn version(&self) -> Option<String> {
        let line = first_line(&self.program, "-v")?;
        let (_, version) = line.split_once("version: ")?;
        let lua = if self.lua { " with Lua" } else { "" };
        Some(format!("{}{lua}", version.trim()))
    }

    fn missing(&self) -> Option<String> {
        let hint = "nginx is not installed and left out (Debian: apt-get install nginx-light libnginx-mod-http-lua lua-cjson)";
        self.program.is_none().then(|| hint.to_owned())
    }

    fn serves(&self, workload: &Workload) -> bool {
        let lua = matches!(
            workload.door,
            Door::Sign | Door::Jwt | Door::JwtCached | Door::Mixed
        );
        !workload.is_ours_alone() && (self.lua || !lua)
    }

    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running> {
        let program = self.program.as_ref().context("nginx is not installed")?;
        let folder = stage.room("nginx")?;
        let filled = if self.lua {
            Filled::from(CONFIGURATION, stage)?
        } else {
            Filled::from(&without(CONFIGURATION, "lua"), stage)?
        };
        let file = folder.join("nginx.conf");
        fs::write(&file, &filled.text)?;
        let mut command = Command::new(program);
        command
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(Running {
            child: spawn(&mut command, &stage.cores)?,
            address: filled.door(workload.door),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads;

    #[test]
    fn a_machine_without_nginx_is_told_how_to_get_it() {
        let nginx = Nginx {
            program: None,
            lua: false,
        };
        let told = nginx.missing().unwrap();
        assert!(told.contains("apt-get install nginx-light"), "{told}");
        let found = Nginx {
            program: Some(PathBuf::from("/usr/sbin/nginx")),
            ..nginx
        };
        assert_eq!(found.missing(), None);
    }

    #[test]
    fn only_with_lua_it_verifies_signatures_and_tokens() {
        for (name, plain, with_lua) in [
            ("pass", true, true),
            ("refuse", true, true),
            ("sign", false, true),
            ("jwt-cached", false, true),
            ("many-keys-1m", false, false),
            ("mixed", false, true),
        ] {
            let workload = workloads::find(name).unwrap();
            let serves = |lua| Nginx { program: None, lua }.serves(&workload);
            assert_eq!((serves(false), serves(true)), (plain, with_lua), "{name}");
        }
    }
}
