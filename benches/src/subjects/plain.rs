//! Pingora alone: a `ProxyHttp` that chooses the origin and does nothing else. What Tidegate's Pingora
//! lane stands on, without Tidegate.

use super::{Running, Subject, end_with_input, spawn_self};
use crate::stage::{Stage, free_address};
use crate::workloads::{Door, Workload};
use anyhow::Context;
use async_trait::async_trait;
use pingora::apps::HttpServerOptions;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// The argument that makes a program of the suite plain Pingora; the origin's address and the folder
/// with the certificate follow.
pub const SERVE: &str = "--serve-pingora";

/// Upstream connections that are kept.
const KEPT: usize = 1024;

/// How long an upstream connection is kept.
const KEPT_FOR: Duration = Duration::from_secs(75);

/// Plain Pingora.
pub struct PlainPingora;

struct Forward {
    origin: SocketAddr,
}

// === impl PlainPingora ===

impl Subject for PlainPingora {
    fn name(&self) -> &'static str {
        "pingora"
    }

    fn is_compared(&self) -> bool {
        false
    }

    fn version(&self) -> Option<String> {
        Some("Pingora 0.9 alone, mimalloc, no work stealing".to_owned())
    }

    fn serves(&self, workload: &Workload) -> bool {
        matches!(workload.door, Door::Pass | Door::Tls | Door::Http2)
    }

    fn start(&self, stage: &Stage, workload: &Workload) -> anyhow::Result<Running> {
        let arguments = [
            SERVE.to_owned(),
            stage.origin.to_string(),
            stage.folder.display().to_string(),
        ];
        spawn_self(&arguments, stage, usize::from(workload.door == Door::Tls))
    }
}

// === impl Forward ===

#[async_trait]
impl ProxyHttp for Forward {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> pingora::Result<Box<HttpPeer>> {
        let mut peer = HttpPeer::new(self.origin, false, String::new());
        peer.options.idle_timeout = Some(KEPT_FOR);
        Ok(Box::new(peer))
    }
}

/// Is plain Pingora, until standard input ends.
///
/// # Errors
/// When nothing can be bound.
pub fn serve(origin: SocketAddr, folder: &Path) -> anyhow::Result<()> {
    end_with_input();
    let conf = ServerConf {
        threads: 1,
        work_stealing: false,
        upstream_keepalive_pool_size: KEPT,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Forward { origin });
    let logic = service.app_logic_mut().context("the service is whole")?;
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    logic.server_options = Some(options);
    let (plain, tls) = (free_address()?, free_address()?);
    service.add_tcp(&plain.to_string());
    let file = |name: &str| folder.join(name).display().to_string();
    service.add_tls(&tls.to_string(), &file("certificate.pem"), &file("key.pem"))?;
    server.add_service(service);
    writeln!(std::io::stdout(), "{plain} {tls}")?;
    server.run_forever()
}
