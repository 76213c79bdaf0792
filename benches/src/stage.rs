//! Where the measured processes stand: their cores, the origin behind them, and a folder with all that
//! they are told beforehand — keys, tiers, tokens' public key, certificate.
//!
//! | file | for | line |
//! |---|---|---|
//! | `keys.tsv` | nginx's Lua | key, tier, secret in base64, by tabs |
//! | `keys.map` | nginx | key, tier, as lines of a `map` |
//! | `tier.map`, `secret.map` | HAProxy | key, and its tier or secret in base64 |
//! | `minute.map`, `hour.map` | HAProxy | tier, and requests in that time |
//! | `public.pem`, `jwks.json` | everybody | the tokens' public key |
//! | `certificate.pem`, `key.pem`, `both.pem` | everybody | TLS |
//! | `edge.lua` | nginx | the Lua of `peers/` |

use crate::certificate::Certificate;
use crate::cores::Cores;
use crate::partners::{EXHAUSTED_TIER, Partner, TIER};
use crate::tokens::{TOKENS, Tokens};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

const LUA: &str = include_str!("../peers/edge.lua");

/// Cores, origin, folder.
pub struct Stage {
    /// Which core is whose.
    pub cores: Cores,
    /// The origin.
    pub origin: SocketAddr,
    /// Where files are, and processes write.
    pub folder: PathBuf,
    /// The tokens.
    pub tokens: Tokens,
    /// The certificate.
    pub certificate: Certificate,
}

// === impl Stage ===

impl Stage {
    /// Writes everything below `folder`, which is emptied first.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn set(
        cores: Cores,
        origin: SocketAddr,
        folder: &Path,
        unix_s: u64,
    ) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let stage = Self {
            cores,
            origin,
            folder,
            tokens: Tokens::make(TOKENS, unix_s)?,
            certificate: Certificate::make()?,
        };
        for (name, text) in stage.files() {
            let path = stage.folder.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(stage)
    }

    /// A folder of its own for a process.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn room(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A file's path, for a configuration.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn files(&self) -> [(&'static str, String); 12] {
        let mut partners = Partner::all();
        partners.extend(Partner::exhausted());
        let lines =
            |line: &dyn Fn(&Partner) -> String| -> String { partners.iter().map(line).collect() };
        let secret = |partner: &Partner| STANDARD.encode(partner.secret_bytes());
        let per_tier = |plenty: u64| {
            let mut text = String::new();
            let _ = writeln!(text, "{TIER} {plenty}");
            let _ = writeln!(text, "{EXHAUSTED_TIER} 0");
            text
        };
        let Certificate {
            certificate, key, ..
        } = &self.certificate;
        [
            (
                "keys.tsv",
                lines(&|p| format!("{}\t{}\t{}\n", p.key, p.tier(), secret(p))),
            ),
            ("keys.map", lines(&|p| format!("{} {};\n", p.key, p.tier()))),
            ("tier.map", lines(&|p| format!("{} {}\n", p.key, p.tier()))),
            (
                "secret.map",
                lines(&|p| format!("{} {}\n", p.key, secret(p))),
            ),
            ("minute.map", per_tier(100_000_000)),
            ("hour.map", per_tier(1_000_000_000)),
            ("public.pem", self.tokens.pem.clone()),
            ("jwks.json", self.tokens.jwks.clone()),
            ("certificate.pem", certificate.clone()),
            ("key.pem", key.clone()),
            ("both.pem", format!("{certificate}{key}")),
            ("edge.lua", LUA.to_owned()),
        ]
    }
}

/// An address that was free a moment ago, for processes that cannot be asked which port they took.
///
/// # Errors
/// When there is none.
pub fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
