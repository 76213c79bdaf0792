//! Certificates in files, and a client that believes in them.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What the certificate is for.
const NAMES: [&str; 3] = ["edge.example", "other.example", "127.0.0.1"];

/// A certificate for `edge.example`, `other.example` and 127.0.0.1, and its key, in files of their own
/// folder.
pub struct Files {
    /// The folder, gone when this is dropped.
    pub folder: TempDir,
    /// The certificate in PEM.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
    roots: RootCertStore,
}

// === impl Files ===

impl Files {
    /// A new certificate.
    ///
    /// # Panics
    /// When the folder for passing things cannot be written to.
    #[must_use]
    pub fn make() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(NAMES.map(str::to_owned)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let certificate = folder.path().join("certificate.pem");
        let key = folder.path().join("key.pem");
        std::fs::write(&certificate, cert.pem()).unwrap();
        std::fs::write(&key, signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        Self {
            folder,
            certificate,
            key,
            roots,
        }
    }

    /// Shakes hands, offering these versions and protocols.
    ///
    /// # Errors
    /// When the other side does not want to.
    pub async fn connect(
        &self,
        address: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(address).await?;
        self.shake(tcp, "edge.example", self.config(versions, protocols))
            .await
    }

    /// Shakes hands on this connection, naming this server; an address is never named (RFC 6066,
    /// section 3).
    ///
    /// # Errors
    /// When the other side does not want to.
    ///
    /// # Panics
    /// When the name is none.
    pub async fn shake(
        &self,
        tcp: TcpStream,
        name: &str,
        config: ClientConfig,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
    }

    /// What a client offers that believes in this certificate.
    ///
    /// # Panics
    /// When no such version exists.
    #[must_use]
    pub fn config(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> ClientConfig {
        self.config_of(aws_lc_rs::default_provider(), versions, protocols)
    }

    /// The same with other suites.
    ///
    /// # Panics
    /// When no such version exists.
    #[must_use]
    pub fn config_of(
        &self,
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> ClientConfig {
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        config
    }
}
