//! A certificate for `localhost`, made for the run, and clients that believe in it.

use anyhow::Context;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// An ECDSA P-256 certificate and its key.
pub struct Certificate {
    /// The certificate in PEM.
    pub certificate: String,
    /// The private key in PEM.
    pub key: String,
    roots: RootCertStore,
}

// === impl Certificate ===

impl Certificate {
    /// A new one.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn make() -> anyhow::Result<Self> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()])?;
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone())?;
        Ok(Self {
            certificate: cert.pem(),
            key: signing_key.serialize_pem(),
            roots,
        })
    }

    /// A client that shakes hands in full every time: TLS 1.3, no resumption, HTTP/1.1.
    ///
    /// # Errors
    /// When the provider knows no TLS 1.3.
    pub fn client(&self) -> anyhow::Result<TlsConnector> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .context("no TLS 1.3")?
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_its_clients_root() {
        let made = Certificate::make().unwrap();
        assert!(made.certificate.contains("BEGIN CERTIFICATE"));
        assert!(made.key.contains("PRIVATE KEY"));
        assert_eq!(made.roots.len(), 1);
        assert!(made.client().is_ok());
    }
}
